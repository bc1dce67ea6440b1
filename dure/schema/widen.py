"""The least change of one expectation of a column that lets data pass: for accepting an anomaly.

Each function takes a column and what is known of the data, and returns the fields that change. A
field that does not stand in the way does not change. TFDV's ``Update...`` functions do the same for
the expectations that it has.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dure.errors import SchemaError, nearest
from dure.schema import types
from dure.schema.bounds import Bounds
from dure.schema.column import Column
from dure.schema.tfdv_inference import parse_float, parse_int, texts, valency

if TYPE_CHECKING:
    from dure.statistics.model import ColumnStatistics

Changes = dict[str, Any]
_NEARLY = 0.9999  # TFDV's: a presence below 1 for one missing value among very many
_DIGITS = 1000  # shares are rounded to three decimals, outwards


def widen(column: Column, field: str, statistics: ColumnStatistics) -> Column:
    """Return ``column`` with one expectation changed as little as lets the data pass.

    Parameters
    ----------
    column : Column
        What is expected.
    field : str
        The expectation that the data does not meet: a field of `Column`, one of `WIDEN`.
    statistics : ColumnStatistics
        What is known of the data.

    Raises
    ------
    SchemaError
        When there is no such field, or it is none that the column's own statistics can widen.
    """
    if field not in WIDEN:
        raise SchemaError(
            f"{field!r} cannot be widened by what is known of one column", fix=nearest(field, WIDEN)
        )
    changes = WIDEN[field](column, statistics)
    return dataclasses.replace(column, **changes) if changes else column


def widen_all(column: Column, statistics: ColumnStatistics) -> Column:
    """Return ``column`` with every expectation changed as little as lets the data pass."""
    for field in WIDEN:
        column = widen(column, field, statistics)
    return column


def raise_threshold(column: Column, which: str, metric: str, distance: float) -> Column:
    """Return ``column`` with a threshold of ``"drift"`` or ``"skew"`` that ``distance`` meets."""
    limits = getattr(column, which)
    limits = {} if not isinstance(limits, Mapping) else dict(limits)
    limits[metric] = max(distance, limits.get(metric, 0.0))
    changes: Changes = {which: limits}
    return dataclasses.replace(column, **changes)


# --- type and rows ------------------------------------------------------------------------------


def _type(column: Column, seen: ColumnStatistics) -> Changes:
    if not seen.count or column.accepts(seen.type):
        return {}
    kind = types.normal(seen.type)
    if types.element(kind) == column.element:
        return {"type": kind, "values": _relisted(column, seen)}
    if (column.type, kind) == ("int", "float"):
        return {"type": kind, "holds": None}
    # Nothing that was said of the values of another type can be meant of these.
    kept = (
        *("presence", "min_rows", "stage", "in_environment", "not_in_environment"),
        *("severity", "tags", "comment", "tfx"),
    )
    fresh = Column(kind)
    changes = {
        one.name: getattr(fresh, one.name)
        for one in dataclasses.fields(Column)
        if one.name not in kept
    }
    return {**changes, **{key: value for key, value in valency(seen).items() if key == "values"}}


def _relisted(column: Column, seen: ColumnStatistics) -> tuple[Bounds, ...] | None:
    """Return the numbers of values of a column that has another number of lists now."""
    if column.shape is not None:
        return None
    was_single = column.depth == 0 and column.min_rows != 0
    if was_single and len(seen.levels) == 1:
        low, high = _around((1, 1), seen.levels[0].min, seen.levels[0].max)
        return ((low or None, high),)
    found: tuple[Bounds, ...] | None = valency(seen).get("values")
    return found if was_single or column.values is not None else None


def _presence(column: Column, seen: ColumnStatistics) -> Changes:
    if not seen.rows:
        return {}
    share = seen.count / seen.rows
    # 0.07 * 100 is 7.000000000000001: seven of a hundred are enough for it.
    if share < column.presence - 1e-9:
        return {"presence": share}
    if column.presence == 1.0 and seen.missing:
        return {"presence": min(_NEARLY, share)}
    return {}


def _min_rows(column: Column, seen: ColumnStatistics) -> Changes:
    return {"min_rows": seen.count} if (column.min_rows or 0) > seen.count else {}


def _values(column: Column, seen: ColumnStatistics) -> Changes:
    if column.values is None or not seen.count:
        return {}
    levels = [(level.min, level.max) for level in seen.levels] or [(1, 1)]
    if len(levels) != len(column.values):
        return {"type": types.normal(seen.type), "values": valency(seen).get("values")}
    pairs = tuple(
        _around(pair, low, high) for pair, (low, high) in zip(column.values, levels, strict=True)
    )
    if pairs == column.values:
        return {}
    # TFDV: no bound rather than one of 0.
    pairs = tuple((low or None, high) for low, high in pairs)
    return {"values": None if pairs == ((None, None),) else pairs}


def _shape(column: Column, seen: ColumnStatistics) -> Changes:
    if column.shape is None or not seen.count:
        return {}
    levels = [(one.min, one.max, one.missing) for one in seen.levels] or [(1, 1, seen.missing)]
    fixed = all(low == high > 0 and not missing for low, high, missing in levels)
    fits = math.prod(low for low, _, _ in levels) == math.prod(column.shape)
    return {} if fixed and fits else {"shape": None}


# --- values -------------------------------------------------------------------------------------


def _domain(column: Column, seen: ColumnStatistics) -> Changes:
    if column.domain is None:
        return {}
    allowed = set(column.domain)
    known = seen.values if seen.values is not None else seen.top or ()
    outside = [(value, count) for value, count in known if value not in allowed]
    total = seen.number_of_values
    off = sum(count for _, count in outside) / total if total else 0.0
    rare = column.domain_share < 1 and off <= 1 - column.domain_share + 1e-9
    if not outside or rare:
        return {}
    values = (*column.domain, *sorted(value for value, _ in outside))
    return {"domain": values}


def _holds(column: Column, seen: ColumnStatistics) -> Changes:
    if column.holds is None or not seen.count:
        return {}
    if column.holds == "bool":
        return _no_bools(column, seen)
    parse = parse_int if column.holds == "int" else parse_float
    if seen.element == "string" and any(parse(text) is None for text in texts(seen)):
        cleared: Changes = dict.fromkeys(("holds", "min", "max", "nan", "inf", "mean", "std"))
        return {**cleared, "quantiles": {}}
    return {}


def _no_bools(column: Column, seen: ColumnStatistics) -> Changes:
    if seen.element == "string":
        allowed = {column.true_value, column.false_value}
        if all(text in allowed for text in texts(seen)):
            return {}
        return {"holds": None, "true_value": None, "false_value": None}
    odd = seen.element == "float" and (bool(seen.nan) or bool(seen.inf) or _between(seen))
    low, high = seen.min, seen.max
    if not odd and (low is None or (low in (0, 1) and high in (0, 1))):
        return {}
    # TFDV takes the bounds of this data alone; the 0 and 1 of before have to pass as well.
    bounds = (0, 1) if low is None or high is None else (min(0, low), max(1, high))
    return {"holds": None, "min": bounds[0], "max": bounds[1]}


def _between(seen: ColumnStatistics) -> bool:
    return any(value not in (0, 1) for value in seen.quantiles or ())


def _range(column: Column, seen: ColumnStatistics) -> tuple[float | None, float | None]:
    """Return the smallest and the largest number, also of texts that are numbers."""
    if seen.element == "string":
        parse = parse_int if column.holds == "int" else parse_float
        numbers = [number for text in texts(seen) if (number := parse(text)) is not None]
        numbers = [number for number in numbers if math.isfinite(number)]
        return (min(numbers), max(numbers)) if numbers else (None, None)
    return seen.min, seen.max


def _min(column: Column, seen: ColumnStatistics) -> Changes:
    low = _range(column, seen)[0]
    if column.min is None:
        return {}
    if seen.negative_inf:
        return {"min": None}
    return {"min": low} if low is not None and low < column.min else {}


def _max(column: Column, seen: ColumnStatistics) -> Changes:
    high = _range(column, seen)[1]
    if column.max is None:
        return {}
    if seen.positive_inf:
        return {"max": None}
    return {"max": high} if high is not None and high > column.max else {}


def _nan(column: Column, seen: ColumnStatistics) -> Changes:
    return _largest_share("nan", column.nan, seen.nan or 0, seen)


def _inf(column: Column, seen: ColumnStatistics) -> Changes:
    return _largest_share("inf", column.inf, seen.inf, seen)


def _largest_share(name: str, allowed: float | None, found: int, seen: ColumnStatistics) -> Changes:
    total = seen.number_of_values
    if allowed is None or not total or found / total <= allowed + 1e-9:
        return {}
    return {name: min(1.0, math.ceil(found / total * _DIGITS) / _DIGITS)}


def _unique(column: Column, seen: ColumnStatistics) -> Changes:
    twice = seen.unique is not None and seen.unique < seen.number_of_values
    return {"unique": False} if column.unique and twice else {}


def _distinct(column: Column, seen: ColumnStatistics) -> Changes:
    if column.distinct is None:
        return {}
    if seen.unique is None:
        return {"distinct": None}
    return _bounds_changes("distinct", column.distinct, seen.unique, seen.unique)


def _length(column: Column, seen: ColumnStatistics) -> Changes:
    if column.length is None or seen.min_length is None or seen.max_length is None:
        return {}
    return _bounds_changes("length", column.length, seen.min_length, seen.max_length)


def _mean(column: Column, seen: ColumnStatistics) -> Changes:
    return _statistic("mean", column.mean, seen.mean)


def _std(column: Column, seen: ColumnStatistics) -> Changes:
    return _statistic("std", column.std, seen.std)


def _statistic(name: str, pair: Bounds | None, found: float | None) -> Changes:
    return {} if pair is None or found is None else _bounds_changes(name, pair, found, found)


def _quantiles(column: Column, seen: ColumnStatistics) -> Changes:
    from dure.statistics.model import QUANTILES

    if not column.quantiles or not seen.quantiles:
        return {}
    new = dict(column.quantiles)
    for at, pair in column.quantiles.items():
        found = _interpolated(at, QUANTILES, seen.quantiles)
        new[at] = _around(pair, found, found)
    return {"quantiles": new} if new != column.quantiles else {}


def _interpolated(at: float, points: tuple[float, ...], values: tuple[float, ...]) -> float:
    after = next(i for i, point in enumerate(points) if point >= at)
    if points[after] == at:
        return values[after]
    part = (at - points[after - 1]) / (points[after] - points[after - 1])
    return values[after - 1] + part * (values[after] - values[after - 1])


def _balance(column: Column, seen: ColumnStatistics) -> Changes:
    counts = shares(seen)
    if not column.balance or counts is None:
        return {}
    new = dict(column.balance)
    for value, pair in column.balance.items():
        share = counts.get(value, 0.0)
        low, high = (math.floor(share * _DIGITS) / _DIGITS, math.ceil(share * _DIGITS) / _DIGITS)
        if not (pair[0] or 0.0) <= share <= (1.0 if pair[1] is None else pair[1]):
            new[value] = _around(pair, low, min(1.0, high))
    return {"balance": new} if new != column.balance else {}


def shares(seen: ColumnStatistics) -> dict[str, float] | None:
    """Return the share of each value among all values, as `Column.balance` names them."""
    total = seen.number_of_values
    if not total:
        return None
    if seen.element == "bool":
        return {"true": (seen.true or 0) / total, "false": (seen.false or 0) / total}
    known = seen.values if seen.values is not None else seen.top
    return None if known is None else {value: count / total for value, count in known}


def _around(pair: Bounds, low: float, high: float) -> Bounds:
    first, second = pair
    return (
        None if first is None else min(first, low),
        None if second is None else max(second, high),
    )


def _bounds_changes(name: str, pair: Bounds, low: float, high: float) -> Changes:
    new = _around(pair, low, high)
    return {} if new == pair else {name: new}


# In this order, for a type that changes takes what is said of its values with it.
WIDEN: dict[str, Callable[[Column, ColumnStatistics], Changes]] = {
    "type": _type,
    "presence": _presence,
    "min_rows": _min_rows,
    "values": _values,
    "shape": _shape,
    "domain": _domain,
    "holds": _holds,
    "min": _min,
    "max": _max,
    "nan": _nan,
    "inf": _inf,
    "unique": _unique,
    "distinct": _distinct,
    "length": _length,
    "mean": _mean,
    "std": _std,
    "quantiles": _quantiles,
    "balance": _balance,
}
