"""The values of `dure.statistics.model` as JSON and back. What a column does not have is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from dure.statistics.model import (
    ColumnStatistics,
    Cross,
    Exactness,
    Histogram,
    Level,
    Lift,
    Semantic,
    SplitStatistics,
    Weighted,
)

_KINDS = (ColumnStatistics, Cross, Exactness, Histogram, Level, Lift, Semantic, Weighted)
_DEFAULTS = {kind: {one.name: one.default for one in fields(kind)} for kind in _KINDS}
_OPEN = ("custom", "details")  # values of others: nothing in them is a tuple


def split_record(name: str | None, split: SplitStatistics) -> dict[str, Any]:
    """Return a split or slice as values that JSON can hold."""
    record: dict[str, Any] = {} if name is None else {"name": name}
    record |= {
        "rows": split.rows,
        "columns": [_record(column) for column in split.columns.values()],
        "weighted_rows": split.weighted_rows,
        "slices": [split_record(label, part) for label, part in split.slices.items()],
        "crosses": [_record(cross) for cross in split.crosses],
        "lifts": [_record(lift) for lift in split.lifts],
        "custom": dict(split.custom),
    }
    return {key: value for key, value in record.items() if value not in (None, [], {})} | {
        "rows": split.rows,
        "columns": record["columns"],
    }


def split_of(record: Mapping[str, Any]) -> SplitStatistics:
    """Return the split or slice that `split_record` wrote."""
    columns = [_column(one) for one in record["columns"]]
    return SplitStatistics(
        rows=record["rows"],
        columns={column.name: column for column in columns},
        weighted_rows=record.get("weighted_rows"),
        slices={part["name"]: split_of(part) for part in record.get("slices", ())},
        crosses=tuple(Cross(**one) for one in record.get("crosses", ())),
        lifts=tuple(_made(Lift, one) for one in record.get("lifts", ())),
        custom=record.get("custom", {}),
    )


def _record(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not at their defaults."""
    defaults = _DEFAULTS[type(value)]
    found = {}
    for name, default in defaults.items():
        one = getattr(value, name)
        if one is None or (one == default and type(one) is type(default)) or one == {}:
            continue
        found[name] = _plain(one)
    if found.get("path") == [found.get("name")]:
        del found["path"]
    return found


def _plain(value: Any) -> Any:
    if type(value) in _DEFAULTS:
        return _record(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value] if value and type(value[0]) in _DEFAULTS else value
    return dict(value) if isinstance(value, Mapping) else value


def _column(record: Mapping[str, Any]) -> ColumnStatistics:
    column: ColumnStatistics = _made(ColumnStatistics, record)
    return column


def _made(kind: Callable[..., Any], record: Mapping[str, Any]) -> Any:
    values = {}
    for name, value in record.items():
        if name in _NESTED:
            values[name] = _NESTED[name](value)
        elif name in _OPEN:
            values[name] = value
        else:
            values[name] = _frozen(value)
    return kind(**values)


def _histogram(record: Any) -> Any:
    # A weighted column has a histogram, and a level the lengths of its lists.
    return _made(Histogram, record)


_NESTED: dict[str, Callable[[Any], Any]] = {
    "histogram": _histogram,
    "equal": _histogram,
    "deciles": _histogram,
    "lengths": _histogram,
    "levels": lambda records: tuple(_made(Level, one) for one in records),
    "weighted": lambda record: (
        _made(Weighted, record) if isinstance(record, Mapping) else _frozen(record)
    ),
    "semantic": lambda record: _made(Semantic, record),
    "exactness": lambda record: _made(Exactness, record),
}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
