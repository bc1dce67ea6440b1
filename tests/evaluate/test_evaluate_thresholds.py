"""The gate: what passes, what fails, what is refused."""

from __future__ import annotations

import math

import pytest

from dure.errors import EvaluationError
from dure.evaluate import evaluate
from dure.gate import Gate

SCORES, LABELS = [0.9, 0.8, 0.3, 0.2], [1, 0, 1, 0]  # auc 3/4, accuracy 1/2


def gate(thresholds: object) -> Gate:
    return evaluate(SCORES, LABELS, task="binary", thresholds=thresholds).gate  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("thresholds", "status"),
    [
        ({"auc": 0.75}, "pass"),  # the bound itself is allowed
        ({"auc": 0.7500001}, "fail"),
        ({"auc": (None, 0.75)}, "pass"),
        ({"auc": (0.5, 0.7)}, "fail"),
        ({"auc": (0.75, 0.75)}, "pass"),
        ({"loss": (None, 10)}, "pass"),
        ({"loss": (None, 0.1)}, "fail"),
        ({"auc": 0.5, "accuracy": 0.9}, "fail"),
        ({"example_count": 4}, "pass"),
        ({"example_count": 5}, "fail"),
        ({"auc": [0.7, None]}, "pass"),
    ],
)
def test_bounds_are_allowed_values(thresholds: dict[str, object], status: str) -> None:
    assert gate(thresholds).status == status


def test_each_bound_is_a_check_with_its_number_interval_and_count() -> None:
    both = gate({"auc": (0.7, 0.8)})
    assert [check.name for check in both.checks] == ["auc >= 0.7", "auc <= 0.8"]
    metric = evaluate(SCORES, LABELS, task="binary").overall.metrics["auc"]
    for check in both.checks:
        assert (check.value, check.low, check.high, check.count) == (
            metric.value,
            metric.low,
            metric.high,
            4,
        )


def test_a_reason_says_when_the_interval_reaches_across_the_bound() -> None:
    (reason,) = gate({"auc": 0.7}).reasons
    assert reason.startswith("auc 0.75 (95 % interval ")
    assert "which reaches across the bound" in reason
    assert reason.endswith("on 4 rows is at least 0.7")


@pytest.mark.parametrize("thresholds", [None, {}])
def test_without_thresholds_the_gate_is_skipped_and_nothing_forbids_a_release(
    thresholds: object,
) -> None:
    result = evaluate(SCORES, LABELS, task="binary", thresholds=thresholds)  # type: ignore[arg-type]
    assert result.gate.status == "skip"
    assert result.gate.reasons == ("no thresholds were given, so nothing was judged",)
    assert result.blessed


def test_a_failed_threshold_is_no_blessing() -> None:
    assert not evaluate(SCORES, LABELS, task="binary", thresholds={"auc": 0.9}).blessed
    assert evaluate(SCORES, LABELS, task="binary", thresholds={"auc": 0.7}).blessed


@pytest.mark.parametrize("bound", [0.0, (None, 1.0)])
def test_a_metric_that_is_not_defined_fails_with_its_reason(bound: object) -> None:
    result = evaluate([0.1, 0.2], [0, 1], task="binary", thresholds={"precision": bound})  # type: ignore[dict-item]
    assert result.gate.status == "fail"
    assert result.gate.reasons == ("precision is not defined: no row is predicted positive",)
    assert result.gate.checks[0].value is None


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(EvaluationError, match="unknown metric 'accurcy'") as caught:
        gate({"accurcy": 0.5})
    assert "did you mean 'accuracy'?" in str(caught.value)


def test_a_metric_of_another_task_is_unknown() -> None:
    with pytest.raises(EvaluationError, match="unknown metric 'rmse'"):
        gate({"rmse": (None, 1)})


def test_a_single_number_on_a_loss_is_refused_because_it_would_pass_the_worst() -> None:
    with pytest.raises(EvaluationError, match="better when lower") as caught:
        gate({"loss": 0.5})
    assert '{"loss": (None, 0.5)}' in str(caught.value)


@pytest.mark.parametrize(
    "bound",
    [None, "0.7", (0.1,), (0.1, 0.2, 0.3), (None, None), math.nan, math.inf, True, (0.9, 0.1)],
)
def test_bounds_that_are_no_bounds_are_refused(bound: object) -> None:
    with pytest.raises(EvaluationError, match="threshold on 'auc'"):
        gate({"auc": bound})


def test_a_value_without_an_interval_is_judged_and_shown_without_one() -> None:
    result = evaluate([3.0], [1.0], task="regression", thresholds={"mse": (None, 4)})
    (check,) = result.gate.checks
    assert (check.status, check.value, check.low, check.high) == ("pass", 4.0, None, None)
    assert check.reason == "mse 4 on 1 row is at most 4"
