"""One number with its interval, and the numbers of one slice of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Task = Literal["binary", "multiclass", "regression"]
Better = Literal["higher", "lower", "neither"]
SliceValue = str | int | float | bool | None
TASKS: tuple[str, ...] = get_args(Task)

# Which numbers a task has, in the order in which they are shown, and which way is better.
METRICS: Mapping[Task, Mapping[str, Better]] = {
    "binary": {
        "auc": "higher",
        "accuracy": "higher",
        "loss": "lower",
        "precision": "higher",
        "recall": "higher",
        "mean_label": "neither",
        "mean_prediction": "neither",
        "example_count": "higher",
    },
    "multiclass": {
        "accuracy": "higher",
        "auc": "higher",
        "loss": "lower",
        "example_count": "higher",
    },
    "regression": {
        "rmse": "lower",
        "mae": "lower",
        "mse": "lower",
        "r2": "higher",
        "mean_label": "neither",
        "mean_prediction": "neither",
        "example_count": "higher",
    },
}


@dataclass(frozen=True)
class Metric:
    """One number about a model, and how sure it is.

    Parameters
    ----------
    name : str
        Such as ``"auc"``.
    value : float
        The number; NaN where it is not defined, and then ``note`` says why.
    low, high : float
        The ends of its 95 % interval; NaN where there is none.
    count : int
        How many rows it rests on: for precision, the rows predicted positive.
    method : str
        How the interval was made: ``"Wilson"``, ``"DeLong"``, ``"pairs"``, ``"normal"``,
        ``"bootstrap"`` or ``"exact"``.
    note : str
        Why it is not defined, or what was left out; often empty.
    """

    name: str
    value: float
    low: float
    high: float
    count: int
    method: str
    note: str = ""

    def __post_init__(self) -> None:
        # One NaN object, so that two equal metrics compare as equal: NaN is not equal to NaN, but
        # tuples, and so dataclasses, look at the identity first.
        for name in ("value", "low", "high"):
            if math.isnan(getattr(self, name)):
                object.__setattr__(self, name, math.nan)

    @property
    def defined(self) -> bool:
        """Whether there is a number."""
        return not math.isnan(self.value)


@dataclass(frozen=True)
class Slice:
    """The numbers of one slice of the data.

    Parameters
    ----------
    column : str or None
        The column that the data is sliced by; None for the whole data.
    value : str, int, float, bool or None
        Its value in these rows; None where it is missing.
    rows : int
        How many rows the slice has.
    small : bool
        Whether it has too few rows to say much.
    metrics : mapping of str to Metric
        The numbers, by name.
    """

    column: str | None
    value: SliceValue
    rows: int
    small: bool
    metrics: dict[str, Metric] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``"overall"``, or such as ``"island = Biscoe"``."""
        return "overall" if self.column is None else f"{self.column} = {self.label}"

    @property
    def label(self) -> str:
        """The value as people read it."""
        if self.column is None:
            return "overall"
        return "(missing)" if self.value is None else str(self.value)
