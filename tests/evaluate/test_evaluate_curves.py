"""What is drawn: true to the data, and small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc as area
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from dure.evaluate.curves import BINS, POINTS, calibration, confusion, roc


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 80))
def test_a_short_roc_curve_is_scikit_learns(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(rows) % 2 == 0)
    scores = random.random(rows).round(1)
    false_rate, true_rate, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert np.array(roc(scores, labels)) == pytest.approx(np.column_stack([false_rate, true_rate]))


def test_a_long_roc_curve_is_thinned_and_keeps_its_area_and_ends() -> None:
    random = np.random.default_rng(0)
    labels = random.random(50_000) < 0.1
    scores = random.normal(size=50_000) + labels
    points = np.array(roc(scores, labels))
    assert len(points) <= POINTS
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert (np.diff(points, axis=0) >= 0).all()
    assert area(*points.T) == pytest.approx(roc_auc_score(labels, scores), abs=2e-3)


def test_calibration_bins_hold_all_rows_in_about_equal_parts() -> None:
    random = np.random.default_rng(1)
    scores = random.random(1000)
    labels = random.random(1000) < scores
    bins = calibration(scores, labels)
    assert [one["count"] for one in bins] == [100] * BINS
    assert sum(one["count"] * one["label"] for one in bins) == pytest.approx(labels.sum())
    assert sum(one["count"] * one["prediction"] for one in bins) == pytest.approx(scores.sum())
    assert all(one["low"] <= one["label"] <= one["high"] for one in bins)


def test_equal_scores_are_in_one_bin() -> None:
    scores = np.array([0.5] * 90 + [0.9] * 10)
    bins = calibration(scores, np.arange(100) % 2 == 0)
    assert [(one["prediction"], one["count"]) for one in bins] == [
        (pytest.approx(0.5), 90),
        (pytest.approx(0.9), 10),
    ]


def test_one_score_for_all_is_one_bin() -> None:
    assert len(calibration(np.full(7, 0.3), np.arange(7) < 3)) == 1


def test_confusion_is_scikit_learns() -> None:
    random = np.random.default_rng(2)
    labels, guesses = random.integers(0, 3, (2, 200))
    got = confusion(labels, guesses, ("a", "b", "c"))
    assert got["labels"] == ["a", "b", "c"]
    assert got["counts"] == confusion_matrix(labels, guesses).tolist()


def test_confusion_of_many_classes_folds_the_rarest_and_loses_no_row() -> None:
    labels = np.repeat(np.arange(40), np.arange(40, 0, -1))
    got = confusion(labels, labels, tuple(map(str, range(40))))
    assert got["labels"] == [*map(str, range(19)), "other (21)"]
    assert np.sum(got["counts"]) == len(labels)
    assert np.trace(got["counts"]) == len(labels)
    assert got["counts"][-1][-1] == sum(range(1, 22))
