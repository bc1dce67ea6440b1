"""The lineage of everything that ran: written in changes, asked in records."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from dure.errors import LineageError, nearest
from dure.lineage import graph, reading, tables, versions, writing
from dure.lineage.connection import connect, shown, transaction
from dure.lineage.failures import explained, passing
from dure.lineage.graph import Edge
from dure.lineage.kinds import Kinds, types_of, widen
from dure.lineage.records import (
    ArtifactRecord,
    ArtifactState,
    Change,
    ContextRecord,
    ExecutionRecord,
)

T = TypeVar("T")

_ATTEMPTS = 3


class Lineage:
    """A lineage database, open.

    Safe to use from any thread, and after a fork. Many processes may write to one database; a
    file of SQLite must be on a disk of this machine. Made by `Lineage.open`.

    Examples
    --------
    >>> with Lineage.open(folder / "lineage.db") as lineage:  # doctest: +SKIP
    ...     for edge in lineage.upstream("Model:9f2c"):
    ...         print(edge.depth, edge.execution.step, edge.artifact.uid)
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self._where = where
        self._pid = os.getpid()
        self._types: dict[tuple[str, str], Kinds] = {}
        self._turn = _turn(engine)

    @classmethod
    def open(
        cls, where: str | os.PathLike[str], *, create: bool = True, timeout: float = 30.0
    ) -> Self:
        """Open a database; make or upgrade its tables where that is needed.

        Parameters
        ----------
        where : str or path
            A path of an SQLite file, ``sqlite:///...`` or ``postgresql://...``.
        create : bool, default True
            Whether a missing file or an empty database is set up.
        timeout : float, default 30
            How long to wait for another writer, or for a server to answer, in seconds.

        Raises
        ------
        LineageError
            When there is no database, it cannot be reached, it belongs to another program, or it
            was written by a newer Dure. What is there is not touched.
        MissingExtraError
            When it is PostgreSQL and psycopg is not installed.
        """
        name = shown(where)
        engine = connect(where, create=create, timeout=timeout)
        try:
            with explained(name):
                versions.ensure(engine, name, create=create)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, name)

    def close(self) -> None:
        """Close all connections; the object can be used again, and opens them anew."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Lineage: {self._where.removeprefix('the lineage database ')}>"

    # -- writing ----------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Write a change in one transaction.

        It may come twice, late, or after a newer change of the same records: the newest state
        stays.

        Raises
        ------
        ChangeError
            When the change can never be written.
        LineageError
            When the database cannot be written now.
        """
        widened = self._write(lambda connection: self._apply(connection, change))
        self._types.update(widened)

    def _apply(self, connection: Connection, change: Change) -> dict[tuple[str, str], Kinds]:
        widened = {}
        for (kind, name), seen in sorted(types_of(change).items()):
            known = self._types.get((kind, name))
            if known is None or widen(known, seen) != known:
                widened[kind, name] = writing.register(connection, kind, name, seen)
        writing.apply(connection, change)
        return widened

    def tombstone(self, uids: Iterable[str]) -> int:
        """Mark artifacts as deleted; their rows and their edges stay.

        Parameters
        ----------
        uids : iterable of str
            Uids of artifacts. One that is not known, or is marked already, is left as it is.

        Returns
        -------
        int
            How many were marked.

        Raises
        ------
        LineageError
            When the database cannot be written.
        """
        marked = list(uids)
        return self._write(lambda connection: writing.tombstone(connection, marked, time.time()))

    def interrupt(self, run: str, at: float | None = None) -> int:
        """Mark a run whose process died, and its running steps, as FAILED.

        Parameters
        ----------
        run : str
            Name of the run; one that is not known is left alone.
        at : float, optional
            The moment to give, in unix seconds; now, by default.

        Returns
        -------
        int
            How many records were marked. A step's true end replaces the mark if it comes later.

        Raises
        ------
        LineageError
            When the database cannot be written.
        """
        moment = time.time() if at is None else at
        return self._write(lambda connection: writing.interrupt(connection, run, moment))

    def _write(self, work: Callable[[Connection], T]) -> T:
        self._after_fork()
        with self._turn, explained(self._where):
            for _ in range(_ATTEMPTS - 1):
                try:
                    with transaction(self._engine) as connection:
                        return work(connection)
                except DBAPIError as error:
                    if not passing(error):
                        raise
            with transaction(self._engine) as connection:
                return work(connection)

    # -- runs and executions ----------------------------------------------------------------

    def runs(self, pipeline: str | None = None, limit: int | None = 50) -> list[ContextRecord]:
        """Return runs, newest first.

        Parameters
        ----------
        pipeline : str, optional
            Only runs of this pipeline.
        limit : int, optional
            At most so many; None for all.

        Raises
        ------
        LineageError
            When the database cannot be read.
        """
        place = tables.context.c
        conditions = [place.type == "run"]
        if pipeline is not None:
            link = tables.parent_context.c
            within = select(link.child).where(link.parent == f"pipeline:{pipeline}")
            conditions.append(place.uid.in_(within))
        with self._read() as connection:
            return reading.contexts(connection, *conditions, limit=limit)

    def run(self, reference: str) -> ContextRecord:
        """Return the run that a name, the start of a name, or ``"last"`` means.

        Raises
        ------
        LineageError
            When there is no such run, or more than one.
        """
        with self._read() as connection:
            return reading.run(connection, reference)

    def executions(self, run: str) -> list[ExecutionRecord]:
        """Return the executions of a run, in the order in which they started.

        Parameters
        ----------
        run : str
            Its name, the start of its name, or ``"last"``.

        Raises
        ------
        LineageError
            When there is no such run, or more than one.
        """
        with self._read() as connection:
            name = reading.run(connection, run).name
            return reading.executions(connection, tables.execution.c.run == name)

    def execution(self, run: str, step: str) -> ExecutionRecord:
        """Return the newest execution of a step in a run.

        Parameters
        ----------
        run : str
            Its name, the start of its name, or ``"last"``.
        step : str
            The step's name.

        Raises
        ------
        LineageError
            When there is no such run or step.
        """
        with self._read() as connection:
            name = reading.run(connection, run).name
            of_run = tables.execution.c.run == name
            is_step = tables.execution.c.step == step
            found = reading.executions(connection, of_run, is_step, newest=1)
            if found:
                return found[0]
            known = {item.step for item in reading.executions(connection, of_run)}
            raise LineageError(
                f"run {name!r} has no step {step!r}",
                expected="a step of this run",
                got=repr(step),
                fix=nearest(step, known),
            )

    def last_execution(self, pipeline: str, step: str) -> ExecutionRecord | None:
        """Return the newest execution of a step in any run of a pipeline; None without one.

        Raises
        ------
        LineageError
            When the database cannot be read.
        """
        place, held = tables.execution.c, tables.association.c
        within = select(held.execution).where(held.context == f"pipeline:{pipeline}")
        with self._read() as connection:
            found = reading.executions(
                connection, place.step == step, place.uid.in_(within), newest=1
            )
        return found[0] if found else None

    # -- artifacts --------------------------------------------------------------------------

    def inputs(self, execution: str) -> dict[str, ArtifactRecord]:
        """Return what an execution read, by role; empty when it is not known.

        Raises
        ------
        LineageError
            When the database cannot be read.
        """
        return self._events(execution, "INPUT")

    def outputs(self, execution: str) -> dict[str, ArtifactRecord]:
        """Return what an execution wrote, by role; empty when it is not known.

        Raises
        ------
        LineageError
            When the database cannot be read.
        """
        return self._events(execution, "OUTPUT")

    def _events(self, execution: str, kind: str) -> dict[str, ArtifactRecord]:
        with self._read() as connection:
            roles = reading.events(connection, execution, kind)
            found = reading.by_uid(connection, tables.artifact, roles.values())
            return {role: found[uid] for role, uid in roles.items()}

    def artifact(self, reference: str) -> ArtifactRecord:
        """Return the artifact that a uid, ``Type:prefix`` or the start of a digest means.

        Raises
        ------
        LineageError
            When there is no such artifact, or more than one; the message names candidates.
        """
        with self._read() as connection:
            return reading.artifact(connection, reference)

    def artifacts(
        self,
        type: str | None = None,  # noqa: A002 - the record's own word
        state: ArtifactState | None = None,
    ) -> list[ArtifactRecord]:
        """Return artifacts, newest first.

        Parameters
        ----------
        type : str, optional
            Only of this type.
        state : {"LIVE", "DELETED"}, optional
            Only in this state.

        Raises
        ------
        LineageError
            When the database cannot be read.
        """
        place = tables.artifact.c
        asked = ((place.type, type), (place.state, state))
        conditions = [column == value for column, value in asked if value is not None]
        with self._read() as connection:
            return reading.artifacts(connection, *conditions)

    def upstream(self, reference: str, *, cached: bool = True) -> list[Edge]:
        """Return what made an artifact, and what made that: edges by breadth first.

        Parameters
        ----------
        reference : str
            An artifact, as `artifact` takes it.
        cached : bool, default True
            Whether executions that only reused a result count.

        Raises
        ------
        LineageError
            When there is no such artifact, or more than one.
        """
        return self._walk(reference, "up", cached)

    def downstream(self, reference: str, *, cached: bool = True) -> list[Edge]:
        """Return what an artifact touched, and what that touched: edges by breadth first.

        Parameters
        ----------
        reference : str
            An artifact, as `artifact` takes it.
        cached : bool, default True
            Whether executions that only reused a result count.

        Raises
        ------
        LineageError
            When there is no such artifact, or more than one.
        """
        return self._walk(reference, "down", cached)

    def _walk(self, reference: str, direction: graph.Direction, cached: bool) -> list[Edge]:
        with self._read() as connection:
            start = reading.artifact(connection, reference).uid
            return graph.walk(connection, start, direction, cached=cached)

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        self._after_fork()
        with explained(self._where), self._engine.connect() as connection:
            yield connection

    def _after_fork(self) -> None:
        # A connection shared with the parent would corrupt both: leave them to the parent.
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._engine.dispose(close=False)
            self._turn = _turn(self._engine)


def _turn(engine: Engine) -> AbstractContextManager[object]:
    # SQLite's own waiting sleeps and is not fair: threads of one process queue here instead.
    return threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
