"""The distances that a comparison can use: what each takes, what is a small value of it, and why.

Notation as in `dure.validate.distances`. A *pair* is two samples over the same cells: categories,
or numbers put into at most `CELLS` cells of about equal mass. The distance itself is taken
from all values; only how far it would scatter is taken from the cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dure.validate import distances
from dure.validate.distances import Floats, Line
from dure.validate.samples import Sample

CELLS = 100
On = Literal["categories", "numbers"]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two samples over the same cells.

    Parameters
    ----------
    a, b : ndarray of float64, shape (cells,)
        Counts in the first and in the second data.
    names : list of str
        What the cells stand for; empty for numbers.
    x : ndarray of float64, shape (cells,), or None
        Where the cells of numbers lie.
    """

    a: Floats
    b: Floats
    names: list[str] = field(default_factory=list)
    x: Floats | None = None

    def lines(self) -> tuple[Line, Line]:
        """Return both sides as numbers."""
        assert self.x is not None  # asked for numbers only
        return Line(self.x, self.x, self.a), Line(self.x, self.x, self.b)


@dataclass(frozen=True)
class Metric:
    """A distance with the words that explain it.

    Parameters
    ----------
    name : str
    formula : str
        As people write it.
    on : tuple of {"categories", "numbers"}
        What it can be taken of.
    smallest : float
        The smallest value that is worth an alarm, unless the caller says another one.
    why : str
        Where that value comes from.
    of_cells : function of (a, b)
        The distance of counts.
    of_lines : function of (first, second) or None
        The distance of numbers; the first is the baseline. None: numbers are put into the deciles
        of the baseline.
    most : float or None
        The largest value there is.
    """

    name: str
    formula: str
    on: tuple[On, ...]
    smallest: float
    why: str
    of_cells: Callable[[Floats, Floats], float]
    of_lines: Callable[[Line, Line], float] | None = None
    most: float | None = None


def cohens_w(a: Floats, b: Floats) -> float:
    """Return ``sqrt(chi^2 / (n + m))``, the size of the effect that a chi-square test sees.

    J. Cohen, "Statistical power analysis for the behavioral sciences", 2nd ed. (1988), chapter 7.
    """
    total = float(a.sum() + b.sum())
    return math.sqrt(distances.chi_square(a, b).statistic / total) if total else 0.0


def moved(first: Line, second: Line) -> float:
    """Return the Wasserstein distance in standard deviations of ``first``; see `scale`."""
    return distances.wasserstein(first, second) / scale(first)


def energy(first: Line, second: Line) -> float:
    """Return the energy distance with numbers in standard deviations of ``first``."""
    return distances.energy(first, second) / math.sqrt(scale(first))


def scale(line: Line) -> float:
    """Return the standard deviation, or 1 where all values are the same."""
    std = 0.0 if constant(line) else line.std
    return std if std > 0 and math.isfinite(std) else 1.0


def constant(line: Line) -> bool:
    """Whether all values are the same; a standard deviation is not 0 then, but a rounding error."""
    held = line.counts > 0
    return not held.any() or bool(line.low[held].min() == line.high[held].max())


def _largest_step(first: Line, second: Line) -> float:
    return distances.gap(first, second).largest


_BOTH: tuple[On, ...] = ("categories", "numbers")
METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "l_infinity", "max |p - q|", ("categories",), 0.1,
            "a tenth of all rows has moved to or from one value",
            distances.l_infinity, most=1.0,
        ),
        Metric(
            "jensen_shannon", "(KL(p | m) + KL(q | m)) / 2 with m = (p + q) / 2, base 2", _BOTH, 0.01,
            "a tenth as a distance, which is the root of the divergence",
            distances.jensen_shannon, most=1.0,
        ),
        Metric(
            "normalised_difference", "max |a - b| / (n + m)", ("categories",), 0.1,
            "a tenth of all rows of both sides",
            distances.normalised_difference, most=1.0,
        ),
        Metric(
            "psi", "sum (p - q) ln(p / q)", _BOTH, 0.1,
            "below 0.1 a population counts as stable, above 0.25 as another one, in credit scoring",
            distances.psi,
        ),
        Metric(
            "chi_square", "sqrt(chi^2 / (n + m)), Cohen's w", ("categories",), 0.1,
            "a small effect in the scale of Cohen (1988)",
            cohens_w,
        ),
        Metric(
            "hellinger", "sqrt(1 - sum sqrt(p q))", _BOTH, 0.1,
            "a tenth of the way from equal to nothing in common",
            distances.hellinger, most=1.0,
        ),
        Metric(
            "kolmogorov_smirnov", "max |F - G|", ("numbers",), 0.1,
            "a tenth of all rows lies on the other side of some number",
            distances.l_infinity, _largest_step, most=1.0,
        ),
        Metric(
            "wasserstein", "integral |F - G| dx / standard deviation of the baseline", ("numbers",), 0.1,
            "values moved by a tenth of the baseline's standard deviation on average",
            distances.l_infinity, moved,
        ),
        Metric(
            "energy", "sqrt(2 integral (F - G)^2 dx), x in standard deviations of the baseline",
            ("numbers",), 0.1,
            "about what a shift by an eighth of a standard deviation makes of a normal distribution",
            distances.l_infinity, energy,
        ),
    )
}  # fmt: skip


def pair(first: Sample, second: Sample) -> Pair:
    """Return both samples over the same cells; numbers in at most `CELLS` of them."""
    if first.line is None or second.line is None:
        names, a, b = distances.align(first.categories or {}, second.categories or {})
        return Pair(a, b, names)
    return _cells(first.line, second.line)


def deciles(first: Line, second: Line) -> tuple[Floats, Floats]:
    """Return counts of both in the tenths of the first."""
    shares = first.up_to(first.high)
    at = np.unique(
        first.high[
            np.minimum(np.searchsorted(shares, np.arange(1, 10) / 10 - 1e-12), len(shares) - 1)
        ]
    )
    return tuple(  # type: ignore[return-value] # always a pair
        np.diff(np.concatenate([[0.0], line.up_to(at), [1.0]])).clip(min=0) * line.size
        for line in (first, second)
    )


def distance(metric: Metric, first: Sample, second: Sample) -> float:
    """Return the distance of two samples; the first is the baseline.

    Raises
    ------
    DataError
        When one side has no values.
    """
    if first.line is not None and second.line is not None:
        if metric.of_lines is not None:
            return metric.of_lines(first.line, second.line)
        return metric.of_cells(*deciles(first.line, second.line))
    both = pair(first, second)
    return metric.of_cells(both.a, both.b)


def _cells(first: Line, second: Line) -> Pair:
    """Return counts between points that hold about equal shares of both samples together."""
    x, *shares = distances.gap(first, second)
    a, b = shares[:2]
    if len(x) > CELLS:
        n, m = first.size, second.size
        levels = (np.arange(CELLS) + 1) / CELLS
        places = np.searchsorted((a * n + b * m) / (n + m), levels - 1e-12)
        at = np.unique(np.minimum(places, len(x) - 1))
        x, a, b = x[at], a[at], b[at]
    sides = [
        np.diff(np.concatenate([[0.0], share])).clip(min=0) * line.size
        for share, line in ((a, first), (b, second))
    ]
    return Pair(sides[0], sides[1], x=x)
