"""Compute `Statistics`: one Polars query a split, and each number column once in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.examples import Examples
from dure.errors import UsageError
from dure.progress import Progress, silent
from dure.statistics import histogram
from dure.statistics.moments import mean_and_std, quantiles
from dure.statistics.statistics import (
    MAX_VALUES,
    QUANTILES,
    TOP,
    ColumnStatistics,
    Histogram,
    SplitStatistics,
    Statistics,
)

_NUMBERS = ("int", "float")
Row = dict[str, Any]


def describe(
    examples: Examples | pl.DataFrame, *, split: str = "train", progress: Progress = silent
) -> Statistics:
    """Return the statistics of each column of each split.

    Parameters
    ----------
    examples : Examples or polars.DataFrame
        The data.
    split : str
        What to call the only split, if ``examples`` is a frame.
    progress : Progress
        Is told how many rows are described.

    Returns
    -------
    Statistics
        Exact, and independent of the order of the rows to the last bit.

    Raises
    ------
    UsageError
        ``examples`` is something else.
    DataError
        The frame is empty, or has columns of nested or binary values.

    Notes
    -----
    Time is O(rows log rows) a number column, which is sorted once for its quantiles, and O(rows)
    a text column. Memory is that of the data and one column in order.

    Examples
    --------
    >>> describe(pl.DataFrame({"a": [1, 2, None]})).splits["train"].columns["a"].mean
    1.5
    """
    if isinstance(examples, pl.DataFrame):
        examples = Examples.from_frames({split: examples})
    if not isinstance(examples, Examples):
        raise UsageError(
            "describe got something that is no data",
            expected="Examples or a polars DataFrame",
            got=f"{type(examples).__module__}.{type(examples).__qualname__}",
            fix="dure.data.read(path) gives a DataFrame, dure.data.make_examples(path) Examples",
        )
    total = sum(examples.rows.values())
    rows: dict[str, dict[str, Row]] = {}
    frames: dict[str, pl.DataFrame] = {}
    for name in examples.splits:
        frames[name] = examples.frame(name)
        rows[name] = _aggregate(frames[name], examples.columns)
        progress(sum(examples.rows[done] for done in rows), total, unit="rows", note=name)
    for column, kind in examples.columns.items():
        if kind in _NUMBERS:
            parts = {name: frame[column] for name, frame in frames.items()}
            _add_numbers(parts, {name: rows[name][column] for name in rows})
    return Statistics(
        {
            name: SplitStatistics(
                examples.rows[name],
                {c: _statistics(c, kind, rows[name][c]) for c, kind in examples.columns.items()},
            )
            for name in examples.splits
        }
    )


def _aggregate(frame: pl.DataFrame, kinds: Mapping[str, str]) -> dict[str, Row]:
    """Return what one query over a split can tell of each column."""
    query = {"int": _number, "float": _number, "string": _text, "bool": _truth}
    wanted = [
        expression.alias(f"{index}\0{key}")
        for index, (name, kind) in enumerate(kinds.items())
        for key, expression in {**_common(name), **query[kind](name)}.items()
    ]
    found = frame.lazy().select(wanted).collect(engine="in-memory").row(0, named=True)
    rows: dict[str, Row] = {name: {} for name in kinds}
    names = list(kinds)
    for label, value in found.items():
        index, key = label.split("\0")
        rows[names[int(index)]][key] = value
    return rows


def _common(name: str) -> dict[str, pl.Expr]:
    column = pl.col(name)
    return {
        "count": column.count(),
        "missing": column.null_count(),
        "unique": column.drop_nulls().n_unique(),
    }


def _number(name: str) -> dict[str, pl.Expr]:
    column = pl.col(name)
    value = column.cast(pl.Float64)
    finite = column.filter(value.is_finite())
    return {
        "min": finite.min(),
        "max": finite.max(),
        "zeros": (column == 0).sum(),
        "nan": value.is_nan().sum(),
        "positive_inf": (value == np.inf).sum(),
        "negative_inf": (value == -np.inf).sum(),
    }


def _text(name: str) -> dict[str, pl.Expr]:
    column = pl.col(name)
    length = column.str.len_chars()
    counts = column.alias("value").drop_nulls().value_counts(name="times")
    by = [counts.struct.field("times"), counts.struct.field("value")]
    return {
        "min_length": length.min(),
        "mean_length": length.mean(),
        "max_length": length.max(),
        # value_counts gives no order; frequency, then the text, makes it one.
        "values": counts.sort_by(by, descending=[True, False]).head(MAX_VALUES).implode(),
    }


def _truth(name: str) -> dict[str, pl.Expr]:
    column = pl.col(name)
    return {"true": column.sum(), "false": (~column).sum()}


def _add_numbers(parts: Mapping[str, pl.Series], rows: Mapping[str, Row]) -> None:
    """Add to the row of each split what needs its values in order.

    Edges of histograms are the same in all splits, so that they can be compared.
    """
    values = {name: _ascending(part) for name, part in parts.items()}
    for name, found in values.items():
        row = rows[name]
        row["mean"], row["std"] = mean_and_std(found) if len(found) else (None, None)
        row["quantiles"] = quantiles(found, QUANTILES) if len(found) else None
    known = [row for row in rows.values() if row["quantiles"]]
    if not known:
        return
    at = histogram.edges(
        float(min(row["min"] for row in known)),
        float(max(row["max"] for row in known)),
        min(row["quantiles"][QUANTILES.index(0.01)] for row in known),
        max(row["quantiles"][QUANTILES.index(0.99)] for row in known),
        whole=all(part.dtype == pl.Int64 for part in parts.values()),
    )
    for name, found in values.items():
        counts = histogram.count(found, at)
        rows[name]["histogram"] = Histogram(tuple(at.tolist()), tuple(counts.tolist()))


def _ascending(column: pl.Series) -> NDArray[np.float64]:
    value = column.drop_nulls().cast(pl.Float64)
    return value.filter(value.is_finite()).sort().to_numpy()


def _statistics(name: str, kind: str, row: Row) -> ColumnStatistics:
    values = dict(row)
    if kind == "string":
        pairs = tuple(_pairs(values["values"]))
        values["top"] = pairs[:TOP]
        values["values"] = pairs if row["unique"] <= MAX_VALUES else None
    return ColumnStatistics(name=name, type=kind, **values)


def _pairs(counts: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, int]]:
    return ((pair["value"], pair["times"]) for pair in counts)
