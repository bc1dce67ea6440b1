"""Writes what a run does into the lineage, in ML Metadata's terms. Never stops a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dure.errors import LineageError
from dure.lineage import (
    ArtifactRecord,
    Change,
    ContextRecord,
    EventRecord,
    ExecutionRecord,
    Lineage,
    Recorder,
)
from dure.runner.home import Home
from dure.runner.step import Step
from dure.runner.store import Store


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
        self._home = home
        self._on_problem = on_problem
        self._store = Store(home.root)
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
        artifacts = [
            # Known better to the step that made it; this is for those that no step made.
            ArtifactRecord(type=kind, digest=digest, uri=str(self._store.locate(kind, digest).path))
            for kind, _, digest in (uid.partition(":") for uid in step.inputs.values())
        ]
        if step.stored is not None:
            artifacts.append(self._artifact(step))
            events.append(EventRecord(step.uid, step.stored.uid, "OUTPUT", "output"))
        self._recorder.record(
            Change(artifacts=tuple(artifacts), executions=(execution,), events=tuple(events))
        )

    def _artifact(self, step: Step) -> ArtifactRecord:
        assert step.stored is not None
        kind = step.call.component.output
        return ArtifactRecord(
            type=step.stored.type,
            digest=step.stored.digest,
            uri=str(step.stored.path),
            summary=step.summary,
            state="LIVE",
            created=step.finished or time.time(),
            properties={"class": f"{kind.__module__}:{kind.__qualname__}"},
        )

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

    def interrupted(self, runs: Sequence[str]) -> None:
        """Record that runs whose process died did not end: their running steps failed."""
        if not runs:
            return
        now = time.time()
        try:
            with Lineage.open(self._home.lineage) as lineage:
                for name in runs:
                    change = _death(lineage, name, now)
                    if change is not None:
                        lineage.apply(change)
        except (LineageError, OSError) as error:
            self._on_problem(f"runs that died could not be marked in the lineage: {error}")


def _death(lineage: Lineage, name: str, now: float) -> Change | None:
    """Return the change that ends a run whose process died, or None where it had ended."""
    try:
        run = lineage.run(name)
    except LineageError:
        return None  # it died before it was recorded
    if run.state != "RUNNING":
        return None
    ended = [
        replace(
            execution,
            state="FAILED",
            finished=now,
            properties={**execution.properties, "error": "its process died"},
        )
        for execution in lineage.executions(name)
        if execution.state == "RUNNING"
    ]
    return Change(contexts=(replace(run, state="FAILED"),), executions=tuple(ended))
