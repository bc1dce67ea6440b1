"""What the label says the task is, and whether it can be learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dure.errors import TrainingError
from dure.transform import Feature

Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Target:
    """The label as the model learns it.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
        What there is to predict.
    classes : tuple of str or None
        The names of the classes in the order of their ids; None for regression, and for 0/1
        labels without names.
    units : int
        How many numbers the model has to give for a row.
    values : dict of str to numpy.ndarray
        Per split, shape ``(rows, 1)``: float32, or int64 class ids for ``"multiclass"``.
    """

    task: Task
    classes: tuple[str, ...] | None
    units: int
    values: dict[str, np.ndarray]


def check_label(feature: Feature, splits: Mapping[str, np.ndarray], train_split: str) -> None:
    """Raise where the label's values cannot be learned from, in any of ``splits``.

    Raises
    ------
    TrainingError
        If the label is a string or a vector, is missing in a row, or has one value only.
    """
    name = feature.name
    if feature.dtype == "string":
        raise TrainingError(
            f"label '{name}' is a string",
            expected="class ids, a bool or a number",
            got="string",
            fix=f'in preprocess: "{name}": compute_and_apply_vocabulary(x["{name}"])',
        )
    if feature.shape != (1,):
        raise TrainingError(
            f"label '{name}' has several values a row",
            expected="shape (rows, 1)",
            got=f"shape (rows, {', '.join(str(extent) for extent in feature.shape)})",
            fix="return each as a feature of its own, and train one model a label",
        )
    for split, values in splits.items():
        _check_present(feature, split, values)
    if len(np.unique(splits[train_split])) < 2:
        only = splits[train_split].reshape(-1)[0].item()
        shown = feature.vocabulary[only] if feature.vocabulary is not None else only
        raise TrainingError(
            f"label '{name}' has one value only in split '{train_split}'",
            expected="at least two different values, or there is nothing to learn",
            got=f"{shown!r} in all {len(splits[train_split]):,} rows",
            fix="check how preprocess makes the label, and how the data was split",
        )


def _check_present(feature: Feature, split: str, values: np.ndarray) -> None:
    if not len(values):
        raise TrainingError(
            f"split '{split}' has no rows",
            expected="at least one row",
            fix="give the split a larger share of the data",
        )
    if values.dtype.kind == "f":
        missing = int((~np.isfinite(values)).sum())
        why = "it is missing or infinite"
    elif feature.size is not None:
        missing = int(((values < 0) | (values >= feature.size)).sum())
        why = "it is missing, or not in the vocabulary of the train split"
    else:
        return
    if missing:
        raise TrainingError(
            f"label '{feature.name}' cannot be learned from {missing:,} of {len(values):,} rows "
            f"of split '{split}': {why}",
            expected="a label in every row",
            got=f"{missing:,} rows without",
            fix="remove those rows from the data, or give them a label in preprocess",
        )


def target(
    feature: Feature, splits: Mapping[str, np.ndarray], train_split: str, units: int
) -> Target:
    """Return the task that the label asks for.

    Rules: a vocabulary's ids are classes; a bool, or a number that is only ever 0 or 1, is
    binary; another integer without a vocabulary is a class id where the model has several
    outputs, and a number where it has one; every other number is regression. Two classes with
    one output are binary.

    Parameters
    ----------
    feature : Feature
        The label.
    splits : mapping of str to numpy.ndarray
        Its values, shape ``(rows, 1)``, as `check_label` let them pass.
    train_split : str
        The split that decides.
    units : int
        How many outputs the model has.
    """
    values = splits[train_split]
    if feature.size is not None:
        names = _class_names(feature)
        if len(names) == 2 and units == 1:
            return Target("binary", names, 1, _as(splits, np.float32))
        return Target("multiclass", names, len(names), _as(splits, np.int64))
    if values.dtype == bool or bool(np.isin(values, (0, 1)).all()):
        return Target("binary", None, 1, _as(splits, np.float32))
    if values.dtype.kind in "iu" and units > 1:
        highest = max(int(part.max()) for part in splits.values())
        return Target(
            "multiclass",
            tuple(str(i) for i in range(max(units, highest + 1))),
            max(units, highest + 1),
            _as(splits, np.int64),
        )
    return Target("regression", None, 1, _as(splits, np.float32))


def _class_names(feature: Feature) -> tuple[str, ...]:
    assert feature.size is not None
    named = feature.vocabulary or tuple(str(i) for i in range(feature.size))
    rest = feature.size - len(named)
    return (*named, *(f"(other {i})" for i in range(rest)))


def _as(splits: Mapping[str, np.ndarray], dtype: type) -> dict[str, np.ndarray]:
    return {name: values.astype(dtype) for name, values in splits.items()}
