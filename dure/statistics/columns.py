"""The state of one column of any type, and how columns with lists and structs are taken apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from dure.data.hashing import digests
from dure.data.naming import fields_of, unnamed
from dure.data.types import depth, dtype_of, element, type_of
from dure.errors import DataError
from dure.statistics import numbers, texts, weights
from dure.statistics.numbers import NumberState
from dure.statistics.tables import Ints, Table
from dure.statistics.texts import TextState

Body = NumberState | TextState
_LENGTHS = 1 << 12


@dataclass(frozen=True)
class Limits:
    """How much the states of one data set may hold; its number of columns decides."""

    numbers: int
    texts: tuple[int, int]

    @classmethod
    def of(cls, columns: int) -> Limits:
        """Return the limits for so many columns."""
        return cls(numbers.limit_for(columns), texts.limits_for(columns))


@dataclass(slots=True)
class LevelState:
    """The lists of one level: how many are there, and how long they are."""

    present: int = 0
    missing: int = 0
    total: int = 0
    lengths: NumberState = field(default_factory=lambda: NumberState(True, _LENGTHS))

    def merge(self, other: LevelState) -> None:
        """Add other lists."""
        self.present += other.present
        self.missing += other.missing
        self.total += other.total
        self.lengths.merge(other.lengths)


@dataclass(slots=True)
class ColumnState:
    """Everything about one column, or one field of a struct.

    Parameters
    ----------
    path : tuple of str
        The names that lead to it.
    type : str
        As in `Examples.columns`.
    weight : str or None
        The column that weighs its rows.
    count, missing, values : int
        Rows with and without a value, and values inside lists that are not null.
    levels : list of LevelState
        From the outermost list inwards.
    body : NumberState, TextState or None
        Of the values. Of bytes a `NumberState` of their 64-bit digests, which only tells how many
        differ. None for bool and structs.
    true : int
        How many values are so, in a bool column.
    sizes : NumberState or None
        Of bytes: their lengths.
    weights : list of int
        Sums of the weights of rows with a value, of those without, and of values, in units of
        `dure.statistics.weights.UNIT`.
    """

    path: tuple[str, ...]
    type: str
    weight: str | None = None
    count: int = 0
    missing: int = 0
    values: int = 0
    levels: list[LevelState] = field(default_factory=list)
    body: Body | None = None
    true: int = 0
    sizes: NumberState | None = None
    weights: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    def merge(self, other: ColumnState) -> None:
        """Add the rows of another state, which stays as it is."""
        self.count += other.count
        self.missing += other.missing
        self.values += other.values
        self.true += other.true
        self.weights = [a + b for a, b in zip(self.weights, other.weights, strict=True)]
        for mine, theirs in zip(self.levels, other.levels, strict=True):
            mine.merge(theirs)
        _merge(self.sizes, other.sizes)
        _merge(self.body, other.body)

    def update(self, rows: pl.Series, by: Ints | None = None) -> Table | pl.DataFrame | None:
        """Add rows and return the table of their values, where there is one."""
        missing = rows.null_count()
        self.missing += missing
        self.count += len(rows) - missing
        if by is not None:
            whole, present = weights.total(by), by
            if missing:
                present = by[:, rows.is_not_null().to_numpy()]
            there = weights.total(present)
            self.weights[0] += there
            self.weights[1] += whole - there
            by = present
        inner, gone = (rows.drop_nulls() if missing else rows), missing
        for level in self.levels:
            level.missing += gone
            inner, by, gone = _open(level, inner, by)
        self.values += len(inner)
        if by is not None:
            self.weights[2] += weights.total(by)
        return self._take(inner, by)

    def _take(self, values: pl.Series, by: Ints | None) -> Table | pl.DataFrame | None:
        if isinstance(self.body, TextState):
            return self.body.update(values, by)
        if self.sizes is not None and isinstance(self.body, NumberState):
            self.sizes.update(values.bin.size().to_numpy().astype(np.int64), by)
            self.body.update(digests(values.to_list()).view(np.int64))
            return None
        if isinstance(self.body, NumberState):
            return self.body.update(values.to_numpy(), by)
        if isinstance(values.dtype, pl.Boolean):
            self.true += int(values.sum())
        return None


def _merge(mine: Body | None, theirs: Body | None) -> None:
    if isinstance(mine, NumberState):
        assert isinstance(theirs, NumberState)
        mine.merge(theirs)
    elif isinstance(mine, TextState):
        assert isinstance(theirs, TextState)
        mine.merge(theirs)


def _open(
    level: LevelState, lists: pl.Series, by: Ints | None
) -> tuple[pl.Series, Ints | None, int]:
    """Add lists, none of them null, to a level; return their entries, less those that are null.

    Also how many those are: a level below counts them as missing.
    """
    lengths = lists.list.len().to_numpy().astype(np.int64)
    total = int(lengths.sum())
    level.present += len(lists)
    level.total += total
    level.lengths.update(lengths)
    entries = lists.filter(pl.Series(lengths > 0)).explode() if total else lists.clear().explode()
    if by is not None:
        by = np.repeat(by, lengths, axis=1)
    gone = entries.null_count()
    if gone:
        if by is not None:
            by = by[:, entries.is_not_null().to_numpy()]
        entries = entries.drop_nulls()
    return entries, by, gone


def states_of(
    columns: Mapping[str, str],
    limits: Limits,
    weigh: Mapping[str, str | None],
) -> dict[str, ColumnState]:
    """Return empty states of columns and of the fields in their structs, by dotted path.

    Parameters
    ----------
    columns : mapping of str to str
        Types by name.
    limits : Limits
        How much a state may hold.
    weigh : mapping of str to str or None
        The weight of each column, by its name.

    Raises
    ------
    DataError
        A column and a field of a struct have one name.
    """
    found: dict[str, ColumnState] = {}
    for name, kind in columns.items():
        for path, inner in _paths((name,), kind):
            state = _empty(path, inner, limits, weigh.get(name))
            if state.name in found:
                raise DataError(
                    f"two columns are called '{state.name}'",
                    expected="names that differ, also from the paths of fields: struct.field",
                    got=f"{found[state.name].path} and {path}",
                    fix="rename one of them",
                )
            found[state.name] = state
    return found


def types_of(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the type of each column and of each field in its structs, by dotted path."""
    return {
        ".".join(path): inner
        for name, kind in columns.items()
        for path, inner in _paths((name,), kind)
    }


