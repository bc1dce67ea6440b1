"""Walks the graph of executions and artifacts, up to what made one or down to what it touched.

The database finds everything that can be reached (a recursive query that meets each artifact
once, so a cycle ends it); the order by breadth is made here, with a queue and no recursion.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Literal, NamedTuple

from sqlalchemy import CTE, Connection, literal, or_, select

from dure.lineage import reading, tables
from dure.lineage.records import ArtifactRecord, EventKind, ExecutionRecord

Direction = Literal["up", "down"]


class Edge(NamedTuple):
    """One event of the graph, seen from where a walk began.

    Attributes
    ----------
    depth : int
        Events between the start and this edge, itself included: 1 joins the start with an
        execution, 2 that execution with its other artifacts, 3 these with their executions, ...
    execution : ExecutionRecord
        What read or wrote.
    artifact : ArtifactRecord
        What was read or written.
    kind : {"INPUT", "OUTPUT"}
        Read or written.
    role : str
        Name of the parameter, or ``"output"``.
    """

    depth: int
    execution: ExecutionRecord
    artifact: ArtifactRecord
    kind: EventKind
    role: str


class _Event(NamedTuple):
    execution: str
    kind: EventKind
    role: str
    artifact: str


def walk(connection: Connection, start: str, direction: Direction, *, cached: bool) -> list[Edge]:
    """Return the edges that can be reached from an artifact, by breadth first.

    Parameters
    ----------
    connection : Connection
        An open transaction.
    start : str
        Uid of an artifact.
    direction : {"up", "down"}
        Against the flow of data, or with it.
    cached : bool
        Whether executions that only reused a result count.
    """
    events = _events(connection, start, direction, cached)
    depths = _breadth(events, start, direction)
    executions = reading.by_uid(connection, tables.execution, {e.execution for e in depths})
    artifacts = reading.by_uid(connection, tables.artifact, {e.artifact for e in depths})
    edges = [
        Edge(depth, executions[e.execution], artifacts[e.artifact], e.kind, e.role)
        for e, depth in depths.items()
    ]
    return sorted(edges, key=_order)


def _order(edge: Edge) -> tuple[object, ...]:
    return edge.depth, edge.execution.started, edge.execution.uid, edge.role, edge.artifact.uid


def _ends(direction: Direction) -> tuple[EventKind, EventKind]:
    """Return the kinds of event that lead from an artifact into an execution, and out of it."""
    return ("OUTPUT", "INPUT") if direction == "up" else ("INPUT", "OUTPUT")


def _events(connection: Connection, start: str, direction: Direction, cached: bool) -> list[_Event]:
    into, out = _ends(direction)
    reached = _reached(start, into, out, cached)
    event = tables.event
    artifacts = select(reached.c.artifact)
    entered = select(event.c.execution).where(event.c.kind == into, event.c.artifact.in_(artifacts))
    query = select(event.c.execution, event.c.kind, event.c.role, event.c.artifact).where(
        or_(
            (event.c.kind == into) & event.c.artifact.in_(artifacts),
            (event.c.kind == out) & event.c.execution.in_(entered),
        )
    )
    if not cached:
        query = query.join(tables.execution, tables.execution.c.uid == event.c.execution)
        query = query.where(tables.execution.c.state != "CACHED")
    return [_Event(*row) for row in connection.execute(query)]


def _reached(start: str, into: EventKind, out: EventKind, cached: bool) -> CTE:
    """Return the uids of all artifacts that can be reached, as a recursive query."""
    reached = select(literal(start, tables.NAME).label("artifact")).cte("reached", recursive=True)
    one, other = tables.event.alias("into"), tables.event.alias("out")
    step = (
        select(other.c.artifact)
        .select_from(reached)
        .join(one, (one.c.artifact == reached.c.artifact) & (one.c.kind == into))
        .join(other, (other.c.execution == one.c.execution) & (other.c.kind == out))
    )
    if not cached:
        step = step.join(tables.execution, tables.execution.c.uid == one.c.execution)
        step = step.where(tables.execution.c.state != "CACHED")
    return reached.union(step)


def _breadth(events: list[_Event], start: str, direction: Direction) -> dict[_Event, int]:
    """Return each event's distance from the start; those out of reach are left out."""
    into, _ = _ends(direction)
    touching: dict[tuple[str, str], list[_Event]] = defaultdict(list)
    for event in events:
        side = (
            ("artifact", event.artifact) if event.kind == into else ("execution", event.execution)
        )
        touching[side].append(event)
    depths: dict[_Event, int] = {}
    seen = {("artifact", start)}
    queue = deque([(("artifact", start), 1)])
    while queue:
        node, depth = queue.popleft()
        for event in touching[node]:
            depths[event] = depth
            following = (
                ("execution", event.execution)
                if node[0] == "artifact"
                else ("artifact", event.artifact)
            )
            if following not in seen:
                seen.add(following)
                queue.append((following, depth + 1))
    return depths
