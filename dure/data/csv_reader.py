"""One CSV file as a table of text, with every irregular row named.

`csv_scan` finds the records, Polars cuts them into fields, and the two have to agree on how
many rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dure.data.csv_layout import Dialect, Layout, fields, find_layout
from dure.data.csv_scan import line_of
from dure.data.encoding import to_utf8
from dure.data.sources import no_permission
from dure.errors import DataError


@dataclass(frozen=True)
class TextTable:
    """A CSV file as text.

    Parameters
    ----------
    frame : polars.DataFrame
        One ``String`` column a field, without nulls: an empty field is ``""``.
    refused : tuple of str
        A remark on each row that was left out, because it has too few or too many fields.
    """

    frame: pl.DataFrame
    refused: tuple[str, ...]


def read_text(path: Path, dialect: Dialect) -> TextTable:
    """Return a CSV file as text.

    Parameters
    ----------
    path : Path
        The file. Its first record that is not blank names the columns.
    dialect : Dialect
        How it is written. In a file of several columns a blank line is no record; in a file of
        one column it is a record with an empty field.

    Raises
    ------
    DataError
        The file is empty, has no rows, is no text in its encoding, names a column twice, or has
        a record with too many or too few fields.
    """
    data = _bytes(path, dialect)
    layout = find_layout(data, path, dialect)
    try:
        frame = pl.read_csv(
            _without_cuts(data, layout),
            has_header=False,
            schema=dict.fromkeys(layout.names, pl.String),
            separator=dialect.delimiter,
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"'{path}' cannot be read as CSV",
            expected=f"fields parted by {dialect.delimiter!r}, with a header line",
            got=str(error).splitlines()[0],
        ) from error
    if frame.height != layout.rows:
        raise DataError(
            f"'{path}': rows were lost or made while reading",
            expected=f"{layout.rows:,} rows, as counted in the bytes of the file",
            got=f"{frame.height:,} rows from the CSV parser",
            fix="please report this file: it is a fault of Dure or Polars, not of the data",
        )
    remarks = tuple(
        f"{path.name}, line {line}: {fields(found)} instead of {len(layout.names)}"
        for line, found in layout.refused
    )
    return TextTable(frame.with_columns(pl.all().fill_null("")), remarks)


def line_of_row(path: Path, dialect: Dialect, row: int) -> int:
    """Return the physical line, counted from 1, on which data row ``row`` (from 0) starts."""
    data = _bytes(path, dialect)
    return line_of(data, find_layout(data, path, dialect, seek=row).sought)


def _bytes(path: Path, dialect: Dialect) -> bytes:
    try:
        data = path.read_bytes()
    except PermissionError as error:
        raise no_permission(path, error) from error
    data = to_utf8(data, path, dialect.encoding)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # the line ends of old Macintosh programs
    if data.endswith(b"\r"):
        data += b"\n"
    if not data[:1].strip() and not data.strip(b"\r\n"):
        raise DataError(
            f"'{path}' is empty",
            expected="a header line and at least one row",
            got=f"{path.stat().st_size} bytes",
            fix="check what wrote the file",
        )
    return data


def _without_cuts(data: bytes, layout: Layout) -> bytes:
    # Polars reads a blank line as a row of nulls, and skips it where it comes first. So blank
    # lines are cut out, or, where a row has one field, are written as what they mean.
    instead = b"" if len(layout.names) > 1 else b'""\n'
    pieces, at = [], layout.begin
    for start, end in layout.cuts:
        pieces += [data[at:start], instead]
        at = data.find(b"\n", end) + 1 or len(data)
    return b"".join([*pieces, data[at:]]) if pieces else data[at:]
