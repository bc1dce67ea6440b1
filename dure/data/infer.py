"""What type a column of text has, judged by all of its values.

A column is the first of these that every value fits: int, bool, float, string. Numbers may have
spaces around them, a sign and an exponent; ``nan`` and ``inf`` in any case are floats; truth
values are ``true`` and ``false`` as words, in lower, upper or title case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from dure.data.types import POLARS, TYPES
from dure.errors import DataError, UsageError, nearest

_ORDER = ("int", "bool", "float", "string")
_HEAD = 1000
_TRUE = ["true", "True", "TRUE"]
_FALSE = ["false", "False", "FALSE"]

Locate = Callable[[int], str]


def typed(
    frame: pl.DataFrame,
    *,
    null_values: Sequence[str],
    types: Mapping[str, str],
    locate: Locate,
) -> pl.DataFrame:
    """Return a frame of text as a frame of the four types.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of ``String`` without nulls.
    null_values : sequence of str
        Texts that mean that there is no value. They are compared as they are, spaces and all.
    types : mapping of str to {"bool", "float", "int", "string"}
        Columns whose type is given, not inferred.
    locate : callable of (int) -> str
        Names the place of a row in the source, for messages.

    Raises
    ------
    UsageError
        ``types`` names an unknown column or type.
    DataError
        A value does not fit a given type, or a column of whole numbers does not fit in 64 bits.
    """
    _check_types(frame.columns, types)
    frame = frame.with_columns(
        pl.when(pl.all().is_in(list(null_values))).then(None).otherwise(pl.all()).name.keep()
    )
    hopes = {name: _hopes(frame[name], types.get(name)) for name in frame.columns}
    done: dict[str, pl.Series] = {}
    while len(done) < frame.width:
        # All columns at once, each as the first type that it may have: mostly the right one.
        tried = frame.select(_as(name, hopes[name][0]) for name in hopes if name not in done)
        for column in tried:
            if column.null_count() == frame[column.name].null_count():
                done[column.name] = column
            elif column.name in types:
                raise _misfit(frame[column.name], column, types[column.name], locate)
            else:
                del hopes[column.name][0]
    for name, column in done.items():
        if column.dtype == pl.Float64 and name not in types:
            _check_whole(frame[name], locate)
    return pl.DataFrame([done[name] for name in frame.columns])


def _hopes(text: pl.Series, given: str | None) -> list[str]:
    """Return the types that a column may have, the best first, judged by its first rows."""
    if given is not None:
        return [given]
    if text.null_count() == len(text):
        return ["string"]
    head = text.head(_HEAD).to_frame()
    fitting = head.select(_as(text.name, kind).alias(kind) for kind in _ORDER)
    return [kind for kind in _ORDER if fitting[kind].null_count() == head.to_series().null_count()]


def _as(name: str, kind: str) -> pl.Expr:
    """Return the column as ``kind``, null where it does not fit."""
    text = pl.col(name)
    if kind == "string":
        return text
    if kind == "bool":
        return (
            pl.when(text.is_in(_TRUE)).then(True).when(text.is_in(_FALSE)).then(False).alias(name)
        )
    return text.str.strip_chars(" \t").cast(POLARS[kind], strict=False)


def _check_types(columns: Sequence[str], types: Mapping[str, str]) -> None:
    for name, kind in types.items():
        if name not in columns:
            raise UsageError(
                f"types names a column '{name}' that the data does not have",
                expected="columns of the data",
                got=f"types={dict(types)!r}",
                fix=nearest(name, columns),
            )
        if kind not in TYPES:
            raise UsageError(
                f"types gives column '{name}' an unknown type",
                expected=", ".join(TYPES),
                got=repr(kind),
                fix=nearest(str(kind), TYPES),
            )


def _misfit(text: pl.Series, value: pl.Series, kind: str, locate: Locate) -> DataError:
    row = (value.is_null() & text.is_not_null()).arg_max()
    assert row is not None
    return DataError(
        f"{locate(row)}: column '{text.name}' has a value that is no {kind}",
        expected=f"{kind} in each row, as types={{{text.name!r}: {kind!r}}} says",
        got=repr(text[row]),
        fix="correct the value, name it in null_values, or give another type",
    )


def _check_whole(text: pl.Series, locate: Locate) -> None:
    """Refuse a column of whole numbers that is float only because some are too large."""
    digits = r"^[ \t]*[+-]?[0-9]+[ \t]*$"
    if not text.head(_HEAD).str.contains(digits).all() or not text.str.contains(digits).all():
        return
    too_large = (
        text.str.strip_chars(" \t").cast(pl.Int64, strict=False).is_null() & text.is_not_null()
    )
    row = too_large.arg_max()
    assert row is not None
    raise DataError(
        f"{locate(row)}: column '{text.name}' has a whole number that does not fit in 64 bits",
        expected="numbers from -2^63 to 2^63 - 1",
        got=text[row],
        fix=f"types={{{text.name!r}: 'string'}} keeps every digit; 'float' rounds",
    )
