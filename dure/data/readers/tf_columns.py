"""Columns of Polars out of what was found in the bytes of a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from dure.data.readers.tfrecord import Ints
from dure.data.readers.wire import Wire

_LIST = pl.List(pl.Null)


@dataclass(frozen=True)
class Values:
    """The values of some owners, one after another.

    Parameters
    ----------
    owner : int64 array of shape (owners,)
        Who has them: ascending, each once.
    counts : int64 array of shape (owners,)
        How many each has.
    numbers : array of shape (values,), optional
        The values, if they are numbers.
    spans : pair of int64 arrays of shape (values,), optional
        Else where each begins in the block, and its length in bytes.
    """

    owner: Ints
    counts: Ints
    numbers: Any = None
    spans: tuple[Ints, Ints] | None = None


@dataclass(frozen=True)
class Flat:
    """A column before it is made.

    Parameters
    ----------
    values : Values or None
        Its values; None: it has none. Their owners are rows, or steps.
    steps : pair of int64 arrays, optional
        Of lists of steps: the row of each list, ascending, and how many steps it has.
    """

    values: Values | None
    steps: tuple[Ints, Ints] | None = None


def frame_of(wire: Wire, columns: dict[str, Flat], rows: int) -> pl.DataFrame:
    """Return the columns as a frame of ``rows`` rows."""
    return pl.DataFrame({name: _column(wire, flat, rows) for name, flat in columns.items()})


def nest(values: pl.Series, counts: Ints) -> pl.Series:
    """Return values as lists: the first ``counts[0]``, the next ``counts[1]``, and so on.

    >>> import numpy as np
    >>> nest(pl.Series([1, 2, 3]), np.array([2, 0, 1])).to_list()
    [[1, 2], [], [3]]
    """
    size = int(counts[0]) if counts.size else 0
    if size and values.dtype.is_numeric() and (counts == size).all():
        return pl.Series(values.to_numpy().reshape(-1, size)).arr.to_list()
    owner = pl.Series("owner", np.repeat(np.arange(counts.size), counts)).set_sorted()
    lists = (
        pl.DataFrame({"owner": owner, "value": values})
        .group_by("owner", maintain_order=True)
        .agg("value")["value"]
    )
    if lists.len() == counts.size:
        return lists
    # What has no values is in no group: the empty list is put behind the groups, for all of them.
    empty = pl.Series([[]], dtype=lists.dtype)
    index = np.where(counts > 0, np.cumsum(counts > 0) - 1, lists.len())
    return lists.append(empty).gather(index)


def spread(values: pl.Series, owner: Ints, rows: int) -> pl.Series:
    """Return values at the rows that have them, and null elsewhere."""
    if owner.size == rows:
        return values
    index = np.full(rows, -1, np.int64)
    index[owner] = np.arange(owner.size)
    place = pl.Series(index)
    return values.gather(place.set(place < 0, None))


def _column(wire: Wire, flat: Flat, rows: int) -> pl.Series:
    if flat.steps is not None:
        return _steps(wire, flat.values, *flat.steps, rows)
    if flat.values is None:
        return pl.Series([None] * rows, dtype=pl.Null)
    found = flat.values
    series = _flat(wire, found)
    if (found.counts != 1).any():
        series = nest(series, found.counts)
    return spread(series, found.owner, rows)


def _steps(wire: Wire, values: Values | None, row: Ints, counts: Ints, rows: int) -> pl.Series:
    """Return lists of the values of steps, or of their lists where one has not exactly one."""
    total = int(counts.sum())
    if values is None:
        inner = pl.Series([[] for _ in range(total)], dtype=_LIST)
        inner = inner if total else pl.Series([], dtype=pl.Null)
    else:
        inner = _flat(wire, values)
        each = np.zeros(total, np.int64)
        each[values.owner] = values.counts
        if (each != 1).any():
            inner = nest(inner, each)
    return spread(nest(inner, counts), row, rows)


def _flat(wire: Wire, values: Values) -> pl.Series:
    if values.spans is None:
        return pl.Series(values.numbers)
    begin, length = values.spans
    pairs = zip(begin.tolist(), (begin + length).tolist(), strict=True)
    # As fast as `bin.slice` of Polars 2.1 (85 and 70 ns a value), and older ones don't have that.
    series = pl.Series([wire.data[start:stop] for start, stop in pairs], dtype=pl.Binary)
    try:
        return series.cast(pl.String)
    except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError):
        return series  # not all of it is UTF-8
