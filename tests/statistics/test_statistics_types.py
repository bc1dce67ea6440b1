"""Columns of every type, by weight and in slices, against brute force and other libraries."""

from __future__ import annotations

import json
import math
import sys
import types
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from dure.data.slicing import SliceSpec
from dure.errors import DataError, UsageError
from dure.statistics import Aggregate, ColumnStatistics, Statistics, describe
from dure.statistics.options import StatisticsOptions

FINITE = st.floats(-1e9, 1e9)


def one(values: Any, dtype: Any, **options: Any) -> ColumnStatistics:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    plain = StatisticsOptions(semantic=False, **options)
    found = describe(frame, options=plain).splits["train"]
    return found.columns["x"]


@given(st.lists(FINITE, min_size=2, max_size=50))
def test_shape_and_deviation_agree_with_scipy(values: list[float]) -> None:
    column = one(values, pl.Float64)
    # Two ways to halve the distance between the middle values differ in the last bit.
    last = 1e-15 * max(map(abs, values))
    expected = scipy.stats.median_abs_deviation(values)
    assert column.mad == pytest.approx(expected, rel=1e-12, abs=last)
    assert column.negative == sum(value < 0 for value in values)
    array = np.array(values)
    if np.ptp(array) <= 1e-3 * np.abs(array).max() or np.ptp(array) < 1e-3:
        return  # there, scipy loses digits
    assert column.skewness == pytest.approx(scipy.stats.skew(array), rel=1e-6, abs=1e-6)
    assert column.kurtosis == pytest.approx(scipy.stats.kurtosis(array), rel=1e-6, abs=1e-6)


@given(st.lists(FINITE, min_size=1, max_size=50))
def test_the_standard_histogram_is_that_of_numpy(values: list[float]) -> None:
    column = one(values, pl.Float64)
    assert column.equal is not None
    assert (column.equal.edges[0], column.equal.edges[-1]) == (min(values), max(values))
    assert sum(column.equal.counts) == len(values)
    if min(values) < max(values):
        edges = np.array(column.equal.edges)
        assert column.equal.edges == pytest.approx(np.linspace(min(values), max(values), 11))
        assert list(column.equal.counts) == np.histogram(values, bins=edges)[0].tolist()
    assert column.deciles is not None
    assert column.deciles.edges == pytest.approx(np.quantile(values, np.arange(11) / 10))
    assert sum(column.deciles.counts) == pytest.approx(len(values))


def test_equal_values_have_no_shape() -> None:
    column = one([0.1] * 7, pl.Float64)
    assert (column.skewness, column.kurtosis, column.std, column.mad) == (None, None, 0.0, 0.0)


@pytest.mark.parametrize(
    "values",
    [[2**53, 2**53 + 1], [-(2**63), 2**63 - 1], [2**62, 2**62 + 1, -1], [0], [10**18] * 3],
)
def test_whole_numbers_are_exact_beyond_floats(values: list[int]) -> None:
    column = one(values, pl.Int64)
    assert (column.min, column.max, column.unique) == (min(values), max(values), len(set(values)))
    assert column.mean == sum(values) / len(values)
    assert column.std == pytest.approx(float(np.std([float(v) for v in values])), rel=1e-9, abs=1)


@pytest.mark.parametrize("values", [[1e308, -1e308], [5e-324, 0.0], [1e308] * 3, [-0.0, 0.0]])
def test_extreme_floats_are_described(values: list[float]) -> None:
    column = one(values, pl.Float64)
    assert (column.min, column.max) == (min(values), max(values))
    assert column.mean == pytest.approx(math.fsum(v / len(values) for v in values))
    assert column.mad is not None
    assert math.isfinite(column.mad)
    assert column.unique == len(set(values))


@given(st.lists(st.text(max_size=4), min_size=1, max_size=60))
def test_texts_have_lengths_entropy_and_blanks(values: list[str]) -> None:
    column = one(values, pl.String)
    counts = Counter(values)
    entropy = scipy.stats.entropy(list(counts.values()), base=2)
    assert column.entropy == pytest.approx(entropy, abs=1e-12)
    assert column.empty == values.count("")
    assert column.blank == sum(
        bool(v) and not v.strip() for v in values if v.strip("\x1c\x1d\x1e\x1f") == v
    )
    assert column.mean_bytes == pytest.approx(np.mean([len(v.encode()) for v in values]))


def test_shapes_of_texts_are_told() -> None:
    column = one(["AB-1234", "C-5", "ab c", "서울 12", None], pl.String)
    assert column.patterns == (("A-9", 2), ("a 9", 1), ("a a", 1))


