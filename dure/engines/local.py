"""Shards in processes of this machine: kept warm, replaced when they die, gone when it is over.

A worker is a fresh interpreter and no fork: threads of Polars or TensorFlow in this process cannot
leave it with locks that nobody holds, and the script that calls needs no ``__main__`` guard.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Self, TypeVar

import cloudpickle
import psutil

from dure.errors import ShardError, UsageError

Shard = TypeVar("Shard")
Result = TypeVar("Result")

_AHEAD = 4  # shards in work for each worker: enough that none waits, few enough to hold
_STOP = 5.0  # seconds that a worker gets to end by itself
_CODE = "from dure.engines.local import serve; serve()"


class LocalEngine:
    """Runs a function on shards in worker processes; see `dure.engines.Engine` for its rules.

    Parameters
    ----------
    workers : int, optional
        How many processes; default: as many as there are processors. 1: no process at all,
        everything runs in this one, and nothing can be retried.

    Raises
    ------
    UsageError
        ``workers`` is less than 1.

    Notes
    -----
    Workers start with the first `map` and stay until `close`, the end of a ``with`` block, or the
    end of this process, however it ends. One engine serves one thread at a time.

    Examples
    --------
    >>> with LocalEngine(workers=1) as engine:
    ...     list(engine.map(abs, [-1, -2]))
    [1, 2]
    """

    def __init__(self, workers: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise UsageError("an engine without workers", expected="1 or more", got=str(workers))
        self.workers = workers or len(psutil.Process().cpu_affinity() or [0])
        self._idle: list[_Worker] = []

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
            The workers of one shard died more than ``retries`` times, or its result or exception
            cannot be sent.
        """
        if self.workers == 1:
            yield from map(function, shards)
            return
        side_by_side = min(self.workers, len(shards), _fitting(memory))
        run = _Run(cloudpickle.dumps(function), shards, retries)
        try:
            for _ in range(side_by_side):
                self._give(run, self._take())
            while run.next < len(shards):
                if run.next in run.results:
                    yield run.results.pop(run.next)
                    run.next += 1
                    for worker in run.waiting():
                        self._give(run, worker)
                else:
                    self._listen(run)
        finally:
            self._idle += run.free
            for worker in run.busy.values():
                worker.kill()

    def close(self) -> None:
        """End the workers."""
        while self._idle:
            self._idle.pop().stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.alive():
                return worker
            worker.kill()
        return _Worker.start(self.workers)

    def _give(self, run: _Run, worker: _Worker) -> None:
        """Give a worker the next shard, if one may be started."""
        while True:
            index = run.take()
            if index is None:
                run.free.append(worker)
                return
            try:
                worker.send(run.function, run.shards[index])
            except (BrokenPipeError, ConnectionResetError):
                worker.kill()
                run.died(index, worker)
                worker = _Worker.start(self.workers)
                continue
            worker.index = index
            run.busy[worker.connection.fileno()] = worker
            return

    def _listen(self, run: _Run) -> None:
        for ready in wait([worker.connection for worker in run.busy.values()]):
            assert isinstance(ready, Connection)
            worker = run.busy.pop(ready.fileno())
            try:
                done, data = worker.receive()
            except (EOFError, ConnectionResetError):
                worker.kill()
                run.died(worker.index, worker)
                worker = self._take()
            else:
                if not done:
                    run.free.append(worker)
                    raise _exception(data, worker.index, len(run.shards))
                run.results[worker.index] = pickle.loads(data)  # noqa: S301 - from our own worker
            self._give(run, worker)


