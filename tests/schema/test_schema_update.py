"""A widened expectation is met, changes nothing else, and changes nothing twice."""

from __future__ import annotations

import dataclasses
from typing import Any

import polars as pl
import pytest

from dure.errors import SchemaError
from dure.schema import Column, Dataset, Schema
from dure.schema.update import accept, update
from dure.schema.widen import WIDEN, raise_threshold, widen
from dure.statistics import describe
from dure.statistics.model import QUANTILES, ColumnStatistics, Level, SplitStatistics
from dure.statistics.statistics import Statistics

LINE = tuple(100 * at for at in QUANTILES)


def of(kind: str = "int", count: int = 10, missing: int = 0, **more: Any) -> ColumnStatistics:
    return ColumnStatistics("x", kind, count, missing, **more)


def texts(**counts: int) -> ColumnStatistics:
    listed = tuple(counts.items())
    return of("string", sum(counts.values()), unique=len(counts), values=listed, top=listed)


def one(column: ColumnStatistics, **others: ColumnStatistics) -> Statistics:
    columns = {"x": column, **others}
    return Statistics({"train": SplitStatistics(column.rows, columns)})


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    return tuple(Level(10, 0, low, high, 10 * high) for low, high in pairs)


# The column, the field that does not fit, what is known of the data, and what becomes of the field.
CASES: list[tuple[Column, str, ColumnStatistics, Any]] = [
    (Column("int"), "type", of("float"), "float"),
    (Column("int"), "type", of("string"), "string"),
    (Column("int"), "type", of("list[int]", levels=levels((1, 2))), "list[int]"),
    (Column("int", 1.0), "presence", of(count=7, missing=3), 0.7),
    (Column("int", 1.0), "presence", of(count=10**9 - 1, missing=1), 0.9999),
    (Column("int", min_rows=20), "min_rows", of(), 10),
    (Column("list[int]", values=((2, 2),)), "values", of("list[int]", levels=levels((1, 4))), ((1, 4),)),
    (Column("list[int]", values=((1, 2),)), "values", of("list[int]", levels=levels((0, 2))), ((None, 2),)),
    (Column("list[int]", values=((1, None),)), "values", of("list[int]", levels=levels((0, 2))), None),
    (Column("list[int]", values=((2, 3),)), "values", of(), ((1, 3),)),
    (Column("list[int]", shape=(2,)), "shape", of("list[int]", levels=levels((2, 3))), None),
    (Column("list[int]", shape=(2, 2)), "shape", of("list[int]", levels=levels((3, 3))), None),
    (Column("string", domain=("b",)), "domain", texts(b=1, c=1, a=1), ("b", "a", "c")),
    (Column("string", domain=("b",), domain_share=0.7), "domain", texts(b=6, c=4), ("b", "c")),
    (Column("int", holds="bool"), "holds", of(min=0, max=2), None),
    (Column("float", holds="bool"), "holds", of("float", min=0.0, max=1.0, nan=1), None),
    (Column("float", holds="bool"), "holds", of("float", min=0.0, max=1.0, quantiles=(0, 0.5, 1)), None),
    (Column("string", holds="bool", true_value="y"), "holds", texts(y=1, n=1), None),
    (Column("string", holds="int", min=3), "holds", texts(a=1), None),
    (Column("int", min=3), "min", of(min=2, max=9), 2),
    (Column("float", min=3), "min", of("float", min=3.0, negative_inf=1), None),
    (Column("int", max=3), "max", of(min=2, max=9), 9),
    (Column("string", holds="int", max=3), "max", texts(**{"7": 1, "1": 1}), 7),
    (Column("float", nan=0), "nan", of("float", nan=3), 0.3),
    (Column("float", inf=0), "inf", of("float", positive_inf=1, negative_inf=1), 0.2),
    (Column("int", unique=True), "unique", of(unique=9), False),
    (Column("int", distinct=(1, 3)), "distinct", of(unique=9), (1, 9)),
    (Column("struct", distinct=(1, 3)), "distinct", of("struct[a: int]"), None),
    (Column("string", length=(2, 3)), "length", of("string", min_length=1, max_length=3), (1, 3)),
    (Column("int", mean=(0, 1)), "mean", of(mean=1.5), (0, 1.5)),
    (Column("int", std=(2, None)), "std", of(std=1.5), (1.5, None)),
    (Column("int", quantiles={0.5: (0, 1)}), "quantiles", of(quantiles=LINE), {0.5: (0, 50)}),
    (Column("int", quantiles={0.15: (20, None)}), "quantiles", of(quantiles=LINE), {0.15: (15, None)}),
    (Column("string", balance={"a": (0.4, 0.6)}), "balance", texts(a=1, b=2), {"a": (0.333, 0.6)}),
    (Column("bool", balance={"true": (0, 0.5)}), "balance", of("bool", true=9, false=1), {"true": (0, 0.9)}),
]  # fmt: skip


