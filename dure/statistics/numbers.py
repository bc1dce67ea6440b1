"""The state of a column of numbers: a table of its values, made coarser when it gets too long.

While at most ``limit`` values differ, the table holds every value. Then its keys become the bits
of floats in order, shifted right by the smallest s that leaves at most ``limit`` keys. Such a key
stands for numbers that differ by at most 2^-(52 - s) of their size: a logarithmic histogram whose
bins are cut evenly inside each power of two. Since a coarser table never gets longer by being put
together in another order, the state depends on the multiset of the values alone.

The idea of collapsing all bins alike is UDDSketch's (Epicoco et al. 2020, "UDDSketch: accurate
tracking of quantiles in data streams"); with bits for keys there are no logarithms, and nothing is
lost before the limit. Moments, extremes and the counts of zeros and negative numbers stay exact;
distinct values are estimated by HyperLogLog.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dure.statistics import sketch, tables
from dure.statistics.sums import Sums, sums_of_floats, sums_of_whole
from dure.statistics.tables import Floats, Ints, Table

_CELLS = 1 << 24
_FEWEST, _MOST = 1 << 12, 1 << 20
_PENDING = 1 << 14


def limit_for(columns: int) -> int:
    """Return the most values that the table of one of so many columns holds.

    >>> limit_for(18), limit_for(3000)
    (932067, 5592)
    """
    return max(_FEWEST, min(_MOST, _CELLS // max(1, columns)))


@dataclass(slots=True)
class Summary:
    """What a table that was made coarser can tell no more, about all of its values.

    Parameters
    ----------
    low, high : int or float
        The smallest and the largest value.
    zeros, negative : int
        How many are 0 and below 0.
    sums : Sums
        Without rounding.
    registers : ndarray of uint8
        HyperLogLog of the values.
    """

    low: float
    high: float
    zeros: int = 0
    negative: int = 0
    sums: Sums = field(default_factory=Sums)
    registers: sketch.Registers = field(default_factory=sketch.registers)

    def add(self, other: Summary) -> None:
        """Add what is known of other values."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.zeros += other.zeros
        self.negative += other.negative
        self.sums.add(other.sums)
        np.maximum(self.registers, other.registers, out=self.registers)


