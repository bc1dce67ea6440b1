"""Numbers and values in words, for what a finding says."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from dure.draw import number

SHOWN = 5


def count(amount: float, noun: str) -> str:
    """Return, for example, ``"1 row"`` or ``"2,000 rows"``."""
    whole = int(amount) if float(amount).is_integer() else amount
    shown = f"{whole:,}" if isinstance(whole, int) else number(whole)
    return f"{shown} {noun}" if amount == 1 else f"{shown} {noun}s"


def rows(amount: float) -> str:
    """Return a number of rows."""
    return count(amount, "row")


def share(part: float) -> str:
    """Return a percentage that is 0 % or 100 % only if it is exactly so."""
    percent = f"{part:.1%}"
    if part > 0 and percent == "0.0%":
        return "under 0.1 %"
    if part < 1 and percent == "100.0%":
        return "over 99.9 %"
    return percent.replace(".0%", " %").replace("%", " %").replace("  ", " ")


def at_most(part: float) -> str:
    """Return a share with up to three decimals that is never above it.

    A presence that is proposed must not be more than the data has: the schema would fail again.
    """
    return f"{int(part * 1000) / 1000:g}"


def exact(value: float | None) -> str:
    """Return a number with all its digits."""
    if value is None or isinstance(value, int):
        return number(value)
    return f"{value:.15g}"


def p_value(p: float) -> str:
    """Return a probability with two digits; very small ones as a bound.

    >>> p_value(0.0312), p_value(1e-9)
    ('0.031', 'under 0.0001')
    """
    return "under 0.0001" if p < 1e-4 else f"{p:.2g}"


def cut(value: str, limit: int = 60) -> str:
    """Return ``value`` on at most ``limit`` letters."""
    return value if len(value) <= limit else value[: limit - 1] + "…"


def allowed_values(values: Sequence[str]) -> str:
    """Return the values of a domain, or how many they are."""
    if len(values) > SHOWN:
        return f"the {count(len(values), 'value')} of the domain"
    return " or ".join(f"{cut(value)!r}" for value in values)


def listed(values: Sequence[tuple[str, float]], known: Sequence[str] = ()) -> str:
    """Return the first values with their rows, and the known value that each is nearly."""
    parts = []
    for value, amount in values[:SHOWN]:
        # A space or a capital letter too many is hard to see.
        close = difflib.get_close_matches(value, known, n=1, cutoff=0.75) if known else []
        like = f", nearly {cut(close[0])!r}" if close else ""
        parts.append(f"{cut(value)!r} ({rows(amount)}{like})")
    rest = len(values) - SHOWN
    return ", ".join(parts) + (f" and {rest:,} more" if rest > 0 else "")
