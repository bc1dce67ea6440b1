r"""A sample of the distinct values of a column with their exact counts, in bounded memory.

Of all distinct values those with the smallest hashes are kept (bottom-k, Cohen and Kaplan,
"Summarizing data using bottom-k sketches", PODC 2007). Hashes know nothing of the order of rows,
so the sample depends on the values alone: cut into whatever shards and merged in whatever order,
it is the same. A value that is in the sample at the end was in it all along, so its count is
exact. With fewer than k distinct values the sample is everything.

With k values of which the largest hash is h, as a share of all hashes, the number of distinct
values is about :math:`(k - 1) / h` (Bar-Yossef et al., "Counting distinct elements in a data
stream", RANDOM 2002), with a relative standard error of :math:`1 / \sqrt{k - 2}`: 2.2 % at 2,048.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.hashing import mix

SIZE = 2048
CHARACTERS = 1000
"""Longer texts are kept as their first 1,000 characters; their hash is that of the whole."""

Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]


@dataclass
class ValueSample:
    """The distinct values with the smallest hashes.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (n,)
        Ascending.
    values : polars.Series, length n
        Texts or whole numbers; ascending where hashes are equal.
    counts : ndarray of int64, shape (n,)
        How often each value is there.
    total : int
        Values in all, those outside the sample too.
    cut : bool
        Whether there are more distinct values than these.
    size : int
        How many are kept at most.
    """

    hashes: Hashes
    values: pl.Series
    counts: Ints
    total: int = 0
    cut: bool = False
    size: int = SIZE

    @property
    def unique(self) -> int:
        """How many distinct values there are: exact unless ``cut``, then with the error above."""
        if not self.cut:
            return len(self.hashes)
        largest = int(self.hashes[-1]) + 1
        return max(len(self.hashes), round((len(self.hashes) - 1) * 2**64 / largest))

    @property
    def checked(self) -> int:
        """How many values, equal ones included, the sample stands for exactly."""
        return int(self.counts.sum())


def empty_sample(dtype: pl.DataType, size: int = SIZE) -> ValueSample:
    """Return the sample of no values of a Polars type."""
    return ValueSample(_NO_HASHES, _no_values(dtype), _NO_COUNTS, size=size)


_NO_HASHES, _NO_COUNTS = np.zeros(0, np.uint64), np.zeros(0, np.int64)


@cache
def _no_values(dtype: pl.DataType) -> pl.Series:
    # One for all: there is one such sample for each column and part.
    return pl.Series("value", [], dtype)


def sample_of(values: pl.Series, counts: Ints, size: int = SIZE) -> ValueSample:
    """Return the sample of the distinct ``values`` of a shard, each there ``counts`` times."""
    hashes = value_hashes(values)
    keep = _smallest(hashes, size)
    some = values if len(keep) == len(values) else values.gather(keep)
    parts = _ordered(hashes[keep], _short(some).alias("value"), counts[keep], size)
    return ValueSample(*parts, int(counts.sum()), len(values) > size, size)


def merge_samples(first: ValueSample, second: ValueSample) -> ValueSample:
    """Return the sample of the values of both."""
    if not second.total or not first.total:
        return first if not second.total else second
    hashes, values, counts = _ordered(
        np.concatenate([first.hashes, second.hashes]),
        pl.concat([first.values, second.values]),
        np.concatenate([first.counts, second.counts]),
        first.size + 1,
    )
    cut = first.cut or second.cut or len(hashes) > first.size
    kept = slice(0, first.size)
    total = first.total + second.total
    return ValueSample(hashes[kept], values[kept], counts[kept], total, cut, first.size)


def value_hashes(values: pl.Series) -> Hashes:
    """Return 64 bits of each text or whole number: the same everywhere, well mixed, not secret."""
    if values.dtype == pl.String:
        crc = zlib.crc32
        return mix(np.array([crc(one) for one in values.cast(pl.Binary).to_list()], np.uint64))
    return mix(values.to_numpy().astype(np.int64).view(np.uint64))


def _smallest(hashes: Hashes, size: int) -> NDArray[np.intp]:
    if len(hashes) <= size:
        return np.arange(len(hashes))
    bound = np.partition(hashes, size)[size]  # ties stay, and are cut by value afterwards
    return np.flatnonzero(hashes <= bound)


def _short(values: pl.Series) -> pl.Series:
    return values.str.slice(0, CHARACTERS) if values.dtype == pl.String else values


def _ordered(
    hashes: Hashes, values: pl.Series, counts: Ints, size: int
) -> tuple[Hashes, pl.Series, Ints]:
    """Sort by hash and value, add up the counts of equal values, and keep the first."""
    order = np.argsort(hashes, kind="stable")
    ordered, texts = hashes[order], values.gather(order)
    equal, same = _neighbours(ordered, texts)
    if (equal & ~same).any():
        # Two values with one hash: only then does the order of the values matter.
        table = pl.DataFrame({"hash": hashes, "value": values})
        order = table.select(pl.arg_sort_by("hash", "value")).to_series().to_numpy()
        ordered, texts = hashes[order], values.gather(order)
        equal, same = _neighbours(ordered, texts)
    starts = np.flatnonzero(np.concatenate([[True], ~(equal & same)]))[: len(ordered)]
    if len(starts) == len(ordered):
        return ordered[:size], texts[:size], counts[order][:size]
    sums = np.add.reduceat(counts[order], starts)
    kept = starts[:size]
    return ordered[kept], texts.gather(kept), sums[:size]


def _neighbours(hashes: Hashes, values: pl.Series) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    equal = hashes[1:] == hashes[:-1]
    if not equal.any():
        return equal, equal
    return equal, (values[1:] == values[:-1]).to_numpy()
