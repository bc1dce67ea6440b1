"""The values that are allowed, and how many distinct ones there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.validate.finding import Bad, Finding, Look
from dure.validate.values import as_texts, values_of
from dure.validate.words import allowed_values, count, listed, rows, share

if TYPE_CHECKING:
    import polars as pl


def domain(look: Look) -> Iterator[Finding]:
    """Yield the values that are outside the domain.

    Every distinct value is compared: those that the statistics list, or else those that the
    examples have. TFDV looks at the 1,000 most frequent ones, so that a rare new value passes.
    """
    allowed, found = look.expected.domain, look.found
    if allowed is None or found.element not in ("string", "bytes"):
        return
    values = values_of(look)
    if values is None:
        yield _unlisted(look, allowed)
        return
    outside = values.where(_outside(allowed))
    if not outside:
        return
    amount, total = sum(times for _, times in outside), found.number_of_values
    # The same margin for rounding as for presence.
    inside = total - amount + 1e-9 * total
    least = look.expected.domain_share
    bad = inside < least * total
    part = "" if least == 1 else f"{share(least)} of the values in "
    change = "add them to the domain in the schema"
    yield Finding(
        "unexpected_values",
        f"{count(len(outside), 'value')} outside the domain, in {rows(amount)} of "
        f"{total if found.levels else found.rows:,} ({share(amount / (total if found.levels else found.rows))})",
        part + allowed_values(allowed),
        listed(outside, allowed),
        f"repair the data, or {change}" if bad else f"{change} if they are right",
        severity="error" if bad else "warning",
        bad=Bad(lambda: _outside(allowed)),
    )


def _outside(allowed: tuple[str, ...]) -> pl.Expr:
    import polars as pl

    return pl.col("value").is_not_null() & ~pl.col("value").is_in(list(allowed))


def _unlisted(look: Look, allowed: tuple[str, ...]) -> Finding:
    """Return what can be said where nothing lists every distinct value."""
    found = look.found
    distinct = found.unique or 0
    more = distinct - len(allowed)
    # A count that is not exact can be too large by its error.
    more -= round(3 * found.exactness.unique * distinct)
    top = [(value, times) for value, times in found.top or () if value not in set(allowed)]
    fix = "remove the domain from the schema if this is no list of categories"
    if more > 0 or top:
        return Finding(
            "unexpected_values",
            f"at least {count(max(more, len(top)), 'value')} outside the domain: the column has "
            f"{distinct:,} distinct values, the domain {len(allowed):,}",
            allowed_values(allowed),
            listed(top, allowed) if top else f"{distinct:,} distinct values",
            fix,
            bad=Bad(lambda: _outside(allowed)),
        )
    return Finding(
        "unchecked_values",
        f"{distinct:,} distinct values are more than the statistics list; the most frequent ones "
        "are in the domain",
        "every value compared with the domain",
        f"{distinct:,} distinct values",
        f"give the examples beside the statistics, or {fix}",
        detail="domain",
    )


def distinct(look: Look) -> Iterator[Finding]:
    """Yield what is wrong with the number of distinct values."""
    expected, found = look.expected, look.found
    if expected.distinct is None and not expected.unique:
        return
    if found.unique is None:
        yield Finding(
            "distinct_unknown",
            f"distinct values are not counted for the type {found.type}",
            "a type whose distinct values are counted",
            f"type {found.type}",
            "remove distinct and unique from the schema",
        )
        return
    yield from _number(look, found.unique)
    if expected.unique:
        yield from _unique(look, found.unique)


def _number(look: Look, unique: int) -> Iterator[Finding]:
    low, high = look.expected.distinct or (None, None)
    about = "" if not look.found.exactness.unique else "about "
    if low is not None and unique < low:
        yield Finding(
            "too_few_distinct",
            f"there {'is' if unique == 1 else 'are'} only {count(unique, 'distinct value')}",
            f"at least {low:g} distinct values",
            f"{about}{unique:,} distinct values",
            f"give more data, or lower distinct in the schema to {unique}",
        )
    if high is not None and unique > high:
        yield Finding(
            "too_many_distinct",
            f"there are {count(unique, 'distinct value')}",
            f"at most {high:g} distinct values",
            f"{about}{unique:,} distinct values",
            f"repair the data, or raise distinct in the schema to {unique}",
        )


def _unique(look: Look, unique: int) -> Iterator[Finding]:
    found = look.found
    total = found.number_of_values
    slack = 3 * found.exactness.unique * unique
    if unique >= total - slack and (not slack or look.examples is None):
        return
    twice = _twice(look)
    if twice is None and unique >= total - slack:
        return
    if twice is not None and not twice:
        return
    got = listed(twice) if twice else f"{unique:,} distinct values in {count(total, 'value')}"
    names = [value for value, _ in (twice or [])[:1000]]
    yield Finding(
        "not_unique",
        f"{count(len(twice), 'value')} come more than once"
        if twice
        else f"{count(total - unique, 'value')} are not the first of their kind",
        "no value twice",
        got,
        "repair the data, or remove unique from the schema",
        bad=Bad(lambda: _among(names)) if names else None,
    )


def _twice(look: Look) -> list[tuple[str, int]] | None:
    import polars as pl

    values = values_of(look)
    return None if values is None else values.where(pl.col("count") > 1)


def _among(names: list[str]) -> pl.Expr:
    import polars as pl

    return pl.col("value").map_batches(as_texts, return_dtype=pl.String).is_in(names)