def test_a_text_of_megabytes_is_counted_by_its_start_and_digest() -> None:
    long = "x" * 2_000_000
    column = one([long, long, long + "y", "short"], pl.String)
    assert column.unique == 3
    assert column.max_length == 2_000_001
    assert column.top is not None
    assert max(len(text) for text, _ in column.top) < 300
    assert [count for _, count in column.top] == [2, 1, 1]


def test_lists_are_described_level_by_level() -> None:
    rows = [[[1, 2], [], None], [[3]], [], None, [[4, None, 4]]]
    column = one(rows, pl.List(pl.List(pl.Int64)))
    outer, inner = column.levels
    assert (column.count, column.missing) == (4, 1)
    assert (outer.present, outer.missing, outer.min, outer.max, outer.total) == (4, 1, 0, 3, 5)
    assert (inner.present, inner.min, inner.max, inner.total) == (4, 0, 3, 6)
    assert inner.lengths is not None
    assert inner.lengths.edges == pytest.approx(np.quantile([2, 0, 1, 3], np.arange(11) / 10))
    assert (column.total, column.unique, column.min, column.max) == (5, 4, 1, 4)
    assert column.mean == pytest.approx(np.mean([1, 2, 3, 4, 4]))
    empty = one([[], None, []], pl.List(pl.String))
    assert (empty.total, empty.top, empty.levels[0].max) == (0, (), 0)


def test_fields_of_structs_are_columns_where_the_struct_is_there() -> None:
    kind = pl.Struct({"a": pl.Int64, "b": pl.Struct({"c": pl.String})})
    rows = [{"a": 1, "b": {"c": "x"}}, None, {"a": None, "b": None}]
    frame = pl.DataFrame({"t": pl.Series(rows, dtype=kind), "u": [1, 2, 3]})
    columns = describe(frame).splits["train"].columns
    assert list(columns) == ["t", "t.a", "t.b", "t.b.c", "u"]
    assert (columns["t"].count, columns["t"].missing, columns["t"].unique) == (2, 1, None)
    assert (columns["t.a"].count, columns["t.a"].missing, columns["t.a"].path) == (1, 1, ("t", "a"))
    assert (columns["t.b"].count, columns["t.b"].missing) == (1, 1)
    assert columns["t.b.c"].values == (("x", 1),)
    listed = pl.DataFrame({"l": [[{"a": 1}, {"a": 3}], [], None]})
    inside = describe(listed).splits["train"].columns["l.a"]
    assert (inside.count, inside.missing, inside.mean) == (2, 0, 2.0)


def test_a_field_with_the_name_of_a_column_is_refused() -> None:
    frame = pl.DataFrame({"a": [{"b": 1}], "a.b": [2]})
    with pytest.raises(DataError, match=r"two columns are called 'a\.b'"):
        describe(frame)


def test_bytes_have_lengths_and_distinct_values() -> None:
    column = one([b"\xff\x00", b"", None, b"\xff\x00", b"abc"], pl.Binary)
    assert (column.type, column.count, column.missing, column.unique) == ("bytes", 4, 1, 3)
    assert (column.min_length, column.max_length, column.mean_length) == (0, 3, 7 / 4)
    assert (column.top, column.mean, column.empty) == (None, None, 1)


@given(st.lists(st.tuples(st.none() | FINITE, st.none() | st.floats(0, 1e6)), min_size=1))
def test_weights_count_rows_and_a_missing_one_counts_nothing(
    rows: list[tuple[float | None, float | None]],
) -> None:
    frame = pl.DataFrame(rows, schema={"x": pl.Float64, "w": pl.Float64}, orient="row")
    options = StatisticsOptions(weight="w", semantic=False)
    split = describe(frame, options=options).splits["train"]
    weights = [w or 0.0 for _, w in rows]
    found = split.columns["x"].weighted
    assert found is not None
    assert split.weighted_rows == pytest.approx(sum(weights), rel=1e-12, abs=1e-9)
    present = [(x, w or 0.0) for x, w in rows if x is not None]
    there = sum(w for _, w in present)
    assert found.count == found.total == pytest.approx(there, rel=1e-12, abs=1e-9)
    assert found.missing == pytest.approx(sum(weights) - there, abs=1e-6)
    if there < 1e-6:
        return
    x, w = (np.array(part) for part in zip(*present, strict=True))
    mean = np.average(x, weights=w)
    scale = max(1.0, np.abs(x).max())
    assert found.mean == pytest.approx(mean, abs=1e-9 * scale)
    std = np.sqrt(np.average((x - mean) ** 2, weights=w))
    assert found.std == pytest.approx(std, abs=1e-6 * scale)
    assert found.histogram is not None
    assert sum(found.histogram.counts) == pytest.approx(there, abs=1e-6)
    assert found.median in x.tolist()


