"""Frames, and files that Polars can scan, in pieces of about the size that a batch should have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.naming import pick
from dure.errors import DataError

_CELL = 8  # bytes a value takes once it is an Int64 or a Float64
_GROWTH = 64
_WIDER, _ENOUGH = 4, 1 << 12
_ROW_GROUP = 1 << 17  # rows: writers seldom put more of them together
_MAP: Any = getattr(pl, "Map", None)  # since Polars 2
FAULTS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


def row_bytes(frame: pl.DataFrame) -> int:
    """Return about how many bytes a row of ``frame`` takes in standard types, at least 1."""
    plain = max(1, _CELL * frame.width)
    return max(plain, int(frame.estimated_size()) // frame.height) if frame.height else plain


def without_maps(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame in which maps are lists of ``struct[key, value]``, wherever they stand."""
    if _MAP is None:
        return frame  # a Polars that reads them so itself
    nested = [column for column in frame.get_columns() if not _holds_no_map(column.dtype)]
    wanted = [(column, _without_map(column.dtype)) for column in nested]
    changed = [column.cast(to) for column, to in wanted if to != column.dtype]
    return frame.with_columns(changed) if changed else frame


def _holds_no_map(dtype: Any) -> bool:
    return not (dtype.is_nested() or isinstance(dtype, _MAP))


def _without_map(dtype: Any) -> Any:
    if isinstance(dtype, _MAP):
        pair = {"key": _without_map(dtype.key), "value": _without_map(dtype.value)}
        return pl.List(pl.Struct(pair))
    if isinstance(dtype, pl.List):
        return pl.List(_without_map(dtype.inner))
    if isinstance(dtype, pl.Array):
        return pl.Array(_without_map(dtype.inner), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(each.name, _without_map(each.dtype)) for each in dtype.fields])
    return dtype


def batches_of(frame: pl.DataFrame, size: int) -> Iterator[Batch]:
    """Yield ``frame`` in batches of about ``size`` bytes; at least one, though it has no rows."""
    rows = _batch_rows(size, row_bytes(frame))
    for start in range(0, max(frame.height, 1), rows):
        yield Batch(frame.slice(start, rows), found=min(rows, frame.height - start))


def scanned(
    scan: pl.LazyFrame, location: Location, kind: str, whole: str, options: ReadOptions
) -> Iterator[Batch]:
    """Yield what a scan of one file gives, slice by slice.

    A file decodes what it has compressed together, such as a row group, for each slice of it. So
    a slice is as large as ``options.window_bytes`` allows, and is cut into batches in memory.

    Parameters
    ----------
    scan : polars.LazyFrame
        All rows of the file, as a scan that reads a slice without the rest.
    location : Location
        The file, for messages.
    kind, whole : str
        The name of its format, and what such a file is when it is whole, for messages.
    options : ReadOptions
        ``columns``, ``batch_bytes`` and ``window_bytes`` count.

    Raises
    ------
    DataError
        It is not of that format, is cut off or damaged, or has a type that Polars cannot hold.
    """
    try:
        total = int(scan.select(pl.len()).collect().item())  # of the index; no value is read
        schema = scan.collect_schema()
    except FAULTS as error:
        raise DataError(
            f"'{location.url}' cannot be read as {kind}",
            expected=whole,
            got=f"{location.size():,} bytes; Polars says: {said(error)}",
            fix="write or copy the file again; if it is of another format, say which: format=…",
        ) from error
    if options.columns is not None and set(options.columns) <= set(schema):
        scan = pick(scan, options.columns)
        schema = pl.Schema({name: schema[name] for name in options.columns})
    read = partial(_slice, location=location, kind=kind)
    start, rows = 0, _first_rows(scan, schema, read, options)
    while start < total or not start:
        frame = read(scan, start=start, rows=rows)
        each = row_bytes(frame)
        step = _batch_rows(options.batch_bytes, each)
        for at in range(0, max(frame.height, 1), step):
            found = max(0, min(step, rows - at, total - start - at))
            yield Batch(frame.slice(at, step), found=found)
        del frame  # before the next one takes as much
        start += rows
        rows = min(_window_rows(options, each), rows * _GROWTH)


def _first_rows(
    scan: pl.LazyFrame, schema: pl.Schema, read: Callable[..., pl.DataFrame], options: ReadOptions
) -> int:
    """Return how many rows may be read first: what one takes, and then some take, shows it."""
    each = _CELL * len(schema)
    long = [
        name
        for name, dtype in schema.items()
        if (not dtype.is_numeric() and dtype.is_nested()) or dtype in (pl.String, pl.Binary)
    ]
    if not long:
        return _window_rows(options, each)
    rows = 1
    # One row may have a hundred megabytes, or a hundred bytes. Numbers need not be read for that.
    for _ in range(2):
        each = _CELL * (len(schema) - len(long)) + row_bytes(
            read(pick(scan, long), start=0, rows=rows)
        )
        rows = min(_window_rows(options, each), rows * _GROWTH)
    return rows


def _batch_rows(size: int, each: int) -> int:
    """Return how many rows of ``each`` bytes a batch of about ``size`` bytes has.

    A batch costs time for each of its columns. So where rows are wide, it may be a few times
    larger, up to a number of rows beside which that is little.
    """
    return max(1, size // each, min(_ENOUGH, _WIDER * size // each))


def _window_rows(options: ReadOptions, each: int) -> int:
    """Return how many rows are read together: whole batches, as many as memory has room for."""
    batch = _batch_rows(options.batch_bytes, each)
    wanted = max(_WIDER * options.batch_bytes, each * _ROW_GROUP)
    return batch * max(1, min(wanted, options.window_bytes) // each // batch)


def said(error: BaseException) -> str:
    """Return the first line of an error's text."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]


def _slice(
    scan: pl.LazyFrame, *, location: Location, kind: str, start: int, rows: int
) -> pl.DataFrame:
    try:
        return without_maps(scan.slice(start, rows).collect())
    except FAULTS as error:
        raise DataError(
            f"'{location.url}', rows {start + 1:,} to {start + rows:,}: cannot be read",
            expected=f"whole {kind} data, with values of types that Polars has",
            got=said(error),
            fix="write the file again; if it is whole, write the column as a plain type",
        ) from error
