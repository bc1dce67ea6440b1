"""Tables and queries of SQL databases, as batches: SQLite, PostgreSQL, DuckDB.

What is read is named by the query, or by a table in the URL::

    sqlite:///trips.db?table=trips               a path from here; four slashes: from the root
    postgresql://ann@db.example/city?table=trips  a table of another schema: ?table=taxi.trips
    duckdb:///trips.duckdb                        with query="SELECT ..."

Rows come in the order in which the database gives them: say ORDER BY where order matters.
Nothing is written: each database is opened so that it refuses to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.location import scheme_of
from dure.errors import DataError, DureError, UsageError, nearest

if TYPE_CHECKING:
    from dure.data.location import Location

ROWS = 1 << 14  # fetched at once, at most


def read_sql(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows that a query gives, or those of a table.

    Parameters
    ----------
    location : Location
        The URL of a database.
    options : ReadOptions
        ``query`` is what to ask; without it ``?table=NAME`` in the URL names a table.

    Raises
    ------
    DataError
        There is no such database or table, it refuses the query, the connection breaks off,
        nothing comes, or a column of SQLite has values of several types.
    UsageError
        Neither a query nor a table is named, or both.
    MissingExtraError
        The package of the database is not installed.
    """
    from dure.data.readers import sql_duckdb, sql_postgres, sql_sqlite

    base, table = split_url(location.address, location.url)
    if (table is None) == (options.query is None):
        raise UsageError(
            f"'{location.url}': what should be read is {'unclear' if table else 'not said'}",
            expected="a query, or the name of a table: one of them",
            got="both" if table else "neither",
            fix="query='SELECT ...', or '?table=NAME' at the end of the URL",
        )
    readers = {
        "sqlite": sql_sqlite.read,
        "postgresql": sql_postgres.read,
        "duckdb": sql_duckdb.read,
    }
    read = readers[scheme_of(base)]
    found = 0
    for batch in read(base, location.url, table, options):
        found += batch.frame.height + len(batch.refused)
        yield batch
    if not found:
        what = f"the table '{table}'" if table else "the query"
        raise DataError(
            f"'{location.url}': {what} {'is empty' if table else 'gives no rows'}",
            expected="at least one row",
            got="columns, and no rows",
            fix="check the name, or the conditions of the query",
        )


def split_url(address: str, shown: str) -> tuple[str, str | None]:
    """Return the URL of a database without ``table=``, and the table.

    >>> split_url("postgresql://h/d?sslmode=require&table=a.b", "")
    ('postgresql://h/d?sslmode=require', 'a.b')
    """
    base, _, after = address.partition("?")
    settings = parse_qsl(after, keep_blank_values=True)
    tables = [value for name, value in settings if name == "table"]
    others = [(name, value) for name, value in settings if name != "table"]
    if len(tables) > 1 or tables == [""]:
        raise UsageError(
            f"'{shown}' does not name one table",
            expected="?table=NAME",
            got=f"{len(tables)} of them" if len(tables) > 1 else "an empty name",
        )
    if others and scheme_of(base) != "postgresql":
        raise UsageError(
            f"'{shown}' has settings that mean nothing here",
            expected="?table=NAME and nothing else",
            got=", ".join(name for name, _ in others),
        )
    return base + ("?" + urlencode(others) if others else ""), tables[0] if tables else None


def file_of(base: str, shown: str, ending: str) -> str:
    """Return the path in a URL such as ``sqlite:///trips.db``."""
    body = base.partition("://")[2]
    path = unquote(body[1:])
    if not body.startswith("/") or not path or path == ":memory:":
        raise UsageError(
            f"'{shown}' does not name a file",
            expected=f"{scheme_of(base)}:///folder/name{ending}, or four slashes before a whole path",
            got=f"{shown!r}",
        )
    return path


def quoted(name: str) -> str:
    """Return a name as SQL writes it.

    >>> quoted("taxi")
    '"taxi"'
    """
    return '"' + name.replace('"', '""') + '"'


def no_table(shown: str, table: str, known: list[str]) -> DataError:
    """Return the error for a table that is not there."""
    return DataError(
        f"'{shown}' has no table '{table}'",
        expected="the name of a table or a view",
        got=f"?table={table}",
        fix=nearest(table, known),
    )


def check_names(shown: str, names: list[str]) -> None:
    """Raise `DataError` if two columns of a result have the same name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"'{shown}': the query gives several columns the same name",
            expected="a name of its own for each column",
            got=f"more than one '{twice[0]}'",
            fix="give them names in the query: SELECT a.id AS a_id, b.id AS b_id",
        )


@contextmanager
def talking_to(shown: str, errors: tuple[type[Exception], ...], secret: str) -> Iterator[None]:
    """Turn what a database says no with into `DataError`, without the password."""
    try:
        yield
    except DureError:
        raise
    except errors as error:
        said = f"{error}".strip() or type(error).__name__
        if len(secret) > 3:  # shorter ones are parts of words, and no secret
            said = said.replace(secret, "***")
        raise DataError(
            f"'{shown}' refused",
            expected="a database that answers the query to its end",
            got=said,
            fix="check the query, and that the database is there and may be read",
        ) from None  # the cause may hold the whole address


class Rows:
    """Rows as they come from a cursor, made into frames of about the right size.

    Parameters
    ----------
    names : list of str
        The columns.
    batch_bytes : int
        About how much memory a frame should take.
    """

    def __init__(self, names: list[str], batch_bytes: int) -> None:
        self.names, self._bytes = names, batch_bytes
        self.size = min(256, ROWS)

    def adapt(self, frame: pl.DataFrame) -> None:
        """Fetch as many rows next as fit, going by those that were fetched."""
        each = max(frame.estimated_size() / max(frame.height, 1), 1)
        self.size = max(1, min(ROWS, int(self._bytes / each)))


def series(name: str, values: list[Any], shown: str) -> pl.Series:
    """Return values of one type, or None, as a column."""
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(value).__name__ for value in values if value is not None})
        raise DataError(
            f"'{shown}': column '{name}' cannot be read",
            expected="values of one type that Dure knows",
            got=f"{', '.join(kinds)}: {error}",
            fix=f"cast it in the query: SELECT CAST({name} AS TEXT)",
        ) from error
