"""Which aggregates a pass over the data runs beside the statistics of columns."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.options import StatisticsOptions

PROVIDERS = ("dure.statistics.aggregates.chosen",)
"""Modules with ``aggregates(columns, options) -> list of Aggregate``, in the order of results."""


def attached(columns: Mapping[str, str], options: StatisticsOptions) -> tuple[Aggregate[Any], ...]:
    """Return what to compute beside the statistics of columns, in a fixed order.

    Parameters
    ----------
    columns : mapping of str to str
        The type of every column and of every field in a struct (by its dotted path).
    options : StatisticsOptions
        What was asked for.

    Raises
    ------
    UsageError
        An aggregate of the user's own cannot be imported, or two would have one place and name.
    """
    made: list[Aggregate[Any]] = []
    for module in PROVIDERS:
        made += importlib.import_module(module).aggregates(columns, options)
    for name in options.aggregates:
        made += own(name, columns)
    seen: set[tuple[str, tuple[str, ...], str]] = set()
    for one in made:
        key = (one.place, one.columns, one.name)
        if key in seen:
            raise UsageError(
                f"two aggregates are called '{one.name}' for the same columns",
                expected="one name each",
                got=f"{one.place} {one.columns}",
                fix="rename one of them",
            )
        seen.add(key)
    return tuple(made)


def own(name: str, columns: Mapping[str, str]) -> list[Aggregate[Any]]:
    """Return the aggregates of a user's class ``"module:Class"``: ``Class.of(columns)``, or one.

    Raises
    ------
    UsageError
        There is no such class, or it is no `Aggregate`.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"the aggregate '{name}' cannot be imported",
            expected='"module:Class" of a module on the path',
            got=f"{type(error).__name__}: {error}",
            fix="name an importable class",
        ) from error
    if not (isinstance(found, type) and issubclass(found, Aggregate)):
        raise UsageError(
            f"'{name}' is no aggregate",
            expected="a subclass of dure.statistics.aggregate.Aggregate",
            got=f"{type(found).__name__}",
        )
    many = getattr(found, "of", None)
    return list(many(columns)) if many is not None else [found()]
