r"""How many values differ, in 16 KiB: HyperLogLog, whose registers no order can change.

Notation: p = 14, m = 2^p registers; of the 64 bits of a hash the first p choose the register,
which keeps the largest rank: the place of the first 1 among the other q = 50 bits. Flajolet et al.
2007; the estimate is Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches",
algorithm 6, which is good from 0 to 2^64 without tables. Standard error :math:`1.04/\sqrt m`.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.hashing import mix

P = 14
_M, _Q = 1 << P, 64 - P
ERROR = 1.04 / math.sqrt(_M)
"""Standard error of `estimate`, as a share."""

Registers = NDArray[np.uint8]
Hashes = NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_BYTES = mix(np.arange(1, 257, dtype=np.uint64))


def registers() -> Registers:
    """Return the sketch of no values."""
    return np.zeros(_M, np.uint8)


def add(sketch: Registers, hashes: Hashes) -> None:
    """Add values to ``sketch`` by their hashes."""
    places = hashes >> np.uint64(_Q)
    rest = (hashes & np.uint64((1 << _Q) - 1)).astype(np.float64)
    # The exponent out of the bits; that of 0 would be -1022.
    exponents = np.maximum((rest.view(np.int64) >> 52) - 1022, 0)
    np.maximum.at(sketch, places, (_Q + 1 - exponents).astype(np.uint8))


def estimate(sketch: Registers) -> int:
    """Return about how many distinct values were added."""
    counts = np.bincount(sketch, minlength=_Q + 2).tolist()
    z = _M * _tau(1 - counts[_Q + 1] / _M)
    for rank in range(_Q, 0, -1):
        z = (z + counts[rank]) / 2
    z += _M * _sigma(counts[0] / _M)
    return round(_M * _M / (2 * math.log(2) * z))


def number_hashes(keys: NDArray[np.int64]) -> Hashes:
    """Return the hashes of whole numbers, or of bits of floats."""
    return mix(keys.astype(np.uint64))


def text_hashes(texts: pl.Series) -> Hashes:
    r"""Return hashes of texts: :math:`m(l + \sum_i t(b_i) P^i)` over the bytes b of UTF-8.

    l is the length, t and m are mixed by splitmix64; on any machine the same.
    """
    found = np.empty(len(texts), np.uint64)
    step = 1 << 14
    for start in range(0, len(texts), step):
        part = texts.slice(start, step)
        sizes = part.str.len_bytes().to_numpy().astype(np.int64)
        data = np.frombuffer("".join(part.to_list()).encode(), np.uint8)
        found[start : start + step] = _polynomials(data, sizes)
    return found


def _polynomials(data: NDArray[np.uint8], sizes: NDArray[np.int64]) -> Hashes:
    some = sizes > 0
    starts = (np.cumsum(sizes) - sizes)[some]
    sums = np.zeros(len(sizes), np.uint64)
    if len(starts):
        powers = np.full(int(sizes.max()), _PRIME, np.uint64).cumprod(dtype=np.uint64)
        places = np.arange(len(data)) - np.repeat(starts, sizes[some])
        sums[some] = np.add.reduceat(_BYTES[data] * powers[places], starts)
    return mix(sums + sizes.astype(np.uint64))


def _sigma(x: float) -> float:
    if x == 1:
        return math.inf
    y, z, last = 1.0, x, -1.0
    while z != last:
        x, last = x * x, z
        z, y = z + x * y, 2 * y
    return z


def _tau(x: float) -> float:
    if x in (0, 1):
        return 0.0
    y, z, last = 1.0, 1 - x, -1.0
    while z != last:
        x, last, y = math.sqrt(x), z, y / 2
        z -= (1 - x) ** 2 * y
    return z / 3
