"""A run as one value: what its report shows, and what ``report.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dure.artifact import Artifact


@dataclass(frozen=True)
class StepSummary:
    """A step of a run.

    Parameters
    ----------
    name, component : str
        The step's name in the run, and its component's.
    state : str
        ``"COMPLETE"``, ``"CACHED"``, ``"FAILED"``, ``"CANCELED"`` or ``"SKIPPED"``.
    reasons : tuple of str
        Why it ran or was reused.
    seconds : float
        Wall-clock seconds.
    summary : str
        What it made in one line, or its error.
    parents : tuple of str
        The steps whose artifacts it took.
    settings : mapping of str to str
        Its settings as people read them.
    output : str or None
        ``Type:digest`` of what it made.
    path : str or None
        Folder of what it made.
    gate : mapping or None
        The verdict that its artifact carries; see `dure.gate.Gate.to_dict`.
    error : str or None
        What stopped it.
    kind : type
        The artifact class that it makes. Not part of the JSON.
    """

    name: str
    component: str
    state: str
    reasons: tuple[str, ...]
    seconds: float
    summary: str
    parents: tuple[str, ...]
    settings: Mapping[str, str]
    output: str | None
    path: str | None
    gate: Mapping[str, Any] | None
    error: str | None
    kind: type[Artifact] = field(repr=False, compare=False)

    def artifact(self) -> Artifact | None:
        """Return what the step made, loaded, or None where it made nothing."""
        return None if self.path is None else self.kind.load(Path(self.path))


@dataclass(frozen=True)
class RunSummary:
    """A run that is over.

    Parameters
    ----------
    run, pipeline : str
        Their names.
    state : str
        ``"COMPLETE"``, ``"FAILED"`` or ``"CANCELED"``.
    parameters : mapping of str to str
        The pipeline's parameters as people read them.
    started : float
        When it began, in unix seconds.
    seconds : float
        How long it took.
    override : str or None
        Why failed gates did not stop it.
    error : str or None
        What stopped it.
    steps : tuple of StepSummary
        Its steps in the order in which they were called.
    """

    run: str
    pipeline: str
    state: str
    parameters: Mapping[str, str]
    started: float
    seconds: float
    override: str | None
    error: str | None
    steps: tuple[StepSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON-ready values."""
        record = asdict(self)
        for step in record["steps"]:
            del step["kind"]
        return record
