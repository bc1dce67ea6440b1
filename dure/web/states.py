"""What the states of runs and steps are called, and which sign and colour they have."""

from __future__ import annotations

from collections.abc import Mapping

from dure import draw
from dure.runner.summary import StepSummary

_STEPS: Mapping[str, tuple[str, str]] = {
    "COMPLETE": ("ran", "pass"),
    "CACHED": ("reused", "reused"),
    "FAILED": ("failed", "fail"),
    "CANCELED": ("interrupted", "warn"),
    "RUNNING": ("interrupted", "warn"),
    "SKIPPED": ("not run", "skip"),
}
_RUNS: Mapping[str, tuple[str, str]] = {
    "COMPLETE": ("complete", "pass"),
    "FAILED": ("failed", "fail"),
    "CANCELED": ("interrupted", "warn"),
}
_GATES: Mapping[str, str] = {
    "pass": "gate passed",
    "fail": "gate failed",
    "skip": "gate not asked",
}


def of_step(step: StepSummary) -> tuple[str, str]:
    """Return the word for a step's state, and its status for `dure.draw`."""
    return _STEPS.get(step.state, (step.state.lower(), "skip"))


def order(word: str) -> int:
    """Return the place of a step's word in a list of all: what went well comes first."""
    words = list(dict.fromkeys(known for known, _ in _STEPS.values()))
    return words.index(word) if word in words else len(words)


def of_run(state: str) -> tuple[str, str]:
    """Return the word for a run's state, and its status for `dure.draw`."""
    return _RUNS.get(state, (state.lower(), "skip"))


def of_gate(step: StepSummary) -> tuple[str, str] | None:
    """Return the words for the verdict that a step's artifact carries, and its status."""
    if step.gate is None:
        return None
    status = str(step.gate.get("status", "skip"))
    return _GATES.get(status, f"gate: {status}"), status


def took(step: StepSummary) -> str:
    """Return how long a step took, or nothing where it did not run."""
    if step.state in ("CACHED", "SKIPPED"):
        return ""
    return draw.duration(step.seconds)
