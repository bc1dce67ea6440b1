"""How far two distributions are apart: formulas, and nothing that decides.

Notation
--------
a, b : ndarray of float64, shape (cells,)
    Counts of the same cells (values, or bins) in the first and in the second data; not negative.
n, m : float
    Their sums: how many values there are on each side.
p, q : ndarray
    Their shares, ``a / n`` and ``b / m``.
x : ndarray, shape (points,)
    Increasing finite numbers.
F, G : functions
    Distribution functions of the two sides: the share of values up to a number.
d : ndarray
    ``F - G``.

Every function is symmetric in the two sides unless it says otherwise, is 0 for equal
distributions, and takes O(cells) or O(points) time after its arguments are aligned or sorted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from dure.errors import DataError

Floats = NDArray[np.float64]
_EXACT = 500
_RARE = 5.0  # W. G. Cochran, "Some methods for strengthening the common chi-square tests", 1954


# --- cells that have a name or a place ----------------------------------------------------------


def align(
    first: Mapping[str, float], second: Mapping[str, float]
) -> tuple[list[str], Floats, Floats]:
    """Return all values of both sides in order, and the counts of each side."""
    names = sorted(first.keys() | second.keys())
    return (
        names,
        np.array([first.get(name, 0.0) for name in names], dtype=float),
        np.array([second.get(name, 0.0) for name in names], dtype=float),
    )


def l_infinity(a: Floats, b: Floats) -> float:
    """Return the largest difference of a share, ``max |p - q|``, from 0 to 1.

    TFDV's ``infinity_norm``. An empty side has the share 0 of everything.
    """
    return _largest(_shares(a) - _shares(b))


def normalised_difference(a: Floats, b: Floats) -> float:
    """Return ``max |a - b| / (n + m)``, from 0 to 1.

    TFDV's ``normalized_abs_difference``: over counts, so that twice as many rows of the same
    distribution differ.
    """
    total = float(a.sum() + b.sum())
    return _largest(a - b) / total if total else 0.0


def jensen_shannon(a: Floats, b: Floats) -> float:
    """Return the Jensen-Shannon divergence to base 2, from 0 to 1.

    ``(KL(p | m) + KL(q | m)) / 2`` with ``m = (p + q) / 2`` [1, eq. 4.1]; its square root is a
    metric. TFDV's ``jensen_shannon_divergence`` is this over cells that `rebucket` aligned.

    Raises
    ------
    DataError
        When one side has no values.

    References
    ----------
    .. [1] J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on
       Information Theory 37 (1991), 145-151.
    """
    p, q = _nonempty(a), _nonempty(b)
    middle = (p + q) / 2
    return float(min(max((_kl(p, middle) + _kl(q, middle)) / 2, 0.0), 1.0))


def hellinger(a: Floats, b: Floats) -> float:
    """Return the Hellinger distance ``sqrt(1 - sum sqrt(p q))``, from 0 to 1.

    E. Hellinger, Journal für die reine und angewandte Mathematik 136 (1909), 210-271.

    Raises
    ------
    DataError
        When one side has no values.
    """
    return math.sqrt(max(0.0, 1.0 - float(np.sqrt(_nonempty(a) * _nonempty(b)).sum())))


def psi(a: Floats, b: Floats) -> float:
    """Return the population stability index ``sum (p - q) ln(p / q)``, from 0 without an end.

    It is the symmetric divergence J of [1]. A cell that is empty on one side would make it
    infinite, so half a value is added to every cell of both sides (the prior of Jeffreys).

    Raises
    ------
    DataError
        When one side has no values.

    References
    ----------
    .. [1] H. Jeffreys, "An invariant form for the prior probability in estimation problems",
       Proceedings of the Royal Society A 186 (1946), 453-461.
    """
    _nonempty(a), _nonempty(b)
    used = (a + b) > 0
    p, q = _shares(a[used] + 0.5), _shares(b[used] + 0.5)
    return float(((p - q) * np.log(p / q)).sum())


class Test(NamedTuple):
    """A statistic and how likely one as large is where both sides have one distribution."""

    statistic: float
    p: float
    freedom: int = 0


def chi_square(a: Floats, b: Floats) -> Test:
    """Return Pearson's test of homogeneity over the cells of two samples.

    ``sum (o - e)^2 / e`` over both rows of the table [1], with the chi-square distribution. Cells
    whose expected count is below 5 on either side are put together into one: a test that is wrong
    for rare values would find drift in every column of names.

    Returns
    -------
    Test
        Statistic, p-value, degrees of freedom; ``p`` is 1 where fewer than two cells are left.

    References
    ----------
    .. [1] K. Pearson, Philosophical Magazine 50 (1900), 157-175.
    """
    a, b = pool(a, b)
    n, m = float(a.sum()), float(b.sum())
    if len(a) < 2 or not n or not m:
        return Test(0.0, 1.0)
    from scipy.special import chdtrc

    # With e = (a + b) n / (n + m), both rows of the table add up to this.
    statistic = float(((a * math.sqrt(m / n) - b * math.sqrt(n / m)) ** 2 / (a + b)).sum())
    return Test(statistic, float(chdtrc(len(a) - 1, statistic)), len(a) - 1)


def pool(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the cells with those put together, as the last one, that are rare on either side.

    A cell is rare where the smaller side expects fewer than 5 values in it. If all of them
    together are still rare, they join the smallest other cell.
    """
    total = a + b
    n, m = float(a.sum()), float(b.sum())
    if not n or not m:
        return a, b
    expected = total * (min(n, m) / (n + m))
    rare = expected < _RARE
    kept_a, kept_b = a[~rare], b[~rare]
    rest_a, rest_b = float(a[rare].sum()), float(b[rare].sum())
    if not rest_a + rest_b:
        return kept_a, kept_b
    if (rest_a + rest_b) * min(n, m) / (n + m) < _RARE and len(kept_a):
        smallest = int(np.argmin(kept_a + kept_b))
        kept_a[smallest] += rest_a
        kept_b[smallest] += rest_b
        return kept_a, kept_b
    return np.append(kept_a, rest_a), np.append(kept_b, rest_b)


