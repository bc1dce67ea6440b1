"""DuckDB files, through its own package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.readers.sql_reader import (
    Rows,
    check_names,
    file_of,
    no_table,
    quoted,
    series,
    talking_to,
)
from dure.errors import DataError, MissingExtraError

_TYPES: dict[str, pl.DataType] = {
    "BOOLEAN": pl.Boolean(),
    "FLOAT": pl.Float64(),
    "DOUBLE": pl.Float64(),
    "BLOB": pl.Binary(),
    "DATE": pl.Date(),
    "TIMESTAMP": pl.Datetime("us"),
} | dict.fromkeys(
    ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"), pl.Int64()
)
_LARGE = ("UBIGINT", "HUGEINT", "UHUGEINT")  # may not fit in 64 bits


def read(base: str, shown: str, table: str | None, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a table, or of a query; see `dure.data.readers.sql_reader`.

    DECIMAL becomes float; dates and times become ISO 8601 text, those with a zone in UTC; UUID,
    intervals, JSON and other types become their text; LIST, STRUCT and MAP stay nested.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingExtraError("duckdb", extra="duckdb", purpose="reading DuckDB files") from error
    path = Path(file_of(base, shown, ".duckdb"))
    if not path.is_file():
        raise DataError(
            f"there is no file '{path}'",
            expected="a DuckDB database",
            got=f"'{shown}'",
            fix="check the path; relative paths have three slashes and start at the current folder",
        )
    with contextlib.ExitStack() as stack:
        stack.enter_context(talking_to(shown, (duckdb.Error,), ""))
        connection = stack.enter_context(duckdb.connect(str(path), read_only=True))
        connection.execute("SET TimeZone = 'UTC'")
        query = options.query or _of_table(connection, shown, str(table))
        cursor = _execute(connection, query)
        names = [column[0] for column in cursor.description]
        kinds = [str(column[1]) for column in cursor.description]
        check_names(shown, names)
        rows = Rows(names, options.batch_bytes)
        while fetched := cursor.fetchmany(rows.size):
            columns = zip(names, kinds, zip(*fetched, strict=True), strict=True)
            frame = pl.DataFrame([_column(*column, shown) for column in columns])
            rows.adapt(frame)
            yield Batch(frame, (), len(fetched))


def _execute(connection: Any, query: str) -> Any:
    """Run a query so that what comes is read as it is fetched, and no zone is looked up."""
    query = query.rstrip().rstrip(";")
    described = connection.execute(f"DESCRIBE {query}").fetchall()
    zoned = [name for name, kind, *_ in described if kind == "TIMESTAMP WITH TIME ZONE"]
    if not zoned:
        return connection.execute(query)
    # The package needs pytz for these; as times of UTC they need nothing.
    cast = ", ".join(f"timezone('UTC', {quoted(name)}) AS {quoted(name)}" for name in zoned)
    return connection.execute(f"SELECT * REPLACE ({cast}) FROM ({query}\n)")  # noqa: S608 - quoted


def _column(name: str, kind: str, values: tuple[Any, ...], shown: str) -> pl.Series:
    if kind in _TYPES:
        return pl.Series(name, values, dtype=_TYPES[kind])
    if kind.startswith("DECIMAL"):
        floats = [None if value is None else float(value) for value in values]
        return pl.Series(name, floats, dtype=pl.Float64)
    if kind in _LARGE or any(isinstance(value, list | tuple | dict) for value in values):
        return series(name, [_plain(value) for value in values], shown)
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value if isinstance(value, bool | int | float | bytes | None) else _text(value)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat else str(value)


def _of_table(connection: Any, shown: str, table: str) -> str:
    listed = "SELECT table_schema, table_name FROM information_schema.tables"
    known = connection.execute(listed).fetchall()
    for schema, name in known:
        if table in (f"{schema}.{name}", name if schema == "main" else None):
            return f"SELECT * FROM {quoted(schema)}.{quoted(name)}"  # noqa: S608 - quoted
    names = [name if schema == "main" else f"{schema}.{name}" for schema, name in known]
    raise no_table(shown, table, names)
