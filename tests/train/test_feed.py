"""Batches: every row once an epoch, in an order that hangs on seed and epoch alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.transform._keras import load_keras

load_keras("tests")

from dure.train.feed import Batches  # noqa: E402 - after load_keras


def batches(rows, size, seed):
    numbers = np.arange(rows, dtype=np.float32)[:, None]
    texts = np.array([[f"t{i}"] for i in range(rows)], object)
    return Batches({"n": numbers, "t": texts}, numbers * 2, batch_size=size, seed=seed)


def read(dataset):
    return [(x["n"].numpy()[:, 0], x["t"].numpy()[:, 0], y.numpy()[:, 0]) for x, y in dataset]


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_an_epoch_has_every_row_once_with_its_own_label(rows, size, seed):
    made = batches(rows, size, seed)
    parts = read(made.dataset())
    assert [len(n) for n, _, _ in parts] == [min(size, rows - i) for i in range(0, rows, size)]
    assert made.steps == len(parts)
    numbers = np.concatenate([n for n, _, _ in parts])
    assert sorted(numbers.tolist()) == list(range(rows))
    for n, t, y in parts:
        assert [f"t{int(v)}".encode() for v in n] == t.tolist()
        np.testing.assert_array_equal(y, n * 2)


def order(made):
    return np.concatenate([n for n, _, _ in read(made.dataset())]).tolist()


def test_the_order_hangs_on_seed_and_epoch_alone():
    one, same, other = batches(50, 8, 3), batches(50, 8, 3), batches(50, 8, 4)
    first = order(one)
    assert first == order(one) == order(same)
    assert first != order(other)
    one.epoch.assign(1)
    assert order(one) != first
    assert sorted(order(one)) == sorted(first)


def test_without_a_seed_rows_stay_in_order():
    assert order(batches(20, 6, None)) == list(range(20))


@pytest.mark.parametrize("steps", [1, 3])
def test_an_epoch_can_be_cut_short(steps):
    made = batches(20, 6, 0)
    whole, cut = read(made.dataset()), read(made.dataset(steps))
    assert len(cut) == steps == int(made.dataset(steps).cardinality())
    for (a, _, _), (b, _, _) in zip(whole, cut, strict=False):
        np.testing.assert_array_equal(a, b)
