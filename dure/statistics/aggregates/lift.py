r"""Lift: how much more often a value of a column goes with a value of the label than by chance.

.. math:: lift(x, y) = P(y | x) / P(y) = \frac{n(x, y) / n(x)}{n(y) / n}

over the n rows that have a label; n(x) are those of them with the value x, once each where the
column holds lists. The weighted lift has sums of weights in place of the counts, a missing weight
being 0.

A label of more than 100 distinct numbers is cut into bins with about equally many rows, whose
edges are values of the label rounded to 3 digits, so that memory stays bounded; lifts are exact
for the bins that are stated. A column of more than 10,000 distinct values has no lifts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import named
from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.model import Lift
from dure.statistics.packing import pack, unpack

MAX_VALUES = 10_000
"""A column with more distinct values than this has no lifts: its values are no categories."""

EXACT_LABELS = 100
LABEL_VALUES = 1000
BINS = 10
TOP = 10
_VERSION = 1
_DIGITS = 3
_LABEL, _WEIGHT, _COUNT, _VALUE = "label", "weight", "count", "value"

Numbers = NDArray[np.float64]
LabelValue = str | int | tuple[float, float]


@dataclass
class LiftState:
    """Counts of labels, alone and with each value of each column.

    Parameters
    ----------
    labels : polars.DataFrame
        ``label``, ``count`` and ``weight``.
    pairs : dict of str to polars.DataFrame or None
        The same with ``value``; None: the column has too many values.
    rounded : bool
        Whether the numbers of the label are rounded to 3 digits: there are more than 1,000.
    """

    labels: pl.DataFrame
    pairs: dict[str, pl.DataFrame | None]
    rounded: bool = False


class Lifts(Aggregate[LiftState]):
    """The lift of the values of columns with those of a label.

    Parameters
    ----------
    features : tuple of str
        The columns: texts, truth values or whole numbers, single or in lists.
    label : str
        The column to predict: text, bool, int or float.
    weight : str, optional
        A number column that says how much each row counts.
    bins : int
        Into how many bins a label of many numbers is cut.
    top : int
        How many values with the largest and how many with the smallest lift are given.
    min_count : int
        Values in fewer rows than this are left out.
    """

    name = "lift"
    place = "lifts"

    def __init__(
        self,
        features: tuple[str, ...],
        label: str,
        weight: str | None = None,
        *,
        bins: int = BINS,
        top: int = TOP,
        min_count: int = 1,
    ) -> None:
        if label in features:
            raise UsageError(f"the label '{label}' cannot be compared with itself")
        if bins < 1 or top < 1:
            raise UsageError("lift needs at least 1 bin and 1 value", got=f"{bins} and {top}")
        self.features = features
        self.label = label
        self.weight = weight
        self.bins, self.top, self.min_count = bins, top, min_count
        own = () if weight is None or weight in (*features, label) else (weight,)
        self.columns = (*features, label, *own)

    def init(self) -> LiftState:
        """Return the state of no rows."""
        schema = {_LABEL: pl.Null(), _COUNT: pl.Int64(), _WEIGHT: pl.Float64()}
        pairs = dict.fromkeys(self.features, pl.DataFrame(schema={_VALUE: pl.Null(), **schema}))
        return LiftState(pl.DataFrame(schema=schema), dict(pairs))

    def update(self, state: LiftState, frame: pl.DataFrame) -> LiftState:
        """Count the rows of a shard that have a label."""
        weight = pl.lit(1.0) if self.weight is None else named(self.weight).cast(pl.Float64)
        frame = frame.select(
            *map(named, self.features),
            named(self.label).alias(f"\0{_LABEL}"),
            weight.fill_null(0.0).alias(f"\0{_WEIGHT}"),
        )
        frame = frame.filter(pl.col(f"\0{_LABEL}").is_not_null())
        if frame[f"\0{_LABEL}"].dtype.is_float():
            frame = frame.filter(pl.col(f"\0{_LABEL}").is_finite())
        if not frame.height:
            return state
        plain = frame.select(
            pl.col(f"\0{_LABEL}").alias(_LABEL), pl.col(f"\0{_WEIGHT}").alias(_WEIGHT)
        )
        labels = _counted(plain.with_columns(pl.lit(1, pl.Int64).alias(_COUNT)), [_LABEL])
        rounded = labels.height > LABEL_VALUES and labels[_LABEL].dtype.is_numeric()
        if rounded:
            plain = _rounded(plain)
            labels = _again(labels)
        pairs = {name: self._pairs(plain, frame[name]) for name in self.features}
        return self.merge(state, LiftState(labels, pairs, rounded))

    def _pairs(self, plain: pl.DataFrame, column: pl.Series) -> pl.DataFrame | None:
        table = plain.with_columns(column.alias(_VALUE), pl.lit(1, pl.Int64).alias(_COUNT))
        if isinstance(column.dtype, pl.List):
            # A value counts once a row, however often the row has it.
            table = table.with_columns(pl.col(_VALUE).list.unique(maintain_order=True))
            table = table.explode(_VALUE)
        table = table.filter(pl.col(_VALUE).is_not_null())
        if table[_VALUE].n_unique() > MAX_VALUES:
            return None
        return _counted(table, [_VALUE, _LABEL])

    def merge(self, first: LiftState, second: LiftState) -> LiftState:
        """Return the counts of both."""
        if not second.labels.height:
            return first
        if not first.labels.height:
            return second
        labels = _counted(pl.concat([first.labels, second.labels]), [_LABEL])
        rounded = first.rounded or second.rounded
        if not rounded and labels.height > LABEL_VALUES:
            rounded = labels[_LABEL].dtype.is_numeric()
        labels = _again(labels) if rounded else labels
        pairs = {
            name: _joined(first.pairs[name], second.pairs[name], rounded=rounded)
            for name in self.features
        }
        return LiftState(labels, pairs, rounded)

    def finish(self, state: LiftState) -> tuple[Lift, ...]:
        """Return a `Lift` for each column and each value or bin of the label, in their order."""
        if not state.labels.height:
            return ()
        bins = self._bins(state)
        labels = _in_bins(state.labels, bins)
        found: list[Lift] = []
        for name in self.features:
            pairs = state.pairs[name]
            if pairs is None or not pairs.height:
                continue
            table = _in_bins(pairs, bins)
            rows = labels.iter_rows(named=True)
            found += [self._lift(name, row, table, labels) for row in rows]
        return tuple(found)

    def dump(self, state: LiftState) -> bytes:
        """Return the state as bytes."""
        record = {
            "labels": _to_record(state.labels),
            "pairs": {
                name: None if one is None else _to_record(one) for name, one in state.pairs.items()
            },
            "rounded": state.rounded,
        }
        return pack(_VERSION, record)

    def load(self, data: bytes) -> LiftState:
        """Return the state that `dump` wrote."""
        record, _ = unpack(_VERSION, data, self.name)
        pairs = {
            name: None if record["pairs"][name] is None else _of_record(record["pairs"][name])
            for name in self.features
        }
        return LiftState(_of_record(record["labels"]), pairs, bool(record["rounded"]))

    def _bins(self, state: LiftState) -> Numbers | None:
        """Return the edges of the bins of a label of many numbers; None: each value is its own."""
        if not state.labels[_LABEL].dtype.is_numeric() or (
            state.labels.height <= EXACT_LABELS and state.labels[_LABEL].dtype.is_integer()
        ):
            return None
        values = state.labels[_LABEL].to_numpy().astype(np.float64)
        until = np.cumsum(state.labels[_COUNT].to_numpy())
        at = np.searchsorted(until, until[-1] * np.arange(1, self.bins) / self.bins, side="right")
        return np.unique([values[0], *values[np.minimum(at, len(values) - 1)], values[-1]])

    def _lift(
        self, name: str, row: Mapping[str, Any], table: pl.DataFrame, labels: pl.DataFrame
    ) -> Lift:
        weighted = None
        values = self._values(row, table, labels, _COUNT)
        if self.weight is not None:
            weighted = self._values(row, table, labels, _WEIGHT)
        return Lift(
            name,
            self.label,
            _label_value(row),
            int(row[_COUNT]),
            values,
            None if self.weight is None else float(row[_WEIGHT]),
            weighted,
        )

    def _values(
        self, row: Mapping[str, Any], table: pl.DataFrame, labels: pl.DataFrame, by: str
    ) -> tuple[tuple[str | int, float, float, float], ...]:
        total, of_label = float(labels[by].sum()), float(row[by])
        if not total or not of_label:
            return ()
        match = pl.col(_LABEL) == row[_LABEL]
        found = table.group_by(_VALUE).agg(
            pl.col(_COUNT).sum().alias("rows"),
            # Few terms, in the order of the table: the same on every machine.
            pl.col(by).implode().alias("all"),
            pl.col(by).filter(match).sum().alias("both"),
        )
        found = found.filter(pl.col("rows") >= self.min_count).sort(_VALUE)
        each = [float(np.sum(one.to_numpy())) for one in found["all"]]
        found = found.with_columns(pl.Series("all", each, pl.Float64)).filter(pl.col("all") > 0)
        lift = (pl.col("both") / pl.col("all")) / (of_label / total)
        found = found.with_columns(lift.alias("lift"))
        found = found.sort(["lift", _VALUE], descending=[True, False])
        if found.height > 2 * self.top:
            found = pl.concat([found.head(self.top), found.tail(self.top)])
        rows = found.select(_VALUE, "lift", "all", "both").rows()
        return tuple((_plain(v), float(r), float(a), float(b)) for v, r, a, b in rows)


def lifts(
    frame: pl.DataFrame,
    label: str,
    features: tuple[str, ...] | None = None,
    weight: str | None = None,
    *,
    bins: int = BINS,
    top: int = TOP,
    min_count: int = 1,
) -> tuple[Lift, ...]:
    """Return the lifts of the columns of a frame with its column ``label``; see `Lifts`.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": ["a", "a", "b", "b"], "y": [1, 1, 1, 0]})
    >>> lifts(frame, "y")[0].values
    (('b', 2.0, 2.0, 1.0), ('a', 0.0, 2.0, 0.0))
    """
    if features is None:
        features = tuple(
            name
            for name, dtype in frame.schema.items()
            if name not in (label, weight) and _is_category(dtype)
        )
    one = Lifts(features, label, weight, bins=bins, top=top, min_count=min_count)
    return one.finish(one.update(one.init(), frame))


def _is_category(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List):
        dtype = dtype.inner() if isinstance(dtype.inner, type) else dtype.inner
    return dtype in (pl.String, pl.Boolean, pl.Int64)


def _counted(table: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Add up counts and weights; weights in the order of the rows, so that bits do not vary."""
    lists = table.group_by(by).agg(pl.col(_COUNT).sum(), pl.col(_WEIGHT)).sort(by)
    lengths = lists[_WEIGHT].list.len().to_numpy().astype(np.int64)
    flat = lists[_WEIGHT].explode().to_numpy()
    starts = np.cumsum(lengths) - lengths
    sums = np.add.reduceat(flat, starts) if len(flat) else np.zeros(0)
    return lists.with_columns(pl.Series(_WEIGHT, sums, pl.Float64)).select(*by, _COUNT, _WEIGHT)


