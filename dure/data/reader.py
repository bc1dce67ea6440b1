"""Read a table, of any format and from anywhere, into memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dure.data.batch import NULL_VALUES, ReadOptions
from dure.data.collect import Collector
from dure.data.inputs import inputs_of, is_named
from dure.data.spans import Spans
from dure.data.splitters import HashSplitter
from dure.data.workspace import Workspace
from dure.errors import UsageError
from dure.progress import Progress, silent

Source = str | os.PathLike[str] | Any

_UNBOUNDED = 1 << 62


def read(
    source: Source,
    *,
    format: str | None = None,  # noqa: A002 - what everyone calls it
    null_values: Sequence[str] = NULL_VALUES,
    delimiter: str | None = None,
    quote: str | None = '"',
    header: Sequence[str] | None = None,
    encoding: str = "utf-8",
    strip: bool = False,
    types: Mapping[str, str] | None = None,
    query: str | None = None,
    message: str | None = None,
    span: int | Spans | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Return a table whose columns have the types of `dure.data.types`.

    Parameters
    ----------
    source : path, URL, pattern, list of these, or table in memory
        A file, a folder of files, a pattern such as ``"trips/2024-*.csv"``, a URL of these
        (``s3://``, ``gs://``, ``https://``), the URL of a database (``sqlite:///trips.db``), or
        a Polars, pandas, Arrow or NumPy table, or a dict of columns. A pattern may have spans:
        ``"trips/{SPAN}/*.csv"``; see `dure.data.spans`.
    format : str, optional
        The format, such as ``"csv"``; default: what the endings of names say.
    null_values : sequence of str
        Texts that mean "no value" in text formats; compared as they are. Formats with nulls of
        their own keep their texts.
    delimiter : str, optional
        What parts the fields of CSV: one ASCII character. Default: what the name says.
    quote : str or None
        What encloses fields of CSV; None: nothing.
    header : sequence of str, optional
        Names of the columns of CSV files without a header line.
    encoding : str
        The encoding of text formats, as Python names it.
    strip : bool
        Spaces and tabs around the values and the names of CSV are no part of them, as in files
        that write ``", "`` between fields. What is quoted has to begin right after the delimiter.
    types : mapping of str to str, optional
        Types of columns that should not be inferred, such as ``{"zip": "string"}``.
    query : str, optional
        What to ask a database.
    message : str, optional
        For records of protocol buffers: ``"path/of/descriptor_set.pb:package.Message"``.
    span : int or Spans, optional
        Which spans; default: the latest.
    progress : Progress
        Is told how many files are read.

    Returns
    -------
    polars.DataFrame
        Rows in the order of the source, files in the order of their names.

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
    options = read_options(
        format=format,
        null_values=null_values,
        delimiter=delimiter,
        quote=quote,
        header=header,
        encoding=encoding,
        strip=strip,
        types=types,
        query=query,
        message=message,
    )
    if isinstance(source, Mapping) and is_named(source):
        raise UsageError(
            "the source is one of several splits",
            expected="one source",
            got=f"a mapping of {', '.join(source)}",
            fix="dure.data.make_examples reads splits",
        )
    inputs = inputs_of(source, options, span)
    collector = Collector(
        label=inputs.label,
        options=options,
        workspace=Workspace(),
        memory=_UNBOUNDED,
        max_bad_rows=0,
        progress=progress,
    )
    done = collector.collect(inputs.inputs, lambda: HashSplitter({"all": 1}, None))
    return pl.concat([part.frame() for part in done.parts["all"]])


def read_options(
    *, null_values: Sequence[str], types: Mapping[str, str] | None, **others: Any
) -> ReadOptions:
    """Return options for the readers, after a look at those that are easily mistaken."""
    if isinstance(null_values, str):
        raise UsageError(
            "null_values is one text",
            expected='a sequence of texts, such as ("", "NA")',
            got=f"null_values={null_values!r}",
            fix=f"null_values=({null_values!r},)",
        )
    header = others.get("header")
    if isinstance(header, str):
        raise UsageError(
            "header is one text",
            expected='the names of the columns, such as ["age", "income"]',
            got=f"header={header!r}",
            fix=f"header={header.split(',')!r}",
        )
    return ReadOptions(null_values=tuple(null_values), types=dict(types or {}), **others)
