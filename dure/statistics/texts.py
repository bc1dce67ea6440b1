"""The state of a column of texts: how often each is there.

Up to a limit of distinct texts, and of their bytes, all are kept. Beyond it the frequent ones are:
the rarest are dropped, and from every count as much is taken as the most frequent of the dropped
had (Misra and Gries 1982; merged as Agarwal et al. 2012, "Mergeable summaries", prove it). So a
count is at most ``lost`` too small, and a text with more rows than that cannot be lacking. Distinct
texts are estimated by HyperLogLog then; lengths stay exact.

A table of all texts depends on no order. Once some were dropped, the state depends on the order of
the parts, though not on who worked on them: parts are put together one by one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from dure.statistics import sketch
from dure.statistics.tables import Ints

_ROWS, _BYTES = 1 << 22, 1 << 26
LONGEST = 4096
_KEPT = 200
_SUMS = ("count", "high", "low")


def limits_for(columns: int) -> tuple[int, int]:
    """Return the most texts, and bytes of texts, that the table of one of so many columns holds.

    >>> limits_for(18), limits_for(3000)
    ((233016, 3728270), (1398, 65536))
    """
    columns = max(1, columns)
    rows = max(1 << 10, min(1 << 18, _ROWS // columns))
    return rows, max(1 << 16, _BYTES // columns)


@dataclass(slots=True)
class Lengths:
    """Of all texts: lengths in characters and bytes, and how many have nothing to see."""

    shortest: int | None = None
    longest: int | None = None
    characters: int = 0
    bytes: int = 0
    empty: int = 0
    blank: int = 0

    def add(self, other: Lengths) -> None:
        """Add the lengths of other texts."""
        if self.shortest is None or (other.shortest is not None and other.shortest < self.shortest):
            self.shortest = other.shortest
        if self.longest is None or (other.longest is not None and other.longest > self.longest):
            self.longest = other.longest
        self.characters += other.characters
        self.bytes += other.bytes
        self.empty += other.empty
        self.blank += other.blank


@dataclass(slots=True)
class TextState:
    """Everything about the texts of one column.

    Parameters
    ----------
    limits : tuple of (int, int)
        The most texts in the table, and bytes in them.
    weighted : bool
        Whether weights are added up too.
    lost : int
        By how much a count can be too small, and how often a text can be there that is lacking.
    lengths : Lengths
        Of all texts.
    registers : ndarray of uint8 or None
        HyperLogLog of all texts, once some were dropped.
    table : polars.DataFrame or None
        Columns ``value``, ``count``, and with weights ``high`` and ``low``; in no order.
    """

    limits: tuple[int, int]
    weighted: bool = False
    lost: int = 0
    lengths: Lengths = field(default_factory=Lengths)
    registers: sketch.Registers | None = None
    table: pl.DataFrame | None = None
    _runs: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0
    _bytes: int = 0

    def update(self, texts: pl.Series, weights: Ints | None = None) -> pl.DataFrame:
        """Add texts, none of them null, and return their table."""
        table = count_texts(texts, weights)
        if table.height:
            size, lengths = measure(table)
            if size > LONGEST:
                table = _shortened(table)
            self.lengths.add(lengths)
            self._add(table)
        return table

    def merge(self, other: TextState) -> None:
        """Add the texts of another state, which stays as it is."""
        self.lengths.add(other.lengths)
        if other.registers is None:
            for table in other._tables():
                self._add(table)
            return
        self.compact()
        if self.registers is None:
            self.registers = sketch.registers()
            self._hash(self.table)
        np.maximum(self.registers, other.registers, out=self.registers)
        self.lost += other.lost
        self.table = _total([*self._tables(), *other._tables()])
        self._drop()

    def compact(self) -> None:
        """Put what was added into the one table; changes nothing that can be asked."""
        if not self._runs:
            return
        new = _total(self._runs)
        self._runs, before = [], self.table
        if self.registers is not None:
            self._hash(new)
        self.table = new if before is None else _total([before, new])
        self._measure()
        if self._over() and self.registers is None:
            self.registers = sketch.registers()
            self._hash(self.table)
        if self.registers is not None:
            self._drop()

    def put(self, table: pl.DataFrame | None) -> None:
        """Take the table of a state that was kept."""
        self.table = table
        self._measure()

    @property
    def complete(self) -> bool:
        """Whether the table has every text."""
        return self.registers is None

    def unique(self) -> int:
        """Return how many texts differ. Call `compact` first."""
        height = 0 if self.table is None else self.table.height
        if self.registers is None:
            return height
        return max(height, sketch.estimate(self.registers))

    def _tables(self) -> list[pl.DataFrame]:
        return [*([] if self.table is None else [self.table]), *self._runs]

    def _add(self, table: pl.DataFrame) -> None:
        if not table.height:
            return
        self._runs.append(table)
        self._rows += table.height
        self._bytes += _size(table)
        # Not later: when something is dropped first must not depend on who asks when.
        if self._over() or self.registers is not None:
            self.compact()

    def _over(self) -> bool:
        return self._rows > self.limits[0] or self._bytes > self.limits[1]

    def _measure(self) -> None:
        self._rows = 0 if self.table is None else self.table.height
        self._bytes = 0 if self.table is None else _size(self.table)

    def _hash(self, table: pl.DataFrame | None) -> None:
        if table is not None and self.registers is not None:
            sketch.add(self.registers, sketch.text_hashes(table["value"]))

    def _drop(self) -> None:
        self._measure()
        if not self._over() or self.table is None:
            return
        table = by_count(self.table)
        sizes = table["value"].str.len_bytes().cum_sum()
        keep = min(self.limits[0], int(sizes.search_sorted(self.limits[1], side="right")))
        less = int(table["count"][keep])
        self.lost += less
        table = table.with_columns(pl.col("count") - less)
        self.table = table.filter(pl.col("count") > 0)
        self._measure()


def count_texts(texts: pl.Series, weights: Ints | None = None) -> pl.DataFrame:
    """Return columns ``value`` and ``count`` (and ``high`` and ``low``), in no order."""
    frame = pl.DataFrame({"value": texts})
    if weights is None:
        return frame.group_by("value").agg(pl.len().cast(pl.Int64).alias("count"))
    frame = frame.with_columns(high=pl.Series(weights[0]), low=pl.Series(weights[1]))
    sums = (pl.col("high").sum(), pl.col("low").sum())
    return frame.group_by("value").agg(pl.len().cast(pl.Int64).alias("count"), *sums)


def by_count(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table by falling counts; equal ones by text, which is by its bytes."""
    return table.sort("count", "value", descending=[True, False])


