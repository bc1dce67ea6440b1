"""What is remembered, as values: artifacts, executions, events and contexts.

Each record checks itself when it is made, and keeps its values as the database will give them
back: a record that was made is a record that can be written. Nothing here needs SQLAlchemy.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from dure.errors import LineageError
from dure.lineage import clean
from dure.lineage.clean import JSON

ArtifactState = Literal["LIVE", "DELETED"]
ExecutionState = Literal["RUNNING", "COMPLETE", "CACHED", "FAILED", "CANCELED", "SKIPPED"]
EventKind = Literal["INPUT", "OUTPUT"]

ARTIFACT_STATES = ("LIVE", "DELETED")
EXECUTION_STATES = ("RUNNING", "COMPLETE", "CACHED", "FAILED", "CANCELED", "SKIPPED")
EVENT_KINDS = ("INPUT", "OUTPUT")
CONTEXT_TYPES = ("pipeline", "run")


class ChangeError(LineageError):
    """A change contradicts itself or what is remembered; trying again cannot help."""


class _Record:
    """JSON round trip of a frozen dataclass."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON-ready values."""
        return {part.name: getattr(self, part.name) for part in fields(self)}  # type: ignore[arg-type]  # every subclass is a dataclass

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the record that `to_dict` wrote.

        Raises
        ------
        LineageError
            When fields are missing or not known, or a value is not what it has to be.
        """
        if not isinstance(record, Mapping):
            raise _unreadable(cls.__name__, record)
        try:
            return cls(**record)
        except TypeError as error:
            raise _unreadable(cls.__name__, sorted(map(str, record))) from error

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _unreadable(name: str, got: object) -> LineageError:
    return LineageError(
        f"this is no {name}",
        expected="the fields that to_dict() writes",
        got=f"{got!r:.300}",
        fix="it may be of another version of Dure, or damaged",
    )


@dataclass(frozen=True, slots=True)
class ArtifactRecord(_Record):
    """A value that a step made, known by its type and content.

    Parameters
    ----------
    type : str
        Name of the type, such as ``"Model"``; no colon in it.
    digest : str
        Hash of the content. The same type and digest is the same artifact.
    uri : str
        Where it is.
    summary : str
        One line about it.
    state : {"LIVE", "DELETED"}
        ``"DELETED"``: the content was removed, the row is its tombstone.
    created : float
        When it was made, in unix seconds; now, by default.
    properties : mapping of str to JSON
        Anything else.

    Raises
    ------
    LineageError
        When a value is not what it has to be.
    """

    type: str
    digest: str
    uri: str
    summary: str = ""
    state: ArtifactState = "LIVE"
    created: float = field(default_factory=time.time)
    properties: Mapping[str, JSON] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        kind = clean.text(self.type, "an artifact's type")
        if ":" in kind:
            raise LineageError(
                "an artifact's type holds a colon",
                expected="a name such as 'Model'",
                got=repr(kind),
                fix="leave the colon out: it parts type and digest",
            )
        self._set(
            type=kind,
            digest=clean.text(self.digest, f"the digest of a {kind}"),
            uri=clean.text(self.uri, f"the uri of a {kind}", empty=True),
            summary=clean.text(self.summary, f"the summary of a {kind}", empty=True),
            state=clean.choice(self.state, ARTIFACT_STATES, f"the state of a {kind}"),
            created=clean.seconds(self.created, f"'created' of a {kind}"),
            properties=clean.properties(self.properties, f"the properties of a {kind}"),
        )

    @property
    def uid(self) -> str:
        """``"Type:digest"``."""
        return f"{self.type}:{self.digest}"

    @property
    def updated(self) -> float:
        """The moment that this record speaks of: a newer record replaces an older one."""
        return self.created


@dataclass(frozen=True, slots=True)
class ExecutionRecord(_Record):
    """One execution of one step in one run.

    Parameters
    ----------
    uid : str
        Its name in the whole database.
    type : str
        Name of the component.
    step : str
        Name of the step in its run.
    run : str
        Name of the run.
    state : {"RUNNING", "COMPLETE", "CACHED", "FAILED", "CANCELED", "SKIPPED"}
        How it stands.
    started : float
        When it began, in unix seconds.
    finished : float, optional
        When it ended, in unix seconds.
    key : str, optional
        The cache key.
    properties : mapping of str to JSON
        Anything else.

    Raises
    ------
    LineageError
        When a value is not what it has to be.
    """

    uid: str
    type: str
    step: str
    run: str
    state: ExecutionState
    started: float
    finished: float | None = None
    key: str | None = None
    properties: Mapping[str, JSON] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        name = f"execution {self.uid!r}"
        ended = self.finished
        self._set(
            uid=clean.text(self.uid, "an execution's uid"),
            type=clean.text(self.type, f"the type of {name}"),
            step=clean.text(self.step, f"the step of {name}"),
            run=clean.text(self.run, f"the run of {name}"),
            state=clean.choice(self.state, EXECUTION_STATES, f"the state of {name}"),
            started=clean.seconds(self.started, f"'started' of {name}"),
            finished=None if ended is None else clean.seconds(ended, f"'finished' of {name}"),
            key=None if self.key is None else clean.text(self.key, f"the key of {name}"),
            properties=clean.properties(self.properties, f"the properties of {name}"),
        )

    @property
    def updated(self) -> float:
        """The moment that this record speaks of: a newer record replaces an older one."""
        # The clock may have been set back while the step ran.
        return self.started if self.finished is None else max(self.started, self.finished)


@dataclass(frozen=True, slots=True)
class EventRecord(_Record):
    """An execution read or wrote an artifact.

    Parameters
    ----------
    execution : str
        Uid of the execution.
    artifact : str
        Uid of the artifact, ``"Type:digest"``.
    kind : {"INPUT", "OUTPUT"}
        Read or written.
    role : str
        Name of the parameter, or ``"output"``. An execution has one artifact for each kind and
        role; several values of one parameter are ``"models[0]"``, ``"models[1]"``, ...

    Raises
    ------
    LineageError
        When a value is not what it has to be.
    """

    execution: str
    artifact: str
    kind: EventKind
    role: str

    def __post_init__(self) -> None:
        uid = clean.text(self.artifact, "the artifact of an event")
        kind, _, digest = uid.partition(":")
        if not kind or not digest:
            raise LineageError(
                f"an event of execution {self.execution!r} names no artifact",
                expected="a uid 'Type:digest'",
                got=repr(uid),
                fix="pass ArtifactRecord.uid",
            )
        self._set(
            artifact=uid,
            execution=clean.text(self.execution, "the execution of an event"),
            kind=clean.choice(self.kind, EVENT_KINDS, "the kind of an event"),
            role=clean.text(self.role, "the role of an event"),
        )


@dataclass(frozen=True, slots=True)
class ContextRecord(_Record):
    """What holds executions and artifacts together: a run, or a pipeline.

    Parameters
    ----------
    type : {"pipeline", "run"}
        What it is.
    name : str
        Its name, unique in its type.
    state : str
        How it stands, such as ``"RUNNING"`` or ``"COMPLETE"``.
    created : float
        When it began, in unix seconds. All records of one run give the same moment.
    properties : mapping of str to JSON
        Anything else. A run's ``"pipeline"`` names the pipeline that it belongs to; without it,
        the run belongs to the pipeline that is written in the same change, if that is one.

    Raises
    ------
    LineageError
        When a value is not what it has to be.
    """

    type: Literal["pipeline", "run"]
    name: str
    state: str
    created: float
    properties: Mapping[str, JSON] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        self._set(
            type=clean.choice(self.type, CONTEXT_TYPES, "a context's type"),
            name=clean.text(self.name, f"the name of a {self.type}"),
            state=clean.text(self.state, f"the state of {self.type} {self.name!r}"),
            created=clean.seconds(self.created, f"'created' of {self.type} {self.name!r}"),
            properties=clean.properties(
                self.properties, f"the properties of {self.type} {self.name!r}"
            ),
        )

    @property
    def uid(self) -> str:
        """``"run:name"`` or ``"pipeline:name"``."""
        return f"{self.type}:{self.name}"

    @property
    def updated(self) -> float:
        """The moment that this record speaks of: a newer record replaces an older one."""
        return self.created


@dataclass(frozen=True, slots=True)
class Change:
    """What is written together, in one transaction.

    Parameters
    ----------
    contexts, artifacts, executions, events : iterable of records
        What is written. An artifact that only an event names is written as a stub with an empty
        uri, which its own record completes whenever that comes.

    Raises
    ------
    ChangeError
        When two events give one execution different artifacts in the same kind and role.
    """

    contexts: tuple[ContextRecord, ...] = ()
    artifacts: tuple[ArtifactRecord, ...] = ()
    executions: tuple[ExecutionRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()

    def __post_init__(self) -> None:
        for name, kind in _PARTS.items():
            object.__setattr__(self, name, _all(kind, getattr(self, name), name))
        seen: dict[tuple[str, str, str], str] = {}
        for event in self.events:
            place = (event.execution, event.kind, event.role)
            if seen.setdefault(place, event.artifact) != event.artifact:
                raise ChangeError(
                    f"execution {event.execution!r} has two {event.kind} artifacts in the "
                    f"role {event.role!r}",
                    expected="one artifact for each kind and role",
                    got=f"{seen[place]} and {event.artifact}",
                    fix="give them roles of their own, such as 'models[0]' and 'models[1]'",
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON-ready values."""
        return {name: [item.to_dict() for item in getattr(self, name)] for name in _PARTS}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the change that `to_dict` wrote.

        Raises
        ------
        LineageError
            When it is not what `to_dict` writes.
        """
        if not isinstance(record, Mapping) or not set(record) <= set(_PARTS):
            raise _unreadable(cls.__name__, record)
        parts: dict[str, Any] = {}
        for name, items in record.items():
            if not isinstance(items, list | tuple):
                raise _unreadable(cls.__name__, record)
            parts[name] = tuple(_PARTS[name].from_dict(item) for item in items)
        return cls(**parts)

    def __str__(self) -> str:
        steps = [f"step {item.step!r} {item.state}" for item in self.executions]
        names = [f"{item.type} {item.name!r} {item.state}" for item in self.contexts]
        made = [f"artifact {item.uid:.60}" for item in self.artifacts]
        return ", ".join([*names, *steps, *made]) or f"{len(self.events)} events"


_PARTS: dict[str, type[_Record]] = {
    "contexts": ContextRecord,
    "artifacts": ArtifactRecord,
    "executions": ExecutionRecord,
    "events": EventRecord,
}


def _all(kind: type[_Record], items: Iterable[object], name: str) -> tuple[object, ...]:
    kept = tuple(items)
    for item in kept:
        if not isinstance(item, kind):
            raise LineageError(
                f"a change's {name} hold something else",
                expected=f"records of {kind.__name__}",
                got=f"{item!r:.200} ({type(item).__name__})",
                fix="pass each record in the part of its kind",
            )
    return kept
