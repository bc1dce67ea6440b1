"""The layers, against definitions in plain Python."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.errors import TransformError
from dure.transform._keras import load_keras

keras = load_keras("tests")
import tensorflow as tf  # noqa: E402 - after load_keras

from dure.transform import layers  # noqa: E402

FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# TensorFlow flushes subnormal numbers to zero.
FLOATS = st.none() | st.floats(-1e4, 1e4, width=32, allow_subnormal=False)
COLUMN = st.lists(FLOATS, min_size=1, max_size=30).filter(lambda v: any(x is not None for x in v))
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=3)
TEXTS = st.lists(
    st.sampled_from(["", "a", "b", "a\nb", "é", "한"]) | WORDS, min_size=1, max_size=30
)


def learned(layer, values, dtype=pl.Float32):
    layer(keras.KerasTensor((None, 1), dtype="string" if dtype == pl.String else "float32"))
    layer.learn(pl.Series("v", values, dtype), "column 'v'")
    return layer


def tensor(values):
    return tf.constant([[math.nan if v is None else v] for v in values], tf.float32)


def bits(values):
    return np.array([v for v in values if v is not None], np.float32).astype(np.float64)


@FEW
@given(COLUMN, st.lists(FLOATS, min_size=1, max_size=10))
def test_z_score_is_its_definition_on_seen_and_unseen_values(seen, unseen):
    layer = learned(layers.ZScore(), seen)
    mean, std = bits(seen).mean(), bits(seen).std()
    for value, got in zip(unseen, layer(tensor(unseen)).numpy()[:, 0], strict=True):
        if value is None or len(set(bits(seen))) == 1:
            assert got == 0.0
        else:
            slack = 1e-5 * (abs(value) + abs(mean)) / std
            assert got == pytest.approx((value - mean) / std, rel=1e-4, abs=slack + 1e-6)


def test_z_score_of_a_constant_column_is_zero_even_for_other_values():
    layer = learned(layers.ZScore(), [0.1] * 7)
    np.testing.assert_array_equal(layer(tensor([0.1, 5.0, None])).numpy(), [[0.0], [0.0], [0.0]])


def test_z_score_has_the_scale_of_scikit_learn():
    from sklearn.preprocessing import StandardScaler

    values = np.random.default_rng(0).normal(30, 7, (500, 1)).astype(np.float32)
    layer = learned(layers.ZScore(), values[:, 0])
    expected = StandardScaler().fit_transform(values.astype(np.float64))
    np.testing.assert_allclose(layer(tf.constant(values)).numpy(), expected, atol=1e-5)


def test_unit_range_runs_from_0_to_1_and_is_not_clipped():
    layer = learned(layers.UnitRange(), [2.0, 4.0, 6.0, None])
    got = layer(tensor([2.0, 6.0, 3.0, 8.0, None])).numpy()[:, 0]
    np.testing.assert_array_equal(got, [0.0, 1.0, 0.25, 1.5, 0.5])
    constant = learned(layers.UnitRange(), [3.0, 3.0])
    np.testing.assert_array_equal(constant(tensor([3.0, 9.0])).numpy()[:, 0], [0.5, 0.5])


@FEW
@given(COLUMN, st.lists(FLOATS, min_size=1, max_size=10), st.integers(2, 9))
def test_bucketize_counts_the_boundaries_at_or_below(seen, unseen, buckets):
    layer = learned(layers.Bucketize(buckets), seen)
    edges = np.quantile(bits(seen), np.arange(1, buckets) / buckets).astype(np.float32)
    edges = layer.boundaries.numpy() if np.allclose(edges, layer.boundaries.numpy()) else edges
    got = layer(tensor(unseen + seen)).numpy()[:, 0]
    for value, bucket in zip(unseen + seen, got, strict=True):
        expected = buckets if value is None else sum(edge <= np.float32(value) for edge in edges)
        assert bucket == expected
    assert layer.size == buckets + 1


def test_bucketize_puts_infinite_values_into_the_outer_buckets():
    layer = learned(layers.Bucketize(2), [1.0, 2.0, 3.0])
    assert layer(tensor([-math.inf, math.inf])).numpy()[:, 0].tolist() == [0, 1]


def test_scalers_and_buckets_take_integers_and_vectors():
    layer = learned(layers.Bucketize(2), [1.0, 2.0, 3.0])
    got = layer(tf.constant([[1, 2], [3, 0]], tf.int64)).numpy()
    np.testing.assert_array_equal(got, [[0, 1], [1, 0]])


@FEW
@given(TEXTS, TEXTS, st.integers(0, 3))
def test_vocabulary_ids_are_ranks_then_hash_buckets(seen, unseen, oov):
    if not any(seen):
        return
    layer = learned(layers.Vocabulary(num_oov_buckets=oov), seen, pl.String)
    rank = {term: i for i, term in enumerate(layer.vocabulary)}
    assert "" not in rank
    assert set(rank) == {term for term in seen if term}
    texts = unseen + seen
    for text, got in zip(
        texts, layer(tf.constant([[t] for t in texts])).numpy()[:, 0], strict=True
    ):
        if text in rank:
            assert got == rank[text]
        elif oov:
            bucket = tf.strings.to_hash_bucket_fast([text], oov).numpy()[0]
            assert got == len(rank) + bucket
        else:
            assert got == -1
    assert layer.size == len(rank) + oov


def test_vocabulary_hashes_as_keras_string_lookup_does():
    layer = learned(layers.Vocabulary(num_oov_buckets=3), ["a", "b", "a"], pl.String)
    twin = keras.layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=3)
    words = tf.constant([[w] for w in ["a", "b", "x", "y", "zz", "", "한"]])
    # StringLookup puts its OOV ids before the vocabulary's.
    expected = (twin(words).numpy() - 3) % 5
    np.testing.assert_array_equal(layer(words).numpy(), expected)


def test_vocabulary_gives_default_value_where_there_are_no_oov_buckets():
    layer = learned(layers.Vocabulary(default_value=7), ["a", "b"], pl.String)
    assert layer(tf.constant([["a"], ["x"], [""]])).numpy()[:, 0].tolist() == [1, 7, 7]
    assert layer.size == 8


@pytest.mark.parametrize("make", [layers.ZScore, layers.UnitRange, lambda: layers.Bucketize(3)])
def test_an_all_missing_column_says_so(make):
    with pytest.raises(TransformError, match="nothing to learn from") as caught:
        learned(make(), [None, None])
    assert "2 rows, all missing" in caught.value.got


def test_an_all_missing_string_column_says_so():
    with pytest.raises(TransformError, match="nothing to learn from"):
        learned(layers.Vocabulary(), [None, None], pl.String)


def test_a_threshold_that_leaves_nothing_says_so():
    with pytest.raises(TransformError, match="the vocabulary is empty") as caught:
        learned(layers.Vocabulary(frequency_threshold=3), ["a", "b"], pl.String)
    assert "lower frequency_threshold" in caught.value.fix


@pytest.mark.parametrize("make", [layers.ZScore, layers.UnitRange])
def test_an_infinite_value_has_no_scale(make):
    with pytest.raises(TransformError, match="infinite"):
        learned(make(), [1.0, math.inf])


def test_a_mixed_precision_policy_does_not_reach_the_data():
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        layer = learned(layers.ZScore(), [1.0, 2.0, 100000.0])
        assert layer(tensor([100000.0])).dtype == tf.float32
        assert np.isfinite(layer(tensor([100000.0])).numpy()).all()
    finally:
        keras.mixed_precision.set_dtype_policy(before)
