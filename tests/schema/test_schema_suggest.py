"""What is suggested holds for the data, and for new data of the same kind."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from dure.schema import Column, Schema
from dure.schema.suggest import Suggestion, regex_of, suggest, with_suggestions
from dure.statistics.model import QUANTILES, ColumnStatistics, Semantic, SplitStatistics
from dure.statistics.statistics import Statistics


def of(column: ColumnStatistics, smallest: int | None = None) -> Statistics:
    splits = {"train": SplitStatistics(column.rows, {"x": column})}
    if smallest is not None:
        splits["eval"] = SplitStatistics(smallest, {"x": column})
    return Statistics(splits)


def found(column: ColumnStatistics, smallest: int | None = None) -> dict[str, Any]:
    return {one.field: one.value for one in suggest(of(column, smallest))}


def numbers(values: Any) -> ColumnStatistics:
    """Return the statistics of floats, from their definitions."""
    x = np.asarray(values, dtype=float)
    center, spread = x.mean(), x.std()
    kurtosis = float(((x - center) ** 4).mean() / spread**4 - 3)
    quantiles = tuple(np.quantile(x, QUANTILES).tolist())
    fields: dict[str, Any] = {"mean": float(center), "std": float(spread), "kurtosis": kurtosis}
    fields |= {"min": float(x.min()), "max": float(x.max()), "nan": 0, "positive_inf": 0}
    return ColumnStatistics("x", "float", len(x), 0, len(x), quantiles=quantiles, **fields)


def text(count: int, unique: int, **fields: Any) -> ColumnStatistics:
    return ColumnStatistics("x", "string", count, 0, unique, **fields)


def test_many_values_of_which_none_comes_twice_are_a_key() -> None:
    assert found(text(100, 100))["unique"] is True
    assert "unique" not in found(text(99, 99))
    assert "unique" not in found(text(200, 199))
    assert "unique" not in found(ColumnStatistics("x", "int", 200, 1, 200))
    assert "unique" not in found(numbers(range(200)))


def test_a_meaning_is_suggested_with_its_share() -> None:
    column = text(200, 9, semantic=Semantic("url", 0.97, 200))
    (one,) = (one for one in suggest(of(column)) if one.field == "semantic")
    assert one == Suggestion("x", "semantic", "url", "97.0% of 200 values look like it")


def test_what_never_comes_can_be_forbidden() -> None:
    seen = found(numbers([0.0, 2.5, 3.5]))
    assert (seen["nan"], seen["inf"], seen["min"]) == (0.0, 0.0, 0)
    odd = found(ColumnStatistics("x", "float", 5, 0, 5, nan=1, negative_inf=1, min=-1.0))
    assert not {"nan", "inf", "min"} & odd.keys()


@pytest.mark.parametrize("kind", ["normal", "lognormal", "uniform"])
def test_a_new_sample_of_the_same_distribution_is_within_the_bounds(kind: str) -> None:
    random = np.random.default_rng(7)
    draw = getattr(random, kind)
    seen = found(numbers(draw(size=4000)), 500)
    assert {"mean", "quantiles"} <= seen.keys()
    assert ("std" in seen) == (kind != "lognormal")  # a few outliers decide it
    misses = 0
    for _ in range(200):
        new = draw(size=500)
        (low, high), (least, most) = seen["mean"], seen.get("std", (0.0, np.inf))
        inside = low <= new.mean() <= high and least <= new.std() <= most
        for at, (start, end) in seen["quantiles"].items():
            value = np.quantile(new, at)
            inside &= (start is None or start <= value) and (end is None or value <= end)
        misses += not inside
    # Each of up to eight bounds is missed in about one of 1,000 samples, and has room besides.
    assert misses <= 4


def test_a_shift_of_half_a_standard_deviation_is_outside() -> None:
    random = np.random.default_rng(7)
    low, high = found(numbers(random.normal(size=4000)), 500)["mean"]
    assert not low <= 0.5 <= high


def test_shares_of_few_categories_are_bounded_on_both_sides() -> None:
    counts = (("Cash", 700), ("Card", 300))
    seen = found(text(1000, 2, values=counts, top=counts), 500)["balance"]
    for value, count in counts:
        low, high = seen[value]
        assert low < count / 1000 < high
        assert high - low < 0.2
    many = tuple((f"v{i}", 50) for i in range(11))
    assert "balance" not in found(text(550, 11, values=many, top=many))
    truth = found(ColumnStatistics("x", "bool", 500, 0, 2, true=400, false=100))
    assert set(truth["balance"]) == {"true", "false"}


def test_texts_of_one_shape_get_its_pattern() -> None:
    column = text(200, 200, patterns=(("A-9", 150), ("A9", 50)), min_length=4, max_length=7)
    seen = found(column)
    assert seen["regex"] == r"^(?:\p{Lu}+-\d+|\p{Lu}+\d+)$"
    assert "length" not in seen
    assert "regex" not in found(
        text(200, 200, patterns=(("A-9", 150),), min_length=4, max_length=7)
    )
    assert found(text(200, 200, min_length=5, max_length=5))["length"] == (5, 5)


def test_the_pattern_of_a_shape_matches_what_has_it() -> None:
    for shape, example in [("A-9.9", "AB-12.5"), ("a@a.a", "ada@math.org"), ("(9) 9", "(02) 123")]:
        pattern = regex_of(shape).replace(r"\p{Lu}", "[A-Z]").replace(r"\p{L}", "[a-z]")
        assert re.fullmatch(pattern, example)
        assert not re.fullmatch(pattern, example + "!")


def test_what_is_expected_already_is_not_suggested() -> None:
    column = text(200, 200, semantic=Semantic("url", 1.0, 200))
    schema = Schema({"x": Column("string", domain=("a",))})
    assert not {one.field for one in suggest(of(column), schema)} & {"unique", "semantic"}
    schema = Schema({"x": Column("string", unique=True)})
    assert {one.field for one in suggest(of(column), schema)} == {"semantic"}


def test_suggestions_that_are_taken_are_in_the_schema() -> None:
    statistics = of(numbers(np.random.default_rng(3).normal(size=500)))
    schema = Schema({"x": Column("float")})
    taken = [one for one in suggest(statistics, schema) if one.field in ("nan", "mean")]
    new = with_suggestions(schema, taken)
    assert new.columns["x"].nan == 0.0
    assert new.columns["x"].mean is not None
    assert {one.field for one in suggest(statistics, new)} & {"nan", "mean"} == set()


def test_constant_and_empty_columns_get_no_bounds_of_chance() -> None:
    constant = ColumnStatistics("x", "int", 500, 0, 1, mean=3.0, std=0.0, min=3, max=3)
    assert set(found(constant)) == {"min"}
    assert found(ColumnStatistics("x", "float", 0, 9, 0)) == {}
