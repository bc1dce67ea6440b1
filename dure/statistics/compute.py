"""Compute `Statistics`: one Polars query a split, and one pass for histograms on common edges."""

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
    a text column. Memory is that of one split and one sorted column for each processor.

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
    done = 0
    for name in examples.splits:
        rows[name] = _aggregate(examples.frame(name), examples.columns)
        done += examples.rows[name]
        progress(done, total, unit="rows", note=f"split {name}")
    for column, kind in examples.columns.items():
        if kind in _NUMBERS:
            _add_histograms(examples, column, kind, {name: rows[name][column] for name in rows})
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
    for name, kind in kinds.items():
        if kind in _NUMBERS:
            _repair_overflow(rows[name], frame[name])
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
    # Sorted once for all quantiles; and sums over sorted values do not depend on how the rows
    # lay in the file or in chunks, so that the same data gives the same bytes.
    finite = value.filter(value.is_finite()).sort()
    exact = column.filter(value.is_finite())
    return {
        "mean": finite.mean(),
        "std": finite.std(ddof=0),
        "min": exact.min(),
        "max": exact.max(),
        "zeros": (column == 0).sum(),
        "nan": value.is_nan().sum(),
        "positive_inf": (value == np.inf).sum(),
        "negative_inf": (value == -np.inf).sum(),
        **{f"quantile {q}": finite.quantile(q, "linear") for q in QUANTILES},
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


def _repair_overflow(row: Row, column: pl.Series) -> None:
    """Compute again what overflowed although its true value is finite."""
    if row["min"] is None:
        return
    keys = [f"quantile {q}" for q in QUANTILES]
    if np.isfinite([row["mean"], row["std"], *(row[key] for key in keys)]).all():
        return
    values = np.sort(_finite(column))
    # Powers of two, so that scaling itself rounds nothing. Squares need a small scale; quantiles
    # only add two numbers, and a small scale would wipe out small ones.
    scale = 2.0 ** np.ceil(np.log2(np.abs(values).max()) / 2)
    small = values / scale / scale
    row["mean"] = float(small.mean() * scale * scale)
    row["std"] = float(small.std() * scale * scale)
    for key, value in zip(keys, np.quantile(values / 4, QUANTILES) * 4, strict=True):
        row[key] = float(value)


def _finite(column: pl.Series) -> NDArray[np.float64]:
    values = column.drop_nulls().cast(pl.Float64).to_numpy()
    finite: NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _add_histograms(examples: Examples, column: str, kind: str, rows: Mapping[str, Row]) -> None:
    """Add to the row of each split a histogram whose edges are the same in all splits."""
    known = [row for row in rows.values() if row["min"] is not None]
    if not known:
        return
    at = histogram.edges(
        float(min(row["min"] for row in known)),
        float(max(row["max"] for row in known)),
        min(row["quantile 0.01"] for row in known),
        max(row["quantile 0.99"] for row in known),
        whole=kind == "int",
    )
    for name, row in rows.items():
        counts = histogram.count(_finite(examples.frame(name, [column])[column]), at)
        row["histogram"] = Histogram(tuple(at.tolist()), tuple(counts.tolist()))


def _statistics(name: str, kind: str, row: Row) -> ColumnStatistics:
    values = dict(row)
    if kind in _NUMBERS:
        quantiles = [values.pop(f"quantile {q}") for q in QUANTILES]
        values["quantiles"] = None if row["min"] is None else tuple(quantiles)
    if kind == "string":
        pairs = tuple(_pairs(values["values"]))
        values["top"] = pairs[:TOP]
        values["values"] = pairs if row["unique"] <= MAX_VALUES else None
    return ColumnStatistics(name=name, type=kind, **values)


def _pairs(counts: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, int]]:
    return ((pair["value"], pair["times"]) for pair in counts)
