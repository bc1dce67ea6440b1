"""What `evaluate` refuses, and why: nothing is judged on data that has no answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from dure.errors import EvaluationError, nearest
from dure.evaluate.intervals import Floats
from dure.evaluate.metric import TASKS, Task

# Probabilities come from float32: sums are off by rounding, and never by more than this.
_SUM_TOLERANCE = 1e-3
_EDGE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Inputs:
    """Checked input.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
        The task.
    scores : array of float, shape (rows,) or, for multiclass, (rows, classes)
        Finite; probabilities unless the task is regression.
    labels : array, shape (rows,)
        float for regression, int class ids otherwise.
    classes : tuple of str or None
        Names of the classes, in the order of their ids.
    """

    task: Task
    scores: Floats
    labels: npt.NDArray[Any]
    classes: tuple[str, ...] | None


def check(scores: object, labels: object, task: str, classes: object) -> Inputs:
    """Return the input in its proper types.

    Raises
    ------
    EvaluationError
        When there are no rows, shapes do not fit, something is not finite, a label is no class,
        or all labels are the same class.
    """
    if task not in TASKS:
        raise EvaluationError(
            "unknown task",
            expected=f"one of {', '.join(TASKS)}",
            got=repr(task),
            fix=nearest(str(task), TASKS),
        )
    kind = cast("Task", task)
    s, y = _numbers(scores, "scores"), _numbers(labels, "labels")
    s, y = _shapes(kind, s, y)
    _finite(s, "scores", "the model gives NaN or infinity: look at its training and at the rows")
    _finite(y, "labels", "drop the rows without a label, or repair them")
    names = _classes(kind, s, classes)
    if kind == "regression":
        return Inputs(kind, s, y, None)
    s = _probabilities(kind, s)
    ids = _ids(y, 2 if kind == "binary" else s.shape[1], names)
    return Inputs(kind, s, ids, names)


def _numbers(values: object, what: str) -> Floats:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # rows of different lengths, say
        raise _no_array(what, str(error)) from error
    if array.dtype.kind not in "biuf":
        raise _no_array(what, f"values of type {array.dtype}")
    if not array.size:
        raise EvaluationError(
            f"there are no rows to evaluate on: {what} are empty",
            expected="at least one row",
            got=f"an array of shape {array.shape}",
            fix="give the evaluation split some rows",
        )
    return array.astype(np.float64)


def _no_array(what: str, got: str) -> EvaluationError:
    return EvaluationError(
        f"{what} are not an array of numbers",
        expected="a NumPy array of numbers",
        got=got,
        fix="give class ids, not names" if what == "labels" else "give what the model answered",
    )


def _shapes(task: Task, s: Floats, y: Floats) -> tuple[Floats, Floats]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise EvaluationError(
            "labels have a wrong shape", expected="(rows,), one label a row", got=str(y.shape)
        )
    if s.ndim == 2 and s.shape[1] == 1 and task != "multiclass":
        s = s[:, 0]
    if s.ndim != (2 if task == "multiclass" else 1) or (task == "multiclass" and s.shape[1] < 2):
        raise EvaluationError(
            f"scores have a wrong shape for a {task} task",
            expected="(rows, classes), one probability a class"
            if task == "multiclass"
            else "(rows,) or (rows, 1), one number a row",
            got=str(s.shape),
            fix="give the model an output of that shape, or name the task that fits the model",
        )
    if len(s) != len(y):
        raise EvaluationError(
            "scores and labels differ in length",
            expected="one score and one label for each row",
            got=f"{len(s):,} scores, {len(y):,} labels",
        )
    return s, y


def _finite(values: Floats, what: str, fix: str) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        rows = bad.any(axis=1) if bad.ndim == 2 else bad
        nan_rows = np.isnan(values).any(axis=1) if bad.ndim == 2 else np.isnan(values)
        raise EvaluationError(
            f"{what} are not finite in {np.count_nonzero(rows):,} of {len(values):,} rows",
            expected="finite numbers",
            got=f"NaN in {np.count_nonzero(nan_rows):,} rows, infinity in "
            f"{np.count_nonzero(rows & ~nan_rows):,}; first at row {int(np.argmax(rows))}",
            fix=fix,
        )


def _classes(task: Task, s: Floats, classes: object) -> tuple[str, ...] | None:
    if classes is None or task == "regression":
        return None
    names = tuple(str(name) for name in cast("Any", classes))
    expected = 2 if task == "binary" else s.shape[1]
    if len(names) != expected:
        raise EvaluationError(
            "the names of the classes do not fit the scores",
            expected=f"{expected} names",
            got=f"{len(names)}: {', '.join(names[:10])}",
        )
    return names


def _probabilities(task: Task, s: Floats) -> Floats:
    low, high = float(s.min()), float(s.max())
    if low < -_EDGE_TOLERANCE or high > 1 + _EDGE_TOLERANCE:
        raise EvaluationError(
            "scores are not probabilities",
            expected="numbers from 0 to 1",
            got=f"numbers from {low:.6g} to {high:.6g}",
            fix=f"end the model with a {'sigmoid' if task == 'binary' else 'softmax'}",
        )
    if task == "multiclass":
        sums = s.sum(axis=1)
        off = np.abs(sums - 1) > _SUM_TOLERANCE
        if off.any():
            first = int(np.argmax(off))
            raise EvaluationError(
                f"scores do not add up to 1 in {np.count_nonzero(off):,} of {len(s):,} rows",
                expected="one probability a class, which add up to 1",
                got=f"{sums[first]:.6g} at row {first}",
                fix="end the model with a softmax",
            )
    return np.clip(s, 0.0, 1.0)


def _ids(y: Floats, count: int, names: tuple[str, ...] | None) -> npt.NDArray[np.int64]:
    outside = (y != np.floor(y)) | (y < 0) | (y >= count)
    if outside.any():
        values, counts = np.unique(y[outside], return_counts=True)
        some = ", ".join(
            f"{v:g} ({c:,} rows)" for v, c in list(zip(values, counts, strict=True))[:5]
        )
        raise EvaluationError(
            f"labels are not classes of the model in {np.count_nonzero(outside):,} of "
            f"{len(y):,} rows",
            expected=f"whole numbers from 0 to {count - 1}",
            got=some + (" and others" if len(values) > 5 else ""),
            fix="a label that training did not see has no id: repair or drop these rows, "
            "or train on data that has it",
        )
    ids = y.astype(np.int64)
    if (ids == ids[0]).all():
        name = f"{ids[0]}" if names is None else f"{ids[0]} ({names[ids[0]]})"
        raise EvaluationError(
            f"all {len(ids):,} labels are the same class",
            expected="labels of at least two classes",
            got=f"class {name} in every row",
            fix="check how the label is made, or evaluate on rows that have both",
        )
    return ids
