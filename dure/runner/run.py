"""A run: takes the calls of components and sees each step through to its end.

Every step has a thread that waits for the steps before it, asks the cache, waits for its share of
the machine, runs, publishes and records. Steps that do not depend on each other therefore run
side by side, and nothing schedules them. A gate is a barrier: what is called after it waits for
its verdict, so that whether a step runs never depends on which thread was faster.
"""

from __future__ import annotations

import contextlib
import contextvars
import ctypes
import functools
import secrets
import threading
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dure.artifact import Artifact
from dure.errors import StepError, UsageError, nearest
from dure.gate import Gate
from dure.runner import context
from dure.runner.attempt import Child, Failed, attempt
from dure.runner.cache import Answer, Cache, Found
from dure.runner.call import take_apart
from dure.runner.component import Component
from dure.runner.events import (
    Event,
    Listener,
    Remarked,
    State,
    StepEnded,
    StepProgressed,
    StepRetried,
    StepStarted,
)
from dure.runner.handle import (
    Handle,
    future_of,
    has_gate,
    outcome,
    resolved,
    step_of,
    stored_of,
    value_of,
)
from dure.runner.home import Home
from dure.runner.lazy import settle
from dure.runner.memory import Memory
from dure.runner.resources import Admission, check_feasible, machine
from dure.runner.selection import Selection
from dure.runner.step import Step, closed_gate, explain
from dure.runner.store import Store, Stored
from dure.runner.summary import RunSummary

_GRACE = 5.0
"""Seconds that running steps are given to end after an interruption."""


class NotRunError(StepError):
    """A step was not run, because of another one.

    Attributes
    ----------
    why : str
        The reason alone.
    """

    def __init__(self, step: str, why: str) -> None:
        super().__init__(f"step '{step}' was not run: {why}", step=step)
        self.why = why


class EnoughError(Exception):
    """The pipeline looked at a step that was not asked for: there is nothing left to do."""


def new_run_name() -> str:
    """Return a name for a run: its time, and two letters against a tie."""
    return time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)


def numbered(wanted: str, taken: Collection[str]) -> str:
    """Return ``wanted``, or ``wanted-2``, ``-3``, ... where it is taken."""
    count, name = 2, wanted
    while name in taken:
        name, count = f"{wanted}-{count}", count + 1
    return name


