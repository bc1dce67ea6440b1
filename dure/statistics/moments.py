"""Moments, quantiles and histogram counts of finite numbers in ascending order.

Sums are taken over sorted values, by NumPy and not by a query engine: an engine may drop a sort
whose result "does not depend on order", and then the last bits depend on how rows lay in files.
So equal data gives equal bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def mean_and_std(values: Numbers) -> tuple[float, float]:
    r"""Return the mean and the population standard deviation.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite, at least one.

    Returns
    -------
    mean, std : float
        Finite, since the mean lies between the extremes and no deviation exceeds the largest
        magnitude; ``std`` divides by n.

    Notes
    -----
    Values are first divided by the power of two above the largest, which rounds nothing, so that
    neither sums nor squares leave the range of floats. Then two passes with the rounding of the
    mean taken out again (Chan, Golub and LeVeque 1983, "Algorithms for computing the sample
    variance", eq. 1.7): :math:`s^2 = \overline{d^2} - \bar d^2`, :math:`d = x - \bar x`. A
    single pass, as Polars makes it, lost seven digits on values around 1e9.
    """
    _, power = np.frexp(np.abs(values).max())
    scaled = np.ldexp(values, -power)
    mean = scaled.mean()
    apart = scaled - mean
    variance = max(0.0, np.square(apart).mean() - apart.mean() ** 2)
    return float(np.ldexp(mean, power)), float(np.ldexp(np.sqrt(variance), power))


def quantiles(values: Numbers, at: tuple[float, ...]) -> tuple[float, ...]:
    """Return quantiles, linear between neighbours as in `numpy.quantile`.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite, at least one.
    at : tuple of float
        Fractions between 0 and 1.
    """
    # The difference of two floats need not be one; that of their quarters is.
    wide = values.max() / 4 - values.min() / 4 > np.finfo(np.float64).max / 4
    found = np.quantile(values / 4, at) * 4 if wide else np.quantile(values, at)
    return tuple(found.tolist())
