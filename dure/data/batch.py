"""What every reader gives, and what it is told: one batch of rows after another.

A reader is a generator function ``read(location, options)``. It yields `Batch` after `Batch`, in
the order of the file, each small enough to hold several of them in memory. Each row that the file
has is either in the frame of a batch or in its ``refused``: whoever collects the batches adds them
up and compares them with ``found``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from dure.data.location import Location

NULL_VALUES = ("", "NA")


@dataclass(frozen=True)
class Refused:
    """A row that could not be read.

    Parameters
    ----------
    file : str
        The name of its file, without its folder.
    place : str
        Where in the file: ``"line 12"``, ``"record 7, byte 4,311"``.
    reason : str
        What is wrong with it, in words.
    text : str
        The row as it stands there, cut to 1,000 characters; ``""`` where it is no text.
    """

    file: str
    place: str
    reason: str
    text: str = ""

    def __str__(self) -> str:
        # An image is its file; its place is the path that ends in the name.
        whole = self.place == self.file or self.place.endswith(f"/{self.file}")
        return f"{self.place if whole else f'{self.file}, {self.place}'}: {self.reason}"


@dataclass(frozen=True)
class Batch:
    """Some rows of one file.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows that could be read. Any Polars types; the collector makes Dure's types of them.
    refused : tuple of Refused
        The rows that could not.
    found : int or None
        How many rows this part of the file has, by a count independent of ``frame``: records in
        the bytes, rows in the file's own metadata. None: there is no second count.
    """

    frame: pl.DataFrame
    refused: tuple[Refused, ...] = ()
    found: int | None = None


@dataclass(frozen=True)
class ReadOptions:
    """How a source is read. A reader uses what concerns its format and ignores the rest.

    Parameters
    ----------
    format : str, optional
        The format, such as ``"csv"``; default: what the ending of the name says.
    null_values : sequence of str
        Texts that mean that there is no value, in formats without nulls of their own.
    delimiter : str, optional
        What parts the fields of CSV: one ASCII character. Default: a tab for ``.tsv``, else a
        comma.
    quote : str or None
        What encloses fields of CSV. None: nothing does, and a quote is text.
    header : sequence of str or None
        Names of the columns of CSV files that have no header line. Default: the first line.
    encoding : str
        The encoding of text formats, as Python names it.
    strip : bool
        Spaces and tabs around the values and the names of CSV are no part of them.
    types : mapping of str to str
        Types of columns that should not be inferred.
    query : str, optional
        What to ask a database: SQL.
    message : str, optional
        For records of a protocol buffer: ``"path/of/descriptor_set.pb:package.Message"``.
    on_bad_rows : {"fail", "quarantine"}
        A row that cannot be read stops the reading, or is set aside.
    columns : sequence of str, optional
        The only columns that are wanted: a reader that can leave out the others may. Default:
        all.
    batch_bytes : int
        About how much memory one batch should take; a few times as much, where rows are wide.
        Default 32 MiB.
    window_bytes : int
        How much memory a reader may take for rows that a file keeps compressed together, such as
        a row group of Parquet. Default 128 MiB.
    """

    format: str | None = None
    null_values: Sequence[str] = NULL_VALUES
    delimiter: str | None = None
    quote: str | None = '"'
    header: Sequence[str] | None = None
    encoding: str = "utf-8"
    strip: bool = False
    types: Mapping[str, str] = field(default_factory=dict)
    query: str | None = None
    message: str | None = None
    on_bad_rows: str = "fail"
    columns: Sequence[str] | None = None
    batch_bytes: int = 1 << 25
    window_bytes: int = 1 << 27


Reader = Callable[["Location", ReadOptions], Iterator[Batch]]