# --- numbers on a line --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Line:
    """The distribution of finite numbers: points of mass, or bins filled evenly.

    Parameters
    ----------
    low, high : ndarray of float64, shape (cells,)
        Ends of each cell, ``low <= high``, in increasing order; equal for a single value.
    counts : ndarray of float64, shape (cells,)
        How many values each holds.
    """

    low: Floats
    high: Floats
    counts: Floats
    gaps: WeakKeyDictionary[Line, Gap] = field(default_factory=WeakKeyDictionary, repr=False)

    @property
    def points(self) -> bool:
        """Whether every cell is a single value."""
        return self.low is self.high or bool((self.low == self.high).all())

    @classmethod
    def of_values(cls, values: Floats, counts: Floats) -> Line:
        """Return the exact distribution of distinct values, in any order."""
        order = np.argsort(values, kind="stable")
        at = values[order].astype(float)
        return cls(at, at, counts[order].astype(float))

    @classmethod
    def of_bins(cls, edges: Floats, counts: Floats) -> Line:
        """Return a distribution whose values lie evenly between the edges of each bin."""
        return cls(
            np.asarray(edges[:-1], float), np.asarray(edges[1:], float), np.asarray(counts, float)
        )

    @property
    def size(self) -> float:
        """How many values there are."""
        return float(self.counts.sum())

    @property
    def std(self) -> float:
        """Standard deviation; evenly filled cells of width w add w^2 / 12 to their share of it."""
        if not self.size:
            return 0.0
        share = self.counts / self.size
        # Scaled, since the square of a large number is infinite.
        scale = float(max(np.abs(self.low).max(), np.abs(self.high).max())) or 1.0
        middle, width = (self.low / scale + self.high / scale) / 2, (self.high - self.low) / scale
        mean = float((share * middle).sum())
        return scale * math.sqrt(float((share * ((middle - mean) ** 2 + width**2 / 12)).sum()))

    def below(self, x: Floats) -> Floats:
        """Return the share of values that are smaller than each of ``x``."""
        return self._share(x, "left")

    def up_to(self, x: Floats) -> Floats:
        """Return the share of values that are not greater than each of ``x``."""
        return self._share(x, "right")

    def _share(self, x: Floats, side: str) -> Floats:
        points = self.low == self.high
        masses = np.concatenate([[0.0], np.cumsum(self.counts[points])])
        found = masses[np.searchsorted(self.low[points], x, side=side)]  # type: ignore[call-overload] # NumPy wants a literal
        if not points.all():
            low, high, counts = self.low[~points], self.high[~points], self.counts[~points]
            ends = np.append(low, high[-1])
            found = found + np.interp(x, ends, np.concatenate([[0.0], np.cumsum(counts)]))
        return np.asarray(found / self.size, dtype=float)


