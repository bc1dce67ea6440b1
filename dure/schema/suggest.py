"""What else one may want to expect of the data: proposals with their reasons, to pick from.

Nothing of this is in a draft, for it can be wrong: a column whose values are all distinct today may
not be a key.

Notation
--------
n, m : int
    Values that were seen, and values of the smallest sample that the expectation has to suit.
z : float
    3.2905, of a two-sided interval of 99.9 %.

A statistic of a new sample of m values differs from that of the n seen by chance alone: its variance
is that of one value times 1 / n + 1 / m.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dure.schema.bounds import Bounds
from dure.schema.column import Column
from dure.schema.inference import Z, expected_share
from dure.schema.model import Schema
from dure.schema.tfdv_inference import semantic_of
from dure.schema.update import chosen_splits
from dure.schema.widen import shares

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, Statistics

KEY_ROWS = 100  # so many distinct values, and none twice: taken for a key
BALANCED = 10  # so many categories at most have their shares bounded
HEAVY = 10.0  # excess kurtosis from which a few outliers decide the standard deviation
SHAPES = 3  # so many shapes of texts at most are put into one pattern
QUANTILES = (0.05, 0.5, 0.95)
ROOM = 0.1  # of the standard deviation: what a mean or quantile may move without being news


@dataclass(frozen=True)
class Suggestion:
    """One expectation that data would meet, and why one may want it.

    Parameters
    ----------
    column : str
        The column.
    field : str
        The expectation: a field of `Column`.
    value : Any
        What would be expected.
    reason : str
        Why, with its numbers.
    """

    column: str
    field: str
    value: Any
    reason: str


def suggest(
    statistics: Statistics, schema: Schema | None = None, *, split: str | None = None
) -> tuple[Suggestion, ...]:
    """Return expectations that the data meets and the schema does not have.

    Parameters
    ----------
    statistics : Statistics
        What `dure.statistics.describe` found.
    schema : Schema, optional
        What is expected already; by default nothing.
    split : str, optional
        The split to look at; the first one by default. All others decide how small a sample the
        expectations have to suit.

    Returns
    -------
    tuple of Suggestion
        In the order of the columns. Take those that make sense with `with_suggestions`.
    """
    first = chosen_splits(statistics, None if split is None else [split])[0]
    smallest = min(one.rows for one in statistics.splits.values() if one.rows)
    found = []
    for name, seen in first.columns.items():
        column = schema.columns.get(name) if schema is not None else None
        for make in _MAKERS:
            found += [
                Suggestion(name, field, value, reason)
                for field, value, reason in make(seen, smallest)
                if column is None or _is_news(column, field)
            ]
    return tuple(found)


def with_suggestions(schema: Schema, suggestions: Iterable[Suggestion]) -> Schema:
    """Return ``schema`` with what was suggested.

    Raises
    ------
    SchemaError
        When it has no such column, or the expectation does not fit to its others.
    """
    for one in suggestions:
        schema = schema.edit(one.column, **{one.field: one.value})
    return schema


def _is_news(column: Column, field: str) -> bool:
    default = Column(column.type)
    taken = getattr(column, field) != getattr(default, field)
    # A domain says more than a pattern, a length, or a meaning.
    covered = column.domain is not None and field in ("regex", "length", "semantic", "unique")
    return not taken and not covered


Found = Iterator[tuple[str, Any, str]]


def _key(seen: ColumnStatistics, _: int) -> Found:
    scalar = seen.element in ("int", "string") and not seen.levels
    if scalar and seen.unique == seen.count == seen.rows >= KEY_ROWS and seen.exactness:
        yield "unique", True, f"all {seen.count:,} values are distinct"


def _meaning(seen: ColumnStatistics, _: int) -> Found:
    meaning = semantic_of(seen)
    if meaning is not None and seen.semantic is not None:
        reason = f"{seen.semantic.share:.1%} of {seen.semantic.checked:,} values look like it"
        yield "semantic", meaning, reason


def _finite(seen: ColumnStatistics, _: int) -> Found:
    if seen.element == "float" and seen.count:
        if not seen.nan:
            yield "nan", 0.0, "no value is NaN"
        if not seen.inf:
            yield "inf", 0.0, "no value is infinite"


def _sign(seen: ColumnStatistics, _: int) -> Found:
    if seen.element in ("int", "float") and seen.min is not None and seen.min >= 0:
        yield "min", 0, f"no value is negative: the smallest is {seen.min:g}"


def _center(seen: ColumnStatistics, smallest: int) -> Found:
    n = _finite_values(seen)
    if n < 2 or seen.mean is None or not seen.std:
        return
    spread = 1 / n + 1 / min(smallest, n)
    half = Z * seen.std * math.sqrt(spread) + ROOM * seen.std
    reason = f"{seen.mean:.6g} in {n:,} values; a sample of {smallest:,} differs by chance"
    yield "mean", _rounded(seen.mean - half, seen.mean + half), reason
    # The variance of a sample variance is (kurtosis + 2) sigma^4 / n; of sigma a quarter of that,
    # over sigma^2. R. A. Fisher, Statistical Methods for Research Workers (1925), section 14.
    kurtosis = max(0.0, seen.kurtosis or 0.0)
    if kurtosis > HEAVY:
        return
    part = Z * math.sqrt((kurtosis + 2) / 4 * spread) + ROOM
    low, high = seen.std * max(0.0, 1 - part), seen.std * (1 + part)
    yield "std", _rounded(low, high), f"{seen.std:.6g} in {n:,} values"


def _quantiles(seen: ColumnStatistics, smallest: int) -> Found:
    from dure.statistics.model import QUANTILES as POINTS

    n = _finite_values(seen)
    if n < KEY_ROWS or not seen.quantiles or not seen.std:
        return
    room, found = ROOM * seen.std, {}
    for at in QUANTILES:
        half = Z * math.sqrt(at * (1 - at) * (1 / n + 1 / min(smallest, n)))
        lows = [x for p, x in zip(POINTS, seen.quantiles, strict=True) if p <= at - half]
        highs = [x for p, x in zip(POINTS, seen.quantiles, strict=True) if p >= at + half]
        # Where no known point is as far out, nothing is said on that side.
        low = lows[-1] - room if lows else None
        high = highs[0] + room if highs else None
        if low is not None or high is not None:
            found[at] = _rounded(low, high)
    if found:
        yield "quantiles", found, f"of {n:,} values, with room for a sample of {smallest:,}"


def _balance(seen: ColumnStatistics, smallest: int) -> Found:
    known, total = shares(seen), seen.number_of_values
    listed = seen.element == "bool" or (seen.values is not None and len(seen.values) > 1)
    if known is None or not listed or len(known) > BALANCED or total < KEY_ROWS:
        return
    found: dict[str, Bounds] = {}
    for value, share in known.items():
        low = expected_share(share * total, total, smallest)
        high = 1 - expected_share((1 - share) * total, total, smallest)
        found[value] = (low, round(min(1.0, high), 2))
    yield "balance", found, f"shares of {len(known)} values in {total:,}"


def _texts(seen: ColumnStatistics, _: int) -> Found:
    if seen.element != "string" or not seen.count or seen.min_length is None:
        return
    if seen.min_length == seen.max_length and seen.count >= KEY_ROWS:
        yield "length", (seen.min_length, seen.max_length), "all texts are equally long"
    patterns = dict(seen.patterns or ())
    all_of_them = sum(patterns.values()) == seen.number_of_values
    if all_of_them and len(patterns) <= SHAPES and seen.count >= KEY_ROWS:
        regex = "|".join(sorted(regex_of(shape) for shape in patterns))
        examples = ", ".join(repr(shape) for shape in patterns)
        yield "regex", f"^(?:{regex})$", f"all {seen.count:,} texts have the shape {examples}"


def regex_of(shape: str) -> str:
    r"""Return the pattern of a shape of texts, as statistics list them.

    >>> print(regex_of("A-9.9"))
    \p{Lu}+-\d+\.\d+
    """
    parts: list[str] = []
    for letter in shape:
        part = {"a": r"\p{L}+", "A": r"\p{Lu}+", "9": r"\d+"}.get(letter, _escaped(letter))
        # Statistics write a run of one kind once or as it is: both are one or more here.
        if not (part.endswith("+") and parts and parts[-1] == part):
            parts.append(part)
    return "".join(parts)


def _escaped(letter: str) -> str:
    return f"\\{letter}" if letter in r"\.+*?()|[]{}^$#&-~" and letter not in "-&~#" else letter


def _finite_values(seen: ColumnStatistics) -> int:
    return seen.number_of_values - (seen.nan or 0) - seen.inf


def _rounded(low: float | None, high: float | None) -> Bounds:
    """Return bounds with four digits, rounded outwards."""
    return _outwards(low, math.floor), _outwards(high, math.ceil)


def _outwards(value: float | None, towards: Callable[[float], int]) -> float | None:
    if value is None or value == 0:
        return value
    scale = 10.0 ** (3 - math.floor(math.log10(abs(value))))
    if not math.isfinite(value * scale) or scale == 0:
        return value
    return float(f"{towards(value * scale) / scale:.12g}")


_MAKERS = (_key, _meaning, _finite, _sign, _center, _quantiles, _balance, _texts)
