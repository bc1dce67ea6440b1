"""What a run would do, without doing it: which steps would be reused, which would run, and why."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dure.artifact import Artifact
from dure.errors import DureError
from dure.runner import context
from dure.runner.cache import Answer, Cache
from dure.runner.call import Call, take_apart
from dure.runner.component import Component
from dure.runner.handle import Handle, future_of, has_gate, resolved, value_of
from dure.runner.home import Home
from dure.runner.pipeline import Pipeline
from dure.runner.resources import check_feasible, machine
from dure.runner.run import numbered
from dure.runner.selection import Selection
from dure.runner.store import Store, Stored, digest_folder

Will = Literal["reuse", "run", "leave out", "stop"]


@dataclass(frozen=True)
class Planned:
    """What would happen to one step.

    Parameters
    ----------
    step : str
        Its name.
    will : {"reuse", "run", "leave out", "stop"}
        ``"stop"``: a gate before it would keep it from running.
    reasons : tuple of str
        Why, in words.
    upstream : frozenset of str
        Names of all steps that it needs.
    """

    step: str
    will: Will
    reasons: tuple[str, ...]
    upstream: frozenset[str]


class PlanEndsError(DureError):
    """The pipeline looked at something that a step has yet to make."""

    def __init__(self, step: str) -> None:
        super().__init__(f"what follows depends on what '{step}' makes when it runs")
        self.step = step


class Plan:
    """Takes the calls of components and says what a run would do with each.

    Attributes
    ----------
    steps : list of Planned
        One entry a call, in order.
    ends : str or None
        Where the plan cannot see further: it depends on what this step makes.
    """

    def __init__(
        self, pipeline: str, home: Home, selection: Selection, override: str | None
    ) -> None:
        self.steps: list[Planned] = []
        self.ends: str | None = None
        self._pipeline = pipeline
        self._selection = selection
        self._override = override
        self._cache = Cache(Store(home.root))
        self._machine = machine()
        self._names: dict[Future[Stored], str] = {}
        self._stopped_by: str | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="dure-plan-")

    def call(
        self, component: Component[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Handle:
        """Note what a run would do with this call and return a handle on what it would make."""
        call = take_apart(component, args, kwargs, self._keep)
        name = numbered(component.settings.name, {step.step for step in self.steps})
        check_feasible(name, component.settings.resources, self._machine)
        parents = [
            self._names[future]
            for handle in call.inputs.values()
            if (future := future_of(handle)) in self._names
        ]
        by_name = {step.step: step for step in self.steps}
        upstream = frozenset(n for parent in parents for n in (parent, *by_name[parent].upstream))
        planned, future = self._plan(name, call, upstream)
        self.steps.append(planned)
        self._names[future] = name
        handle = Handle(name, component.output, future)
        if planned.will == "reuse":
            self._look_at_gate(name, handle)
        return handle

    def _plan(
        self, name: str, call: Call, upstream: frozenset[str]
    ) -> tuple[Planned, Future[Stored]]:
        future: Future[Stored] = Future()
        if self._stopped_by is not None:
            future.set_exception(PlanEndsError(self._stopped_by))
            reason = f"the gate of '{self._stopped_by}' failed"
            return Planned(name, "stop", (reason,), upstream), future
        unknown = [
            self._names[future_of(handle)]
            for handle in call.inputs.values()
            if isinstance(future_of(handle).exception(), PlanEndsError)
        ]
        answer = self._answer(name, call, upstream, unknown)
        if answer.found is not None:
            future.set_result(answer.found.stored)
            return Planned(name, "reuse", answer.reasons, upstream), future
        future.set_exception(PlanEndsError(name))
        return Planned(name, "run", answer.reasons, upstream), future

    def _answer(
        self, name: str, call: Call, upstream: frozenset[str], unknown: list[str]
    ) -> Answer:
        order = self._selection.order(name, upstream)
        if order == "last":
            found = self._cache.last(self._pipeline, name)
            if found is None:
                return Answer(None, ("it has no result to take: a run would fail here",))
            return Answer(found, (f"taken as it was in run {found.run}",))
        if order == "run":
            return Answer(None, ("asked for by --from, --only or --no-cache",))
        if not call.component.settings.cache:
            return Answer(None, ("its component is declared with cache=False",))
        if call.opaque:
            return Answer(None, call.opaque)
        if unknown:
            makers = list(dict.fromkeys(unknown))
            verb = "runs" if len(makers) == 1 else "run"
            names = ", ".join(f"'{maker}'" for maker in makers)
            return Answer(None, (f"{names} {verb} before it; reused if that makes the same",))
        inputs = {role: future_of(handle).result().uid for role, handle in call.inputs.items()}
        return self._cache.ask(self._pipeline, name, call.parts(inputs), call.component.output)

    def _look_at_gate(self, name: str, handle: Handle) -> None:
        if not has_gate(handle) or self._override or self._selection.only:
            return
        gate = value_of(handle).gate
        if gate is not None and gate.status == "fail":
            self._stopped_by = name

    def _keep(self, role: str, value: Artifact) -> Handle:
        folder = Path(tempfile.mkdtemp(dir=self._scratch.name))
        value.save(folder)
        kind = type(value)
        return resolved(
            f"given as {role}", kind, Stored(kind.__name__, digest_folder(folder), folder)
        )

    def close(self) -> None:
        """Leave out what the selection does not ask for, and clean up."""
        self._scratch.cleanup()
        target = self._selection.target
        goal = next((step for step in self.steps if step.step == target), None)
        if goal is None:
            return
        needed = {goal.step, *goal.upstream}
        self.steps = [
            step
            if step.step in needed
            else Planned(
                step.step, "leave out", ("not needed for what was asked for",), step.upstream
            )
            for step in self.steps
        ]


def make_plan(
    target: Pipeline[..., Any],
    arguments: Mapping[str, Any],
    home: Home,
    *,
    selection: Selection | None = None,
    override: str | None = None,
) -> Plan:
    """Return what ``execute`` with the same arguments would do.

    The pipeline's function is called; its components are not. Where it looks at something that
    a step has yet to make, the plan ends there and says so.
    """
    plan = Plan(target.name, home, selection or Selection(), override)
    try:
        with context.calling(plan):
            target.function(**arguments)
    except PlanEndsError as error:
        plan.ends = error.step
    finally:
        plan.close()
    return plan
