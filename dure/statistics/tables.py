"""`Table`: how often each whole number is there. What all statistics of numbers are made from.

A table depends on the multiset of its values alone. Tables can be put together in any order and
grouping, and can be made coarser by shifting their keys: the same result, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MAGNITUDE = np.int64(0x7FFF_FFFF_FFFF_FFFF)
SHIFTS = 52
"""The most that bits of floats are shifted: then there is a key for each power of two."""


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and what belongs to each.

    Parameters
    ----------
    keys : ndarray of int64, shape (n,)
        Rising.
    sums : ndarray of int64, shape (1, n) or (3, n)
        How often each key is there; and the high and low parts of the sum of its weights, see
        `dure.statistics.weights`.
    """

    keys: Ints
    sums: Ints

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def counts(self) -> Ints:
        """How often each key is there."""
        counts: Ints = self.sums[0]
        return counts


def empty(parts: int = 1) -> Table:
    """Return the table of no values."""
    return Table(np.empty(0, np.int64), np.empty((parts, 0), np.int64))


def tabulate(keys: Ints, weights: Ints | None = None) -> Table:
    """Return the table of ``keys`` in any order, with ``weights`` of shape (2, n) if given."""
    if weights is not None:
        order = np.argsort(keys, kind="stable")
        sums = np.concatenate([np.ones((1, len(keys)), np.int64), weights[:, order]])
        return _add_equal(keys[order], sums)
    if not len(keys):
        return empty()
    # NumPy sorts faster than anything hashes: 131,072 floats in half a millisecond.
    keys = np.sort(keys)
    return _add_equal(keys, _ones(len(keys)))


def merge(tables: Sequence[Table]) -> Table:
    """Return one table of all, which are of the same kind; at least one."""
    some = [table for table in tables if len(table)]
    if len(some) < 2:
        return some[0] if some else tables[0]
    keys = np.concatenate([table.keys for table in some])
    # Stable sorting merges runs that are in order already.
    order = np.argsort(keys, kind="stable")
    return _add_equal(keys[order], np.concatenate([t.sums for t in some], axis=1)[:, order])


def collapse(table: Table, shift: int) -> Table:
    """Return a coarser table, whose keys are those of ``table`` shifted right."""
    return _add_equal(table.keys >> shift, table.sums) if shift else table


def smallest_shift(keys: Ints, limit: int, most: int) -> int:
    """Return the smallest shift after which at most ``limit`` rising keys differ, or ``most``."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        coarse = keys >> middle
        if np.count_nonzero(coarse[1:] != coarse[:-1]) < limit:
            high = middle
        else:
            low = middle + 1
    return low


def keys_of(values: Floats) -> Ints:
    """Return whole numbers in the same order as finite floats, one for each; -0.0 is 0.0.

    >>> keys_of(np.array([-1.0, -0.0, 0.0])).tolist() == [-(1023 << 52) - 1, 0, 0]
    True
    """
    bits = (values + 0.0).view(np.int64)
    keys: Ints = bits ^ ((bits >> 63) & _MAGNITUDE)
    return keys


def floats_of(keys: Ints) -> Floats:
    """Return the floats whose keys these are."""
    return (keys ^ ((keys >> 63) & _MAGNITUDE)).view(np.float64)


def as_floats(table: Table) -> Table:
    """Return a table of the keys of floats for a table of whole numbers."""
    return _add_equal(keys_of(table.keys.astype(np.float64)), table.sums)


def _starts(keys: Ints) -> Ints:
    changes = np.flatnonzero(keys[1:] != keys[:-1])
    starts = np.empty(len(changes) + 1, np.int64)
    starts[0] = 0
    np.add(changes, 1, out=starts[1:])
    return starts


def _add_equal(keys: Ints, sums: Ints) -> Table:
    """Return the table of keys that do not fall, equal ones as one."""
    if not len(keys):
        return Table(keys, sums)
    starts = _starts(keys)
    if len(starts) == len(keys):
        return Table(keys, sums)
    if len(sums) > 1 or not (sums == 1).all():
        return Table(keys[starts], np.add.reduceat(sums, starts, axis=1))
    counts = np.empty((1, len(starts)), np.int64)
    np.subtract(starts[1:], starts[:-1], out=counts[0, :-1])
    counts[0, -1] = len(keys) - starts[-1]
    return Table(keys[starts], counts)


def _ones(size: int) -> Ints:
    """Return ones of shape (1, size), which most tables of floats share."""
    return _ONES[:, :size] if size <= _ONES.size else np.ones((1, size), np.int64)


_ONES = np.ones((1, 1 << 17), np.int64)
_ONES.flags.writeable = False
