"""A first draft of the schema, from statistics.

Notation
--------
n : int
    Rows of the split that the draft is made from.
m : int
    Rows of the smallest split there is: the smallest sample that the schema has to suit soon.
p : float
    A share seen in the n rows.
z : float
    Quantile of the normal distribution: 3.2905 for an interval of 99.9 %.
f1 : int
    How many distinct values were seen exactly once.

A schema is checked on samples that it was not made from. Where a share is expected, the draft
expects the lower end of an interval for the share *in a new sample of m rows*, so that ordinary
chance does not raise an alarm.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from dure.errors import SchemaError, nearest
from dure.schema.column import Column, Type
from dure.schema.model import Schema

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, Statistics

Z = 3.2905267314918945  # 99.95 % quantile of the normal distribution, as a two-sided 99.9 % takes
ROWS_A_VALUE = 5  # a column of categories repeats itself: at least this often on average
RARE = 5  # a list whose every value was seen this often is taken to be complete
LARGEST_UNSEEN = 0.1  # a list that leaves out more than this share of the rows is no list


def infer(statistics: Statistics, *, split: str = "train", max_domain: int = 100) -> Schema:
    """Return a first draft of the schema of the data, to be read and edited.

    Parameters
    ----------
    statistics : Statistics
        What `dure.statistics.describe` found.
    split : str, default "train"
        The split that the draft is made from.
    max_domain : int, default 100
        The most values that a domain may have; 0 for no domains. Statistics list the distinct
        values of columns with at most 1,000, so no domain is larger than that.

    Returns
    -------
    Schema
        The type of each column; its presence; and, for strings that look like categories, their
        domain. Ranges of numbers are never inferred: the largest number seen is not the largest
        that may come.

    Raises
    ------
    SchemaError
        When there is no such split, or it has no rows or no columns.

    Notes
    -----
    - *presence* is 1 where no value is missing in any split; NaN counts as missing. Otherwise it
      is the lower end of a 99.9 % Wilson interval of the share in ``split``, for a new sample as
      large as the smallest split, rounded down to 2 decimals.
    - *domain*: a string column is taken for one of categories when it has at most ``max_domain``
      distinct values and repeats each of them at least 5 times on average, so that a column of 90
      identifiers in 90 rows has no domain.
    - *domain_share* is 1 where each value was seen in at least 5 rows. Otherwise the list is likely
      incomplete, and the share is what a new sample may be expected to have in it: the Good-Turing
      estimate, 1 - f1 / n, made smaller by the same interval. Where that estimate is below 0.9
      there is no domain.
    """
    if split not in statistics.splits:
        raise SchemaError(
            f"there is no split {split!r} to make a schema from",
            got=split,
            fix=nearest(split, statistics.splits),
        )
    chosen = statistics.splits[split]
    if not chosen.rows or not chosen.columns:
        raise SchemaError(
            f"split {split!r} is empty: there is nothing to make a schema from",
            expected="at least one row and one column",
            got=f"{chosen.rows} rows, {len(chosen.columns)} columns",
            fix="make the schema from another split, or give this one some data",
        )
    smallest = min(other.rows for other in statistics.splits.values() if other.rows)
    gaps = {
        name
        for other in statistics.splits.values()
        for name, column in other.columns.items()
        if present(column) < column.rows
    }
    return Schema(
        {
            name: _column(column, smallest, max_domain, name in gaps)
            for name, column in chosen.columns.items()
        }
    )


def _column(column: ColumnStatistics, smallest: int, max_domain: int, gaps: bool) -> Column:
    kind = cast("Type", column.type)
    # 1 is a promise, on which columns of integers rest, and not the top of a scale: one missing
    # value in any split breaks it.
    presence = expected_share(present(column), column.rows, smallest) if gaps else 1.0
    counts = dict(column.values or ())
    if kind != "string" or not _is_categorical(column, counts, max_domain):
        return Column(kind, presence=presence)
    share = _domain_share(counts, smallest)
    if share is None:
        return Column(kind, presence=presence)
    # Sorted: a file whose order depends on counts would change with every day's data.
    return Column(kind, presence=presence, domain=tuple(sorted(counts)), domain_share=share)


def present(column: ColumnStatistics) -> int:
    """Return how many rows have a value: NaN is none, as it is none when features are made."""
    return column.count - (column.nan or 0)


def expected_share(hits: float, rows: int, new_rows: int) -> float:
    """Return the least share to expect in ``new_rows`` rows, rounded down to 2 decimals.

    The lower end of the 99.9 % Wilson score interval [1, eq. 4] with the number of rows replaced
    by ``1 / (1 / rows + 1 / new_rows)``: the difference of two shares from the same source has the
    variance p (1 - p) (1 / n + 1 / m).

    Parameters
    ----------
    hits : float
        How many rows count; 0 to ``rows``.
    rows, new_rows : int
        Sizes of the sample that was seen and of the one to come; positive.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       Journal of the American Statistical Association 22 (1927), 209-212.
    """
    share, size = hits / rows, 1.0 / (1.0 / rows + 1.0 / new_rows)
    z2 = Z * Z / size
    middle = share + z2 / 2
    half = Z * math.sqrt((share * (1 - share) + z2 / 4) / size)
    low = (middle - half) / (1 + z2)
    return max(0.0, math.floor(low * 100) / 100)


def _is_categorical(column: ColumnStatistics, counts: dict[str, int], max_domain: int) -> bool:
    return bool(counts) and (
        len(counts) == column.unique <= max_domain and column.unique * ROWS_A_VALUE <= column.count
    )


def _domain_share(counts: dict[str, int], smallest: int) -> float | None:
    if min(counts.values()) >= RARE:
        return 1.0
    total = sum(counts.values())
    # I. J. Good, "The population frequencies of species and the estimation of population
    # parameters", Biometrika 40 (1953), eq. 9: the unseen values have a share of about f1 / n.
    seen_once = sum(count == 1 for count in counts.values())
    if seen_once / total > LARGEST_UNSEEN:
        return None
    return expected_share(total - seen_once, total, smallest)
