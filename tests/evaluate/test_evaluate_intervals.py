"""Intervals against scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dure.evaluate.intervals import NONE, bootstrap, mean, poisson_table, wilson


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_is_scipys(n: int, share: float) -> None:
    k = round(share * n)
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(n=st.integers(1, 1000), share=st.floats(0, 1))
def test_wilson_is_within_0_and_1_and_holds_the_share(n: int, share: float) -> None:
    k = round(share * n)
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


def test_wilson_of_nothing_is_no_interval() -> None:
    assert wilson(0, 0) == NONE


def test_mean_is_scipys_normal_interval() -> None:
    x = np.random.default_rng(3).exponential(size=57)
    expected = stats.norm.interval(0.95, loc=x.mean(), scale=stats.sem(x))
    assert mean(x) == pytest.approx(expected)


def test_mean_of_equal_rows_is_a_point() -> None:
    assert mean(np.full(5, 2.0)) == (2.0, 2.0)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows_have_no_interval(n: int) -> None:
    assert all(map(math.isnan, mean(np.ones(n))))
    assert bootstrap(np.ones((n, 1)), lambda sums: sums[:, 0], seed=0) == [NONE]


def test_poisson_table_has_the_distribution_of_poisson_1() -> None:
    table = poisson_table()
    counts = np.bincount(table.astype(int), minlength=12)[:12] / len(table)
    assert counts == pytest.approx(stats.poisson(1).pmf(range(12)), abs=1 / len(table))
    assert table.mean() == pytest.approx(1, abs=1e-4)
    assert table.var() == pytest.approx(1, abs=1e-3)


def test_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    x = np.random.default_rng(5).normal(size=2000)
    (got,) = bootstrap(np.column_stack([np.ones(2000), x]), lambda s: s[:, 1] / s[:, 0], seed=0)
    low, high = stats.norm.interval(0.95, loc=x.mean(), scale=stats.sem(x))
    # 1000 replicates: the ends of the interval are themselves off by about 5 % of its width.
    assert got == pytest.approx((low, high), abs=0.15 * (high - low))


def test_bootstrap_of_rmse_is_near_scipys_bootstrap() -> None:
    x = np.random.default_rng(6).exponential(size=400)

    def rmse(values: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.sqrt(np.mean(values**2, axis=axis))

    expected = stats.bootstrap(
        (x,), rmse, method="percentile", n_resamples=4000, vectorized=True, rng=1
    ).confidence_interval
    terms = np.column_stack([np.ones(400), x**2])
    (got,) = bootstrap(terms, lambda s: np.sqrt(s[:, 1] / s[:, 0]), seed=2)
    width = expected.high - expected.low
    assert got == pytest.approx((expected.low, expected.high), abs=0.15 * width)


def test_bootstrap_depends_on_the_seed_alone() -> None:
    terms = np.random.default_rng(0).normal(size=(50, 1))

    def total(sums: np.ndarray) -> np.ndarray:
        return sums[:, 0]

    assert bootstrap(terms, total, seed=0) == bootstrap(terms, total, seed=0)
    assert bootstrap(terms, total, seed=0) != bootstrap(terms, total, seed=1)


def test_bootstrap_in_chunks_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = np.random.default_rng(0).normal(size=(64, 2))

    def ratio(sums: np.ndarray) -> np.ndarray:
        return sums[:, 0] / (1 + sums[:, 1] ** 2)

    (whole,) = bootstrap(terms, ratio, seed=0)
    monkeypatch.setattr("dure.evaluate.intervals._CHUNK", 640)
    (again,) = bootstrap(terms, ratio, seed=0)
    assert again == pytest.approx(whole, rel=1e-12)


def test_bootstrap_gives_up_where_most_replicates_have_no_value() -> None:
    assert bootstrap(np.ones((9, 1)), lambda s: np.full(len(s), np.nan), seed=0) == [NONE]


def test_statistics_of_one_call_share_their_replicates() -> None:
    terms = np.random.default_rng(0).normal(size=(50, 1))

    def total(sums: np.ndarray) -> np.ndarray:
        return sums[:, 0]

    one, other = bootstrap(terms, total, lambda sums: -sums[:, 0], seed=0)
    assert one == bootstrap(terms, total, seed=0)[0]
    assert other == pytest.approx((-one[1], -one[0]))
