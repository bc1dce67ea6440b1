"""Numbers: within their range, finite, and what they seem to be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dure.validate.finding import Bad, Finding, Look
from dure.validate.values import values_of
from dure.validate.words import count, exact, rows, share

if TYPE_CHECKING:
    import polars as pl

_EXACT = 2**53
_SENTINEL_SHARE = 0.001


def finite(look: Look) -> Iterator[Finding]:
    """Yield NaN and infinities."""
    found, expected = look.found, look.expected
    total = found.number_of_values
    if found.nan:
        forbidden = expected.nan is not None and found.nan > expected.nan * total * (1 + 1e-9)
        if expected.nan is None or forbidden:
            yield Finding(
                "nan",
                f"NaN in {rows(found.nan)} of {found.rows:,}",
                "numbers, or missing values"
                if not expected.nan
                else f"NaN in at most {share(expected.nan)} of the values",
                f"{found.nan:,} NaN ({share(found.nan / total)})",
                "write nothing where there is no number"
                + ("" if not forbidden else ", or raise nan in the schema"),
                severity="error" if forbidden else "warning",
                bad=Bad(lambda: _value().is_nan()),
            )
    yield from _infinite(look)


def _infinite(look: Look) -> Iterator[Finding]:
    found, expected = look.found, look.expected
    negative = found.negative_inf or 0 if expected.min is None else 0
    positive = found.positive_inf or 0 if expected.max is None else 0
    amount = negative + positive
    forbidden = expected.inf is not None and amount > expected.inf * found.number_of_values * (
        1 + 1e-9
    )
    if amount and (expected.inf is None or forbidden):
        yield Finding(
            "infinity",
            f"infinity in {rows(amount)} of {found.rows:,}",
            "finite numbers"
            if not expected.inf
            else f"infinity in at most {share(expected.inf)} of the values",
            f"{positive:,} infinity, {negative:,} -infinity",
            "repair these values: a mean, a scale and a loss become infinite with them",
            severity="error" if forbidden else "warning",
            bad=Bad(lambda: _value().is_infinite()),
        )


def _value() -> pl.Expr:
    import polars as pl

    return pl.col("value").cast(pl.Float64, strict=False)


def limits(look: Look) -> Iterator[Finding]:
    """Yield numbers that are out of range, also in texts that hold numbers."""
    expected = look.expected
    if expected.min is None and expected.max is None:
        return
    low, high, infinite_low, infinite_high = _ends(look)
    if expected.min is not None and (infinite_low or (low is not None and low < expected.min)):
        yield _outside(look, "below", -math.inf if infinite_low else low, expected.min)
    if expected.max is not None and (infinite_high or (high is not None and high > expected.max)):
        yield _outside(look, "above", math.inf if infinite_high else high, expected.max)


def _ends(look: Look) -> tuple[float | None, float | None, int, int]:
    found = look.found
    if found.element != "string":
        return found.min, found.max, found.negative_inf or 0, found.positive_inf or 0
    values = values_of(look)
    if values is None:
        return None, None, 0, 0
    import polars as pl

    numbers = (
        values.table["value"]
        .cast(pl.Int64 if look.expected.holds == "int" else pl.Float64, strict=False)
        .drop_nulls()
    )
    if look.expected.holds != "int":
        numbers = numbers.drop_nans()
    low, high = numbers.min(), numbers.max()
    return (
        low if isinstance(low, int | float) else None,
        high if isinstance(high, int | float) else None,
        0,
        0,
    )


def _outside(
    look: Look, side: Literal["below", "above"], worst: float | None, bound: float
) -> Finding:
    ends = {"below": ("smallest", "from", "lower min"), "above": ("largest", "up to", "raise max")}
    word, to, change = ends[side]
    whole = "int" in (look.expected.holds, look.expected.element)
    names = {
        ("below", True): "INT_TYPE_SMALL_INT",
        ("below", False): "FLOAT_TYPE_SMALL_FLOAT",
        ("above", True): "INT_TYPE_BIG_INT",
        ("above", False): "FLOAT_TYPE_BIG_FLOAT",
    }
    return Finding(
        f"{side}_{'min' if side == 'below' else 'max'}",
        f"the {word} value is {exact(worst)}, {side} {exact(bound)}",
        f"numbers {to} {exact(bound)}",
        f"a {word} value of {exact(worst)}",
        f"repair the data, or {change} in the schema",
        tfdv=names[side, whole],
        bad=Bad(lambda: _beyond(side, bound, look.found.element == "string")),
    )


def _beyond(side: str, bound: float, text: bool) -> pl.Expr:
    import polars as pl

    value = _value() if text else pl.col("value")
    return value < bound if side == "below" else (value > bound) & ~_value().is_nan()


def odd(look: Look) -> Iterator[Finding]:
    """Yield numbers that likely do not mean what they say."""
    yield from _beyond_exact(look)
    yield from _sentinels(look)


def _beyond_exact(look: Look) -> Iterator[Finding]:
    found = look.found
    if found.element != "int" or found.min is None or found.max is None:
        return
    largest = max(abs(found.min), abs(found.max))
    # Who gives bounds knows how large the numbers are.
    meant = look.expected.semantic_kind in ("id", "category", "time") or (
        look.expected.min is not None or look.expected.max is not None
    )
    if largest > _EXACT and not meant:
        yield Finding(
            "beyond_exact",
            f"a whole number of {exact(int(largest))} cannot be told from its neighbours as a float",
            "whole numbers up to 2^53, which a float holds exactly",
            f"from {exact(found.min)} to {exact(found.max)}",
            "keep identifiers as text, or say 'semantic: id' in the schema",
            bad=Bad(_past_exact),
        )


def _past_exact() -> pl.Expr:
    import polars as pl

    return (pl.col("value") > _EXACT) | (pl.col("value") < -_EXACT)


def _sentinels(look: Look) -> Iterator[Finding]:
    found, expected = look.found, look.expected
    if found.element not in ("int", "float") or found.quantiles is None:
        return
    for end, bound in ((found.min, expected.min), (found.max, expected.max)):
        if end is None or bound is not None or not _looks_like_one(end):
            continue
        values = values_of(look)
        times = _times(values, end) if values is not None else None
        total = found.number_of_values
        if times is None or times < max(2, _SENTINEL_SHARE * total) or not _far(values, end):
            continue
        yield Finding(
            "sentinel",
            f"{exact(end)} comes in {count(times, 'row')} of {found.rows:,} and lies far from all other values",
            "a missing value where there is no number",
            f"{exact(end)}: {share(times / total)} of the values",
            "make them missing when the data is read, or give the column a min and a max",
            detail=exact(end),
            bad=Bad(lambda end=end: _equals(end)),  # type: ignore[misc] # bound now, not later
        )


def _looks_like_one(value: float) -> bool:
    """Whether people write ``value`` for "unknown": -1 among others, or nines in a row."""
    digits = f"{abs(value):.15g}"
    return value == -1 or (len(digits) >= 2 and set(digits) == {"9"}) or abs(value) in (
        2**31 - 1, 2**31, 2**15 - 1, 2**15,
    )  # fmt: skip


def _times(values: object, end: float) -> int | None:
    import polars as pl

    table: pl.DataFrame = values.table  # type: ignore[attr-defined] # a Values
    held = table.filter(pl.col("value") == end)["count"]
    return int(held.sum())


def _far(values: object, end: float) -> bool:
    """Whether the next value is further away than all the others are from each other."""
    import polars as pl

    table: pl.DataFrame = values.table  # type: ignore[attr-defined] # a Values
    rest = table.filter(pl.col("value").cast(pl.Float64).is_finite() & (pl.col("value") != end))[
        "value"
    ]
    low, high = rest.min(), rest.max()
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low == high:
        return False
    gap = low - end if end < low else end - high
    # -1 is next to 0, and so it stands out only where all the others are not negative.
    return gap > (high - low) or (end == -1 and low >= 0)


def _equals(end: float) -> pl.Expr:
    import polars as pl

    return pl.col("value") == end
