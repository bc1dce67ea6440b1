"""The type of the values, and what they hold where they are written as another type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.schema.types import element
from dure.validate.finding import Bad, Finding, Look
from dure.validate.values import Values, values_of
from dure.validate.words import count, exact, listed, rows

if TYPE_CHECKING:
    import polars as pl

_TRUE = ("TRUE", "true", "SET", "set", "1")
_FALSE = ("FALSE", "false", "CLEAR", "clear", "0")


def fits(look: Look) -> bool:
    """Whether the type is one that can be checked further."""
    return look.expected.accepts(look.found.type)


def types(look: Look) -> Iterator[Finding]:
    """Yield that the type is another one, if it is."""
    found, expected = look.found, look.expected
    if fits(look):
        if element(found.type) == "int" and expected.element == "float":
            yield Finding(
                "whole_numbers",
                "all values are whole numbers, and the type is int",
                f"type {expected.type}",
                f"type {found.type}",
                "nothing if they are right; or change the type in the schema to int",
            )
        return
    if (expected.element, found.element) == ("string", "bytes"):
        yield Finding(
            "invalid_text",
            "some values are not UTF-8, so that the column is bytes and no text",
            f"type {expected.type}",
            f"type {found.type}",
            "write the data as UTF-8, or change the type in the schema to bytes",
            bad=Bad(_not_utf8),
        )
        return
    nested = found.element == expected.element
    yield Finding(
        "nesting_changed" if nested else "type_changed",
        f"the type is {found.type}, not {expected.type}",
        f"type {expected.type}",
        f"type {found.type}{_example(look)}",
        "repair the values that are of another type, or change the type in the schema",
        bad=Bad(lambda: _not_of(expected.element))
        if found.element == "string" and not nested
        else None,
    )


def _example(look: Look) -> str:
    """Return values that are the reason, where they can be told from those that would fit."""
    if look.found.element == "string" and look.expected.element != "string":
        values = values_of(look)
        wrong = [] if values is None else values.where(_not_of(look.expected.element))
        if wrong:
            return f": {listed(wrong)}"
    top = look.found.top
    return f", such as {top[0][0]!r}" if top else ""


def _not_of(kind: str) -> pl.Expr:
    """Return which texts are the reason why a column is not of a kind."""
    import polars as pl

    value = pl.col("value")
    if kind in ("int", "float"):
        return (
            value.is_not_null()
            & value.cast(pl.Int64 if kind == "int" else pl.Float64, strict=False).is_null()
        )
    if kind == "bool":
        return value.is_not_null() & ~value.str.to_lowercase().is_in(["true", "false"])
    return value.is_not_null()


def _not_utf8() -> pl.Expr:
    import polars as pl

    return pl.col("value").map_batches(_undecodable, return_dtype=pl.Boolean)


def _undecodable(values: pl.Series) -> pl.Series:
    import polars as pl

    try:
        values.cast(pl.String)
    except pl.exceptions.PolarsError:
        return pl.Series([one is not None and not _is_text(one) for one in values])
    return pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def holds(look: Look) -> Iterator[Finding]:
    """Yield which values do not hold what the column holds, such as texts that are no numbers."""
    kind = look.expected.holds
    if kind is None:
        return
    if look.found.element == "string":
        yield from _texts(look, kind)
    elif kind == "bool":
        yield from _numbers(look)


def _texts(look: Look, kind: str) -> Iterator[Finding]:
    values = values_of(look)
    if values is None:
        yield values_unknown(look, f"whether every text is {_noun(kind)}", "holds")
        return
    wrong = values.where(_wrong(look, kind))
    if not wrong:
        return
    amount = sum(times for _, times in wrong)
    name, noun = f"not_{'truth' if kind == 'bool' else kind}", _noun(kind)
    yield Finding(
        name,
        f"{count(len(wrong), 'text')} in {rows(amount)} of {look.found.rows:,} {'is' if len(wrong) == 1 else 'are'} no {noun[2:]}",
        f"{noun} in every text",
        listed(wrong),
        "repair the data, or remove holds from the schema",
        bad=Bad(lambda: _wrong(look, kind)),
    )


def _noun(kind: str) -> str:
    return {"int": "a whole number", "float": "a number", "bool": "a truth value"}[kind]


def _wrong(look: Look, kind: str) -> pl.Expr:
    import polars as pl

    value = pl.col("value")
    if kind == "bool":
        expected = look.expected
        if expected.true_value is None and expected.false_value is None:
            allowed = [*_TRUE, *_FALSE]
        else:
            allowed = [
                one for one in (expected.true_value, expected.false_value) if one is not None
            ]
        return value.is_not_null() & ~value.is_in(allowed)
    return _not_of(kind)


def _numbers(look: Look) -> Iterator[Finding]:
    found = look.found
    low, high = found.min, found.max
    whole = found.element == "int"
    if high is not None and high > 1 and whole:
        yield _not_truth(f"the largest value is {exact(high)}", exact(high), "BOOL_TYPE_BIG_INT")
    if low is not None and low < 0 and whole:
        yield _not_truth(f"the smallest value is {exact(low)}", exact(low), "BOOL_TYPE_SMALL_INT")
    if whole or low is None:
        return
    values = values_of(look)
    odd = values.where(_no_truth()) if isinstance(values, Values) else []
    outside = low < 0 or (high or 0) > 1
    if odd or outside or found.nan or found.inf:
        got = listed(odd) if odd else f"from {exact(low)} to {exact(high)}, {found.nan or 0:,} NaN"
        yield _not_truth("some values are neither 0 nor 1", got, "BOOL_TYPE_UNEXPECTED_FLOAT")


def _no_truth() -> pl.Expr:
    import polars as pl

    value = pl.col("value").cast(pl.Float64)
    return value.is_not_null() & ~value.is_in([0.0, 1.0])


def _not_truth(reason: str, got: str, tfdv: str) -> Finding:
    return Finding(
        "not_truth",
        reason,
        "0 and 1 only",
        got,
        "repair the data, or remove holds from the schema",
        tfdv=tfdv,
        detail={"BOOL_TYPE_BIG_INT": "above", "BOOL_TYPE_SMALL_INT": "below"}.get(tfdv, ""),
        bad=Bad(_no_truth),
    )


def values_unknown(look: Look, what: str, asked: str) -> Finding:
    """Return that ``what`` cannot be told without looking at every value.

    Parameters
    ----------
    look : Look
    what : str
        In words.
    asked : str
        The field of the schema that asks.
    """
    return Finding(
        "unchecked_values",
        f"{look.found.unique or 0:,} distinct values are more than the statistics list, so that it "
        f"is not known {what}",
        "every value looked at",
        f"{look.found.unique or 0:,} distinct values",
        "give the examples beside the statistics",
        detail=asked,
    )
