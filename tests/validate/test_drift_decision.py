"""Which distance is taken, when it is an alarm, and what the report says of it."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples
from dure.errors import UsageError
from dure.statistics import Statistics, describe
from dure.validate import Comparison, DriftReport, drift
from dure.validate.chance import adjusted
from dure.validate.metrics import METRICS


def normal(size: int, mean: float = 0.0, seed: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"x": np.random.default_rng(seed).normal(mean, 1.0, size)})


def texts(size: int, shares: dict[str, float], seed: int = 0) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    return pl.DataFrame({"x": generator.choice(list(shares), p=list(shares.values()), size=size)})


def only(first: pl.DataFrame, second: pl.DataFrame, **options: object) -> Comparison:
    report = drift(describe(first), describe(second), **options)  # type: ignore[arg-type]
    (one,) = (one for one in report if one.of == "values")
    return one


EVEN = {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize(
    ("first", "second", "metric"),
    [
        (normal(900), normal(5000, seed=1), "kolmogorov_smirnov"),
        (normal(5000), normal(5000, seed=1), "wasserstein"),
        (texts(900, EVEN), texts(5000, EVEN, 1), "chi_square"),
        (texts(5000, EVEN), texts(5000, EVEN, 1), "jensen_shannon"),
        (pl.DataFrame({"x": [3.0] * 5000}), normal(5000), "kolmogorov_smirnov"),
        (pl.DataFrame({"x": [True, False] * 99}), pl.DataFrame({"x": [True] * 99}), "chi_square"),
    ],
)
def test_the_distance_is_chosen_by_type_and_size(
    first: pl.DataFrame, second: pl.DataFrame, metric: str
) -> None:
    one = only(first, second)
    assert one.metric == metric
    assert one.formula == METRICS[metric].formula
    assert one.choice


def test_a_shift_is_found_and_its_size_is_right() -> None:
    one = only(normal(20_000), normal(20_000, 0.3, seed=1))
    assert one.verdict == "differs"
    assert one.value == pytest.approx(0.3, abs=0.03)
    assert one.low is not None
    assert one.high is not None
    assert one.low < 0.3 < one.high
    assert "no chance and large enough" in one.reason


def test_a_small_shift_among_very_many_rows_is_no_alarm() -> None:
    one = only(normal(200_000), normal(200_000, 0.03, seed=1))
    assert one.p is not None
    assert one.p < 1e-6
    assert one.verdict == "same"
    assert "too small to matter, with any number of rows" in one.reason


def test_a_large_difference_of_few_rows_can_be_chance_and_it_is_said_what_it_takes() -> None:
    first = pl.DataFrame({"x": ["a"] * 12 + ["b"] * 8})
    second = pl.DataFrame({"x": ["a"] * 8 + ["b"] * 12})
    one = only(first, second)
    assert one.verdict == "same"
    assert "can be chance" in one.reason
    assert "would be an alarm from about" in one.reason
    # With that many times the rows it is one.
    assert only(pl.concat([first] * 5), pl.concat([second] * 5)).verdict == "differs"


def test_ten_rows_of_one_distribution_do_not_differ_from_a_thousand() -> None:
    values = {f"v{i}": 1 / 40 for i in range(40)}
    for seed in range(20):
        one = only(texts(1000, values, seed), texts(10, values, seed + 100))
        assert one.verdict != "differs"
    forced = only(texts(1000, values, 1), texts(10, values, 2), metrics={"x": "jensen_shannon"})
    assert forced.verdict != "differs"


def test_a_divergence_of_small_samples_is_explained_as_chance() -> None:
    values = {f"v{i}": 0.1 for i in range(10)}
    one = only(texts(1000, values, 1), texts(60, values, 2), metrics={"x": "jensen_shannon"})
    assert one.value is not None
    assert one.chance == pytest.approx(one.value, rel=0.9)
    assert one.verdict == "same"


def test_identifiers_are_not_compared() -> None:
    first = pl.DataFrame({"x": [f"a{i}" for i in range(900)]})
    second = pl.DataFrame({"x": [f"b{i}" for i in range(900)]})
    one = only(first, second)
    assert (one.verdict, one.value) == ("not_compared", None)
    assert "no two values are frequent enough" in one.reason


def test_new_categories_are_found() -> None:
    one = only(texts(3000, EVEN), texts(3000, {"a": 0.5, "c": 0.5}, 1))
    assert one.verdict == "differs"
    assert one.worst in ("b", "c")
    assert one.shape is not None
    assert one.shape.labels == ("a", "b", "c")
    assert sum(one.shape.first) == sum(one.shape.second) == 3000


def test_missing_values_are_compared_too() -> None:
    first = pl.DataFrame({"x": [1.0, 2.0] * 500})
    second = pl.DataFrame({"x": [1.0, None, 2.0, float("nan"), 1.0, 2.0] * 200})
    report = drift(describe(first), describe(second))
    values, missing = report
    assert (values.of, values.verdict) == ("values", "same")
    assert (missing.of, missing.verdict) == ("missing", "differs")
    assert missing.value == pytest.approx(1 / 3)
    assert report.columns == ("x",)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_asked_for_and_tells_a_shift_from_none(metric: str) -> None:
    numbers = "numbers" in METRICS[metric].on
    first = normal(3000) if numbers else texts(3000, EVEN)
    same = normal(3000, seed=1) if numbers else texts(3000, EVEN, 1)
    other = normal(3000, 1.5, seed=2) if numbers else texts(3000, {"a": 0.95, "b": 0.05}, 2)
    none, large = (only(first, one, metrics={"x": metric}) for one in (same, other))
    assert (none.verdict, large.verdict) == ("same", "differs")
    assert none.value is not None
    assert large.value is not None
    assert none.value < large.value
    assert none.low == 0.0


def test_a_metric_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="l_infinity is not for numbers"):
        only(normal(50), normal(50), metrics={"x": "l_infinity"})
    with pytest.raises(UsageError, match="unknown metric"):
        only(normal(50), normal(50), metrics={"x": "ks"})
    with pytest.raises(UsageError, match="no column 'y'"):
        only(normal(50), normal(50), columns=("y",))
    with pytest.raises(UsageError, match="out of its range"):
        only(normal(50), normal(50), q=0.0)
    with pytest.raises(UsageError, match="not a size"):
        only(normal(50), normal(50), smallest={"x": -1.0})


def test_the_smallest_effect_can_be_said() -> None:
    first, second = normal(5000), normal(5000, 0.3, seed=1)
    assert only(first, second, smallest={"x": 0.5}).verdict == "same"
    assert only(first, second, smallest={"wasserstein": 0.5}).verdict == "same"
    assert only(first, second, smallest={"wasserstein": 0.5, "x": 0.1}).verdict == "differs"


def test_what_cannot_be_compared_is_said() -> None:
    other = only(pl.DataFrame({"x": ["a"]}), pl.DataFrame({"x": [1]}))
    assert other.reason == "the type is int and was string"
    empty = only(pl.DataFrame({"x": [1.0]}), pl.DataFrame({"x": [None]}, schema={"x": pl.Float64}))
    assert empty.reason == "there are no values in the new data"


def test_the_report_is_the_same_every_time_and_for_other_columns_beside() -> None:
    first, second = normal(2000), normal(2000, seed=1)
    one = drift(describe(first), describe(second))
    assert drift(describe(first), describe(second)) == one
    more = [
        describe(frame.with_columns(pl.lit("a").alias("y")).select("y", "x"))
        for frame in (first, second)
    ]
    (beside,) = (each for each in drift(*more) if each.column == "x")
    (alone,) = one
    assert (beside.value, beside.low, beside.high) == (alone.value, alone.low, alone.high)
    assert drift(describe(first), describe(second), seed=1) != one


def test_the_order_of_rows_and_scale_of_numbers_do_not_matter() -> None:
    first, second = normal(2000), normal(2000, 0.5, seed=1)
    one = only(first, second)
    turned = only(first.reverse(), second.reverse())
    assert turned == one
    large = only(first * 1e6, second * 1e6)
    assert large.value == pytest.approx(one.value, rel=1e-9)


def test_splits_are_paired_by_name_or_with_the_only_one() -> None:
    two = describe(Examples.from_frames({"train": normal(50), "eval": normal(50, seed=1)}))
    one = describe(normal(50, seed=2), split="served")
    assert [(each.split, each.baseline) for each in drift(one, two)] == [
        ("train", "served"),
        ("eval", "served"),
    ]
    assert not drift(two, one).comparisons
    assert [each.baseline for each in drift(two, two)] == ["train", "eval"]


def test_a_report_is_read_back_from_json() -> None:
    report = drift(describe(texts(500, EVEN)), describe(texts(500, EVEN, 1)))
    assert DriftReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    text = report.text()
    assert text.startswith("drift: 0 of 1 column differs")
    assert all(len(each) <= 80 for each in text.splitlines())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_are_scipys(p: list[float]) -> None:
    assert adjusted(p) == pytest.approx(scipy.stats.false_discovery_control(p), abs=1e-12)


def test_no_p_values_stay_none() -> None:
    assert adjusted([]) == []


def test_the_interval_holds_the_true_distance_about_as_often_as_it_says() -> None:
    # Of two normal distributions half a standard deviation apart, the distance is 0.5.
    hits = 0
    for seed in range(100):
        one = only(normal(1500, seed=seed), normal(1500, 0.5, seed=1000 + seed))
        assert one.low is not None
        assert one.high is not None
        hits += one.low <= 0.5 <= one.high
    assert hits >= 88


def test_the_interval_of_a_divergence_holds_the_true_one() -> None:
    shares, other = {"a": 0.7, "b": 0.2, "c": 0.1}, {"a": 0.5, "b": 0.3, "c": 0.2}
    p, q = (np.array(list(one.values())) for one in (shares, other))
    middle = (p + q) / 2
    truth = float((p * np.log2(p / middle) + q * np.log2(q / middle)).sum() / 2)
    hits = 0
    for seed in range(100):
        one = only(
            texts(2000, shares, seed), texts(2000, other, 1000 + seed),
            metrics={"x": "jensen_shannon"},
        )  # fmt: skip
        assert one.low is not None
        assert one.high is not None
        hits += one.low <= truth <= one.high
    assert hits >= 88


def test_the_smallest_difference_that_can_be_seen_is_where_the_test_turns() -> None:
    few = only(normal(800), normal(600, seed=1))
    assert few.detectable is not None
    size = math.sqrt(800 * 600 / 1400)
    assert scipy.stats.kstwobign.sf(few.detectable * size) == pytest.approx(0.05, rel=1e-2)
    named = only(texts(800, EVEN), texts(600, EVEN, 1))
    assert named.detectable is not None
    assert scipy.stats.chi2.sf(named.detectable**2 * 1400, 1) == pytest.approx(0.05)


def test_nothing_in_common_is_said() -> None:
    report = drift(describe(pl.DataFrame({"x": [1]})), describe(pl.DataFrame({"y": [1]})))
    assert report.summary() == (
        "drift: nothing was compared: no split or column has its counterpart"
    )


def test_slices_that_both_have_are_compared() -> None:
    whole = describe(texts(400, EVEN))
    part = whole.splits["train"]
    sliced = Statistics({"train": _with_slices(part, {"day=1": part})})
    other = Statistics({"train": _with_slices(part, {"day=1": part, "day=2": part})})
    report = drift(sliced, other)
    assert [one.slice for one in report] == [None, "day=1"]
    assert [one.slice for one in drift(sliced, other, slices=False)] == [None]


def _with_slices(part: object, slices: dict[str, object]) -> object:
    import dataclasses

    return dataclasses.replace(part, slices=slices)  # type: ignore[type-var]


def test_numbers_as_large_as_they_get_are_compared() -> None:
    statistics = describe(pl.DataFrame({"x": [1e308, -1e308]}))
    assert not drift(statistics, statistics).drifted
