"""Each anomaly: when it is found, when it is not, and what it says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples, make_examples
from dure.errors import UsageError
from dure.schema import Column, Schema, infer
from dure.statistics import ColumnStatistics, SplitStatistics, Statistics, describe
from dure.validate import Anomalies, drift, validate

DATA = Path(__file__).parents[2].parent / "shared" / "data"
INF, NAN = float("inf"), float("nan")


def check(values: list[object], column: Column, dtype: object = None) -> Anomalies:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})  # type: ignore[arg-type]
    return validate(describe(frame), Schema({"x": column}))


def kinds(anomalies: Anomalies) -> list[tuple[str, str]]:
    return [(one.kind, one.severity) for one in anomalies]


def test_data_that_fits_has_no_anomalies_and_passes() -> None:
    found = check(["a", "b", "a"], Column("string", 1.0, ("a", "b")))
    assert not found.anomalies
    assert found.gate.status == "pass"
    assert found.gate.reasons == ("split 'train' fits the schema: 0 warnings",)


def test_a_missing_column_is_an_error_that_names_the_nearest() -> None:
    statistics = describe(pl.DataFrame({"specie": ["a"], "x": [1]}))
    schema = Schema({"species": Column("string"), "x": Column("int")})
    found = validate(statistics, schema)
    assert kinds(found) == [("missing_column", "error"), ("new_column", "warning")]
    missing, new = found
    assert missing.expected == "a column 'species'"
    assert missing.got == "columns specie, x"
    assert missing.fix == (
        "is it 'specie' now? Rename it; or remove it from the schema, or name with "
        "not_in_environment where it is not expected, as a label in serving"
    )
    assert "the schema has 'species'" in new.reason
    assert found.gate.status == "fail"


def test_a_new_column_is_a_warning_that_stops_nothing() -> None:
    found = validate(describe(pl.DataFrame({"x": [1], "y": [True]})), Schema({"x": Column("int")}))
    assert kinds(found) == [("new_column", "warning")]
    assert found.gate.status == "pass"
    assert found.gate.reasons == ("split 'train' fits the schema: 1 warning",)


@pytest.mark.parametrize(
    ("values", "expected", "got"),
    [
        (["1", "two"], "int", "type string: 'two' (1 row)"),
        ([1.5], "int", "type float"),
        ([1], "string", "type int"),
        ([True], "int", "type bool"),
        ([True], "float", "type bool"),
        ([0, 1], "bool", "type int"),
    ],
)
def test_another_type_is_an_error(values: list[object], expected: str, got: str) -> None:
    (one,) = check(values, Column(expected))  # type: ignore[arg-type]
    assert (one.kind, one.severity) == ("type_changed", "error")
    assert one.expected == f"type {expected}"
    assert one.got.startswith(got)


def test_whole_numbers_are_floats_too() -> None:
    found = check([1, 2, 30], Column("float", 1.0, max=10))
    assert kinds(found) == [("whole_numbers", "warning"), ("above_max", "error")]


def test_a_column_without_values_is_an_error_and_nothing_else_is_said() -> None:
    found = check([None, None], Column("int", 0.9, min=3), pl.String)
    assert kinds(found) == [("no_values", "error")]
    (one,) = found
    assert one.reason == "no row has a value: the column is all missing"
    assert one.expected == "a value in at least 90 % of the rows"
    assert one.got == "no value in 2 rows"


def test_a_column_without_values_where_none_is_expected_is_a_warning() -> None:
    assert kinds(check([None, None], Column("string", 0.0), pl.String)) == [
        ("no_values", "warning")
    ]


@pytest.mark.parametrize("values", [[NAN, NAN], [NAN, None]])
def test_a_column_of_nan_is_present_but_says_nothing(values: list[float | None]) -> None:
    found = check(values, Column("float", 0.5, min_rows=1))
    assert kinds(found) == [("no_values", "warning"), ("nan", "warning")]
    assert found.anomalies[0].reason == "all that is there is NaN: nothing can be learned from it"


def test_a_column_of_empty_lists_is_present_and_of_every_type() -> None:
    empty = pl.List(pl.Int64)
    assert kinds(check([[], []], Column("list[string]", 1.0), empty)) == [("no_values", "warning")]
    found = check([[], []], Column("list[int]", 1.0, values=((1, None),)), empty)
    assert kinds(found) == [("no_values", "warning"), ("too_few_entries", "error")]
    found = check([[], None], Column("list[int]", 1.0), empty)
    assert kinds(found) == [("no_values", "warning"), ("too_few_values", "error")]


def test_one_missing_value_is_too_few_where_every_row_has_one() -> None:
    (one,) = check([1] * 99 + [None], Column("int", 1.0))
    assert (one.kind, one.severity) == ("too_few_values", "error")
    assert one.reason == "a value is missing in 1 row of 100"
    assert one.expected == "a value in every row"
    assert one.got == "a value in 99 of 100 rows (99 %)"
    assert one.fix == "repair the data, or lower presence in the schema to 0.99"


@given(rows=st.integers(1, 300), data=st.data())
def test_presence_is_the_least_allowed_share(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(1, rows))
    percent = data.draw(st.integers(0, 100))
    statistics = Statistics(
        {"train": SplitStatistics(rows, {"x": ColumnStatistics("x", "int", hits, rows - hits, 1)})}
    )
    found = validate(statistics, Schema({"x": Column("int", presence=percent / 100)}))
    assert bool(found.errors) == (hits * 100 < percent * rows)


@given(rows=st.integers(1, 2000), data=st.data())
def test_the_presence_that_is_proposed_is_low_enough(rows: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(1, rows - 1)) if rows > 1 else 1
    statistics = Statistics(
        {"train": SplitStatistics(rows, {"x": ColumnStatistics("x", "int", hits, rows - hits, 1)})}
    )
    for one in validate(statistics, Schema({"x": Column("int", presence=1.0)})):
        proposed = float(one.fix.rsplit(" ", 1)[1])
        assert not validate(statistics, Schema({"x": Column("int", presence=proposed)})).errors


def test_values_outside_the_domain_are_shown_with_counts_and_likenesses() -> None:
    values = ["Adelie"] * 90 + ["Adelei"] * 3 + ["adelie "] * 2 + list("abcde")
    (one,) = check(values, Column("string", 1.0, ("Adelie", "Gentoo")))
    assert (one.kind, one.severity) == ("unexpected_values", "error")
    assert one.reason == "7 values outside the domain, in 10 rows of 100 (10 %)"
    assert one.expected == "'Adelie' or 'Gentoo'"
    assert one.got == (
        "'Adelei' (3 rows, nearly 'Adelie'), 'adelie ' (2 rows, nearly 'Adelie'), "
        "'a' (1 row), 'b' (1 row), 'c' (1 row) and 2 more"
    )


def test_a_single_value_outside_is_an_error_where_the_domain_is_complete() -> None:
    found = check(["a"] * 9999 + ["z"], Column("string", 1.0, ("a",)))
    assert kinds(found) == [("unexpected_values", "error")]
    assert found.anomalies[0].reason.endswith("in 1 row of 10,000 (under 0.1 %)")


@pytest.mark.parametrize(("outside", "severity"), [(6, "warning"), (7, "warning"), (8, "error")])
def test_an_incomplete_domain_warns_until_too_many_are_outside(outside: int, severity: str) -> None:
    values = ["a"] * (100 - outside) + ["z"] * outside
    found = check(values, Column("string", 1.0, ("a",), domain_share=0.93))
    assert kinds(found) == [("unexpected_values", severity)]


def test_the_share_in_the_domain_is_of_the_values_that_are_there() -> None:
    column = Column("string", 0.0, ("a",), domain_share=0.5)
    assert kinds(check(["a", "z", None, None], column)) == [("unexpected_values", "warning")]
    assert kinds(check(["a", "z", "z", None], column)) == [("unexpected_values", "error")]


def test_one_rare_new_value_among_very_many_is_found() -> None:
    # TFDV compares the 1,000 most frequent values, and would not see it.
    domain = tuple(f"v{i}" for i in range(3000))
    values = [*domain, *domain, "new"]
    (one,) = check(values, Column("string", 1.0, domain))
    assert (one.kind, one.severity) == ("unexpected_values", "error")
    assert one.got == "'new' (1 row)"
    assert not check(values[:-1], Column("string", 1.0, domain)).anomalies


def by_hand(unique: int, top: tuple[tuple[str, int], ...] = ()) -> Statistics:
    column = ColumnStatistics("x", "string", 9000, 0, unique, top=top)
    return Statistics({"train": SplitStatistics(9000, {"x": column})})


def test_statistics_without_a_full_table_tell_what_they_can() -> None:
    # As those that another tool wrote.
    schema = Schema({"x": Column("string", 1.0, ("v1", "v2"))})
    (one,) = validate(by_hand(1500), schema)
    assert (one.kind, one.severity) == ("unexpected_values", "error")
    assert "at least 1,498 values outside the domain" in one.reason
    (one,) = validate(by_hand(2, (("z", 5),)), schema)
    assert one.got == "'z' (5 rows)"
    (one,) = validate(by_hand(2, (("v1", 5),)), schema)
    assert (one.kind, one.severity) == ("unchecked_values", "warning")


def test_without_a_full_table_the_examples_are_looked_through() -> None:
    frame = pl.DataFrame({"x": ["v1"] * 8999 + ["new"]})
    examples = Examples.from_frames({"train": frame})
    schema = Schema({"x": Column("string", 1.0, ("v1",))})
    (one,) = validate(by_hand(2, (("v1", 8999),)), schema, examples=examples)
    assert one.got == "'new' (1 row)"
    assert [each.row for each in one.evidence] == [8999]


@pytest.mark.parametrize(
    ("values", "column", "expected"),
    [
        ([3, 10], Column("int", min=3, max=10), []),
        ([2, 10], Column("int", min=3), [("below_min", "error")]),
        ([3, 11], Column("int", max=10), [("above_max", "error")]),
        ([2.5, 99.5], Column("float", min=3, max=9.5), [("below_min", "error"), ("above_max", "error")]),
        ([1.0, INF], Column("float"), [("infinity", "warning")]),
        ([1.0, INF, -INF], Column("float", max=5), [("infinity", "warning"), ("above_max", "error")]),
        ([1.0, -INF], Column("float", min=-5), [("below_min", "error")]),
        ([INF], Column("float"), [("infinity", "warning")]),
        ([1.0, NAN], Column("float"), [("nan", "warning")]),
        ([1.0, NAN], Column("float", 1.0), [("nan", "warning")]),
        ([1.0, NAN], Column("float", nan=0.0), [("nan", "error")]),
        ([1.0, NAN], Column("float", nan=0.5), []),
        ([1.0, INF], Column("float", inf=0.0), [("infinity", "error")]),
        ([1.0, INF], Column("float", inf=0.5), []),
    ],
)  # fmt: skip
def test_numbers(values: list[object], column: Column, expected: list[tuple[str, str]]) -> None:
    assert kinds(check(values, column)) == expected


def test_a_bound_is_shown_exactly() -> None:
    (one,) = check([0.30000000000000004], Column("float", max=0.3))
    assert one.kind == "above_max"
    (one,) = check([2**53 + 1], Column("int", max=2**53))
    assert one.reason == ("the largest value is 9,007,199,254,740,993, above 9,007,199,254,740,992")


def test_an_empty_split_is_one_error() -> None:
    empty = SplitStatistics(0, {"x": ColumnStatistics("x", "int", 0, 0, 0)})
    full = SplitStatistics(1, {"x": ColumnStatistics("x", "int", 1, 0, 1)})
    statistics = Statistics({"train": full, "eval": empty})
    found = validate(statistics, Schema({"x": Column("int", 1.0), "y": Column("int")}))
    assert [(one.split, one.kind) for one in found] == [
        ("train", "missing_column"),
        ("eval", "empty_split"),
    ]
    assert found.rows == {"train": 1, "eval": 0}


def test_each_error_is_a_failed_check_with_its_reason() -> None:
    found = check([None, 99], Column("int", 1.0, max=10))
    assert found.gate.status == "fail"
    assert [check.name for check in found.gate.checks] == [
        "train: x: too_few_values",
        "train: x: above_max",
    ]
    assert found.gate.reasons == tuple(f"{one.reason} (got {one.got})" for one in found.errors)


@given(
    values=st.lists(st.none() | st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=60),
)
def test_data_fits_the_schema_that_was_inferred_from_it(values: list[object]) -> None:
    statistics = describe(pl.DataFrame({"x": pl.Series(values, dtype=pl.String)}))
    assert not validate(statistics, infer(statistics)).errors


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    return path


def test_the_one_bad_cell_of_the_skewed_penguins_is_found() -> None:
    clean = describe(make_examples(real("tfx/penguin/labelled/penguins_processed.csv")))
    skewed = describe(make_examples(real("tfx/penguin/skewed/penguins_processed.csv")))
    schema = infer(clean).edit("culmen_length_mm", min=0, max=1)
    assert not validate(clean, schema).errors
    assert [(one.column, one.kind) for one in validate(skewed, schema).errors] == [
        ("culmen_length_mm", "below_min")
    ]


def test_labels_of_another_spelling_are_found_in_the_adult_test_set() -> None:
    names = [f"c{i}" for i in range(15)]
    frames = {}
    for split, skip in (("data", 0), ("test", 1)):
        lines = real(f"tabular/adult/adult.{split}").read_text().splitlines()[skip:]
        rows = [line.split(", ") for line in lines if line.strip()]
        frames[split] = pl.DataFrame(rows, schema=names, orient="row").select("c8", "c14")
    schema = infer(describe(frames["data"]))
    (one,) = validate(describe(frames["test"]), schema)
    assert (one.column, one.kind, one.severity) == ("c14", "unexpected_values", "error")
    assert one.got == (
        "'<=50K.' (12,435 rows, nearly '<=50K'), '>50K.' (3,846 rows, nearly '>50K')"
    )


def test_what_is_no_statistics_or_no_schema_is_said() -> None:
    with pytest.raises(UsageError, match="no Statistics"):
        validate(pl.DataFrame({"x": [1]}), Schema({}))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no Schema"):
        validate(describe(pl.DataFrame({"x": [1]})), "schema.yaml")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no Statistics"):
        drift(pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [1]}))  # type: ignore[arg-type]
