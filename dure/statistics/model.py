"""What is known of the columns of one split: frozen values, read by everything downstream.

Notation
--------
A *row* of a column is missing where it is null. A row that is not missing holds one value, or,
in a list column, any number of values. Numbers are described over their *finite* values; NaN and
the infinities are values that are counted apart.

A column of type ``struct[...]`` has only the counts; each of its fields is a column of its own
with a longer path, whose rows are those where the struct is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

QUANTILES = (
    *(0.0, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1.0),
)
DECILES = tuple(i / 10 for i in range(11))
TOP = 20
MAX_VALUES = 1000
BINS = 10


@dataclass(frozen=True)
class Histogram:
    """How many finite values lie between edges.

    Parameters
    ----------
    edges : tuple of float, length bins + 1
        Not decreasing. Bin ``i`` holds ``edges[i] <= x < edges[i + 1]``, the last one
        ``x == edges[-1]`` too.
    counts : tuple of float, length bins
        How many values each bin holds, or the sum of their weights. Whole numbers where nothing
        is weighted and the values are known exactly.
    """

    edges: tuple[float, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True)
class Exactness:
    """How far numbers that were computed in bounded memory can be from the exact ones.

    Parameters
    ----------
    unique : float
        Standard error of ``unique``, as a share of it. 0: exact.
    quantiles : float
        A quantile, the median and an edge of a histogram differ from a value that has exactly
        their rank by at most this share of its magnitude. 0: exact.
    moments : float
        ``skewness``, ``kurtosis``, ``mad`` and what is weighted are those of values that differ
        from the real ones by at most this share of their magnitude. 0: exact. ``mean`` and
        ``std`` always are.
    counts : int
        The count of a text is at most this much too small, and a text with no more than this
        many rows may be lacking among ``top`` and ``values``. 0: exact.
    """

    unique: float = 0.0
    quantiles: float = 0.0
    counts: int = 0
    moments: float = 0.0

    def __bool__(self) -> bool:
        """Whether everything is exact."""
        return not (self.unique or self.quantiles or self.counts or self.moments)


EXACT = Exactness()


@dataclass(frozen=True)
class Level:
    """How many entries there are at one level of a list column.

    Parameters
    ----------
    present, missing : int
        Lists of this level that are there, and that are null. At level 0 these are rows; at level
        1 the entries of those rows, and so on.
    min, max : int
        Fewest and most entries of a list. 0 where there is no list.
    total : int
        All entries.
    lengths : Histogram or None
        Of the numbers of entries, at deciles. None: there is no list.
    """

    present: int
    missing: int
    min: int
    max: int
    total: int
    lengths: Histogram | None = None

    @property
    def mean(self) -> float:
        """Mean number of entries of a list; 0 where there is no list."""
        return self.total / self.present if self.present else 0.0


@dataclass(frozen=True)
class Weighted:
    """The same, with each row counted as its weight. A row without a weight counts as 0.

    Parameters
    ----------
    count, missing, total : float
        Sums of the weights of the rows with a value, of those without, and of the values.
    mean, std, median : float or None
        Of the finite values of a number column.
    histogram, deciles : Histogram or None
        Of equal width, and at deciles.
    top : tuple of (str, float) or None
        The 20 heaviest texts with the sums of their weights.
    """

    count: float
    missing: float
    total: float
    mean: float | None = None
    std: float | None = None
    median: float | None = None
    histogram: Histogram | None = None
    deciles: Histogram | None = None
    top: tuple[tuple[str, float], ...] | None = None


@dataclass(frozen=True)
class Semantic:
    """What the values of a column mean.

    Parameters
    ----------
    kind : str
        ``"time"``, ``"image"``, ``"natural_language"``, ``"url"``, ``"email"``, ``"uuid"``,
        ``"category"`` or ``"id"``.
    share : float
        Which share of the values fits, from 0 to 1.
    checked : int
        How many values were looked at.
    details : mapping of str to Any
        What else is known, such as ``{"format": "%Y-%m-%d", "first": "2024-01-01", ...}``; see
        the module of each kind. JSON values.
    """

    kind: str
    share: float
    checked: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnStatistics:
    """What is known of one column of one split or slice.

    Parameters
    ----------
    name : str
        The column; of a field in a struct, its path with dots: ``"trip.start.time"``.
    type : str
        As in `Examples.columns`, such as ``"int"`` or ``"list[string]"``.
    count : int
        Rows that are not null.
    missing : int
        Rows that are null. Of a field in a struct: where the struct is there and the field is not.
    unique : int or None
        Distinct values; all NaN are one. None: not counted for this type (structs).
    path : tuple of str
        The names that lead to it; default ``(name,)``.
    total : int or None
        Values in all rows; None means one a row, so that it is ``count``.
    levels : tuple of Level
        One for each level of lists; empty for a column without lists.
    mean, std, skewness, kurtosis : float or None
        Of the finite values of a number column. ``std`` divides by their count; ``kurtosis`` is
        in excess of 3, that of the normal distribution. None: there are no finite values, or, for
        the latter two, all are equal.
    min, max : float or int or None
        Smallest and largest finite value; exact integers in an int column.
    mad : float or None
        Median of the distances from the median.
    zeros, negative : int or None
        How many values are 0, and how many finite ones are below 0.
    nan, positive_inf, negative_inf : int or None
        How many values are NaN, +inf, -inf. 0 in an int column.
    quantiles : tuple of float or None
        At `QUANTILES`, linear between neighbours as in `numpy.quantile`.
    histogram : Histogram or None
        Of the finite values, for people: the same edges in all splits, and wide bins at the ends
        where outliers would squeeze all values into a few bins.
    equal : Histogram or None
        TFDV's standard histogram: 10 bins of equal width from ``min`` to ``max``.
    top : tuple of (str, int) or None
        The 20 most frequent texts with their counts; ties by text.
    values : tuple of (str, int) or None
        All distinct texts, in the same order, if there are at most 1,000; else None. `Statistics`
        keeps more of them: see `Statistics.counts`.
    min_length, mean_length, max_length : int, float, int or None
        Of texts in characters, of bytes in bytes.
    mean_bytes : float or None
        Of texts, in bytes of UTF-8.
    empty, blank : int or None
        How many texts are ``""``, and how many have nothing but white space (and are not empty).
    entropy : float or None
        Of the distribution of the texts, in bits.
    patterns : tuple of (str, int) or None
        The most frequent shapes of texts, with a letter as ``a`` or ``A`` and a digit as ``9``,
        runs of one kind as one: ``"A-9"`` for ``"AB-1234"``.
    true, false : int or None
        How many values of a bool column are so.
    weighted : Weighted or None
        The same by weight, where the statistics were asked for with one.
    semantic : Semantic or None
        What the values mean, where it was found out.
    custom : mapping of str to Any
        What aggregates of one's own gave, by their name. JSON values.
    exactness : Exactness
        How exact this is.
    """

    name: str
    type: str
    count: int
    missing: int
    unique: int | None = None
    path: tuple[str, ...] = ()
    total: int | None = None
    levels: tuple[Level, ...] = ()
    mean: float | None = None
    std: float | None = None
    skewness: float | None = None
    kurtosis: float | None = None
    min: float | None = None
    max: float | None = None
    mad: float | None = None
    zeros: int | None = None
    negative: int | None = None
    nan: int | None = None
    positive_inf: int | None = None
    negative_inf: int | None = None
    quantiles: tuple[float, ...] | None = None
    histogram: Histogram | None = None
    equal: Histogram | None = None
    top: tuple[tuple[str, int], ...] | None = None
    values: tuple[tuple[str, int], ...] | None = None
    min_length: int | None = None
    mean_length: float | None = None
    max_length: int | None = None
    mean_bytes: float | None = None
    empty: int | None = None
    blank: int | None = None
    entropy: float | None = None
    patterns: tuple[tuple[str, int], ...] | None = None
    true: int | None = None
    false: int | None = None
    weighted: Weighted | None = None
    semantic: Semantic | None = None
    custom: Mapping[str, Any] = field(default_factory=dict)
    exactness: Exactness = EXACT

    def __post_init__(self) -> None:
        if not self.path:
            object.__setattr__(self, "path", (self.name,))

    @property
    def rows(self) -> int:
        """How many rows there are, with or without a value."""
        return self.count + self.missing

    @property
    def element(self) -> str:
        """The type inside all lists: ``"string"`` of ``"list[list[string]]"``."""
        kind = self.type
        while kind.startswith("list["):
            kind = kind[len("list[") : -1]
        return kind

    @property
    def number_of_values(self) -> int:
        """How many values there are in all rows."""
        return self.count if self.total is None else self.total

    @property
    def inf(self) -> int:
        """How many values are infinite, of either sign."""
        return (self.positive_inf or 0) + (self.negative_inf or 0)

    def quantile(self, at: float) -> float | None:
        """Return one of `QUANTILES`, or None where there is no finite value."""
        return self.quantiles[QUANTILES.index(at)] if self.quantiles else None

    @property
    def median(self) -> float | None:
        """The middle finite value, or None where there is none."""
        return self.quantile(0.5)

    @property
    def iqr(self) -> float | None:
        """Distance between the quartiles, or None where there is no finite value."""
        low, high = self.quantile(0.25), self.quantile(0.75)
        return None if low is None or high is None else high - low

    @property
    def deciles(self) -> Histogram | None:
        """TFDV's histogram of quantiles: 10 bins that hold a tenth of the finite values each."""
        if not self.quantiles:
            return None
        finite = self.number_of_values - (self.nan or 0) - self.inf
        edges = tuple(self.quantiles[QUANTILES.index(at)] for at in DECILES)
        return Histogram(edges, (finite / BINS,) * BINS)


