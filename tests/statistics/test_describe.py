"""Statistics against exact arithmetic, NumPy and Python's counters."""

from __future__ import annotations

import math
import random
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples
from dure.errors import DataError, UsageError
from dure.statistics import QUANTILES, ColumnStatistics, StatisticsOptions, describe

PLAIN = StatisticsOptions(semantic=False)


def one(values: list[object], dtype: pl.DataType) -> ColumnStatistics:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    return describe(frame, options=PLAIN).splits["train"].columns["x"]


def exact_moments(values: list[float]) -> tuple[float, float]:
    """Mean and population deviation, rounded once."""
    fractions = [Fraction(value) for value in values]
    mean = sum(fractions) / len(fractions)
    variance = sum((value - mean) ** 2 for value in fractions) / len(fractions)
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**6, -(10**6)
        root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
        return float(mean), float(root)


@given(st.lists(st.none() | st.floats(), min_size=1, max_size=60))
def test_numbers_agree_with_exact_arithmetic_and_numpy(values: list[float | None]) -> None:
    column = one(list(values), pl.Float64())
    known = [value for value in values if value is not None]
    finite = [value for value in known if math.isfinite(value)]
    assert (column.count, column.missing) == (len(known), len(values) - len(known))
    assert column.nan == sum(map(math.isnan, known))
    assert column.positive_inf == known.count(math.inf)
    assert column.negative_inf == known.count(-math.inf)
    assert column.zeros == known.count(0.0)
    distinct = {value for value in known if not math.isnan(value)}
    assert column.unique == len(distinct) + any(map(math.isnan, known))
    if not finite:
        assert column.mean is column.std is column.min is column.max is None
        assert column.quantiles is column.histogram is None
        return
    assert (column.min, column.max) == (min(finite), max(finite))
    largest = max(map(abs, finite))
    mean, std = exact_moments(finite)
    # Absolute, in units of the largest value: a mean of 1 and -1 has no relative error.
    assert column.mean == pytest.approx(mean, abs=1e-13 * largest, rel=0)
    assert column.std == pytest.approx(std, abs=1e-13 * largest, rel=1e-12)
    quarters = np.quantile(np.array(finite) / 4, QUANTILES)
    assert column.quantiles is not None
    assert np.abs(np.array(column.quantiles) / 4 - quarters).max() <= 1e-14 * largest
    assert (column.quantiles[0], column.quantiles[-1]) == (min(finite), max(finite))
    assert column.median == column.quantiles[QUANTILES.index(0.5)]
    assert column.histogram is not None
    expected = np.histogram(finite, bins=np.array(column.histogram.edges))[0]
    assert list(column.histogram.counts) == expected.tolist()
    assert sum(column.histogram.counts) == len(finite)


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_whole_numbers_keep_every_digit(values: list[int | None]) -> None:
    column = one(list(values), pl.Int64())
    known = [value for value in values if value is not None]
    assert (column.nan, column.inf) == (0, 0)
    assert column.unique == len(set(known))
    assert column.zeros == known.count(0)
    if known:
        assert (column.min, column.max) == (min(known), max(known))
        assert isinstance(column.min, int)
        mean, std = exact_moments([float(value) for value in known])
        largest = max(map(abs, known))
        assert column.mean == pytest.approx(mean, abs=1e-13 * largest, rel=0)
        assert column.std == pytest.approx(std, abs=1e-13 * largest, rel=1e-12)


@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=60))
def test_texts_are_counted_as_a_counter_counts(values: list[str | None]) -> None:
    column = one(list(values), pl.String())
    known = [value for value in values if value is not None]
    expected = sorted(Counter(known).items(), key=lambda pair: (-pair[1], pair[0].encode()))
    assert column.type == "string"
    assert (column.count, column.missing) == (len(known), len(values) - len(known))
    assert column.unique == len(expected)
    assert column.values == tuple(expected)
    assert column.top == tuple(expected[:20])
    lengths = [len(value) for value in known]
    assert column.min_length == min(lengths, default=None)
    assert column.max_length == max(lengths, default=None)
    if lengths:
        assert column.mean_length == pytest.approx(sum(lengths) / len(lengths))


@given(st.lists(st.none() | st.booleans(), min_size=1))
def test_truth_values_are_counted(values: list[bool | None]) -> None:
    column = one(list(values), pl.Boolean())
    assert (column.true, column.false) == (values.count(True), values.count(False))
    assert column.missing == values.count(None)
    assert column.unique == len({value for value in values if value is not None})


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_a_small_spread_far_from_zero_keeps_its_deviation(offset: float) -> None:
    values = np.random.default_rng(1).normal(size=10_000) + offset
    column = one(values.tolist(), pl.Float64())
    assert column.mean == pytest.approx(values.mean(), rel=1e-14)
    assert column.std == pytest.approx(exact_moments(values.tolist())[1], rel=1e-12)
    assert column.std == pytest.approx(float(scipy.stats.tstd(values, ddof=0)), rel=1e-12)


