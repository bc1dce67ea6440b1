"""What changed between two schemas, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dure.schema.column import Column

_SHOWN = 5


def changes(old: Mapping[str, Column], new: Mapping[str, Column]) -> tuple[str, ...]:
    """Return one line a change: columns that went, came, and changed, in this order."""
    gone = [f"{name!r}: column removed" for name in old if name not in new]
    came = [
        f"{name!r}: column added: {column.type}, presence {column.presence:g}"
        for name, column in new.items()
        if name not in old
    ]
    changed = [
        f"{name!r}: {change}"
        for name, column in old.items()
        if name in new
        for change in _column_changes(column, new[name])
    ]
    return (*gone, *came, *changed)


def _column_changes(old: Column, new: Column) -> Iterator[str]:
    if old.type != new.type:
        yield f"type {old.type} → {new.type}"
    if old.presence != new.presence:
        yield f"presence {old.presence:g} → {new.presence:g}"
    yield from _domain_changes(old.domain, new.domain)
    if old.domain_share != new.domain_share:
        yield f"domain_share {old.domain_share:g} → {new.domain_share:g}"
    for name, before, after in (("min", old.min, new.min), ("max", old.max, new.max)):
        if before != after:
            yield f"{name} {_bound(before)} → {_bound(after)}"


def _domain_changes(old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> Iterator[str]:
    if old is None and new is not None:
        yield f"domain added: {_some(new)}"
    elif old is not None and new is None:
        yield f"domain removed: any value is allowed now (was {_some(old)})"
    elif old is not None and new is not None:
        gained = [value for value in new if value not in set(old)]
        lost = [value for value in old if value not in set(new)]
        if gained:
            yield f"domain gains {_some(gained)}"
        if lost:
            yield f"domain loses {_some(lost)}"
        if not gained and not lost and old != new:
            yield "domain listed in another order"


def _some(values: Iterable[str]) -> str:
    listed = [repr(value) for value in values]
    rest = len(listed) - _SHOWN
    return ", ".join(listed[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _bound(value: float | None) -> str:
    return "none" if value is None else f"{value:.15g}"
