"""Ways to split, as data: `SplitBy` says how, and a splitter does it batch by batch.

============ ==========================================================================
method       which split a row belongs to, and what holds
============ ==========================================================================
`by_hash`    what the hash of the row, or of some columns, says. A row stays in its split
             whatever rows come or go, and rows that agree in the columns stay together; the
             shares are met in expectation
`by_group`   `by_hash` of the columns that name the group
`by_strata`  dealt out in turn within each value of the columns: each run of as many rows of
             one value as the shares add up to has exactly the shares. Rows that are added at
             the end change nothing; in another order, rows are dealt otherwise
`by_time`    before, between or after points in time: given ones, or such that the shares
             are met as nearly as rows of the same time, which stay together, allow
`by_column`  the one that the value of a column names; the column is then dropped
============ ==========================================================================

With one split and no method all rows are in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dure.data.times import time_key
from dure.errors import UsageError

Method = Literal["hash", "strata", "time", "column"]


@dataclass(frozen=True)
class SplitBy:
    """How rows are split; made by `by_hash`, `by_group`, `by_strata`, `by_time`, `by_column`.

    Parameters
    ----------
    method : {"hash", "strata", "time", "column"}
        See the module.
    columns : tuple of str
        The columns that decide; for ``"hash"`` none means all.
    cuts : tuple of int, float or str
        For ``"time"``: where one split ends and the next begins; empty: shares decide.
    """

    method: Method
    columns: tuple[str, ...] = ()
    cuts: tuple[int | float | str, ...] = ()


def by_hash(*columns: str) -> SplitBy:
    """Split by the hash of these columns; of whole rows if none is named.

    >>> by_hash("customer")
    SplitBy(method='hash', columns=('customer',), cuts=())
    """
    return SplitBy("hash", columns)


def by_group(*columns: str) -> SplitBy:
    """Keep rows together that agree in these columns: `by_hash` of them."""
    _need(columns, "by_group", "the columns that name a group")
    return SplitBy("hash", columns)


def by_strata(*columns: str) -> SplitBy:
    """Have the same shares within each value of these columns, such as a label."""
    _need(columns, "by_strata", "the columns whose values should be shared out evenly")
    return SplitBy("strata", columns)


def by_time(column: str, cuts: Sequence[int | float | str | dt.date] = ()) -> SplitBy:
    """Split by time: the first split has the earliest rows.

    Parameters
    ----------
    column : str
        A column of numbers, or of dates and times as ISO 8601 text.
    cuts : sequence, optional
        Points in time, rising, one fewer than splits: a row at a cut belongs after it. Numbers
        for a column of numbers; dates, times or ISO 8601 text for one of text. Default: the
        shares of the splits decide.

    Examples
    --------
    >>> by_time("day", ["2024-06-01"]).cuts
    ('2024-06-01',)
    """
    if isinstance(cuts, str) or not isinstance(cuts, Sequence):
        raise UsageError(
            "the cuts of by_time are no sequence",
            expected='points in time, such as ["2024-06-01"]',
            got=f"{cuts!r}",
        )
    plain = tuple(c.isoformat() if isinstance(c, dt.date) else c for c in cuts)
    keys = [time_key(cut) for cut in plain]
    if keys != sorted(set(keys)):
        raise UsageError(
            "the cuts of by_time do not rise",
            expected="each later than the one before",
            got=f"{list(plain)!r}",
        )
    return SplitBy("time", (column,), plain)


def by_column(column: str) -> SplitBy:
    """Split by what a column says: its values are the names of the splits."""
    return SplitBy("column", (column,))


def _need(columns: Sequence[str], function: str, expected: str) -> None:
    if not columns:
        raise UsageError(f"{function} got no columns", expected=expected, got="none")
