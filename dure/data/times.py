"""Points in time as numbers, and the ones that cut rows into shares.

A number stands for itself, as float64. Text is ISO 8601 and becomes microseconds since 1970 in
UTC; where it names no time zone, UTC is meant.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import unnamed
from dure.data.workspace import Workspace
from dure.errors import DataError, UsageError

Keys = NDArray[np.float64]

_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f%z")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DIGIT = 16  # bits that one pass over the keys decides
_BLOCK = 1 << 20


def time_key(cut: object) -> float:
    """Return the number of a point in time that a user gave.

    Raises
    ------
    UsageError
        It is neither a number nor ISO 8601 text.

    >>> time_key("1970-01-02"), time_key(7)
    (86400000000.0, 7.0)
    """
    if isinstance(cut, int | float) and not isinstance(cut, bool) and math.isfinite(cut):
        return float(cut)
    try:
        if not isinstance(cut, str):
            raise TypeError(type(cut).__name__)  # noqa: TRY301 - one place for all
        moment = dt.datetime.fromisoformat(cut)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{cut!r} is no point in time",
            expected='a number, or a date or time in ISO 8601, such as "2024-06-01T12:00:00"',
            got=repr(cut),
        ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return float((moment - _EPOCH) // dt.timedelta(microseconds=1))


def time_keys(column: pl.Series) -> Keys:
    """Return the number of each value of a column.

    Raises
    ------
    DataError
        A value is missing or NaN, or is no date or time.
    """
    keys = _parsed(column) if column.dtype == pl.String else _number(column)
    keys = unnamed(keys)
    bad = keys.is_null() | keys.is_nan().fill_null(False)
    if bad.any():
        value = column.to_frame().filter(bad).item(0, 0)
        missing = value is None or column.dtype != pl.String
        raise DataError(
            f"column '{column.name}' has a row without a time, which no split can take",
            expected="numbers, or dates and times in ISO 8601, in each row",
            got="no value" if missing else f"{value!r}",
            fix="leave such rows out, or split by another column",
        )
    return keys.to_numpy()


class Ranked:
    """The times of all rows: in memory or, where they are too many, in a file.

    Parameters
    ----------
    workspace : Workspace
        Where the file is.
    memory : int
        How many bytes of times may be in memory.
    """

    def __init__(self, workspace: Workspace, memory: int) -> None:
        self._workspace = workspace
        self._memory = memory
        self._recent: list[Keys] = []
        self._held = 0
        self._file: Path | None = None
        self.rows = 0

    def add(self, keys: Keys) -> None:
        """Take the times of some rows."""
        self._recent.append(keys)
        self._held += keys.nbytes
        self.rows += len(keys)
        if self._held > self._memory:
            self._file = self._workspace.folder() / "times"
            with self._file.open("ab") as file:
                for some in self._recent:
                    some.tofile(file)
            self._recent, self._held = [], 0

    def cut(self, rows: int) -> float:
        """Return the time before which there are as nearly ``rows`` rows as equal times allow.

        It is selected digit by digit, as radix sort does: 4 passes over the times, and 512 KiB.
        """
        low, before = np.uint64(0), 0
        for shift in (48, 32, 16, 0):
            counts = np.zeros(1 << _DIGIT, np.int64)
            high = shift + _DIGIT
            for bits in self._blocks():
                inside = bits if high == 64 else bits[bits >> np.uint64(high) == low]
                digits = (inside >> np.uint64(shift)) & np.uint64((1 << _DIGIT) - 1)
                counts += np.bincount(digits.astype(np.int64), minlength=1 << _DIGIT)
            sums = before + np.cumsum(counts)
            digit = int(np.searchsorted(sums, rows, side="right"))
            before = int(sums[digit]) - int(counts[digit])
            low = (low << np.uint64(_DIGIT)) | np.uint64(digit)
        upto = before + int(counts[digit])
        key = _key_of(low)
        return float(np.nextafter(key, np.inf)) if upto - rows < rows - before else key

    def _blocks(self) -> Iterator[NDArray[np.uint64]]:
        if self._file is not None:
            with self._file.open("rb") as file:
                while len(some := np.fromfile(file, np.float64, _BLOCK)):
                    yield _bits_of(some)
        for some in self._recent:
            yield _bits_of(some)


def cuts_at(ranked: Ranked, shares: Sequence[float]) -> list[float]:
    """Return the times that cut rows into ``shares``, which add up to 1."""
    ends = np.cumsum(shares)[:-1]
    return [ranked.cut(min(round(end * ranked.rows), ranked.rows - 1)) for end in ends]


def _bits_of(keys: Keys) -> NDArray[np.uint64]:
    """Return numbers in the order of ``keys``: a negative float64 has all bits turned around."""
    bits = (keys + 0.0).view(np.uint64)
    sign = np.uint64(1 << 63)
    return np.where(bits & sign, ~bits, bits | sign)


def _key_of(bits: np.uint64) -> float:
    sign = np.uint64(1 << 63)
    plain = bits ^ sign if bits & sign else ~bits
    return float(np.array([plain], np.uint64).view(np.float64)[0])


def _number(column: pl.Series) -> pl.Series:
    if not column.dtype.is_numeric() and column.dtype != pl.Null:
        raise DataError(
            f"column '{column.name}' has no times",
            expected="numbers, or dates and times in ISO 8601",
            got=f"values of the type {column.dtype}",
        )
    return column.cast(pl.Float64)


def _parsed(column: pl.Series) -> pl.Series:
    distinct = unnamed(column).unique()
    text = distinct.str.replace("[Tt]", " ").str.replace("[Zz]$", "+00:00")
    found = pl.Series([None] * len(text), dtype=pl.Int64)
    for form in _FORMATS:
        if found.null_count() == text.null_count():
            break
        moments = text.str.to_datetime(form, strict=False, time_unit="us")
        keys = moments.dt.epoch("us")
        found = keys if not found.count() else found.zip_with(found.is_not_null(), keys)
    table = pl.DataFrame({"text": distinct, "key": found.cast(pl.Float64)})
    return pl.DataFrame({"text": column}).join(
        table, on="text", how="left", nulls_equal=True, maintain_order="left"
    )["key"]
