"""Who answers a component's call right now: a run, a plan, or the session of a script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
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


_folder: ContextVar[Path | None] = ContextVar("dure_folder", default=None)


def step_folder() -> Path | None:
    """Return a folder in which the step that runs here may write, or None outside of steps.

    It is on the file system of the store, so that what is written there can be linked into the
    artifact when that is saved. It is removed with all that is in it when the step has ended, or,
    where the run was killed, by the next run.
    """
    folder = _folder.get()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def working_in(folder: Path | None) -> Iterator[None]:
    """Have `step_folder` return ``folder`` inside, made when it is first asked for."""
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


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
