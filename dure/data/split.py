r"""Which split a row belongs to: a stable hash of its values, cut at cumulative ratios.

The hash depends on values and column names only. It is the same on every machine, in every
version of Dure and Polars, and whatever the order of rows and columns. Notation:

====== ==========================================================================
symbol meaning
====== ==========================================================================
b(v)   64 bits of a value: a number (int, float, or bool as 0 or 1) gives the bits of its
       float64 (-0.0 as 0.0, one NaN for all), a text the first 8 bytes, little endian, of
       BLAKE2b-64 of its UTF-8, and a missing value a constant
n(c)   64 bits of the name of column c: BLAKE2b-64, as for texts
m      the finaliser of splitmix64, a bijection on 64 bits
h      the hash of a row: :math:`h = m(\sum_c m(b(v_c) \oplus m(n(c))))` modulo 2^64
u      its place in [0, 1): the upper 53 bits of h, times 2^-53
====== ==========================================================================

The sum makes the order of columns irrelevant. m is from Steele, Lea and Flood, "Fast splittable
pseudorandom number generators", OOPSLA 2014, figure 17 (constants of variant 13 by Stafford).
Numbers go through float64 so that an int column that becomes float later keeps its hashes; whole
numbers beyond 2^53 may share one, which only means that they share a split.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.errors import DataError, UsageError, nearest

Hashes = NDArray[np.uint64]

_NULL = np.uint64(0x9E3779B97F4A7C15)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")


def row_hashes(frame: pl.DataFrame, columns: Sequence[str] | None = None) -> Hashes:
    """Return the hash of each row.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the four types.
    columns : sequence of str, optional
        Only these columns count; default: all.

    Returns
    -------
    ndarray of uint64, shape (rows,)
    """
    total = np.zeros(frame.height, dtype=np.uint64)
    for name in frame.columns if columns is None else columns:
        total += _mix(_bits(frame[name]) ^ _mix(_text_bits([name]))[0])
    return _mix(total)


def assign(hashes: Hashes, ratios: Mapping[str, float]) -> NDArray[np.int64]:
    """Return the position, in ``ratios``, of the split of each row.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (rows,)
        From `row_hashes`.
    ratios : mapping of str to float
        Splits and their shares. Only proportions matter: 6 : 1 : 2 is 60 : 10 : 20.

    Raises
    ------
    UsageError
        There is no split, or a name or a share is wrong.
    """
    check_ratios(ratios)
    # Exact fractions of the numbers as written, so that 0.6 : 0.1 : 0.2 cuts where 6 : 1 : 2 does.
    shares = [Fraction(str(share)) for share in ratios.values()]
    cuts = np.array([float(sum(shares[: i + 1]) / sum(shares)) for i in range(len(shares) - 1)])
    places = (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.searchsorted(cuts, places, side="right").astype(np.int64)


def split_frame(
    frame: pl.DataFrame, ratios: Mapping[str, float], split_by: Sequence[str] | None = None
) -> dict[str, pl.DataFrame]:
    """Return the rows of each split, in the order they have in ``frame``.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the four types.
    ratios : mapping of str to float
        Splits and their shares.
    split_by : sequence of str, optional
        Only the values of these columns decide, so that rows that agree in them stay together.

    Raises
    ------
    UsageError
        An argument is wrong.
    DataError
        A split would have no rows.
    """
    check_ratios(ratios)
    _check_split_by(split_by, frame.columns)
    chosen = assign(row_hashes(frame, split_by), ratios)
    parts = {
        name: frame.filter(pl.Series(chosen == position)) for position, name in enumerate(ratios)
    }
    _check_counts({name: part.height for name, part in parts.items()}, frame.height, split_by)
    return parts


def check_ratios(ratios: Mapping[str, float]) -> None:
    """Raise `UsageError` unless ``ratios`` names splits and gives each a positive share."""
    if not isinstance(ratios, Mapping) or not ratios:
        raise UsageError(
            "splits names no split",
            expected='names with their shares, such as {"train": 2, "eval": 1}',
            got=f"splits={ratios!r}",
        )
    for name, share in ratios.items():
        check_split_name(name)
        number = isinstance(share, int | float) and not isinstance(share, bool)
        if not (number and math.isfinite(share) and share > 0):
            raise UsageError(
                f"the share of split '{name}' is wrong",
                expected="a number greater than 0",
                got=repr(share),
                fix='give shares such as {"train": 2, "eval": 1}',
            )


def check_split_name(name: object) -> None:
    """Raise `UsageError` unless ``name`` can name a split, and so a folder, anywhere."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise UsageError(
            f"{name!r} cannot name a split",
            expected="letters of a to z, digits, '_' and '-', since it names a folder too",
            got=repr(name),
        )


def _check_split_by(split_by: Sequence[str] | None, columns: Sequence[str]) -> None:
    if split_by is None:
        return
    if isinstance(split_by, str) or not split_by:
        raise UsageError(
            "split_by is wrong",
            expected="a list of column names",
            got=f"split_by={split_by!r}",
            fix=f"split_by=[{split_by!r}]" if split_by else "leave it out to hash whole rows",
        )
    for name in split_by:
        if name not in columns:
            raise UsageError(
                f"split_by names a column '{name}' that the data does not have",
                expected="columns of the data",
                got=f"split_by={list(split_by)!r}",
                fix=nearest(name, columns),
            )


def _check_counts(counts: Mapping[str, int], rows: int, split_by: Sequence[str] | None) -> None:
    if sum(counts.values()) != rows:  # cannot be, and must not be
        raise DataError(f"splitting {rows} rows gave {sum(counts.values())}")
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        keys = f"; rows that agree in {', '.join(split_by)} stay together" if split_by else ""
        raise DataError(
            f"split '{empty[0]}' has no rows",
            expected="at least one row in each split",
            got=", ".join(f"{name}: {count}" for name, count in counts.items())
            + f" of {rows} rows{keys}",
            fix="give more data or fewer splits, or split it yourself: Examples.from_frames",
        )


def _bits(column: pl.Series) -> Hashes:
    if column.dtype == pl.String:
        codes, texts = _encode(column)
        return _text_bits(texts)[codes] if len(texts) else np.full(len(column), _NULL)
    values = column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0  # -0.0 + 0.0 is 0.0
    values = np.where(np.isnan(values), np.nan, values)
    bits: Hashes = values.view(np.uint64)
    return np.where(column.is_null().to_numpy(), _NULL, bits)


def _encode(column: pl.Series) -> tuple[NDArray[np.int64], list[str | None]]:
    """Return the distinct values, and which of them each row has."""
    distinct = column.unique(maintain_order=True)
    table = pl.DataFrame({"value": distinct, "code": np.arange(len(distinct))})
    codes = pl.DataFrame({"value": column}).join(
        table, on="value", how="left", nulls_equal=True, maintain_order="left"
    )["code"]
    return codes.to_numpy(), distinct.to_list()


def _text_bits(texts: Sequence[str | None]) -> Hashes:
    digests = (
        int(_NULL).to_bytes(8, "little")
        if text is None
        else hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
        for text in texts
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _mix(bits: Hashes) -> Hashes:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
