"""Frames, and files that Polars can scan, in pieces of about the size that a batch should have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from dure.data.batch import Batch
from dure.data.location import Location
from dure.errors import DataError

_CELL = 8  # bytes a value takes once it is an Int64 or a Float64
_GROWTH = 64
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
    schema = frame.schema  # which Polars makes anew each time
    wanted = {name: _without_map(dtype) for name, dtype in schema.items()}
    changed = [frame[name].cast(to) for name, to in wanted.items() if to != schema[name]]
    return frame.with_columns(changed) if changed else frame


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
    rows = max(1, size // row_bytes(frame))
    for start in range(0, max(frame.height, 1), rows):
        yield Batch(frame.slice(start, rows), found=min(rows, frame.height - start))


def scanned(
    scan: pl.LazyFrame, location: Location, kind: str, whole: str, size: int
) -> Iterator[Batch]:
    """Yield what a scan of one file gives, slice by slice.

    Parameters
    ----------
    scan : polars.LazyFrame
        All rows of the file, as a scan that reads a slice without the rest.
    location : Location
        The file, for messages.
    kind, whole : str
        The name of its format, and what such a file is when it is whole, for messages.
    size : int
        About how many bytes a batch should take.

    Raises
    ------
    DataError
        It is not of that format, is cut off or damaged, or has a type that Polars cannot hold.
    """
    try:
        total = int(scan.select(pl.len()).collect().item())  # of the index; no value is read
        scan.collect_schema()
    except FAULTS as error:
        raise DataError(
            f"'{location.url}' cannot be read as {kind}",
            expected=whole,
            got=f"{location.size():,} bytes; Polars says: {said(error)}",
            fix="write or copy the file again; if it is of another format, say which: format=…",
        ) from error
    start, rows = 0, 1
    while start < total or not start:
        frame = _slice(scan, location, kind, start, rows)
        yield Batch(frame, found=max(0, min(rows, total - start)))
        start += rows
        # One row may have a hundred megabytes, or a hundred bytes: the first slices show it.
        rows = min(max(1, size // row_bytes(frame)), rows * _GROWTH)


def said(error: BaseException) -> str:
    """Return the first line of an error's text."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]


def _slice(
    scan: pl.LazyFrame, location: Location, kind: str, start: int, rows: int
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
