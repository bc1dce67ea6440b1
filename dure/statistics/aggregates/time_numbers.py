"""Whether whole numbers are times, and in which unit: without a year in which it stops working.

Every number of nine or ten digits is a time in seconds since 1970, and so are many identifiers,
telephone numbers and prices. So a magnitude alone proves nothing here. What counts:

- **A name that says so** (``trip_start_timestamp``, ``createdAt``, ``date``) and values between
  1973 and 2200 in one unit.
- Without such a name: values between 1990 and 2100 that also behave like times. They fill the
  span between their extremes (telephone numbers and product codes come in clumps), or are whole
  minutes; they are not every number in a row (a counter); they do not start at a round number
  (``1000000001``); they span at most 75 years. Nanoseconds must be whole microseconds, since
  identifiers of 64 bits look like nanoseconds otherwise.
- Numbers that are written like dates (``20240131``, ``20240131235959``) are checked by the
  calendar; ``202401`` and ``2024`` need the name.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.statistics.aggregates.time_formats import NOT_A_TIME, parse

Whole = NDArray[np.int64]
Times = NDArray[np.int64]

UNITS = {
    "unix_seconds": 1_000_000.0,
    "unix_milliseconds": 1_000.0,
    "unix_microseconds": 1.0,
    "unix_nanoseconds": 0.001,
}
"""Microseconds in a unit."""

DAYS = "unix_days"
WRITTEN = {"%Y%m%d": (19000101, 22001231), "%Y%m%d%H%M%S": (19000101000000, 22001231235959)}
NAMED = {"%Y%m": (190001, 220012), "%Y": (1900, 2200)}

_DAY = 86_400_000_000.0
_YEAR = 365.2425 * _DAY
_SURE = 0.95
_HINTED = (1e8 * 1e6, 230.0 * _YEAR)  # 1973 to 2200
_PLAIN = (20.0 * _YEAR, 130.0 * _YEAR)  # 1990 to 2100
_LONGEST = 75.0 * _YEAR
_ROUND = (1.0e9, 1.003e9)
_CELLS = 50
_FEW = 20

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TIME = frozenset(
    [
        "time",
        "timestamp",
        "ts",
        "date",
        "datetime",
        "dt",
        "epoch",
        "created",
        "updated",
        "modified",
        "at",
        "when",
    ]
)
_MEASURE = frozenset(
    [
        "per",
        "since",
        "duration",
        "elapsed",
        "count",
        "num",
        "n",
        "total",
        "seconds",
        "second",
        "secs",
        "minutes",
        "minute",
        "mins",
        "hours",
        "days",
        "age",
        "id",
        "ids",
        "phone",
        "tel",
        "telephone",
        "mobile",
        "fax",
        "zip",
        "postal",
        "number",
        "no",
        "code",
        "price",
        "amount",
        "cost",
        "value",
    ]
)


def name_words(name: str) -> frozenset[str]:
    """Return the words of a name of a column in lower case.

    >>> sorted(name_words("tripStart_time"))
    ['start', 'time', 'trip']
    """
    return frozenset(word.lower() for word in _WORDS.findall(name))


def unit_of(values: Whole, counts: Whole, name: str) -> tuple[str, float] | None:
    """Return the unit or format of numbers that are times, and which share of the values fits.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
        Distinct, ascending.
    counts : ndarray of int64, shape (n,)
        How often each is there.
    name : str
        Of the column.

    Returns
    -------
    (str, float) or None
        One of `UNITS`, `DAYS` or a strptime format; None: these are no times.
    """
    if not len(values):
        return None
    words = name_words(name)
    hinted = bool(words & _TIME) and not words & _MEASURE
    for form in [*WRITTEN, *NAMED]:
        share = _written(form, values, counts, words, hinted)
        if share is not None:
            return form, share
    for form in UNITS:
        share = _since_1970(form, values, counts, hinted)
        if share is not None:
            return form, share
    if hinted and "date" in words and len(values) >= _FEW // 2:
        share = _share((values >= 3653) & (values <= 84006), counts)
        if share >= _SURE:
            return DAYS, share
    return None


def times_of(values: Whole, form: str) -> Times:
    """Return the times that numbers mean, in microseconds since 1970; `NOT_A_TIME` where none."""
    if form in WRITTEN or form in NAMED:
        texts = pl.Series(values).cast(pl.String)
        if form == "%Y":
            texts, form = texts + "01", "%Y%m"
        if form == "%Y%m":
            texts, form = texts + "01", "%Y%m%d"
        return parse(texts, form)
    factor = _DAY if form == DAYS else UNITS[form]
    low, high = _HINTED if form != DAYS else (0.0, _HINTED[1])
    scaled = values.astype(np.float64) * factor
    exact = values // 1000 if form == "unix_nanoseconds" else values * _safe(values, factor)
    return np.where((scaled >= low) & (scaled <= high), exact, NOT_A_TIME)


def _safe(values: Whole, factor: float) -> Whole | int:
    """Return the factor, and 0 where the product would not fit; such a value is no time."""
    fits = np.abs(values.astype(np.float64)) * factor < 2.0**62
    return np.where(fits, np.int64(factor), np.int64(0))


def _written(
    form: str, values: Whole, counts: Whole, words: frozenset[str], hinted: bool
) -> float | None:
    low, high = WRITTEN.get(form) or NAMED[form]
    inside = (values >= low) & (values <= high)
    named = hinted or bool(words & {"year", "yr", "month", "day", "period"})
    if form == "%Y":
        named = bool(words & {"year", "yr"}) and not words & _MEASURE
    if form in NAMED and not named:
        return None
    if _share(inside, counts) < _SURE or (len(values) < 5 and not named):
        return None
    fits = np.zeros(len(values), bool)
    fits[inside] = times_of(values[inside], form) != NOT_A_TIME
    share = _share(fits, counts)
    return share if share >= _SURE and fits.mean() >= _SURE else None


def _since_1970(form: str, values: Whole, counts: Whole, hinted: bool) -> float | None:
    scaled = values.astype(np.float64) * UNITS[form]
    low, high = _HINTED if hinted else _PLAIN
    inside = (scaled >= low) & (scaled <= high)
    share = _share(inside, counts)
    if share < (0.8 if hinted else _SURE) or not inside.any():
        return None
    if hinted:
        return share if inside.mean() >= 0.8 else None
    return share if _behaves(form, values[inside], scaled[inside]) else None


def _behaves(form: str, values: Whole, scaled: NDArray[np.float64]) -> bool:
    """Whether numbers that could be times also look like times."""
    if len(values) < _FEW:
        return False
    count = len(values)
    low, high = scaled[int(0.01 * (count - 1))], scaled[int(0.99 * (count - 1))]
    lead = values[0] / 10.0 ** (len(str(values[0])) - 10)
    if not 60e6 <= high - low <= _LONGEST or _ROUND[0] <= lead <= _ROUND[1]:
        return False
    if values[-1] - values[0] < 1.5 * count:
        return False  # every number in a row: a counter
    if form == "unix_nanoseconds" and np.mean(values % 1000 == 0) < _SURE:
        return False
    if np.mean(np.rint(scaled / 1e6) % 60 == 0) >= _SURE and np.mean(scaled % 1e6 == 0) >= _SURE:
        return True
    return fills(scaled, low, high)


def fills(values: NDArray[np.float64], low: float, high: float) -> bool:
    """Whether values lie in at least half as many cells of a range as spread-out ones would."""
    inside = values[(values >= low) & (values <= high)]
    cells = np.minimum((inside - low) / (high - low) * _CELLS, _CELLS - 1).astype(np.int64)
    expected = _CELLS * (1 - (1 - 1 / _CELLS) ** len(inside))
    return bool(len(np.unique(cells)) >= 0.5 * expected)


def _share(fits: NDArray[np.bool_], counts: Whole) -> float:
    return float(counts[fits].sum() / counts.sum())
