"""A step: one call of a component in a run, from the call to its end."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from dure.artifact import Artifact
from dure.errors import DureError, GateError, StepError, StepTimeoutError
from dure.gate import Gate
from dure.runner.attempt import Child, Failed
from dure.runner.cache import KeyParts
from dure.runner.call import Call
from dure.runner.events import State
from dure.runner.handle import step_of
from dure.runner.selection import Order
from dure.runner.store import Stored
from dure.runner.summary import StepSummary


@dataclass
class Step:
    """A step of a run.

    Written by its own thread alone, but for `demanded` and `child`, which the run sets and reads
    under its lock. Whoever waits for it waits for `future`.

    Attributes
    ----------
    name : str
        Its name, unique in the run.
    call : Call
        What is called, with what.
    order : {"ask", "run", "last"}
        What the selection says.
    upstream : frozenset of str
        Names of all steps that it needs.
    after : tuple of Step
        Steps that have to be over before it starts: its inputs' steps and the gates before it.
    """

    name: str
    call: Call
    order: Order
    upstream: frozenset[str]
    after: tuple[Step, ...]
    uid: str = field(default_factory=lambda: uuid.uuid4().hex)
    future: Future[Stored] = field(default_factory=Future)
    state: State | None = None
    reasons: tuple[str, ...] = ()
    summary: str = ""
    parts: KeyParts | None = None
    inputs: dict[str, str] = field(default_factory=dict)
    stored: Stored | None = None
    gate: dict[str, Any] | None = None
    error: StepError | None = None
    attempts: int = 0
    created: float = field(default_factory=time.time)
    started: float | None = None
    finished: float | None = None
    demanded: bool = False
    thread: threading.Thread | None = None
    child: Child | None = None

    @property
    def seconds(self) -> float:
        """Wall-clock seconds from its start to its end; 0 where it never started."""
        return (self.finished or time.time()) - self.started if self.started else 0.0

    @property
    def component(self) -> str:
        """Name of the component that was called."""
        return self.call.component.function.__name__

    @property
    def is_gate(self) -> bool:
        """Whether what it makes carries a verdict that can stop the run."""
        return self.call.component.output.gate is not Artifact.gate

    def to_summary(self) -> StepSummary:
        """Return the step as a value, for the run's report."""
        return StepSummary(
            name=self.name,
            component=self.component,
            state=self.state or "SKIPPED",
            reasons=self.reasons,
            seconds=self.seconds,
            summary=self.summary,
            parents=tuple(dict.fromkeys(step_of(h) for h in self.call.inputs.values())),
            settings={name: text for name, (_, text) in self.call.settings.items()},
            output=self.stored.uid if self.stored else None,
            path=str(self.stored.path) if self.stored else None,
            gate=self.gate,
            error=str(self.error) if self.error else None,
            kind=self.call.component.output,
        )


class StepFailedError(StepError):
    """A step raised; names the step, the user's own line, the error and the inputs.

    Attributes
    ----------
    where : Where or None
        The user's own line.
    error : BaseException
        What was raised.
    inputs : dict of str to str
        What the step was given.
    trace : str
        The whole traceback.
    """

    def __init__(self, step: str, failed: Failed, inputs: dict[str, str]) -> None:
        self.error = failed.error
        self.where = failed.where
        self.trace = failed.trace
        self.inputs = inputs
        own = isinstance(failed.error, DureError)
        cause = failed.error
        super().__init__(
            f"step '{step}' failed" + (f": {cause.what}" if isinstance(cause, DureError) else ""),
            step=step,
            expected=cause.expected if isinstance(cause, DureError) else None,
            got=cause.got if isinstance(cause, DureError) else None,
            fix=cause.fix if isinstance(cause, DureError) else None,
        )
        self._own = own

    def __str__(self) -> str:
        lines = super().__str__().split("\n")
        if not self._own:
            if self.where:
                lines.append(f"  at:       {self.where}")
            lines.append(f"  error:    {type(self.error).__name__}: {self.error}")
        lines += [f"  {'input:':<10}{name} = {text}" for name, text in self.inputs.items()]
        return "\n".join(lines)


def explain(step: Step, error: BaseException) -> StepError:
    """Return what the user is told about an error of a step."""
    shown = {role: _readable(uid) for role, uid in step.inputs.items()}
    shown |= {name: step.call.settings[name][1] for name in step.call.chosen()}
    if isinstance(error, Failed):
        if isinstance(error.error, StepTimeoutError):
            return error.error
        told: StepError = StepFailedError(step.name, error, shown)
        told.__cause__ = error.error
        return told
    if isinstance(error, StepError):
        return error
    told = StepFailedError(step.name, Failed(error, None, ""), shown)
    told.__cause__ = error
    return told


def _readable(uid: str) -> str:
    kind, _, digest = uid.partition(":")
    return f"{kind}:{digest[:8]}"


def closed_gate(what: str, step: str, gate: Gate) -> GateError:
    """Return the error of a gate that failed: its checks, and what can be done."""
    failed = [f"{check.name}: {check.reason}" for check in gate.checks if check.status == "fail"]
    shown = failed[:_MOST_CHECKS]
    if len(failed) > len(shown):
        shown.append(f"and {len(failed) - len(shown)} more; the report shows all")
    return GateError(
        what,
        step=step,
        expected="every check of the gate passes",
        got="\n            ".join(shown),
        fix='mend what it found, or run again with --override "why"',
    )


_MOST_CHECKS = 8
