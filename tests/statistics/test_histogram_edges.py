"""Edges of histograms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dure.statistics.histogram import count, edges

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite, min_size=1, max_size=30), st.booleans())
def test_edges_hold_every_value_and_increase(values: list[float], whole: bool) -> None:
    if whole:
        values = [float(int(value)) for value in values]
    array = np.sort(np.array(values))
    q01, q99 = np.quantile(array / 4, [0.01, 0.99]) * 4
    at = edges(float(array[0]), float(array[-1]), float(q01), float(q99), whole=whole)
    assert np.isfinite(at).all()
    assert at[0] <= array[0]
    assert at[-1] >= array[-1]
    assert len(at) - 1 <= 32
    assert array[0] == array[-1] or all(a < b for a, b in itertools.pairwise(at))
    assert count(array, at).tolist() == np.histogram(array, bins=at)[0].tolist()


@given(st.integers(-1000, 1000), st.integers(1, 10_000))
def test_bins_of_whole_numbers_hold_equally_many(low: int, span: int) -> None:
    at = edges(low, low + span, low, low + span, whole=True)
    widths = set(np.diff(at).tolist())
    assert len(widths) == 1
    assert widths.pop() % 1 == 0
    assert all(edge % 1 == 0.5 for edge in at)


@pytest.mark.parametrize(("low", "high"), [(1, 12), (0, 23), (1, 31)])
def test_months_hours_and_days_get_a_bin_each(low: int, high: int) -> None:
    at = edges(low, high, low, high, whole=True)
    assert at.tolist() == [low - 0.5 + i for i in range(high - low + 2)]


def test_evenly_spread_values_get_twenty_equal_bins() -> None:
    at = edges(0.0, 10.0, 0.1, 9.9, whole=False)
    assert at == pytest.approx(np.linspace(0, 10, 21))


@pytest.mark.parametrize("whole", [False, True])
def test_far_values_get_a_bin_of_their_own(whole: bool) -> None:
    at = edges(0.0, 1e6, 1.0, 99.0, whole=whole)
    assert len(at) - 1 <= 21
    assert at[-2] < 250
    assert at[-1] >= 1e6
    both = edges(-1e6, 1e6, 1.0, 99.0, whole=whole)
    assert both[1] >= -100.5
    assert both[-2] < 250


def test_values_that_are_mostly_one_number_keep_the_whole_range() -> None:
    assert edges(0.0, 100.0, 0.0, 0.0, whole=False) == pytest.approx(np.linspace(0, 100, 21))


@given(finite, finite)
def test_neighbouring_floats_get_increasing_edges(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    assume(low < high)
    at = edges(low, float(np.nextafter(low, np.inf)), low, low, whole=False)
    assert len(at) >= 2
    assert (np.diff(at) > 0).all()
