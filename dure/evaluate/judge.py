"""The way from scores and labels to an evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dure.errors import EvaluationError
from dure.evaluate import curves, inputs, metrics, slicing
from dure.evaluate.evaluation import Evaluation
from dure.evaluate.metric import Slice, Task
from dure.evaluate.thresholds import read as read_thresholds
from dure.progress import Progress, silent


def evaluate(
    scores: Any,
    labels: Any,
    *,
    task: Task,
    classes: Sequence[str] | None = None,
    slices: Mapping[str, Iterable[object]] | None = None,
    thresholds: Mapping[str, float | tuple[float | None, float | None]] | None = None,
    max_slices: int = 100,
    small_slice: int = 30,
    seed: int = 0,
    progress: Progress = silent,
) -> Evaluation:
    """Return the metrics of a model over all rows and over each slice, with intervals.

    Parameters
    ----------
    scores : array of float, shape (rows,), (rows, 1) or (rows, classes)
        What the model answered: the probability of class 1 for binary, one probability a class for
        multiclass, the number itself for regression.
    labels : array, shape (rows,)
        What was right: 0 or 1, a class id, or a number.
    task : {"binary", "multiclass", "regression"}
        What the model does.
    classes : sequence of str, optional
        Names of the classes, in the order of their ids.
    slices : mapping of str to iterable, optional
        Column name to the value of each row; every value becomes a slice.
    thresholds : mapping of str to float or (low, high), optional
        What the overall metrics have to reach, bounds included. A number is a lower bound; None
        in a pair is no bound. Without any, the gate is skipped, which stops no release.
    max_slices : int, default 100
        The most slices of one column, largest first; what is left out is counted.
    small_slice : int, default 30
        Slices with fewer rows are flagged.
    seed : int, default 0
        Of the bootstrap.
    progress : Progress
        Told the slices done.

    Returns
    -------
    Evaluation
        Overall first, then the slices of each column, largest first.

    Raises
    ------
    EvaluationError
        When scores, labels, slices or thresholds are not what they have to be.

    Examples
    --------
    >>> result = evaluate([0.9, 0.8, 0.3, 0.2], [1, 0, 1, 0], task="binary", thresholds={"auc": 0.7})
    >>> result.overall.metrics["auc"].value, result.gate.status
    (0.75, 'pass')
    """
    data = inputs.check(scores, labels, task, classes)
    bounds = read_thresholds(thresholds, data.task)
    _counts(max_slices=max_slices, small_slice=small_slice, seed=seed)
    rows = len(data.labels)
    parts, left_out = slicing.parts(slices or {}, rows, max_slices)
    total = len(parts) + 1
    made = [Slice(None, None, rows, rows < small_slice, metrics.compute(data, None, seed))]
    progress(1, total, unit="slices")
    for part in parts:
        count = len(part.rows)
        numbers = metrics.compute(data, part.rows, seed)
        made.append(Slice(part.column, part.value, count, count < small_slice, numbers))
        progress(len(made), total, unit="slices")
    return Evaluation(
        task=data.task,
        classes=data.classes,
        slices=tuple(made),
        thresholds=bounds,
        seed=seed,
        left_out=left_out,
        curves=curves.compute(data),
    )


def _counts(**values: int) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise EvaluationError(
                f"{name} is not a count", expected="a whole number, 0 or more", got=repr(value)
            )
