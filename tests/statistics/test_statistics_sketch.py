"""Estimates of distinct values, and sums without rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.statistics import sketch
from dure.statistics.sums import Sums, sums_of_floats, sums_of_whole
from dure.statistics.tables import floats_of, keys_of, merge, tabulate

FINITE = st.floats(allow_nan=False, allow_infinity=False)
_UNIT = Fraction(1, 1 << 1130)


@pytest.mark.parametrize("distinct", [0, 1, 10, 1000, 30_000, 300_000])
@pytest.mark.parametrize("kind", ["numbers", "floats", "texts"])
def test_distinct_values_are_estimated_within_five_errors(distinct: int, kind: str) -> None:
    numbers = np.arange(distinct)
    if kind == "texts":
        hashes = sketch.text_hashes(pl.Series([f"id-{n}" for n in numbers], dtype=pl.String))
    else:
        keys = keys_of(numbers / 7) if kind == "floats" else numbers
        hashes = sketch.number_hashes(keys)
    registers = sketch.registers()
    sketch.add(registers, hashes)
    assert sketch.estimate(registers) == pytest.approx(distinct, rel=5 * sketch.ERROR, abs=0.5)
    turned = sketch.registers()
    for part in (hashes[::-1], hashes[::3]):
        sketch.add(turned, part)
    assert (turned == registers).all()


@given(st.lists(st.text(), max_size=20), st.integers(0, 20))
def test_the_hash_of_a_text_depends_on_the_text_alone(texts: list[str], cut: int) -> None:
    whole = sketch.text_hashes(pl.Series(texts, dtype=pl.String)).tolist()
    parts = [
        sketch.text_hashes(pl.Series(part, dtype=pl.String)).tolist()
        for part in (texts[:cut], texts[cut:])
    ]
    assert whole == parts[0] + parts[1]
    assert len(set(whole)) == len(set(texts))


def test_hashes_are_the_same_for_ever() -> None:
    texts = pl.Series(["", "a", "서울"])
    assert sketch.text_hashes(texts).tolist() == sketch.text_hashes(texts.reverse()).tolist()[::-1]
    assert sketch.number_hashes(np.array([0, 1])).tolist() == [0, 6238072747940578789]


@given(st.lists(FINITE, min_size=1, max_size=40))
def test_sums_of_floats_are_exact(values: list[float]) -> None:
    table = tabulate(keys_of(np.array(values)))
    check(sums_of_floats(floats_of(table.keys), table.counts), [Fraction(v) for v in values])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=40))
def test_sums_of_whole_numbers_are_exact(values: list[int]) -> None:
    table = tabulate(np.array(values, dtype=np.int64))
    check(sums_of_whole(table.keys, table.counts), [Fraction(v) for v in values])


NEAR = st.floats(0.001, 1000.0) | st.floats(-1000.0, -0.001) | st.just(0.0)
TINY = st.floats(-1e-300, 1e-300)


@given(
    st.lists(NEAR, min_size=1, max_size=40) | st.lists(TINY, min_size=1, max_size=40),
    st.integers(1, 2**20),
)
def test_sums_of_numbers_of_similar_size_are_exact_in_any_order(
    values: list[float], times: int
) -> None:
    counts = np.full(len(values), times)
    counts[0] = 1
    found = sums_of_floats(np.array(values), counts)
    pairs = [(Fraction(v), int(n)) for v, n in zip(values, counts, strict=True)]
    assert found.n == counts.sum()
    assert found.first * _UNIT == sum(value * count for value, count in pairs)
    assert found.second * _UNIT**2 == sum(value * value * count for value, count in pairs)


def test_sums_are_exact_for_counts_that_would_not_fit_64_bits() -> None:
    counts = np.array([2**40, 2**31 + 1])
    found = sums_of_floats(np.array([1.1, 3.7]), counts)
    pairs = [(Fraction(1.1), 2**40), (Fraction(3.7), 2**31 + 1)]
    assert found.first * _UNIT == sum(value * count for value, count in pairs)
    assert found.second * _UNIT**2 == sum(value * value * count for value, count in pairs)


def check(found: Sums, values: list[Fraction]) -> None:
    assert found.n == len(values)
    assert found.first * _UNIT == sum(values)
    assert found.second * _UNIT**2 == sum(value * value for value in values)
    assert found.mean() == float(sum(values) / len(values))


@given(st.lists(FINITE, max_size=40))
def test_keys_of_floats_are_in_their_order(values: list[float]) -> None:
    array = np.array(values)
    keys = keys_of(array)
    assert floats_of(keys).tolist() == (array + 0.0).tolist()
    assert (np.sort(keys) == keys_of(np.sort(array))).all()


@given(st.lists(st.lists(st.integers(-5, 5)), min_size=1, max_size=5))
def test_tables_are_put_together_in_any_order(parts: list[list[int]]) -> None:
    whole = tabulate(np.array([n for part in parts for n in part], dtype=np.int64))
    tables = [tabulate(np.array(part, dtype=np.int64)) for part in parts]
    for some in (tables, tables[::-1]):
        found = merge(some)
        assert (found.keys.tolist(), found.sums.tolist()) == (
            whole.keys.tolist(),
            whole.sums.tolist(),
        )
