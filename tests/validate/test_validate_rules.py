"""Rules of one's own: what they are given, what they find, and how their errors are shown."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from dure.data import Examples
from dure.schema import Column, Dataset, Override, Rule, Schema
from dure.statistics import ColumnStatistics, SplitStatistics, describe
from dure.validate import Anomalies, Found, rule, validate


@rule(over="column")
def largest(column: ColumnStatistics, limit: float) -> str | None:
    if column.max is not None and column.max > limit:
        return f"the largest is {column.max:g}"
    return None


@rule(over="split")
def fares(split: SplitStatistics) -> list[Found]:
    if split.columns["fare"].mean > 2:  # type: ignore[operator]
        return [Found("fares are high", "fare", severity="warning"), Found("tell someone")]
    return []


@rule(over="rows")
def a_tip_is_a_part(frame: pl.DataFrame) -> pl.Expr:
    return pl.col("tips") <= pl.col("fare")


@rule(over="rows")
def even(frame: pl.DataFrame) -> pl.Series:
    return frame["fare"] % 2 == 0


@rule(over="rows")
def wrong_shape(frame: pl.DataFrame) -> Any:
    return [True]


def broken(column: ColumnStatistics) -> None:
    raise ZeroDivisionError("no rows of this kind")


@pytest.fixture(autouse=True)
def module() -> Iterator[None]:
    made = types.ModuleType("rules_of_the_test")
    for each in (largest, fares, a_tip_is_a_part, even, wrong_shape, broken):
        setattr(made, each.__name__, each)
    sys.modules["rules_of_the_test"] = made
    yield
    del sys.modules["rules_of_the_test"]


EXAMPLES = Examples.from_frames(
    {"train": pl.DataFrame({"fare": [1.0, 2.0, 4.0, None], "tips": [2.0, 1.0, 5.0, 1.0]})}
)


def found(name: str, examples: Examples | None = EXAMPLES, **options: Any) -> Anomalies:
    place = name if ":" in name else f"rules_of_the_test:{name}"
    rules = {"mine": Rule(place, **options)}
    columns = {"fare": Column("float"), "tips": Column("float")}
    schema = Schema(columns, Dataset(rules=rules))
    return validate(describe(EXAMPLES), schema, examples=examples)


def test_a_rule_over_columns_gets_its_settings() -> None:
    (one,) = found("largest", settings={"limit": 4.5})
    assert (one.column, one.kind, one.severity) == ("tips", "rule_found", "error")
    assert one.reason == "the largest is 5"
    assert one.id == "train/tips/rule_found/mine"
    assert not found("largest", settings={"limit": 5}).anomalies


def test_a_rule_over_a_split_finds_several_things() -> None:
    first, second = found("fares")
    assert (first.column, first.severity) == ("fare", "warning")
    assert (second.column, second.severity, second.detail) == (None, "error", "mine:1")


def test_a_rule_over_rows_names_them() -> None:
    (one,) = found("a_tip_is_a_part")
    assert one.reason == "2 rows of 4 are not good"  # null is good
    assert [each.row for each in one.evidence] == [0, 2]
    (one,) = found("even")
    assert [each.row for each in one.evidence] == [0]


def test_a_rule_over_rows_sees_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dure.validate.rules._BATCH", 2)
    (one,) = found("a_tip_is_a_part")
    assert [each.row for each in one.evidence] == [0, 2]


def test_an_error_of_a_rule_is_shown_as_its_own() -> None:
    (one,) = found("broken")
    assert (one.kind, one.severity) == ("rule_failed", "error")
    assert "ZeroDivisionError: no rows of this kind" in one.reason
    assert "test_validate_rules.py:" in one.got
    assert "in broken" in one.got


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "has no attribute 'gone'"),
        ("not_there:gone", "No module named 'not_there'"),
        ("wrong_shape", "returns an expression or 4 booleans, not list"),
        ("largest", "missing 1 required positional argument: 'limit'"),
    ],
)
def test_a_rule_that_cannot_run_closes_the_gate(name: str, message: str) -> None:
    anomalies = found(name)
    assert message in anomalies.anomalies[0].reason
    assert anomalies.gate.status == "fail"


def test_a_rule_over_rows_needs_them() -> None:
    (one,) = found("even", examples=None)
    assert "give the examples" in one.reason


def test_a_rule_can_be_a_warning_or_off() -> None:
    assert found("even", severity=Override("warning")).gate.status == "pass"
    off = found("even", severity=Override("off"))
    assert (len(off.anomalies), len(off.suppressed)) == (0, 1)


def test_rules_that_come_with_it() -> None:
    (one,) = found("dure.validate.rules:increasing", settings={"column": "tips"})
    assert (one.column, one.reason) == ("tips", "2 rows step back")
    assert [each.row for each in one.evidence] == [1, 3]
    assert not found("dure.validate.rules:increasing", settings={"column": "fare"}).anomalies
    assert not found("dure.validate.rules:not_constant").anomalies
