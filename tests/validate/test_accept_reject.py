"""What is accepted is not found again; what is rejected is recorded."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dure.data import Examples
from dure.errors import UsageError
from dure.schema import (
    Column,
    Dataset,
    Embedding,
    Expression,
    Image,
    NaturalLanguage,
    Schema,
    Time,
    Token,
)
from dure.statistics import describe
from dure.validate import accept, accept_all, reject, validate
from dure.validate.accepting import acceptable

INF, NAN = float("inf"), float("nan")
WORDS = [["a", "a"], ["b"]]

CASES: list[tuple[str, list[Any], Column]] = [
    ("too_few_values", ["a", None, "a"], Column("string", 1.0)),
    ("too_few_present", ["a", None, "a"], Column("string", min_rows=3)),
    ("no_values", [None, None], Column("string", 1.0, min_rows=1)),
    ("type_changed", ["a", "b"], Column("int", min=1, max=2)),
    ("whole_numbers", [1, 2], Column("float", max=5)),
    ("unexpected_values", ["a", "z", "y"], Column("string", domain=("a",))),
    ("below_min", [1.5, -2.5], Column("float", min=0)),
    ("above_max", [1, 20], Column("int", max=10)),
    ("nan", [1.0, NAN], Column("float")),
    ("nan", [1.0, NAN], Column("float", nan=0.0)),
    ("infinity", [1.0, INF, 2.0], Column("float")),
    ("not_int", ["1", "x"], Column("string", holds="int", max=3)),
    ("not_float", ["1", "x"], Column("string", holds="float")),
    ("not_truth", ["1", "x"], Column("string", holds="bool")),
    ("no_match", ["ab", "b"], Column("string", regex="^a")),
    ("too_short", ["ab", "a"], Column("string", length=(2, None))),
    ("too_long", ["ab", "abc"], Column("string", length=(2, 2))),
    ("not_unique", ["a", "a"], Column("string", unique=True)),
    ("too_few_distinct", ["a", "a"], Column("string", distinct=(2, None))),
    ("too_many_distinct", ["a", "b"], Column("string", distinct=(None, 1))),
    ("mean_outside", [1, 2], Column("int", mean=(3, 4))),
    ("std_outside", [1, 5], Column("int", std=(None, 1))),
    ("quantile_outside", [1, 2, 3], Column("int", quantiles={0.5: (3, 4)})),
    ("balance_outside", ["a", "a", "b"], Column("string", balance={"a": (0.4, 0.6)})),
    ("not_time", ["2024-01-31", "x"], Column("string", semantic=Time("%Y-%m-%d"))),
    ("time_outside", ["2024-01-31"], Column("string", semantic=Time("%Y-%m-%d", max="2024-01-01"))),
    ("too_few_images", [b"BM", b"x"], Column("bytes", semantic=Image(supported=0.9))),
    ("image_too_large", [b"BM", b"BMx"], Column("bytes", semantic=Image(max_bytes=2))),
    ("too_few_entries", WORDS, Column("list[string]", values=((2, 2),))),
    ("too_many_entries", WORDS, Column("list[string]", values=((1, 1),))),
    ("nesting_changed", WORDS, Column("string", domain=("a", "b"))),
    ("shape_changed", WORDS, Column("list[string]", shape=(2,))),
    ("embedding_size", [[1.0, 2.0]], Column("list[float]", semantic=Embedding(size=3))),
    (
        "token_too_often",
        WORDS,
        Column("list[string]", semantic=NaturalLanguage(tokens=(Token("a", per_sequence=(0, 1)),))),
    ),
    (
        "token_in_too_few",
        WORDS,
        Column("list[string]", semantic=NaturalLanguage(tokens=(Token("a", share=(0.6, 1)),))),
    ),
    ("sequence_length", WORDS, Column("list[string]", semantic=NaturalLanguage(length=(2, 2)))),
    ("tokens_too_short", WORDS, Column("list[string]", semantic=NaturalLanguage(token_length=2))),
]


@pytest.mark.parametrize(
    ("kind", "values", "column"), CASES, ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)]
)
def test_what_is_accepted_is_not_found_again(kind: str, values: list[Any], column: Column) -> None:
    strings = all(value is None for value in values)
    series = pl.Series("x", values, dtype=pl.String if strings else None)
    examples = Examples.from_frames({"train": series.to_frame()})
    statistics = describe(examples)
    schema = Schema({"x": column})
    found = validate(statistics, schema, examples=examples)
    (one,) = (one for one in found if one.kind == kind)
    assert acceptable(one)
    changed = accept(schema, one, statistics, examples=examples)
    assert schema.diff(changed)
    again = [each.kind for each in validate(statistics, changed, examples=examples).errors]
    assert kind not in again


def test_columns_that_come_and_go() -> None:
    statistics = describe(pl.DataFrame({"new": ["a", "b"] * 20}))
    schema = Schema({"old": Column("int", 1.0)})
    found = validate(statistics, schema)
    assert [one.kind for one in found] == ["missing_column", "new_column"]
    changed = accept_all(schema, found, statistics)
    assert changed.columns["old"].stage == "deprecated"
    assert changed.columns["new"].domain == ("a", "b")
    assert not validate(statistics, changed).anomalies


def test_rows_and_shares_of_the_whole() -> None:
    frame = pl.DataFrame({"x": [1, 2, 3, 4]})
    examples = Examples.from_frames({"train": frame})
    statistics, before = describe(examples), describe(frame[:1])
    schema = Schema(
        {"x": Column("int")},
        Dataset(
            rows=(5, 9),
            rows_to_previous_span=(0.5, 2.0),
            expressions={"small": Expression("x < 4")},
            drift={},
        ),
    )
    found = validate(statistics, schema, previous=before, examples=examples)
    assert {one.kind for one in found} == {
        "too_few_rows",
        "more_rows_than_before",
        "expression_failed",
    }
    changed = accept_all(schema, found, statistics)
    assert changed.dataset.rows == (4, 9)
    assert changed.dataset.rows_to_previous_span == (0.5, 4.0)
    assert changed.dataset.expressions["small"].share == 0.75
    assert not validate(statistics, changed, previous=before, examples=examples).anomalies


def test_a_distance_is_accepted_by_a_threshold_of_the_columns_own() -> None:
    old, new = (describe(pl.DataFrame({"x": ["a"] * n + ["b"] * (100 - n)})) for n in (50, 80))
    schema = Schema({"x": Column("string")}, Dataset(drift={"l_infinity": 0.1}))
    (one,) = validate(new, schema, previous=old)
    assert (one.kind, one.value) == ("drift", pytest.approx(0.3))
    changed = accept(schema, one, new)
    assert changed.columns["x"].drift == {"l_infinity": pytest.approx(0.3, abs=2e-6)}
    assert not validate(new, changed, previous=old).anomalies


def test_a_domain_that_columns_share_grows_for_both() -> None:
    statistics = describe(pl.DataFrame({"x": ["a", "z"], "y": ["a", "a"]}))
    columns = {name: Column("string", domain_name="letters") for name in "xy"}
    schema = Schema(columns, Dataset(domains={"letters": ("a",)}))
    (one,) = validate(statistics, schema)
    changed = accept(schema, one, statistics)
    assert changed.columns["y"].domain == ("a", "z")


def test_every_new_value_is_accepted_and_not_only_those_that_are_shown() -> None:
    values = [f"v{i:04}" for i in range(2500)]
    statistics = describe(pl.DataFrame({"x": values}))
    schema = Schema({"x": Column("string", domain=("v0000",))})
    (one,) = validate(statistics, schema)
    assert set(accept(schema, one, statistics).columns["x"].domain or ()) == set(values)


def test_what_no_schema_can_accept_is_refused() -> None:
    from dure.validate import Anomaly

    one = Anomaly("train", None, "empty_split", "error", "r", "e", "g", "give it some data")
    statistics = describe(pl.DataFrame({"x": [1]}))
    with pytest.raises(UsageError, match="cannot be accepted") as caught:
        accept(Schema({"x": Column("int")}), one, statistics)
    assert caught.value.fix == "give it some data; or reject it, with a reason"
    assert not acceptable(one)


def test_what_is_rejected_is_recorded_with_reason_owner_and_day(tmp_path: Path) -> None:
    statistics = describe(pl.DataFrame({"x": [99], "new": [1]}))
    schema = Schema({"x": Column("int", max=10)})
    found = validate(statistics, schema)
    for name in ("train/x/above_max", "train/new/new_column"):
        schema = reject(schema, found.find(name), reason="known", owner="kim", until="2026-06-30")
    schema.save(tmp_path)  # it is in the file, where others read it
    schema = Schema.load(tmp_path)
    during = validate(statistics, schema, today=dt.date(2026, 6, 30))
    assert not during.anomalies
    assert [(one.kind, one.override) for one in during.suppressed] == [
        ("above_max", "off by the schema until 2026-06-30 by kim: known"),
        ("new_column", "off by the schema until 2026-06-30 by kim: known"),
    ]
    after = validate(statistics, schema, today=dt.date(2026, 7, 1))
    assert [one.kind for one in after] == ["above_max", "new_column"]


def test_rejecting_needs_a_reason() -> None:
    statistics = describe(pl.DataFrame({"x": [99]}))
    schema = Schema({"x": Column("int", max=10)})
    (one,) = validate(statistics, schema)
    with pytest.raises(UsageError, match="needs a reason"):
        reject(schema, one, reason=" ")


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([INF, 1.0, -INF], Column("struct")),
        ([INF, 1.5], Column("int", min=0, max=3, distinct=(1, 1))),
        ([[1, 2], [3]], Column("int", shape=(), unique=True, distinct=(1, 2), min=0, max=1)),
        ([b"\xff", b"a", b"a"], Column("string", domain=("a",), unique=True, length=(2, 9))),
    ],
)
def test_a_column_of_another_type_is_accepted_as_a_whole(values: list[Any], column: Column) -> None:
    statistics = describe(pl.DataFrame({"x": values}))
    schema = Schema({"x": column})
    found = validate(statistics, schema)
    assert found.errors
    assert not validate(statistics, accept_all(schema, found, statistics)).errors
