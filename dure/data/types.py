"""The four types of a column, and how whatever a frame holds becomes one of them.

======== ================= ==========================================================
type     Polars            what becomes it
======== ================= ==========================================================
int      ``Int64``         whole numbers of any width that fit
float    ``Float64``       numbers of any width, decimals
bool     ``Boolean``       truth values
string   ``String``        text, categories, dates and times (ISO 8601), all-null columns
======== ================= ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from dure.errors import DataError, nearest

POLARS: dict[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "float": pl.Float64(),
    "int": pl.Int64(),
    "string": pl.String(),
}
TYPES = tuple(POLARS)


def columns_of(frame: pl.DataFrame) -> dict[str, str]:
    """Return the type of each column of a frame that `standardise` made."""
    names = {dtype: name for name, dtype in POLARS.items()}
    return {name: names[dtype] for name, dtype in frame.schema.items()}


def standardise(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    """Return ``frame`` with each column as one of the four types.

    Parameters
    ----------
    frame : polars.DataFrame
        Any frame of flat columns.
    where : str
        What the frame is, for messages.

    Raises
    ------
    DataError
        The frame has no columns or rows, a column has no name, holds nested or binary values,
        or whole numbers that do not fit in 64 bits.
    """
    if not frame.width or not frame.height:
        raise DataError(
            f"{where} is empty",
            expected="at least one column and one row",
            got=f"{frame.width} columns and {frame.height} rows",
        )
    if "" in frame.columns:
        raise DataError(f"{where}: column {frame.columns.index('') + 1} has no name")
    return frame.select(_standard(frame[name], where) for name in frame.columns)


def _standard(column: pl.Series, where: str) -> pl.Series:
    kind = column.dtype
    if kind in POLARS.values():
        return column
    if kind.is_temporal():
        return column.dt.to_string("iso")
    if isinstance(kind, pl.Categorical | pl.Enum | pl.Null):
        return column.cast(pl.String)
    if kind.is_float() or kind.is_decimal():
        return column.cast(pl.Float64)
    if kind.is_integer():
        return _whole(column, where)
    raise DataError(
        f"{where}: column '{column.name}' holds values of the Polars type {kind}",
        expected="numbers, truth values, text, dates or times",
        got=f"{kind}",
        fix="make flat columns of it (polars: unnest, explode, cast), or leave it out",
    )


def _whole(column: pl.Series, where: str) -> pl.Series:
    try:
        return column.cast(pl.Int64)
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(
            f"{where}: column '{column.name}' holds whole numbers that do not fit in 64 bits",
            expected="numbers from -2^63 to 2^63 - 1",
            got=f"{column.dtype} values from {column.min()!r} to {column.max()!r}",
            fix="cast the column to String if it names things, or to Float64 if it counts them",
        ) from error


def unite(frames: Mapping[str, pl.DataFrame]) -> list[pl.DataFrame]:
    """Return frames with the same columns, in the order and with the types that fit them all.

    An int column that is float in another frame becomes float; a column without any value in
    one frame takes the type that it has in those with values.

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
    return [
        frame.select(pl.col(column).cast(POLARS[kind]) for column, kind in kinds.items())
        for frame in frames.values()
    ]


def check_same_columns(
    first: Iterable[str], second: Iterable[str], first_name: str, second_name: str
) -> None:
    """Raise `DataError` unless two tables have the same columns, in whatever order."""
    one, two = list(first), list(second)
    lacking = [name for name in one if name not in two]
    new = [name for name in two if name not in one]
    if lacking or new:
        parts = [
            f"'{n}' is missing ({nearest(n, new)})" if new else f"'{n}' is missing"
            for n in lacking[:3]
        ]
        parts += [f"'{n}' is not in {first_name}" for n in new[:3]]
        raise DataError(
            f"the columns of {second_name} differ from those of {first_name}",
            expected=f"the same {len(one)} columns",
            got=f"{len(two)} columns: " + "; ".join(parts),
            fix="make the columns the same, or name only the files that belong together",
        )


def _common(column: str, parts: Mapping[str, pl.Series]) -> str:
    names = {dtype: name for name, dtype in POLARS.items()}
    declared = {names[part.dtype]: where for where, part in parts.items()}
    with_values = {
        names[part.dtype]: where for where, part in parts.items() if part.null_count() < len(part)
    }
    kinds = with_values or declared
    if len(kinds) == 1:
        return next(iter(kinds))
    if set(kinds) == {"int", "float"}:
        return "float"
    if not with_values:
        return "string"
    raise DataError(
        f"column '{column}' has more than one type",
        expected="one type in all parts of the data",
        got=", ".join(f"{kind} in {where}" for kind, where in kinds.items()),
        fix="cast it to one type before",
    )