def measure(table: pl.DataFrame) -> tuple[int, Lengths]:
    """Return the bytes of the longest text of a table, and the lengths of all."""
    value, count = pl.col("value"), pl.col("count")
    characters, size = value.str.len_chars().cast(pl.Int64), value.str.len_bytes().cast(pl.Int64)
    nothing = value.str.strip_chars() == ""
    found = table.select(
        largest=size.max(),
        shortest=characters.min(),
        longest=characters.max(),
        characters=(characters * count).sum(),
        bytes=(size * count).sum(),
        empty=count.filter(value == "").sum(),
        blank=count.filter(nothing & (value != "")).sum(),
    ).row(0, named=True)
    return found.pop("largest"), Lengths(**found)


def short(text: str) -> str:
    """Return the text by which one of more than 4,096 bytes is counted: its start and digest."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return f"{text[:_KEPT]}… ({len(text):,} characters, {digest})"


def _shortened(table: pl.DataFrame) -> pl.DataFrame:
    long = table["value"].str.len_bytes() > LONGEST
    texts = [short(text) for text in table["value"].filter(long)]
    changed = table.filter(long).with_columns(value=pl.Series(texts, dtype=pl.String))
    return _total([table.filter(~long), changed])


def _total(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    if len(parts) == 1:
        return parts[0]
    names = [name for name in _SUMS if name in parts[0].columns]
    return pl.concat(parts).group_by("value").agg(pl.col(names).sum())


def _size(table: pl.DataFrame) -> int:
    return int(table["value"].str.len_bytes().sum())
