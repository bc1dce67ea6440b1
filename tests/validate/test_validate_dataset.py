"""The data as a whole: rows, environments, stages, structs, tensors made of columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from dure.data import Examples
from dure.errors import SchemaError
from dure.schema import Column, Dataset, Expression, Override, Schema, Sparse, Weighted
from dure.statistics import ColumnStatistics, SplitStatistics, Statistics, describe
from dure.statistics.model import Level
from dure.validate import Anomalies, validate


def kinds(found: Anomalies) -> list[tuple[str, str]]:
    return [(one.column or "*", one.kind) for one in found]


def frame(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"x": list(range(rows))})


def schema(**dataset: Any) -> Schema:
    return Schema({"x": Column("int")}, Dataset(**dataset))


@pytest.mark.parametrize(
    ("rows", "kind"),
    [((3, 5), None), ((5, None), "too_few_rows"), ((None, 3), "too_many_rows")],
)
def test_the_number_of_rows(rows: tuple[int | None, int | None], kind: str | None) -> None:
    found = validate(describe(frame(4)), schema(rows=rows))
    assert kinds(found) == ([] if kind is None else [("*", kind)])


@pytest.mark.parametrize("which", ["span", "version"])
def test_the_number_of_rows_beside_the_data_before(which: str) -> None:
    asked = schema(**{f"rows_to_previous_{which}": (0.5, 2.0)})

    def found(rows: int) -> list[tuple[str, str, float | None]]:
        before = {"previous" if which == "span" else "previous_version": describe(frame(10))}
        anomalies = validate(describe(frame(rows)), asked, **before)  # type: ignore[arg-type]
        return [(one.kind, one.id, one.value) for one in anomalies.errors]

    assert found(5) == found(20) == []
    assert found(4) == [("fewer_rows_than_before", f"train/*/fewer_rows_than_before/{which}", 0.4)]
    assert found(21) == [("more_rows_than_before", f"train/*/more_rows_than_before/{which}", 2.1)]
    # Without the data before, there is nothing to compare with.
    assert not validate(describe(frame(4)), asked).anomalies


def test_the_data_before_lacks_the_split() -> None:
    two = describe(Examples.from_frames({"a": frame(3), "b": frame(3)}))
    found = validate(describe(frame(3)), schema(rows_to_previous_span=(0.5, 2)), previous=two)
    assert ("*", "baseline_missing") in kinds(found)


def test_a_column_may_be_missing_where_it_is_not_expected() -> None:
    asked = Schema(
        {"x": Column("int", 1.0), "label": Column("int", 1.0, not_in_environment=("serving",))},
        Dataset(environments=("training", "serving")),
    )
    served = describe(frame(3))
    assert kinds(validate(served, asked)) == [("label", "missing_column")]
    assert kinds(validate(served, asked, environment="training")) == [("label", "missing_column")]
    assert kinds(validate(served, asked, environment="serving")) == []
    with pytest.raises(SchemaError, match="no environment 'servign'"):
        validate(served, asked, environment="servign")


@pytest.mark.parametrize("stage", ["planned", "alpha", "deprecated", "debug_only", "disabled"])
def test_a_column_that_is_not_alive_is_not_checked(stage: str) -> None:
    asked = Schema({"x": Column("string", 1.0, stage=stage), "y": Column("int", stage=stage)})
    assert not validate(describe(frame(3)), asked).anomalies


@pytest.mark.parametrize("stage", [None, "beta", "production", "validation_derived"])
def test_a_column_that_is_alive_is_checked(stage: str | None) -> None:
    asked = Schema({"x": Column("int"), "y": Column("int", stage=stage)})
    assert kinds(validate(describe(frame(3)), asked)) == [("y", "missing_column")]


def test_a_struct_that_is_missing_or_new_is_said_once() -> None:
    rows = SplitStatistics(
        3,
        {
            "new": ColumnStatistics("new", "struct[a: int]", 3, 0),
            "new.a": ColumnStatistics("new.a", "int", 3, 0, 1, path=("new", "a")),
        },
    )
    asked = Schema({"old": Column("struct"), "old.a": Column("int", 1.0)})
    assert kinds(validate(Statistics({"train": rows}), asked)) == [
        ("old", "missing_column"),
        ("new", "new_column"),
    ]


# --- severities ---------------------------------------------------------------------------------


def test_a_severity_holds_until_its_day() -> None:
    override = Override("warning", until="2026-03-31", owner="kim", reason="sensor is replaced")
    asked = Schema({"x": Column("int", max=1, severity={"above_max": override})})
    statistics = describe(frame(4))
    (before,) = validate(statistics, asked, today=dt.date(2026, 3, 31))
    assert (before.severity, before.override) == (
        "warning",
        "warning by the schema until 2026-03-31 by kim: sensor is replaced",
    )
    (after,) = validate(statistics, asked, today=dt.date(2026, 4, 1))
    assert (after.severity, after.override) == ("error", "")


def test_what_is_off_is_recorded_and_not_reported() -> None:
    asked = Schema({"x": Column("int", max=1, severity={"above_max": "off"})})
    found = validate(describe(frame(4)), asked)
    assert not found.anomalies
    assert [one.kind for one in found.suppressed] == ["above_max"]
    assert found.gate.status == "pass"
    assert found.summary() == "0 errors, 0 warnings, 1 suppressed in 4 rows of 1 split"


def test_the_columns_own_severity_goes_before_that_for_all() -> None:
    asked = Schema(
        {
            "x": Column("int", max=1, severity={"above_max": Override("error")}),
            "y": Column("int", max=1),
        },
        Dataset(severity={"above_max": Override("warning"), "new_column": Override("error")}),
    )
    data = frame(4).with_columns(pl.col("x").alias("y"), pl.lit(1).alias("z"))
    found = validate(describe(data), asked)
    assert [(one.column, one.severity) for one in found] == [
        ("x", "error"),
        ("y", "warning"),
        ("z", "error"),
    ]


# --- conditions across columns ----------------------------------------------------------------------


def trips() -> Examples:
    return Examples.from_frames(
        {"train": pl.DataFrame({"fare": [10.0, 5.0, None, 8.0], "tips": [1.0, 6.0, 2.0, 9.0]})}
    )


def conditions(**expressions: Expression) -> Schema:
    columns = {"fare": Column("float"), "tips": Column("float")}
    return Schema(columns, Dataset(expressions=expressions))


def test_a_condition_is_true_in_every_row_that_has_the_values() -> None:
    examples = trips()
    asked = conditions(fair=Expression("tips <= fare", comment="a tip is a part"))
    (one,) = validate(describe(examples), asked, examples=examples)
    assert one.id == "train/*/expression_failed/fair"
    assert one.reason == "tips <= fare is not true in 2 rows of 3 (a tip is a part)"
    assert [each.row for each in one.evidence] == [1, 3]
    assert one.severity == "error"


def test_a_share_of_the_rows_may_be_enough() -> None:
    examples = trips()
    asked = conditions(fair=Expression("tips <= fare", share=0.33))
    assert not validate(describe(examples), asked, examples=examples).anomalies


def test_a_condition_needs_rows_and_columns() -> None:
    examples = trips()
    asked = conditions(fair=Expression("tips <= fare"))
    (one,) = validate(describe(examples), asked)
    assert (one.kind, one.severity) == ("statistics_missing", "warning")
    wrong = conditions(fair=Expression("tips <= far"))
    (one,) = validate(describe(examples), wrong, examples=examples)
    assert (one.kind, one.severity) == ("expression_failed", "error")
    assert "cannot be computed" in one.reason


def test_a_condition_can_be_a_warning() -> None:
    examples = trips()
    asked = conditions(fair=Expression("tips <= fare", severity=Override("warning")))
    (one,) = validate(describe(examples), asked, examples=examples)
    assert one.severity == "warning"


# --- tensors made of columns ------------------------------------------------------------------------


def column(name: str, count: int, most: int = 1) -> ColumnStatistics:
    level = Level(count, 4 - count, 1, most, count * most)
    return ColumnStatistics(
        name, "list[int]", count, 4 - count, 1, total=count * most, levels=(level,)
    )


def tensors(*columns: ColumnStatistics, **dataset: Any) -> list[tuple[str, str]]:
    split = SplitStatistics(4, {one.name: one for one in columns})
    expected = Schema({one.name: Column("list[int]") for one in columns}, Dataset(**dataset))
    found = validate(Statistics({"train": split}), expected)
    return [pair for pair in kinds(found) if pair[1] != "no_values"]


SPARSE = {"sparse": {"s": Sparse("v", ("i", "j"))}}
WEIGHTED = {"weighted": {"w": Weighted("v", "p")}}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([column("v", 4), column("i", 4), column("j", 4)], []),
        ([], []),
        ([column("i", 4), column("j", 4)], ["sparse_value_missing"]),
        ([column("v", 4), column("i", 4)], ["sparse_index_missing"]),
        ([column("v", 4)], ["sparse_index_missing", "sparse_index_missing"]),
        ([column("v", 4), column("i", 4), column("j", 3)], ["sparse_length"]),
        ([column("v", 4, 2), column("i", 4), column("j", 4, 2)], ["sparse_length"]),
        ([column("s", 4), column("v", 4)], ["sparse_name_taken"]),
    ],
)
def test_sparse_tensors(columns: list[ColumnStatistics], expected: list[str]) -> None:
    assert tensors(*columns, **SPARSE) == [("s", kind) for kind in expected]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([column("v", 4), column("p", 4)], []),
        ([column("p", 4)], ["weighted_value_missing"]),
        ([column("v", 4)], ["weighted_weight_missing"]),
        ([column("v", 4), column("p", 4, 2)], ["weighted_length"]),
        ([column("w", 4)], ["weighted_name_taken"]),
    ],
)
def test_weighted_columns(columns: list[ColumnStatistics], expected: list[str]) -> None:
    assert tensors(*columns, **WEIGHTED) == [("w", kind) for kind in expected]
