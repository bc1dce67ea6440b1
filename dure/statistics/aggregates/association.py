r"""How far two columns of categories go together, from the table of their counts.

====== ==================================================================================
symbol meaning
====== ==================================================================================
n_ij   rows with category i of the one and j of the other column, shape (r, c)
a_i    sum over j of n_ij; b_j the sum over i; n the sum of all
H      entropy, :math:`-\sum_i a_i / n \log(a_i / n)`, in nats inside this module
MI     mutual information, :math:`\sum_{ij} n_{ij} / n \log(n n_{ij} / (a_i b_j))`
E[MI]  its expectation over all tables with the same a and b (Vinh, Epps and Bailey,
       "Information theoretic measures for clusterings comparison", JMLR 11, 2010, equation 24a)
V      Cramér's V with the bias taken out (Bergsma, "A bias-correction for Cramér's V and
       Tschuprow's T", Journal of the Korean Statistical Society 42, 2013, section 2)
====== ==================================================================================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

Table = NDArray[np.int64]
Codes = NDArray[np.int64]

OTHERS = "other"
_WIDE = 12.0
_BLOCK = 1 << 21


def contingency(first: Codes, second: Codes) -> Table:
    """Return n_ij of two arrays of codes from 0, without rows and columns of zeros."""
    wide = int(second.max()) + 1 if len(second) else 1
    flat = np.bincount(first * wide + second, minlength=wide)
    rows = -(-len(flat) // wide)
    table = np.zeros(rows * wide, np.int64)
    table[: len(flat)] = flat
    square = table.reshape(rows, wide)
    return square[square.any(axis=1)][:, square.any(axis=0)]


def cramers_v(table: Table) -> float | None:
    """Return V of Bergsma, from 0 to 1; None for a column with one category.

    >>> cramers_v(np.array([[50, 0], [0, 50]]))
    1.0
    """
    n = int(table.sum())
    rows, columns = table.shape
    if n < 2 or min(table.shape) < 2:
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = float(np.sum((table - expected) ** 2 / expected)) / n
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    smaller = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return min(1.0, float(np.sqrt(phi / smaller))) if smaller > 0 else None


def entropy(counts: Table) -> float:
    """Return H of counts in nats."""
    share = counts / counts.sum()
    return float(-np.sum(xlogy(share, share)))


def mutual_information(table: Table) -> float:
    """Return MI in nats, at least 0."""
    joint = table / table.sum()
    apart = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    some = joint > 0
    return max(0.0, float(np.sum(joint[some] * np.log(joint[some] / apart[some]))))


def expected_information(table: Table) -> float:
    """Return E[MI] in nats.

    The sum over the numbers that n_ij could be is cut at 12 standard deviations of their
    hypergeometric distribution, beyond which less than 1e-20 of it lies. O(r c sqrt(n)) at most.
    """
    a, b, n = table.sum(axis=1), table.sum(axis=0), int(table.sum())
    # Equal sums give equal terms: a table of many categories has few distinct ones.
    a, many_a = np.unique(a, return_counts=True)
    b, many_b = np.unique(b, return_counts=True)
    first, second = np.repeat(a, len(b)), np.tile(b, len(a))
    times = np.outer(many_a, many_b).ravel()
    mean = first / n * second
    spread = np.sqrt(np.maximum(mean * (1 - first / n) * (1 - second / n), 0)) * _WIDE + 20
    low = np.maximum(np.maximum(1, first + second - n), np.floor(mean - spread)).astype(np.int64)
    high = np.minimum(np.minimum(first, second), np.ceil(mean + spread)).astype(np.int64)
    total, at = 0.0, 0
    sizes = np.maximum(high - low + 1, 0)
    while at < len(sizes):
        # Blocks of bounded memory.
        end = at + max(1, int(np.searchsorted(np.cumsum(sizes[at:]), _BLOCK)))
        part = slice(at, end)
        terms = _terms(first[part], second[part], low[part], sizes[part], n)
        total += float(np.sum(np.repeat(times[part], sizes[part]) * terms))
        at = end
    return total


def _terms(first: Table, second: Table, low: Table, sizes: Table, n: int) -> NDArray[np.float64]:
    a, b = np.repeat(first, sizes), np.repeat(second, sizes)
    starts = np.cumsum(sizes) - sizes
    k = np.arange(int(sizes.sum())) - np.repeat(starts, sizes) + np.repeat(low, sizes)
    log_probability = (
        *(gammaln(a + 1), gammaln(b + 1), gammaln(n - a + 1), gammaln(n - b + 1)),
        *(-gammaln(n + 1), -gammaln(k + 1), -gammaln(a - k + 1), -gammaln(b - k + 1)),
        -gammaln(n - a - b + k + 1),
    )
    return np.asarray(k / n * np.log(n * k / (a * b)) * np.exp(sum(log_probability)), np.float64)


def adjusted_share(table: Table, *, by: str = "min") -> float | None:
    """Return MI as a share of an entropy, adjusted for chance: (MI - E[MI]) / (H - E[MI]).

    Parameters
    ----------
    table : ndarray of int64, shape (r, c)
    by : str
        Which entropy: ``"min"``, the smaller of the two, or ``"mean"``, as scikit-learn's
        `adjusted_mutual_info_score` has it by default.

    Returns
    -------
    float or None
        0 for columns that have nothing to do with each other, 1 where one follows from the
        other; may be slightly below 0. None: a column has one category, or chance alone explains
        everything (each row is a category of its own).
    """
    if min(table.shape) < 2:
        return None
    one, two = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    whole = min(one, two) if by == "min" else (one + two) / 2
    chance = expected_information(table)
    if whole - chance <= 1e-9 * whole:
        return None
    return min(1.0, (mutual_information(table) - chance) / (whole - chance))
