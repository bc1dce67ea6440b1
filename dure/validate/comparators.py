"""Fixed thresholds of a schema: a distance that must not be exceeded, as TFDV does it.

No sample size and no chance: the number that the schema gives decides alone. What the distances are
is in `dure.validate.distances`; for numbers, ``jensen_shannon`` is taken over TFDV's histograms of
10 bins of equal width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dure.draw import number
from dure.errors import SchemaError, nearest
from dure.validate import distances
from dure.validate.comparing import Place, Settings, compare, start_of
from dure.validate.metrics import METRICS
from dure.validate.report import Comparison
from dure.validate.samples import Sample, buckets, sample

if TYPE_CHECKING:
    from dure.schema import Column
    from dure.statistics import ColumnStatistics, Statistics

TFDV = {
    "l_infinity": "COMPARATOR_L_INFTY_HIGH",
    "jensen_shannon": "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
    "normalised_difference": "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
}


def check_comparator(
    column: str, expected: Column, wanted: Mapping[str, float], which: str
) -> None:
    """Raise unless each metric of a comparison is known and fits the type of its column.

    Raises
    ------
    SchemaError
        A comparison that does not fit would be 0 for ever, and look like good news.
    """
    for name in wanted:
        if name not in METRICS:
            raise SchemaError(
                f"column {column!r}: {which} has an unknown metric",
                got=name,
                fix=nearest(name, METRICS),
            )
        kind = "categories" if _categories(expected) else "numbers"
        if kind not in METRICS[name].on or expected.element in ("bytes", "struct"):
            fitting = [one.name for one in METRICS.values() if kind in one.on]
            raise SchemaError(
                f"column {column!r}: {which} by {name} does not fit the type {expected.type}",
                expected=f"one of {', '.join(fitting)}",
                got=f"{name}: {wanted[name]}",
                fix="choose one of these; or say 'semantic: category' where whole numbers are names",
            )


def _categories(expected: Column) -> bool:
    return expected.element in ("string", "bool") or expected.semantic_kind == "category"


def compare_fixed(
    place: Place,
    old: ColumnStatistics,
    new: ColumnStatistics,
    expected: Column,
    wanted: Mapping[str, float],
    statistics: tuple[Statistics, Statistics],
    settings: Settings,
) -> Iterator[Comparison]:
    """Yield a comparison for each metric of the schema, with its verdict.

    Parameters
    ----------
    place : Place
        The splits, or slices.
    old, new : ColumnStatistics
        The column in the baseline, and in what is judged.
    expected : Column
        What the schema says of it.
    wanted : mapping of str to float
        Metrics and the largest distance that is allowed.
    statistics : pair of Statistics
        Of the baseline and of what is judged.
    settings : Settings
        Of the intervals.
    """
    whole = place.slice is None
    a = as_expected(sample(statistics[0], place.baseline, old, whole=whole), expected)
    b = as_expected(sample(statistics[1], place.split, new, whole=whole), expected)
    if a is None or b is None:
        reason = "the statistics do not list every number, which are names here"
        yield replace(start_of(place, old, new), reason=reason)
        return
    for name, threshold in wanted.items():
        chosen = settings._replace(metrics={new.name: name})
        made = compare(start_of(place, old, new), a, b, chosen)
        if made.value is None:
            yield made
            continue
        yield _judged(_as_tfdv(made, name, a, b), threshold)


def as_expected(one: Sample, expected: Column) -> Sample | None:
    """Return whole numbers as categories where the schema says that they are names.

    None: it says so, and not every number is known.
    """
    if one.line is None or expected.semantic_kind != "category":
        return one
    if not one.exact:
        return None
    pairs = zip(one.line.low, one.line.counts, strict=True)
    return replace(one, categories={f"{at:.15g}": float(n) for at, n in pairs}, line=None)


def _as_tfdv(made: Comparison, name: str, a: Sample, b: Sample) -> Comparison:
    if name != "jensen_shannon" or a.line is None:
        return made
    cells = distances.rebucket(buckets(a.column), buckets(b.column))
    value = distances.jensen_shannon(*cells)
    # The interval is moved along: it was taken over other bins, and its width is what is kept.
    moved = value - (made.value or 0.0)
    low = None if made.low is None else min(value, max(0.0, made.low + moved))
    high = None if made.high is None else max(value, min(1.0, made.high + moved))
    return replace(made, value=value, low=low, high=high)


def _judged(made: Comparison, threshold: float) -> Comparison:
    assert made.value is not None  # asked before
    above = made.value > threshold
    worst = f", most at {made.worst!r}" if made.worst else ""
    chance = f"; {number(made.chance, 3)} of it is what chance alone gives" if made.chance else ""
    return replace(
        made,
        threshold=threshold,
        verdict="differs" if above else "same",
        choice=f"the schema asks for {made.metric} and a threshold",
        reason=f"{made.metric} is {number(made.value)}{worst}{chance}; the threshold of the schema "
        f"is {number(threshold)}.",
    )
