"""The evaluation of a model: an artifact with a gate."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from markupsafe import Markup

from dure.artifact import Artifact
from dure.errors import EvaluationError, StoreError
from dure.evaluate.metric import METRICS, Metric, Slice, Task
from dure.evaluate.thresholds import Bounds, judge
from dure.gate import Gate

FILE = "evaluation.json"
VERSION = 1


@dataclass(frozen=True, repr=False)
class Evaluation(Artifact):
    """What a model is worth on data it has not seen, over all rows and over slices.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
        What the model does.
    classes : tuple of str or None
        Names of the classes.
    slices : tuple of Slice
        Overall first, then the slices of each column, largest first.
    thresholds : mapping of str to (low, high)
        What the overall metrics have to reach.
    seed : int
        Of the bootstrap.
    left_out : mapping
        For each column with too many values, how many ``"slices"`` and ``"rows"`` are not here.
    curves : mapping
        What pages draw, see `dure.evaluate.curves.compute`.
    """

    task: Task
    classes: tuple[str, ...] | None
    slices: tuple[Slice, ...]
    thresholds: dict[str, Bounds] = field(default_factory=dict)
    seed: int = 0
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)

    @property
    def overall(self) -> Slice:
        """The numbers over all rows."""
        return self.slices[0]

    @property
    def gate(self) -> Gate:
        """One check for each threshold; skipped where there are none."""
        return judge(self.overall.metrics, self.thresholds)

    @property
    def blessed(self) -> bool:
        """Whether nothing forbids a release: no threshold failed. Without any, True."""
        return self.gate.status != "fail"

    def save(self, directory: Path) -> None:
        """Write ``evaluation.json``."""
        text = json.dumps(
            self.to_dict(), sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False
        )
        (Path(directory) / FILE).write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the evaluation that `save` wrote.

        Raises
        ------
        StoreError
            When the file is not there or not whole.
        EvaluationError
            When a newer Dure wrote it.
        """
        path = Path(directory) / FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            version = record["version"]
            if version == VERSION:
                return cls.from_dict(record)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{path}: no whole evaluation is there",
                got=f"{type(error).__name__}: {error}",
                fix="run the evaluation again",
            ) from error
        raise EvaluationError(
            f"{path}: this evaluation has a version that cannot be read",
            expected=f"version {VERSION}",
            got=repr(version),
            fix="update Dure",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; a number that is not defined is None, and its note says why."""
        gate = self.gate.to_dict()
        return {
            "version": VERSION,
            "task": self.task,
            "classes": None if self.classes is None else list(self.classes),
            "confidence": 0.95,
            "seed": self.seed,
            "thresholds": {
                name: {"low": low, "high": high} for name, (low, high) in self.thresholds.items()
            },
            "gate": gate,
            "slices": [_slice_record(one) for one in self.slices],
            "left_out": self.left_out,
            "curves": self.curves,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """Return the evaluation that `to_dict` wrote."""
        classes = record["classes"]
        return cls(
            task=record["task"],
            classes=None if classes is None else tuple(classes),
            slices=tuple(_slice(one, record["task"]) for one in record["slices"]),
            thresholds={
                # The order of the task's metrics, which sorted JSON has lost.
                name: (record["thresholds"][name]["low"], record["thresholds"][name]["high"])
                for name in METRICS[record["task"]]
                if name in record["thresholds"]
            },
            seed=record["seed"],
            left_out=record["left_out"],
            curves=record["curves"],
        )

    def summary(self) -> str:
        """Return, for example, ``"auc 0.91 [0.89, 0.93] on 104 rows: pass"``."""
        from dure.evaluate import picture

        return picture.summary(self)

    def text(self) -> str:
        """Return tables of at most 80 columns: overall, then slices."""
        from dure.evaluate import picture

        return picture.text(self)

    def html(self) -> Markup:
        """Return tables with drawn intervals, and the curves of the task."""
        from dure.evaluate import picture

        return picture.html(self)


def _slice_record(one: Slice) -> dict[str, Any]:
    numbers = [
        {key: _no_nan(value) for key, value in asdict(metric).items()}
        for metric in one.metrics.values()
    ]
    return {
        "column": one.column,
        "value": one.value,
        "rows": one.rows,
        "small": one.small,
        "metrics": numbers,
    }


def _slice(record: dict[str, Any], task: Task) -> Slice:
    by_name = {number["name"]: _metric(number) for number in record["metrics"]}
    return Slice(
        record["column"],
        record["value"],
        record["rows"],
        record["small"],
        {name: by_name[name] for name in METRICS[task] if name in by_name},
    )


def _metric(record: dict[str, Any]) -> Metric:
    fields: dict[str, Any] = {
        key: math.nan if value is None else value for key, value in record.items()
    }
    return Metric(**fields)


def _no_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