@dataclass
class _Run:
    """What is going on in one call of `map`."""

    function: bytes
    shards: Sequence[Any]
    retries: int
    next: int = 0
    started: int = 0
    again: deque[int] = field(default_factory=deque)
    attempts: dict[int, int] = field(default_factory=dict)
    results: dict[int, Any] = field(default_factory=dict)
    busy: dict[int, _Worker] = field(default_factory=dict)
    free: list[_Worker] = field(default_factory=list)

    def take(self) -> int | None:
        """Return the next shard to start, or None where there is none for now."""
        if self.again:
            return self.again.popleft()
        window = _AHEAD * (len(self.busy) + len(self.free) + 1)
        if self.started == len(self.shards) or self.started >= self.next + window:
            return None
        self.started += 1
        return self.started - 1

    def waiting(self) -> list[_Worker]:
        """Return the workers that have nothing to do, to be given something."""
        free, self.free = self.free, []
        return free

    def died(self, index: int, worker: _Worker) -> None:
        """Note that a worker died over a shard; ShardError if it happened too often."""
        self.attempts[index] = self.attempts.get(index, 0) + 1
        if self.attempts[index] > self.retries:
            raise ShardError(
                f"the workers of part {index + 1} of {len(self.shards)} died",
                expected="a worker that lives until its part is done",
                got=f"{worker.ended()} after {self.attempts[index]} attempts",
                fix="is there too little memory? Use fewer workers, or see what the function does",
            )
        self.again.append(index)


@dataclass(eq=False)
class _Worker:
    """One process and the line to it."""

    process: subprocess.Popen[bytes]
    connection: Connection
    index: int = -1
    knows: bytes = b""

    @classmethod
    def start(cls, workers: int) -> _Worker:
        ours, theirs = socket.socketpair()
        environment = dict(os.environ)
        # Threads of all workers together as many as processors.
        threads = max(1, (os.cpu_count() or 1) // workers)
        environment.setdefault("POLARS_MAX_THREADS", str(threads))
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - this interpreter and our own code
                [sys.executable, "-c", _CODE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        worker = cls(process, Connection(ours.detach()))
        worker.connection.send_bytes(pickle.dumps(list(sys.path)))
        return worker

    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, function: bytes, shard: Any) -> None:
        self.connection.send_bytes(b"" if function == self.knows else function)
        self.knows = function
        self.connection.send_bytes(cloudpickle.dumps(shard))

    def receive(self) -> tuple[bool, bytes]:
        done = self.connection.recv_bytes() == b"done"
        return done, self.connection.recv_bytes()

    def ended(self) -> str:
        code = self.process.returncode
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        """Let the process end by itself: it does once nobody can send to it."""
        self.connection.close()
        try:
            self.process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process whatever it does."""
        if not self.connection.closed:
            self.connection.close()
        # A process that ended just now keeps the code that it ended with.
        self.process.kill()
        self.process.wait()


def serve() -> None:
    """Be a worker: take functions and shards from the line, and send results."""
    # Ctrl-C reaches the whole group; who called decides, and ends this by closing the line.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Connection(int(sys.argv[1]))
    known: dict[bytes, Any] = {}
    try:
        sys.path[:] = pickle.loads(line.recv_bytes())  # noqa: S301 - from who started this
        while True:
            code, shard = line.recv_bytes(), line.recv_bytes()
            done, data = _answer(code, shard, known)
            line.send_bytes(b"done" if done else b"error")
            line.send_bytes(data)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # Nobody is there any more. Not through the interpreter's end: threads may still work.
        os._exit(0)


def _answer(code: bytes, shard: bytes, known: dict[bytes, Any]) -> tuple[bool, bytes]:
    """Return whether the function gave a result, and the result or the exception."""
    try:
        if code:
            known.clear()
            known[b""] = pickle.loads(code)  # noqa: S301 - from who started this
        return True, cloudpickle.dumps(known[b""](pickle.loads(shard)))  # noqa: S301 - the same
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
        note = "in a worker:\n" + traceback.format_exc().rstrip()
        try:
            data = cloudpickle.dumps((error, note))
            pickle.loads(data)  # noqa: S301 - some exceptions can be sent and not be read
        except Exception:  # noqa: BLE001 - then its text has to do
            data = cloudpickle.dumps((None, note))
        return False, data


def _exception(data: bytes, index: int, total: int) -> BaseException:
    error, note = pickle.loads(data)  # noqa: S301 - from our own worker
    if isinstance(error, BaseException):
        error.add_note(note)
        return error
    found = ShardError(
        f"part {index + 1} of {total} failed with an exception that cannot be sent",
        expected="a function that raises exceptions which can be pickled",
        got=note.splitlines()[-1],
    )
    found.add_note(note)
    return found


def _fitting(memory: int | None) -> int:
    """Return how many calls fit into the memory that is free, at least one."""
    if not memory:
        return sys.maxsize
    return max(1, int(psutil.virtual_memory().available // memory))
