"""Whether values are there, and as many as expected in each row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.validate.finding import Bad, Finding, Look
from dure.validate.words import at_most, count, rows, share

if TYPE_CHECKING:
    import polars as pl

_MARGIN = 1e-9  # 0.07 * 100 is 7.000000000000001: seven of a hundred are enough for it


def no_values(look: Look) -> Iterator[Finding]:
    """Yield that every row is null, or that those that are not hold nothing to learn from."""
    found, expected = look.found, look.expected
    wanted = expected.presence > 0 or bool(expected.min_rows)
    gone = "find out why the values are gone, or "
    drop = "drop the column from the data and the schema"
    if not found.count:
        yield Finding(
            "no_values",
            "no row has a value: the column is all missing",
            _in_words(expected.presence),
            f"no value in {rows(found.rows)}",
            gone + drop if wanted else drop + ": nothing can be learned from it",
            severity="error" if wanted else "warning",
        )
    elif found.number_of_values <= (found.nan or 0):
        # TFDV takes NaN and empty lists for values, and so does presence.
        what = "NaN" if found.number_of_values else "empty lists"
        yield Finding(
            "no_values",
            f"all that is there is {what}: nothing can be learned from it",
            "values",
            f"{what} in {rows(found.count)} of {found.rows:,}",
            gone + drop,
            severity="warning",
        )


def presence(look: Look) -> Iterator[Finding]:
    """Yield what is wrong with the number of rows that have a value."""
    found, expected = look.found, look.expected
    values, total = found.count, found.rows
    if values < expected.presence * total - _MARGIN * total:
        yield Finding(
            "too_few_values",
            f"a value is missing in {rows(found.missing)} of {total:,}",
            _in_words(expected.presence),
            f"a value in {values:,} of {total:,} rows ({share(values / total)})",
            f"repair the data, or lower presence in the schema to {at_most(values / total)}",
            bad=Bad(_is_null, "rows"),
        )
    if expected.min_rows is not None and values < expected.min_rows:
        yield Finding(
            "too_few_present",
            f"only {rows(values)} have a value",
            f"a value in at least {rows(expected.min_rows)}",
            f"a value in {rows(values)}",
            f"give more rows, or lower min_rows in the schema to {values}",
            bad=Bad(_is_null, "rows"),
        )


def _is_null() -> pl.Expr:
    import polars as pl

    return pl.col("value").is_null()


def _in_words(presence: float) -> str:
    if presence == 1:
        return "a value in every row"
    part = f"at least {share(presence)} of" if presence else "some of"
    return f"a value in {part} the rows"


def entries(look: Look) -> Iterator[Finding]:
    """Yield what is wrong with the number of entries of the lists."""
    expected, levels = look.expected.values, look.found.levels
    # A column of single values is one of lists that hold one each.
    sizes = [(level.min, level.max) for level in levels] or [(1, 1)]
    if expected is None:
        return
    if len(expected) != len(sizes):
        yield Finding(
            "nesting_changed",
            f"lists are nested {count(len(sizes), 'time')}, not {count(len(expected), 'time')}",
            f"bounds for {count(len(expected), 'level')} of lists",
            f"type {look.found.type}",
            "repair the data, or give values a pair for each level",
        )
        return
    for level, ((low, high), (fewest, most)) in enumerate(zip(expected, sizes, strict=True)):
        where = f" at level {level}" if len(sizes) > 1 else ""
        yield from _bounds(look, level, (low, high), (fewest, most), where)


def _bounds(
    look: Look,
    level: int,
    expected: tuple[float | None, float | None],
    found: tuple[int, int],
    where: str,
) -> Iterator[Finding]:
    (low, high), (fewest, most) = expected, found
    detail = str(level) if where else ""
    simple = bool(look.found.levels) and level == 0
    if low is not None and fewest < low:
        yield Finding(
            "too_few_entries",
            f"a row has {count(fewest, 'entry').replace('entrys', 'entries')}{where}",
            f"at least {low:g}{where}",
            f"a fewest of {fewest:,}",
            f"repair the data, or lower the fewest in values to {fewest}",
            detail=detail,
            bad=Bad(lambda: _length() < low, "rows") if simple else None,
        )
    if high is not None and most > high:
        yield Finding(
            "too_many_entries",
            f"a row has {count(most, 'entry').replace('entrys', 'entries')}{where}",
            f"at most {high:g}{where}",
            f"a most of {most:,}",
            f"repair the data, or raise the most in values to {most}",
            detail=detail,
            bad=Bad(lambda: _length() > high, "rows") if simple else None,
        )


def _length() -> pl.Expr:
    import polars as pl

    return pl.col("value").list.len()


def shape(look: Look) -> Iterator[Finding]:
    """Yield why the rows are no tensors of the shape that is expected, if they are not."""
    expected, found = look.expected.shape, look.found
    if expected is None:
        return
    sizes = [(level.min, level.max) for level in found.levels]
    varies = any(low != high or high == 0 for low, high in sizes)
    gaps = found.missing > 0 or any(level.missing for level in found.levels)
    got = math.prod(high for _, high in sizes)
    if not (varies or gaps) and got == math.prod(expected):
        return
    reason = (
        "a row is missing, and a tensor is always there"
        if gaps
        else "the number of values differs from row to row"
        if varies
        else f"each row has {count(got, 'value')}"
    )
    yield Finding(
        "shape_changed",
        reason,
        f"{count(math.prod(expected), 'value')} in each row: shape {list(expected)}",
        f"type {found.type}, sizes {', '.join(f'{a} to {b}' for a, b in sizes) or 'of single values'}",
        "repair the data, or remove shape from the schema",
        bad=Bad(_is_null, "rows") if found.missing else None,
    )
