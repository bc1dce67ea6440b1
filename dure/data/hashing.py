r"""A hash of rows that is the same on every machine and in every version of Dure and Polars.

It depends on values and column names only: not on the order of rows and columns, nor on how
rows are cut into batches. Notation:

====== ==========================================================================
symbol meaning
====== ==========================================================================
b(v)   64 bits of a value: a number (int, float, or bool as 0 or 1) gives the bits of its
       float64 (-0.0 as 0.0, one NaN for all), a text the first 8 bytes, little endian, of
       BLAKE2b-64 of its UTF-8, bytes the same of themselves, and a missing value a constant.
       A list of one value gives what the value gives; another list
       :math:`m(\sum_i m(b(v_i) \oplus m(i)))`, i from 0; a struct
       :math:`m(\sum_f m(b(v_f) \oplus m(n(f))))` over its fields f that have a value
n(c)   64 bits of the name of column or field c: BLAKE2b-64, as for texts
m      the finaliser of splitmix64, a bijection on 64 bits
h      the hash of a row: :math:`h = m(\sum_c m(b(v_c) \oplus m(n(c))))` modulo 2^64
====== ==========================================================================

The sum makes the order of columns irrelevant. m is from Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014, figure 17 (constants of variant 13 by Stafford).
Numbers go through float64 so that an int column that becomes float later keeps its hashes; whole
numbers beyond 2^53 may share one, which only means that they share a split. In the same way a
column keeps its hashes when single values become lists, text becomes bytes, or a struct gets a
field.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import unnamed

Hashes = NDArray[np.uint64]

_NULL = np.uint64(0x9E3779B97F4A7C15)
_NO_TEXT = int(_NULL).to_bytes(8, "little")
_BLOCK = 1 << 14  # values of 8 bytes: a block and its scratch stay in a processor's cache
_HEAD = 1 << 10
_NOT_FLAT = (pl.String, pl.Binary, pl.List, pl.Struct, pl.Null)
_SHORT = 1 << 12  # rows: up to so many, a look-up in Python is faster than a call of Polars
_AT_ONCE = 1 << 21  # values of 8 bytes that are made bits together
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def row_hashes(frame: pl.DataFrame, columns: Sequence[str] | None = None) -> Hashes:
    """Return the hash of each row.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the standard types; see `dure.data.types`.
    columns : sequence of str, optional
        Only these columns count; default: all.

    Returns
    -------
    ndarray of uint64, shape (rows,)
    """
    chosen = frame.get_columns() if columns is None else [frame[name] for name in columns]
    flat = [column for column in chosen if _is_flat(column.dtype)]
    total = _sum(((c.name, value_bits(c)) for c in chosen if not _is_flat(c.dtype)), frame.height)
    step = max(1, _AT_ONCE // max(1, frame.height))
    for start in range(0, len(flat), step):
        some = flat[start : start + step]
        _add(total, [column.name for column in some], _flat_bits(some))
    return mix(total)


def value_bits(column: pl.Series) -> Hashes:
    """Return b(v) of each value of a column, as the module defines it."""
    column, dtype = unnamed(column), column.dtype
    if isinstance(dtype, pl.Null):
        return np.full(len(column), _NULL)
    if isinstance(dtype, pl.String | pl.Binary):
        return _texts(column)
    if isinstance(dtype, pl.List):
        return _lists(column)
    if isinstance(dtype, pl.Struct):
        return _structs(column)
    bits: Hashes = _flat_bits([column])[0]
    return bits


def mix(bits: Hashes) -> Hashes:
    """Return m of each of ``bits``, which it overwrites."""
    scratch = np.empty(min(_BLOCK, len(bits)), np.uint64)
    for start in range(0, len(bits), _BLOCK):
        _mix_block(bits[start : start + _BLOCK], scratch)
    return bits


def _sum(columns: Iterable[tuple[str, Hashes]], rows: int) -> Hashes:
    """Return the sum over columns of m(b ^ m(n)), in which missing values count too."""
    total = np.zeros(rows, np.uint64)
    block, scratch = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.uint64)
    for name, bits in columns:
        key = _key(name)
        for start in range(0, rows, _BLOCK):
            some = bits[start : start + _BLOCK]
            mixed = block[: len(some)]
            np.bitwise_xor(some, key, out=mixed)
            _mix_block(mixed, scratch)
            total[start : start + _BLOCK] += mixed
    return total


@functools.lru_cache(1 << 16)
def _key(name: str) -> np.uint64:
    """Return m(n(c)) of a column or a field."""
    key: np.uint64 = mix(digests([name]))[0]
    return key


def _mix_block(bits: Hashes, scratch: Hashes) -> None:
    scratch = scratch[: len(bits)]
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        np.right_shift(bits, shift, out=scratch)
        np.bitwise_xor(bits, scratch, out=bits)
        np.multiply(bits, factor, out=bits)
    np.right_shift(bits, _SHIFTS[2], out=scratch)
    np.bitwise_xor(bits, scratch, out=bits)


def _is_flat(dtype: pl.DataType) -> bool:
    return not isinstance(dtype, _NOT_FLAT)


def _flat_bits(columns: Sequence[pl.Series]) -> Hashes:
    """Return b(v) of numbers and truth values, with a row for each column."""
    frame = pl.DataFrame([column.alias(str(place)) for place, column in enumerate(columns)])
    frame = frame.select(pl.all().cast(pl.Float64))
    gaps = [place for place, column in enumerate(columns) if column.null_count()]
    filled = (
        frame.with_columns(pl.col([str(place) for place in gaps]).fill_null(0.0)) if gaps else frame
    )
    values = np.ascontiguousarray(filled.to_numpy(order="fortran").T) + 0.0  # -0.0 is 0.0
    values[np.isnan(values)] = np.nan
    bits: Hashes = values.view(np.uint64)
    if gaps:
        nulls = frame.select(pl.col([str(place) for place in gaps]).is_null())
        for place, gone in zip(gaps, nulls.get_columns(), strict=True):
            bits[place, gone.to_numpy()] = _NULL
    return bits


def _add(total: Hashes, names: Sequence[str], bits: Hashes) -> None:
    """Add m(b ^ m(n)) of each column to ``total``; ``bits`` has a row for each."""
    rows = bits.shape[1]
    if rows >= _BLOCK:
        total += _sum(zip(names, bits, strict=True), rows)
        return
    bits ^= np.array([_key(name) for name in names], np.uint64)[:, None]
    total += mix(bits.reshape(-1)).reshape(bits.shape).sum(axis=0, dtype=np.uint64)


def _texts(column: pl.Series) -> Hashes:
    """Return the digests of texts or bytes, of each distinct one once where many are equal."""
    if len(column) <= _SHORT:
        digest = _Digests()
        return np.fromiter(map(digest.__getitem__, column.to_list()), np.uint64, len(column))
    head = column.head(_HEAD)
    if 2 * head.n_unique() > len(head):
        return digests(column.to_list())
    distinct = column.unique()
    table = pl.DataFrame({"value": distinct, "bits": digests(distinct.to_list())})
    found = pl.DataFrame({"value": column}).join(
        table, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return found["bits"].to_numpy()


class _Digests(dict[str | bytes | None, int]):
    """The digests of texts or bytes, each of which is made when it is first asked for."""

    def __missing__(self, text: str | bytes | None) -> int:
        digest = self[text] = int.from_bytes(_digest(text), "little")
        return digest


def digests(texts: Sequence[str | bytes | None]) -> Hashes:
    """Return BLAKE2b-64 of each text, as a number; of a missing one, the constant."""
    return np.frombuffer(b"".join(map(_digest, texts)), dtype="<u8").astype(np.uint64)


def _digest(text: str | bytes | None) -> bytes:
    if text is None:
        return _NO_TEXT
    return hashlib.blake2b(text.encode() if isinstance(text, str) else text, digest_size=8).digest()


def _lists(column: pl.Series) -> Hashes:
    counts = column.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = column.filter(pl.Series(counts > 0)).explode()
    bits = value_bits(flat)
    has = counts[counts > 0]
    starts = np.cumsum(has) - has
    if not len(has):
        return _fill(np.zeros(len(column), np.uint64), column)
    index = (np.arange(len(flat)) - np.repeat(starts, has)).astype(np.uint64)
    sums = np.add.reduceat(mix(bits ^ mix(index)), starts)
    found = np.zeros(len(column), np.uint64)
    found[counts > 0] = np.where(has == 1, bits[starts], mix(sums))
    return _fill(found, column)


def _structs(column: pl.Series) -> Hashes:
    total = np.zeros(len(column), np.uint64)
    for field in column.struct.unnest():
        mixed = _sum([(field.name, value_bits(field))], len(field))
        mixed[unnamed(field).is_null().to_numpy()] = 0
        total += mixed
    return _fill(mix(total), column)


def _fill(bits: Hashes, column: pl.Series) -> Hashes:
    bits[column.is_null().to_numpy()] = _NULL
    return bits
