"""WHERE SHARDS RUN: an engine maps a function over shards and gives the results in shard order.

The function, the shards and the results are bytes-like or picklable. How many workers there are,
and in which order they finish, changes nothing in what comes out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol, TypeVar

Shard = TypeVar("Shard")
Result = TypeVar("Result")


class Engine(Protocol):
    """Runs a function on shards, somewhere.

    Rules
    -----
    - Results come in the order of ``shards``, each exactly once, as soon as it and all before it
      are there. A shard may run more than once; the function has to be free of effects.
    - A shard that fails is tried ``retries`` more times if its worker died; an exception that the
      function itself raises is not retried, and reaches the caller with its traceback.
    - Closing the iterator early stops what is still running.
    """

    def map(
        self,
        function: Callable[[Shard], Result],
        shards: Sequence[Shard],
        *,
        retries: int = 2,
        memory: int | None = None,
    ) -> Iterator[Result]:
        """Yield ``function(shard)`` for each shard, in their order.

        Parameters
        ----------
        function : callable
            Module-level, or picklable by cloudpickle.
        shards : sequence
            What it is called with.
        retries : int
            How often a shard is tried again whose worker died. Default 2.
        memory : int, optional
            Bytes that one call needs at most; bounds how many run side by side.
        """
        ...


def open_engine(name: Literal["local", "ray"] | None) -> AbstractContextManager[Engine | None]:
    """Return a context that opens an engine and closes it; None for the caller's own threads."""
    if name is None:
        return contextlib.nullcontext(None)
    if name == "ray":
        from dure.engines.ray import RayEngine

        return RayEngine()
    from dure.engines.local import LocalEngine

    return LocalEngine()
