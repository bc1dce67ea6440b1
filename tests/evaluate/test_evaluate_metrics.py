"""Every number against scikit-learn, scipy or a closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle

from dure.evaluate import evaluate
from dure.evaluate.metric import METRICS


@pytest.fixture(scope="module")
def binary() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 700)
    logits = random.normal(size=700) + 1.2 * (labels - 0.5)
    # float32, as a model gives them, with ties and certainties.
    scores = (1 / (1 + np.exp(-logits))).round(2).astype(np.float32)
    scores[:2] = 0.0, 1.0
    return scores, labels


def test_binary_values_are_scikit_learns(binary: tuple[np.ndarray, np.ndarray]) -> None:
    scores, labels = binary
    got = evaluate(scores[:, None], labels, task="binary").overall.metrics
    calls = scores > 0.5
    expected = {
        "auc": oracle.roc_auc_score(labels, scores),
        "accuracy": oracle.accuracy_score(labels, calls),
        "loss": oracle.log_loss(labels, scores.astype(float).clip(1e-7, 1 - 1e-7)),
        "precision": oracle.precision_score(labels, calls),
        "recall": oracle.recall_score(labels, calls),
        "mean_label": labels.mean(),
        "mean_prediction": scores.astype(float).mean(),
        "example_count": 700,
    }
    assert {name: metric.value for name, metric in got.items()} == pytest.approx(expected)


def test_binary_loss_is_keras_clipped_cross_entropy() -> None:
    # A wrong certainty costs -ln(1e-7), not infinity.
    result = evaluate([0.0, 1.0], [1, 0], task="binary")
    assert result.overall.metrics["loss"].value == pytest.approx(-math.log(1e-7))


def test_proportions_carry_wilson_intervals_and_their_own_counts(
    binary: tuple[np.ndarray, np.ndarray],
) -> None:
    scores, labels = binary
    got = evaluate(scores, labels, task="binary").overall.metrics
    calls = scores > 0.5
    hits = int((calls & (labels == 1)).sum())
    for name, k, n in (
        ("accuracy", int((calls == labels).sum()), 700),
        ("precision", hits, int(calls.sum())),
        ("recall", hits, int(labels.sum())),
        ("mean_label", int(labels.sum()), 700),
    ):
        expected = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert (got[name].low, got[name].high) == pytest.approx((expected.low, expected.high))
        assert (got[name].count, got[name].method) == (n, "Wilson")


def test_a_score_of_one_half_is_no_call_as_in_keras() -> None:
    got = evaluate([0.5, 0.5], [0, 1], task="binary").overall.metrics
    assert got["accuracy"].value == 0.5
    assert not got["precision"].defined
    assert got["precision"].note == "not defined: no row is predicted positive"
    assert got["precision"].count == 0


def test_labels_may_be_bools_floats_or_a_column() -> None:
    wanted = evaluate([0.1, 0.7], [0, 1], task="binary")
    for labels in (np.array([False, True]), np.array([0.0, 1.0]), np.array([[0], [1]])):
        assert evaluate([0.1, 0.7], labels, task="binary") == wanted


def test_multiclass_values_are_scikit_learns() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 4, 500)
    scores = random.dirichlet(np.ones(4), size=500)
    got = evaluate(scores, labels, task="multiclass").overall.metrics
    expected = {
        "accuracy": oracle.accuracy_score(labels, scores.argmax(axis=1)),
        "auc": oracle.roc_auc_score(labels, scores, multi_class="ovr"),
        "loss": oracle.log_loss(labels, scores),
        "example_count": 500,
    }
    assert {name: metric.value for name, metric in got.items()} == pytest.approx(expected)


def test_multiclass_auc_names_the_classes_that_do_not_occur() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.5, 0.3, 0.2]])
    result = evaluate(scores, [0, 1, 1], task="multiclass", classes=["a", "b", "나"])
    assert result.overall.metrics["auc"].note == "without classes that do not occur: 나"


def test_regression_values_are_scikit_learns() -> None:
    random = np.random.default_rng(2)
    # Large labels: sums of squares would cancel.
    labels = random.normal(size=300) + 1e6
    scores = labels + random.normal(size=300) * 0.5
    got = evaluate(scores, labels, task="regression").overall.metrics
    expected = {
        "rmse": oracle.root_mean_squared_error(labels, scores),
        "mae": oracle.mean_absolute_error(labels, scores),
        "mse": oracle.mean_squared_error(labels, scores),
        "r2": oracle.r2_score(labels, scores),
        "mean_label": labels.mean(),
        "mean_prediction": scores.mean(),
        "example_count": 300,
    }
    assert {name: metric.value for name, metric in got.items()} == pytest.approx(expected)
    for name in ("rmse", "mae", "mse", "r2"):
        assert got[name].low < got[name].value < got[name].high


def test_regression_intervals_are_near_scipys_bootstrap() -> None:
    random = np.random.default_rng(3)
    labels = random.normal(size=300)
    scores = labels + random.normal(size=300) * 0.5
    got = evaluate(scores, labels, task="regression").overall.metrics
    for name, statistic in (
        ("rmse", oracle.root_mean_squared_error),
        ("r2", oracle.r2_score),
    ):
        expected = stats.bootstrap(
            (labels, scores),
            statistic,
            paired=True,
            vectorized=False,
            n_resamples=1000,
            method="percentile",
            rng=0,
        ).confidence_interval
        width = expected.high - expected.low
        assert (got[name].low, got[name].high) == pytest.approx(
            (expected.low, expected.high), abs=0.2 * width
        )


def test_r2_of_constant_labels_is_not_defined() -> None:
    got = evaluate([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], task="regression").overall.metrics
    assert not got["r2"].defined
    assert got["r2"].note == "not defined: all labels are the same number"
    assert got["rmse"].defined


def test_one_row_of_regression_has_values_without_intervals() -> None:
    got = evaluate([3.0], [1.0], task="regression").overall.metrics
    assert (got["mse"].value, got["mae"].value, got["rmse"].value) == (4.0, 2.0, 2.0)
    assert math.isnan(got["mse"].low)
    assert "one row" in got["mse"].note


def test_errors_too_large_for_a_float_are_said_so() -> None:
    got = evaluate([1e200, 0.0], [0.0, 1.0], task="regression").overall.metrics
    assert not got["mse"].defined
    assert "too large" in got["mse"].note
    assert got["mae"].value == pytest.approx(5e199)


@pytest.mark.parametrize("task", METRICS)
def test_each_task_has_the_metrics_that_thresholds_know(task: str) -> None:
    scores = np.array([[0.4, 0.6], [0.7, 0.3]])
    given = scores if task == "multiclass" else scores[:, 1]
    result = evaluate(given, [1, 0], task=task)  # type: ignore[arg-type]
    assert list(result.overall.metrics) == list(METRICS[task])  # type: ignore[index]


def test_metrics_are_those_of_keras() -> None:
    keras = pytest.importorskip("keras")
    random = np.random.default_rng(4)
    labels, scores = random.integers(0, 2, 100), random.random(100).astype(np.float32)
    got = evaluate(scores, labels, task="binary").overall.metrics
    loss = keras.metrics.BinaryCrossentropy()
    accuracy = keras.metrics.BinaryAccuracy()
    for metric, name in ((loss, "loss"), (accuracy, "accuracy")):
        metric.update_state(labels[:, None], scores[:, None])
        assert got[name].value == pytest.approx(float(metric.result()), rel=1e-5)
    labels = random.integers(0, 3, 100)
    scores = random.dirichlet(np.ones(3), 100).astype(np.float32)
    sparse = keras.metrics.SparseCategoricalCrossentropy()
    sparse.update_state(labels, scores)
    got = evaluate(scores, labels, task="multiclass").overall.metrics
    assert got["loss"].value == pytest.approx(float(sparse.result()), rel=1e-5)
