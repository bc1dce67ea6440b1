"""Reads records back, and finds them by what people type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from dure.errors import LineageError
from dure.lineage import clean, tables
from dure.lineage.records import ArtifactRecord, ContextRecord, ExecutionRecord

# SQLite takes 32,766 parameters and PostgreSQL 65,535: a list is asked for in pieces.
_PIECE = 500
_SHOWN = 5

_HIDDEN = {"uid", "updated"}
_ARTIFACT = [column for column in tables.artifact.c if column.name not in _HIDDEN]
_CONTEXT = [column for column in tables.context.c if column.name not in _HIDDEN]
_EXECUTION = [column for column in tables.execution.c if column.name != "updated"]


def artifacts(
    connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[ArtifactRecord]:
    """Return the artifacts that meet all conditions, newest first."""
    order = tables.artifact.c
    query = select(*_ARTIFACT).where(*conditions).order_by(order.created.desc(), order.uid)
    return [ArtifactRecord(**row._asdict()) for row in connection.execute(query.limit(limit))]


def contexts(
    connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[ContextRecord]:
    """Return the contexts that meet all conditions, newest first."""
    order = tables.context.c
    query = select(*_CONTEXT).where(*conditions)
    query = query.order_by(order.created.desc(), order.uid.desc()).limit(limit)
    return [ContextRecord(**row._asdict()) for row in connection.execute(query)]


def executions(
    connection: Connection, *conditions: ColumnElement[bool], newest: int | None = None
) -> list[ExecutionRecord]:
    """Return the executions that meet all conditions, in start order; or the newest few."""
    query: Select[Any] = select(*_EXECUTION).where(*conditions)
    order = tables.execution.c
    if newest is None:
        query = query.order_by(order.started, order.uid)
    else:
        query = query.order_by(order.started.desc(), order.uid.desc()).limit(newest)
    return [ExecutionRecord(**row._asdict()) for row in connection.execute(query)]


def by_uid(connection: Connection, table: Table, uids: Iterable[str]) -> dict[str, Any]:
    """Return artifacts or executions by uid; those that are not there are left out."""
    read: Any = artifacts if table is tables.artifact else executions
    asked, found = sorted(set(uids)), {}
    for start in range(0, len(asked), _PIECE):
        piece = asked[start : start + _PIECE]
        found.update({item.uid: item for item in read(connection, table.c.uid.in_(piece))})
    return found


def events(connection: Connection, execution: str, kind: str) -> dict[str, str]:
    """Return the uids of an execution's inputs or outputs, by role."""
    place = tables.event.c
    query = select(place.role, place.artifact).where(
        place.execution == execution, place.kind == kind
    )
    return {row.role: row.artifact for row in connection.execute(query.order_by(place.role))}


def starts(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return the condition that a key starts with ``prefix``, as a range that an index answers."""
    # LIKE ignores case in SQLite. No character follows the last one of Unicode.
    return (column >= prefix) & (column < prefix + chr(0x10FFFF))


def run(connection: Connection, reference: str) -> ContextRecord:
    """Return the run that a name, the start of one, or "last" means.

    Raises
    ------
    LineageError
        When there is none, or more than one.
    """
    reference = clean.text(reference, "the name of a run", empty=True)
    place = tables.context.c
    is_run = place.type == "run"
    exact = contexts(connection, place.uid == f"run:{reference}")
    if exact:
        return exact[0]
    latest = contexts(connection, is_run, limit=500)
    if reference == "last" and latest:
        return latest[0]
    found = contexts(connection, is_run, starts(place.name, reference), limit=_SHOWN + 1)
    if reference and len(found) == 1:
        return found[0]
    raise _not_one(
        "run",
        reference,
        "the name of a run, a start that only it has, or 'last'",
        [item.name for item in found],
        [item.name for item in latest],
    )


def artifact(connection: Connection, reference: str) -> ArtifactRecord:
    """Return the artifact that a uid, ``Type:prefix`` or the start of a digest means.

    Raises
    ------
    LineageError
        When there is none, or more than one.
    """
    reference = clean.text(reference, "the name of an artifact", empty=True)
    place = tables.artifact.c
    exact = artifacts(connection, place.uid == reference)
    if exact:
        return exact[0]
    column = place.uid if ":" in reference else place.digest
    found = artifacts(connection, starts(column, reference), limit=_SHOWN + 1)
    if reference and len(found) == 1:
        return found[0]
    latest = artifacts(connection, limit=500)
    raise _not_one(
        "artifact",
        reference,
        "a uid 'Type:digest', the start of one, or the start of a digest",
        [item.uid for item in found],
        [item.uid if ":" in reference else item.digest for item in latest],
    )


def _not_one(
    kind: str, reference: str, expected: str, found: Sequence[str], latest: Sequence[str]
) -> LineageError:
    """Return the error for a reference that means nothing, or more than one thing."""
    if reference and found:
        more = ", ..." if len(found) > _SHOWN else ""
        return LineageError(
            f"more than one {kind} starts with {reference!r}",
            expected=expected,
            got=", ".join(found[:_SHOWN]) + more,
            fix="write more of it",
        )
    hint = f"did you mean {near!r}? " if (near := _nearest(reference, latest)) else ""
    shown = ", ".join(latest[:_SHOWN]) + (", ..." if len(latest) > _SHOWN else "")
    return LineageError(
        f"there is no {kind} {reference!r}",
        expected=expected,
        got=repr(reference),
        fix=f"{hint}the latest: {shown}" if latest else f"no {kind} was recorded yet: run one",
    )


def _nearest(reference: str, known: Sequence[str]) -> str | None:
    """Return the name that is most like ``reference``; of equals, the one that starts like it."""
    close = difflib.get_close_matches(reference, known, n=5, cutoff=0.5)
    return max(close, key=lambda name: _common(name, reference), default=None)


def _common(one: str, other: str) -> int:
    """Return how many characters two strings have in common at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
