"""Who answers a component's call right now: a run, a plan, or the session of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from dure.errors import UsageError
from dure.progress import Progress, silent

if TYPE_CHECKING:
    from dure.runner.component import Component


class Caller(Protocol):
    """Takes the calls of components."""

    def call(
        self, component: Component[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Return a handle on what the component makes."""


_caller: ContextVar[Caller | None] = ContextVar("dure_caller", default=None)
_progress: ContextVar[Progress] = ContextVar("dure_progress", default=silent)


def caller() -> Caller | None:
    """Return who answers calls in this context, or None where nobody was set."""
    return _caller.get()


@contextmanager
def calling(who: Caller | None) -> Iterator[None]:
    """Have ``who`` answer the calls made inside."""
    token = _caller.set(who)
    try:
        yield
    finally:
        _caller.reset(token)


def step_progress() -> Progress:
    """Return the function to which the step that runs here reports how far it is."""
    return _progress.get()


@contextmanager
def reporting(to: Progress) -> Iterator[None]:
    """Have `step_progress` return ``to`` inside."""
    token = _progress.set(to)
    try:
        yield
    finally:
        _progress.reset(token)


_override: ContextVar[str | None] = ContextVar("dure_override", default=None)


def override_reason() -> str | None:
    """Return why failed gates do not stop what is called here, or None where they do."""
    return _override.get()


@contextmanager
def override(reason: str) -> Iterator[None]:
    """Let nothing called inside be stopped by a gate that failed; ``reason`` is recorded.

    Parameters
    ----------
    reason : str
        Why. Not empty.

    Raises
    ------
    UsageError
        If the reason is empty.
    """
    if not reason.strip():
        raise UsageError("an override needs a reason", expected="why the gate may be passed")
    token = _override.set(reason)
    try:
        yield
    finally:
        _override.reset(token)
