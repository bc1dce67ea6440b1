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

How an aggregate gets its rows, and where its result goes
---------------------------------------------------------
``describe`` asks `dure.statistics.attach.attached` for the aggregates of a split: those that the
options turn on, then those of the user (``StatisticsOptions.aggregates``, import names
``"module:Class"``). Each states in `place` where its result goes:

============== ===================================================== ==========================
`place`        `update` gets                                         the result goes to
============== ===================================================== ==========================
``"custom"``   the one column of `columns`, as rows or as values     ``column.custom[name]``
``"semantic"`` the same                                              ``column.semantic``
``"crosses"``  the top-level columns that `columns` names, as rows   ``split.crosses``, in order
``"lifts"``    the same                                              ``split.lifts``, in order
``"split"``    the same                                              ``split.custom[name]``
============== ===================================================== ==========================

With ``place`` ``"custom"`` or ``"semantic"``, ``columns`` has one name, and that may be the path
of a field in a struct (``"trip.start"``); the frame has that one column under that name. With
``reads = "values"``, `update` gets no rows, but a frame with the columns ``value`` and ``count``:
the distinct values of the shard, those inside lists too, without nulls, and how often each is
there, ordered by value. That costs next to nothing, since ``describe`` counts values anyway: take
it wherever the order of rows and their sides do not matter. Of numbers it may take them as arrays: see
`Aggregate.update_numbers`.

The result of ``"custom"`` and ``"split"`` consists of JSON values; that of ``"semantic"`` is a
`Semantic`; one that is None is left out; that of ``"crosses"`` and ``"lifts"`` is a sequence of `Cross` or of `Lift`. A
column of weights that an aggregate of rows needs stands among its `columns`. Slices get the
statistics of columns, without aggregates. States are kept beside the statistics as `dump` gives
them, by ``(place, columns, name)``, which has to be unique.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

S = TypeVar("S")
Place = Literal["custom", "semantic", "crosses", "lifts", "split"]


class Aggregate(ABC, Generic[S]):
    """One thing to compute over all rows. Its own attributes are settings and can be pickled."""

    name: str
    """What the result is called in the statistics."""

    columns: tuple[str, ...]
    """The columns that `update` reads; a shard has at least these."""

    place: ClassVar[Place] = "custom"
    """Where the result goes; see the table above."""

    reads: ClassVar[Literal["rows", "values"]] = "rows"
    """What `update` gets: the rows of the column, or its distinct values with their counts."""

    @abstractmethod
    def init(self) -> S:
        """Return the state of no rows."""

    @abstractmethod
    def update(self, state: S, frame: pl.DataFrame) -> S:
        """Return ``state`` with the rows of ``frame`` added."""

    def update_numbers(self, state: S, values: NDArray[Any], counts: NDArray[np.int64]) -> S:
        """Return ``state`` with the distinct numbers of a shard added, each ``counts`` times.

        What is called instead of `update` where ``reads`` is ``"values"`` and the column has
        numbers: rising, NaN last. Override it if arrays are quicker to use than a frame.
        """
        import polars as pl

        return self.update(state, pl.DataFrame({"value": values, "count": counts}))

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
