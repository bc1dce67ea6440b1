"""Writes what a run does into the lineage, in ML Metadata's terms. Never stops a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from dure.artifact import Artifact
from dure.lineage import (
    ArtifactRecord,
    Change,
    ContextRecord,
    EventRecord,
    ExecutionRecord,
    Recorder,
)
from dure.runner.home import Home
from dure.runner.step import Step
from dure.runner.store import Stored


class Memory:
    """The lineage of one run.

    Parameters
    ----------
    home : Home
        Where the lineage is.
    run, pipeline : str
        Names of the run and its pipeline.
    parameters : mapping of str to str
        The pipeline's parameters, as people read them.
    on_problem : callable
        Told, in words, when something could not be recorded.
    """

    def __init__(
        self,
        home: Home,
        run: str,
        pipeline: str,
        parameters: Mapping[str, str],
        on_problem: Callable[[str], None],
    ) -> None:
        self._recorder = Recorder(home.lineage, home.spool, on_problem=on_problem)
        self._run = run
        self._pipeline = pipeline
        self._parameters = dict(parameters)
        self._created = time.time()

    def begin(self) -> None:
        """Record that the run has begun."""
        self._recorder.record(Change(contexts=self._contexts("RUNNING", {})))

    def end(self, state: str, properties: Mapping[str, Any]) -> None:
        """Record how the run ended."""
        self._recorder.record(Change(contexts=self._contexts(state, properties)))
        self._recorder.close()

    def _contexts(self, state: str, properties: Mapping[str, Any]) -> tuple[ContextRecord, ...]:
        own = {"pipeline": self._pipeline, "parameters": self._parameters, **properties}
        return (
            ContextRecord("pipeline", self._pipeline, "ACTIVE", self._created, {}),
            ContextRecord("run", self._run, state, self._created, own),
        )

    def step(self, step: Step) -> None:
        """Record a step as it is now: begun, or ended with its artifact."""
        execution = ExecutionRecord(
            uid=step.uid,
            type=step.component,
            step=step.name,
            run=self._run,
            state=step.state or "RUNNING",
            started=step.started or step.created,
            finished=step.finished,
            key=step.parts.key if step.parts else None,
            properties=self._properties(step),
        )
        events = [EventRecord(step.uid, uid, "INPUT", role) for role, uid in step.inputs.items()]
        artifacts = []
        if step.stored is not None:
            kind = step.call.component.output
            artifacts.append(_artifact(step.stored, kind, step.summary))
            events.append(EventRecord(step.uid, step.stored.uid, "OUTPUT", "output"))
        self._recorder.record(
            Change(artifacts=tuple(artifacts), executions=(execution,), events=tuple(events))
        )

    def given(self, stored: Stored, value: Artifact) -> None:
        """Record an artifact that the user made by hand."""
        record = _artifact(stored, type(value), value.summary())
        self._recorder.record(Change(artifacts=(record,)))

    def _properties(self, step: Step) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "reasons": list(step.reasons),
            "summary": step.summary,
            "attempts": step.attempts,
            "upstream": sorted(step.upstream),
        }
        if step.parts is not None:
            kept["parts"] = step.parts.to_dict()
        if step.gate is not None:
            kept["gate"] = step.gate
        if step.error is not None:
            kept["error"] = str(step.error)
        return kept

    def interrupted(self, run: str) -> None:
        """Record that a run whose process died did not end: its running steps failed."""
        self._recorder.interrupt(run)


def _artifact(stored: Stored, kind: type[Artifact], summary: str) -> ArtifactRecord:
    return ArtifactRecord(
        type=stored.type,
        digest=stored.digest,
        uri=str(stored.path),
        summary=summary,
        state="LIVE",
        created=time.time(),
        properties={"class": f"{kind.__module__}:{kind.__qualname__}"},
    )
