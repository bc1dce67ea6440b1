"""`Part`, the shard: some rows of one split. Where a part ends depends on the data alone.

A part ends after its `part_rows`-th row, or after the row with which its values pass
`PART_BYTES`, whatever comes first; the next row begins another. Workers, batches and machines
have no say in it, so what is folded over parts in their order is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from dure.data.naming import field_of, named, pick
from dure.data.types import check_fields
from dure.draw import counted
from dure.errors import StoreError

PART_BYTES = 1 << 27
"""A part ends with the row that brings its values to so many bytes: 128 MiB."""

_CELLS = 1 << 24
_MOST, _LEAST = 1 << 17, 1 << 10
_ROW_GROUP = 1 << 17
_LONG = (pl.String, pl.Binary, pl.List, pl.Struct)


@dataclass(frozen=True)
class Part:
    """Some consecutive rows of a split. It can be pickled, and so sent to a worker.

    Parameters
    ----------
    split : str
        The split that it is a part of.
    index : int
        Its place among the parts of the split, from 0.
    rows : int
        How many rows it has: at least one.
    path : Path, optional
        Its Parquet file.
    held : polars.DataFrame, optional
        Its rows, if they are in memory and not in a file.
    """

    split: str
    index: int
    rows: int
    path: Path | None = None
    held: pl.DataFrame | None = field(default=None, repr=False, compare=False)

    def frame(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return its rows.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these, in this order; default: all.

        Raises
        ------
        StoreError
            Its file is gone or not whole.
        """
        if self.held is not None:
            return self.held if columns is None else pick(self.held, columns)
        frame = self._read(columns)
        if frame.width and frame.height != self.rows:
            raise StoreError(
                f"'{self.path}' is not whole",
                expected=counted(self.rows, "row"),
                got=counted(frame.height, "row"),
                fix="make the examples again",
            )
        return frame

    def scan(self) -> pl.LazyFrame:
        """Return its rows as a lazy frame.

        Raises
        ------
        StoreError
            Its file is gone.
        """
        if self.held is not None:
            return self.held.lazy()
        return pl.scan_parquet(self.file(), glob=False, hive_partitioning=False)

    def file(self) -> Path:
        """Return its Parquet file, which is there.

        Raises
        ------
        StoreError
            It is gone.
        """
        assert self.path is not None
        if not self.path.is_file():
            raise StoreError(
                f"the file '{self.path}' of split '{self.split}' is gone",
                expected="the Parquet file that was saved",
                got="no file",
                fix="make the examples again",
            )
        return self.path

    def _read(self, columns: Sequence[str] | None) -> pl.DataFrame:
        path = self.file()
        names = None if columns is None else list(columns)
        try:
            scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            return (scan if names is None else pick(scan, names)).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise StoreError(
                f"'{path}' cannot be read",
                expected="the Parquet file that was saved",
                got=(str(error).splitlines() or [type(error).__name__])[0],
                fix="make the examples again",
            ) from error


def part_name(index: int) -> str:
    """Return the name of the file of a part.

    >>> part_name(3)
    'part-00003.parquet'
    """
    return f"part-{index:05}.parquet"


