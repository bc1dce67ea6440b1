"""The formulas of intervals.

Notation
--------
n : int
    Rows.
x : array of float, shape (n,)
    One number a row, such as its loss.
k : int
    Rows that count as a hit, 0 <= k <= n; the share is p = k / n.
z : float
    97.5 % quantile of the normal distribution, 1.95996: all intervals here are 95 % and two-sided.
B : int
    Bootstrap replicates.
w : array of int, shape (B, n)
    How often a replicate holds a row.

An interval is a pair ``(low, high)`` of floats, both NaN where there is none.

References
----------
.. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
   Journal of the American Statistical Association 22 (1927), 209-212.
.. [2] B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.
.. [3] N. Chamandy, O. Muralidharan, A. Najmi and S. Naidu, "Estimating uncertainty for massive
   data streams", Google technical report (2012): the Poisson bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

Z = 1.959963984540054
NONE: Interval = (math.nan, math.nan)
_CHUNK = 4_000_000  # weights held at a time: 32 MB


def wilson(k: float, n: float) -> Interval:
    """Return the Wilson score interval of a share [1]_; (NaN, NaN) where n is 0.

    Unlike p ± z √(p (1 - p) / n) it stays within 0 and 1, and does not shrink to a point at
    k = 0 and k = n. O(1).
    """
    if n <= 0:
        return NONE
    p, z2 = k / n, Z * Z
    # Eq. 4 of [1], solved for the unknown share.
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # Exact at the ends, where the subtraction leaves 1e-17 or so.
    return (0.0 if k == 0 else max(0.0, middle - half), 1.0 if k == n else min(1.0, middle + half))


def mean(x: Floats) -> Interval:
    """Return the normal interval of a mean, x̄ ± z s / √n with s² the unbiased variance. O(n).

    (NaN, NaN) for fewer than two rows: one row says nothing of how much rows vary.
    """
    n = len(x)
    if n < 2:
        return NONE
    half = Z * float(np.std(x, ddof=1)) / math.sqrt(n)
    middle = float(np.mean(x))
    return middle - half, middle + half


def bootstrap(
    terms: Floats,
    *statistics: Callable[[Floats], Floats],
    seed: int,
    replicates: int = 1000,
) -> list[Interval]:
    """Return percentile intervals [2]_ of functions of weighted sums, by Poisson weights [3]_.

    Parameters
    ----------
    terms : array of float, shape (n, q)
        What is summed over rows: replicate b has the sums ``w[b] @ terms``.
    *statistics : callable
        Each takes sums of shape (B, q) and returns the statistic of each replicate, shape (B,);
        what is not finite (a replicate without variation, say) is left out of the percentiles.
    seed : int
        Of the weights; not negative.
    replicates : int, default 1000
        B.

    Returns
    -------
    list of (float, float)
        One interval a statistic, from the same replicates; (NaN, NaN) for fewer than two rows, or
        when over half of the replicates are not finite.

    Notes
    -----
    A row's weight is Poisson(1) and independent of the others', so weights are drawn for a few
    replicates at a time, and memory does not grow with B. O(B n q).
    """
    n = len(terms)
    if n < 2:
        return [NONE for _ in statistics]
    table = poisson_table()
    random = np.random.default_rng(seed)
    step = max(1, _CHUNK // n)
    sums = np.empty((replicates, terms.shape[1]))
    for start in range(0, replicates, step):
        stop = min(start + step, replicates)
        draws = random.integers(0, len(table), size=(stop - start, n), dtype=np.uint16)
        sums[start:stop] = table[draws] @ terms
    with np.errstate(divide="ignore", invalid="ignore"):
        return [_percentiles(statistic(sums)) for statistic in statistics]


def _percentiles(values: Floats) -> Interval:
    finite = values[np.isfinite(values)]
    if 2 * len(finite) < len(values):
        return NONE
    low, high = np.quantile(finite, (0.025, 0.975))
    return float(low), float(high)


def poisson_table() -> Floats:
    """Return the Poisson(1) quantiles of 65,536 evenly spaced probabilities, shape (65536,).

    A 16-bit integer drawn evenly picks a weight from it: five times as fast as drawing from the
    distribution, and mean and variance are 1 to four decimals.
    """
    size = 1 << 16
    probabilities: npt.NDArray[Any] = np.cumsum(
        [math.exp(-1) / math.factorial(i) for i in range(16)]
    )
    return np.searchsorted(probabilities, (np.arange(size) + 0.5) / size).astype(np.float64)
