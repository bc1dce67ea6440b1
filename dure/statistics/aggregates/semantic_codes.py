"""Whether few or many distinct values are categories or keys, which no single value can tell.

Categories
----------
Texts are categories if there are at most 1,000 distinct ones and each is there 10 times on
average. Whole numbers are codes, and not amounts, if that holds and one of these does:

- there are at most 12;
- they are all the hours that there are (0 to 23), each at least a tenth as often as on average;
  or all the days of a month, minutes, weeks and so on, and the name of the column says so;
- they all have the same number of digits, at least 5, and are neither spaced evenly nor round
  (postal codes, census tracts);
- they are numbered from 0 or 1 with few left out, at most 200, each 30 times on average, and how
  often a number occurs has nothing to do with how often its neighbours do (areas of a city). Amounts are
  smooth: who is 40 is about as frequent as who is 41. The measure is von Neumann's ratio of the
  counts in the order of the values, which is 2 for counts in any order and near 0 for smooth
  ones; 1 is the bound. Amounts that people round, so that half are multiples of 5, are none.

Keys
----
At least 95 % of the values are distinct. Texts have digits and no spaces and are no decimal
numbers. Whole numbers are not negative, and are either numbered through (at most 1.5 times as many
as there are values) or longer than 15 digits (random or hashed): a house price may well be unique.

von Neumann, "Distribution of the ratio of the mean square successive difference to the variance",
Annals of Mathematical Statistics 12, 1941.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]

MAX_CATEGORIES = 1000
EACH = 10
KEY_SHARE = 0.95

_FEW = 12
_HOUR = (0, 23)
_CYCLES = {
    (1, 24): "hour hr",
    (1, 31): "day dom",
    (0, 59): "minute second min sec",
    (0, 60): "second sec",
    (0, 53): "week",
    (1, 53): "week",
    (1, 52): "week",
    (1, 366): "day doy",
    (1, 365): "day doy",
}
_DIGITS = 5
_AREAS = 200
_EACH_AREA = 30
_RATIO = 1.0


def are_categories(unique: int, total: int) -> bool:
    """Whether few enough distinct values occur often enough to be categories."""
    return 2 <= unique <= MAX_CATEGORIES and total >= EACH * unique


def code_reason(values: Whole, counts: Whole, words: frozenset[str]) -> str | None:
    """Return why whole numbers are codes and not amounts, or None if they need not be.

    Parameters
    ----------
    values : ndarray of int64, shape (n,)
        All distinct values, ascending.
    counts : ndarray of int64, shape (n,)
        How often each is there.
    words : frozenset of str
        Of the name of the column, in lower case.
    """
    unique, total = len(values), int(counts.sum())
    if not are_categories(unique, total):
        return None
    low, high = int(values[0]), int(values[-1])
    if unique <= _FEW:
        return "few values"
    if unique == high - low + 1 and _is_cycle(low, high, counts, words):
        return "cycle"
    if _fixed_width(low, high) and not _even(values, counts):
        return "fixed number of digits"
    if _areas(values, counts, total):
        return "numbered through"
    return None


def is_sequence(low: int, high: int, unique: int) -> bool:
    """Whether numbers are numbered through, with few left out."""
    return low >= 0 and high - low + 1 <= 1.5 * unique


def is_key(low: int, high: int, unique: int, total: int) -> bool:
    """Whether whole numbers are keys: all different, and numbered through or of 16 digits."""
    if unique < KEY_SHARE * total or low < 0:
        return False
    return is_sequence(low, high, unique) or high >= 10**15


def _is_cycle(low: int, high: int, counts: Whole, words: frozenset[str]) -> bool:
    if (low, high) == _HOUR:
        return bool(counts.min() >= 0.1 * counts.mean()) or bool(words & {"hour", "hr"})
    return bool(words & set(_CYCLES.get((low, high), "").split()))


def _fixed_width(low: int, high: int) -> bool:
    return low > 0 and len(str(low)) == len(str(high)) >= _DIGITS


def _even(values: Whole, counts: Whole) -> bool:
    """Whether numbers look like a scale: round ones, or all the same distance apart.

    Codes of many digits are put together from shorter ones and may well end in zeros.
    """
    digits = len(str(values[0]))
    base = 10 if digits < 9 else 10 ** (digits // 2)
    round_ones = counts[values % base == 0].sum() >= 0.5 * counts.sum()
    steps = np.diff(values)
    return bool(round_ones or np.all(steps == steps[0]))


def _areas(values: Whole, counts: Whole, total: int) -> bool:
    low, high, unique = int(values[0]), int(values[-1]), len(values)
    if low not in (0, 1) or unique > _AREAS or total < _EACH_AREA * unique:
        return False
    if high - low + 1 > 1.3 * unique or counts[values % 5 == 0].sum() >= 0.5 * total:
        return False
    return von_neumann(counts) >= _RATIO


def von_neumann(counts: Whole) -> float:
    """Return the mean square of successive differences by the variance of counts."""
    spread = counts - counts.mean()
    variance = float(np.sum(spread * spread)) / len(counts)
    successive = np.diff(counts).astype(np.float64)
    return float(np.sum(successive**2)) / (len(counts) - 1) / variance if variance else 0.0
