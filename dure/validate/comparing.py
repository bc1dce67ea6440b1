"""Whether two data sets come from one distribution: which distance tells, and what is an alarm.

The rule
--------
A column differs where both hold:

1. *It is no chance.* A test has a p-value; over all comparisons of the report it is adjusted by
   Benjamini and Hochberg, and is then at most ``q``.
2. *It matters.* The distance, less what chance makes of it at these sizes, is at least the
   smallest effect of its metric. With a million rows every difference is no chance, and most
   do not matter.

The choice
----------
============================================ ===================== ==============================
column                                       distance              test
============================================ ===================== ==============================
texts, truth values; under 1,000 on a side   ``chi_square``        chi-square
texts, truth values; more                    ``jensen_shannon``    chi-square
numbers; under 1,000 on a side               ``kolmogorov_smirnov`` Kolmogorov-Smirnov
numbers; more                                ``wasserstein``       Kolmogorov-Smirnov, or
                                                                   chi-square where both sides
                                                                   have at most 30 distinct ones
numbers whose baseline is constant           ``kolmogorov_smirnov`` as above
missing values of any column                 ``l_infinity``        chi-square
============================================ ===================== ==============================
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.errors import UsageError, nearest
from dure.statistics.statistics import Statistics
from dure.validate import chance, distances
from dure.validate.distances import Test
from dure.validate.explain import choice_in_words, missing_in_words, not_compared, verdict
from dure.validate.finding import check_kind
from dure.validate.metrics import METRICS, Metric, Pair, constant, distance, pair
from dure.validate.report import Comparison, DriftReport, Kind
from dure.validate.samples import OTHER, Sample, sample
from dure.validate.shapes import shape

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, SplitStatistics

FEW_ROWS = 1000
FEW_VALUES = 30
SMALLEST_MISSING = 0.05
Q = 0.05
DRAWS = 200
LEVEL = 0.95


class Settings(NamedTuple):
    """How columns are compared; see `drift`."""

    metrics: Mapping[str, str]
    smallest: Mapping[str, float]
    q: float
    seed: int
    draws: int


class Place(NamedTuple):
    """Two sets of rows that are compared."""

    split: str
    baseline: str
    slice: str | None
    new: SplitStatistics
    old: SplitStatistics


def drift(
    first: Statistics,
    second: Statistics,
    *,
    kind: Kind = "drift",
    columns: tuple[str, ...] | None = None,
    metrics: Mapping[str, str] | None = None,
    smallest: Mapping[str, float] | None = None,
    q: float = Q,
    seed: int = 0,
    draws: int = DRAWS,
    slices: bool = True,
) -> DriftReport:
    """Return which columns of ``second`` are distributed otherwise than in ``first``.

    Parameters
    ----------
    first : Statistics
        The baseline: the earlier span, or the serving data.
    second : Statistics
        What is judged. A split is compared with the split of the same name, or with the only one.
    kind : {"drift", "skew"}
        What to call it.
    columns : tuple of str, optional
        Only these; default all that both have.
    metrics : mapping of str to str, optional
        A metric by column, instead of the one that is chosen; see `dure.validate.metrics.METRICS`.
    smallest : mapping of str to float, optional
        The smallest effect that is worth an alarm, by column or by metric.
    q : float, default 0.05
        At most this share of the alarms is false, on average over all comparisons.
    seed : int, default 0
        Of the intervals and of what chance alone would give.
    draws : int, default 200
        How many samples these are drawn from. 0: no intervals, and chance counts as 0 where it
        has no closed form.
    slices : bool, default True
        Compare slices that both have, too.

    Returns
    -------
    DriftReport
        Every comparison, also those below their thresholds.

    Raises
    ------
    UsageError
        A metric is unknown or does not fit the type of its column, a column is in neither data
        set, or a number is out of its range.

    Notes
    -----
    Values of one row, and rows, are taken to be independent. A column whose type changed, or that
    one side lacks, is not compared: the schema says so in its own words.
    """
    check_kind("first", first, Statistics)
    check_kind("second", second, Statistics)
    settings = Settings(dict(metrics or {}), dict(smallest or {}), q, seed, draws)
    _check(settings, first, second, columns)
    made = [
        one
        for place in places(first, second, slices)
        for one in _place(place, first, second, settings, columns)
    ]
    return DriftReport(kind, tuple(judge(made, settings.q)), q, seed, draws)


def places(first: Statistics, second: Statistics, slices: bool) -> Iterator[Place]:
    """Yield the splits that go together, each followed by the slices that go together."""
    for name, new in second.splits.items():
        partner = partner_of(name, first)
        if partner is None:
            continue
        old = first.splits[partner]
        yield Place(name, partner, None, new, old)
        for part, rows in (new.slices if slices else {}).items():
            if part in old.slices:
                yield Place(name, partner, part, rows, old.slices[part])


def partner_of(split: str, baseline: Statistics) -> str | None:
    """Return the split of the baseline to compare with: of the same name, or the only one."""
    if split in baseline.splits:
        return split
    return next(iter(baseline.splits)) if len(baseline.splits) == 1 else None


def judge(made: list[Comparison], q: float) -> list[Comparison]:
    """Return the comparisons with their p-values adjusted, and a verdict where there was none.

    Those that a fixed threshold decided keep their verdict and do not count.
    """
    asked = [index for index, one in enumerate(made) if one.p is not None and one.threshold is None]
    together = chance.adjusted([made[index].p or 0.0 for index in asked])
    result = list(made)
    for index, p in zip(asked, together, strict=True):
        result[index] = verdict(replace(made[index], adjusted=p), q, len(asked))
    return result


def _place(
    place: Place,
    first: Statistics,
    second: Statistics,
    settings: Settings,
    columns: tuple[str, ...] | None,
) -> Iterator[Comparison]:
    for name, new in place.new.columns.items():
        old = place.old.columns.get(name)
        if old is None or (columns is not None and name not in columns):
            continue
        if not comparable(old, new):
            yield not_compared(start_of(place, old, new), old, new)
            continue
        whole = place.slice is None
        a = sample(first, place.baseline, old, whole=whole)
        b = sample(second, place.split, new, whole=whole)
        yield compare(start_of(place, old, new), a, b, settings)
        if a.missing or b.missing:
            yield compare_missing(start_of(place, old, new), a, b, settings)


def comparable(old: ColumnStatistics, new: ColumnStatistics) -> bool:
    """Whether both are numbers, or both texts, or both truth values."""
    kinds = {old.element, new.element}
    return kinds <= {"int", "float"} or (len(kinds) == 1 and kinds <= {"string", "bool"})


def start_of(place: Place, old: ColumnStatistics, new: ColumnStatistics) -> Comparison:
    """Return a comparison that knows where it is, and nothing else."""
    return Comparison(
        new.name, place.split, place.baseline, "not_compared", "",
        slice=place.slice, rows=new.rows, baseline_rows=old.rows,
    )  # fmt: skip


def compare(start: Comparison, old: Sample, new: Sample, settings: Settings) -> Comparison:
    """Return the comparison of two samples, without a verdict where there is a p-value.

    Parameters
    ----------
    start : Comparison
        Where it is.
    old, new : Sample
        The baseline and what is judged.
    settings : Settings
    """
    start = replace(
        start,
        values=new.size, baseline_values=old.size, exact=old.exact and new.exact,
    )  # fmt: skip
    if not old.size or not new.size:
        return not_compared(start, old.column, new.column)
    metric = chosen(start.column, old, new, settings)
    both = pair(old, new)
    tested, test, least = _test(old, new, both, settings.q)
    rare = old.line is None and tested.freedom == 0 and len(both.a) > 1
    if rare and start.column not in settings.metrics:
        return not_compared(start, old.column, new.column, rare=True)
    value = distance(metric, old, new)
    made = replace(
        start,
        metric=metric.name,
        formula=metric.formula,
        choice=choice_in_words(metric, old, new, asked=start.column in settings.metrics),
        value=value,
        smallest=_smallest(start.column, metric, settings),
        test=test,
        p=tested.p,
        detectable=least,
        worst=_worst(both),
        shape=shape(old, new),
    )
    return _with_chance(made, metric, both, (old, new), settings)


def _with_chance(
    made: Comparison,
    metric: Metric,
    both: Pair,
    samples: tuple[Sample, Sample],
    settings: Settings,
) -> Comparison:
    assert made.value is not None  # it was just measured
    # The seed hangs on the column, so that one column more does not change the others' numbers.
    seed = settings.seed * 2**32 + zlib.crc32(made.column.encode("utf-8", "backslashreplace"))
    old, new = samples
    lines = None if old.line is None or new.line is None else (old.line, new.line)
    if not settings.draws and (lines is None or metric.of_lines is None):
        return replace(made, chance=0.0)
    usual = chance.expected(metric, both, lines, draws=max(1, settings.draws // 4), seed=seed)
    if not settings.draws:
        return replace(made, chance=usual)
    low, high = chance.interval(metric, both, made.value, draws=settings.draws, seed=seed)
    # A distance cannot be below 0, and near it a bootstrap is off: where the test sees no
    # difference at the level of the interval, no difference is in the interval.
    if made.p is not None and made.p > 1 - LEVEL:
        low = 0.0
    return replace(made, chance=usual, low=low, high=high)


def chosen(column: str, old: Sample, new: Sample, settings: Settings) -> Metric:
    """Return the metric for a column: the one that was asked for, or by type and sample size.

    Raises
    ------
    UsageError
        When the one that was asked for is not for this type.
    """
    numbers = old.line is not None
    name = settings.metrics.get(column)
    if name is not None:
        metric = METRICS[name]
        if ("numbers" if numbers else "categories") not in metric.on:
            fitting = [
                one.name
                for one in METRICS.values()
                if ("numbers" if numbers else "categories") in one.on
            ]
            raise UsageError(
                f"column {column!r}: {name} is not for {'numbers' if numbers else 'categories'}",
                expected=f"one of {', '.join(fitting)}",
                got=f"{name} for a column of type {new.column.type}",
                fix="choose one of these; a distance that does not fit would always be 0",
            )
        return metric
    few = min(old.size, new.size) < FEW_ROWS
    if not numbers:
        return METRICS["chi_square" if few else "jensen_shannon"]
    flat = old.line is not None and constant(old.line)
    return METRICS["kolmogorov_smirnov" if few or flat else "wasserstein"]


def _test(old: Sample, new: Sample, both: Pair, q: float) -> tuple[Test, str, float | None]:
    """Return a test, its name, and the smallest difference that it can tell from chance."""
    if old.line is not None and new.line is not None:
        points = old.line.points and new.line.points
        few = points and len(both.a) <= FEW_VALUES and min(old.size, new.size) >= FEW_ROWS
        # With few distinct numbers Kolmogorov-Smirnov has many ties, and sees less.
        if not few:
            tested = distances.kolmogorov_smirnov(old.line, new.line)
            least = chance.smallest_step(old.size, new.size, q)
            return tested, "Kolmogorov-Smirnov", least
    tested = distances.chi_square(both.a, both.b)
    name = "chi-square over the values, rare ones as one"
    return tested, name, chance.smallest_w(tested.freedom, old.size + new.size, q)


def _worst(both: Pair) -> str | None:
    if not both.names:
        return None
    apart = np.abs(both.a / both.a.sum() - both.b / both.b.sum())
    best = int(np.argmax(apart))
    return both.names[best] if apart[best] > 0 and both.names[best] != OTHER else None


def compare_missing(start: Comparison, old: Sample, new: Sample, settings: Settings) -> Comparison:
    """Return the comparison of how many rows have no value; see `compare`."""
    a, b = (np.array([one.missing, one.rows - one.missing], dtype=float) for one in (old, new))
    tested = distances.chi_square(a, b)
    metric, both = METRICS["l_infinity"], Pair(a, b, ["missing", "there"])
    value = metric.of_cells(a, b)
    made = replace(
        start,
        of="missing",
        metric="l_infinity",
        formula="difference of the shares of rows without a value",
        choice=missing_in_words(),
        value=value,
        smallest=settings.smallest.get(start.column, SMALLEST_MISSING),
        test="chi-square over missing and there",
        p=tested.p,
        detectable=chance.smallest_w(tested.freedom, old.rows + new.rows, settings.q),
        values=float(new.rows),
        baseline_values=float(old.rows),
        shape=None,
    )
    if not settings.draws:
        return replace(made, chance=0.0)
    return _with_chance(made, metric, both, (Sample(old.column), Sample(new.column)), settings)


def _smallest(column: str, metric: Metric, settings: Settings) -> float:
    by_metric = settings.smallest.get(metric.name, metric.smallest)
    return settings.smallest.get(column, by_metric)


def _check(
    settings: Settings, first: Statistics, second: Statistics, columns: tuple[str, ...] | None
) -> None:
    known = {
        name
        for statistics in (first, second)
        for split in statistics.splits.values()
        for name in split.columns
    }
    for name in (*(columns or ()), *settings.metrics):
        if name not in known:
            raise UsageError(
                f"there is no column {name!r} to compare", got=name, fix=nearest(name, known)
            )
    for name in settings.metrics.values():
        if name not in METRICS:
            raise UsageError(f"unknown metric {name!r}", got=name, fix=nearest(name, METRICS))
    for name, value in settings.smallest.items():
        if name not in known and name not in METRICS:
            raise UsageError(
                f"smallest has {name!r}, which is no column and no metric",
                fix=nearest(name, {*known, *METRICS}),
            )
        if not value >= 0:
            raise UsageError(
                f"smallest: {name} is not a size", expected="a number from 0", got=repr(value)
            )
    if not 0 < settings.q < 1 or settings.draws < 0:
        raise UsageError(
            "drift: a number is out of its range",
            expected="0 < q < 1 and draws >= 0",
            got=f"q {settings.q}, draws {settings.draws}",
        )
