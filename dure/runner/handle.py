"""What a component's call returns: stands for the artifact, waits for it and loads it when used."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from dure.artifact import Artifact
from dure.runner.store import Stored


class Handle:
    """A stand-in for an artifact that a step makes.

    Reading an attribute, an item, its length or its text waits for the step and loads the
    artifact; passing it to another component does neither. ``isinstance`` sees the artifact's
    class. Safe to use from any thread.
    """

    __slots__ = (
        "__weakref__",
        "_dure_demand",
        "_dure_future",
        "_dure_kind",
        "_dure_load",
        "_dure_step",
    )

    def __init__(
        self,
        step: str,
        kind: type[Artifact],
        future: Future[Stored],
        demand: Callable[[], None] | None = None,
    ) -> None:
        set_slot = object.__setattr__
        set_slot(self, "_dure_step", step)
        set_slot(self, "_dure_kind", kind)
        set_slot(self, "_dure_future", future)
        set_slot(self, "_dure_demand", demand)
        set_slot(self, "_dure_load", _Once(lambda: kind.load(stored_of(self).path)))

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        kind: type[Artifact] = self._dure_kind
        return kind

    def __getattr__(self, name: str) -> Any:
        return getattr(value_of(self), name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"an artifact is not changed after it was made (tried to set {name!r})"
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(
            f"an artifact is not changed after it was made (tried to delete {name!r})"
        )

    def __dir__(self) -> list[str]:
        return dir(self._dure_kind)

    def __len__(self) -> int:
        return len(value_of(self))

    def __iter__(self) -> Iterator[Any]:
        return iter(value_of(self))

    def __getitem__(self, key: Any) -> Any:
        return value_of(self)[key]

    def __contains__(self, item: object) -> bool:
        return item in value_of(self)

    def __bool__(self) -> bool:
        return bool(value_of(self))

    def __eq__(self, other: object) -> bool:
        if type(other) is Handle:
            return stored_of(self) == stored_of(other)
        return bool(value_of(self) == other)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return repr(value_of(self))

    def __str__(self) -> str:
        return str(value_of(self))

    def __reduce__(self) -> tuple[Any, ...]:
        stored = stored_of(self)
        return _revive, (self._dure_step, self._dure_kind, stored)


class _Once:
    """Calls a function at most once, whatever thread asks first."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._lock = threading.Lock()
        self._result: list[Any] = []

    def __call__(self) -> Any:
        with self._lock:
            if not self._result:
                self._result.append(self._function())
        return self._result[0]


def _revive(step: str, kind: type[Artifact], stored: Stored) -> Handle:
    return resolved(step, kind, stored)


def resolved(step: str, kind: type[Artifact], stored: Stored) -> Handle:
    """Return a handle on an artifact that is there already."""
    future: Future[Stored] = Future()
    future.set_result(stored)
    return Handle(step, kind, future)


def stored_of(handle: Handle) -> Stored:
    """Return where the artifact is, waiting for its step; raises what the step raised."""
    if handle._dure_demand is not None:  # noqa: SLF001 - the other half of Handle
        handle._dure_demand()  # noqa: SLF001 - the other half of Handle
    error = outcome(handle._dure_future)  # noqa: SLF001 - the other half of Handle
    if error is not None:
        raise error
    return handle._dure_future.result()  # type: ignore[no-any-return]  # noqa: SLF001 - the other half of Handle


def value_of(handle: Handle) -> Any:
    """Return the artifact itself, waiting for its step; raises what the step raised."""
    stored_of(handle)
    return handle._dure_load()  # noqa: SLF001 - the other half of Handle


def step_of(handle: Handle) -> str:
    """Return the name of the step that makes the artifact."""
    return str(handle._dure_step)  # noqa: SLF001 - the other half of Handle


def is_handle(value: object) -> bool:
    """Return whether ``value`` is a handle; ``isinstance`` would be told the artifact's class."""
    return type(value) is Handle


def future_of(handle: Handle) -> Future[Stored]:
    """Return what tells one step's handles from another's."""
    future: Future[Stored] = handle._dure_future  # noqa: SLF001 - the other half of Handle
    return future


def has_gate(handle: Handle) -> bool:
    """Return whether the artifact is of a kind that carries a verdict."""
    return handle._dure_kind.gate is not Artifact.gate  # noqa: SLF001 - the other half of Handle


def outcome(future: Future[Stored]) -> BaseException | None:
    """Wait for a step, and return its error or None.

    The main thread, which Ctrl-C is meant for, never waits without end: a library's signal
    handler may have the system restart a wait that Ctrl-C broke off, and Python would hear of it
    only when the step is over.
    """
    main = threading.current_thread() is threading.main_thread()
    while main and not future.done():
        concurrent.futures.wait([future], timeout=_PATIENCE)
    return future.exception()


_PATIENCE = 0.2