@pytest.mark.parametrize(("column", "field", "seen", "expected"), CASES)
def test_one_expectation_is_widened_by_as_little_as_it_takes(
    column: Column, field: str, seen: ColumnStatistics, expected: Any
) -> None:
    new = widen(column, field, seen)
    found = getattr(new, field)
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    assert widen(new, field, seen) == new


def test_every_field_has_a_case() -> None:
    assert {field for _, field, _, _ in CASES} == set(WIDEN)


FITTING = [
    (Column("float"), of("int")),
    (Column("list[int]"), of("int")),
    (Column("int", 0.7), of(count=7, missing=3)),
    (Column("string", domain=("b",), domain_share=0.5), texts(b=6, c=4)),
    (Column("int", holds="bool"), of(min=0, max=1)),
    (Column("float", holds="bool"), of("float", min=0.0, max=1.0, quantiles=(0.0, 1.0))),
    (Column("string", holds="float", min=1), texts(**{"1.5": 1, "2": 1})),
    (Column("float", nan=0.3, inf=0), of("float", nan=3)),
    (Column("int", unique=True), of(unique=10)),
    (Column("int", mean=(0, 2), quantiles={0.5: (0, 50)}), of(mean=1.5, quantiles=LINE)),
    (Column("list[int]", shape=(2, 2)), of("list[int]", levels=levels((4, 4)))),
]


@pytest.mark.parametrize(("column", "seen"), FITTING)
def test_what_fits_is_left_alone(column: Column, seen: ColumnStatistics) -> None:
    assert update(Schema({"x": column}), one(seen)) == Schema({"x": column})


def test_a_field_that_statistics_cannot_widen_is_named() -> None:
    with pytest.raises(SchemaError, match="'regexp' cannot be widened"):
        widen(Column("string"), "regexp", texts(a=1))


def test_another_type_takes_what_was_said_of_the_values_with_it() -> None:
    column = Column("int", 1.0, min=0, max=9, min_rows=3, tags=("a",), drift={"psi": 0.1})
    assert widen(column, "type", of("string")) == Column("string", 1.0, min_rows=3, tags=("a",))


def test_a_threshold_is_raised_to_the_distance() -> None:
    column = Column("int", drift={"psi": 0.1})
    assert raise_threshold(column, "drift", "psi", 0.3).drift == {"psi": 0.3}
    assert raise_threshold(column, "drift", "psi", 0.05).drift == {"psi": 0.1}
    assert raise_threshold(column, "skew", "psi", 0.3).skew == {"psi": 0.3}


def test_a_column_that_is_gone_is_deprecated_if_it_was_needed() -> None:
    schema = Schema({"x": Column("int"), "needed": Column("int", 1.0), "extra": Column("int")})
    new = update(schema, one(of()))
    assert new.columns["needed"].stage == "deprecated"
    assert new.columns["extra"].stage is None
    empty = update(Schema({"x": Column("int", min_rows=1)}), one(of(count=0, missing=9)))
    assert empty.columns["x"].stage == "deprecated"