class Run:
    """One run of a pipeline, or the calls of one script or notebook.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline.
    home : Home
        Where everything is kept.
    parameters : mapping of str to str, optional
        The pipeline's parameters, as people read them.
    selection : Selection, optional
        Which steps run.
    override : str, optional
        Why gates that fail do not stop this run. Recorded.
    listener : callable, optional
        Told what happens; called from any thread, one event at a time.
    interactive : bool
        Whether each call is carried out before it returns, in the calling thread.
    """

    def __init__(
        self,
        pipeline: str,
        home: Home,
        *,
        parameters: Mapping[str, str] | None = None,
        selection: Selection | None = None,
        override: str | None = None,
        listener: Listener | None = None,
        interactive: bool = False,
    ) -> None:
        self.name = new_run_name()
        self.pipeline = pipeline
        self.home = home
        self.parameters = dict(parameters or {})
        self.override = override
        self.steps: list[Step] = []
        self.started = time.time()
        self.failure: StepError | None = None
        self.error: BaseException | None = None
        self._selection = selection or Selection()
        self._listener = listener
        self._interactive = interactive
        self._store = Store(home.root)
        self._cache = Cache(self._store)
        self._memory = Memory(home, self.name, pipeline, self.parameters, self._remark)
        self._machine = machine()
        self._admission = Admission(self._machine)
        self._lock = threading.RLock()
        self._telling = threading.Lock()
        self._by_future: dict[Future[Stored], Step] = {}
        self._stop = threading.Event()
        self._cancelled = False
        self._cleanup = contextlib.ExitStack()
        self._staging = Path()

    # --- the run as a whole -------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._store.sweep(self._memory.interrupted)
        self._staging = self._cleanup.enter_context(self._store.staging(self.name))
        self._memory.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if isinstance(error, KeyboardInterrupt):
                self.cancel()
            self.error = error
            self._memory.end(self._state(), {"override": self.override})
        finally:
            self._cleanup.close()

    def _state(self) -> str:
        if self._cancelled:
            return "CANCELED"
        return "FAILED" if self.error is not None or self.failure is not None else "COMPLETE"

    def drain(self) -> None:
        """Let no further step begin, and wait for those under way."""
        self._stop.set()
        self._admission.wake()
        for step in self.steps:
            if step.demanded:
                outcome(step.future)

    def wait(self) -> None:
        """Wait until every step that was asked for is over; raise what stopped the run."""
        target = self._selection.target
        if target is not None and target not in {step.name for step in self.steps}:
            raise UsageError(
                f"no step is called '{target}'",
                fix=nearest(target, [step.name for step in self.steps]),
            )
        for step in self.steps:
            if step.demanded:
                outcome(step.future)
            elif step.state is None:
                self._leave_out(step)
        if self.failure is not None:
            raise self.failure

    def summary(self) -> RunSummary:
        """Return the run as one value, for its report."""
        ended = self.failure or self.error
        return RunSummary(
            run=self.name,
            pipeline=self.pipeline,
            state=self._state(),
            parameters=self.parameters,
            started=self.started,
            seconds=time.time() - self.started,
            override=self.override,
            error=None if ended is None else str(ended) or type(ended).__name__,
            steps=tuple(step.to_summary() for step in self.steps),
        )

    def cancel(self) -> None:
        """Stop all steps, and wait a little until they have ended."""
        with self._lock:
            self._cancelled = True
            self._stop.set()
            running = [s for s in self.steps if s.thread is not None and s.thread.is_alive()]
        self._admission.wake()
        for step in running:
            if step.child is not None:
                step.child.kill()
            elif step.thread is not None and step.thread.ident is not None:
                # Raises KeyboardInterrupt in the thread at its next Python instruction.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(step.thread.ident), ctypes.py_object(KeyboardInterrupt)
                )
        deadline = time.monotonic() + _GRACE
        for step in running:
            if step.thread is not None:
                step.thread.join(max(0.0, deadline - time.monotonic()))

    # --- calls --------------------------------------------------------------------------------

    def call(
        self, component: Component[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Handle:
        """Make a step of a component's call and return a handle on what it makes."""
        call = take_apart(component, args, kwargs, self._keep)
        with self._lock:
            name = self._name(component.settings.name)
            check_feasible(name, component.settings.resources, self._machine)
            parents = tuple(
                self._by_future[future]
                for handle in call.inputs.values()
                if (future := future_of(handle)) in self._by_future
            )
            upstream = frozenset(name for step in parents for name in (step.name, *step.upstream))
            order = self._selection.order(name, upstream)
            step = Step(name, call, order, upstream, (*parents, *self._gates()))
            self.steps.append(step)
            self._by_future[step.future] = step
        handle = Handle(name, component.output, step.future, functools.partial(self._ask, step))
        if self._interactive:
            step.demanded = True
            self._work(step)
            if step.error is not None:
                raise step.error
        elif not self._selection.on_demand or name == self._selection.target:
            self._demand(step)
        return handle

    def _name(self, wanted: str) -> str:
        # A cell that is run again is the same step again, so a session does not count.
        if self._interactive:
            return wanted
        return numbered(wanted, {step.name for step in self.steps})

    def _gates(self) -> tuple[Step, ...]:
        """Return the gates called so far, whose verdicts the next step waits for."""
        if self._interactive or self._selection.only is not None:
            return ()
        return tuple(step for step in self.steps if step.is_gate)

    def _keep(self, role: str, value: Artifact) -> Handle:
        """Put an artifact that the user made by hand into the store."""
        stored = self._store.publish(value, self._staging)
        self._memory.given(stored, value)
        return resolved(f"given as {role}", type(value), stored)

    def _ask(self, step: Step) -> None:
        """Start a step because the pipeline looks at what it makes.

        Raises
        ------
        EnoughError
            If only a part of the pipeline was asked for, and that part is under way.
        """
        if self._selection.on_demand and not step.demanded:
            target = self._selection.target
            if any(other.name == target for other in self.steps):
                raise EnoughError
        self._demand(step)

    def _demand(self, step: Step) -> None:
        """Start a step and all that it needs, unless they were started before."""
        pending = [step]
        while pending:
            wanted = pending.pop()
            with self._lock:
                if wanted.demanded:
                    continue
                wanted.demanded = True
            pending += wanted.after
            # The context carries the user's own context variables into the thread.
            body = functools.partial(contextvars.copy_context().run, self._work, wanted)
            wanted.thread = threading.Thread(target=body, name=f"dure {wanted.name}", daemon=True)
            wanted.thread.start()

    # --- one step -----------------------------------------------------------------------------

    def _work(self, step: Step) -> None:
        """Carry a step out; its future gets the result or the error, whatever happens."""
        try:
            stored = self._carry_out(step)
        except BaseException as error:
            try:
                self._end_badly(step, error)
            finally:
                if not step.future.done():  # nobody may be left waiting
                    step.future.set_exception(NotRunError(step.name, f"it broke off: {error}"))
            if isinstance(error, KeyboardInterrupt) and self._interactive:
                raise
        else:
            step.future.set_result(stored)

    def _carry_out(self, step: Step) -> Stored:
        self._wait_for(step)
        step.started = time.time()
        step.inputs = {role: stored_of(h).uid for role, h in step.call.inputs.items()}
        self._check_gates(step)
        step.parts = step.call.parts(step.inputs)
        answer = self._answer(step)
        step.reasons = answer.reasons
        if answer.found is not None:
            step.stored, step.summary = answer.found.stored, answer.found.summary
            if step.order == "ask":
                self._cache.touch(self.pipeline, step.name, step.parts)
            self._end(step, "CACHED")
        else:
            self._execute(step)
        assert step.stored is not None
        self._judge(step)
        return step.stored

    def _wait_for(self, step: Step) -> None:
        for earlier in step.after:
            error = outcome(earlier.future)
            if error is not None:
                raise NotRunError(step.name, f"'{earlier.name}' did not finish")
        self._check_stopped(step)

    def _check_stopped(self, step: Step) -> None:
        if self._stop.is_set():
            raise NotRunError(step.name, "the run was stopped")

    def _check_gates(self, step: Step) -> None:
        """Refuse an artifact whose own gate failed, wherever it comes from."""
        if self._overridden():
            return
        for handle in step.call.inputs.values():
            if has_gate(handle):
                gate: Gate | None = value_of(handle).gate
                if gate is not None and gate.status == "fail":
                    maker = step_of(handle)
                    what = f"step '{step.name}' was not run: the gate of '{maker}' failed"
                    raise closed_gate(what, step.name, gate)

    def _overridden(self) -> str | None:
        return self.override or context.override_reason()

    def _answer(self, step: Step) -> Answer:
        assert step.parts is not None
        if step.order == "last":
            found = self._cache.last(self.pipeline, step.name)
            if found is None:
                raise StepError(
                    f"step '{step.name}' has no result to take",
                    step=step.name,
                    expected="an earlier run of this pipeline that finished the step",
                    fix="run the whole pipeline once, or choose an earlier step with --from",
                )
            return Answer(found, (f"taken as it was in run {found.run}: only a part runs now",))
        if step.order == "run":
            return Answer(None, ("asked for by --from, --only or --no-cache",))
        if not step.call.component.settings.cache:
            return Answer(None, ("its component is declared with cache=False",))
        if step.call.opaque:
            return Answer(None, step.call.opaque)
        return self._cache.ask(self.pipeline, step.name, step.parts, step.call.component.output)

    def _execute(self, step: Step) -> None:
        assert step.parts is not None
        options = step.call.component.settings
        with self._admission.admit(options.resources, self._stop.is_set):
            self._check_stopped(step)
            step.state = "RUNNING"
            self._memory.step(step)
            self.tell(StepStarted(step.name, step.reasons))
            settle({*step.call.packages, *options.packages})
            step.stored, step.summary = self._attempts(step)
        changed = step.call.changed_sources()
        if changed:
            # The key speaks of what was there at the call; nobody knows which the step has read.
            names = ", ".join(f"'{name}'" for name in changed)
            self._remark(f"{names} changed while '{step.name}' ran: its result will not be reused")
        else:
            found = Found(step.stored, self.name, step.uid, step.summary)
            self._cache.put(self.pipeline, step.name, step.parts, found)
        self._end(step, "COMPLETE")

    def _attempts(self, step: Step) -> tuple[Stored, str]:
        options = step.call.component.settings
        while True:
            step.attempts += 1
            try:
                return self._attempt(step)
            except Failed as failed:
                if step.attempts > options.retries or self._stop.is_set():
                    raise
                pause = min(60.0, options.backoff * 2 ** (step.attempts - 1))
                reason = f"{type(failed.error).__name__}: {failed.error}".split("\n", 1)[0]
                self.tell(StepRetried(step.name, step.attempts, options.retries, pause, reason))
                self._stop.wait(pause)

    def _attempt(self, step: Step) -> tuple[Stored, str]:
        def progress(
            done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
        ) -> None:
            self.tell(StepProgressed(step.name, done, total, unit, note))

        timeout = step.call.component.settings.timeout
        if timeout is None:
            stored, made = attempt(
                step.call, step.call.inputs, self._store, self._staging, progress
            )
            return stored, made.summary()
        step.child = Child(step.name, timeout)
        inputs = {role: stored_of(handle) for role, handle in step.call.inputs.items()}
        folder = step.child.attempt(step.call, inputs, self._staging, progress)
        kind = step.call.component.output
        stored = self._store.adopt(folder, kind.__name__)
        return stored, kind.load(stored.path).summary()

    def _judge(self, step: Step) -> None:
        """Stop the run where the step's artifact says so."""
        gate = None if step.gate is None else Gate.from_dict(step.gate)
        if gate is None or gate.status != "fail":
            return
        reason = self._overridden()
        if reason is not None:
            self._remark(f"the gate of '{step.name}' failed and was overridden: {reason}")
        elif not self._interactive:
            what = f"the gate of '{step.name}' failed, so nothing after it was run"
            self._halt(closed_gate(what, step.name, gate))

    def _halt(self, error: StepError) -> None:
        """Let no further step begin; the first error is the run's."""
        with self._lock:
            if self.failure is None:
                self.failure = error
        if not self._interactive:
            self._stop.set()
            self._admission.wake()

    # --- ends ---------------------------------------------------------------------------------

    def _end(self, step: Step, state: State) -> None:
        if step.is_gate and step.stored is not None and state in ("COMPLETE", "CACHED"):
            gate = step.call.component.output.load(step.stored.path).gate
            step.gate = None if gate is None else gate.to_dict()
        step.state, step.finished = state, time.time()
        self._memory.step(step)
        self.tell(StepEnded(step.name, state, step.reasons, step.seconds, step.summary))

    def _end_badly(self, step: Step, error: BaseException) -> None:
        interrupted = isinstance(error, KeyboardInterrupt)
        if interrupted and step.state in ("COMPLETE", "CACHED") and step.stored is not None:
            # It was over, and only the telling was interrupted.
            self._end(step, step.state)
            step.future.set_result(step.stored)
            return
        told: StepError
        state: State
        interrupted = interrupted or self._cancelled
        if interrupted and step.state == "RUNNING":
            told, state = NotRunError(step.name, "it was interrupted"), "CANCELED"
        elif interrupted:
            told, state = NotRunError(step.name, "the run was interrupted"), "SKIPPED"
            step.reasons = ("the run was interrupted",)
        elif isinstance(error, NotRunError):
            told, state = error, "SKIPPED"
            step.reasons = (error.why,)
        else:
            told, state = explain(step, error), "FAILED"
            self._halt(told)
        step.error, step.summary = told, told.what
        self._end(step, state)
        step.future.set_exception(told)

    def _leave_out(self, step: Step) -> None:
        step.reasons = ("not needed for what was asked for",)
        self._end(step, "SKIPPED")

    def tell(self, event: Event) -> None:
        """Pass an event on to the listener."""
        if self._listener is not None:
            with self._telling:
                self._listener(event)

    def _remark(self, text: str) -> None:
        self.tell(Remarked(text))
