"""The formulas of ranking: the area under the ROC curve, and how sure it is.

Notation
--------
m, n : int
    Positive and negative rows.
X_i, Y_j : float
    Scores of the positive row i and of the negative row j.
ψ(x, y) : float
    1 where x > y, 1/2 where x = y, 0 where x < y.
θ : float
    The area, the mean of ψ(X_i, Y_j) over all pairs: the probability that a positive row scores
    higher than a negative one, ties counted half (Bamber 1975; the Mann-Whitney statistic).
V10_i, V01_j : float
    Structural components [1, eqs. 4 and 5]: the mean of ψ(X_i, Y_j) over j, and over i.
K : int
    Classes that occur in the labels.

References
----------
.. [1] E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more
   correlated receiver operating characteristic curves: a nonparametric approach", Biometrics 44
   (1988), 837-845.
.. [2] X. Sun and W. Xu, "Fast implementation of DeLong's algorithm for comparing the areas under
   correlated receiver operating characteristic curves", IEEE Signal Processing Letters 21 (2014),
   1389-1393.
.. [3] D. J. Hand and R. J. Till, "A simple generalisation of the area under the ROC curve for
   multiple class classification problems", Machine Learning 45 (2001), 171-186.
.. [4] T. Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27 (2006),
   861-874, section 9.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dure.evaluate.intervals import NONE, Floats, Interval, Z, wilson

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Area:
    """An area under the curve: value, interval, how the interval was made, what was left out."""

    value: float
    interval: Interval
    method: str
    left_out: tuple[int, ...] = ()


def components(scores: Floats, positive: Bools) -> Floats:
    """Return V10 of each positive and V01 of each negative row, in row order. O((m + n) log(m + n)).

    Parameters
    ----------
    scores : array of float, shape (m + n,)
        Finite.
    positive : array of bool, shape (m + n,)
        At least one of each.
    """
    x, y = np.sort(scores[positive]), np.sort(scores[~positive])
    result = np.empty(len(scores))
    # Counting what is below and what is not above gives twice the mid-ranks of [2] without ranks.
    result[positive] = _twice_below(scores[positive], y) / (2 * len(y))
    result[~positive] = 1 - _twice_below(scores[~positive], x) / (2 * len(x))
    return result


def _twice_below(values: Floats, others: Floats) -> npt.NDArray[np.int64]:
    below = np.searchsorted(others, values, side="left")
    not_above = np.searchsorted(others, values, side="right")
    return (below + not_above).astype(np.int64)


def auc(scores: Floats, positive: Bools) -> Area:
    """Return θ with DeLong's interval [1]_; θ is NaN where there are no positives or no negatives.

    The variance is S10 / m + S01 / n [1, eq. 7], with S10 and S01 the unbiased variances of V10
    and V01, and the interval θ ± z √variance, cut to 0 and 1.

    Where m or n is 1 there is no such variance, and where θ is 0 or 1 it is 0, which would claim
    certainty for two rows. There the interval is Wilson's for min(m, n) trials ("pairs"): so many
    pairs can be formed in which no row occurs twice, they are independent, and θ is the share of
    them that are in order. It is wider than need be, and holds for any m and n.
    """
    m = int(np.count_nonzero(positive))
    n = len(positive) - m
    if not m or not n:
        return Area(math.nan, NONE, "DeLong")
    v = components(scores, positive)
    theta = float(np.mean(v[positive]))
    if min(m, n) < 2 or theta in (0.0, 1.0):
        pairs = min(m, n)
        return Area(theta, wilson(theta * pairs, pairs), "pairs")
    variance = float(np.var(v[positive], ddof=1)) / m + float(np.var(v[~positive], ddof=1)) / n
    return Area(theta, _cut(theta, variance), "DeLong")


def macro_auc(scores: Floats, labels: npt.NDArray[np.int64]) -> Area:
    """Return the mean over classes of the area of one class against the rest.

    Parameters
    ----------
    scores : array of float, shape (rows, classes)
        One score a class.
    labels : array of int, shape (rows,)
        Class ids.

    Returns
    -------
    Area
        ``left_out`` are the classes that no label has (or that all have): their area is not
        defined, and the mean is over the others. NaN where none is left.

    Notes
    -----
    One class against the rest keeps the meaning of the binary area, and depends on how frequent
    the classes are; Hand and Till's M [3]_, the mean over pairs of classes, does not [4]_.

    The K areas share their rows. Each row's part in all of them, summed before it is squared,
    carries the covariances of [1, eq. 6]: with u_ic = (V_ic - θ_c) / √(m_c (m_c - 1)) for a row of
    class c, and with n_c instead of m_c for the others, the variance is Σ_i (Σ_c u_ic)² / K². For
    one class it is DeLong's. A class whose own interval is made from pairs (see `auc`) adds that
    interval's arms instead, as if it moved with all others: wider than need be, never narrower.
    O(K N log N) for N rows.
    """
    count = scores.shape[1]
    present = np.bincount(labels, minlength=count)
    kept = [c for c in range(count) if 0 < present[c] < len(labels)]
    left_out = tuple(c for c in range(count) if not 0 < present[c] < len(labels))
    if not kept:
        return Area(math.nan, NONE, "DeLong", left_out)
    total, down, up = 0.0, 0.0, 0.0
    parts = np.zeros(len(labels))
    method = "pairs"
    for c in kept:
        positive = labels == c
        area = auc(scores[:, c], positive)
        total += area.value
        if area.method == "pairs":
            down += area.value - area.interval[0]
            up += area.interval[1] - area.value
        else:
            method = "DeLong"
            parts += _parts(scores[:, c], positive, area.value)
    theta = total / len(kept)
    half = Z * math.sqrt(float(np.sum(parts * parts)))
    low, high = theta - (half + down) / len(kept), theta + (half + up) / len(kept)
    return Area(theta, (max(0.0, low), min(1.0, high)), method, left_out)


def _parts(scores: Floats, positive: Bools, theta: float) -> Floats:
    m = float(np.count_nonzero(positive))
    n = len(positive) - m
    scale = np.where(positive, m * (m - 1), n * (n - 1))
    return (components(scores, positive) - theta) / np.sqrt(scale)


def _cut(theta: float, variance: float) -> Interval:
    half = Z * math.sqrt(variance)
    return max(0.0, theta - half), min(1.0, theta + half)
