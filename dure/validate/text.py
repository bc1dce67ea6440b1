"""Texts: their pattern and their length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.errors import SchemaError
from dure.validate.finding import Bad, Finding, Look
from dure.validate.types import values_unknown
from dure.validate.values import values_of
from dure.validate.words import count, listed, rows

if TYPE_CHECKING:
    import polars as pl


def check_regex(name: str, pattern: str) -> None:
    """Raise unless Polars can read a regular expression.

    Raises
    ------
    SchemaError
        Names the column and what is wrong with it.
    """
    import polars as pl

    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        said = [line for line in str(error).splitlines() if line.startswith("error:")]
        raise SchemaError(
            f"column {name!r}: regex is no regular expression",
            expected="the syntax of Rust's regex, which has no look-around and no references back",
            got=f"{pattern!r}: {said[0] if said else str(error).splitlines()[0]}",
            fix="correct it, or leave it out",
        ) from error


def regex(look: Look) -> Iterator[Finding]:
    """Yield the texts in which the regular expression is not found."""
    pattern = look.expected.regex
    if pattern is None or look.found.element != "string":
        return
    values = values_of(look)
    if values is None:
        yield values_unknown(look, f"whether every text matches {pattern!r}", "regex")
        return
    wrong = values.where(_no_match(pattern))
    if not wrong:
        return
    amount = sum(times for _, times in wrong)
    yield Finding(
        "no_match",
        f"{count(len(wrong), 'text')} in {rows(amount)} of {look.found.rows:,} "
        f"{'does' if len(wrong) == 1 else 'do'} not match",
        f"texts that match {pattern!r}",
        listed(wrong),
        "repair the data, or change regex in the schema",
        bad=Bad(lambda: _no_match(pattern)),
    )


def _no_match(pattern: str) -> pl.Expr:
    import polars as pl

    return ~pl.col("value").str.contains(pattern)


def length(look: Look) -> Iterator[Finding]:
    """Yield that the shortest or the longest text is out of bounds."""
    found = look.found
    low, high = look.expected.length or (None, None)
    unit = "byte" if found.element == "bytes" else "letter"
    if low is not None and found.min_length is not None and found.min_length < low:
        yield Finding(
            "too_short",
            f"the shortest has {count(found.min_length, unit)}",
            f"at least {count(low, unit)}",
            f"a shortest of {count(found.min_length, unit)}",
            f"repair the data, or lower length in the schema to {found.min_length}",
            bad=Bad(lambda: _length(unit) < low),
        )
    if high is not None and found.max_length is not None and found.max_length > high:
        yield Finding(
            "too_long",
            f"the longest has {count(found.max_length, unit)}",
            f"at most {count(high, unit)}",
            f"a longest of {count(found.max_length, unit)}",
            f"repair the data, or raise length in the schema to {found.max_length}",
            bad=Bad(lambda: _length(unit) > high),
        )


def _length(unit: str) -> pl.Expr:
    import polars as pl

    value = pl.col("value")
    return value.bin.size() if unit == "byte" else value.str.len_chars()
