"""The area under the curve against scikit-learn, and its variance against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from sklearn.metrics import roc_auc_score

from dure.evaluate.ranking import Area, auc, components, macro_auc

Z = stats.norm.ppf(0.975)


def psi(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All pairs, by definition."""
    return (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])


def brute_delong(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    pairs = psi(scores[positive], scores[~positive])
    v10, v01 = pairs.mean(axis=1), pairs.mean(axis=0)
    return pairs.mean(), v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)


def sample(seed: int, rows: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    positive = random.random(rows) < 0.4
    positive[:2], positive[2:4] = True, False
    scores = random.normal(size=rows) + positive
    return (np.round(scores, 0) if ties else scores), positive


scored = arrays.arrays(
    np.float64, st.integers(4, 60), elements=st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0])
)


@given(scores=scored, data=st.data())
def test_auc_is_exact_with_any_ties(scores: np.ndarray, data: st.DataObject) -> None:
    labels = data.draw(
        arrays.arrays(np.bool_, len(scores)).filter(lambda y: y.any() and not y.all())
    )
    expected = psi(scores[labels], scores[~labels]).mean()
    assert auc(scores, labels).value == pytest.approx(expected, abs=1e-12)
    assert auc(scores, labels).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("rows", [5, 40, 500])
def test_interval_is_delongs_by_brute_force(rows: int, ties: bool) -> None:
    scores, positive = sample(rows, rows, ties)
    theta, variance = brute_delong(scores, positive)
    area = auc(scores, positive)
    half = Z * math.sqrt(variance)
    assert area.method == "DeLong"
    assert area.interval == pytest.approx((max(0, theta - half), min(1, theta + half)))


def test_components_are_the_means_over_the_other_side_in_row_order() -> None:
    scores, positive = sample(0, 30, ties=True)
    pairs = psi(scores[positive], scores[~positive])
    v = components(scores, positive)
    assert v[positive] == pytest.approx(pairs.mean(axis=1))
    assert v[~positive] == pytest.approx(pairs.mean(axis=0))


@given(scores=scored)
def test_auc_keeps_under_a_growing_map_and_mirrors_under_negation(scores: np.ndarray) -> None:
    labels = np.arange(len(scores)) % 2 == 0
    # Ranks are a growing map that keeps ties, without the rounding of exp.
    assert auc(stats.rankdata(scores), labels) == auc(scores, labels)
    assert auc(-scores, labels).value == pytest.approx(1 - auc(scores, labels).value, abs=1e-12)


@pytest.mark.parametrize("labels", [[True, True], [False, False]])
def test_one_class_has_no_auc(labels: list[bool]) -> None:
    area = auc(np.array([0.1, 0.9]), np.array(labels))
    assert math.isnan(area.value)
    assert all(map(math.isnan, area.interval))


@pytest.mark.parametrize("per_side", [1, 3, 50])
def test_a_perfect_order_of_few_rows_is_not_certain(per_side: int) -> None:
    scores = np.arange(2 * per_side, dtype=float)
    area = auc(scores, scores >= per_side)
    expected = stats.binomtest(per_side, per_side).proportion_ci(method="wilson")
    assert area == Area(1.0, pytest.approx((expected.low, 1.0)), "pairs")


def test_a_single_positive_row_has_a_wide_interval() -> None:
    scores, labels = np.arange(11.0), np.arange(11) == 5
    area = auc(scores, labels)
    assert area.value == 0.5
    assert area.method == "pairs"
    assert area.interval[0] < 0.1
    assert area.interval[1] > 0.9


def multiclass(seed: int, rows: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, count, rows)
    logits = random.normal(size=(rows, count))
    logits[np.arange(rows), labels] += 1
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("count", [2, 3, 7])
def test_macro_auc_is_scikit_learns(count: int) -> None:
    scores, labels = multiclass(count, 400, count)
    expected = (
        roc_auc_score(labels, scores, multi_class="ovr", average="macro")
        if count > 2
        else roc_auc_score(labels, scores[:, 1])
    )
    assert macro_auc(scores, labels).value == pytest.approx(expected, abs=1e-12)


def test_macro_auc_of_two_classes_has_delongs_interval() -> None:
    scores, labels = multiclass(1, 300, 2)
    both = macro_auc(scores, labels)
    one = auc(scores[:, 1], labels == 1)
    assert both.value == pytest.approx(one.value)
    assert both.interval == pytest.approx(one.interval)


def test_macro_auc_of_two_classes_in_perfect_order_has_the_interval_of_pairs() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    labels = np.array([0, 0, 1])
    assert macro_auc(scores, labels) == Area(
        1.0, pytest.approx(auc(scores[:, 1], labels == 1).interval), "pairs"
    )


def test_macro_interval_is_near_the_bootstraps() -> None:
    scores, labels = multiclass(2, 300, 3)
    random = np.random.default_rng(0)
    values = []
    for _ in range(600):
        rows = random.integers(0, 300, 300)
        values.append(roc_auc_score(labels[rows], scores[rows], multi_class="ovr"))
    low, high = macro_auc(scores, labels).interval
    assert (high - low) / 2 / Z == pytest.approx(np.std(values), rel=0.15)


def test_macro_auc_leaves_out_classes_without_labels() -> None:
    scores, labels = multiclass(3, 100, 4)
    scores, labels = scores[labels != 2], labels[labels != 2]
    area = macro_auc(scores, labels)
    assert area.left_out == (2,)
    each = [roc_auc_score(labels == c, scores[:, c]) for c in (0, 1, 3)]
    assert area.value == pytest.approx(np.mean(each))


def test_macro_auc_of_one_class_is_not_defined() -> None:
    area = macro_auc(np.full((3, 2), 0.5), np.array([1, 1, 1]))
    assert math.isnan(area.value)
    assert area.left_out == (0, 1)


@pytest.mark.slow
def test_delongs_interval_holds_the_true_area_about_95_times_in_100() -> None:
    # Two normal distributions one standard deviation apart: area Φ(1 / √2).
    truth = stats.norm.cdf(1 / math.sqrt(2))
    random = np.random.default_rng(0)
    labels = np.arange(200) < 80
    held = 0
    for _ in range(2000):
        low, high = auc(random.normal(size=200) + labels, labels).interval
        held += low <= truth <= high
    assert 0.93 < held / 2000 < 0.965
