"""Frames as records of tf.Example, written in bulk with NumPy.

All bytes of a block are laid out first: how long each entry of each row is, and so where it
begins. Then each column writes its entries of all rows at once. Features are in the order of their
names, so the same rows give the same bytes.

An entry is, outermost first (``|x|`` is the length of what x encloses, as a varint)::

    0A |entry| 0A |name| name 12 |feature| KIND |list| body

and only ``|entry|``, ``|feature|`` and ``|list|`` vary, all with the length of ``body``. So there
is one head for each length that occurs, made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from dure.data.naming import unnamed
from dure.data.readers.tf_canonical import varint
from dure.data.readers.tfrecord import FOOTER, HEADER, Ints, crcs, mask, masked_crcs
from dure.errors import DataError

_LONG = 128  # bytes a row from which on a loop of copies is faster than an index of bytes


@dataclass(frozen=True)
class _Column:
    """What one column adds to the rows that have a value.

    Parameters
    ----------
    rows : int64 array
        The rows, ascending.
    sizes : int64 array
        How many bytes the body of each has.
    body : uint8 array
        The bodies, one after the other.
    heads : list of bytes
        What stands before a body, by number.
    head : int64 array
        The number of the head of each row.
    """

    rows: Ints
    sizes: Ints
    body: Any
    heads: list[bytes]
    head: Ints

    def lengths(self) -> Ints:
        """Return the length of each row's entry."""
        return np.array([len(head) for head in self.heads], np.int64)[self.head] + self.sizes


def encode(frame: pl.DataFrame) -> bytes:
    """Return the rows of a frame as framed records of tf.Example.

    Parameters
    ----------
    frame : polars.DataFrame
        Standard types (`dure.data.types`), no structs and no lists of lists.

    Raises
    ------
    DataError
        A column has a type that tf.Example has no place for, a list has a null in it, or a
        number is larger than any float32.
    """
    columns = [_column(frame[name]) for name in sorted(frame.columns, key=str.encode)]
    features = np.zeros(frame.height, np.int64)
    lengths = [column.lengths() for column in columns]
    for column, length in zip(columns, lengths, strict=True):
        features[column.rows] += length
    sizes = 1 + _varint_sizes(features) + features
    stops = np.cumsum(HEADER + sizes + FOOTER) - FOOTER
    starts = stops - sizes
    out = np.zeros(int(stops[-1]) + FOOTER if frame.height else 0, np.uint8)
    at = starts + sizes - features
    _put_heads(
        out, starts, [b"\x0a" + varint(n) for n in _unique(features)[0]], _unique(features)[1]
    )
    for column, length in zip(columns, lengths, strict=True):
        places = at[column.rows]
        _put_heads(out, places, column.heads, column.head)
        _put(out, places + length - column.sizes, column.sizes, column.body)
        at[column.rows] += length
    _put_frames(out, starts, stops)
    return out.tobytes()


def check_types(frame: pl.DataFrame) -> None:
    """Raise `DataError` if a column has a type that tf.Example has no place for."""
    for name, dtype in frame.schema.items():
        inner = dtype.inner if isinstance(dtype, pl.List) else dtype
        if isinstance(inner, pl.List | pl.Struct | pl.Array):
            raise DataError(
                f"column '{name}' cannot be written as tf.Example",
                expected="numbers, truth values, text, bytes, or lists of these",
                got=f"{dtype}",
                fix="write Parquet, which keeps it; or unnest it into columns (polars: unnest)",
            )


def _put_frames(out: Any, starts: Ints, stops: Ints) -> None:
    if not starts.size:
        return
    lengths = stops - starts
    _numbers(out, "<u8")[starts - HEADER] = lengths.astype(np.uint64)
    _numbers(out, "<u4")[starts - FOOTER] = masked_crcs(lengths)
    _numbers(out, "<u4")[stops] = mask(crcs(out.tobytes(), starts, stops))


def _numbers(out: Any, dtype: str) -> Any:
    """Return ``out`` as numbers that begin at any byte; see `tfrecord.little_endian`."""
    size = np.dtype(dtype).itemsize
    return np.ndarray((out.size - size + 1,), dtype=dtype, buffer=out.data, strides=(1,))


def _column(series: pl.Series) -> _Column:
    name, series = series.name, unnamed(series)
    there = series.is_not_null().to_numpy()
    rows = np.flatnonzero(there)
    values = series if rows.size == series.len() else series.drop_nulls()
    counts = None
    if isinstance(values.dtype, pl.List):
        counts = values.list.len().to_numpy().astype(np.int64)
        values = values.filter(values.list.len() > 0).explode()
        if values.null_count():
            raise _null_inside(name, series)
    kind, sizes, body = _encoded(values, name)
    if counts is not None:
        bounds = np.concatenate(([0], np.cumsum(sizes)))
        ends = np.cumsum(counts)
        sizes = bounds[ends] - bounds[ends - counts]
    unique, head = _unique(sizes)
    # Numbers are packed: one field holds all of them, and none is there for no numbers.
    heads = [_head(name.encode(), kind, size, packed=kind != 0x0A) for size in unique]
    return _Column(rows, sizes, body, heads, head)


def _head(name: bytes, kind: int, size: int, *, packed: bool) -> bytes:
    inside = b"\x0a" + varint(size) if packed and size else b""
    listed = bytes([kind]) + varint(len(inside) + size) + inside
    value = b"\x12" + varint(len(listed) + size) + listed
    key = b"\x0a" + varint(len(name)) + name + value
    return b"\x0a" + varint(len(key) + size) + key


