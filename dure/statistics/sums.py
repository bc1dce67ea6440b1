r"""Sums of numbers and of their squares without any rounding, in any order.

A finite float is :math:`m 2^e` with a whole number m of 53 bits. Numbers of equal e stand side by
side after sorting, so their m are added as whole numbers, and the few sums as Python's integers of any
size. This is the small superaccumulator of Neal 2015, "Fast exact summation using small and large
superaccumulators", taken over arrays; where all values are of similar size, one product of
matrices does. Mean and standard deviation come out rounded once.

======= ===========================================================
symbol  meaning
======= ===========================================================
n       number of values
S, Q    sum of values, of squares, in units of 2^-1130 and 2^-2260
m       = a 2^36 + b 2^18 + c: limbs, so that products fit 64 bits
======= ===========================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dure.statistics.tables import Floats, Ints

_UNIT = 1130  # below 2^-1074, the smallest float, by the 53 bits that frexp shifts, and more
_BLOCK = 1 << 14
_COUNTS = 24
_LIMB, _MASK = 18, (1 << 18) - 1
_SAFE = 1 << 53
_MOST_LIMBS = 6
_ONE_FACTOR = 1000  # powers of two that are floats
_MOST_COUNTS = 1 << 17  # of products of two limbs: 36 + 17 = 53 bits


@dataclass(slots=True)
class Sums:
    """n, S and Q of values; `add` puts others to them."""

    n: int = 0
    first: int = 0
    second: int = 0

    def add(self, other: Sums) -> None:
        """Add the sums of other values."""
        self.n += other.n
        self.first += other.first
        self.second += other.second

    def mean(self) -> float:
        """Return S / n, rounded once; n is not 0."""
        return self.first / (self.n << _UNIT)

    def std(self) -> float:
        """Return the population standard deviation, rounded once (and off by 2^-64 at most)."""
        apart = self.n * self.second - self.first * self.first
        more = max(0, 80 - apart.bit_length() // 2)
        return math.isqrt(apart << 2 * more) / (self.n << (_UNIT + more))


def sums_of_floats(values: Floats, counts: Ints) -> Sums:
    """Return the sums of finite ``values`` in any order, each as often as ``counts`` say."""
    total = Sums()
    for start in range(0, len(values), _BLOCK):
        part, times = values[start : start + _BLOCK], counts[start : start + _BLOCK]
        total.add(_close(part, times) or _far(part, times))
    return total


def _close(values: Floats, counts: Ints) -> Sums | None:
    """Return the sums of values of similar size, by one product of matrices; None: of others.

    Each value is cut into limbs of 18 bits, held as floats, on a scale that all share. Every
    product and every sum of them is a whole number below 2^53, which floats add without rounding
    in whatever order.
    """
    size = np.abs(values)
    least = size.min()
    if least == 0:
        size = size[size > 0]
        if not len(size):
            return Sums(int(counts.sum()))
        least = size.min()
    high = int(np.frexp(size.max())[1])
    limbs = -(-(high - int(np.frexp(least)[1]) + 53) // _LIMB)
    once = int(counts.max()) == 1
    if limbs > _MOST_LIMBS or not (once or float(counts.sum(dtype=np.float64)) <= _MOST_COUNTS):
        return None
    cut = np.empty((limbs + 1, len(values)))
    up = _LIMB - high
    # Both are exact; the product is much faster.
    rest = values * 2.0**up if abs(up) < _ONE_FACTOR else np.ldexp(values, up)
    for row in cut[: limbs - 1]:
        np.trunc(rest, out=row)
        rest -= row
        rest *= 1 << _LIMB
    cut[limbs - 1 :] = rest, np.ones(len(values))
    products = ((cut if once else cut * counts) @ cut.T).tolist()
    first = second = 0
    for row in products[:limbs]:
        first = (first << _LIMB) + int(row[limbs])
    for place in range(2 * limbs - 1):
        some = range(max(0, place - limbs + 1), min(limbs, place + 1))
        second = (second << _LIMB) + sum(int(products[i][place - i]) for i in some)
    unit = high - _LIMB * limbs + _UNIT
    if unit < 0:  # of the smallest floats, whose last bits are below every unit and 0
        return Sums(int(products[limbs][limbs]), first >> -unit, second >> -2 * unit)
    return Sums(int(products[limbs][limbs]), first << unit, second << 2 * unit)


def _far(values: Floats, counts: Ints) -> Sums:
    """Return the sums of any values, those of each power of two apart."""
    mantissas, powers = np.frexp(values)
    order = np.argsort(powers, kind="stable")
    whole, powers = np.ldexp(mantissas[order], 53).astype(np.int64), powers[order]
    starts = np.concatenate([[0], np.flatnonzero(powers[1:] != powers[:-1]) + 1])
    shifts = [int(power) - 53 + _UNIT for power in powers[starts]]
    return _whole(whole, counts[order], starts, shifts)


def sums_of_whole(values: Ints, counts: Ints) -> Sums:
    """Return the sums of whole numbers that do not fall, each as often as ``counts`` say."""
    if not len(values):
        return Sums()
    base = int(values[0]) if len(values) else 0
    if int(values[-1]) - base >= _SAFE:
        pairs = list(zip(values.tolist(), counts.tolist(), strict=True))
        first = sum(value * count for value, count in pairs)
        second = sum(value * value * count for value, count in pairs)
        return Sums(int(counts.sum()), first << _UNIT, second << 2 * _UNIT)
    total = Sums()
    for start in range(0, len(values), _BLOCK):
        part = values[start : start + _BLOCK] - base
        total.add(_whole(part, counts[start : start + _BLOCK], np.zeros(1, np.int64), [0]))
    # (base + d)^2 = base^2 + 2 base d + d^2
    total.second += base * (total.n * base + 2 * total.first)
    total.first += total.n * base
    return Sums(total.n, total.first << _UNIT, total.second << 2 * _UNIT)


def _whole(whole: Ints, counts: Ints, starts: Ints, shifts: list[int]) -> Sums:
    """Return the sums of whole numbers below 2^53, shifted left group by group."""
    high = counts >> _COUNTS
    if high.any():  # products with such counts could pass 64 bits
        low = _whole(whole, counts & ((1 << _COUNTS) - 1), starts, shifts)
        rest = _whole(whole, high, starts, shifts)
        low.add(Sums(rest.n << _COUNTS, rest.first << _COUNTS, rest.second << _COUNTS))
        return low
    a, b, c = whole >> 2 * _LIMB, (whole >> _LIMB) & _MASK, whole & _MASK
    once = bool((counts == 1).all())
    na, nb, nc = (a, b, c) if once else (counts * a, counts * b, counts * c)
    products = [na, nb, nc, na * a, na * b, na * c, nb * b, nb * c, nc * c]
    found = [np.add.reduceat(product, starts).tolist() for product in products]
    total = Sums(int(counts.sum()))
    for shift, sa, sb, sc, aa, ab, ac, bb, bc, cc in zip(shifts, *found, strict=True):
        first = (sa << 36) + (sb << 18) + sc
        second = (aa << 72) + (ab << 55) + ((2 * ac + bb) << 36) + (bc << 19) + cc
        total.first += first << shift
        total.second += second << 2 * shift
    return total
