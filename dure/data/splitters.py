"""What does the splitting that a `SplitBy` describes, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import lcm

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.collect import Splitter
from dure.data.hashing import Hashes, mix, row_hashes
from dure.data.naming import unnamed
from dure.data.split import assign, check_columns, check_ratios, check_split_name
from dure.data.split_by import SplitBy
from dure.data.times import time_key, time_keys
from dure.errors import DataError, UsageError

Positions = NDArray[np.int64]

_MOST_NAMES = 1000
_MOST_DEALT = 10_000
_TABLE = 1 << 20


class HashSplitter:
    """Rows go where their hash says."""

    drops: Sequence[str] = ()

    def __init__(self, ratios: Mapping[str, float], columns: Sequence[str] | None) -> None:
        self.names = list(ratios)
        self._ratios = ratios
        self._columns = columns

    def positions(self, frame: pl.DataFrame) -> Positions | None:
        """Return the position in `names` of the split of each row."""
        check_columns(self._columns, frame.columns)
        if len(self.names) == 1:
            return None
        return assign(row_hashes(frame, self._columns), self._ratios)


class StrataSplitter:
    """Rows of each stratum are dealt out in turn.

    A stratum is cut into runs of P rows, P being the sum of the shares as whole numbers. A run
    has a slot for each of its rows; which split a slot belongs to is a permutation, drawn from
    the hash of the stratum and the number of the run, of exactly as many slots as the shares say.
    """

    drops: Sequence[str] = ()

    def __init__(self, ratios: Mapping[str, float], columns: Sequence[str]) -> None:
        self.names = list(ratios)
        self._columns = columns
        self._ends = np.cumsum(_whole_numbers(ratios))
        self._seen: dict[int, int] = {}

    def positions(self, frame: pl.DataFrame) -> Positions:
        """Return the position in `names` of the split of each row."""
        check_columns(self._columns, frame.columns)
        strata, inside = np.unique(row_hashes(frame, self._columns), return_inverse=True)
        counts = np.bincount(inside, minlength=len(strata))
        order = np.argsort(inside, kind="stable")
        place = np.empty(len(inside), np.int64)
        place[order] = np.arange(len(inside)) - np.repeat(np.cumsum(counts) - counts, counts)
        before = np.array([self._seen.get(int(key), 0) for key in strata])
        self._seen.update(zip(strata.tolist(), (before + counts).tolist(), strict=True))
        run, slot = np.divmod(place + before[inside], self._ends[-1])
        return self._deal(strata[inside], run, slot)

    def _deal(self, strata: Hashes, run: Positions, slot: Positions) -> Positions:
        keys, which = np.unique(mix(strata ^ mix(run.astype(np.uint64))), return_inverse=True)
        order = np.argsort(which, kind="stable")
        begins = np.searchsorted(which[order], np.arange(len(keys) + 1))
        size = int(self._ends[-1])
        slots = mix(np.arange(1, size + 1, dtype=np.uint64))
        dealt = np.empty(len(which), np.int64)
        step = max(1, _TABLE // size)
        for start in range(0, len(keys), step):
            some = keys[start : start + step]
            draws = mix((some[:, None] ^ slots).ravel()).reshape(-1, size)
            ranks = np.argsort(np.argsort(draws, axis=1), axis=1)
            table = np.searchsorted(self._ends, ranks, side="right")
            rows = order[begins[start] : begins[start + len(some)]]
            dealt[rows] = table[which[rows] - start, slot[rows]]
        return dealt


class TimeSplitter:
    """Rows go where their time lies among the cuts."""

    drops: Sequence[str] = ()

    def __init__(self, names: Sequence[str], column: str, cuts: Sequence[float]) -> None:
        self.names = list(names)
        self._column = column
        self._cuts = np.asarray(cuts, np.float64)

    def positions(self, frame: pl.DataFrame) -> Positions:
        """Return the position in `names` of the split of each row."""
        check_columns([self._column], frame.columns)
        keys = time_keys(frame[self._column])
        return np.searchsorted(self._cuts, keys, side="right").astype(np.int64)


class ColumnSplitter:
    """Rows go to the split that they name."""

    def __init__(self, names: Sequence[str] | None, column: str) -> None:
        self.names = list(names or ())
        self._given = names is not None
        self._column = column
        self.drops: Sequence[str] = (column,)

    def positions(self, frame: pl.DataFrame) -> Positions:
        """Return the position in `names` of the split of each row."""
        check_columns([self._column], frame.columns)
        column = frame[self._column]
        if column.dtype not in (pl.String, pl.Int64, pl.Boolean):
            raise DataError(
                f"column '{self._column}' cannot name splits",
                expected="text, whole numbers or truth values",
                got=f"values of the type {column.dtype}",
            )
        named = unnamed(column).cast(pl.String)
        distinct = named.unique(maintain_order=True).to_list()
        known = set(self.names)
        for name in distinct:
            if name not in known:
                self._add(name)
        table = pl.DataFrame({"name": self.names, "at": np.arange(len(self.names))})
        return (
            pl.DataFrame({"name": named})
            .join(table, on="name", how="left", maintain_order="left")["at"]
            .to_numpy()
        )

    def _add(self, name: str | None) -> None:
        if name is None or self._given:
            raise DataError(
                f"a row has {name!r} in the column '{self._column}', which names its split"
                if name is not None
                else f"a row has no value in the column '{self._column}', which names its split",
                expected=f"one of {', '.join(self.names)}" if self._given else "a name",
                got="no value" if name is None else repr(name),
                fix="correct the column" + (", or name this split too" if name else ""),
            )
        try:
            check_split_name(name)
        except UsageError as error:
            raise DataError(
                f"column '{self._column}' has a value that cannot name a split",
                expected=error.expected,
                got=repr(name),
                fix="write other names into the column, or split by something else",
            ) from error
        if len(self.names) >= _MOST_NAMES:
            raise DataError(
                f"column '{self._column}' has more than {_MOST_NAMES:,} values",
                expected="a column whose few values are the names of splits",
                got=f"{', '.join(self.names[:5])}, …",
                fix="split_by=[…] keeps rows of one group together without naming splits",
            )
        self.names.append(name)


def splitter_for(
    by: SplitBy, splits: Mapping[str, float] | Sequence[str] | None, cuts: Sequence[float] = ()
) -> Callable[[], Splitter]:
    """Return what makes a splitter, after a look at whether the arguments fit together.

    Parameters
    ----------
    by : SplitBy
        How to split.
    splits : mapping of str to float, or sequence of str, or None
        Shares, or names where shares say nothing. None: two thirds "train", one third "eval";
        by a column: whatever it names.
    cuts : sequence of float
        For time by shares: where they cut, as found in a first pass.

    Raises
    ------
    UsageError
        They do not fit together.
    """
    if by.method == "column":
        names = None if splits is None else _names(splits)
        return lambda: ColumnSplitter(names, by.columns[0])
    if by.method == "time" and (by.cuts or cuts):
        names = _names(_DEFAULT if splits is None else splits)
        places = [time_key(cut) for cut in by.cuts] or list(cuts)
        _check_cuts(names, by, splits)
        return lambda: TimeSplitter(names, by.columns[0], places)
    ratios = _DEFAULT if splits is None else splits
    check_ratios(ratios)  # type: ignore[arg-type]  # it refuses what is no mapping
    assert isinstance(ratios, Mapping)
    if by.method == "strata":
        _whole_numbers(ratios)
        return lambda: StrataSplitter(ratios, by.columns)
    return lambda: HashSplitter(ratios, by.columns or None)


_DEFAULT: Mapping[str, float] = {"train": 2, "eval": 1}


def shares_of(splits: Mapping[str, float] | Sequence[str] | None) -> list[float]:
    """Return the shares of splits, which add up to 1.

    Raises
    ------
    UsageError
        They are none.
    """
    ratios = _DEFAULT if splits is None else splits
    check_ratios(ratios)  # type: ignore[arg-type]  # it refuses what is no mapping
    assert isinstance(ratios, Mapping)
    exact = [Fraction(str(share)) for share in ratios.values()]
    return [float(share / sum(exact)) for share in exact]


def _names(splits: Mapping[str, float] | Sequence[str]) -> list[str]:
    if isinstance(splits, str) or not splits:
        raise UsageError(
            "splits names no split",
            expected='names, such as ["train", "eval"]',
            got=f"splits={splits!r}",
        )
    for name in splits:
        check_split_name(name)
    names = list(splits)
    if len(set(names)) < len(names):
        raise UsageError(
            "splits names one split twice",
            expected="names that differ",
            got=f"splits={names!r}",
        )
    return names


def _check_cuts(
    names: Sequence[str], by: SplitBy, splits: Mapping[str, float] | Sequence[str] | None
) -> None:
    if by.cuts and isinstance(splits, Mapping):
        raise UsageError(
            "both cuts and shares say where splits end",
            expected='with cuts, names alone: splits=["train", "eval"]',
            got=f"splits={dict(splits)!r} and cuts={list(by.cuts)!r}",
        )
    if by.cuts and len(by.cuts) != len(names) - 1:
        raise UsageError(
            f"{len(by.cuts)} cuts do not part {len(names)} splits",
            expected="one cut fewer than splits",
            got=f"splits={list(names)!r} and cuts={list(by.cuts)!r}",
        )


def _whole_numbers(ratios: Mapping[str, float]) -> list[int]:
    """Return the least whole numbers in the proportions of ``ratios``."""
    exact = [Fraction(str(share)) for share in ratios.values()]
    common = lcm(*(share.denominator for share in exact))
    whole = [int(share * common) for share in exact]
    whole = [number // np.gcd.reduce(whole) for number in whole] if max(whole) < 2**62 else whole
    if sum(whole) > _MOST_DEALT:
        raise UsageError(
            "the shares are too fine to be dealt out",
            expected=f"shares that are whole numbers adding up to at most {_MOST_DEALT:,}",
            got=f"{dict(ratios)!r}, which add up to {sum(whole):,}",
            fix='round them, such as {"train": 8, "eval": 2}',
        )
    return [int(number) for number in whole]
