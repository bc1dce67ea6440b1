"""What a run says while it goes on, for whoever listens: a terminal, a log, a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

State = Literal["RUNNING", "COMPLETE", "CACHED", "FAILED", "CANCELED", "SKIPPED"]


@dataclass(frozen=True)
class StepStarted:
    """A step runs, and why it was not reused."""

    step: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class StepProgressed:
    """A step said how far it is; see `dure.progress.Progress`."""

    step: str
    done: float
    total: float | None
    unit: str
    note: str


@dataclass(frozen=True)
class StepRetried:
    """An attempt failed and is repeated after a pause."""

    step: str
    attempt: int
    of: int
    pause: float
    reason: str


@dataclass(frozen=True)
class StepEnded:
    """A step is over.

    Parameters
    ----------
    seconds : float
        Wall-clock seconds from its start, waiting for other steps not counted.
    summary : str
        The artifact in one line, or the error.
    """

    step: str
    state: State
    reasons: tuple[str, ...]
    seconds: float
    summary: str


@dataclass(frozen=True)
class Remarked:
    """Something that the user should know, such as lineage that could not be written."""

    text: str


Event = StepStarted | StepProgressed | StepRetried | StepEnded | Remarked
Listener = Callable[[Event], None]
