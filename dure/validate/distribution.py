"""The distribution within its bounds: mean, spread, quantiles, balance.

Needs no other data to compare with; see `dure.validate.comparing` for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dure.schema.bounds import Bounds
from dure.validate.finding import Finding, Look
from dure.validate.values import as_texts, values_of
from dure.validate.words import count, exact, share


def distribution(look: Look) -> Iterator[Finding]:
    """Yield which numbers of the distribution are out of their bounds."""
    expected, found = look.expected, look.found
    if found.element in ("int", "float"):
        yield from _moment(look, "mean", found.mean, expected.mean)
        yield from _moment(look, "std", found.std, expected.std)
        yield from _quantiles(look)
    if expected.balance:
        yield from _balance(look)


def _moment(
    look: Look, name: Literal["mean", "std"], value: float | None, bounds: Bounds | None
) -> Iterator[Finding]:
    if value is None or bounds is None or _within(value, bounds):
        return
    words = {"mean": "mean", "std": "standard deviation"}[name]
    yield Finding(
        f"{name}_outside",
        f"the {words} is {_side(value, bounds)}",
        f"a {words} {_in_words(bounds)}",
        f"{exact(value)} over {count(look.found.number_of_values, 'value')}",
        f"repair the data, or change {name} in the schema",
    )


def _quantiles(look: Look) -> Iterator[Finding]:
    for at, bounds in look.expected.quantiles.items():
        value = quantile(look, at)
        if value is None:
            yield Finding(
                "statistics_missing",
                f"the quantile {at:g} is not among those of the statistics",
                "one of 0, 0.01, 0.05, the deciles, 0.25, 0.75, 0.95, 0.99, 1, or the examples",
                f"quantile {at:g}",
                "ask for one of these, or give the examples beside the statistics",
                detail=f"{at:g}",
            )
        elif not _within(value, bounds):
            yield Finding(
                "quantile_outside",
                f"the quantile {at:g} is {_side(value, bounds)}",
                f"a quantile {at:g} {_in_words(bounds)}",
                f"{exact(value)} over {count(look.found.number_of_values, 'value')}",
                "repair the data, or change quantiles in the schema",
                detail=f"{at:g}",
            )


def quantile(look: Look, at: float) -> float | None:
    """Return a quantile of the finite values: of the statistics, or else of all values."""
    from dure.statistics import QUANTILES

    if at in QUANTILES:
        return look.found.quantile(at)
    values = values_of(look)
    if values is None:
        return None
    import numpy as np
    import polars as pl

    table = values.table.select(pl.col("value").cast(pl.Float64), "count").sort("value")
    table = table.filter(pl.col("value").is_finite())
    numbers, counts = table["value"].to_numpy(), table["count"].to_numpy()
    if not len(numbers):
        return None
    # As numpy.quantile: linear between the neighbours of the place (n - 1) * at.
    place = (counts.sum() - 1) * at
    ends = np.cumsum(counts)
    low = numbers[np.searchsorted(ends, np.floor(place), side="right")]
    high = numbers[np.searchsorted(ends, np.ceil(place), side="right")]
    return float(low + (high - low) * (place - np.floor(place)))


def _balance(look: Look) -> Iterator[Finding]:
    total = look.found.number_of_values
    counts = _counts(look)
    for value, bounds in look.expected.balance.items():
        if counts is None:
            yield Finding(
                "statistics_missing",
                f"the statistics do not tell how often {value!r} comes",
                "a full table of values, or the examples",
                "neither",
                "give the examples beside the statistics",
                detail=value,
            )
            continue
        part = counts.get(value, 0) / total if total else 0.0
        if not _within(part, bounds):
            low, high = bounds
            allowed = " and ".join(
                text
                for text in (
                    "" if low is None else f"at least {share(low)}",
                    "" if high is None else f"at most {share(high)}",
                )
                if text
            )
            yield Finding(
                "balance_outside",
                f"{value!r} is {share(part)} of the values",
                f"{allowed} of the values",
                f"{counts.get(value, 0):,} of {total:,} values",
                "repair the data, or change balance in the schema",
                detail=value,
            )


def _counts(look: Look) -> dict[str, int] | None:
    found = look.found
    if found.element == "bool":
        return {"true": found.true or 0, "false": found.false or 0}
    values = values_of(look)
    if values is None:
        return None
    texts = as_texts(values.table["value"]).to_list()
    return dict(zip(texts, values.table["count"].to_list(), strict=True))


def _within(value: float, bounds: Bounds) -> bool:
    low, high = bounds
    margin = 1e-12 * abs(value)
    return (low is None or value >= low - margin) and (high is None or value <= high + margin)


def _side(value: float, bounds: Bounds) -> str:
    low, high = bounds
    if low is not None and value < low:
        return f"{exact(value)}, below {exact(low)}"
    return f"{exact(value)}, above {exact(high)}"


def _in_words(bounds: Bounds) -> str:
    low, high = bounds
    if low is None:
        return f"of at most {exact(high)}"
    return f"of at least {exact(low)}" if high is None else f"from {exact(low)} to {exact(high)}"
