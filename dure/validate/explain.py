"""Why a distance was taken, what it says, and what more rows would change: in words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from dure.draw import number
from dure.validate.metrics import Metric, constant
from dure.validate.report import Comparison
from dure.validate.samples import Sample
from dure.validate.words import count, p_value, share

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics

_UNDERFLOW = 1e-200  # p-values are no measure below it: most of them are 0


def choice_in_words(metric: Metric, old: Sample, new: Sample, *, asked: bool) -> str:
    """Return why ``metric`` is the one that was taken."""
    if asked:
        return f"{metric.name} was asked for"
    size = min(old.size, new.size)
    sizes = f"{'under' if size < 1000 else 'at least'} 1,000 values on the smaller side"
    if old.line is None:
        return f"categories with {sizes}: " + (
            "the test of chi-square itself, whose size of effect is Cohen's w"
            if metric.name == "chi_square"
            else "the Jensen-Shannon divergence, which sees all values and has the scale 0 to 1"
        )
    if metric.name == "wasserstein":
        return f"numbers with {sizes}: how far values moved, in the baseline's own spread"
    if not constant(old.line):
        return f"numbers with {sizes}: the largest difference of the shares up to a number"
    return "numbers whose baseline is constant: it has no spread to measure a distance in"


def missing_in_words() -> str:
    """Return how missing values are compared."""
    return "how many rows have no value: the difference of the two shares"


def not_compared(
    start: Comparison, old: ColumnStatistics, new: ColumnStatistics, *, rare: bool = False
) -> Comparison:
    """Return a comparison that says why there is none."""
    if rare:
        reason = "no two values are frequent enough for their shares to be compared"
    elif old.type != new.type and {old.element, new.element} != {"int", "float"}:
        reason = f"the type is {new.type} and was {old.type}"
    elif old.element not in ("int", "float", "string", "bool"):
        reason = f"values of type {old.type} have no distance"
    else:
        sides = [name for name, one in (("baseline", old), ("new data", new)) if not _values(one)]
        reason = f"there are no values in the {' and the '.join(sides) or 'data'}"
    return replace(start, verdict="not_compared", reason=reason)


def _values(column: ColumnStatistics) -> int:
    return column.number_of_values - (column.nan or 0) - column.inf


def verdict(one: Comparison, q: float, together: int) -> Comparison:
    """Return ``one`` with its verdict: it differs where it is no chance, and it matters.

    Parameters
    ----------
    one : Comparison
        With its distance and its adjusted p-value.
    q : float
        The bound of the adjusted p-value.
    together : int
        How many comparisons it was adjusted for.
    """
    assert one.value is not None  # there is a p-value, so there is a distance
    assert one.adjusted is not None
    assert one.smallest is not None
    effect = max(0.0, one.value - (one.chance or 0.0))
    chance = one.adjusted > q
    # Where it can be chance, it is not known how much of it is: all of it may be.
    small = (one.value if chance else effect) < one.smallest
    parts = [
        f"{what(one)}; {number(one.chance or 0.0, 3)} of it is what chance alone gives at these sizes",
        f"p {p_value(one.adjusted)} over {count(together, 'comparison')}",
        _sizes(one, q, chance=chance, small=small),
    ]
    return replace(
        one, verdict="same" if chance or small else "differs", reason=". ".join(parts) + "."
    )


def what(one: Comparison) -> str:
    """Return the distance in words, for example ``"psi is 0.31, most at 'Cash'"``."""
    if one.of == "missing":
        return f"the share of rows without a value differs by {share(one.value or 0.0)}"
    worst = f", most at {one.worst!r}" if one.worst else ""
    return f"{one.metric} is {number(one.value, 3)}{worst}"


def _sizes(one: Comparison, q: float, *, chance: bool, small: bool) -> str:
    """Return what would become of the verdict with more rows, or with fewer."""
    assert one.p is not None  # as in verdict
    least = number(one.smallest, 3)
    if small and not chance:
        return (
            f"It is no chance, but below {least} it is too small to matter, with any number of rows"
        )
    if small:
        return f"It is below {least}, which would be too small to matter with any number of rows"
    times = _times(one, q)
    values = min(one.values, one.baseline_values)
    if chance:
        return (
            f"It is large enough to matter ({least}), and can be chance: a difference of this size "
            f"would be an alarm from about {round(values * times):,} values on each side"
        )
    fewer = (
        "with a hundredth of the values, too"
        if one.p < _UNDERFLOW
        else f"from about {max(2, round(values * times)):,} values on each side"
    )
    return (
        f"It is no chance and large enough to matter ({least}); a difference of this size would be "
        f"an alarm {fewer}"
    )


def _times(one: Comparison, q: float) -> float:
    """Return how many times the values it takes for this difference to be no chance, about.

    A chi-square statistic grows in proportion to the sample, and so does the square of D; both
    tails fall about as ``exp(-c size)``, so that the logarithms of p and q are in the same ratio.
    """
    p = min(max(one.p or 0.0, 1e-300), 1 - 1e-9)
    return math.log(q) / math.log(p)
