"""Stage 8, JUDGE: metrics with intervals, slices, and the gate that decides on a release.

Files, in the order to read them: `metric` (one number, one slice), `judge` (the way through),
`inputs` (what is refused), `metrics` (which numbers a task has), `intervals` and `ranking` (the
formulas), `curves` (what pages draw), `slicing`, `thresholds` (the gate), `evaluation` (the
artifact), `picture` (how it looks).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dure.evaluate.evaluation import Evaluation
from dure.evaluate.metric import Metric, Slice

if TYPE_CHECKING:
    from dure.evaluate.judge import evaluate

__all__ = ["Evaluation", "Metric", "Slice", "evaluate"]


def __getattr__(name: str) -> Any:
    # Reading an evaluation needs no NumPy; making one does.
    if name == "evaluate":
        from dure.evaluate.judge import evaluate

        return evaluate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
