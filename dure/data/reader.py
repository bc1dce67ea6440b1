"""Read a table: CSV or Parquet, a file, a folder or a pattern, or a frame."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dure.data.csv_layout import Dialect
from dure.data.csv_reader import line_of_row, read_text
from dure.data.infer import typed
from dure.data.sources import Files, find_files, no_permission
from dure.data.types import check_same_columns, standardise, unite
from dure.errors import DataError, UsageError
from dure.progress import Progress, silent

NULL_VALUES = ("", "NA")

Source = str | os.PathLike[str] | pl.DataFrame


def read(
    source: Source,
    *,
    null_values: Sequence[str] = NULL_VALUES,
    delimiter: str = ",",
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Return a table whose columns are ints, floats, truth values or text.

    Parameters
    ----------
    source : str, path or polars.DataFrame
        A file that ends in ``.csv`` or ``.parquet``, a folder of such files, a pattern such as
        ``"trips/2024-*.csv"``, or a frame.
    null_values : sequence of str
        Texts that mean "no value" in CSV; compared as they are. Parquet and frames have nulls
        of their own, so that their texts stay.
    delimiter : str
        What parts the fields of CSV: one ASCII character.
    encoding : str
        The encoding of CSV, as Python names it.
    types : mapping of str to {"bool", "float", "int", "string"}, optional
        Types of CSV columns that should not be inferred, such as ``{"zip": "string"}``.
    progress : Progress
        Is told how many files are read.

    Returns
    -------
    polars.DataFrame
        Columns of ``Int64``, ``Float64``, ``Boolean`` or ``String``; rows in the order of the
        source, files in the order of their names.

    Raises
    ------
    DataError
        The data is missing, unreadable or malformed; the message says where.
    UsageError
        An argument is wrong.

    Examples
    --------
    >>> read(pl.DataFrame({"a": [1, None]}, schema={"a": pl.Int8})).dtypes
    [Int64]
    """
    return load(
        source,
        null_values=null_values,
        dialect=Dialect(delimiter, encoding),
        types=types,
        progress=progress,
    ).frame


@dataclass(frozen=True)
class Table:
    """What was read.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows.
    label : str
        What the source is called, without its folder.
    refused : tuple of str
        A remark on each row that was left out.
    """

    frame: pl.DataFrame
    label: str
    refused: tuple[str, ...] = ()


def load(
    source: Source,
    *,
    null_values: Sequence[str],
    dialect: Dialect,
    types: Mapping[str, str] | None,
    progress: Progress,
) -> Table:
    """Return the table of `read`, with its label and what was refused."""
    if isinstance(source, pl.DataFrame):
        return Table(standardise(source, "the DataFrame"), "DataFrame")
    if not isinstance(source, str | os.PathLike):
        raise UsageError(
            "the source of data is of the wrong type",
            expected="a path, a pattern or a polars DataFrame",
            got=f"{type(source).__module__}.{type(source).__qualname__}",
            fix="polars.from_pandas(frame) makes a polars DataFrame of a pandas one",
        )
    if isinstance(null_values, str):
        raise UsageError(
            "null_values is one text",
            expected='a sequence of texts, such as ("", "NA")',
            got=f"null_values={null_values!r}",
            fix=f"null_values=({null_values!r},)",
        )
    files = find_files(source)
    if files.kind == "parquet":
        return Table(_parquet(files, progress), files.label)
    return _csv(files, null_values, dialect, types or {}, progress)


def _csv(
    files: Files,
    null_values: Sequence[str],
    dialect: Dialect,
    types: Mapping[str, str],
    progress: Progress,
) -> Table:
    parts: list[pl.DataFrame] = []
    refused: list[str] = []
    for done, path in enumerate(files.paths, start=1):
        text = read_text(path, dialect)
        refused += text.refused
        part = text.frame
        if parts:
            check_same_columns(parts[0].columns, part.columns, f"'{files.paths[0]}'", f"'{path}'")
            part = part.select(parts[0].columns)
        parts.append(part)
        progress(done, len(files.paths), unit="files", note=path.name)

    def locate(row: int) -> str:
        for path, part in zip(files.paths, parts, strict=True):
            if row < part.height:
                return f"'{path}', line {line_of_row(path, dialect, row)}"
            row -= part.height
        raise IndexError(row)

    frame = typed(pl.concat(parts), null_values=null_values, types=types, locate=locate)
    return Table(frame, files.label, tuple(refused))


def _parquet(files: Files, progress: Progress) -> pl.DataFrame:
    parts: dict[str, pl.DataFrame] = {}
    for done, path in enumerate(files.paths, start=1):
        parts[f"'{path}'"] = standardise(_parquet_file(path), f"'{path}'")
        progress(done, len(files.paths), unit="files", note=path.name)
    return pl.concat(unite(parts))


def _parquet_file(path: Path) -> pl.DataFrame:
    try:
        with path.open("rb") as file:
            frame = pl.read_parquet(file)
            rows = pl.scan_parquet(file).select(pl.len()).collect().item()
    except PermissionError as error:
        raise no_permission(path, error) from error
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"'{path}' cannot be read as Parquet",
            expected="a whole Parquet file",
            got=f"{path.stat().st_size:,} bytes; Polars says: {str(error).splitlines()[0]}",
            fix="write the file again",
        ) from error
    if rows != frame.height:
        raise DataError(
            f"'{path}': rows were lost while reading",
            expected=f"{rows:,} rows, as the file says",
            got=f"{frame.height:,} rows",
        )
    return frame
