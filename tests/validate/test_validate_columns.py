"""Checks of lists, shapes, texts that hold something else, patterns, distributions, odd numbers."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples
from dure.errors import SchemaError
from dure.schema import Column, Schema, Time
from dure.statistics import ColumnStatistics, SplitStatistics, Statistics, describe
from dure.statistics.model import Level
from dure.validate import Anomalies, validate

NAN = float("nan")


def check(values: list[Any], column: Column, dtype: Any = None) -> Anomalies:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})
    return validate(describe(frame), Schema({"x": column}))


def kinds(found: Anomalies) -> list[str]:
    return [one.kind for one in found]


def of(column: ColumnStatistics, expected: Column) -> Anomalies:
    statistics = Statistics({"train": SplitStatistics(column.rows, {"x": column})})
    return validate(statistics, Schema({"x": expected}))


def lists(low: int, high: int, *, missing: int = 0, kind: str = "list[int]") -> ColumnStatistics:
    level = Level(10 - missing, missing, low, high, 10 * high)
    return ColumnStatistics("x", kind, 10 - missing, missing, 5, total=10 * high, levels=(level,))


# --- lists and shapes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "values", "expected"),
    [
        ((2, 5), (2, 5), []),
        ((1, 5), (2, 5), ["too_few_entries"]),
        ((2, 6), (2, 5), ["too_many_entries"]),
        ((0, 6), (2, 5), ["too_few_entries", "too_many_entries"]),
        ((0, 6), (None, 6), []),
    ],
)
def test_the_number_of_entries(
    found: tuple[int, int], values: tuple[int | None, int | None], expected: list[str]
) -> None:
    assert kinds(of(lists(*found), Column("list[int]", values=(values,)))) == expected


def test_nested_lists_are_checked_level_by_level() -> None:
    levels = (Level(10, 0, 1, 3, 20), Level(20, 0, 0, 9, 80))
    column = ColumnStatistics("x", "list[list[int]]", 10, 0, 5, total=80, levels=levels)
    fits = Column("list[list[int]]", values=((1, 3), (0, 9)))
    assert not of(column, fits).anomalies
    tight = of(column, Column("list[list[int]]", values=((1, 3), (1, 8))))
    assert [(one.kind, one.detail) for one in tight] == [
        ("too_few_entries", "1"),
        ("too_many_entries", "1"),
    ]


def test_another_nesting_is_one_finding() -> None:
    single = ColumnStatistics("x", "int", 10, 0, 5)
    (one,) = of(single, Column("list[list[int]]", values=((1, 2), (1, 2))))
    assert (one.kind, one.tfdv) == ("nesting_changed", "VALUE_NESTEDNESS_MISMATCH")
    assert not of(single, Column("list[int]", values=((1, 1),))).anomalies
    (one,) = of(lists(1, 2, kind="list[string]"), Column("string"))
    assert one.kind == "nesting_changed"
    assert kinds(of(lists(1, 2, kind="list[string]"), Column("int"))) == ["type_changed"]
    (one,) = of(lists(1, 1), Column("list[int]", values=((2, 2),)))
    assert one.tfdv == "FEATURE_TYPE_LOW_NUMBER_VALUES"


@pytest.mark.parametrize(
    ("column", "shape", "ok"),
    [
        (lists(6, 6), (2, 3), True),
        (lists(6, 6), (6,), True),
        (lists(5, 5), (6,), False),
        (lists(5, 6), (6,), False),
        (lists(6, 6, missing=1), (6,), False),
        (ColumnStatistics("x", "int", 10, 0, 5), (1,), True),
        (ColumnStatistics("x", "int", 9, 1, 5), (1,), False),
    ],
)
def test_rows_are_tensors_of_the_shape(
    column: ColumnStatistics, shape: tuple[int, ...], ok: bool
) -> None:
    found = of(column, Column(column.type, shape=shape))
    assert kinds(found) == ([] if ok else ["shape_changed"])


def test_the_fewest_rows() -> None:
    assert kinds(check([1, None, 3], Column("int", min_rows=3))) == ["too_few_present"]
    assert kinds(check([1, None, 3], Column("int", min_rows=2))) == []
    assert kinds(check([None], Column("int", min_rows=1), pl.Int64)) == ["no_values"]


# --- what texts and numbers hold -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "holds", "expected"),
    [
        (["1", "-2", "30"], "int", []),
        (["1", "2.5"], "int", ["not_int"]),
        (["1", "2.5", "1e3"], "float", []),
        (["1", "x"], "float", ["not_float"]),
        (["true", "FALSE", "1", "0"], "bool", []),
        (["true", "yes"], "bool", ["not_truth"]),
    ],
)
def test_texts_that_hold_something(values: list[str], holds: str, expected: list[str]) -> None:
    found = check(values, Column("string", holds=holds))
    assert kinds(found) == expected


def test_truth_values_of_ones_own() -> None:
    column = Column("string", holds="bool", true_value="ja", false_value="nein")
    assert not check(["ja", "nein"], column).anomalies
    (one,) = check(["ja", "true"], column)
    assert one.got == "'true' (1 row)"
    assert one.tfdv == "BOOL_TYPE_UNEXPECTED_STRING"


@pytest.mark.parametrize(
    ("values", "tfdv"),
    [
        ([0, 1], []),
        ([0, 2], ["BOOL_TYPE_BIG_INT"]),
        ([-1, 1], ["BOOL_TYPE_SMALL_INT"]),
        ([-1, 2], ["BOOL_TYPE_BIG_INT", "BOOL_TYPE_SMALL_INT"]),
        ([0.0, 1.0], []),
        ([0.0, 2.5], ["BOOL_TYPE_UNEXPECTED_FLOAT"]),
        ([0.0, NAN], ["BOOL_TYPE_UNEXPECTED_FLOAT"]),
    ],
)
def test_numbers_that_hold_truth_values(values: list[Any], tfdv: list[str]) -> None:
    kind = "int" if isinstance(values[0], int) else "float"
    allowed = {"nan": 1.0} if kind == "float" else {}
    found = check(values, Column(kind, holds="bool", **allowed))
    assert [one.tfdv for one in found] == tfdv


def test_bounds_hold_for_texts_that_hold_numbers() -> None:
    column = Column("string", holds="int", min=0, max=10)
    assert kinds(check(["0", "10"], column)) == []
    (one,) = check(["0", "11"], column)
    assert (one.kind, one.got) == ("above_max", "a largest value of 11")


# --- texts --------------------------------------------------------------------------------------


def test_a_pattern_is_found_in_every_text() -> None:
    column = Column("string", regex=r"^[A-Z]{2}-\d+$")
    assert not check(["AB-1", "CD-22", None], column).anomalies
    (one,) = check(["AB-1", "ab-1", "ab-1", "x"], column)
    assert one.kind == "no_match"
    assert one.got == "'ab-1' (2 rows), 'x' (1 row)"


@pytest.mark.parametrize(
    ("length", "expected"),
    [((2, 4), []), ((3, 4), ["too_short"]), ((2, 3), ["too_long"]), ((None, 4), [])],
)
def test_the_length_is_in_letters(length: tuple[int, int], expected: list[str]) -> None:
    assert kinds(check(["두레", "abcd"], Column("string", length=length))) == expected


# --- keys and distinct values -------------------------------------------------------------------


@given(st.lists(st.integers(0, 6), min_size=1, max_size=12))
def test_a_key_has_no_value_twice(values: list[int]) -> None:
    found = check([str(one) for one in values], Column("string", unique=True))
    assert kinds(found) == ([] if len(set(values)) == len(values) else ["not_unique"])
    for one in found:
        twice = {str(v): values.count(v) for v in values if values.count(v) > 1}
        first = sorted(twice.items(), key=lambda one: (-one[1], one[0]))[:5]
        assert all(f"'{name}' ({times} rows)" in one.got for name, times in first)


def test_keys_of_numbers_are_counted_too() -> None:
    assert kinds(check([1, 2, 3], Column("int", unique=True))) == []
    assert kinds(check([1, 2, 2], Column("int", unique=True))) == ["not_unique"]


@pytest.mark.parametrize(
    ("distinct", "expected"),
    [((2, 3), []), ((4, None), ["too_few_distinct"]), ((None, 2), ["too_many_distinct"])],
)
def test_distinct_values(distinct: tuple[int | None, int | None], expected: list[str]) -> None:
    assert kinds(check(["a", "b", "c", "c"], Column("string", distinct=distinct))) == expected
    assert kinds(check([1, 2, 3, 3], Column("int", distinct=distinct))) == expected


def test_distinct_values_of_a_type_without_a_count() -> None:
    column = ColumnStatistics("x", "struct", 3, 0, None)
    (one,) = of(column, Column("struct", distinct=(1, 2)))
    assert (one.kind, one.tfdv) == ("distinct_unknown", "FEATURE_TYPE_NO_UNIQUE")


# --- distributions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        (Column("int", mean=(2, 3)), None),
        (Column("int", mean=(3, None)), "mean_outside"),
        (Column("int", std=(None, 1)), "std_outside"),
        (Column("int", quantiles={0.5: (2, 3)}), None),
        (Column("int", quantiles={0.5: (None, 2)}), "quantile_outside"),
        (Column("int", quantiles={0.0: (1, 1), 1.0: (4, 4)}), None),
    ],
)
def test_numbers_within_their_bounds(expected: Column, kind: str | None) -> None:
    assert kinds(check([1, 2, 3, 4], expected)) == ([] if kind is None else [kind])


def test_a_quantile_that_statistics_lack_is_taken_from_the_examples() -> None:
    frame = pl.DataFrame({"x": [float(i) for i in range(101)]})
    schema = Schema({"x": Column("float", quantiles={0.37: (36.9, 37.1)})})
    examples = Examples.from_frames({"train": frame})
    assert not validate(describe(examples), schema, examples=examples).anomalies
    tight = Schema({"x": Column("float", quantiles={0.37: (None, 30)})})
    (one,) = validate(describe(examples), tight, examples=examples)
    assert (one.kind, one.detail) == ("quantile_outside", "0.37")


def test_balance_needs_no_golden_data() -> None:
    column = Column("string", balance={"a": (0.4, 0.6), "b": (0.4, 0.6)})
    assert not check(["a", "b"] * 10, column).anomalies
    skewed = check(["a"] * 9 + ["b"], column)
    assert [(one.kind, one.detail) for one in skewed] == [
        ("balance_outside", "a"),
        ("balance_outside", "b"),
    ]
    assert skewed.anomalies[0].reason == "'a' is 90 % of the values"
    assert kinds(check([True] * 9 + [False], Column("bool", balance={"true": (0.5, 0.8)}))) == [
        "balance_outside"
    ]


# --- numbers that do not mean what they say -------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sentinel"),
    [
        ([20.5, 31.0, 25.0] * 20 + [-999.0] * 3, "-999"),
        ([20.5, 31.0, 25.0] * 20 + [99999.0] * 3, "99999"),
        ([0.0, 31.0, 25.0] * 20 + [-1.0] * 3, "-1"),
        ([20.5, 31.0, 25.0] * 20 + [-999.0], None),  # once can be anything
        ([0.5, 3.0, -2.5] * 20 + [-1.0] * 3, None),
        ([float(i) for i in range(90, 110)] * 5, None),  # 99 among its neighbours
        ([1000.0, 3000.0] * 20 + [999.0] * 3, None),
    ],
)
def test_numbers_that_stand_for_a_missing_value(values: list[float], sentinel: str | None) -> None:
    examples = Examples.from_frames({"train": pl.DataFrame({"x": values})})
    found = validate(describe(examples), Schema({"x": Column("float")}), examples=examples)
    assert [one.detail for one in found] == ([] if sentinel is None else [sentinel])


def test_whole_numbers_beyond_what_a_float_holds() -> None:
    (one,) = check([1, 2**53 + 1], Column("int"))
    assert (one.kind, one.severity) == ("beyond_exact", "warning")
    assert not check([1, 2**53 + 1], Column("int", semantic="id")).anomalies
    assert not check([1, 2**53], Column("int")).anomalies


# --- schemas that cannot be looked at -----------------------------------------------------------


@pytest.mark.parametrize("pattern", ["(", "(?=a)"])
def test_a_pattern_that_cannot_be_read_names_its_column(pattern: str) -> None:
    with pytest.raises(SchemaError, match="column 'x': regex is no regular expression"):
        check(["a"], Column("string", regex=pattern))


def test_a_time_that_cannot_be_read_names_its_column() -> None:
    with pytest.raises(SchemaError, match="column 'x': time: min is no time"):
        check(["2024"], Column("string", semantic=Time("%Y", min="soon")))
    with pytest.raises(SchemaError, match="column 'x': time: max is no time of day"):
        check(["12:00"], Column("string", semantic=Time("%H:%M", of_day=True, max="2024-01-01")))


def test_ids_are_unique_however_much_is_wrong() -> None:
    column = ColumnStatistics("x", "string", 9000, 0, 5000, top=(("v", 9),))
    expected = Column("string", domain=("v",) * 1, regex="^v", holds="int", unique=True)
    found = of(column, expected)
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids)) >= 3


# --- bytes where text was expected ----------------------------------------------------------------


def test_bytes_where_text_is_expected_are_no_utf8() -> None:
    column = ColumnStatistics("x", "bytes", 3, 0, 3)
    (one,) = of(column, Column("string"))
    assert (one.kind, one.tfdv) == ("invalid_text", "ENUM_TYPE_INVALID_UTF8")
