"""What chance alone does to a distance: its scatter, and its size where nothing has changed.

Notation as in `dure.validate.distances`. Every draw comes from a generator with the seed that the
caller gives, so that the same statistics give the same numbers.

A distance of two samples is never 0, even where both are drawn from one distribution: it is large
for small samples and many cells. That size is its *chance* value; what is beyond it is the effect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from dure.validate import distances
from dure.validate.distances import Floats, Line
from dure.validate.metrics import Metric, Pair, deciles, scale

_MANY = 2000  # above it, as many cells even out their own chance: fewer draws do
_KOLMOGOROV = math.sqrt(math.pi / 2) * math.log(2)  # mean of the Kolmogorov distribution, 0.8687


def interval(
    metric: Metric, both: Pair, value: float, *, draws: int, seed: int, level: float = 0.95
) -> tuple[float, float]:
    """Return a bootstrap interval of a distance.

    Both samples are drawn again, each from its own shares; the interval is the basic one,
    ``[2 v - v_high, 2 v - v_low]`` [1, eq. 5.6], which takes out that a distance of drawn samples is
    too large on average.

    Parameters
    ----------
    metric : Metric
    both : Pair
        The samples over cells.
    value : float
        The distance, of all values.
    draws : int
        How often they are drawn again.
    seed : int
    level : float

    References
    ----------
    .. [1] A. C. Davison and D. V. Hinkley, "Bootstrap methods and their application",
       Cambridge University Press (1997).
    """
    of = _of_counts(metric, both)
    generator = np.random.default_rng(seed)
    drawn_a, drawn_b = (_draw(generator, side, side, draws) for side in (both.a, both.b))
    off = of(drawn_a, drawn_b) - of(both.a[np.newaxis], both.b[np.newaxis])
    tail = (1 - level) / 2
    low, high = value - np.quantile(off, 1 - tail), value - np.quantile(off, tail)
    most = math.inf if metric.most is None else metric.most
    return max(0.0, min(float(low), value)), min(most, max(float(high), value))


def expected(
    metric: Metric, both: Pair, lines: tuple[Line, Line] | None, *, draws: int, seed: int
) -> float:
    """Return the mean of a distance where both samples have one distribution.

    In closed form for distances of numbers, and by drawing both sides from the shares of both
    together for categories and bins.
    """
    if lines is not None and metric.of_lines is not None:
        return _expected_of_lines(metric, *lines)
    if lines is not None:
        both = Pair(*deciles(*lines))
    if len(both.a) > _MANY:
        draws = max(1, draws // 10)
    generator = np.random.default_rng(seed)
    total = both.a + both.b
    drawn_a, drawn_b = (_draw(generator, side, total, draws) for side in (both.a, both.b))
    return float(np.mean([metric.of_cells(a, b) for a, b in zip(drawn_a, drawn_b, strict=True)]))


def _expected_of_lines(metric: Metric, first: Line, second: Line) -> float:
    if metric.name == "kolmogorov_smirnov":
        return min(1.0, _KOLMOGOROV * math.sqrt(1 / first.size + 1 / second.size))
    absolute, squared = distances.expected_gaps(first, second)
    if metric.name == "wasserstein":
        return absolute / scale(first)
    return math.sqrt(2 * squared / scale(first))


def _of_counts(metric: Metric, both: Pair) -> Callable[[Floats, Floats], Floats]:
    """Return the distances of many drawn pairs at once: of counts of shape (draws, cells)."""
    x = both.x
    if x is None:
        return lambda a, b: np.array([metric.of_cells(*each) for each in zip(a, b, strict=True)])
    if metric.of_lines is None:
        return lambda a, b: np.array(
            [
                metric.of_cells(*deciles(Line(x, x, one), Line(x, x, other)))
                for one, other in zip(a, b, strict=True)
            ]
        )
    with np.errstate(over="ignore"):  # between numbers of 1e308 is infinity
        step, unit = np.diff(x), scale(Line(x, x, both.a))

    def between(a: Floats, b: Floats) -> Floats:
        shares = [np.cumsum(side, axis=1) / side.sum(axis=1, keepdims=True) for side in (a, b)]
        gap = np.abs(shares[0] - shares[1])
        if metric.name == "kolmogorov_smirnov":
            return np.asarray(gap.max(axis=1))
        if metric.name == "wasserstein":
            return np.asarray((gap[:, :-1] * step).sum(axis=1) / unit)
        return np.asarray(np.sqrt(2 * (gap[:, :-1] ** 2 * step).sum(axis=1) / unit))

    return between


def _draw(generator: np.random.Generator, size: Floats, shares: Floats, draws: int) -> Floats:
    count = max(1, round(float(size.sum())))
    return generator.multinomial(count, shares / shares.sum(), size=draws).astype(float)


def smallest_step(n: float, m: float, q: float) -> float:
    """Return the smallest D of Kolmogorov-Smirnov that is no chance between n and m values.

    ``sqrt(-ln(q / 2) / 2) sqrt(1 / n + 1 / m)``, from the first term of the limit.
    """
    return min(1.0, math.sqrt(-math.log(q / 2) / 2) * math.sqrt(1 / n + 1 / m))


def smallest_w(freedom: int, size: float, q: float) -> float | None:
    """Return the smallest w of Cohen that is no chance among ``size`` values; None: no test.

    ``sqrt(chi^2 / size)``, where chi^2 has the chance q to be exceeded.
    """
    from scipy.special import chdtri

    return math.sqrt(float(chdtri(freedom, q)) / size) if freedom else None


def adjusted(p: Sequence[float]) -> list[float]:
    """Return p-values for many questions at once, by Benjamini and Hochberg.

    An alarm where the result is at most q lets at most the share q of all alarms be false [1];
    where nothing has changed at all, at most the share q of all reports has an alarm.

    References
    ----------
    .. [1] Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", Journal of the
       Royal Statistical Society B 57 (1995), 289-300.
    """
    if not p:
        return []
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    ranked = values[order] * len(values) / np.arange(1, len(values) + 1)
    result = np.empty(len(values))
    result[order] = np.minimum.accumulate(ranked[::-1])[::-1].clip(max=1.0)
    return [float(one) for one in result]
