"""What the records of one CSV file are: its header, its rows, and what does not fit."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from dure.data.csv_scan import QuoteError, Records, line_of, records
from dure.errors import DataError, UsageError

_SHOWN = 60


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written, and what to do with rows that are not written so.

    Parameters
    ----------
    delimiter : str
        One ASCII character that parts the fields.
    encoding : str
        The encoding of the file, as Python names it.
    bad_rows : {"error", "refuse"}
        A row with too few or too many fields is an error, or is left out and counted.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    bad_rows: Literal["error", "refuse"] = "error"

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n':
            raise UsageError(
                "the delimiter of a CSV file is wrong",
                expected="one ASCII character that is no quote and no line end",
                got=f"delimiter={self.delimiter!r}",
                fix='use delimiter="," or ";" or "\\t"',
            )
        if self.bad_rows not in ("error", "refuse"):
            raise UsageError(
                "bad_rows is wrong", expected='"error" or "refuse"', got=repr(self.bad_rows)
            )


@dataclass
class Layout:
    """The parts of a file's bytes that matter.

    Attributes
    ----------
    names : tuple of str
        The columns.
    begin : int
        Where the first record after the header starts.
    rows : int
        How many rows there are, without those that are refused.
    cuts : list of (int, int)
        Start and end of the records that are no plain rows: blank lines, and what is refused.
    refused : list of (int, int)
        Line and number of fields of each row that is refused.
    sought : int
        Where the row that was asked for starts.
    """

    names: tuple[str, ...] = ()
    begin: int = 0
    rows: int = 0
    cuts: list[tuple[int, int]] = field(default_factory=list)
    refused: list[tuple[int, int]] = field(default_factory=list)
    sought: int = -1


def find_layout(data: bytes, path: Path, dialect: Dialect, *, seek: int = -1) -> Layout:
    """Return the layout of a CSV file.

    Parameters
    ----------
    data : bytes
        The file as UTF-8, with at least one line that is not blank.
    path : Path
        The file, for messages.
    dialect : Dialect
        How it is written.
    seek : int, optional
        A row, counted from 0, whose offset is wanted.

    Raises
    ------
    DataError
        A quote, a header or a row is wrong, or there are no rows.
    """
    layout = Layout()
    try:
        for block in records(data, dialect.delimiter):
            rest = block if layout.names else _take_header(block, layout, data, path, dialect)
            if rest is not None:
                _take_rows(rest, layout, data, path, dialect, seek)
    except QuoteError as error:
        raise _wrong_quote(data, path, error) from error
    if layout.rows == 0 and layout.refused:
        line, found = layout.refused[0]
        raise DataError(
            f"'{path}': all {len(layout.refused)} rows are malformed",
            expected=f"{fields(len(layout.names))}, as in the header: {_short(', '.join(layout.names))}",
            got=f"{fields(found)} on line {line}",
            fix="check the delimiter, and that the first line names the columns",
        )
    if layout.rows == 0:
        raise DataError(
            f"'{path}' has a header and no rows",
            expected="at least one row after the header",
            got=f"the columns {_short(', '.join(layout.names))} and nothing else",
            fix="check what wrote the file; does its first line name the columns?",
        )
    return layout


def _take_header(
    block: Records, layout: Layout, data: bytes, path: Path, dialect: Dialect
) -> Records | None:
    """Read the names from the first record that is not blank; return the records after it."""
    head = int(np.argmin(block.blank))
    if block.blank[head]:
        return None
    end = int(block.ends[head])
    layout.names = _header(data[int(block.starts[head]) : end], path, dialect)
    layout.begin = data.find(b"\n", end) + 1 or len(data)
    rest = slice(head + 1, None)
    return Records(block.starts[rest], block.ends[rest], block.fields[rest])


def _take_rows(
    block: Records, layout: Layout, data: bytes, path: Path, dialect: Dialect, seek: int
) -> None:
    width = len(layout.names)
    wrong = (block.fields != width) & ~block.blank
    if wrong.any() and dialect.bad_rows == "error":
        index = int(np.argmax(wrong))
        record = data[int(block.starts[index]) : int(block.ends[index])]
        line = line_of(data, int(block.starts[index]))
        raise _wrong_fields(record, line, int(block.fields[index]), layout.names, path, dialect)
    row = ~wrong if width == 1 else ~wrong & ~block.blank
    places = np.flatnonzero(row)
    if layout.rows <= seek < layout.rows + len(places):
        layout.sought = int(block.starts[places[seek - layout.rows]])
    layout.rows += len(places)
    for index in np.flatnonzero(wrong | block.blank).tolist():
        layout.cuts.append((int(block.starts[index]), int(block.ends[index])))
    for index in np.flatnonzero(wrong).tolist():
        line = line_of(data, int(block.starts[index]))
        layout.refused.append((line, int(block.fields[index])))


def _header(record: bytes, path: Path, dialect: Dialect) -> tuple[str, ...]:
    text = record.decode("utf-8")
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter))
    if "" in names:
        raise DataError(
            f"'{path}': column {names.index('') + 1} has no name",
            expected="a name for each column in the header line",
            got=_short(text),
            fix="name it in the header; pandas leaves its index without a name: index=False",
        )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        places = [str(position) for position, other in enumerate(names, 1) if other == name]
        raise DataError(
            f"'{path}': {times} columns have the name '{name}'",
            expected="each column name once",
            got=f"'{name}' as columns {' and '.join(places)}",
            fix="rename one of them in the header line",
        )
    return tuple(names)


def _wrong_fields(
    record: bytes, line: int, found: int, names: tuple[str, ...], path: Path, dialect: Dialect
) -> DataError:
    many = found > len(names)
    text = record.decode("utf-8")
    others = [d for d in ",;\t|" if d != dialect.delimiter and d in names[0]]
    fix = 'correct the row, or read with bad_rows="refuse" to leave it out and count it'
    if len(names) == 1 and others:
        fix = f"the header has {others[0]!r} in it: read with delimiter={others[0]!r}"
    return DataError(
        f"'{path}', line {line}: the row has too {'many' if many else 'few'} fields",
        expected=f"{fields(len(names))}, as in the header: {_short(', '.join(names))}",
        got=f"{fields(found)}: {_short(text)}",
        fix=fix,
    )


def _wrong_quote(data: bytes, path: Path, error: QuoteError) -> DataError:
    begin = data.rfind(b"\n", 0, error.offset) + 1
    end = data.find(b"\n", error.offset)
    text = data[begin : end if end >= 0 else len(data)].decode("utf-8").rstrip("\r")
    since = "" if error.opened is None else f" (it opened on line {line_of(data, error.opened)})"
    return DataError(
        f"'{path}', line {line_of(data, error.offset)}: {error}{since}",
        expected='a field with a quote in it written as "a ""b"" c"',
        got=_short(text),
        fix="quote the whole field, double the quotes in it, leave no space before or after it",
    )


def fields(count: int) -> str:
    """Return a number of fields in words."""
    return "1 field" if count == 1 else f"{count} fields"


def _short(text: str) -> str:
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
