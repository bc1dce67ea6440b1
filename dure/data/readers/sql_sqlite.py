"""SQLite, through Python's own module: each value has a type of its own there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.readers.sql_reader import Rows, check_names, file_of, no_table, quoted, talking_to
from dure.errors import DataError

_ROWID = "_dure_rowid_"
_TYPES = {int: pl.Int64(), float: pl.Float64(), str: pl.String(), bytes: pl.Binary()}
_WORDS = {int: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}


def read(base: str, shown: str, table: str | None, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a table, or of a query; see `dure.data.readers.sql_reader`.

    Values of a column are int, float, text or bytes. Whole numbers among fractions are floats; a
    value of another type than those before is an error that names its row, or is refused.
    """
    path = Path(file_of(base, shown, ".db"))
    if not path.is_file():
        raise DataError(
            f"there is no file '{path}'",
            expected="an SQLite database",
            got=f"'{shown}'",
            fix="check the path; relative paths have three slashes and start at the current folder",
        )
    # mode=ro: nothing is created or changed, whatever the query says.
    address = f"file:{quote(str(path))}?mode=ro"
    with talking_to(shown, (sqlite3.Error,), ""), closing(_connect(address)) as connection:
        query = options.query or _of_table(connection, shown, str(table))
        cursor = connection.execute(query)
        if cursor.description is None:
            raise _no_rows(shown)
        names = [each[0] for each in cursor.description]
        numbered = names[:1] == [_ROWID] and table is not None
        reading = _Reading(names[numbered:], shown, path.name, options, numbered=numbered)
        check_names(shown, names)
        rows = Rows(names, options.batch_bytes)
        while fetched := cursor.fetchmany(rows.size):
            batch = reading.batch(fetched)
            rows.adapt(batch.frame)
            yield batch


def _connect(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True)
    connection.text_factory = _text
    return connection


def _text(data: bytes) -> str | bytes:
    """Return TEXT as text; SQLite does not check that it is UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _of_table(connection: sqlite3.Connection, shown: str, table: str) -> str:
    listed = "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view')"
    known: dict[str, str] = dict(connection.execute(listed).fetchall())
    found = {name.lower(): name for name in known}.get(table.lower())
    if found is None:
        raise no_table(shown, table, [name for name in known if not name.startswith("sqlite_")])
    try:
        connection.execute(f"SELECT rowid FROM {quoted(found)} LIMIT 0")  # noqa: S608 - quoted
    except sqlite3.OperationalError:  # a view, or a table WITHOUT ROWID
        return f"SELECT * FROM {quoted(found)}"  # noqa: S608 - quoted
    return f"SELECT rowid AS {_ROWID}, * FROM {quoted(found)}"  # noqa: S608 - quoted


class _Reading:
    """What is known of a result so far: which type each column has."""

    def __init__(
        self, names: list[str], shown: str, file: str, options: ReadOptions, *, numbered: bool
    ) -> None:
        self._names, self._shown, self._file, self._numbered = names, shown, file, numbered
        self._quarantine = options.on_bad_rows == "quarantine"
        self._types: dict[str, type] = {}
        self._count = 0

    def batch(self, rows: list[tuple[Any, ...]]) -> Batch:
        columns = list(zip(*rows, strict=True))
        places: tuple[int, ...] | range = range(self._count, self._count + len(rows))
        self._count += len(rows)
        if self._numbered:
            places, columns = columns[0], columns[1:]
        odd: dict[int, tuple[str, Any]] = {}
        for name, values in zip(self._names, columns, strict=True):
            self._check(name, values, odd)
        refused = tuple(
            Refused(
                self._file, self._place(places[at]), self._reason(*odd[at]), repr(rows[at])[:1000]
            )
            for at in sorted(odd)
        )
        if refused and not self._quarantine:
            raise self._failure(refused[0].place, *odd[min(odd)])
        made = {
            name: pl.Series(
                name,
                [value for at, value in enumerate(values) if at not in odd] if odd else values,
                dtype=_TYPES[self._types[name]] if name in self._types else pl.Null(),
                strict=False,
            )
            for name, values in zip(self._names, columns, strict=True)
        }
        return Batch(pl.DataFrame(made), refused, len(rows))

    def _check(self, name: str, values: tuple[Any, ...], odd: dict[int, tuple[str, Any]]) -> None:
        kinds = set(map(type, values)) - {type(None)}
        known = self._types.get(name)
        if not kinds or kinds == {known}:
            return
        first = known or next(type(value) for value in values if value is not None)
        if first in (int, float) and float in kinds | {first}:
            first = float  # whole numbers among fractions: batches are united by the collector
        self._types[name] = first
        fitting = {int, float} if first is float else {first}
        if kinds <= fitting:
            return
        for at, value in enumerate(values):
            if value is not None and type(value) not in fitting:
                odd.setdefault(at, (name, value))

    def _place(self, number: int) -> str:
        return f"rowid {number}" if self._numbered else f"row {number + 1} of the query"

    def _reason(self, name: str, value: Any) -> str:
        wanted = _WORDS[self._types[name]]
        return f"column '{name}' has {_WORDS[type(value)]} {value!r:.80} among values of {wanted}"

    def _failure(self, place: str, name: str, value: Any) -> DataError:
        return DataError(
            f"'{self._shown}', {place}: column '{name}' has values of several types",
            expected=f"{_WORDS[self._types[name]]}, as in the rows before",
            got=f"{_WORDS[type(value)]} {value!r:.80}",
            fix=f"cast it in the query: SELECT CAST({quoted(name)} AS TEXT) AS {quoted(name)}; "
            'or on_bad_rows="quarantine" sets such rows aside',
        )


def _no_rows(shown: str) -> DataError:
    return DataError(
        f"'{shown}': the query gives no table",
        expected="a SELECT",
        got="a statement without columns",
    )
