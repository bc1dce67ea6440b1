"""Statistics without tables of values, as other tools write them: near the exact distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from dure.schema import Column, Schema
from dure.statistics import Statistics, describe
from dure.validate import Comparison, drift, validate


def bare(statistics: Statistics) -> Statistics:
    return Statistics(statistics.splits)


def compared(first: list[Any], second: list[Any], **options: Any) -> tuple[Comparison, Comparison]:
    sides = [describe(pl.DataFrame({"x": values})) for values in (first, second)]
    (exact,) = drift(*sides, **options)
    (near,) = drift(*map(bare, sides), **options)
    return exact, near


@pytest.mark.parametrize("metric", ["kolmogorov_smirnov", "wasserstein", "energy", "hellinger"])
@pytest.mark.parametrize("shift", [0.3, 2.0])
def test_quantiles_and_histogram_are_near_the_values(metric: str, shift: float) -> None:
    generator = np.random.default_rng(0)
    first, second = (generator.normal(mean, 1, 3000).tolist() for mean in (0.0, shift))
    exact, near = compared(first, second, metrics={"x": metric})
    assert (exact.exact, near.exact) == (True, False)
    assert near.value == pytest.approx(exact.value, rel=0.15)
    assert near.verdict == exact.verdict


def test_a_histogram_of_single_whole_numbers_is_exact() -> None:
    exact, near = compared([1, 2, 3, 4] * 50, [1, 2, 4, 4] * 50)
    assert near.exact
    assert near.value == exact.value


def test_a_constant_is_exact() -> None:
    exact, near = compared([7] * 50, [7] * 40)
    assert (near.value, near.exact) == (exact.value, True)


def test_frequent_texts_are_compared_and_the_others_are_one() -> None:
    first = [f"v{i % 1200}" for i in range(2400)] + ["a"] * 2000
    second = [f"v{i % 1200}" for i in range(2400)] + ["b"] * 2000
    exact, near = compared(first, second)
    assert (exact.exact, near.exact) == (True, False)
    assert exact.verdict == near.verdict == "differs"
    assert near.worst in ("a", "b")
    assert near.shape is not None
    assert near.shape.labels[-1] == "others"


def test_numbers_of_category_without_a_table_are_compared_as_far_as_they_are_known() -> None:
    schema = Schema({"x": Column("int", semantic="category", drift={"l_infinity": 0.1})})
    new, old = (bare(describe(pl.DataFrame({"x": [1] * n + [7] * (10 - n)}))) for n in (8, 5))
    (one,) = validate(new, schema, previous=old)
    assert one.value == pytest.approx(0.3)


def test_names_that_are_numbers_need_every_one_of_them() -> None:
    schema = Schema({"x": Column("int", semantic="category", drift={"l_infinity": 0.1})})
    new, old = (bare(describe(pl.DataFrame({"x": [i * n for i in range(99)]}))) for n in (8, 5))
    found = validate(new, schema, previous=old)
    assert not found.anomalies
    (one,) = found.reports[0]
    assert one.verdict == "not_compared"
    assert "do not list every number" in one.reason
