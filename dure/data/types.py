"""The types of columns, and how whatever a frame holds becomes one of them.

========== ================= ==========================================================
type       Polars            what becomes it
========== ================= ==========================================================
int        ``Int64``         whole numbers of any width that fit
float      ``Float64``       numbers of any width, decimals
bool       ``Boolean``       truth values
string     ``String``        text, categories, dates and times (ISO 8601), all-null columns
bytes      ``Binary``        bytes that are no text
list[T]    ``List``          lists and arrays; T is any type, also a list
struct[…]  ``Struct``        records: ``struct[a: int, b: list[string]]``
========== ================= ==========================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import polars as pl

from dure.data.unite import as_types, common
from dure.draw import counted
from dure.errors import DataError, UsageError, nearest

POLARS: dict[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "bytes": pl.Binary(),
    "float": pl.Float64(),
    "int": pl.Int64(),
    "string": pl.String(),
}
TYPES = tuple(POLARS)

_NAMES = {dtype: name for name, dtype in POLARS.items()}
_PLAIN_TYPES = (*map(type, POLARS.values()), pl.Null)
_PLAIN = re.compile(r"[^\s\[\]:,\"][^\[\]:,\"]*(?<!\s)\Z")


def type_of(dtype: pl.DataType) -> str:
    """Return the type of a column that `standardise` made, as text.

    >>> type_of(pl.Struct({"a": pl.Int64, "b": pl.List(pl.String)}))
    'struct[a: int, b: list[string]]'
    """
    if isinstance(dtype, pl.List):
        return f"list[{type_of(_instance(dtype.inner))}]"
    if isinstance(dtype, pl.Struct):
        fields = (
            f"{_quoted(field.name)}: {type_of(_instance(field.dtype))}" for field in dtype.fields
        )
        return f"struct[{', '.join(fields)}]"
    if isinstance(dtype, pl.Null):
        return "string"
    return _NAMES[dtype]


def dtype_of(type_text: str) -> pl.DataType:
    """Return the Polars type that a type's text means.

    Raises
    ------
    UsageError
        The text is no type.

    >>> dtype_of("list[float]")
    List(Float64)
    """
    dtype, rest = _parse(type_text, type_text)
    if rest:
        raise _no_type(type_text)
    return dtype


def element(type_text: str) -> str:
    """Return the type inside all levels of lists.

    >>> element("list[list[int]]")
    'int'
    """
    while type_text.startswith("list["):
        type_text = type_text[len("list[") : -1]
    return type_text


def depth(type_text: str) -> int:
    """Return how many levels of lists a type has.

    >>> depth("list[list[int]]")
    2
    """
    levels = 0
    while type_text.startswith("list["):
        type_text, levels = type_text[len("list[") : -1], levels + 1
    return levels


def columns_of(frame: pl.DataFrame) -> dict[str, str]:
    """Return the type of each column of a frame that `standardise` made."""
    return {name: type_of(dtype) for name, dtype in frame.schema.items()}


def standardise(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """Return ``frame`` with each column as one of the types.

    Parameters
    ----------
    frame : polars.DataFrame
        Any frame with columns and rows.
    where : str
        What the frame is, for messages.

    Raises
    ------
    DataError
        The frame has no columns or rows, a column has no name, holds Python objects, or whole
        numbers that do not fit in 64 bits.
    """
    if not frame.width or not frame.height:
        raise DataError(
            f"{where} is empty",
            expected="at least one column and one row",
            got=f"{counted(frame.width, 'column')} and {counted(frame.height, 'row')}",
        )
    frame = standard(frame, where)
    types = {column.name: without_null(column.dtype) for column in frame.get_columns()}
    check_fields(types)
    return as_types(frame, types)


def standard(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """Return ``frame`` with standard types; a column without any value stays ``Null``.

    Raises
    ------
    DataError
        As `standardise`, but a frame may have no rows.
    """
    if "" in frame.columns:
        raise DataError(f"{where}: column {frame.columns.index('') + 1} has no name")
    types = {
        column.name: _standard(column.dtype, column.name, where) for column in frame.get_columns()
    }
    try:
        return as_types(frame, types)
    except pl.exceptions.InvalidOperationError as error:
        for column in frame.get_columns():
            _check_fits(column, types[column.name], where, error)
        raise  # cannot be, and must not pass


def check_fields(types: Mapping[str, pl.DataType]) -> None:
    """Raise `DataError` if a column has records without any field, which Parquet cannot hold."""
    for name, dtype in types.items():
        if "struct[]" in (type_of(dtype) if dtype.is_nested() else ""):
            raise DataError(
                f"column '{name}' has records without any field: {{}} in each row that has one",
                expected="records with at least one field in some row",
                got=f"the type {type_of(dtype)}",
                fix="leave the column out of the data, or write a field into the records",
            )


def without_null(dtype: pl.DataType) -> pl.DataType:
    """Return a standard type in which what has no value is text."""
    if isinstance(dtype, pl.Null):
        return pl.String()
    if isinstance(dtype, pl.List):
        return pl.List(without_null(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(f.name, without_null(_instance(f.dtype))) for f in dtype.fields])
    return dtype


def unite(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """Return frames with the same columns, in the order and with the types that fit them all.

    An int column that is float in another frame becomes float, single values among lists become
    lists of one, text among bytes becomes bytes; a column without any value in one frame takes
    the type that it has in those with values.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Frames that `standardise` made, by what to call them in messages.

    Raises
    ------
    DataError
        Columns differ, or a column has types that nothing fits.
    """
    (first_name, first), *rest = frames.items()
    for name, frame in rest:
        check_same_columns(first.columns, frame.columns, first_name, name)
    kinds = {
        column: _common(column, {name: frame[column] for name, frame in frames.items()})
        for column in first.columns
    }
    return [as_types(frame, kinds) for frame in frames.values()]


def check_same_columns(
    first: Iterable[str], second: Iterable[str], first_name: str, second_name: str
) -> None:
    """Raise `DataError` unless two tables have the same columns, in whatever order."""
    one, two = list(first), list(second)
    if one == two:
        return
    ones, twos = set(one), set(two)
    lacking = [name for name in one if name not in twos]
    new = [name for name in two if name not in ones]
    if lacking or new:
        parts = [
            f"'{n}' is missing ({nearest(n, new)})" if new else f"'{n}' is missing"
            for n in lacking[:3]
        ]
        parts += [f"'{n}' is not in {first_name}" for n in new[:3]]
        raise DataError(
            f"the columns of {second_name} differ from those of {first_name}",
            expected=f"the same {counted(len(one), 'column')}",
            got=f"{counted(len(two), 'column')}: " + "; ".join(parts),
            fix="make the columns the same, or name only the files that belong together",
        )


def two_types(column: str, kinds: Mapping[str, str]) -> DataError:
    """Return the error for a column whose ``kinds``, where by type, have nothing in common."""
    return DataError(
        f"column '{column}' has more than one type",
        expected="one type in all parts of the data",
        got=", ".join(f"{kind} in {where}" for kind, where in kinds.items()),
        fix=f"cast it to one type before, or give its type: types={{{column!r}: 'string'}}",
    )


def _common(column: str, parts: Mapping[str, pl.Series]) -> pl.DataType:
    # An all-null column says nothing about the type, whatever type it was declared with.
    with_values = {n: s.dtype for n, s in parts.items() if s.null_count() < len(s)}
    kinds = with_values or {name: part.dtype for name, part in parts.items()}
    (where, found), *rest = kinds.items()
    for name, dtype in rest:
        both = common(found, dtype)
        if both is None:
            if not with_values:
                return pl.String()
            raise two_types(column, {type_of(found): where, type_of(dtype): name})
        found = both
    return found


def _standard(dtype: pl.DataType, column: str, where: str) -> pl.DataType:
    """Return the standard type that values of a type become."""
    if isinstance(dtype, _PLAIN_TYPES):
        return dtype
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(_standard(_instance(dtype.inner), column, where))
    if isinstance(dtype, pl.Struct):
        return pl.Struct(
            [pl.Field(f.name, _standard(_instance(f.dtype), column, where)) for f in dtype.fields]
        )
    if dtype.is_temporal() or isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if dtype.is_float() or dtype.is_decimal():
        return pl.Float64()
    if dtype.is_integer():
        return pl.Int64()
    raise DataError(
        f"{where}: column '{column}' holds values of the Polars type {dtype}",
        expected="numbers, truth values, text, bytes, dates, times, or lists or structs of these",
        got=f"{dtype}",
        fix="make plain values of it (polars: cast, map_elements), or leave it out",
    )


def _check_fits(column: pl.Series, to: pl.DataType, where: str, error: Exception) -> None:
    """Raise `DataError`, from ``error``, if the values of a column do not fit a type."""
    try:
        as_types(column.to_frame(), {column.name: to})
    except pl.exceptions.InvalidOperationError:
        flat = column.dtype.is_integer()
        raise DataError(
            f"{where}: column '{column.name}' holds whole numbers that do not fit in 64 bits",
            expected="numbers from -2^63 to 2^63 - 1",
            got=f"{column.dtype} values"
            + (f" from {column.min()!r} to {column.max()!r}" if flat else ""),
            fix="cast the column to String if it names things, or to Float64 if it counts them",
        ) from error


def _quoted(name: str) -> str:
    return name if _PLAIN.match(name) else json.dumps(name, ensure_ascii=False)


def _parse(text: str, whole: str) -> tuple[pl.DataType, str]:
    """Return the type that ``text`` starts with, and what follows it."""
    if text.startswith("list["):
        inner, rest = _parse(text[len("list[") :], whole)
        return pl.List(inner), _after("]", rest, whole)
    if text.startswith("struct["):
        return _parse_struct(text[len("struct[") :], whole)
    word = re.match(r"[a-z]+", text)
    if word is None or word.group() not in POLARS:
        raise _no_type(whole)
    return POLARS[word.group()], text[word.end() :]


def _parse_struct(text: str, whole: str) -> tuple[pl.DataType, str]:
    fields: list[pl.Field] = []
    while not text.startswith("]"):
        if fields:
            text = _after(", ", text, whole)
        if text.startswith('"'):
            try:
                name, end = json.JSONDecoder().raw_decode(text)
            except ValueError as error:
                raise _no_type(whole) from error
            text = text[end:]
        else:
            name, colon, rest = text.partition(":")
            text = colon + rest
        dtype, text = _parse(_after(": ", text, whole), whole)
        fields.append(pl.Field(name, dtype))
    return pl.Struct(fields), text[1:]


def _after(mark: str, text: str, whole: str) -> str:
    if not text.startswith(mark):
        raise _no_type(whole)
    return text[len(mark) :]


def _no_type(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is no type of a column",
        expected=f"{', '.join(TYPES)}, list[T], or struct[name: T, ...]",
        got=repr(text),
        fix=nearest(text, TYPES),
    )


def _instance(dtype: object) -> pl.DataType:
    """Return a Polars type as an instance: inside others it may stand as a class."""
    if isinstance(dtype, pl.DataType):
        return dtype
    assert isinstance(dtype, type)
    made = dtype()
    assert isinstance(made, pl.DataType)
    return made
