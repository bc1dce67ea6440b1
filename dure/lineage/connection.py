"""Opens the database behind a path or a URL, with the settings that many writers need."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from dure.errors import LineageError, MissingExtraError
from dure.lineage.encoding import dumps

_MAGIC = b"SQLite format 3\0"
_WRITES = "dure_writes"


def connect(where: str | os.PathLike[str], *, create: bool, timeout: float) -> Engine:
    """Return an engine for a path or a URL; nothing in the database is changed.

    Parameters
    ----------
    where : str or path
        A path of an SQLite file, ``sqlite:///...`` or ``postgresql://...``.
    create : bool
        Whether an SQLite file, and the folder it is in, may be made.
    timeout : float
        How long to wait for another writer, in seconds.

    Raises
    ------
    LineageError
        When the address is wrong, or the file is missing, unreadable or no SQLite database.
    MissingExtraError
        When it is PostgreSQL and psycopg is not installed.
    """
    url = _url(where)
    return _sqlite(url, create, timeout) if url.drivername == "sqlite" else _postgres(url, timeout)


def shown(where: str | os.PathLike[str]) -> str:
    """Return the name of a database for messages, without a password."""
    given = os.fspath(where)
    if "://" not in given:
        return f"the lineage database {given}"
    try:
        return f"the lineage database {make_url(given).render_as_string(hide_password=True)}"
    except (ArgumentError, ValueError):
        return "the lineage database"


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes: all of it is kept, or nothing."""
    with (
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


def _url(where: str | os.PathLike[str]) -> URL:
    given = os.fspath(where)
    if isinstance(given, str) and "://" not in given and given:
        return URL.create("sqlite", database=given)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise _address("no address of a database") from error
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return url.set(drivername="sqlite")
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise _address(f"{url.drivername}://...")


def _address(got: str) -> LineageError:
    return LineageError(
        "this is no address of a lineage database",
        expected="a path of a file, sqlite:///path or postgresql://user@host/database",
        got=got,
        fix="check DURE_LINEAGE, or the argument",
    )


def _sqlite(url: URL, create: bool, timeout: float) -> Engine:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise LineageError(
            "lineage cannot be kept in memory",
            expected="a path of a file",
            got=url.database or "no path",
            fix="name a file, such as .dure/lineage.db",
        )
    path = Path(url.database)
    _look(path, create)
    engine = create_engine(
        url,
        json_serializer=dumps,
        # The driver leaves transactions alone; `_begin` opens them.
        connect_args={"isolation_level": None, "timeout": timeout},
    )
    deadline = time.monotonic() + timeout

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        _pragmas(connection, timeout, deadline)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A read that turns into a write fails at once when another process wrote meanwhile,
        # whatever the busy timeout: a writer takes the lock before it reads.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _look(path: Path, create: bool) -> None:
    """Refuse what is no SQLite file before SQLite touches it."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        if create:
            _make_room(path)
            return
        raise LineageError(
            f"there is no lineage database at {path}",
            expected="a file that a run has written",
            got="nothing",
            fix="run a pipeline first, or name another file",
        ) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if start and start != _MAGIC:
        raise LineageError(
            f"{path} is no lineage database",
            expected="an SQLite database",
            got=f"a file that starts with {start!r}",
            fix="move the file away, or name another; it was not touched",
        )


def _make_room(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> LineageError:
    return LineageError(
        f"the lineage database {path} cannot be opened",
        expected="a file that this user may read and write",
        got=error.strerror or str(error),
        fix="check the path and its permissions, or name another file",
    )


def _pragmas(connection: sqlite3.Connection, timeout: float, deadline: float) -> None:
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {int(timeout * 1000)}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = NORMAL")
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            _to_wal(cursor, deadline)
    finally:
        cursor.close()


def _to_wal(cursor: sqlite3.Cursor, deadline: float) -> None:
    # SQLite does not wait here: two processes that open a new file at once meet "is locked".
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _postgres(url: URL, timeout: float) -> Engine:
    try:
        import psycopg  # noqa: F401 - asked whether it is there, before SQLAlchemy asks
    except ImportError as error:
        raise MissingExtraError(
            "psycopg", extra="postgres", purpose="lineage in PostgreSQL"
        ) from error
    wait = max(1, int(timeout))
    settings = {
        "connect_timeout": wait,
        # A host that vanished answers nothing at all: give up on what it does not acknowledge.
        "tcp_user_timeout": wait * 1000,
        "keepalives_idle": wait,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "application_name": "dure",
    }
    try:
        engine = create_engine(
            url,
            json_serializer=dumps,
            pool_pre_ping=True,
            connect_args={name: value for name, value in settings.items() if name not in url.query},
        )
    except (ArgumentError, ValueError) as error:
        raise _address(url.render_as_string(hide_password=True)) from error

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{wait}s'")
        connection.commit()

    return engine
