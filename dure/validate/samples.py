"""One column of one split as a distribution, as exact as its statistics are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dure.validate.distances import Buckets, Line

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, Histogram, Statistics

OTHER = "(other values)"


@dataclass(frozen=True, eq=False)
class Sample:
    """The values of one column.

    Parameters
    ----------
    column : ColumnStatistics
        Where they come from.
    categories : mapping of str to float, or None
        Counts of texts or of truth values; None for numbers.
    line : Line or None
        Where the finite numbers lie; None for categories.
    exact : bool
        Every distinct value is known. Otherwise a line has the middles of bins that are as narrow
        as `Exactness.quantiles` says, or 17 quantiles and a histogram; and categories are the most
        frequent ones and the rest.
    """

    column: ColumnStatistics
    categories: Mapping[str, float] | None = None
    line: Line | None = None
    exact: bool = True

    @property
    def size(self) -> float:
        """How many values there are to compare."""
        if self.line is not None:
            return self.line.size
        return float(sum((self.categories or {}).values()))

    @property
    def rows(self) -> int:
        """How many rows the split has."""
        return self.column.rows

    @property
    def missing(self) -> int:
        """How many rows have no value; NaN is none."""
        return self.column.missing + (self.column.nan or 0 if not self.column.levels else 0)


def sample(
    statistics: Statistics, split: str, column: ColumnStatistics, *, whole: bool = True
) -> Sample:
    """Return the values of ``column``.

    Parameters
    ----------
    statistics : Statistics
        Where the full table of values is looked up.
    split : str
        The split.
    column : ColumnStatistics
        Of the split, or of a slice of it.
    whole : bool
        It is of the split; the tables of values are not of slices.
    """
    kind = column.element
    if kind == "bool":
        counts = {"true": float(column.true or 0), "false": float(column.false or 0)}
        return Sample(column, categories={key: count for key, count in counts.items() if count})
    if kind == "string":
        return _texts(statistics, split, column, whole)
    if kind in ("int", "float"):
        return _numbers(statistics, split, column, whole)
    return Sample(column)


def value_table(statistics: Statistics, split: str, name: str) -> tuple[pl.DataFrame, bool] | None:
    """Return the values of a column with their counts, and whether these are all of them.

    None where the statistics came without tables, as those that another tool wrote do, or where
    values of this type are not counted.
    """
    return statistics.counts(split, name) if statistics.has_counts(split, name) else None


def _texts(statistics: Statistics, split: str, column: ColumnStatistics, whole: bool) -> Sample:
    known: dict[str, float] = dict(column.values or column.top or ())
    if column.values is None or column.exactness.counts:
        table = value_table(statistics, split, column.name) if whole else None
        if table is not None:
            frame, _ = table
            counts = map(float, frame["count"].to_list())
            known = dict(zip(frame["value"].to_list(), counts, strict=True))
    rest = column.number_of_values - sum(known.values())
    exact = rest <= 0
    return Sample(column, categories=known if exact else {**known, OTHER: rest}, exact=exact)


def _numbers(statistics: Statistics, split: str, column: ColumnStatistics, whole: bool) -> Sample:
    if not column.quantiles or column.histogram is None:
        return Sample(column, line=Line(*(np.zeros(0),) * 3))
    table = value_table(statistics, split, column.name) if whole else None
    if table is not None:
        frame, complete = table
        values = frame["value"].cast(pl.Float64).to_numpy()
        counts = frame["count"].cast(pl.Float64).to_numpy()
        finite = np.isfinite(values)
        return Sample(column, line=Line.of_values(values[finite], counts[finite]), exact=complete)
    single = _whole_numbers(column.histogram)
    if single is not None and column.element == "int":
        return Sample(column, line=single)
    return Sample(column, line=_steps(column), exact=False)


def _whole_numbers(histogram: Histogram) -> Line | None:
    """Return the values themselves where each bin holds one whole number."""
    edges = np.array(histogram.edges)
    if len(edges) == 2 and edges[0] == edges[1]:
        return Line.of_values(edges[:1], np.array(histogram.counts, dtype=float))
    if not (np.all(edges % 1 == 0.5) and np.all(np.diff(edges) == 1)):
        return None
    counts = np.array(histogram.counts, dtype=float)
    return Line.of_values((edges[:-1] + 0.5)[counts > 0], counts[counts > 0])


def _steps(column: ColumnStatistics) -> Line:
    """Return what the quantiles and the histogram together say of the distribution function."""
    from dure.statistics import QUANTILES

    histogram, quantiles = column.histogram, column.quantiles
    assert histogram is not None  # asked before
    assert quantiles is not None
    total = sum(histogram.counts)
    x = np.concatenate([quantiles, np.clip(histogram.edges, quantiles[0], quantiles[-1])])
    share = np.concatenate([QUANTILES, np.cumsum([0.0, *histogram.counts]) / total])
    order = np.lexsort((share, x))
    x, share = x[order], np.maximum.accumulate(share[order])
    return Line.of_bins(x, np.diff(share) * total)


def buckets(column: ColumnStatistics, source: str = "standard") -> Buckets:
    """Return the histogram that TFDV would compare.

    Parameters
    ----------
    column : ColumnStatistics
        Of numbers.
    source : {"standard", "quantiles"}
        10 bins of equal width, or deciles.
    """
    histogram = column.deciles if source == "quantiles" else column.equal or column.histogram
    infinite = ((np.inf, np.inf, float(column.inf)),) if column.inf else ()
    if histogram is None:
        return Buckets(infinite, float(column.nan or 0))
    edges = histogram.edges
    wide = tuple(zip(edges[:-1], edges[1:], map(float, histogram.counts), strict=True))
    return Buckets((*wide, *infinite), float(column.nan or 0))
