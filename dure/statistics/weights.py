r"""Weights of rows as fixed-point numbers, so that their sums do not depend on any order.

A weight counts to the nearest multiple of :math:`2^{-52}`: :math:`w = h 2^{-20} + l 2^{-52}` with
whole numbers h and l, which are added apart. Rule: a missing weight counts as 0, and what is
negative, NaN, infinite or 2^40 and more is an error.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from dure.data.naming import unnamed
from dure.data.types import type_of
from dure.draw import counted
from dure.errors import DataError
from dure.statistics.tables import Floats, Ints

_HIGH, _LOW = 20, 32
UNIT = 2.0 ** -(_HIGH + _LOW)
_MOST = 2.0**40


def weights_of(column: pl.Series) -> Ints:
    """Return h and l of each row.

    Parameters
    ----------
    column : polars.Series
        Numbers; a missing one counts as 0.

    Returns
    -------
    ndarray of int64, shape (2, rows)

    Raises
    ------
    DataError
        The column holds no numbers, or a number that cannot be a weight.
    """
    if not column.dtype.is_numeric():
        raise DataError(
            f"column '{column.name}' cannot weigh rows",
            expected="numbers",
            got=type_of(column.dtype),
            fix="name a column of numbers as weight",
        )
    values = unnamed(column).cast(pl.Float64).fill_null(0.0).to_numpy()
    wrong = np.flatnonzero(~((values >= 0) & (values < _MOST)))
    if len(wrong):
        many, weights = counted(len(wrong), "value"), "a weight" if len(wrong) == 1 else "weights"
        raise DataError(
            f"column '{column.name}' has {many} that cannot be {weights}",
            expected="finite numbers from 0 to 2^40",
            got=f"{values[wrong[0]]:.15g}",
            fix="mend the column, or leave such rows without a weight: then they count as 0",
        )
    scaled = values * 2.0**_HIGH
    high = np.floor(scaled)
    return np.stack([high, np.rint((scaled - high) * 2.0**_LOW)]).astype(np.int64)


def total(weights: Ints) -> int:
    """Return the sum of weights of shape (2, n) as a whole number of `UNIT`."""
    high, low = weights.sum(axis=1).tolist()
    return (int(high) << _LOW) + int(low)


def floats(weights: Ints) -> Floats:
    """Return sums of weights of shape (2, n) as floats."""
    found: Floats = weights[0] * 2.0**-_HIGH + weights[1] * UNIT
    return found