class Gap(NamedTuple):
    """Two distribution functions at every point where one of them changes its slope or jumps.

    Between neighbouring points both are linear.

    Parameters
    ----------
    x : ndarray, shape (points,)
        Increasing.
    first, second : ndarray, shape (points,)
        F and G at each point.
    first_before, second_before : ndarray, shape (points,)
        F and G just before each point.
    """

    x: Floats
    first: Floats
    second: Floats
    first_before: Floats
    second_before: Floats

    @property
    def right(self) -> Floats:
        """``F - G`` just after each point but the last, shape (points - 1,)."""
        return self.first[:-1] - self.second[:-1]

    @property
    def left(self) -> Floats:
        """``F - G`` just before each point but the first, shape (points - 1,)."""
        return self.first_before[1:] - self.second_before[1:]

    @property
    def largest(self) -> float:
        """``sup |F - G|``."""
        return max(_largest(self.first - self.second), _largest(self.left))


def gap(first: Line, second: Line) -> Gap:
    """Return both distribution functions; they are kept as long as the two lines are.

    Raises
    ------
    DataError
        When one side has no values.
    """
    if not first.size or not second.size:
        raise _empty()
    known: Gap | None = first.gaps.get(second)
    if known is None:
        ends = (first.low, first.high, second.low, second.high)
        known = (
            _points(first, second) if first.points and second.points else _gap(first, second, ends)
        )
        first.gaps[second] = known
    return known


def _gap(first: Line, second: Line, ends: tuple[Floats, ...]) -> Gap:
    x = np.unique(np.concatenate(ends))
    return Gap(x, first.up_to(x), second.up_to(x), first.below(x), second.below(x))


def _points(first: Line, second: Line) -> Gap:
    # Sorted runs: the stable sort merges them, which is linear.
    both = np.sort(np.concatenate([first.low, second.low]), kind="stable")
    x = both[np.concatenate([[True], both[1:] != both[:-1]])]
    sides = []
    for line in (first, second):
        counts = np.zeros(len(x))
        np.add.at(counts, np.searchsorted(x, line.low), line.counts)
        sides.append(np.cumsum(counts) / line.size)
    before = [np.concatenate([[0.0], side[:-1]]) for side in sides]
    return Gap(x, sides[0], sides[1], before[0], before[1])


def kolmogorov_smirnov(first: Line, second: Line) -> Test:
    """Return the largest difference of the two distribution functions, and its p-value.

    ``D = sup |F - G|`` [1]; ``p`` from the distribution of D at ``n m / (n + m)`` values, and from
    all orders of the values where both sides have few. With ties the test is on the safe side.

    References
    ----------
    .. [1] N. V. Smirnov, "Table for estimating the goodness of fit of empirical distributions",
       Annals of Mathematical Statistics 19 (1948), 279-281.
    """
    largest = gap(first, second).largest
    return Test(largest, smirnov_p(largest, first.size, second.size))


