"""The lengths of the lists of a column, at each level, and which columns have lists of one length.

A TFRecord of tf.SequenceExample gives a column of lists, or of lists of lists, for each feature
list; columns of steps that belong together have the same lengths in every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from dure.data.naming import unnamed
from dure.statistics.aggregate import Aggregate
from dure.statistics.packing import pack, unpack

AT = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_VERSION = 1
Lengths = list[dict[int, int]]
Pairs = dict[str, int]


class SequenceLengths(Aggregate[Lengths]):
    """How often each length of a list occurs, at each level of a list column.

    Parameters
    ----------
    column : str
        A list column, or the dotted path of one.
    depth : int
        How many levels of lists it has.

    Notes
    -----
    The result has one entry for each level, from the outermost: ``lists`` (that are not null),
    ``empty``, ``min``, ``max``, ``mean``, ``same`` (whether all have one length) and
    ``quantiles`` (at `AT`, the smallest length that as many lists do not exceed). Exact: k
    distinct lengths need at least k (k - 1) / 2 values, so that memory grows with the square root
    of the data.
    """

    name = "lengths"

    def __init__(self, column: str, depth: int = 1) -> None:
        self.columns = (column,)
        self.depth = depth

    def init(self) -> Lengths:
        """Return the state of no rows."""
        return [{} for _ in range(self.depth)]

    def update(self, state: Lengths, frame: pl.DataFrame) -> Lengths:
        """Add the rows of a shard."""
        column, found = unnamed(frame[self.columns[0]]), []
        for _ in range(self.depth):
            column = column.drop_nulls()
            counts = np.bincount(column.list.len().to_numpy().astype(np.int64))
            found.append({int(n): int(counts[n]) for n in np.flatnonzero(counts)})
            column = column.filter(column.list.len() > 0).explode()
        return self.merge(state, found)

    def merge(self, first: Lengths, second: Lengths) -> Lengths:
        """Return the counts of both."""
        merged = []
        for one, two in zip(first, second, strict=True):
            keys = sorted({*one, *two})
            merged.append({key: one.get(key, 0) + two.get(key, 0) for key in keys})
        return merged

    def finish(self, state: Lengths) -> list[dict[str, Any]]:
        """Return the statistics of each level."""
        return [_level(counts) for counts in state]

    def dump(self, state: Lengths) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, [sorted(one.items()) for one in state])

    def load(self, data: bytes) -> Lengths:
        """Return the state that `dump` wrote."""
        record, _ = unpack(_VERSION, data, self.name)
        return [{int(length): int(count) for length, count in one} for one in record]


class AlignedSequences(Aggregate[Pairs]):
    """Which list columns have lists of the same length in every row.

    Parameters
    ----------
    columns : tuple of str
        List columns. A null has no length: two nulls agree, a null and a list do not.

    Notes
    -----
    The result is a list of groups of two and more columns, in their order. Exact.
    """

    name = "aligned_sequences"
    place = "split"

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns

    def init(self) -> Pairs:
        """Return the state of no rows: how many rows differ in each pair."""
        return {}

    def update(self, state: Pairs, frame: pl.DataFrame) -> Pairs:
        """Add the rows of a shard."""
        lengths = [unnamed(frame[name]).list.len() for name in self.columns]
        found = {"rows": frame.height}
        for (i, one), (j, two) in combinations(enumerate(lengths), 2):
            found[f"{i} {j}"] = int(one.ne_missing(two).sum())
        return self.merge(state, found)

    def merge(self, first: Pairs, second: Pairs) -> Pairs:
        """Return the counts of both."""
        return {k: first.get(k, 0) + second.get(k, 0) for k in sorted({*first, *second})}

    def finish(self, state: Pairs) -> list[list[str]]:
        """Return the groups."""
        groups: list[list[str]] = []
        placed: set[int] = set()
        for i, name in enumerate(self.columns):
            if i in placed or not state.get("rows"):
                continue
            others = [j for j in range(i + 1, len(self.columns)) if state[f"{i} {j}"] == 0]
            if others:
                groups.append([name, *(self.columns[j] for j in others)])
                placed.update(others)
        return groups

    def dump(self, state: Pairs) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> Pairs:
        """Return the state that `dump` wrote."""
        record: Pairs = unpack(_VERSION, data, self.name)[0]
        return record


def _level(counts: Mapping[int, int]) -> dict[str, Any]:
    total = sum(counts.values())
    if not total:
        return {"lists": 0, "empty": 0}
    lengths, times = list(counts), np.cumsum(list(counts.values()))
    ranks = [min(int(np.searchsorted(times, at * total)), len(lengths) - 1) for at in AT]
    return {
        "lists": total,
        "empty": counts.get(0, 0),
        "min": lengths[0],
        "max": lengths[-1],
        "mean": sum(length * count for length, count in counts.items()) / total,
        "same": len(lengths) == 1,
        "quantiles": [lengths[rank] for rank in ranks],
    }
