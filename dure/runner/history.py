"""Questions about runs that are over, answered from the lineage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dure.errors import LineageError, nearest
from dure.lineage import ArtifactRecord, ContextRecord, ExecutionRecord, Lineage
from dure.runner.cache import KeyParts, differences


@dataclass(frozen=True)
class StepHistory:
    """A step of a past run.

    Parameters
    ----------
    execution : ExecutionRecord
        How it went.
    output : ArtifactRecord or None
        What it made.
    """

    execution: ExecutionRecord
    output: ArtifactRecord | None

    @property
    def reasons(self) -> list[str]:
        """Why it ran or was reused, in words."""
        return [str(reason) for reason in _list(self.execution.properties.get("reasons"))]

    @property
    def parts(self) -> KeyParts | None:
        """What its key was made of; None where it did not get that far."""
        record = self.execution.properties.get("parts")
        return KeyParts.from_dict(record) if isinstance(record, dict) else None

    @property
    def seconds(self) -> float:
        """Wall-clock seconds."""
        finished = self.execution.finished
        return 0.0 if finished is None else finished - self.execution.started


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def steps_of(lineage: Lineage, run: str) -> list[StepHistory]:
    """Return the steps of a run, in the order in which they began."""
    found = []
    for execution in lineage.executions(run):
        made = lineage.outputs(execution.uid)
        found.append(StepHistory(execution, next(iter(made.values()), None)))
    return found


def step_of_run(lineage: Lineage, run: ContextRecord, step: str) -> StepHistory:
    """Return one step of a run.

    Raises
    ------
    LineageError
        If the run has no such step.
    """
    steps = {item.execution.step: item for item in steps_of(lineage, run.name)}
    if step not in steps:
        raise LineageError(f"run {run.name} has no step '{step}'", fix=nearest(step, steps))
    return steps[step]


@dataclass(frozen=True)
class StepDifference:
    """What differs in one step between two runs.

    Parameters
    ----------
    step : str
        Its name.
    causes : tuple of str
        What differs in settings, code, packages and inputs, in words.
    before, after : str
        What it made, in one line; empty where it made nothing.
    same : bool
        Whether both made the very same artifact.
    """

    step: str
    causes: tuple[str, ...]
    before: str
    after: str
    same: bool


@dataclass(frozen=True)
class RunDifference:
    """What differs between two runs.

    Parameters
    ----------
    parameters : dict of str to (str or None, str or None)
        Parameters of the pipelines that differ, before and after.
    steps : tuple of StepDifference
        One entry for each step of either run.
    """

    parameters: dict[str, tuple[str | None, str | None]]
    steps: tuple[StepDifference, ...]


def compare(lineage: Lineage, before: ContextRecord, after: ContextRecord) -> RunDifference:
    """Return what differs between two runs in settings, code, data and results."""
    old, new = _parameters(before), _parameters(after)
    changed = {
        name: (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }
    left = {item.execution.step: item for item in steps_of(lineage, before.name)}
    right = {item.execution.step: item for item in steps_of(lineage, after.name)}
    names = [*right, *(name for name in left if name not in right)]
    steps = tuple(_compare_step(name, left.get(name), right.get(name)) for name in names)
    return RunDifference(changed, steps)


def _parameters(run: ContextRecord) -> dict[str, str]:
    kept = run.properties.get("parameters")
    return {str(k): str(v) for k, v in kept.items()} if isinstance(kept, dict) else {}


def _compare_step(
    name: str, before: StepHistory | None, after: StepHistory | None
) -> StepDifference:
    if before is None:
        return StepDifference(name, ("the step is new",), "", _made(after), same=False)
    if after is None:
        return StepDifference(name, ("the step is gone",), _made(before), "", same=False)
    causes: list[str] = []
    if before.parts and after.parts:
        causes = differences(before.parts, after.parts)
    one, two = before.output, after.output
    same = one is not None and two is not None and one.uid == two.uid
    return StepDifference(name, tuple(causes), _made(before), _made(after), same)


def _made(item: StepHistory | None) -> str:
    return "" if item is None or item.output is None else item.output.summary


def find_artifact(lineage: Lineage, reference: str) -> ArtifactRecord:
    """Return the artifact that a reference names.

    Parameters
    ----------
    lineage : Lineage
        Where to look.
    reference : str
        ``Type:digest`` or the beginning of it, the beginning of a digest, ``RUN/STEP``, or the
        name of a step, for what it made in the last run.

    Raises
    ------
    LineageError
        If there is none, or more than one.
    """
    run, slash, step = reference.rpartition("/")
    if slash:
        return _output(step_of_run(lineage, lineage.run(run), step))
    runs = lineage.runs(limit=1)
    if runs:
        steps = {item.execution.step: item for item in steps_of(lineage, runs[0].name)}
        if reference in steps:
            return _output(steps[reference])
    return lineage.artifact(reference)


def _output(item: StepHistory) -> ArtifactRecord:
    if item.output is None:
        raise LineageError(
            f"step '{item.execution.step}' of run {item.execution.run} made nothing",
            got=f"it ended as {item.execution.state}",
        )
    return item.output