def _encoded(values: pl.Series, name: str) -> tuple[int, Ints, Any]:
    """Return the tag of a kind, the size of each value, and the bytes of all of them."""
    dtype = values.dtype
    if dtype.is_float():
        return 0x12, np.full(values.len(), 4, np.int64), _floats(values, name).view(np.uint8)
    if dtype.is_integer() or dtype == pl.Boolean or dtype == pl.Null:
        numbers = values.cast(pl.Int64).to_numpy().astype(np.int64).view(np.uint64)
        return 0x1A, *_varints(numbers)
    raw, lengths = _raw(values)
    return 0x0A, *_delimited(raw, lengths)


def _floats(values: pl.Series, name: str) -> Any:
    numbers = values.cast(pl.Float64).to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        small = numbers.astype("<f4")
    lost = np.isinf(small) & ~np.isinf(numbers)
    if lost.any():
        raise DataError(
            f"column '{name}' has a number that tf.Example has no place for",
            expected=f"numbers up to {np.finfo(np.float32).max:.3g}: it keeps 32 bits of each",
            got=f"{float(numbers[lost][0])!r}",
            fix="scale the column, or write Parquet, which keeps 64 bits",
        )
    return small


def _raw(values: pl.Series) -> tuple[Any, Ints]:
    if values.dtype == pl.String:
        lengths = values.str.len_bytes()
        joined = values.str.join("")[0] if values.len() else ""
        raw = joined.encode()
    else:
        lengths = values.bin.size()
        raw = b"".join(values.to_list())
    return np.frombuffer(raw, np.uint8), lengths.to_numpy().astype(np.int64)


def _delimited(raw: Any, lengths: Ints) -> tuple[Ints, Any]:
    """Return each text with ``0A`` and its length before it."""
    unique, head = _unique(lengths)
    heads = [b"\x0a" + varint(size) for size in unique]
    before = np.array([len(each) for each in heads], np.int64)[head]
    sizes = before + lengths
    out = np.zeros(int(sizes.sum()), np.uint8)
    at = np.cumsum(sizes) - sizes
    _put_heads(out, at, heads, head)
    _put(out, at + before, lengths, raw)
    return sizes, out


def _varints(numbers: Any) -> tuple[Ints, Any]:
    sizes = _varint_sizes(numbers)
    out = np.zeros(int(sizes.sum()), np.uint8)
    at = np.cumsum(sizes) - sizes
    left = np.arange(numbers.size)
    while left.size:
        longer = numbers > np.uint64(0x7F)
        out[at] = (numbers & np.uint64(0x7F)) | (longer.astype(np.uint64) << np.uint64(7))
        left, at, numbers = left[longer], at[longer] + 1, numbers[longer] >> np.uint64(7)
    return sizes, out


def _varint_sizes(numbers: Any) -> Ints:
    left = numbers.astype(np.uint64) >> np.uint64(7)
    sizes = np.ones(numbers.shape, np.int64)
    while left.any():
        sizes += left > 0
        left >>= np.uint64(7)
    return sizes


def _unique(sizes: Ints) -> tuple[list[int], Ints]:
    """Return the sizes that occur, and which of them each is."""
    if not sizes.size:
        return [], sizes
    if int(sizes.max()) > 1 << 16:
        found, which = np.unique(sizes, return_inverse=True)
        return found.tolist(), which
    found = np.flatnonzero(np.bincount(sizes))
    number = np.zeros(int(found[-1]) + 1, np.int64)
    number[found] = np.arange(found.size)
    return found.tolist(), number[sizes]


def _put_heads(out: Any, at: Ints, heads: list[bytes], head: Ints) -> None:
    """Write the head of each row where it begins: those of one length at once."""
    lengths = np.array([len(each) for each in heads], np.int64)
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        table = np.frombuffer(b"".join(heads[i] for i in same.tolist()), np.uint8)
        table = table.reshape(-1, length)
        if same.size == lengths.size:
            out[at[:, None] + np.arange(length)] = table[head]
            continue
        number = np.full(lengths.size, -1, np.int64)
        number[same] = np.arange(same.size)
        which = number[head]
        chosen = which >= 0
        out[at[chosen, None] + np.arange(length)] = table[which[chosen]]


def _put(out: Any, at: Ints, sizes: Ints, body: Any) -> None:
    """Write the part of ``body`` that each row has where it belongs."""
    if not body.size:
        return
    ends = np.cumsum(sizes)
    if body.size > _LONG * sizes.size:
        for place, begin, end in zip(
            at.tolist(), (ends - sizes).tolist(), ends.tolist(), strict=True
        ):
            out[place : place + end - begin] = body[begin:end]
    elif (sizes == 4).all():
        _numbers(out, "<u4")[at] = np.frombuffer(body.tobytes(), "<u4")
    else:
        out[np.repeat(at - (ends - sizes), sizes) + np.arange(body.size)] = body


def _null_inside(name: str, series: pl.Series) -> DataError:
    inside = series.list.eval(pl.element().is_null()).list.any().fill_null(value=False)
    row = int(inside.arg_max() or 0)
    return DataError(
        f"column '{name}' has a list with a null in it, in row {row:,}",
        expected="lists of values: tf.Example has no place for a null inside",
        got=f"{series[row].to_list()[:10]}",
        fix="drop or fill them (polars: list.drop_nulls)",
    )