def part_rows(columns: int) -> int:
    """Return how many rows a part of so many columns has at most.

    About 16 million values: 131,072 rows of up to 128 columns, 4,096 rows of 3,000.

    >>> part_rows(18), part_rows(3000), part_rows(10**6)
    (131072, 4096, 1024)
    """
    return min(_MOST, max(_LEAST, 1 << (_CELLS // max(columns, 1)).bit_length() - 1))


def cut(frame: pl.DataFrame, rows: int = 0, size: int = 0, total: int | None = None) -> list[int]:
    """Return after how many rows of ``frame``, counted from its start, parts end.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows that follow those that the open part has already.
    rows, size : int
        The rows and the bytes of the open part.
    total : int, optional
        The `data_bytes` of ``frame``, if they are known.

    Returns
    -------
    list of int
        Rising; the last may be less than the height, and then the rest is open.
    """
    most = part_rows(frame.width)
    ends: list[int] = []
    total = data_bytes(frame) if total is None else total
    at, sizes = 0, _running(frame) if size + total >= PART_BYTES else None
    while at < frame.height:
        end = at + most - rows
        if sizes is not None:
            before = (int(sizes[at - 1]) if at else 0) - size
            end = min(end, int(np.searchsorted(sizes, before + PART_BYTES)) + 1)
        if end > frame.height:
            break
        ends.append(end)
        at, rows, size = end, 0, 0
    return ends


def data_bytes(frame: pl.DataFrame) -> int:
    """Return how many bytes the values have, however they are held: 8 a number, and texts."""
    if not frame.width or not frame.height:
        return 0
    long = _long(frame)
    size = 8 * frame.width * frame.height
    texts = long.select(cs.string().str.len_bytes().cast(pl.Int64).sum())
    size += sum(total or 0 for total in texts.row(0)) if texts.width else 0
    others = [column for column in long.get_columns() if not isinstance(column.dtype, pl.String)]
    if others:
        sizes = [_bytes(named(column.name), column.dtype).sum() for column in others]
        size += sum(long.select(sizes).row(0)) - 8 * len(others) * frame.height
    return int(size)


def write_part(frame: pl.DataFrame, path: Path) -> None:
    """Write rows as Parquet: the same rows give the same bytes.

    Raises
    ------
    StoreError
        They cannot be written, as when the disk is full; nothing is left at ``path``.
    DataError
        A column has records without any field.
    """
    try:
        # Of one chunk and with a fixed size of row groups: how a frame came about must not show.
        frame.rechunk().write_parquet(path, compression="zstd", row_group_size=_ROW_GROUP)
    except (pl.exceptions.PolarsError, OSError) as error:
        path.unlink(missing_ok=True)
        check_fields(frame.schema)
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: BaseException) -> StoreError:
    """Return the error for rows that cannot be written, as when the disk is full."""
    return StoreError(
        f"cannot write '{path.name}' to '{path.parent}'",
        expected="a file system with room for the rows",
        got=(str(error).splitlines() or [type(error).__name__])[0],
        fix="free some space, then run again",
    )


def _running(frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return how many bytes the rows up to each have together."""
    long = _long(frame)
    flat = 8 * (frame.width - long.width)
    if not long.width:
        return np.arange(1, frame.height + 1, dtype=np.int64) * flat
    sizes = [_bytes(named(column.name), column.dtype) for column in long]
    each = pl.sum_horizontal(pl.lit(flat, pl.Int64), *sizes)
    return long.select(each.cast(pl.Int64).cum_sum().alias("size"))["size"].to_numpy()


def _long(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns whose values differ in size."""
    return pl.DataFrame([column for column in frame.get_columns() if _is_long(column.dtype)])


def _is_long(dtype: pl.DataType) -> bool:
    return isinstance(dtype, _LONG)


def _bytes(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return the bytes of each value: 8 for a number, 8 more than it has for a text.

    A list of one counts as its value, and a field without value as nothing, so that the count
    stays the same if single values become lists or a struct gets a field in a later batch.
    """
    if isinstance(dtype, pl.String):
        return value.str.len_bytes().cast(pl.Int64).fill_null(0) + 8
    if isinstance(dtype, pl.Binary):
        return value.bin.size().cast(pl.Int64).fill_null(0) + 8
    if isinstance(dtype, pl.List):
        inner = _made(dtype.inner)
        if _is_long(inner):
            total = value.list.eval(_bytes(pl.element(), inner)).list.sum()
        else:
            total = value.list.len().cast(pl.Int64) * 8
        return pl.max_horizontal(total, pl.lit(8, pl.Int64))
    if isinstance(dtype, pl.Struct):
        parts = [field_of(value, dtype, field.name) for field in dtype.fields]
        sizes = [_bytes(p, _made(f.dtype)) for p, f in zip(parts, dtype.fields, strict=True)]
        present = [
            pl.when(p.is_null()).then(0).otherwise(b) for p, b in zip(parts, sizes, strict=True)
        ]
        return pl.sum_horizontal(pl.lit(8, pl.Int64), *present)
    return pl.lit(8, pl.Int64)


def _made(dtype: object) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()  # type: ignore[operator] # a class of one
