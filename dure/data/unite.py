"""The least type that fits two types, and values of one as values of the other."""

from __future__ import annotations

import polars as pl


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


def cast_column(column: pl.Series, target: pl.DataType) -> pl.Expr:
    """Return an expression that gives a column of a frame as ``target``, under its name.

    The type of a column without any value may be a guess, from which there need be no cast.
    """
    if column.dtype != target and column.null_count() == len(column):
        return pl.lit(None, target).alias(column.name)
    return cast_to(pl.col(column.name), column.dtype, target).alias(column.name)


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
        cast_to(value.struct.field(field.name), _made(have[field.name]), _made(field.dtype)).alias(
            field.name
        )
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
