"""How columns go together in pairs: correlation, association, information, missing values.

- **Covariance and Pearson's correlation**, the number of common rows, and the correlation of
  being missing, are exact over all rows.
- **Spearman's correlation, Cramér's V and mutual information** come from the rows of a
  `RowSample`: exact up to 65,536 rows, and beyond from more than 32,768 rows at regular distances,
  so that the standard error of a correlation is below 0.0056.

For information, a number column of more than 20 values is cut at its deciles, and of a column of
categories the 50 most frequent are kept, the rest being one more. Information is in bits, and
biased upwards by about (r - 1)(c - 1) / (2 n ln 2) bits for r and c categories and n rows; the
normalised one has that taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import log
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import pick, unnamed
from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.aggregates.association import (
    adjusted_share,
    contingency,
    cramers_v,
    mutual_information,
)
from dure.statistics.aggregates.pair_moments import covariance, merge_moments, pair_moments, pearson
from dure.statistics.aggregates.row_sample import (
    RowSample,
    add_rows,
    empty_rows,
    merge_rows,
    pack_rows,
    unpack_rows,
)
from dure.statistics.model import Cross
from dure.statistics.packing import pack, unpack

MAX_COLUMNS = 200
MAX_VALUES = 50
BINS = 10
_EACH_ITS_OWN = 20
_VERSION = 1
_TYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "string": pl.String(),
    "bool": pl.Boolean(),
}
NUMBERS = ("int", "float")

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass
class CrossState:
    """What crosses are computed from.

    Parameters
    ----------
    moments : ndarray of float64, shape (pairs of number columns, 6)
        See `pair_moments`.
    rows : int
        All rows.
    present : ndarray of int64, shape (columns, columns)
        Rows where both columns have a value; on the diagonal, where the one has.
    sample : RowSample
        Rows side by side.
    """

    moments: NDArray[np.float64]
    rows: int
    present: Ints
    sample: RowSample


class Crosses(Aggregate[CrossState]):
    """All pairs of columns with single values.

    Parameters
    ----------
    columns : mapping of str to str
        The types of the columns: ``"int"``, ``"float"``, ``"string"`` or ``"bool"``; at least two.

    Raises
    ------
    UsageError
        There are more than 200 columns, or a column has another type.
    """

    name = "crosses"
    place = "crosses"

    def __init__(self, columns: Mapping[str, str]) -> None:
        if len(columns) > MAX_COLUMNS:
            raise UsageError(
                "there are too many columns to compare each with each",
                expected=f"at most {MAX_COLUMNS}",
                got=f"{len(columns)}, that is {len(columns) * (len(columns) - 1) // 2} pairs",
                fix='name those to compare: settings={"crosses": {"columns": [...]}}',
            )
        for name, kind in columns.items():
            if kind not in _TYPES:
                raise UsageError(
                    f"column '{name}' cannot be compared with others",
                    expected=", ".join(_TYPES),
                    got=kind,
                )
        self.kinds = dict(columns)
        self.columns = tuple(columns)
        self.numbers = [name for name, kind in columns.items() if kind in NUMBERS]

    def init(self) -> CrossState:
        """Return the state of no rows."""
        wide, pairs = len(self.columns), len(self.numbers) * (len(self.numbers) - 1) // 2
        present = np.zeros((wide, wide), np.int64)
        return CrossState(np.zeros((pairs, 6)), 0, present, empty_rows(self._schema()))

    def update(self, state: CrossState, frame: pl.DataFrame) -> CrossState:
        """Add the rows of a shard."""
        frame = pick(frame, self.columns)
        if not frame.height:
            return state
        part = CrossState(
            pair_moments(pick(frame, self.numbers)),
            frame.height,
            _present(frame),
            add_rows(empty_rows(self._schema()), frame),
        )
        return self.merge(state, part)

    def merge(self, first: CrossState, second: CrossState) -> CrossState:
        """Return the state of the rows of both."""
        return CrossState(
            merge_moments(first.moments, second.moments),
            first.rows + second.rows,
            first.present + second.present,
            merge_rows(first.sample, second.sample),
        )

    def finish(self, state: CrossState) -> tuple[Cross, ...]:
        """Return a `Cross` for each pair, in the order of the columns."""
        frame = state.sample.frame
        coded = {name: _codes(unnamed(frame[name]), self.kinds[name]) for name in self.columns}
        ranked = {name: _numbers(unnamed(frame[name])) for name in self.numbers}
        moments = dict(zip(combinations(self.numbers, 2), state.moments, strict=True))
        sampled = frame.height if state.sample.stride > 1 else None
        found = []
        for (i, one), (j, two) in combinations(enumerate(self.columns), 2):
            pair: dict[str, Any] = dict(_information(coded[one], coded[two], self.kinds, one, two))
            if (one, two) in moments:
                pair["covariance"] = covariance(moments[one, two])
                pair["pearson"] = pearson(moments[one, two])
                pair["spearman"] = spearman(ranked[one], ranked[two])
            together = _missing_together(state, i, j)
            count = int(state.present[i, j])
            found.append(Cross(one, two, count, missing_together=together, sampled=sampled, **pair))
        return tuple(found)

    def dump(self, state: CrossState) -> bytes:
        """Return the state as bytes."""
        record, arrays = pack_rows(state.sample)
        record["all"] = state.rows
        return pack(
            _VERSION, record, {**arrays, "moments": state.moments, "present": state.present}
        )

    def load(self, data: bytes) -> CrossState:
        """Return the state that `dump` wrote."""
        record, arrays = unpack(_VERSION, data, self.name)
        sample = unpack_rows(record, arrays, self._schema())
        return CrossState(arrays["moments"], record["all"], arrays["present"], sample)

    def _schema(self) -> dict[str, pl.DataType]:
        return {name: _TYPES[kind] for name, kind in self.kinds.items()}


def crosses(frame: pl.DataFrame) -> tuple[Cross, ...]:
    """Return how the columns of a frame go together in pairs.

    Columns of other types than int, float, string and bool are left out.

    Examples
    --------
    >>> round(crosses(pl.DataFrame({"a": [1, 2, 3, 4], "b": [2, 4, 6, 8]}))[0].pearson, 9)
    1.0
    """
    names = {dtype: name for name, dtype in _TYPES.items()}
    kinds = {name: names[dtype] for name, dtype in frame.schema.items() if dtype in names}
    one = Crosses(kinds)
    return one.finish(one.update(one.init(), frame))


def spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return the correlation of ranks over rows finite in both; ties get the mean of their ranks.

    None where one of the columns is constant over the common rows.
    """
    both = np.isfinite(first) & np.isfinite(second)
    ranks = pl.DataFrame({"x": first[both], "y": second[both]}).select(pl.all().rank("average"))
    return pearson(pair_moments(ranks)[0]) if ranks.height else None