def smirnov_p(d: float, n: float, m: float) -> float:
    """Return how likely a largest difference of at least ``d`` is for samples of n and m values.

    Exact by counting orders, O(n m), where both have at most 500 whole values; else by Smirnov's
    limit at ``n m / (n + m)`` values, which is on the safe side.
    """
    if d <= 0:
        return 1.0
    if max(n, m) <= _EXACT and float(n).is_integer() and float(m).is_integer():
        return _smirnov_exact(d, int(n), int(m))
    # Not scipy.stats, which has the distribution for each size and takes half a second to import.
    from scipy.special import kolmogorov

    return float(kolmogorov(d * math.sqrt(n * m / (n + m))))


def _smirnov_exact(d: float, n: int, m: int) -> float:
    # Of all orders of n and m values, count those in which F - G stays smaller than d: paths on a
    # lattice within a band (J. L. Hodges, Arkiv för Matematik 3 (1958), 469-486). C(1000, 500) is
    # 2.7e299, so that the counts of at most 500 values fit a float.
    steps = np.arange(m + 1)
    limit = d - 1e-9  # D is a fraction of n m, whose rounding must not make it smaller than itself
    paths = (steps / m < limit).cumprod().astype(float)
    for i in range(1, n + 1):
        inside = np.abs(i / n - steps / m) < limit
        paths = np.where(inside, np.cumsum(np.where(inside, paths, 0.0)), 0.0)
    total = math.comb(n + m, n)
    return min(1.0, max(0.0, 1.0 - float(paths[-1]) / total))


def wasserstein(first: Line, second: Line) -> float:
    """Return how far values have to move for one distribution to become the other.

    ``integral |F - G| dx`` [1], in the unit of the values: how much a value moves on average.

    References
    ----------
    .. [1] S. S. Vallender, "Calculation of the Wasserstein distance between probability
       distributions on the line", Theory of Probability and its Applications 18 (1974), 784-786.
    """
    between = gap(first, second)
    width, d0, d1 = np.diff(between.x), between.right, between.left
    same_sign = d0 * d1 >= 0
    spread = np.abs(d0) + np.abs(d1)
    # Two triangles where the line crosses zero within the interval.
    crossing = np.where(same_sign, 0.0, (d0**2 + d1**2) / np.where(spread > 0, spread, 1.0))
    return float((width * np.where(same_sign, spread, crossing) / 2).sum())


def energy(first: Line, second: Line) -> float:
    """Return the energy distance ``sqrt(2 integral (F - G)^2 dx)`` [1, eq. 2.5].

    References
    ----------
    .. [1] G. J. Székely and M. L. Rizzo, "Energy statistics: a class of statistics based on
       distances", Journal of Statistical Planning and Inference 143 (2013), 1249-1272.
    """
    between = gap(first, second)
    d0, d1 = between.right, between.left
    return math.sqrt(2.0 * float((np.diff(between.x) * (d0**2 + d0 * d1 + d1**2) / 3).sum()))


def expected_gaps(first: Line, second: Line) -> tuple[float, float]:
    """Return the means of ``integral |F - G| dx`` and of ``integral (F - G)^2 dx`` by chance alone.

    Where both samples have one distribution H, ``F - G`` is close to normal at each point with mean
    0 and variance ``H (1 - H) (1/n + 1/m)``, so that its mean size is ``sqrt(2 / pi)`` times the
    root of that. H is that of both samples together.
    """
    n, m = first.size, second.size
    x, *shares = gap(first, second)
    after = (shares[0] * n + shares[1] * m) / (n + m)
    before = (shares[2] * n + shares[3] * m) / (n + m)
    width, size = np.diff(x), 1 / n + 1 / m
    ends = [(share * (1 - share)).clip(min=0) for share in (after[:-1], before[1:])]
    squares = float((width * (ends[0] + ends[1]) / 2).sum())
    roots = float((width * (np.sqrt(ends[0]) + np.sqrt(ends[1])) / 2).sum())
    return math.sqrt(2 / math.pi * size) * roots, size * squares


