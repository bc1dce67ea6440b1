"""Brings a database to the version of this Dure, and refuses what is not its own.

Opening a current database reads one row and imports no alembic (a fifth of a second). An older or
an empty one is upgraded in one transaction, under a lock that any number of processes may want
at once: SQLite's write lock, or an advisory lock of PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from dure.errors import LineageError
from dure.lineage.connection import transaction

HEAD = "0001"
"""The newest migration; a test holds it equal to alembic's own answer."""

# Any number that no one else uses: "dure" in ASCII.
_LOCK = 0x64757265


def ensure(engine: Engine, where: str, *, create: bool) -> None:
    """Make sure that a database has the tables of this version.

    Parameters
    ----------
    engine : Engine
        The database.
    where : str
        Its name in messages.
    create : bool
        Whether tables may be made in an empty database.

    Raises
    ------
    LineageError
        When the database is of a newer version or of another program, or is empty and
        ``create`` is False.
    """
    with engine.connect() as connection:
        found = _version(connection, where)
    if found == HEAD:
        return
    if found is None and not create:
        raise LineageError(
            f"{where} holds no lineage",
            expected="a database that a run has written",
            got="an empty one",
            fix="run a pipeline first, or name another database",
        )
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        # Another process may have done it while this one waited for the lock.
        if _version(connection, where) != HEAD:
            _upgrade(connection)


def _version(connection: Connection, where: str) -> str | None:
    """Return the version of a database; None when it is empty."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = set(connection.execute(text(query)).scalars())
    else:
        # to_regclass follows the search path, as the tables' own names will.
        known = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar()
        tables = {"alembic_version"} if known else set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        return _known(connection, where)
    if tables & {"artifact", "execution", "event", "context", "type"} or (
        tables and connection.dialect.name == "sqlite"
    ):
        raise _foreign(where, f"the tables {', '.join(sorted(tables)[:5])}")
    return None


def _known(connection: Connection, where: str) -> str | None:
    rows = list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    if not rows:
        return None
    found = str(rows[0])
    if len(rows) > 1 or not (found.isdecimal() and len(found) == len(HEAD)):
        raise _foreign(where, f"the versions {', '.join(map(str, rows))}")
    if found > HEAD:
        raise LineageError(
            f"{where} was written by a newer Dure",
            expected=f"lineage version {HEAD} or older",
            got=f"version {found}",
            fix="upgrade Dure (pip install -U dure), or name another database",
        )
    return found


def _foreign(where: str, got: str) -> LineageError:
    return LineageError(
        f"{where} belongs to another program",
        expected="an empty database, or one that Dure has written",
        got=got,
        fix="name another database, or another schema: postgresql://...?options=-csearch_path%3Ddure",
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    # A '%' in the path of an installation would be read as an interpolation.
    folder = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except (CommandError, SQLAlchemyError) as error:
        raise LineageError(
            f"the lineage tables cannot be brought to version {HEAD}",
            got=str(error).splitlines()[0],
            fix="nothing was changed; keep a copy of the database and report this",
        ) from error