def _paths(path: tuple[str, ...], kind: str) -> Iterator[tuple[tuple[str, ...], str]]:
    yield path, kind
    if not element(kind).startswith("struct["):
        return
    dtype = dtype_of(element(kind))
    assert isinstance(dtype, pl.Struct)
    for one in dtype.fields:
        yield from _paths((*path, one.name), type_of(one.dtype))  # type: ignore[arg-type] # an instance here


def _empty(path: tuple[str, ...], kind: str, limits: Limits, weight: str | None) -> ColumnState:
    inner, weighted = element(kind), weight is not None
    state = ColumnState(path, kind, weight, levels=[LevelState() for _ in range(depth(kind))])
    if inner in ("int", "float"):
        state.body = NumberState(inner == "int", limits.numbers, weighted)
    elif inner == "string":
        state.body = TextState(limits.texts, weighted)
    elif inner == "bytes":
        state.body = NumberState(True, limits.numbers)
        state.sizes = NumberState(True, limits.numbers, weighted)
    return state


def series_of(
    name: str, rows: pl.Series, by: Ints | None
) -> Iterator[tuple[str, pl.Series, Ints | None]]:
    """Yield a column, and the fields of its structs where these are there, with their weights."""
    yield name, rows, by
    if isinstance(rows.dtype, pl.List) and not _has_struct(rows.dtype):
        return
    while isinstance(rows.dtype, pl.List):
        if by is not None:
            by = by[:, rows.is_not_null().to_numpy()]
        rows, by, _ = _open(LevelState(), rows.drop_nulls(), by)
    if not isinstance(rows.dtype, pl.Struct):
        return
    if rows.null_count():
        if by is not None:
            by = by[:, rows.is_not_null().to_numpy()]
        rows = rows.drop_nulls()
    for one, values in zip(rows.struct.fields, fields_of(rows), strict=True):
        yield from series_of(f"{name}.{one}", unnamed(values), by)


def _has_struct(dtype: object) -> bool:
    while isinstance(dtype, pl.List):
        dtype = dtype.inner
    return isinstance(dtype, pl.Struct)
