"""What changed between two schemas, in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dure.schema.column import Column
from dure.schema.dataset import Dataset
from dure.schema.override import Override

if TYPE_CHECKING:
    from dure.schema.model import Schema

_SHOWN = 5
_WIDE = 200  # letters of an entry
_VALUE = 60  # letters of one of many values
_FIELDS = [one.name for one in dataclasses.fields(Column)]
_WHOLE = [one.name for one in dataclasses.fields(Dataset)]


def changes(old: Schema, new: Schema) -> tuple[str, ...]:
    """Return one line a change: of columns that went, came, and changed, then of the whole."""
    gone = [f"{name!r}: column removed" for name in old.columns if name not in new.columns]
    came = [
        f"{name!r}: column added: {column.type}, presence {column.presence:g}"
        for name, column in new.columns.items()
        if name not in old.columns
    ]
    changed = [
        f"{name!r}: {change}"
        for name, column in old.columns.items()
        if name in new.columns
        for change in _column_changes(column, new.columns[name])
    ]
    return (*gone, *came, *changed, *_whole_changes(old.dataset, new.dataset))


def _column_changes(old: Column, new: Column) -> Iterator[str]:
    if old == new:
        return
    for name in _FIELDS:
        before, after = getattr(old, name), getattr(new, name)
        if name == "domain":
            yield from domain_changes("domain", before, after)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _entry_changes(name, before, after)
        elif before != after:
            yield f"{name} {_shown(before)} → {_shown(after)}"


def _whole_changes(old: Dataset, new: Dataset) -> Iterator[str]:
    for name in _WHOLE:
        before, after = getattr(old, name), getattr(new, name)
        if name == "domains":
            for one in dict.fromkeys((*before, *after)):
                yield from domain_changes(f"domain {one!r}", before.get(one), after.get(one))
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _entry_changes(name, before, after)
        elif before != after:
            yield f"{name} {_shown(before)} → {_shown(after)}"


def _entry_changes(name: str, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[str]:
    before_any = False
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if before != after:
            before_any = True
            yield f"{name} of {key!r}: {_shown(before)} → {_shown(after)}"
    if not before_any and list(old) != list(new):
        yield f"{name} listed in another order"


def domain_changes(
    name: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None
) -> Iterator[str]:
    """Yield what a domain gained and lost."""
    if old is None and new is not None:
        yield f"{name} added: {_some(new)}"
    elif old is not None and new is None:
        yield f"{name} removed: any value is allowed now (was {_some(old)})"
    elif old is not None and new is not None:
        before, after = set(old), set(new)
        gained = [value for value in new if value not in before]
        lost = [value for value in old if value not in after]
        if gained:
            yield f"{name} gains {_some(gained)}"
        if lost:
            yield f"{name} loses {_some(lost)}"
        if not gained and not lost and old != new:
            yield f"{name} listed in another order"


def _some(values: Iterable[str]) -> str:
    listed = [repr(_cut(value, _VALUE)) for value in values]
    rest = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool | str):
        text = str(value).lower() if isinstance(value, bool) else value
    elif isinstance(value, float):
        text = f"{value:.15g}"
    elif isinstance(value, Mapping):
        text = ", ".join(f"{key} {_shown(one)}" for key, one in value.items()) or "nothing"
    elif isinstance(value, tuple):
        text = f"[{', '.join(_shown(one) for one in value)}]"
    elif isinstance(value, Override):
        parts = (value.severity, value.until and f"until {value.until}", value.owner, value.reason)
        text = ", ".join(part for part in parts if part)
    elif dataclasses.is_dataclass(value):
        set_ = [f"{key} {_shown(one)}" for key, one in vars(value).items() if one not in (None, ())]
        text = ", ".join(set_)
    else:
        text = str(value)
    return _cut(text, _WIDE)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
