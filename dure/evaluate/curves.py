"""What a page draws of a model: ROC curve, calibration, confusion. Small, whatever the data is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dure.evaluate.inputs import Inputs
from dure.evaluate.intervals import Floats, wilson
from dure.evaluate.ranking import Bools

POINTS = 200
BINS = 10
LARGEST_CONFUSION = 20


def compute(data: Inputs) -> dict[str, Any]:
    """Return the curves of the task as JSON-ready values.

    Returns
    -------
    dict
        Binary: ``roc``, pairs (false positive rate, true positive rate) from (0, 0) to (1, 1), at
        most 200; ``calibration``, at most 10 bins of about as many rows. Multiclass: ``confusion``
        with ``labels`` and ``counts[label][prediction]``. Regression: nothing.
    """
    if data.task == "binary":
        positive = data.labels == 1
        return {
            "roc": roc(data.scores, positive),
            "calibration": calibration(data.scores, positive),
        }
    if data.task == "multiclass":
        count = data.scores.shape[1]
        names = data.classes or tuple(str(c) for c in range(count))
        return {"confusion": confusion(data.labels, data.scores.argmax(axis=1), names)}
    return {}


def roc(scores: Floats, positive: Bools) -> list[list[float]]:
    """Return the ROC curve, thinned to at most `POINTS` points along its length. O(n log n)."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    # Only where the score changes is there a threshold; ties become one slanted line.
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true_rate = np.append(0.0, hits[ends] / hits[-1])
    false_rate = np.append(0.0, (ends + 1 - hits[ends]) / (len(scores) - hits[-1]))
    # The length along the curve, each axis by itself, grows from 0 to 2 and never falls.
    wanted = np.linspace(0.0, 2.0, POINTS)
    kept = np.unique(
        np.searchsorted(false_rate + true_rate, wanted - 1e-12).clip(0, len(false_rate) - 1)
    )
    return [[float(a), float(b)] for a, b in zip(false_rate[kept], true_rate[kept], strict=True)]


def calibration(scores: Floats, positive: Bools) -> list[dict[str, float]]:
    """Return mean prediction, share of positives with its interval, and rows of each bin."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, BINS + 1)))
    # Equal scores are in one bin, so there may be fewer bins.
    bins = np.searchsorted(edges[1:-1], scores, side="right")
    made = []
    for index in np.unique(bins):
        rows = bins == index
        count, hits = int(np.count_nonzero(rows)), int(np.count_nonzero(positive[rows]))
        low, high = wilson(hits, count)
        prediction = float(np.mean(scores[rows]))
        made.append(
            {
                "prediction": prediction,
                "label": hits / count,
                "low": low,
                "high": high,
                "count": count,
            }
        )
    return made


def confusion(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], names: tuple[str, ...]
) -> dict[str, Any]:
    """Return counts of label by prediction; beyond 20 classes, the rarest become one, "other"."""
    count = len(names)
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    if count > LARGEST_CONFUSION:
        sizes = matrix.sum(axis=0) + matrix.sum(axis=1)
        largest = np.sort(np.argsort(-sizes, kind="stable")[: LARGEST_CONFUSION - 1])
        target = np.full(count, LARGEST_CONFUSION - 1)
        target[largest] = np.arange(LARGEST_CONFUSION - 1)
        folded = np.zeros((LARGEST_CONFUSION, LARGEST_CONFUSION), np.int64)
        np.add.at(folded, (target[:, None], target[None, :]), matrix)
        rest = count - len(largest)
        names = (*(names[c] for c in largest), f"other ({rest})")
        matrix = folded
    return {"labels": list(names), "counts": matrix.tolist()}
