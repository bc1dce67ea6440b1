"""Whether a frame holds all that some lines of JSON say, by counting both.

Polars reads JSON Lines fast, and alters some of it without a word: a number in a column of text
becomes text, the second of two equal keys and a key that the schema lacks are dropped, half of a
surrogate pair becomes NUL. Each of these changes a count: of keys with a value, of strings, of
arrays. So both sides are counted, the bytes without a parser. Where the counts differ the lines
are read one by one (`json_rows`), which finds out why.

Two differences are not seen, and are rules therefore: of two equal keys in an object, the second
with null, the first one counts; and a field of records that has no value in any row may be left
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from dure.data.naming import fields_of, unnamed

_NAME = 32  # bytes of a key's name that are compared
_EXACT = 1 << 53  # up to here float64 holds each whole number
_QUOTE, _BACKSLASH, _COLON, _BRACKET, _SPACE, _N = b'"\\:[ n'
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_MANY_DIGITS = re.compile(rb"(?<![\d.eE+-])-?\d{16,}(?![\d.eE])")


@dataclass
class Tokens:
    """How many there are of each.

    Parameters
    ----------
    values : int
        Keys whose value is not null, in all objects.
    strings : int
        Strings that are no keys.
    lists : int
        Arrays.
    nulls : array of int, shape (n, 2)
        Where the name of each key whose value is null begins and ends. Not compared.
    """

    values: int = 0
    strings: int = 0
    lists: int = 0
    nulls: np.ndarray = field(default_factory=lambda: np.empty((0, 2), int), compare=False)


def of_text(block: bytes) -> Tokens | None:
    """Count the tokens of lines of JSON. None: quotes are not paired."""
    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    if b"\\" in block:
        quotes = quotes[~np.isin(quotes, _escaped(data), assume_unique=True)]
    if len(quotes) % 2:
        return None
    closing = quotes[1::2]
    is_key = data.take(closing + 1, mode="clip") == _COLON
    keys = closing[is_key]
    first = data.take(keys + 2, mode="clip")
    spaced = first == _SPACE
    if spaced.any():
        first = np.where(spaced, data.take(keys + 3, mode="clip"), first)
    brackets = np.flatnonzero(data == _BRACKET) if b"[" in block else quotes[:0]
    is_null = first == _N
    opening = quotes[::2][is_key][is_null]
    return Tokens(
        nulls=np.stack([opening + 1, keys[is_null]], axis=1),
        values=len(keys) - len(opening),
        strings=len(closing) - len(keys),
        lists=int(np.count_nonzero(np.searchsorted(quotes, brackets) % 2 == 0)),
    )


def of_frame(frame: pl.DataFrame) -> Tokens | None:
    """Count the same in what was read. None: it has types that JSON has not."""
    tokens = Tokens()
    for column in frame:
        tokens.values += len(column) - column.null_count()
        if not _count(column, tokens):
            return None
    return tokens


def nulls_are_known(block: bytes, tokens: Tokens, types: Mapping[str, pl.DataType]) -> bool:
    """Return whether all keys whose value is null are known: else a column would be lost."""
    if not len(tokens.nulls):
        return True
    starts, ends = tokens.nulls.T
    if int((ends - starts).max()) > _NAME:
        return False
    names = [name.encode() for name in _names(types)]
    known = b"".join(names)
    stops = np.cumsum([len(name) for name in names])
    fingers = _fingers(known, np.concatenate(([0], stops[:-1])), stops)
    return bool(np.isin(_fingers(block, starts, ends), fingers).all())


def _names(types: Mapping[str, Any]) -> Iterator[str]:
    for name, dtype in types.items():
        yield name
        inner: Any = dtype
        while isinstance(inner, pl.List):
            inner = inner.inner
        if isinstance(inner, pl.Struct):
            yield from _names({each.name: each.dtype for each in inner.fields})


def _fingers(text: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return a number for each of some pieces of at most 32 bytes, the same for the same bytes."""
    padded = text + bytes(_NAME + 8)
    words = np.ndarray((len(padded) - 7,), "<u8", padded, strides=(1,))
    lengths = ends - starts
    mixed = lengths.astype(np.uint64)
    for offset in range(0, _NAME, 8):
        inside = np.clip(lengths - offset, 0, 8).astype(np.uint64) * np.uint64(8)
        mask = np.where(inside == 64, ~np.uint64(0), (np.uint64(1) << inside % 64) - np.uint64(1))
        mixed = (mixed ^ (words[starts + offset] & mask)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.asarray(mixed)


def has_half_characters(block: bytes) -> bool:
    """Return whether half of a surrogate pair may be in there; never False if one is."""
    # One byte is looked for much faster than two.
    if b"\\" not in block or b"\\u" not in block or not (halves := _HALVES.findall(block)):
        return False
    return b"\\\\u" in block or len(halves) != 2 * len(_PAIR.findall(block))


def may_be_rounded(block: bytes, frame: pl.DataFrame) -> bool:
    """Return whether a whole number beyond 2^53 may have become a float."""
    large = any(_is_large(column, pl.Float64()) for column in frame)
    return large and _MANY_DIGITS.search(block) is not None


def wide_columns(frame: pl.DataFrame) -> set[str]:
    """Return the int columns with numbers that a float would round."""
    return {column.name for column in frame if _is_large(column, pl.Int64())}


def _count(column: pl.Series, tokens: Tokens) -> bool:
    """Add what is in the values of a column, not those themselves; False: no type of JSON."""
    dtype = column.dtype
    if isinstance(dtype, pl.List):
        lists = unnamed(column).drop_nulls()
        tokens.lists += len(lists)
        if dtype.inner == pl.Null and lists.list.len().sum():
            return False  # Polars reads any value as null there
        return _count(lists.explode(), tokens)
    if isinstance(dtype, pl.Struct):
        for inner in fields_of(column):
            tokens.values += len(inner) - inner.null_count()
            if not _count(inner, tokens):
                return False
        return True
    if dtype == pl.String:
        tokens.strings += len(column) - column.null_count()
    return dtype in (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Null)


def _is_large(column: pl.Series, kind: pl.DataType) -> bool:
    dtype = column.dtype
    if isinstance(dtype, pl.List):
        return _is_large(unnamed(column).explode(), kind)
    if isinstance(dtype, pl.Struct):
        return any(_is_large(inner, kind) for inner in fields_of(column))
    if dtype != kind:
        return False
    low, high = column.min(), column.max()
    assert low is None or isinstance(low, int | float)
    assert high is None or isinstance(high, int | float)
    return (low is not None and low <= -_EXACT) or (high is not None and high >= _EXACT)


def _escaped(data: np.ndarray) -> np.ndarray:
    """Return the places of the bytes that stand after an odd number of backslashes."""
    places = np.flatnonzero(data == _BACKSLASH)
    begins = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    lengths = np.diff(begins, append=len(places))
    ends = places[begins] + lengths
    return np.asarray(ends[lengths % 2 == 1])
