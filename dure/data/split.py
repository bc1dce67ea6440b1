"""Which split a row belongs to, by a stable hash of its values, cut at cumulative ratios.

The place of a row in [0, 1) is the upper 53 bits of its hash (`dure.data.hashing`), times 2^-53.
Other ways to split are in `dure.data.split_by`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.hashing import Hashes, row_hashes
from dure.errors import DataError, UsageError, nearest

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\Z")


def assign(hashes: Hashes, ratios: Mapping[str, float]) -> NDArray[np.int64]:
    """Return the position, in ``ratios``, of the split of each row.

    Parameters
    ----------
    hashes : ndarray of uint64, shape (rows,)
        From `row_hashes`.
    ratios : mapping of str to float
        Splits and their shares. Only proportions matter: 6 : 1 : 2 is 60 : 10 : 20.

    Raises
    ------
    UsageError
        There is no split, or a name or a share is wrong.
    """
    check_ratios(ratios)
    # Exact fractions of the numbers as written, so that 0.6 : 0.1 : 0.2 cuts where 6 : 1 : 2 does.
    shares = [Fraction(str(share)) for share in ratios.values()]
    cuts = np.array([float(sum(shares[: i + 1]) / sum(shares)) for i in range(len(shares) - 1)])
    places = (hashes >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.searchsorted(cuts, places, side="right").astype(np.int64)


def split_frame(
    frame: pl.DataFrame, ratios: Mapping[str, float], split_by: Sequence[str] | None = None
) -> dict[str, pl.DataFrame]:
    """Return the rows of each split, in the order they have in ``frame``.

    Parameters
    ----------
    frame : polars.DataFrame
        Columns of the four types.
    ratios : mapping of str to float
        Splits and their shares.
    split_by : sequence of str, optional
        Only the values of these columns decide, so that rows that agree in them stay together.

    Raises
    ------
    UsageError
        An argument is wrong.
    DataError
        A split would have no rows.
    """
    check_ratios(ratios)
    check_columns(split_by, frame.columns)
    chosen = assign(row_hashes(frame, split_by), ratios)
    parts = {
        name: frame.filter(pl.Series(chosen == position)) for position, name in enumerate(ratios)
    }
    check_counts({name: part.height for name, part in parts.items()}, frame.height, split_by)
    return parts


def check_ratios(ratios: Mapping[str, float]) -> None:
    """Raise `UsageError` unless ``ratios`` names splits and gives each a positive share."""
    if not isinstance(ratios, Mapping) or not ratios:
        raise UsageError(
            "splits names no split",
            expected='names with their shares, such as {"train": 2, "eval": 1}',
            got=f"splits={ratios!r}",
        )
    for name, share in ratios.items():
        check_split_name(name)
        number = isinstance(share, int | float) and not isinstance(share, bool)
        if not (number and math.isfinite(share) and share > 0):
            raise UsageError(
                f"the share of split '{name}' is wrong",
                expected="a number greater than 0",
                got=repr(share),
                fix='give shares such as {"train": 2, "eval": 1}',
            )


def check_split_name(name: object) -> None:
    """Raise `UsageError` unless ``name`` can name a split, and so a folder, anywhere."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise UsageError(
            f"{name!r} cannot name a split",
            expected="letters of a to z, digits, '_' and '-', since it names a folder too",
            got=repr(name),
        )


def check_columns(split_by: Sequence[str] | None, columns: Sequence[str]) -> None:
    """Raise `UsageError` unless ``split_by`` names columns, each of them one of ``columns``."""
    if split_by is None:
        return
    if isinstance(split_by, str) or not split_by:
        raise UsageError(
            "split_by is wrong",
            expected="a list of column names",
            got=f"split_by={split_by!r}",
            fix=f"split_by=[{split_by!r}]" if split_by else "leave it out to hash whole rows",
        )
    for name in split_by:
        if name not in columns:
            raise UsageError(
                f"split_by names a column '{name}' that the data does not have",
                expected="columns of the data",
                got=f"split_by={list(split_by)!r}",
                fix=nearest(name, columns),
            )


def check_counts(counts: Mapping[str, int], rows: int, split_by: Sequence[str] | None) -> None:
    """Raise `DataError` if a split has no rows, or if rows were lost."""
    if sum(counts.values()) != rows:  # cannot be, and must not be
        raise DataError(f"splitting {rows} rows gave {sum(counts.values())}")
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        keys = f"; rows that agree in {', '.join(split_by)} stay together" if split_by else ""
        raise DataError(
            f"split '{empty[0]}' has no rows",
            expected="at least one row in each split",
            got=", ".join(f"{name}: {count}" for name, count in counts.items())
            + f" of {rows} rows{keys}",
            fix="give more data or fewer splits, or split it yourself: Examples.from_frames",
        )
