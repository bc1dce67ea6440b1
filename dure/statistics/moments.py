"""Shape, quantiles and histograms of numbers in a table: distinct values that rise, and counts.

Everything is taken over values in order by NumPy and not by a query engine, so that equal data
gives equal bytes. Counts may be weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dure.statistics.tables import Floats, Ints

Counts = NDArray[np.int64] | NDArray[np.float64]
_WIDE = float(np.finfo(np.float64).max) / 4


def shape_of(values: Floats, counts: Counts, mean: float) -> tuple[float | None, float | None]:
    r"""Return skewness and excess kurtosis.

    :math:`g_1 = m_3 / m_2^{3/2}` and :math:`g_2 = m_4 / m_2^2 - 3` with the central moments
    :math:`m_k = \\overline{(x - \\bar x)^k}`, as `scipy.stats.skew` and `kurtosis` have them.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite and rising, at least one.
    counts : ndarray, shape (n,)
        How often each is there.
    mean : float
        Of all.

    Returns
    -------
    tuple of (float or None, float or None)
        None where all values are equal.
    """
    if values[0] == values[-1]:
        return None, None
    scaled, power = in_range(values)
    apart = scaled - np.ldexp(mean, -power)
    largest = np.abs(apart).max()
    if not largest:
        return None, None
    apart /= largest
    squares = np.square(apart)
    total = counts.sum()
    second = (counts * squares).sum() / total
    third = (counts * squares * apart).sum() / total
    fourth = (counts * np.square(squares)).sum() / total
    return float(third / second**1.5), float(fourth / second**2 - 3)


def mean_and_std(values: Floats, weights: Floats) -> tuple[float, float]:
    """Return the weighted mean and the weighted population standard deviation.

    Values are first divided by the power of two above the largest, which rounds nothing, so that
    neither sums nor squares leave the range of floats; the rounding of the mean is taken out again
    (Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", eq. 1.7).

    Parameters
    ----------
    values, weights : ndarray of float64, shape (n,)
        Finite and rising; not negative, with a sum above 0.
    """
    scaled, power = in_range(values)
    share = weights / weights.sum()
    mean = float((share * scaled).sum())
    apart = scaled - mean
    variance = max(0.0, float((share * apart * apart).sum() - (share * apart).sum() ** 2))
    return float(np.ldexp(mean, power)), float(np.ldexp(np.sqrt(variance), power))


def in_range(values: Floats) -> tuple[Floats, int]:
    """Return ``values`` divided by the power of two above the largest magnitude, and the power."""
    largest = max(abs(float(values[0])), abs(float(values[-1])))
    power = int(np.frexp(largest)[1])
    return np.ldexp(values, -power), power


def quantiles(values: Floats, counts: Ints, at: tuple[float, ...]) -> tuple[float, ...]:
    """Return quantiles, linear between neighbours as in `numpy.quantile`.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite and rising, at least one.
    counts : ndarray of int64, shape (n,)
        How often each is there.
    at : tuple of float
        Fractions between 0 and 1.
    """
    through = np.cumsum(counts)
    last = int(through[-1]) - 1
    places = np.asarray(at) * last
    below = np.floor(places)
    share = places - below
    low, high = (
        values[np.searchsorted(through, np.minimum(below + more, last), side="right")]
        for more in (0, 1)
    )
    # The difference of two floats need not be one; that of their quarters is.
    wide = values[-1] / 4 - values[0] / 4 > _WIDE
    return tuple(
        (_between(low / 4, high / 4, share) * 4 if wide else _between(low, high, share)).tolist()
    )


def weighted_quantiles(values: Floats, weights: Floats, at: tuple[float, ...]) -> tuple[float, ...]:
    """Return, for each fraction, the smallest value up to which that share of the weight lies."""
    through = np.cumsum(weights)
    places = np.searchsorted(through, np.asarray(at) * through[-1], side="left")
    some = np.flatnonzero(weights)
    return tuple(values[np.clip(places, some[0], some[-1])].tolist())


def deviation(values: Floats, counts: Ints, median: float) -> float:
    """Return the median of the distances from ``median``."""
    scaled, power = in_range(values)
    # Halves, since a distance can be twice the largest value.
    apart = np.abs(scaled / 2 - np.ldexp(median, -power - 1))
    order = np.argsort(apart, kind="stable")
    (middle,) = quantiles(apart[order], counts[order], (0.5,))
    found = float(np.ldexp(middle, power + 1))
    return found if np.isfinite(found) else float(np.finfo(np.float64).max)


def equal_edges(low: float, high: float, bins: int) -> Floats:
    """Return the edges of ``bins`` bins of equal width from ``low`` to ``high``."""
    # In quarters, since the range of finite numbers need not be finite.
    edges = np.linspace(low / 4, high / 4, bins + 1) * 4
    edges = np.maximum.accumulate(np.clip(edges, low, high))
    edges[0], edges[-1] = low, high
    return edges


def counts_between(values: Floats, counts: Counts, edges: Floats) -> NDArray[np.float64] | Ints:
    """Return what each bin holds, the last one with its right edge, as in `numpy.histogram`."""
    cuts = np.searchsorted(values, edges[1:-1], side="left")
    through = np.concatenate([np.zeros(1, counts.dtype), np.cumsum(counts)])
    found: Ints = np.diff(through[np.concatenate([[0], cuts, [len(values)]])])
    return found


def _between(low: Floats, high: Floats, share: Floats) -> Floats:
    # As NumPy rounds it: from the nearer end.
    apart = high - low
    return np.where(share < 0.5, low + apart * share, high - apart * (1 - share))
