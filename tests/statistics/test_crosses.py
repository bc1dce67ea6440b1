"""Pairs of columns, against numpy, scipy, scikit-learn and brute force."""

from __future__ import annotations

from itertools import combinations
from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from dure.statistics.aggregates.association import (
    adjusted_share,
    contingency,
    cramers_v,
    entropy,
    expected_information,
    mutual_information,
)
from dure.statistics.aggregates.crosses import Crosses, categories, crosses, spearman
from dure.statistics.aggregates.row_sample import ROWS, RowSample, add_rows, empty_rows, merge_rows

RNG = np.random.default_rng(0)
LABELS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=80)


def mixed(rows: int = 500) -> pl.DataFrame:
    x = RNG.normal(size=rows)
    return pl.DataFrame(
        {
            "x": x,
            "y": 2 * x + RNG.normal(size=rows),
            "n": pl.Series(RNG.integers(0, 5, rows), dtype=pl.Int64),
            "z": np.where(RNG.random(rows) < 0.2, np.nan, x**3),
            "far": 1e9 + x,
        }
    ).with_columns(
        pl.when(pl.Series(RNG.random(rows) < 0.3)).then(None).otherwise("y").alias("y"),
        pl.when(pl.col("n") == 0).then(None).otherwise(pl.col("x")).alias("some"),
    )


def test_covariance_and_correlations_are_those_of_numpy_and_scipy() -> None:
    frame = mixed()
    for cross in crosses(frame):
        one = frame[cross.first].cast(pl.Float64).fill_null(np.nan).to_numpy()
        two = frame[cross.second].cast(pl.Float64).fill_null(np.nan).to_numpy()
        both = np.isfinite(one) & np.isfinite(two)
        assert cross.covariance == pytest.approx(np.cov(one[both], two[both], ddof=0)[0, 1], 1e-6)
        assert cross.pearson == pytest.approx(np.corrcoef(one[both], two[both])[0, 1], abs=1e-7)
        want = stats.spearmanr(one[both], two[both]).statistic
        assert cross.spearman == pytest.approx(want, abs=1e-9)


def test_shards_far_from_zero_lose_no_digits() -> None:
    frame = pl.DataFrame({"a": 1e12 + np.arange(1000.0), "b": np.arange(1000.0) ** 2})
    one = Crosses({"a": "float", "b": "float"})
    state = one.init()
    for start in range(0, 1000, 70):
        state = one.update(state, frame[start : start + 70])
    want = np.corrcoef(np.arange(1000.0), np.arange(1000.0) ** 2)[0, 1]
    assert one.finish(state)[0].pearson == pytest.approx(want, abs=1e-9)


def test_a_constant_column_has_no_correlation() -> None:
    frame = pl.DataFrame({"a": [1.0, 1.0, 1.0], "b": [1.0, 2.0, 3.0]})
    cross = crosses(frame)[0]
    assert cross.covariance == 0
    assert cross.pearson is None
    assert cross.spearman is None
    assert cross.normalised_information is None


def test_infinite_numbers_are_left_out_of_correlations() -> None:
    frame = pl.DataFrame({"a": [1.0, 2.0, 3.0, np.inf], "b": [1.0, 2.0, 3.0, 0.0]})
    assert crosses(frame)[0].pearson == pytest.approx(1)
    assert crosses(frame)[0].count == 4


def test_no_common_row_gives_a_pair_without_numbers() -> None:
    frame = pl.DataFrame({"a": [1.0, None], "b": [None, 2.0]})
    cross = crosses(frame)[0]
    assert cross.count == 0
    assert cross.covariance is None
    assert cross.mutual_information is None
    assert cross.missing_together == -1


@settings(deadline=None)
@given(LABELS)
def test_information_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    one, two = np.array(pairs).T
    table = contingency(one, two)
    assert mutual_information(table) == pytest.approx(
        metrics.mutual_info_score(one, two), abs=1e-12
    )
    emi = metrics.cluster.expected_mutual_information(table, len(pairs))
    assert expected_information(table) == pytest.approx(emi, abs=1e-10)
    for by, average in (("min", "min"), ("mean", "arithmetic")):
        found = adjusted_share(table, by=by)
        if found is not None:
            want = metrics.adjusted_mutual_info_score(one, two, average_method=average)
            assert found == pytest.approx(want, abs=1e-9)


@settings(deadline=None)
@given(LABELS)
def test_a_table_counts_each_pair(pairs: list[tuple[int, int]]) -> None:
    one, two = np.array(pairs).T
    assert contingency(one, two).tolist() == metrics.cluster.contingency_matrix(one, two).tolist()


@pytest.mark.parametrize(("rows", "columns", "n"), [(10, 10, 65536), (51, 51, 20000), (3, 40, 500)])
def test_the_expectation_is_right_for_large_tables(rows: int, columns: int, n: int) -> None:
    one, two = RNG.integers(0, rows, n), RNG.integers(0, columns, n)
    table = contingency(one, two)
    want = metrics.cluster.expected_mutual_information(table, n)
    assert expected_information(table) == pytest.approx(want, rel=1e-9)


