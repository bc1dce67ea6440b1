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

Hashes = NDArray[np.uint64]

_NULL = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 1 << 14  # values of 8 bytes: a block and its scratch stay in a processor's cache
_HEAD = 1 << 10
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
    names = frame.columns if columns is None else columns
    return mix(_sum(((name, value_bits(frame[name])) for name in names), frame.height))


def value_bits(column: pl.Series) -> Hashes:
    """Return b(v) of each value of a column, as the module defines it."""
    dtype = column.dtype
    if isinstance(dtype, pl.Null):
        return np.full(len(column), _NULL)
    if isinstance(dtype, pl.String | pl.Binary):
        return _texts(column)
    if isinstance(dtype, pl.List):
        return _lists(column)
    if isinstance(dtype, pl.Struct):
        return _structs(column)
    return _numbers(column)


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


def _numbers(column: pl.Series) -> Hashes:
    nulls = column.is_null().to_numpy() if column.null_count() else None
    plain = column.cast(pl.Float64)
    values = (plain if nulls is None else plain.fill_null(0.0)).to_numpy() + 0.0  # -0.0 is 0.0
    if column.dtype.is_float():
        values[np.isnan(values)] = np.nan
    bits: Hashes = values.view(np.uint64)
    if nulls is not None:
        bits[nulls] = _NULL
    return bits


def _texts(column: pl.Series) -> Hashes:
    """Return the digests of texts or bytes, of each distinct one once where many are equal."""
    head = column.head(_HEAD)
    if 2 * head.n_unique() > len(head):
        return digests(column.to_list())
    distinct = column.unique()
    table = pl.DataFrame({"value": distinct, "bits": digests(distinct.to_list())})
    found = pl.DataFrame({"value": column}).join(
        table, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return found["bits"].to_numpy()


def digests(texts: Sequence[str | bytes | None]) -> Hashes:
    """Return BLAKE2b-64 of each text, as a number; of a missing one, the constant."""
    null, blake = int(_NULL).to_bytes(8, "little"), hashlib.blake2b
    some = (
        null
        if text is None
        else blake(text.encode() if isinstance(text, str) else text, digest_size=8).digest()
        for text in texts
    )
    return np.frombuffer(b"".join(some), dtype="<u8").astype(np.uint64)


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
        mixed[field.is_null().to_numpy()] = 0
        total += mixed
    return _fill(mix(total), column)


def _fill(bits: Hashes, column: pl.Series) -> Hashes:
    bits[column.is_null().to_numpy()] = _NULL
    return bits
