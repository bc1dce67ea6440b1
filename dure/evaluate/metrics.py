"""Which numbers each task has, and how each is made.

Notation
--------
y, s : array, shape (rows,)
    Label and score of each row. For multiclass, s has shape (rows, classes).
ε : float
    1e-7: probabilities are cut to ε and 1 - ε before a logarithm, as Keras does.

All sums are made in float64, whatever the model computed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dure.evaluate import intervals, ranking
from dure.evaluate.inputs import Inputs
from dure.evaluate.intervals import NONE, Floats, Interval
from dure.evaluate.metric import METRICS, Metric

EPSILON = 1e-7
_ONE_ROW = "no interval: one row says nothing of how much rows vary"
_TOO_LARGE = "too large for a 64-bit float"


def compute(data: Inputs, rows: npt.NDArray[np.int64] | None, seed: int) -> dict[str, Metric]:
    """Return all numbers of the task, by name, over ``rows`` (None: over all)."""
    s = data.scores if rows is None else data.scores[rows]
    y = data.labels if rows is None else data.labels[rows]
    if data.task == "binary":
        made = _binary(s, y == 1)
    elif data.task == "multiclass":
        made = _multiclass(s, y, data.classes)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            made = _regression(s, y, seed)
    made.append(Metric("example_count", len(y), len(y), len(y), len(y), "exact"))
    by_name = {metric.name: metric for metric in made}
    return {name: by_name[name] for name in METRICS[data.task]}


def _binary(s: Floats, y: npt.NDArray[np.bool_]) -> list[Metric]:
    # s > 0.5, not >=: as keras.metrics.BinaryAccuracy.
    predicted = s > 0.5
    hits = int(np.count_nonzero(predicted & y))
    positives, calls = int(np.count_nonzero(y)), int(np.count_nonzero(predicted))
    missing = "positive" if not positives else "negative"
    p = np.clip(s, EPSILON, 1 - EPSILON)
    loss = -np.where(y, np.log(p), np.log1p(-p))
    return [
        _area(ranking.auc(s, y), len(y), f"not defined: no row has a {missing} label"),
        _share("accuracy", int(np.count_nonzero(predicted == y)), len(y)),
        _mean("loss", loss),
        _share("precision", hits, calls, "not defined: no row is predicted positive"),
        _share("recall", hits, positives, "not defined: no row has a positive label"),
        _share("mean_label", positives, len(y)),
        _mean("mean_prediction", s),
    ]


def _multiclass(s: Floats, y: npt.NDArray[np.int64], classes: Sequence[str] | None) -> list[Metric]:
    p = np.clip(s[np.arange(len(y)), y], EPSILON, 1 - EPSILON)
    area = ranking.macro_auc(s, y)
    undefined = "not defined: all rows have labels of one class"
    left = [str(c) if classes is None else classes[c] for c in area.left_out]
    note = f"without classes that do not occur: {_some(left)}" if left else ""
    return [
        _share("accuracy", int(np.count_nonzero(s.argmax(axis=1) == y)), len(y)),
        _area(area, len(y), undefined, note),
        _mean("loss", -np.log(p)),
    ]


def _regression(s: Floats, y: Floats, seed: int) -> list[Metric]:
    error = s - y
    squares = error * error
    # Labels are centred first: sums of squares of large labels would cancel.
    centred = y - y.mean()
    total = float(np.sum(centred * centred))
    terms = np.column_stack([np.ones(len(y)), squares, centred, centred * centred])
    mse, finite = float(np.mean(squares)), bool(np.isfinite(terms).all())
    rmse, r2 = intervals.bootstrap(terms, _rmse, _r2, seed=seed) if finite else (NONE, NONE)
    constant = "not defined: all labels are the same number" if total == 0 else ""
    r2_value = 1 - float(np.sum(squares)) / total if total > 0 else math.nan
    return [
        _metric("rmse", math.sqrt(mse), rmse, len(y), "bootstrap"),
        _mean("mae", np.abs(error)),
        _mean("mse", squares),
        _metric("r2", r2_value, NONE if constant else r2, len(y), "bootstrap", constant),
        _mean("mean_label", y),
        _mean("mean_prediction", s),
    ]


def _rmse(sums: Floats) -> Floats:
    return np.asarray(np.sqrt(sums[:, 1] / sums[:, 0]))


def _r2(sums: Floats) -> Floats:
    weight, squares, y, y2 = sums.T
    variation = y2 - y * y / weight
    # A replicate that holds one label only has no variation but for rounding.
    variation[variation <= 1e-12 * y2] = 0.0
    return np.asarray(1 - squares / variation)


def _mean(name: str, x: Floats) -> Metric:
    return _metric(name, float(np.mean(x)), intervals.mean(x), len(x), "normal")


def _share(name: str, hits: int, count: int, undefined: str = "") -> Metric:
    value = hits / count if count else math.nan
    note = "" if count else undefined
    return Metric(name, value, *intervals.wilson(hits, count), count, "Wilson", note)


def _area(area: ranking.Area, count: int, undefined: str, note: str = "") -> Metric:
    if math.isnan(area.value):
        return Metric("auc", math.nan, *NONE, count, area.method, undefined)
    return Metric("auc", area.value, *area.interval, count, area.method, note)


def _metric(
    name: str, value: float, interval: Interval, count: int, method: str, note: str = ""
) -> Metric:
    if not note and not math.isfinite(value):
        return Metric(name, math.nan, *NONE, count, method, f"not defined: {_TOO_LARGE}")
    if not all(map(math.isfinite, interval)):
        interval = NONE
        note = note or (_ONE_ROW if count < 2 else f"no interval: {_TOO_LARGE}")
    return Metric(name, value, *interval, count, method, note)


def _some(names: Sequence[str], shown: int = 5) -> str:
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")
