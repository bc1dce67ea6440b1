"""Columns by their names, whatever those are.

Polars takes a name such as ``*`` or ``^a.*$`` for a pattern, in `polars.col`, `select` and the
like; a column may have it as its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import polars as pl
import polars.selectors as cs

_Frame = TypeVar("_Frame", pl.DataFrame, pl.LazyFrame)


def is_pattern(name: str) -> bool:
    """Return whether Polars would take a name for a pattern.

    >>> is_pattern("*"), is_pattern("^a$"), is_pattern("a*")
    (True, True, False)
    """
    return name == "*" or (name.startswith("^") and name.endswith("$"))


def named(name: str) -> pl.Expr:
    """Return the column of exactly this name, as `polars.col` does for plain names."""
    # A selector takes Polars longer to resolve, and few names need one.
    return cs.by_name(name).as_expr() if is_pattern(name) else pl.col(name)


def field_of(value: pl.Expr, dtype: pl.Struct, name: str) -> pl.Expr:
    """Return the field of exactly this name of structs of type ``dtype``."""
    if not is_pattern(name):
        return value.struct.field(name)
    places = [str(place) for place in range(len(dtype.fields))]
    place = next(
        place for place, field in zip(places, dtype.fields, strict=True) if field.name == name
    )
    return value.struct.rename_fields(places).struct.field(place)


def unnamed(column: pl.Series) -> pl.Series:
    """Return a column under a plain name: Polars finds one by its name in its own methods too."""
    return column.alias("") if is_pattern(column.name) else column


def fields_of(column: pl.Series) -> list[pl.Series]:
    """Return the fields of a column of structs, in their order, as `Series.struct.field` does."""
    column, names = unnamed(column), list(column.struct.schema)
    if any(map(is_pattern, names)):
        names = [str(place) for place in range(len(names))]
        column = column.struct.rename_fields(names)
    return [column.struct.field(name) for name in names]


def pick(frame: _Frame, names: Sequence[str]) -> _Frame:
    """Return these columns of a frame, in this order."""
    return frame.select(cs.by_name(*names)) if names else frame.select([])