def test_whole_weights_are_as_repeated_rows() -> None:
    frame = pl.DataFrame({"s": ["a", "b", "c"], "x": [1, 2, 6], "w": [1, 5, 2]})
    again = frame.select(pl.all().repeat_by("w").explode())
    weighed = describe(frame, options=StatisticsOptions(weight="w")).splits["train"].columns
    repeated = describe(again).splits["train"].columns
    weighted = weighed["x"].weighted
    assert weighted is not None
    assert (weighted.mean, weighted.std) == pytest.approx((repeated["x"].mean, repeated["x"].std))
    assert weighted.median == repeated["x"].median
    assert weighed["s"].weighted is not None
    assert weighed["s"].weighted.top == repeated["s"].top
    assert weighted.histogram == repeated["x"].equal


def test_a_column_can_have_its_own_weight() -> None:
    frame = pl.DataFrame({"x": [1, 3], "y": [1, 3], "w": [1, 3], "v": [1, 0]})
    options = StatisticsOptions(columns=("x", "y"), weight="w", weights={"y": "v"})
    columns = describe(frame, options=options).splits["train"].columns
    assert list(columns) == ["x", "y"]
    means = [column.weighted.mean for column in columns.values() if column.weighted]
    assert means == [2.5, 1.0]


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, 2.0**41])
def test_what_cannot_be_a_weight_is_refused(weight: float) -> None:
    frame = pl.DataFrame({"x": [1, 2], "w": [1.0, weight]})
    with pytest.raises(DataError, match="1 value that cannot be a weight") as caught:
        describe(frame, options=StatisticsOptions(weight="w"))
    assert caught.value.got == f"{weight:.15g}"
    with pytest.raises(DataError, match="cannot weigh rows") as caught:
        describe(pl.DataFrame({"s": ["a"]}), options=StatisticsOptions(weight="s"))
    assert caught.value.got == "string"
    with pytest.raises(UsageError, match="did you mean 'w'"):
        describe(frame, options=StatisticsOptions(weight="ww"))


def test_a_slice_has_the_statistics_of_its_rows_alone() -> None:
    rng = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "company": rng.choice(["a", "b", "c"], 500),
            "hour": rng.integers(0, 3, 500),
            "fare": rng.normal(10, 5, 500),
        }
    )
    specs = (
        SliceSpec(("company", "hour"), smallest=2),
        SliceSpec(("fare",), bins={"fare": (0.0, 10.0, 20.0)}),
        SliceSpec(where="fare > 10 AND hour = 1"),
        SliceSpec(("company",), top=1),
    )
    split = describe(frame, options=StatisticsOptions(slices=specs)).splits["train"]
    assert len(split.slices) == 9 + 2 + 1 + 1
    expected = {
        "company=a, hour=2": (pl.col("company") == "a") & (pl.col("hour") == 2),
        "fare in [0, 10)": (pl.col("fare") >= 0) & (pl.col("fare") < 10),
        "fare in [10, 20]": (pl.col("fare") >= 10) & (pl.col("fare") <= 20),
        "fare > 10 AND hour = 1": (pl.col("fare") > 10) & (pl.col("hour") == 1),
    }
    for name, rows in expected.items():
        alone = describe(frame.filter(rows)).splits["train"]
        found = split.slices[name]
        assert found.rows == alone.rows
        for column, there in found.columns.items():
            here = alone.columns[column]
            assert (there.mean, there.std, there.quantiles) == (here.mean, here.std, here.quantiles)
            assert (there.top, there.unique, there.mad) == (here.top, here.unique, here.mad)


def test_ten_thousand_columns_are_described() -> None:
    frame = pl.DataFrame({f"c{i}": [i, None, i + 1] for i in range(10_000)})
    columns = describe(frame, options=StatisticsOptions(semantic=False)).splits["train"].columns
    assert len(columns) == 10_000
    assert (columns["c9999"].mean, columns["c9999"].missing) == (9999.5, 1)


def test_a_lazy_frame_is_data() -> None:
    frame = pl.LazyFrame({"x": [1, 2, 3]})
    assert describe(frame.filter(pl.col("x") > 1)).splits["train"].rows == 2


def test_a_number_of_bins_becomes_edges_with_equally_many_rows() -> None:
    frame = pl.DataFrame({"x": [float(i) for i in range(100)]})
    options = StatisticsOptions(slices=(SliceSpec(("x",), bins={"x": 4}),))
    first = describe(frame, options=options)
    sizes = [part.rows for part in first.splits["train"].slices.values()]
    assert sizes == [25, 25, 25, 25]
    again = describe(frame.head(10), options=options, previous=first)
    assert next(iter(again.splits["train"].slices)) == "x in [0, 24.75)"
    assert again.splits["train"].slices["x in [0, 24.75)"].rows == 35