def _joined(
    first: pl.DataFrame | None, second: pl.DataFrame | None, *, rounded: bool
) -> pl.DataFrame | None:
    if first is None or second is None:
        return None
    some = [one for one in (first, second) if one.height]
    if not some:
        return first
    table = pl.concat(some)
    if table[_VALUE].n_unique() > MAX_VALUES:
        return None
    if rounded:
        table = _rounded(table)
    return _counted(table, [_VALUE, _LABEL])


def _rounded(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col(_LABEL).cast(pl.Float64).round_sig_figs(_DIGITS))


def _again(labels: pl.DataFrame) -> pl.DataFrame:
    return _counted(_rounded(labels), [_LABEL])


def _in_bins(table: pl.DataFrame, edges: Numbers | None) -> pl.DataFrame:
    """Return a table with ``label`` as the number of its bin, and the bounds of the bin."""
    if edges is None:
        return table
    values = table[_LABEL].to_numpy().astype(np.float64)
    inner = edges[1:-1]
    code = np.searchsorted(inner, values, side="right")
    low, high = edges[code], edges[np.minimum(code + 1, len(edges) - 1)]
    table = table.with_columns(
        pl.Series(_LABEL, code), pl.Series("low", low), pl.Series("high", high)
    )
    by = [name for name in (_VALUE, _LABEL, "low", "high") if name in table.columns]
    return _counted(table, by)


def _label_value(row: Mapping[str, Any]) -> LabelValue:
    if "low" in row:
        return (float(row["low"]), float(row["high"]))
    return _plain(row[_LABEL])


def _plain(value: Any) -> str | int:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str | int) else str(value)


def _to_record(table: pl.DataFrame) -> dict[str, Any]:
    types = {name: str(dtype) for name, dtype in table.schema.items()}
    return {"types": types, "rows": table.rows()}


def _of_record(record: Mapping[str, Any]) -> pl.DataFrame:
    # JSON sorts the names of types; the rows have them in the order of the table.
    names = [name for name in (_VALUE, _LABEL, _COUNT, _WEIGHT) if name in record["types"]]
    schema = {name: _DTYPES[record["types"][name]] for name in names}
    return pl.DataFrame(record["rows"], schema=schema, orient="row")


_DTYPES = {
    str(one): one for one in (pl.String(), pl.Int64(), pl.Float64(), pl.Boolean(), pl.Null())
}
