"""The one form of every gate: pass, fail or skip, with its checks and their numbers.

A gate is the verdict that an artifact carries about itself: anomalies about the data, an
evaluation about the model. A gate that fails stops what comes after it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["pass", "fail", "skip"]


@dataclass(frozen=True)
class Check:
    """One question of a gate, and its answer.

    Parameters
    ----------
    name : str
        What was asked, such as ``"auc >= 0.7"``.
    status : {"pass", "fail", "skip"}
        The answer. ``"skip"``: the question could not be asked; ``reason`` says why.
    reason : str
        The answer in words, with its numbers.
    value : float, optional
        The number that was judged.
    low, high : float, optional
        The ends of its 95 % interval.
    count : int, optional
        How many rows it rests on.
    """

    name: str
    status: Status
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    count: int | None = None


@dataclass(frozen=True)
class Gate:
    """The verdict over all checks.

    Parameters
    ----------
    checks : tuple of Check
        Every question that was asked.

    Notes
    -----
    The gate fails when any check fails, is skipped when no check was asked or all were skipped,
    and passes otherwise.
    """

    checks: tuple[Check, ...] = ()

    @property
    def status(self) -> Status:
        """``"pass"``, ``"fail"`` or ``"skip"``."""
        answers = {check.status for check in self.checks}
        if "fail" in answers:
            return "fail"
        return "pass" if "pass" in answers else "skip"

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons of the checks that decided the status."""
        return tuple(check.reason for check in self.checks if check.status == self.status)

    def to_dict(self) -> dict[str, Any]:
        """Return the gate as JSON-ready values."""
        return {"status": self.status, "checks": [asdict(check) for check in self.checks]}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Gate:
        """Return the gate that `to_dict` wrote."""
        return cls(tuple(Check(**check) for check in record["checks"]))