def test_slices_can_be_named_by_their_columns() -> None:
    whole = (SliceSpec(("a",)), SliceSpec(("a", "b")), SliceSpec(("b",), top=1))
    short = StatisticsOptions(slices=("a", ["a", "b"], whole[2]))  # type: ignore[arg-type] # as people write it
    assert short.slices == whole
    assert StatisticsOptions.from_dict({"slices": ["a", ["a", "b"], whole[2]]}).slices == whole
    frame = pl.DataFrame({"a": ["x", "y"], "b": [1, 2]})
    assert describe(frame, options=short) == describe(
        frame, options=StatisticsOptions(slices=whole)
    )
    for wrong, words in (("a", "slices is one text"), ((3,), "a slice is none")):
        with pytest.raises(UsageError, match=words):
            StatisticsOptions(slices=wrong)  # type: ignore[arg-type] # wrong on purpose


def test_options_come_back_from_json() -> None:
    options = StatisticsOptions(
        columns=("a",),
        weights={"a": "w"},
        slices=(SliceSpec(("a", "b"), values={"a": ("x", 1, None)}, bins={"b": (0.0, 1.5)}),),
        label="a",
        sparse={"s": ("v", "i")},
        weighted_features={"f": ("v", "w")},
        aggregates=("module:Class",),
        settings={"sentinels": {"numbers": [-999]}},
    )
    assert StatisticsOptions.from_dict(json.loads(json.dumps(options.to_dict()))) == options
    with pytest.raises(UsageError, match="did you mean 'weight'"):
        StatisticsOptions.from_dict({"wieght": "w"})


class Longest(Aggregate[int]):
    """An aggregate of a user's own: the sum of the counts of the longest texts."""

    name = "longest"
    reads = "values"

    def __init__(self, column: str) -> None:
        self.columns = (column,)

    def init(self) -> int:
        return 0

    def update(self, state: int, frame: pl.DataFrame) -> int:
        assert frame["value"].to_list() == sorted(frame["value"].to_list())
        return max([state, *frame["value"].str.len_chars().to_list()])

    def merge(self, first: int, second: int) -> int:
        return max(first, second)

    def finish(self, state: int) -> object:
        return {"characters": state}

    def dump(self, state: int) -> bytes:
        return b"1" + str(state).encode()

    def load(self, data: bytes) -> int:
        return int(data[1:])


class Together(Aggregate[int]):
    """Rows in which two columns are missing."""

    name = "together"
    place = "split"
    columns = ("a", "b")

    init, merge, dump, load, finish = (  # type: ignore[assignment]
        lambda self: 0,
        lambda self, first, second: first + second,
        lambda self, state: str(state).encode(),
        lambda self, data: int(data),
        lambda self, state: state,
    )

    def update(self, state: int, frame: pl.DataFrame) -> int:
        return state + frame.filter(pl.all_horizontal(pl.all().is_null())).height


def test_an_aggregate_of_ones_own_is_folded_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = types.ModuleType("own_aggregates")
    Longest.of = staticmethod(  # type: ignore[attr-defined]
        lambda columns: [Longest(n) for n, kind in columns.items() if kind.endswith("string]")]
    )
    module.Longest, module.Together = Longest, Together  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "own_aggregates", module)
    options = StatisticsOptions(
        semantic=False, aggregates=("own_aggregates:Longest", "own_aggregates:Together")
    )
    frame = pl.DataFrame({"a": [["x", "yyy"], None, ["zz", None]], "b": [1, None, None]})
    whole = describe(frame, options=options)
    assert whole.splits["train"].columns["a"].custom == {"longest": {"characters": 3}}
    assert whole.splits["train"].custom == {"together": 1}
    describe(frame[:1], options=options).save(tmp_path)
    assert describe(frame[1:], previous=Statistics.load(tmp_path)) == whole
    with pytest.raises(UsageError, match="cannot be imported"):
        describe(frame, options=StatisticsOptions(aggregates=("nowhere:Class",)))
    with pytest.raises(UsageError, match="is no aggregate"):
        describe(frame, options=StatisticsOptions(aggregates=("json:JSONDecoder",)))


def test_each_level_of_lists_counts_the_lists_that_are_missing() -> None:
    frame = pl.DataFrame(
        {"l": [None, [None, [1]], [[2, None], None, None]]},
        schema={"l": pl.List(pl.List(pl.Int64))},
    )
    rows, lists = describe(frame).splits["train"].columns["l"].levels
    assert (rows.present, rows.missing, rows.total) == (2, 1, 5)
    assert (lists.present, lists.missing, lists.total) == (2, 3, 3)