# --- TFDV's histograms --------------------------------------------------------------------------


@dataclass(frozen=True)
class Buckets:
    """A histogram as TFDV knows it: buckets, some of which may be points or reach to infinity.

    Parameters
    ----------
    buckets : tuple of (low, high, count)
        In increasing order.
    nan : float
        How many values are NaN.
    """

    buckets: tuple[tuple[float, float, float], ...]
    nan: float = 0.0


def rebucket(first: Buckets, second: Buckets, *, nan_equal: bool = False) -> tuple[Floats, Floats]:
    """Return the counts of two histograms over the same cells.

    As TFDV does before it takes the Jensen-Shannon divergence: buckets are cut at all edges of
    both, each filled evenly; a bucket of no width is a cell of its own; mass with an infinite end,
    and NaN, is different on both sides, even from itself.

    Parameters
    ----------
    first, second : Buckets
        The histograms.
    nan_equal : bool, default False
        Take NaN and infinities for values that can be equal. TFDV does not, so that a column in
        which every fifth value is NaN differs from itself for ever.
    """
    sides = [_Side(histogram) for histogram in (first, second)]
    cells: list[tuple[Floats, Floats]] = []
    edges = np.unique(np.concatenate([side.edges for side in sides]))
    if len(edges):
        cells.append((sides[0].between(edges), sides[1].between(edges)))
    points = sorted(sides[0].points.keys() | sides[1].points.keys())
    cells.append(
        tuple(np.array([side.points.get(at, 0.0) for at in points]) for side in sides)  # type: ignore[arg-type] # two sides
    )
    odd = [(sides[0].infinite, sides[1].infinite), (first.nan, second.nan)]
    for one, other in odd:
        pair = ([one], [other]) if nan_equal else ([one, 0.0], [0.0, other])
        cells.append((np.array(pair[0]), np.array(pair[1])))
    return np.concatenate([a for a, _ in cells]), np.concatenate([b for _, b in cells])


class _Side:
    """One histogram, with what has no width and what has no end taken out of it."""

    def __init__(self, histogram: Buckets) -> None:
        self.points: dict[float, float] = {}
        self.infinite = 0.0
        wide: list[tuple[float, float, float]] = []
        for low, high, count in histogram.buckets:
            if not (math.isfinite(low) and math.isfinite(high)):
                self.infinite += count
            elif low == high:
                self.points[low] = self.points.get(low, 0.0) + count
            else:
                wide.append((low, high, count))
        self.wide = wide
        self.edges = np.array([end for low, high, _ in wide for end in (low, high)], dtype=float)

    def between(self, edges: Floats) -> Floats:
        counts = np.zeros(len(edges) - 1)
        for low, high, count in self.wide:
            start, stop = np.searchsorted(edges, [low, high])
            # Halves, since the width of a bucket of finite numbers need not be finite.
            widths = np.diff(edges[start : stop + 1] / 2) / (high / 2 - low / 2)
            counts[start:stop] += count * widths
        return counts


# --- small parts --------------------------------------------------------------------------------


def _shares(counts: Floats) -> Floats:
    total = counts.sum()
    return counts / total if total else counts


def _nonempty(counts: Floats) -> Floats:
    if not counts.sum() > 0:
        raise _empty()
    return _shares(counts)


def _empty() -> DataError:
    return DataError(
        "a distance to data without values has no meaning",
        expected="at least one value on each side",
        got="no value on one of them",
        fix="leave the column out of the comparison",
    )


def _largest(difference: Floats) -> float:
    return float(np.abs(difference).max()) if len(difference) else 0.0


def _kl(p: Floats, m: Floats) -> float:
    used = p > 0
    return float((p[used] * np.log2(p[used] / m[used])).sum())