@dataclass(slots=True)
class NumberState:
    """Everything about the numbers of one column.

    Parameters
    ----------
    whole : bool
        Of type int.
    limit : int
        The most keys of the table.
    weighted : bool
        Whether weights are added up too.
    nan, positive_inf, negative_inf : int
        How many values are so; they are not in the table.
    shift : int
        By how much the bits of floats are shifted; -1 as long as the table has every value.
    table : Table
        The keys: whole numbers, or bits of floats in order, shifted.
    summary : Summary or None
        Of all values in a table that was made coarser.
    """

    whole: bool
    limit: int
    weighted: bool = False
    nan: int = 0
    positive_inf: int = 0
    negative_inf: int = 0
    shift: int = -1
    table: Table = field(default_factory=tables.empty)
    summary: Summary | None = None
    _runs: list[Table] = field(default_factory=list)
    _pending: int = 0

    def __post_init__(self) -> None:
        if self.weighted and not len(self.table):
            self.table = tables.empty(3)

    def update(self, values: Ints | Floats, weights: Ints | None = None) -> Table:
        """Add values, none of them null, and return the table of the finite ones among them."""
        keys: Ints
        if self.whole:
            keys = values.astype(np.int64, copy=False)
        else:
            values = values.astype(np.float64, copy=False)
            finite = np.isfinite(values)
            if not finite.all():
                self.nan += int(np.isnan(values).sum())
                self.positive_inf += int((values == np.inf).sum())
                self.negative_inf += int((values == -np.inf).sum())
                values = values[finite]
                weights = None if weights is None else weights[:, finite]
            keys = tables.keys_of(values)
        table = tables.tabulate(keys, weights)
        self._add(table)
        return table

    def merge(self, other: NumberState) -> None:
        """Add the values of another state, which stays as it is."""
        self.nan += other.nan
        self.positive_inf += other.positive_inf
        self.negative_inf += other.negative_inf
        if other.summary is None:
            for table in (other.table, *other._runs):
                self._add(table)
            return
        self.compact()
        other.compact()
        if self.summary is None:
            mine, self.table = self.table, tables.empty(len(self.table.sums))
            self.shift = 0
            self._take([mine])
        self._put(tables.collapse(self.table, max(0, other.shift - self.shift)), other)

    def compact(self) -> None:
        """Put what was added into the one table; changes nothing that can be asked."""
        if not self._runs:
            return
        runs, self._runs, self._pending = self._runs, [], 0
        if self.summary is None:
            new = tables.merge([self.table, *runs])
            if len(new) <= self.limit:
                self.table = new
                return
            self.table, self.shift, runs = tables.empty(len(new.sums)), 0, [new]
        self._take(runs)
        self._shrink()

    def _add(self, table: Table) -> None:
        if len(table):
            self._runs.append(table)
            self._pending += len(table)
            # Rarely, since it costs what the table has, and with bounded memory.
            if self._pending > max(self.limit, min(2 * self.limit, _PENDING)):
                self.compact()

    def _put(self, mine: Table, other: NumberState) -> None:
        assert other.summary is not None
        shift = max(self.shift, other.shift)
        theirs = tables.collapse(other.table, shift - other.shift)
        self.table, self.shift = tables.merge([mine, theirs]), shift
        if self.summary is None:
            self.summary = Summary(other.summary.low, other.summary.high)
        self.summary.add(other.summary)
        self._shrink()

    def _take(self, exact: Sequence[Table]) -> None:
        """Add tables of values to one that is coarser."""
        some = [table for table in exact if len(table)]
        if sum(map(len, some)) <= 2 * _PENDING and some:
            # Short ones cost more by their number than by their length.
            some = [tables.merge(some)]
        coarse = [self.table]
        for table in some:
            self._summarise(table)
            bits = tables.as_floats(table) if self.whole else table
            # Coarse first: then there is much less to be put in order.
            coarse.append(tables.collapse(bits, self.shift))
        self.table = tables.merge(coarse)

    def _summarise(self, exact: Table) -> None:
        low, high = self._extremes(exact)
        if self.summary is None:
            self.summary = Summary(low, high)
        known = self.summary
        known.low, known.high = min(known.low, low), max(known.high, high)
        zeros, negative = signs(exact)
        known.zeros += zeros
        known.negative += negative
        known.sums.add(self._exact_sums(exact))
        sketch.add(known.registers, sketch.number_hashes(exact.keys))

    def _shrink(self) -> None:
        if len(self.table) > self.limit:
            more = tables.smallest_shift(self.table.keys, self.limit, tables.SHIFTS - self.shift)
            self.table = tables.collapse(self.table, more)
            self.shift += more

    def _extremes(self, table: Table) -> tuple[float, float]:
        ends = table.keys[[0, -1]]
        low, high = (ends if self.whole else tables.floats_of(ends)).tolist()
        return low, high

    def _exact_sums(self, table: Table) -> Sums:
        if self.whole:
            return sums_of_whole(table.keys, table.counts)
        return sums_of_floats(tables.floats_of(table.keys), table.counts)

    # What can be asked. Call `compact` first.

    @property
    def exact(self) -> bool:
        """Whether the table has every value."""
        return self.summary is None

    def known(self) -> Summary:
        """Return extremes, signs and sums; there is at least one finite value."""
        if self.summary is not None:
            return self.summary
        low, high = self._extremes(self.table)
        return Summary(
            low, high, *signs(self.table), sums=self._exact_sums(self.table), registers=_NONE
        )

    def unique(self) -> int:
        """Return how many values differ; all NaN are one."""
        others = bool(self.nan) + bool(self.positive_inf) + bool(self.negative_inf)
        if self.summary is not None:
            # More than the limit is certain.
            return max(self.limit + 1, sketch.estimate(self.summary.registers)) + others
        return len(self.table) + others

    def values(self) -> Floats:
        """Return a float for each key, in their order: the value, or the middle of its bin."""
        keys = self.table.keys
        if self.summary is None:
            return keys.astype(np.float64) if self.whole else tables.floats_of(keys)
        low = keys << self.shift
        first, last = tables.floats_of(low), tables.floats_of(low + ((1 << self.shift) - 1))
        if self.whole:  # a bin of one whole number stands for that number
            first, last = np.ceil(first), np.floor(last)
        middle = first / 2 + last / 2
        middle[low == 0] = 0.0
        return np.clip(middle, float(self.summary.low), float(self.summary.high))

    def error(self) -> float:
        """Return by which share of its size a number can differ from that in `values`."""
        return 0.0 if self.summary is None else 2.0 ** (self.shift - 53)


def signs(table: Table) -> tuple[int, int]:
    """Return how many values are 0 and how many are below 0; keys have the sign of values."""
    below, through = np.searchsorted(table.keys, [0, 1]).tolist()
    negative = int(table.counts[:below].sum())
    return int(table.counts[below:through].sum()), negative


_NONE = sketch.registers()