def bergsma(table: np.ndarray) -> float:
    """Write the definition out in full."""
    n, (r, c) = table.sum(), table.shape
    chi2 = stats.chi2_contingency(table, correction=False).statistic
    phi2 = max(0, chi2 / n - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / min(rows - 1, columns - 1)))


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (6, 2)])
def test_cramers_v_is_that_of_its_definition(shape: tuple[int, int]) -> None:
    for _ in range(20):
        table = RNG.integers(1, 60, shape)
        assert cramers_v(table) == pytest.approx(bergsma(table), abs=1e-12)


def test_cramers_v_goes_to_that_of_scipy_with_many_rows() -> None:
    table = RNG.integers(10_000, 60_000, (4, 3))
    assert cramers_v(table) == pytest.approx(stats.contingency.association(table), abs=1e-3)


def test_columns_that_have_nothing_to_do_with_each_other_are_near_zero() -> None:
    frame = pl.DataFrame(
        {"a": RNG.integers(0, 30, 2000).astype(str), "b": RNG.integers(0, 30, 2000).astype(str)}
    )
    cross = crosses(frame)[0]
    assert cross.cramers_v is not None
    assert cross.cramers_v < 0.06
    assert abs(cross.normalised_information or 0) < 0.02
    assert cross.mutual_information is not None
    assert cross.mutual_information > 0.2  # chance alone, which is why there is the other


def test_a_column_that_follows_from_another_has_all_of_its_information() -> None:
    a = RNG.integers(0, 12, 3000)
    frame = pl.DataFrame({"a": a, "b": (a // 4).astype(str)})
    cross = crosses(frame)[0]
    assert cross.normalised_information == pytest.approx(1)
    bits = entropy(np.bincount(a // 4)) / log(2)
    assert cross.mutual_information == pytest.approx(bits)


def test_missing_values_are_correlated_as_numpy_says() -> None:
    frame = mixed().with_columns(
        pl.when(pl.col("y").is_null() | (pl.col("n") == 1)).then(None).otherwise("x").alias("w")
    )
    for cross in crosses(frame):
        nulls = [frame[name].is_null().to_numpy() for name in (cross.first, cross.second)]
        if nulls[0].any() and nulls[1].any():
            want = np.corrcoef(*nulls)[0, 1]
            assert cross.missing_together == pytest.approx(want)
        else:
            assert cross.missing_together is None
        assert cross.count == int((~nulls[0] & ~nulls[1]).sum())


def test_pairs_come_in_the_order_of_the_columns() -> None:
    frame = mixed()
    found = [(one.first, one.second) for one in crosses(frame)]
    assert found == list(combinations(frame.columns, 2))


def test_ties_share_their_ranks() -> None:
    one, two = np.array([1.0, 1, 2, 3, 3]), np.array([2.0, 3, 3, 1, 1])
    assert spearman(one, two) == pytest.approx(stats.spearmanr(one, two).statistic)


def test_rare_values_are_one_category() -> None:
    column = pl.Series("x", [f"v{i:03}" for i in range(100)] + ["v000"] * 5)
    codes = categories(column, "string")
    assert codes.n_unique() == 51
    assert (codes == 50).sum() == 50


@pytest.mark.parametrize("sizes", [[10], [ROWS, 1], [ROWS * 3 + 5, 7, 100], [40_000] * 5])
def test_a_sample_of_rows_is_bounded_and_keeps_every_nth_row_of_a_shard(sizes: list[int]) -> None:
    schema = {"shard": pl.Int64(), "row": pl.Int64()}
    state = empty_rows(schema)
    for shard, size in enumerate(sizes):
        rows = pl.DataFrame({"shard": [shard] * size, "row": range(size)}, schema=schema)
        state = add_rows(state, rows)
    assert state.rows == sum(sizes)
    assert state.frame.height <= ROWS
    assert state.stride == 1 or state.frame.height > ROWS // 2 - len(sizes)
    for shard, size in enumerate(sizes):
        kept = state.frame.filter(pl.col("shard") == shard)["row"]
        assert kept.to_list() == list(range(0, size, state.stride))


def test_a_sample_of_rows_that_is_merged_later_is_the_same() -> None:
    schema = {"row": pl.Int64()}
    frames = [pl.DataFrame({"row": range(i * 50_000, (i + 1) * 50_000)}) for i in range(4)]
    one = empty_rows(schema)
    for frame in frames:
        one = add_rows(one, frame)
    halves: list[RowSample] = []
    for pair in (frames[:2], frames[2:]):
        half = empty_rows(schema)
        for frame in pair:
            half = add_rows(half, frame)
        halves.append(half)
    two = merge_rows(*halves)
    assert two.frame.equals(one.frame)
    assert (two.starts, two.stride, two.rows) == (one.starts, one.stride, one.rows)


@pytest.mark.parametrize(("rows", "sampled"), [(ROWS, None), (ROWS + 2, ROWS // 2 + 1)])
def test_a_pair_says_how_many_rows_its_ranks_come_from(rows: int, sampled: int | None) -> None:
    (pair,) = crosses(pl.DataFrame({"a": np.arange(rows), "b": np.arange(rows) % 7}))
    assert (pair.count, pair.sampled) == (rows, sampled)
