"""What full passes learn, against numpy and brute force."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.transform import analysis

FLOATS = st.floats(-1e6, 1e6, width=32)
COLUMN = st.lists(st.none() | FLOATS | st.just(math.nan), min_size=1, max_size=60)
# Surrogates are no text; everything else is, line breaks, NUL and astral planes included.
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=3)
TEXTS = st.lists(
    st.none() | WORDS | st.sampled_from(["", "a", "b", "a\nb", "é", "한"]), max_size=40
)


def present(values):
    return np.array([v for v in values if v is not None and not math.isnan(v)], np.float64)


@given(COLUMN)
def test_moments_are_numpys_over_the_values_that_are_there(values):
    found = analysis.moments(pl.Series("v", values, pl.Float64))
    expected = present(values)
    if not len(expected):
        assert found is None
        return
    assert found.count == len(expected)
    assert found.mean == pytest.approx(expected.mean(), rel=1e-12, abs=1e-9)
    assert found.std == pytest.approx(expected.std(ddof=0), rel=1e-9, abs=1e-6)
    assert (found.min, found.max) == (expected.min(), expected.max())


@given(FLOATS, st.integers(1, 50))
def test_a_constant_column_has_no_deviation_to_the_last_bit(value, count):
    found = analysis.moments(pl.Series("v", [value] * count, pl.Float64))
    assert found.std == 0.0
    assert found.mean == value


def test_moments_of_infinite_values_are_no_numbers_and_keep_the_ends():
    found = analysis.moments(pl.Series("v", [1.0, math.inf, -math.inf]))
    assert math.isnan(found.mean)
    assert math.isnan(found.std)
    assert (found.min, found.max) == (-math.inf, math.inf)


@given(COLUMN, st.integers(2, 12))
def test_boundaries_are_numpys_default_quantiles(values, buckets):
    found = analysis.boundaries(pl.Series("v", values, pl.Float64), buckets)
    expected = present(values)
    if not len(expected):
        assert found is None
        return
    quantiles = np.quantile(expected, np.arange(1, buckets) / buckets)
    np.testing.assert_allclose(found, quantiles, rtol=1e-12, atol=1e-9)
    assert (np.diff(found) >= 0).all()


def test_boundaries_rest_on_finite_values_alone():
    column = pl.Series("v", [math.inf, 1.0, 2.0, 3.0, -math.inf, None])
    np.testing.assert_array_equal(analysis.boundaries(column, 2), [2.0])
    assert analysis.boundaries(pl.Series("v", [math.inf]), 2) is None


def by_hand(values, top_k, threshold):
    """tf.Transform's order: count downwards, then the text downwards."""
    counts = Counter(v for v in values if v)
    ordered = sorted(counts.items(), key=lambda item: item[0], reverse=True)
    ordered.sort(key=lambda item: -item[1])
    kept = [(term, count) for term, count in ordered if count >= threshold]
    return kept[:top_k]


@given(TEXTS, st.none() | st.integers(1, 4), st.integers(1, 3))
def test_vocabulary_is_in_tf_transforms_order(values, top_k, threshold):
    terms, counts = analysis.vocabulary(
        pl.Series("v", values, pl.String), top_k=top_k, frequency_threshold=threshold
    )
    expected = by_hand(values, top_k, threshold)
    assert list(zip(terms, counts, strict=True)) == expected


def test_ties_are_in_reverse_order_of_their_bytes():
    terms, _ = analysis.vocabulary(pl.Series("v", ["a", "B", "é", "한", "b", "a"]))
    assert terms == ["a", "한", "é", "b", "B"]
