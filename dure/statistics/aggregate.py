"""What a pass over the data computes, in a form that can be cut into shards and put together.

``init`` makes an empty state, ``update`` adds the rows of one shard to it, ``merge`` puts two
states together, ``finish`` turns the state of all rows into a result. ``dump`` and ``load`` carry a
state between processes and to disk.

Rules
-----
- Nothing is random, and nothing depends on hashes that differ between machines or versions.
- States are folded in the order of the shards: ``merge(merge(s0, s1), s2)``. The same shards give
  the same bytes, on any engine and with any number of workers.
- ``merge(init(), s)`` equals ``s``; ``load(dump(s))`` equals ``s``; an empty shard changes nothing.
- ``update`` and ``merge`` may change and return their first argument; they leave the others alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import polars as pl

S = TypeVar("S")


class Aggregate(ABC, Generic[S]):
    """One thing to compute over all rows. Its own attributes are settings and can be pickled."""

    name: str
    """What the result is called in the statistics."""

    columns: tuple[str, ...]
    """The columns that `update` reads; a shard has at least these."""

    @abstractmethod
    def init(self) -> S:
        """Return the state of no rows."""

    @abstractmethod
    def update(self, state: S, frame: pl.DataFrame) -> S:
        """Return ``state`` with the rows of ``frame`` added."""

    @abstractmethod
    def merge(self, first: S, second: S) -> S:
        """Return the state of the rows of both, ``first`` being the earlier ones."""

    @abstractmethod
    def finish(self, state: S) -> Any:
        """Return the result: numbers, texts, or a frozen dataclass of these."""

    @abstractmethod
    def dump(self, state: S) -> bytes:
        """Return the state as bytes that start with the number of their format; never pickle."""

    @abstractmethod
    def load(self, data: bytes) -> S:
        """Return the state that `dump` wrote."""
