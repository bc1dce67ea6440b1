"""Shards on a Ray cluster: tasks of Ray Core, their results taken in shard order.

Ray starts a task again whose worker or node died. What a shard names has to be readable on every
node: parts of the data lie on a shared file system or in an object store.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar

from dure.errors import MissingExtraError, ShardError, UsageError

Shard = TypeVar("Shard")
Result = TypeVar("Result")

_AHEAD = 4  # shards in work for each processor: enough that none waits, few enough to hold


class RayEngine:
    """Runs a function on shards as Ray tasks; see `dure.engines.Engine` for its rules.

    Parameters
    ----------
    address : str, optional
        Of the cluster, such as ``"ray://head:10001"`` or ``"auto"``. Default: the cluster that
        this process is connected to, else that of ``RAY_ADDRESS``, else one that is started on
        this machine and ends with `close`.
    cpus : float
        Processors that one shard takes. Default 1.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    UsageError
        There is no cluster at the address.

    Examples
    --------
    >>> with RayEngine() as engine:  # doctest: +SKIP
    ...     statistics = describe(examples, engine=engine)
    """

    def __init__(self, address: str | None = None, *, cpus: float = 1.0) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", extra="ray", purpose="running on a cluster") from error
        self._ray: Any = ray
        self._cpus = cpus
        self._started = not ray.is_initialized()
        if self._started:
            try:
                ray.init(address=address, log_to_driver=False, logging_level="error")
            except ConnectionError as error:
                raise UsageError(
                    f"there is no Ray cluster at '{address}'",
                    expected="the address of a running head node",
                    got=str(error).splitlines()[0],
                    fix="start one with: ray start --head; or leave the address out",
                ) from error

    def map(
        self,
        function: Callable[[Shard], Result],
        shards: Sequence[Shard],
        *,
        retries: int = 2,
        memory: int | None = None,
    ) -> Iterator[Result]:
        """Yield ``function(shard)`` for each shard, in their order; see `dure.engines.Engine`.

        Raises
        ------
        ShardError
            The workers of one shard died more than ``retries`` times, or no node has the
            processors and the memory that a shard needs.
        """
        self._check_room(memory)

        def run(shard: Shard) -> Result:  # Ray takes Python's functions alone, `map` any callable
            return function(shard)

        task = self._ray.remote(run).options(
            num_cpus=self._cpus, memory=memory, max_retries=retries, retry_exceptions=False
        )
        window = max(1, int(_AHEAD * self._ray.cluster_resources().get("CPU", 1) / self._cpus))
        pending: deque[Any] = deque()
        done = 0
        try:
            for shard in shards:
                if len(pending) >= window:
                    yield self._result(pending.popleft(), done, len(shards), retries)
                    done += 1
                pending.append(task.remote(shard))
            while pending:
                yield self._result(pending.popleft(), done, len(shards), retries)
                done += 1
        finally:
            for reference in pending:
                self._ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leave the cluster, if this engine is what joined it."""
        if self._started:
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_room(self, memory: int | None) -> None:
        # Ray waits for ever for a node that nobody adds.
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        for node in nodes:
            if node.get("CPU", 0) >= self._cpus and node.get("memory", 0) >= (memory or 0):
                return
        most = {
            name: max((node.get(name, 0) for node in nodes), default=0)
            for name in ("CPU", "memory")
        }
        raise ShardError(
            "no node of the Ray cluster is large enough for one part of the data",
            expected=f"{self._cpus:g} processors and {(memory or 0) / 2**20:,.0f} MiB on one node",
            got=f"{len(nodes)} nodes with at most {most['CPU']:g} processors and "
            f"{most['memory'] / 2**20:,.0f} MiB",
            fix="add a larger node, or ask for less",
        )

    def _result(self, reference: Any, index: int, total: int, retries: int) -> Any:
        from ray import exceptions

        try:
            return self._ray.get(reference)
        except exceptions.RayTaskError as error:
            # The function's own exception, as if it had run here, with where it ran as a note.
            cause: BaseException = error.cause
            cause.add_note(str(error))
            raise cause from None
        except (
            exceptions.WorkerCrashedError,
            exceptions.NodeDiedError,
            exceptions.OutOfMemoryError,
            exceptions.ObjectLostError,
        ) as error:
            raise ShardError(
                f"the workers of part {index + 1} of {total} died",
                expected="a worker that lives until its part is done",
                got=f"{type(error).__name__} after {retries + 1} attempts",
                fix="see the logs of Ray; does one part need more memory than a node has?",
            ) from error
