"""Distances against closed forms, scipy, and the numbers that TFDV documents for its own."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from dure.errors import DataError
from dure.validate import distances
from dure.validate.distances import Buckets, Line

INF = float("inf")
COUNTS = st.lists(st.integers(0, 50), min_size=2, max_size=12)
VALUES = st.lists(st.integers(-6, 6).map(lambda one: one / 2), min_size=1, max_size=30)


def line(values: list[float]) -> Line:
    at, counts = np.unique(np.array(values, dtype=float), return_counts=True)
    return Line.of_values(at, counts)


def both(data: st.DataObject) -> tuple[np.ndarray, np.ndarray]:
    a = np.array(data.draw(COUNTS), dtype=float)
    b = np.array(
        data.draw(st.lists(st.integers(0, 50), min_size=len(a), max_size=len(a))), dtype=float
    )
    assume(a.sum() > 0 and b.sum() > 0)
    return a, b


# --- categories ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {}, 0.0),
        ({"hello": 0.1, "world": 0.9}, {"hello": 0.3, "world": 0.7}, 0.2),
        ({"b": 0.9, "c": 0.1}, {"a": 0.3, "b": 0.7}, 0.3),
        ({"a": 0.3, "b": 0.7}, {"b": 0.9, "c": 0.1}, 0.3),
    ],
)
def test_l_infinity_is_that_of_tfdv(
    first: dict[str, float], second: dict[str, float], expected: float
) -> None:
    _, a, b = distances.align(first, second)
    assert distances.l_infinity(a, b) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {}, 0.0),
        ({"hello": 0.1, "world": 0.9}, {"hello": 0.3, "world": 0.7}, 0.1),
        ({"hello": 1, "world": 5}, {"hello": 10, "world": 50}, 45 / 66),
    ],
)
def test_normalised_difference_is_that_of_tfdv(
    first: dict[str, float], second: dict[str, float], expected: float
) -> None:
    _, a, b = distances.align(first, second)
    assert distances.normalised_difference(a, b) == pytest.approx(expected, abs=1e-12)


def test_jensen_shannon_of_texts_is_that_of_tfdv() -> None:
    _, a, b = distances.align({"b": 2, "a": 2, "c": 1}, {"a": 2, "Z": 1, "Y": 1, "X": 1})
    assert distances.jensen_shannon(a, b) == pytest.approx(0.6)


@given(st.data())
def test_jensen_shannon_is_the_square_of_scipys_distance(data: st.DataObject) -> None:
    a, b = both(data)
    expected = jensenshannon(a, b, base=2) ** 2
    assert distances.jensen_shannon(a, b) == pytest.approx(
        0.0 if math.isnan(expected) else expected, abs=1e-9
    )


@given(st.data())
def test_distances_of_counts_are_symmetric_within_bounds_and_zero_for_equal_shares(
    data: st.DataObject,
) -> None:
    a, b = both(data)
    for of in (distances.jensen_shannon, distances.hellinger, distances.l_infinity):
        assert of(a, b) == pytest.approx(of(b, a), abs=1e-12)
        assert 0 <= of(a, b) <= 1 + 1e-12
        assert of(a, 3 * a) == pytest.approx(0.0, abs=1e-7)


@given(st.data())
def test_hellinger_is_the_norm_of_the_roots(data: st.DataObject) -> None:
    a, b = both(data)
    roots = np.sqrt(a / a.sum()) - np.sqrt(b / b.sum())
    assert distances.hellinger(a, b) == pytest.approx(
        np.linalg.norm(roots) / math.sqrt(2), abs=1e-7
    )


def test_psi_is_the_textbook_sum_where_cells_are_full() -> None:
    a, b = np.array([5000.0, 5000.0]), np.array([6000.0, 4000.0])
    expected = 0.1 * math.log(0.6 / 0.5) - 0.1 * math.log(0.4 / 0.5)
    assert distances.psi(a, b) == pytest.approx(expected, rel=1e-3)


def test_psi_of_an_empty_cell_is_finite_and_cells_empty_on_both_sides_do_not_count() -> None:
    a, b = np.array([10.0, 0.0]), np.array([5.0, 5.0])
    assert 0 < distances.psi(a, b) < 10
    wider = distances.psi(np.append(a, 0.0), np.append(b, 0.0))
    assert wider == distances.psi(a, b)


@given(st.data())
def test_chi_square_is_scipys_where_no_cell_is_rare(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 8))
    a, b = (
        np.array(data.draw(st.lists(st.integers(20, 90), min_size=size, max_size=size)), float)
        for _ in range(2)
    )
    found = distances.chi_square(a, b)
    expected = scipy.stats.chi2_contingency(np.array([a, b]), correction=False)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-12)
    assert found.freedom == expected.dof


def test_rare_cells_are_put_together_for_the_test() -> None:
    a, b = np.array([100.0, *[1.0] * 20]), np.array([100.0, *[0.0] * 10, *[2.0] * 10])
    pooled = distances.pool(a, b)
    assert [side.tolist() for side in pooled] == [[100, 20], [100, 20]]
    assert distances.chi_square(a, b).freedom == 1


def test_a_rest_that_is_still_rare_joins_the_smallest_cell() -> None:
    pooled = distances.pool(np.array([50.0, 20.0, 1.0]), np.array([50.0, 20.0, 0.0]))
    assert [side.tolist() for side in pooled] == [[50, 21], [50, 20]]


def test_where_every_value_is_rare_nothing_is_tested() -> None:
    ones = np.ones(500)
    found = distances.chi_square(np.append(ones, 0 * ones), np.append(0 * ones, ones))
    assert (found.p, found.freedom) == (1.0, 0)


@pytest.mark.parametrize("of", [distances.jensen_shannon, distances.hellinger, distances.psi])
def test_a_distance_to_nothing_is_refused(of: object) -> None:
    with pytest.raises(DataError, match="without values"):
        of(np.array([0.0]), np.array([1.0]))  # type: ignore[operator]


# --- numbers ------------------------------------------------------------------------------------


@given(VALUES, VALUES)
def test_kolmogorov_smirnov_is_scipys_exact_test(x: list[float], y: list[float]) -> None:
    found = distances.kolmogorov_smirnov(line(x), line(y))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        expected = scipy.stats.ks_2samp(x, y, method="exact")
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    if not told:  # now and then scipy gives its exact way up, and says so
        assert found.p == pytest.approx(expected.pvalue, abs=1e-9)


def test_the_exact_p_value_is_a_count_of_orders() -> None:
    n, m, d = 4, 3, 0.75
    orders = list(itertools.combinations(range(n + m), n))
    hits = 0
    for order in orders:
        first = np.isin(np.arange(n + m), order)
        gap = np.abs(np.cumsum(first) / n - np.cumsum(~first) / m).max()
        hits += gap >= d - 1e-12
    assert distances.smirnov_p(d, n, m) == pytest.approx(hits / len(orders))


def test_large_samples_take_the_usual_limit() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=3000), generator.normal(0.05, 1, size=2500)
    found = distances.kolmogorov_smirnov(line(x), line(y))
    size = 3000 * 2500 / 5500
    limit = scipy.stats.kstwobign.sf(found.statistic * math.sqrt(size))
    assert found.p == pytest.approx(limit, rel=1e-9)
    usual = scipy.stats.ks_2samp(x, y, method="asymp").pvalue
    assert usual <= found.p <= usual + 0.01  # on the safe side


@given(VALUES, VALUES)
def test_wasserstein_and_energy_are_scipys(x: list[float], y: list[float]) -> None:
    assert distances.wasserstein(line(x), line(y)) == pytest.approx(
        scipy.stats.wasserstein_distance(x, y), abs=1e-9
    )
    assert distances.energy(line(x), line(y)) == pytest.approx(
        scipy.stats.energy_distance(x, y), abs=1e-7
    )


def test_even_distributions_have_closed_forms() -> None:
    a = Line.of_bins(np.array([0.0, 1.0]), np.array([1.0]))
    b = Line.of_bins(np.array([0.0, 2.0]), np.array([1.0]))
    shifted = Line.of_bins(np.array([3.0, 4.0]), np.array([1.0]))
    assert distances.wasserstein(a, shifted) == pytest.approx(3.0)
    # F - G is x / 2 up to 1, and 1 - x / 2 from there to 2: two triangles of area 1 / 4.
    assert distances.wasserstein(a, b) == pytest.approx(0.5)
    assert distances.gap(a, b).largest == pytest.approx(0.5)
    assert distances.energy(a, b) == pytest.approx(math.sqrt(2 * (1 / 12 + 1 / 12)))
    assert a.std == pytest.approx(1 / math.sqrt(12))


def test_lines_that_cross_are_measured_on_both_sides() -> None:
    a = Line.of_bins(np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]))
    b = Line.of_bins(np.array([0.0, 3.0]), np.array([1.0]))
    dense = np.linspace(0, 3, 3_000_001)
    expected = np.trapezoid(np.abs(a.up_to(dense) - b.up_to(dense)), dense)
    assert distances.wasserstein(a, b) == pytest.approx(expected, abs=1e-6)


def test_points_and_bins_go_together() -> None:
    mixed = Line(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]), np.array([1.0, 2.0, 1.0]))
    assert mixed.up_to(np.array([-1.0, 0.0, 0.5, 1.0])).tolist() == [0.0, 0.25, 0.5, 1.0]
    assert mixed.below(np.array([0.0, 1.0])).tolist() == [0.0, 0.75]


def test_huge_numbers_do_not_overflow() -> None:
    assert math.isfinite(line([-1e300, 1e300]).std)


def test_what_chance_gives_is_what_simulation_gives() -> None:
    generator = np.random.default_rng(1)
    pairs = [
        (line(generator.normal(size=80)), line(generator.normal(size=120))) for _ in range(400)
    ]
    measured = np.mean([distances.wasserstein(a, b) for a, b in pairs])
    squared = np.mean([distances.energy(a, b) ** 2 / 2 for a, b in pairs])
    expected = np.mean([distances.expected_gaps(a, b) for a, b in pairs], axis=0)
    assert expected[0] == pytest.approx(measured, rel=0.06)
    assert expected[1] == pytest.approx(squared, rel=0.06)


# --- TFDV's histograms; expected values are those that its own tests document ---------------------


def js(first: Buckets, second: Buckets, **options: bool) -> float:
    return distances.jensen_shannon(*distances.rebucket(first, second, **options))


TFDV = {
    "other edges": (
        Buckets(((1, 2, 2), (2, 3, 2))),
        Buckets(((2, 4, 2), (4, 6, 2))),
        0.65563906222,
    ),
    "nothing in common": (Buckets(((0, 1, 2), (1, 2, 2))), Buckets(((3, 4, 2), (4, 6, 2))), 1.0),
    "one point": (Buckets(((1, 1, 4),)), Buckets(((2, 4, 2), (4, 6, 2))), 1.0),
    "two points": (Buckets(((1, 1, 4),)), Buckets(((2.33, 2.33, 4),)), 1.0),
    "a point within a bucket": (
        Buckets(((10, 10, 21),)),
        Buckets(((0, 4, 150), (4, 12, 200), (12, 20, 20))),
        1.0,
    ),
    "points that overlap in part": (
        Buckets(((0, 0, 1), (1, 1, 1))),
        Buckets(((0, 0, 1), (2, 2, 1))),
        0.5,
    ),
    "points and edges": (
        Buckets(((0, 0, 1), (1, 2, 1))),
        Buckets(((1, 1, 1), (2, 2, 1))),
        1.0,
    ),
    "infinite ends": (
        Buckets(((-INF, 0, 1), (INF, INF, 1))),
        Buckets(((-INF, 0, 1), (INF, INF, 1))),
        1.0,
    ),
    "NaN": (Buckets((), 1), Buckets((), 1), 1.0),
    "NaN on one side": (Buckets(((1, 2, 3),), 1), Buckets(((1, 2, 4),)), 0.13792538096),
}


@pytest.mark.parametrize("name", TFDV)
def test_jensen_shannon_of_histograms_is_that_of_tfdv(name: str) -> None:
    first, second, expected = TFDV[name]
    assert js(first, second) == pytest.approx(expected, abs=1e-9)
    assert js(second, first) == pytest.approx(expected, abs=1e-9)


def test_a_histogram_does_not_differ_from_itself() -> None:
    one = Buckets(((1, 2.3333333, 2.98), (2.3333333, 3.6666667, 1.0), (3.6666667, 5, 2.0)))
    assert js(one, one) == 0.0


def test_constant_nan_is_no_difference_where_nan_equals_nan() -> None:
    one = Buckets(((1, 2, 80),), nan=20)
    assert js(one, one) == pytest.approx(0.2)  # as in TFDV, for ever
    assert js(one, one, nan_equal=True) == 0.0
    assert js(Buckets(((INF, INF, 3),)), Buckets(((INF, INF, 3),)), nan_equal=True) == 0.0


@given(st.data())
def test_rebucketing_keeps_every_count(data: st.DataObject) -> None:
    def histogram() -> Buckets:
        edges = sorted(set(data.draw(st.lists(st.integers(-20, 20), min_size=2, max_size=8))))
        counts = data.draw(
            st.lists(st.integers(0, 9), min_size=len(edges) - 1, max_size=len(edges) - 1)
        )
        return Buckets(
            tuple(zip(map(float, edges), map(float, edges[1:]), map(float, counts), strict=False)),
            float(data.draw(st.integers(0, 3))),
        )

    first, second = histogram(), histogram()
    for side, cells in zip((first, second), distances.rebucket(first, second), strict=True):
        total = sum(count for *_, count in side.buckets) + side.nan
        assert cells.sum() == pytest.approx(total)
        assert (cells >= 0).all()


@pytest.mark.parametrize("empty", [Buckets(()), Buckets(((0, 4, 0),))])
def test_an_empty_histogram_is_refused(empty: Buckets) -> None:
    with pytest.raises(DataError, match="without values"):
        js(empty, Buckets(((0, 4, 10),)))
