"""What a model has to reach, and the gate that says whether it does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dure.draw import number
from dure.errors import EvaluationError, nearest
from dure.evaluate.metric import METRICS, Metric, Task
from dure.gate import Check, Gate

Bounds = tuple[float | None, float | None]


def read(thresholds: Mapping[str, Any] | None, task: Task) -> dict[str, Bounds]:
    """Return the bounds ``(low, high)`` of each metric.

    Parameters
    ----------
    thresholds : mapping of str to float or (low, high), optional
        A number is a lower bound; in a pair, None is no bound. Bounds are allowed values.
    task : {"binary", "multiclass", "regression"}
        Says which metrics there are.

    Raises
    ------
    EvaluationError
        When there is no such metric; when bounds are no numbers, or cross; when a metric that is
        better when lower has a single number, which would let the worst model through.
    """
    known = METRICS[task]
    read_so_far: dict[str, Bounds] = {}
    for name, bound in (thresholds or {}).items():
        if name not in known:
            raise EvaluationError(
                f"threshold on an unknown metric {name!r}",
                expected=f"a metric of a {task} task",
                got=name,
                fix=nearest(str(name), known),
            )
        if known[name] == "lower" and not isinstance(bound, Sequence):
            raise EvaluationError(
                f"threshold on {name!r}: a single number is a lower bound, "
                f"and {name} is better when lower",
                expected=f"(None, {bound}) for at most {bound}",
                got=repr(bound),
                fix=f'write {{"{name}": (None, {bound})}}',
            )
        read_so_far[name] = _bounds(name, bound)
    # The order of the metrics, not of the call: it is the order in which a file is read back.
    return {name: read_so_far[name] for name in known if name in read_so_far}


def _bounds(name: str, bound: Any) -> Bounds:
    pair = (bound, None) if _is_number(bound) else bound
    if (
        isinstance(pair, str)
        or not isinstance(pair, Sequence)
        or len(pair) != 2
        or not all(end is None or _is_number(end) for end in pair)
        or pair[0] is pair[1] is None
    ):
        raise EvaluationError(
            f"threshold on {name!r} is not understood",
            expected="a number (at least), or (low, high) with None for no bound",
            got=repr(bound),
        )
    low, high = pair
    if low is not None and high is not None and low > high:
        raise EvaluationError(
            f"threshold on {name!r}: no number can be within it",
            expected="low <= high",
            got=repr(bound),
            fix="swap the two",
        )
    return low, high


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def judge(metrics: Mapping[str, Metric], thresholds: Mapping[str, Bounds]) -> Gate:
    """Return the gate: one check for each bound.

    A metric that is not defined fails its checks: what cannot be measured has not been reached.
    With no thresholds the gate is skipped, which stops nothing.
    """
    if not thresholds:
        reason = "no thresholds were given, so nothing was judged"
        return Gate((Check("thresholds", "skip", reason),))
    return Gate(
        tuple(
            _check(metrics[name], sign, bound)
            for name, (low, high) in thresholds.items()
            for sign, bound in ((">=", low), ("<=", high))
            if bound is not None
        )
    )


def _check(metric: Metric, sign: str, bound: float) -> Check:
    name = f"{metric.name} {sign} {bound:g}"
    if not metric.defined:
        return Check(name, "fail", f"{metric.name} is {metric.note}", count=metric.count)
    reached = metric.value >= bound if sign == ">=" else metric.value <= bound
    low = None if math.isnan(metric.low) else metric.low
    high = None if math.isnan(metric.high) else metric.high
    return Check(
        name,
        "pass" if reached else "fail",
        _reason(metric, sign, bound, reached),
        metric.value,
        low,
        high,
        metric.count,
    )


def _reason(metric: Metric, sign: str, bound: float, reached: bool) -> str:
    most = "at least" if sign == ">=" else "at most"
    interval = ""
    if not math.isnan(metric.low):
        interval = f" (95 % interval {number(metric.low)} to {number(metric.high)}"
        if metric.low < bound < metric.high:
            interval += ", which reaches across the bound"
        interval += ")"
    verdict = "is" if reached else "is not"
    return (
        f"{metric.name} {number(metric.value)}{interval} on {metric.count:,} "
        f"{'row' if metric.count == 1 else 'rows'} {verdict} {most} {bound:g}"
    )
