"""Writes a change: upserts that can come twice, late or out of order and end the same.

The newer of two records of one uid is the one with the later ``updated``; of two with the same
moment, the one whose state is an end (COMPLETE, FAILED, DELETED, ...), not a beginning; of two
that are equal in that too, the one that comes last. Rows are written in the order of their keys,
so that two writers wait for each other and never deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
)
from sqlalchemy.sql.dml import Insert

from dure.lineage import tables
from dure.lineage.kinds import Kinds, widen
from dure.lineage.records import (
    ArtifactRecord,
    Change,
    ChangeError,
    ContextRecord,
    ExecutionRecord,
)

Row = dict[str, Any]

BEGINNINGS = ("UNKNOWN", "ACTIVE", "RUNNING", "LIVE")
"""States that give way to any other state of the same moment."""


def apply(connection: Connection, change: Change) -> None:
    """Write a change into an open transaction.

    Raises
    ------
    ChangeError
        When an event names an execution that is neither in the change nor in the database.
    """
    say = _statements(connection.dialect.name)
    _contexts(connection, say, change)
    _artifacts(connection, say, change)
    _many(connection, say.execution, [_execution(item) for item in change.executions])
    _events(connection, say, change)
    held = [{"run": f"run:{item.run}", "held": item.uid} for item in change.executions]
    _many(connection, say.in_run, held)
    _many(connection, say.in_pipeline, held)
    pairs = {(event.execution, event.artifact) for event in change.events}
    rows = [{"execution": one, "held": other} for one, other in pairs]
    _many(connection, say.attribution, rows)


def _contexts(connection: Connection, say: _Statements, change: Change) -> None:
    _many(connection, say.context, [_context(item) for item in change.contexts])
    written = {item.uid for item in change.contexts}
    links = sorted(_parents(change.contexts))
    stubs = {f"pipeline:{parent}": ("pipeline", parent, at) for parent, _, at in links}
    for item in change.executions:
        stubs.setdefault(f"run:{item.run}", ("run", item.run, item.started))
    rows = [
        {"uid": uid, "type": kind, "name": name, "state": "UNKNOWN", "created": at}
        for uid, (kind, name, at) in stubs.items()
        if uid not in written
    ]
    _many(connection, say.context_stub, [{**row, **_STUB} for row in rows])
    for parent, run, _ in links:
        link = {"parent": f"pipeline:{parent}", "child": f"run:{run}"}
        # SQLAlchemy throws the count of an INSERT away, unless it is asked to keep it.
        options = {"preserve_rowcount": True}
        if connection.execute(say.parent, link, execution_options=options).rowcount > 0:
            # What the run wrote before its pipeline was known.
            connection.execute(say.late_association, link)
            connection.execute(say.late_attribution, link)


def _parents(contexts: Sequence[ContextRecord]) -> set[tuple[str, str, float]]:
    """Return pipeline, run and moment for each run whose pipeline is known."""
    pipelines = {item.name for item in contexts if item.type == "pipeline"}
    only = next(iter(pipelines)) if len(pipelines) == 1 else None
    found = set()
    for item in contexts:
        parent = item.properties.get("pipeline", only)
        if item.type == "run" and isinstance(parent, str) and parent:
            found.add((parent, item.name, item.created))
    return found


def _artifacts(connection: Connection, say: _Statements, change: Change) -> None:
    _many(connection, say.artifact, [_artifact(item) for item in change.artifacts])
    written = {item.uid for item in change.artifacts}
    moments = {item.uid: item.updated for item in change.executions}
    rows = []
    for uid, at in {e.artifact: moments.get(e.execution, 0.0) for e in change.events}.items():
        if uid not in written:
            kind, _, digest = uid.partition(":")
            row = {"uid": uid, "type": kind, "digest": digest, "uri": "", "summary": ""}
            rows.append({**row, "state": "LIVE", "created": at, **_STUB})
    _many(connection, say.artifact_stub, rows)


def _events(connection: Connection, say: _Statements, change: Change) -> None:
    moments = {item.uid: item.updated for item in change.executions}
    asked = sorted({event.execution for event in change.events} - set(moments))
    if asked:
        known = tables.execution.c
        query = select(known.uid, known.updated).where(known.uid.in_(asked))
        moments.update((uid, updated) for uid, updated in connection.execute(query))
    for event in change.events:
        if event.execution not in moments:
            raise ChangeError(
                f"an event names the execution {event.execution!r}, which is not known",
                expected="an execution of this change, or one that was written before",
                got=f"{event.kind} {event.artifact} as {event.role!r}",
                fix="write the execution in the same change",
            )
    rows = [{**event.to_dict(), "updated": moments[event.execution]} for event in change.events]
    _many(connection, say.event, rows)


def _many(connection: Connection, statement: Insert, rows: Iterable[Row]) -> None:
    ordered = sorted(rows, key=lambda row: tuple(row.get(name, "") for name in _ORDER))
    if ordered:
        connection.execute(statement, ordered)


_ORDER = ("uid", "execution", "kind", "role", "held")
_STUB: Row = {"updated": 0.0, "properties": {}}


def _artifact(item: ArtifactRecord) -> Row:
    return {"uid": item.uid, "updated": item.updated, **item.to_dict()}


def _execution(item: ExecutionRecord) -> Row:
    return {"updated": item.updated, **item.to_dict()}


def _context(item: ContextRecord) -> Row:
    return {"uid": item.uid, "updated": item.updated, **item.to_dict()}


@dataclass(frozen=True)
class _Statements:
    """The statements of one dialect, built once: SQLAlchemy then finds them compiled."""

    artifact: Insert
    artifact_stub: Insert
    execution: Insert
    context: Insert
    context_stub: Insert
    event: Insert
    parent: Insert
    in_run: Insert
    in_pipeline: Insert
    attribution: Insert
    late_association: Insert
    late_attribution: Insert


@lru_cache(maxsize=2)
def _statements(dialect: str) -> _Statements:
    held, given = tables.association.c, bindparam
    run, execution = given("run", type_=tables.NAME), given("execution", type_=tables.NAME)
    parent, child = given("parent", type_=tables.NAME), given("child", type_=tables.NAME)
    new = given("held", type_=tables.NAME)
    link, owned = tables.parent_context.c, tables.attribution.c
    return _Statements(
        artifact=_newest(dialect, tables.artifact),
        artifact_stub=_unless_there(dialect, tables.artifact),
        execution=_newest(dialect, tables.execution),
        context=_newest(dialect, tables.context),
        context_stub=_unless_there(dialect, tables.context),
        event=_event(dialect),
        parent=_unless_there(dialect, tables.parent_context),
        in_run=_copy(dialect, tables.association, select(run, new)),
        in_pipeline=_copy(
            dialect,
            tables.association,
            select(link.parent, new).where(link.child == run),
        ),
        attribution=_copy(
            dialect,
            tables.attribution,
            select(held.context, new).where(held.execution == execution),
        ),
        late_association=_copy(
            dialect,
            tables.association,
            select(parent, held.execution).where(held.context == child),
        ),
        late_attribution=_copy(
            dialect,
            tables.attribution,
            select(parent, owned.artifact).where(owned.context == child),
        ),
    )


def insert(dialect: str, table: Table) -> Any:
    """Return an INSERT of a dialect, which has ``on_conflict_do_...``."""
    # Each dialect takes 20 ms to import: only the one in use may.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def _unless_there(dialect: str, table: Table) -> Insert:
    statement: Insert = insert(dialect, table).on_conflict_do_nothing()
    return statement


def _copy(dialect: str, table: Table, query: Any) -> Insert:
    names = [column.name for column in table.columns]
    # SQLite reads "ON" after a SELECT without WHERE as the ON of a join.
    query = query if query.whereclause is not None else query.where(literal_column("1") == 1)
    statement: Insert = insert(dialect, table).from_select(names, query).on_conflict_do_nothing()
    return statement


def _newest(dialect: str, table: Table) -> Insert:
    statement = insert(dialect, table)
    come, there = statement.excluded, table.c
    newer = or_(
        come.updated > there.updated,
        and_(come.updated == there.updated, _rank(come.state) >= _rank(there.state)),
    )
    changes: dict[str, Any] = {
        column.name: case((newer, come[column.name]), else_=there[column.name])
        for column in table.columns
        if not column.primary_key
    }
    if "created" in changes:
        first = come.created < there.created
        changes["created"] = case((first, come.created), else_=there.created)
    written: Insert = statement.on_conflict_do_update(index_elements=["uid"], set_=changes)
    return written


def _rank(state: ColumnElement[str]) -> ColumnElement[int]:
    # IN would be an expanding parameter, which executing many rows at once does not take.
    return case((or_(*(state == word for word in BEGINNINGS)), 0), else_=1)


def _event(dialect: str) -> Insert:
    statement = insert(dialect, tables.event)
    come = statement.excluded
    written: Insert = statement.on_conflict_do_update(
        index_elements=["execution", "kind", "role"],
        set_={"artifact": come.artifact, "updated": come.updated},
        where=come.updated >= tables.event.c.updated,
    )
    return written


def interrupt(connection: Connection, run: str, at: float) -> int:
    """Mark what a dead process left RUNNING in a run as FAILED; see `Lineage.interrupt`."""
    # `updated` stays: if the true end of a step comes from a spool later on, it is the newer.
    steps, runs = tables.execution, tables.context
    running = and_(steps.c.run == run, steps.c.state == "RUNNING")
    ended = case((steps.c.started > at, steps.c.started), else_=at)
    change = steps.update().where(running).values(state="FAILED", finished=ended)
    open_run = and_(runs.c.uid == f"run:{run}", runs.c.state == "RUNNING")
    found = connection.execute(change).rowcount
    return found + connection.execute(runs.update().where(open_run).values(state="FAILED")).rowcount


def tombstone(connection: Connection, uids: Sequence[str], at: float) -> int:
    """Mark artifacts as DELETED; see `Lineage.tombstone`."""
    found = tables.artifact
    later = case((found.c.updated > at, found.c.updated), else_=at)
    dead = found.c.uid == bindparam("dead")
    change = found.update().where(dead, found.c.state != "DELETED")
    change = change.values(state="DELETED", updated=later)
    return sum(connection.execute(change, {"dead": uid}).rowcount for uid in sorted(set(uids)))


def register(connection: Connection, kind: str, name: str, seen: Kinds) -> Kinds:
    """Widen a type by the kinds of properties seen; return all that it has now."""
    table = tables.type_
    row = {"kind": kind, "name": name, "properties": {}}
    connection.execute(_unless_there(connection.dialect.name, table), row)
    place = and_(table.c.kind == kind, table.c.name == name)
    query = select(table.c.properties).where(place).with_for_update()
    known: Kinds = connection.execute(query).scalar_one()
    wider = widen(known, seen)
    if wider != known:
        connection.execute(table.update().where(place).values(properties=wider))
    return wider