@dataclass(frozen=True)
class Cross:
    """How two columns of one split go together, over the rows where both have one value.

    Parameters
    ----------
    first, second : str
        The columns.
    count : int
        Rows with a value in both.
    covariance, pearson, spearman : float or None
        Of two number columns, over finite values; ``covariance`` divides by the count.
    cramers_v : float or None
        Of two columns of categories, from 0 to 1, with the bias taken out.
    mutual_information : float or None
        In bits.
    normalised_information : float or None
        The same as a share of the smaller of the two entropies, adjusted for chance: 0 for
        columns that have nothing to do with each other, 1 where one follows from the other.
    missing_together : float or None
        Correlation of being missing, from -1 to 1. None where one of them is never missing.
    sampled : int or None
        How many rows ``spearman``, ``cramers_v`` and the two of information were computed from,
        where that is not all of them. None: all.
    """

    first: str
    second: str
    count: int
    covariance: float | None = None
    pearson: float | None = None
    spearman: float | None = None
    cramers_v: float | None = None
    mutual_information: float | None = None
    normalised_information: float | None = None
    missing_together: float | None = None
    sampled: int | None = None


@dataclass(frozen=True)
class Lift:
    """How much more often a value of a column goes with a value of the label than by chance.

    Parameters
    ----------
    column, label : str
        The columns.
    label_value : str or int or tuple of (float, float)
        The value of the label; bounds of a bin for a label of many numbers.
    count, weighted_count : int, float or None
        Rows with that label, and the sum of their weights.
    values : tuple of (value, lift, rows with the value, rows with both)
        The values with the largest and the smallest lift, P(label | value) / P(label).
    weighted : tuple of the same with sums of weights, or None
    """

    column: str
    label: str
    label_value: str | int | tuple[float, float]
    count: int
    values: tuple[tuple[str | int, float, float, float], ...]
    weighted_count: float | None = None
    weighted: tuple[tuple[str | int, float, float, float], ...] | None = None


@dataclass(frozen=True)
class SplitStatistics:
    """What is known of one split, or of one slice of it.

    Parameters
    ----------
    rows : int
        How many rows it has.
    columns : dict of str to ColumnStatistics
        Its columns by name, in the order of the data; a struct is followed by its fields.
    weighted_rows : float or None
        Sum of the weights, where a weight was given.
    slices : dict of str to SplitStatistics
        The same for the rows of each slice, by the name of the slice: ``"company=Flash Cab"``.
    crosses : tuple of Cross
        Pairs of columns, where they were asked for.
    lifts : tuple of Lift
        Of each column with the label, where one was given.
    custom : mapping of str to Any
        What aggregates over several columns gave, by their name. JSON values.
    """

    rows: int
    columns: dict[str, ColumnStatistics]
    weighted_rows: float | None = None
    slices: dict[str, SplitStatistics] = field(default_factory=dict)
    crosses: tuple[Cross, ...] = ()
    lifts: tuple[Lift, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
