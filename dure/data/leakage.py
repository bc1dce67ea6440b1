"""Leakage: groups, or whole rows, that stand in two splits.

A model that is judged on a customer whom it has learned looks better than it is. The check is
exact: candidates are found by a hash of 64 bits, and then compared by their values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.examples import Examples
from dure.data.hashing import Hashes, row_hashes
from dure.errors import DataError, UsageError, nearest

_EXAMPLES = 20
_BYTES = 16  # of a row's hash, in a list and in the one that is made of it


@dataclass(frozen=True)
class Leakage:
    """Which groups stand in more than one split.

    Parameters
    ----------
    columns : tuple of str
        The columns whose values name a group; all of them for whole rows.
    groups : int
        How many groups stand in more than one split.
    rows : dict of str to int
        How many rows of those groups each split has.
    examples : tuple of (dict, dict)
        Up to 20 groups: their values, and how many rows of each are in which split. In the
        order of their hashes, so that the same data gives the same ones.
    """

    columns: tuple[str, ...]
    groups: int
    rows: dict[str, int]
    examples: tuple[tuple[dict[str, Any], dict[str, int]], ...]

    def __bool__(self) -> bool:
        return self.groups > 0


def find_leakage(
    examples: Examples, columns: Sequence[str] | None = None, *, memory: int = 1 << 30
) -> Leakage:
    """Return which groups stand in more than one split.

    Parameters
    ----------
    examples : Examples
        The splits.
    columns : sequence of str, optional
        Columns whose values name a group, such as ``["customer_id"]``; missing values are one
        group. Default: all, so that equal rows are found.
    memory : int
        About how many bytes may be taken. Where the hashes of all rows need more, they are
        looked at in several passes, some at a time.

    Returns
    -------
    Leakage
        True if there is any.

    Raises
    ------
    UsageError
        There is no such column.

    Examples
    --------
    >>> one, two = pl.DataFrame({"id": [1, 2]}), pl.DataFrame({"id": [2, 3]})
    >>> find_leakage(Examples.from_frames({"train": one, "eval": two}), ["id"]).examples
    (({'id': 2}, {'train': 1, 'eval': 1}),)
    """
    names = _checked(examples, columns)
    passes = 1 + sum(examples.rows.values()) * _BYTES // memory
    groups, rows = 0, dict.fromkeys(examples.splits, 0)
    shown: list[tuple[dict[str, Any], dict[str, int]]] = []
    for number in range(passes if len(examples.splits) > 1 else 0):
        found = _verified(examples, names, _candidates(examples, names, number, passes))
        groups += found.height
        for split in examples.splits:
            rows[split] += int(found[_count(split)].sum())
        shown += [_shown(row, names, examples.splits) for row in found.head(_EXAMPLES).iter_rows()]
    return Leakage(tuple(names), groups, rows, tuple(shown[:_EXAMPLES]))


def check_no_leakage(examples: Examples, columns: Sequence[str], *, memory: int) -> None:
    """Raise `DataError` if a group stands in two splits; no columns: if a row does."""
    found = find_leakage(examples, columns or None, memory=memory)
    if not found:
        return
    values, counts = found.examples[0]
    what = f"groups of {', '.join(columns)}" if columns else "equal rows"
    places = " and ".join(f"{rows:,} in {split}" for split, rows in counts.items() if rows)
    raise DataError(
        f"{found.groups:,} {what} stand in more than one split",
        expected="none",
        got=f"such as {_cut(values)}: {places}",
        fix=f"split_by={list(columns)!r} keeps each group in one split"
        if columns
        else "split by the hash of the row, which keeps equal rows together, or remove doubles",
    )


def _checked(examples: Examples, columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return list(examples.columns)
    if isinstance(columns, str) or not columns:
        raise UsageError(
            "the columns that name a group are wrong",
            expected='a list of column names, such as ["customer_id"]',
            got=f"{columns!r}",
        )
    for name in columns:
        if name not in examples.columns:
            raise UsageError(
                f"there is no column '{name}' in the examples",
                expected="columns of the examples",
                got=f"{list(columns)!r}",
                fix=nearest(name, examples.columns),
            )
    return list(columns)


def _candidates(examples: Examples, names: list[str], number: int, passes: int) -> Hashes:
    """Return the hashes that stand in more than one split, rising."""
    each = [
        np.unique(np.concatenate(list(_hashed(examples, split, names, number, passes))))
        for split in examples.splits
    ]
    everywhere = np.sort(np.concatenate(each))
    again = everywhere[1:] == everywhere[:-1]
    return np.unique(everywhere[1:][again])


def _hashed(
    examples: Examples, split: str, names: list[str], number: int, passes: int
) -> Iterator[Hashes]:
    for part in examples.parts(split):
        found = row_hashes(part.frame(names))
        if passes > 1:
            found = found[found % np.uint64(passes) == np.uint64(number)]
        yield found


def _verified(examples: Examples, names: list[str], candidates: Hashes) -> pl.DataFrame:
    """Return the groups among the candidates that do stand in two splits, with their counts."""
    keys = [f"{index}" for index in range(len(names))]  # no clash with the columns of counts
    counts = [_count(split) for split in examples.splits]
    tables: list[pl.DataFrame] = []
    for split in examples.splits if len(candidates) else ():
        for part in examples.parts(split):
            frame = part.frame(names)
            found = row_hashes(frame)
            inside = _among(found, candidates)
            if not inside.any():
                continue
            some = frame.filter(pl.Series(inside)).rename(dict(zip(names, keys, strict=True)))
            some = some.with_columns(pl.Series("hash", found[inside]))
            grouped = some.group_by("hash", *keys).agg(pl.len().cast(pl.Int64).alias("rows"))
            tables.append(
                grouped.select(
                    "hash",
                    *keys,
                    *(
                        pl.col("rows").alias(c)
                        if c == _count(split)
                        else pl.lit(0, pl.Int64).alias(c)
                        for c in counts
                    ),
                )
            )
    if not tables:
        return pl.DataFrame(schema=dict.fromkeys(["hash", *keys, *counts], pl.Int64))
    whole = pl.concat(tables).group_by("hash", *keys).agg(pl.col(count).sum() for count in counts)
    several = pl.sum_horizontal(pl.col(count) > 0 for count in counts) > 1
    return whole.filter(several).sort("hash")


def _among(hashes: Hashes, candidates: Hashes) -> NDArray[np.bool_]:
    at = np.searchsorted(candidates, hashes)
    among: NDArray[np.bool_] = candidates[np.minimum(at, len(candidates) - 1)] == hashes
    return among


def _count(split: str) -> str:
    return f"rows in {split}"


def _shown(
    row: tuple[Any, ...], names: Sequence[str], splits: Sequence[str]
) -> tuple[dict[str, Any], dict[str, int]]:
    values = dict(zip(names, row[1 : 1 + len(names)], strict=True))
    return values, dict(zip(splits, row[1 + len(names) :], strict=True))


def _cut(values: dict[str, Any]) -> str:
    text = ", ".join(f"{name}={value!r}" for name, value in values.items())
    return text if len(text) <= 200 else text[:199] + "…"
