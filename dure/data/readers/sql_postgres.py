"""PostgreSQL, through psycopg: rows come from a cursor of the server, some at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.readers.sql_reader import Rows, check_names, no_table, quoted, series, talking_to
from dure.errors import MissingExtraError

# Types of PostgreSQL by their number, which never changes (pg_type.dat), and what they become.
_NUMBERS: dict[int, pl.DataType] = {
    16: pl.Boolean(),
    20: pl.Int64(),
    21: pl.Int64(),
    23: pl.Int64(),
    26: pl.Int64(),  # oid
    700: pl.Float64(),
    701: pl.Float64(),
    17: pl.Binary(),
    1082: pl.Date(),
    1083: pl.Time(),
    1114: pl.Datetime("us"),
    1184: pl.Datetime("us", "UTC"),
}
_NUMERIC = 1700


def read(base: str, shown: str, table: str | None, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a table, or of a query; see `dure.data.readers.sql_reader`.

    numeric becomes float, with the 17 digits that a float has; dates and times become ISO 8601
    text, those with a zone in UTC; json, uuid, intervals and other types become their text.
    """
    try:
        import psycopg
    except ImportError as error:
        raise MissingExtraError(
            "psycopg", extra="postgres", purpose="reading from PostgreSQL"
        ) from error
    address = "postgresql://" + base.partition("://")[2]
    with contextlib.ExitStack() as stack:
        stack.enter_context(talking_to(shown, (psycopg.Error,), _password(address)))
        connection = stack.enter_context(psycopg.connect(address, **_patience(address)))
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        _set_types(connection)
        query = options.query or _of_table(connection, shown, str(table))
        cursor = stack.enter_context(connection.cursor(name="dure"))
        cursor.execute(query)
        names = [column.name for column in cursor.description or ()]
        codes = [column.type_code for column in cursor.description or ()]
        check_names(shown, names)
        rows = Rows(names, options.batch_bytes)
        while fetched := cursor.fetchmany(rows.size):
            columns = zip(names, codes, zip(*fetched, strict=True), strict=True)
            frame = pl.DataFrame([_column(*column, shown) for column in columns])
            rows.adapt(frame)
            yield Batch(frame, (), len(fetched))


def _column(name: str, code: int, values: tuple[Any, ...], shown: str) -> pl.Series:
    if code in _NUMBERS:
        return pl.Series(name, values, dtype=_NUMBERS[code])
    if any(isinstance(value, list) for value in values):
        return series(name, [_plain(value) for value in values], shown)
    if code == _NUMERIC:
        return pl.Series(name, values, dtype=pl.Float64)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | bytes | None) else _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat else str(value)


def _set_types(connection: Any) -> None:
    """Have values come as what columns are made of."""
    from psycopg.types.numeric import FloatLoader
    from psycopg.types.string import TextLoader

    connection.execute("SET TIME ZONE 'UTC'")
    connection.adapters.register_loader("numeric", FloatLoader)
    for kind in ("json", "jsonb", "interval", "uuid", "timetz", "inet", "cidr"):
        connection.adapters.register_loader(kind, TextLoader)


def _of_table(connection: Any, shown: str, table: str) -> str:
    listed = (
        "SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p')"
    )
    known = connection.execute(listed).fetchall()
    for schema, name, visible in known:
        if table == f"{schema}.{name}" or (visible and table == name):
            return f"SELECT * FROM {quoted(schema)}.{quoted(name)}"  # noqa: S608 - quoted
    hidden = ("pg_catalog", "information_schema", "pg_toast")
    raise no_table(
        shown,
        table,
        [
            name if visible else f"{schema}.{name}"
            for schema, name, visible in known
            if schema not in hidden
        ],
    )


def _patience(address: str) -> dict[str, int]:
    """Return how long to wait for a server, unless the URL says it."""
    return {} if "connect_timeout=" in address else {"connect_timeout": 30}


def _password(address: str) -> str:
    user = address.partition("://")[2].rpartition("@")[0]
    return unquote(user.partition(":")[2])
