"""What type a column of text has, judged by all of its values.

A column is the first of these that every value fits: int, bool, float, string. Numbers may have
spaces around them, a sign, leading zeros and an exponent; ``nan`` and ``inf`` in any case are
floats; truth values are ``true`` and ``false`` as words, in lower, upper or title case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl
import polars.selectors as cs

from dure.data.naming import pick, unnamed
from dure.data.types import POLARS
from dure.errors import UsageError, nearest

KINDS = ("int", "bool", "float", "string")
_HEAD = 1000
_FEW = 8
_TRUE = ["true", "True", "TRUE"]
_FALSE = ["false", "False", "FALSE"]
_DIGITS = r"^[ \t]*[+-]?[0-9]+[ \t]*$"


def infer(text: pl.DataFrame, hints: Mapping[str, str]) -> dict[str, pl.Series]:
    """Return columns of text as columns of the types that all of their values fit.

    Parameters
    ----------
    text : polars.DataFrame
        Columns of ``String``; what is no value is null.
    hints : mapping of str to {"int", "bool", "float", "string"}
        The type to try first.

    Returns
    -------
    dict of str to polars.Series
        Each column, in the order of ``text``. One without any value is ``Null``.
    """
    done: dict[str, pl.Series] = {}
    for column in text:
        if column.null_count() == len(column):
            done[column.name] = column.cast(pl.Null)
    _try(text, {n: kind for n, kind in hints.items() if n in text.columns and n not in done}, done)
    head = text.head(_HEAD)
    for kind in KINDS[:-1]:
        # The first rows mostly say enough; only what they leave open is tried on all rows.
        hopeful: dict[str, pl.Series] = {}
        _try(head, {name: kind for name in text.columns if name not in done}, hopeful)
        _try(text, dict.fromkeys(hopeful, kind), done)
    return {column.name: done.get(column.name, column) for column in text}


def cast(text: pl.DataFrame, kinds: Mapping[str, str]) -> pl.DataFrame:
    """Return columns of text as the types that are given, null where a value does not fit."""
    # One expression for all columns of a type, which Polars repeats faster than Python does.
    groups: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        groups.setdefault(kind, []).append(name)
    done = text.select(_as(cs.by_name(*names).as_expr(), kind) for kind, names in groups.items())
    return done if len(groups) < 2 else pick(done, list(kinds))


def check_types(columns: Sequence[str], types: Mapping[str, str]) -> None:
    """Raise `UsageError` where ``types`` has a column or a type that there is not."""
    for name, kind in types.items():
        if name not in columns:
            raise UsageError(
                f"types names a column '{name}' that the data does not have",
                expected="columns of the data",
                got=f"types={dict(types)!r}",
                fix=nearest(name, columns),
            )
        if kind not in KINDS:
            raise UsageError(
                f"types gives column '{name}' a type that a column of text cannot have",
                expected=", ".join(sorted(KINDS)),
                got=repr(kind),
                fix=nearest(str(kind), KINDS),
            )


def too_large(text: pl.Series) -> int | None:
    """Return the first row with a whole number beyond 64 bits, if all values are whole numbers."""
    text = unnamed(text)
    if not all(
        re.match(_DIGITS, value) for value in text.head(_FEW).to_list() if value is not None
    ):
        return None
    if not text.str.contains(_DIGITS).all():
        return None
    numbers = text.str.strip_chars(" \t").cast(pl.Int64, strict=False)
    return (numbers.is_null() & text.is_not_null()).arg_max()


def _try(text: pl.DataFrame, kinds: Mapping[str, str], done: dict[str, pl.Series]) -> None:
    """Add to ``done`` each column of which all values fit the type that is to be tried."""
    for column in cast(text, kinds):
        if column.null_count() == text[column.name].null_count():
            done[column.name] = column


def _as(text: pl.Expr, kind: str) -> pl.Expr:
    """Return columns of text as ``kind``, null where a value does not fit."""
    if kind == "string":
        return text
    if kind == "bool":
        known = pl.when(text.is_in(_TRUE + _FALSE)).then(text)
        return known.name.keep().is_in(_TRUE)
    return text.str.strip_chars(" \t").cast(POLARS[kind], strict=False)
