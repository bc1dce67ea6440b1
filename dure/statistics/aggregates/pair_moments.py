r"""Means, squares and products of pairs of number columns, over the rows where both are finite.

====== ==========================================================================
symbol meaning
====== ==========================================================================
n      rows where both columns have a finite value
x, y   means of the first and the second column over those rows
X, Y   sums of squared distances from these means
C      sum of products of the distances, :math:`\sum (x_i - x)(y_i - y)`
====== ==========================================================================

Two sets of rows are put together by the formulas of Chan, Golub and LeVeque ("Updating formulae
and a pairwise algorithm for computing sample variances", 1979). Sums are taken by NumPy and not by
BLAS, whose order of summation depends on the number of threads.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import unnamed

Numbers = NDArray[np.float64]

N, X_MEAN, Y_MEAN, X_SQUARES, Y_SQUARES, PRODUCTS = range(6)


def pair_moments(frame: pl.DataFrame) -> Numbers:
    """Return n, x, y, X, Y and C of each pair of columns.

    Parameters
    ----------
    frame : polars.DataFrame
        Number columns; null, NaN and the infinities are left out.

    Returns
    -------
    ndarray of float64, shape (pairs, 6)
        In the order of ``itertools.combinations`` of the columns.
    """
    columns = [unnamed(column).cast(pl.Float64).fill_null(np.nan).to_numpy() for column in frame]
    finite = [np.isfinite(column) for column in columns]
    # A constant taken away from all values changes none of the distances; it saves digits.
    centres = [
        float(column[some][: 1 << 10].mean()) if some.any() else 0.0
        for column, some in zip(columns, finite, strict=True)
    ]
    whole = [bool(some.all()) for some in finite]
    found = np.zeros((len(columns) * (len(columns) - 1) // 2, 6))
    shifted = [one - centre for one, centre in zip(columns, centres, strict=True)]
    alone = [
        _alone(one) if all_there else None for one, all_there in zip(shifted, whole, strict=True)
    ]
    for row, (i, j) in enumerate(combinations(range(len(columns)), 2)):
        x, y = shifted[i], shifted[j]
        one, two = alone[i], alone[j]
        if one is None or two is None:
            both = finite[i] & finite[j]
            x, y = x[both], y[both]
            one, two = _alone(x), _alone(y)
        if not len(x):
            continue
        products = float(np.sum((x - one[0]) * (y - two[0])))
        found[row] = [len(x), one[0] + centres[i], two[0] + centres[j], one[1], two[1], products]
    return found


def _alone(values: Numbers) -> tuple[float, float]:
    """Return the mean and the sum of squared distances from it."""
    if not len(values):
        return 0.0, 0.0
    mean = float(values.mean())
    return mean, float(np.sum((values - mean) ** 2))


def merge_moments(first: Numbers, second: Numbers) -> Numbers:
    """Return the moments of the rows of both, each of shape (pairs, 6)."""
    n = first[:, N] + second[:, N]
    safe = np.maximum(n, 1)
    weight = second[:, N] / safe
    cross = first[:, N] * weight
    dx = np.where(first[:, N] > 0, second[:, X_MEAN] - first[:, X_MEAN], 0)
    dy = np.where(first[:, N] > 0, second[:, Y_MEAN] - first[:, Y_MEAN], 0)
    dx, dy = np.where(second[:, N] > 0, dx, 0), np.where(second[:, N] > 0, dy, 0)
    none = first[:, N] == 0
    return np.stack(
        [
            n,
            np.where(none, second[:, X_MEAN], first[:, X_MEAN] + dx * weight),
            np.where(none, second[:, Y_MEAN], first[:, Y_MEAN] + dy * weight),
            first[:, X_SQUARES] + second[:, X_SQUARES] + dx * dx * cross,
            first[:, Y_SQUARES] + second[:, Y_SQUARES] + dy * dy * cross,
            first[:, PRODUCTS] + second[:, PRODUCTS] + dx * dy * cross,
        ],
        axis=1,
    )


def covariance(moments: Numbers) -> float | None:
    """Return C / n; None without rows."""
    return float(moments[PRODUCTS] / moments[N]) if moments[N] else None


def pearson(moments: Numbers) -> float | None:
    """Return the correlation; None where one of the columns is constant over the common rows."""
    spread = float(np.sqrt(moments[X_SQUARES]) * np.sqrt(moments[Y_SQUARES]))
    if not spread > 0 or not np.isfinite(spread):
        return None
    return max(-1.0, min(1.0, float(moments[PRODUCTS]) / spread))
