"""The least type that fits two types, and values of one as values of the other."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from dure.data.naming import field_of, named


def common(first: pl.DataType, second: pl.DataType) -> pl.DataType | None:
    """Return the standard type that fits the values of two standard types, or None.

    No value and T give T; int and float give float; string and bytes give bytes; T and list[U]
    give a list of what fits T and U; structs give a struct of all their fields.

    >>> common(pl.Int64(), pl.List(pl.Float64()))
    List(Float64)
    """
    if first == second or isinstance(second, pl.Null):
        return first
    if isinstance(first, pl.Null):
        return second
    if isinstance(first, pl.List) or isinstance(second, pl.List):
        inner = common(_inner(first), _inner(second))
        return None if inner is None else pl.List(inner)
    if isinstance(first, pl.Struct) and isinstance(second, pl.Struct):
        return _struct(first, second)
    pair = {first, second}
    if pair == {pl.Int64(), pl.Float64()}:
        return pl.Float64()
    if pair == {pl.String(), pl.Binary()}:
        return pl.Binary()
    return None


def as_types(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Return a frame with the columns and types of ``types``, in their order.

    Parameters
    ----------
    frame : polars.DataFrame
        Its types are such as `common` or `standard` has made others of. A column that it lacks
        has no values; one without any value takes any type, as its own may be a guess.
    types : mapping of str to polars.DataType
        The type of each column.
    """
    if frame.columns == list(types) and frame.dtypes == list(types.values()):
        return frame
    # Done by the column and not by the frame, whose look-ups cost as much as it is wide.
    have = {column.name: column for column in frame.get_columns()}
    columns: list[pl.Series | None] = []
    casts: list[pl.Expr] = []
    for name, target in types.items():
        column = have.get(name)
        if column is not None and column.dtype == target:
            columns.append(column)
        elif column is None or column.null_count() == len(column):
            columns.append(pl.Series(name, [None], target).new_from_index(0, frame.height))
        else:
            columns.append(None)
            casts.append(cast_to(named(name), column.dtype, target).alias(name))
    made = iter(frame.select(casts).get_columns() if casts else ())
    return pl.DataFrame([next(made) if column is None else column for column in columns])


def cast_to(value: pl.Expr, source: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return values of type ``source`` as ``target``, which `common` or `standard` gave for it.

    Missing values stay missing; a single value becomes a list of one.
    """
    if source == target:
        return value
    if isinstance(source, pl.Null):
        return value.cast(target)
    if isinstance(target, pl.List):
        return _to_list(value, source, target)
    if isinstance(target, pl.Struct):
        return _to_struct(value, source, target)
    if source.is_temporal():
        return value.dt.to_string("iso")
    return value.cast(target)


def _to_list(value: pl.Expr, source: pl.DataType, target: pl.List) -> pl.Expr:
    inner = _inner(target)
    if isinstance(source, pl.Array):
        value, source = value.arr.to_list(), pl.List(source.inner)
    if isinstance(source, pl.List):
        if _inner(source) == inner:
            return value
        return value.list.eval(cast_to(pl.element(), _inner(source), inner))
    one = pl.concat_list(cast_to(value, source, inner))
    return pl.when(value.is_not_null()).then(one).otherwise(None)


def _to_struct(value: pl.Expr, source: pl.DataType, target: pl.Struct) -> pl.Expr:
    assert isinstance(source, pl.Struct)
    have = {field.name: field.dtype for field in source.fields}
    fields = [
        cast_to(
            field_of(value, source, field.name), _made(have[field.name]), _made(field.dtype)
        ).alias(field.name)
        if field.name in have
        else pl.lit(None, dtype=_made(field.dtype)).alias(field.name)
        for field in target.fields
    ]
    return pl.when(value.is_not_null()).then(pl.struct(fields)).otherwise(None)


def _struct(first: pl.Struct, second: pl.Struct) -> pl.DataType | None:
    fields = {field.name: _made(field.dtype) for field in first.fields}
    for field in second.fields:
        both = common(fields.get(field.name, pl.Null()), _made(field.dtype))
        if both is None:
            return None
        fields[field.name] = both
    return pl.Struct(fields)


def _inner(dtype: pl.DataType) -> pl.DataType:
    return _made(dtype.inner) if isinstance(dtype, pl.List) else dtype


def _made(dtype: object) -> pl.DataType:
    """Return a Polars type as an instance: inside others it may stand as a class."""
    if isinstance(dtype, pl.DataType):
        return dtype
    assert isinstance(dtype, type)
    made = dtype()
    assert isinstance(made, pl.DataType)
    return made