def categories(column: pl.Series, kind: str) -> pl.Series:
    """Return a column with few distinct values as whole numbers from 0; null stays null.

    A number column of more than 20 values is cut at its deciles; NaN and the infinities are
    categories of their own there. Of other columns the 50 most frequent values are kept, ties in
    the order of the values, and all others are one category.
    """
    if kind in NUMBERS and column.n_unique() > _EACH_ITS_OWN + 1:
        values = _numbers(column)
        finite = np.isfinite(values)
        some = values[finite]
        cuts = np.quantile(some, np.arange(1, BINS) / BINS) if len(some) else some
        edges = np.unique(cuts)
        codes = np.searchsorted(edges, values, side="right").astype(np.int64)
        codes = np.where(finite, codes, BINS + 1)
        codes = np.where(values == np.inf, BINS + 2, codes)
        codes = np.where(values == -np.inf, BINS + 3, codes)
        frame = pl.DataFrame({"code": codes, "null": column.is_null()})
        return frame.select(pl.when(~pl.col("null")).then("code")).to_series()
    counts = column.drop_nulls().alias("value").value_counts(name="count")
    counts = counts.sort(["count", "value"], descending=[True, False])
    known = counts["value"].head(MAX_VALUES)
    places = column.replace_strict(
        known, np.arange(len(known)), default=MAX_VALUES, return_dtype=pl.Int64
    )
    frame = pl.DataFrame({"code": places, "null": column.is_null()})
    return frame.select(pl.when(~pl.col("null")).then("code")).to_series()


def _codes(column: pl.Series, kind: str) -> Ints:
    return categories(column, kind).fill_null(-1).to_numpy()


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _information(
    first: Ints, second: Ints, kinds: Mapping[str, str], one: str, two: str
) -> Iterator[tuple[str, float | None]]:
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return
    table = contingency(first[both], second[both])
    yield "mutual_information", mutual_information(table) / log(2)
    yield "normalised_information", adjusted_share(table)
    if kinds[one] not in NUMBERS and kinds[two] not in NUMBERS:
        yield "cramers_v", cramers_v(table)


def _present(frame: pl.DataFrame) -> Ints:
    """Return in how many rows both of two columns have a value."""
    there = {name: unnamed(frame[name]).is_not_null() for name in frame.columns}
    counts = np.array([one.sum() for one in there.values()], np.int64)
    some = [i for i, n in enumerate(counts) if n < frame.height]
    found = np.minimum.outer(counts, counts)  # right wherever one of them is never missing
    names = frame.columns
    for i in some:
        for j in some:
            if i < j:
                both = int((there[names[i]] & there[names[j]]).sum())
                found[i, j] = found[j, i] = both
    return found


def _missing_together(state: CrossState, i: int, j: int) -> float | None:
    """Return the correlation of two indicators of being missing (phi), from their counts."""
    n = state.rows
    a, b = n - int(state.present[i, i]), n - int(state.present[j, j])
    if not 0 < a < n or not 0 < b < n:
        return None
    both = n - int(state.present[i, i]) - int(state.present[j, j]) + int(state.present[i, j])
    spread = float(np.sqrt(float(a * (n - a)))) * float(np.sqrt(float(b * (n - b))))
    return max(-1.0, min(1.0, (n * both - a * b) / spread))