@pytest.mark.parametrize("scale", [1e308, 1e200, 1.0, 1e-200, 5e-324])
def test_moments_and_quantiles_hold_over_the_whole_range_of_floats(scale: float) -> None:
    column = one([scale, -scale, scale, -scale], pl.Float64())
    assert (column.mean, column.std, column.median) == (0.0, scale, 0.0)


def test_more_than_a_thousand_texts_keep_only_the_top() -> None:
    values = [f"v{i:04}" for i in range(1001)] + ["v0500"] * 3 + ["v0007"] * 3
    column = one(list(values), pl.String())
    assert column.unique == 1001
    assert column.values is None
    assert column.top is not None
    assert column.top[:3] == (("v0007", 4), ("v0500", 4), ("v0000", 1))
    assert len(column.top) == 20
    exactly = one([f"v{i:04}" for i in range(1000)], pl.String())
    assert exactly.values is not None
    assert len(exactly.values) == 1000


def test_one_row_and_constants_are_described() -> None:
    frame = pl.DataFrame({"i": [7], "f": [0.1], "s": ["x"], "b": [True]})
    columns = describe(frame).splits["train"].columns
    assert (columns["i"].mean, columns["i"].std) == (7.0, 0.0)
    assert columns["f"].quantiles == (0.1,) * len(QUANTILES)
    assert columns["f"].histogram is not None
    assert (columns["f"].histogram.edges, columns["f"].histogram.counts) == ((0.1, 0.1), (1,))
    assert columns["s"].values == (("x", 1),)
    assert (columns["b"].true, columns["b"].unique) == (1, 1)


def test_columns_without_values_are_described() -> None:
    frame = pl.DataFrame({"n": [None, None], "f": pl.Series([None, None], dtype=pl.Float64)})
    columns = describe(frame).splits["train"].columns
    assert columns["n"].type == "string"
    assert (columns["n"].missing, columns["n"].unique, columns["n"].values) == (2, 0, ())
    assert columns["f"].type == "float"
    assert (columns["f"].missing, columns["f"].unique, columns["f"].mean) == (2, 0, None)


def test_any_column_name_is_taken() -> None:
    names = ["count", "value", "times", "len", "", "a\0b", "0\0count", "이름", " "]
    frame = pl.DataFrame({name or "x": ["t", "t"] for name in names})
    columns = describe(frame).splits["train"].columns
    assert list(columns) == [name or "x" for name in names]
    assert all(column.values == (("t", 2),) for column in columns.values())


def test_splits_are_described_apart_on_common_edges() -> None:
    low, high = pl.DataFrame({"x": [0.0, 1.0, 2.0]}), pl.DataFrame({"x": [9.0, None, 10.0]})
    splits = describe(Examples.from_frames({"train": low, "eval": high})).splits
    train, other = splits["train"].columns["x"], splits["eval"].columns["x"]
    assert (train.max, other.min, other.missing) == (2.0, 9.0, 1)
    assert train.histogram is not None
    assert other.histogram is not None
    assert train.histogram.edges == other.histogram.edges
    assert (train.histogram.edges[0], train.histogram.edges[-1]) == (0.0, 10.0)
    assert (sum(train.histogram.counts), sum(other.histogram.counts)) == (3, 2)
    assert (splits["train"].rows, splits["eval"].rows) == (3, 3)


def test_a_split_without_finite_values_shares_the_edges_of_the_other() -> None:
    frames = {
        "train": pl.DataFrame({"x": [1.0, 2.0]}),
        "eval": pl.DataFrame({"x": pl.Series([None], dtype=pl.Float64)}),
    }
    histogram = describe(Examples.from_frames(frames)).splits["eval"].columns["x"].histogram
    assert histogram is not None
    assert sum(histogram.counts) == 0


def test_the_order_of_rows_and_chunks_changes_no_bit(tmp_path: Path) -> None:
    generator = random.Random(3)
    rows = [(generator.gauss(0, 1e6), generator.choice("abc"), i % 7) for i in range(5000)]
    shuffled = generator.sample(rows, len(rows))
    schema = {"f": pl.Float64, "s": pl.String, "i": pl.Int64}
    first = pl.DataFrame(rows, schema=schema, orient="row")
    second = pl.DataFrame(shuffled, schema=schema, orient="row")
    chunked = pl.concat([second[:17], second[17:3000], second[3000:]], rechunk=False)
    assert describe(first) == describe(second) == describe(chunked)
    Examples.from_frames({"train": chunked}).save(tmp_path)
    assert describe(Examples.load(tmp_path)) == describe(first)


def test_progress_is_told_in_rows() -> None:
    told: list[tuple[float, float | None, str]] = []
    frames = {"train": pl.DataFrame({"a": [1, 2]}), "eval": pl.DataFrame({"a": [3]})}
    describe(
        Examples.from_frames(frames),
        progress=lambda done, total=None, *, unit="rows", note="": told.append((done, total, unit)),
    )
    assert told == [(2, 3, "rows"), (3, 3, "rows")]


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(UsageError, match="no data"):
        describe({"a": [1]})  # type: ignore[arg-type]
    with pytest.raises(DataError, match="is empty"):
        describe(pl.DataFrame({"a": []}))