def test_a_column_that_is_not_checked_is_left_alone() -> None:
    schema = Schema({"x": Column("int", 1.0, stage="alpha", max=0)})
    assert update(schema, one(of(max=9, missing=3))) == schema


def test_a_column_that_is_there_is_added_to_the_environment() -> None:
    dataset = Dataset(environments=("training", "serving"))
    schema = Schema({"x": Column("int", not_in_environment=("serving",))}, dataset)
    assert update(schema, one(of()), environment="training") == schema
    new = update(schema, one(of()), environment="serving").columns["x"]
    assert (new.in_environment, new.not_in_environment) == ((), ())
    other = update(schema, one(of()), environment="test").columns["x"]
    assert other.in_environment == ("test",)


def test_a_column_that_is_needed_elsewhere_may_be_lacking_here() -> None:
    dataset = Dataset(environments=("training", "serving"))
    label = Column("int", 1.0, not_in_environment=("serving",))
    schema = Schema({"label": label, "x": Column("int")}, dataset)
    assert update(schema, one(of()), environment="serving") == schema


def test_new_columns_are_drafted_where_they_belong() -> None:
    schema = Schema({"trip": Column("struct"), "trip.a": Column("int"), "x": Column("int")})
    seen = {
        "trip": dataclasses.replace(of("struct[a: int, b: int]"), name="trip"),
        "trip.a": of(),
        "trip.b": of(),
        "y": of("string", unique=1, values=(("a", 10),)),
    }
    new = update(schema, one(of(), **seen))
    assert list(new.columns) == ["trip", "trip.a", "trip.b", "x", "y"]
    assert new.columns["trip.b"] == Column("int", 1.0, min_rows=1)
    assert new.columns["y"].domain == ("a",)


def test_a_shared_domain_grows_for_all_that_share_it() -> None:
    shared = Column("string", domain_name="way")
    schema = Schema({"x": shared, "y": shared}, Dataset(domains={"way": ("a",)}))
    new = update(schema, one(texts(a=1, b=1), y=texts(c=2)))
    assert new.dataset.domains == {"way": ("a", "b", "c")}
    assert new.domain("x") == new.domain("y") == ("a", "b", "c")
    dropped = update(schema, one(texts(a=1, b=1), y=texts(c=2)), largest_domain=3)
    assert dropped.dataset.domains == {}
    assert dropped.domain("x") is None
    accepted = accept(schema, "y", ["domain"], texts(c=2))
    assert accepted.domain("x") == ("a", "c")


def test_accepting_changes_only_what_was_accepted() -> None:
    schema = Schema({"x": Column("int", 1.0, min=3, max=5)})
    seen = of(count=7, missing=3, min=0, max=9)
    assert accept(schema, "x", ["max"], seen).columns["x"] == Column("int", 1.0, min=3, max=9)
    with pytest.raises(SchemaError, match="no column 'y'"):
        accept(schema, "y", ["max"], seen)


def test_bounds_of_rows_are_widened() -> None:
    schema = Schema({"x": Column("int")}, Dataset(rows=(20, None)))
    assert update(schema, one(of())).dataset.rows == (10, None)


def test_values_beyond_the_thousand_that_are_listed_are_added_too() -> None:
    names = [f"v{i:04}" for i in range(1500)]
    statistics = describe(pl.DataFrame({"x": names}))
    assert statistics.splits["train"].columns["x"].values is None
    schema = Schema({"x": Column("string", domain=("v0000",))})
    assert set(update(schema, statistics).domain("x") or ()) == set(names)
    # TFDV's statistics know only the most frequent values.
    few = of("string", unique=5000, top=(("a", 6), ("b", 4)))
    assert update(schema, one(few)).domain("x") == ("v0000", "a", "b")
