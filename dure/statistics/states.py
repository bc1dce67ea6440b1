"""The state of one split: of its columns, its slices and its aggregates, for any of its parts.

A part is described alone, by `describe_part`, anywhere; the states of parts are put together in
their order. Nothing here knows how many workers there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import polars as pl
from numpy.typing import NDArray

from dure.data.naming import pick, unnamed
from dure.data.slicing import SliceSpec, groups
from dure.data.types import element
from dure.errors import UsageError, nearest
from dure.statistics import tables, weights
from dure.statistics.aggregate import Aggregate
from dure.statistics.attach import attached
from dure.statistics.columns import ColumnState, Limits, series_of, states_of, types_of
from dure.statistics.options import StatisticsOptions
from dure.statistics.tables import Ints, Table

SLICES = 1000
"""The most slices of one `SliceSpec` whose states are kept; beyond it, the largest."""


Arrays = tuple[NDArray[Any], Ints]


class Shard(Protocol):
    """Some rows; `dure.data.parts.Part` is one."""

    @property
    def rows(self) -> int:
        """How many."""
        ...

    def frame(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return them, with only some columns."""
        ...


@dataclass(frozen=True)
class Plan:
    """What to compute of each part. It can be pickled.

    Parameters
    ----------
    columns : mapping of str to str
        The types of all columns of the data.
    options : StatisticsOptions
        What was asked for.
    """

    columns: Mapping[str, str]
    options: StatisticsOptions

    def __post_init__(self) -> None:
        named = [*(self.options.columns or ()), *self.options.weights]
        named += [*self.options.weights.values(), *filter(None, [self.options.weight])]
        for name in named:
            if name not in self.columns:
                raise UsageError(
                    f"the options of statistics name a column '{name}' that is not there",
                    expected="columns of the data",
                    fix=nearest(name, self.columns),
                )
        for spec in self.options.slices:
            spec.needs(self.columns)

    @property
    def described(self) -> dict[str, str]:
        """The columns that get statistics, with their types."""
        wanted = self.options.columns
        return {n: kind for n, kind in self.columns.items() if wanted is None or n in wanted}

    def weigh(self) -> dict[str, str | None]:
        """Return the weight of each column."""
        return {name: self.options.weight_of(name) for name in self.described}

    def aggregates(self) -> tuple[Aggregate[Any], ...]:
        """Return what is computed beside the statistics of columns."""
        return attached(types_of(self.described), self.options)

    def reads(self, aggregates: Sequence[Aggregate[Any]]) -> list[str]:
        """Return the columns that a part is read with, in the order of the data."""
        wanted = {*self.described, *filter(None, self.weigh().values())}
        wanted |= {self.options.weight} if self.options.weight else set()
        for spec in self.options.slices:
            wanted |= set(spec.needs(self.columns))
        for one in aggregates:
            wanted |= {name for name in one.columns if name in self.columns}
        return [name for name in self.columns if name in wanted]


@dataclass(slots=True)
class RowsState:
    """The columns of some rows.

    Parameters
    ----------
    rows : int
        How many.
    weight : int
        The sum of their weights, in units of `dure.statistics.weights.UNIT`.
    columns : dict of str to ColumnState
        By dotted path.
    """

    columns: dict[str, ColumnState]
    rows: int = 0
    weight: int = 0

    def merge(self, other: RowsState) -> None:
        """Add other rows."""
        self.rows += other.rows
        self.weight += other.weight
        for name, state in self.columns.items():
            state.merge(other.columns[name])


@dataclass(slots=True)
class SplitState:
    """All rows of a split, their slices, and the states of aggregates.

    Parameters
    ----------
    all : RowsState
        All rows.
    slices : list of dict of str to RowsState
        For each `SliceSpec` the states of its slices by name.
    aggregates : list of Any
        The states of `Plan.aggregates`, in their order.
    """

    all: RowsState
    slices: list[dict[str, RowsState]] = field(default_factory=list)
    aggregates: list[Any] = field(default_factory=list)

    def merge(self, other: SplitState, aggregates: Sequence[Aggregate[Any]]) -> None:
        """Add the rows of a later part; ``other`` may be used up."""
        self.all.merge(other.all)
        for mine, theirs in zip(self.slices, other.slices, strict=True):
            for name, state in theirs.items():
                if name in mine:
                    mine[name].merge(state)
                else:
                    mine[name] = state
            _keep_largest(mine)
        self.aggregates = [
            one.merge(a, b)
            for one, a, b in zip(aggregates, self.aggregates, other.aggregates, strict=True)
        ]


def empty_rows(plan: Plan, limits: Limits) -> RowsState:
    """Return the state of no rows."""
    return RowsState(states_of(plan.described, limits, plan.weigh()))


def empty_split(plan: Plan, aggregates: Sequence[Aggregate[Any]]) -> SplitState:
    """Return the state of a split without rows."""
    return SplitState(
        empty_rows(plan, Limits.of(len(types_of(plan.described)))),
        [{} for _ in plan.options.slices],
        [one.init() for one in aggregates],
    )


def describe_part(part: Shard, plan: Plan, aggregates: Sequence[Aggregate[Any]]) -> SplitState:
    """Return the state of one part."""
    state = empty_split(plan, aggregates)
    frame = part.frame(plan.reads(aggregates))
    by = {name: weights.weights_of(frame[name]) for name in _weights(plan)}
    watched: dict[str, list[int]] = {}
    for index, one in enumerate(aggregates):
        if one.place in ("custom", "semantic"):
            watched.setdefault(one.columns[0], []).append(index)
    _add_rows(state.all, frame, plan, by, _Watch(watched, aggregates, state.aggregates))
    for index, one in enumerate(aggregates):
        if one.place not in ("custom", "semantic"):
            state.aggregates[index] = one.update(state.aggregates[index], pick(frame, one.columns))
    for found, spec in zip(state.slices, plan.options.slices, strict=True):
        _add_slices(found, frame, plan, by, spec)
    return state


@dataclass(slots=True)
class _Watch:
    """Hands columns to the aggregates that want them, while they are at hand."""

    of: Mapping[str, list[int]]
    aggregates: Sequence[Aggregate[Any]]
    states: list[Any]

    def see(self, name: str, rows: pl.Series, table: Table | pl.DataFrame | None) -> None:
        values: pl.DataFrame | Arrays | None = None
        for index in self.of.get(name, ()):
            one, state = self.aggregates[index], self.states[index]
            if one.reads == "values":
                values = _values(rows, table) if values is None else values
                if isinstance(values, tuple):
                    self.states[index] = one.update_numbers(state, *values)
                else:
                    self.states[index] = one.update(state, values)
            else:
                self.states[index] = one.update(state, rows.alias(name).to_frame())


def _add_rows(
    state: RowsState,
    frame: pl.DataFrame,
    plan: Plan,
    by: Mapping[str, Ints],
    watch: _Watch | None = None,
) -> None:
    state.rows += frame.height
    if plan.options.weight is not None:
        state.weight += weights.total(by[plan.options.weight])
    for column in plan.described:
        weight = plan.options.weight_of(column)
        own = None if weight is None else by[weight]
        for name, rows, some in series_of(column, unnamed(frame[column]), own):
            table = state.columns[name].update(rows, some)
            if watch is not None and name in watch.of:
                watch.see(name, rows, table)


def _add_slices(
    found: dict[str, RowsState],
    frame: pl.DataFrame,
    plan: Plan,
    by: Mapping[str, Ints],
    spec: SliceSpec,
) -> None:
    made = groups(frame, spec)
    # Rows of one slice stand together after one gather; a slice is a view of it.
    together = frame[made.order]
    weighed = {name: weight[:, made.order] for name, weight in by.items()}
    # A slice gets a part of the room, however many there are.
    limits = Limits.of(len(plan.described) * 64)
    for name, start, length in made:
        state = empty_rows(plan, limits)
        some = {one: weight[:, start : start + length] for one, weight in weighed.items()}
        _add_rows(state, together.slice(start, length), plan, some)
        found[name] = state
    _keep_largest(found)


def _keep_largest(found: dict[str, RowsState]) -> None:
    if len(found) > SLICES:
        ranked = sorted(found, key=lambda name: (-found[name].rows, name))
        for name in ranked[SLICES:]:
            del found[name]


def _weights(plan: Plan) -> list[str]:
    named = [plan.options.weight, *plan.weigh().values()]
    return list(dict.fromkeys(name for name in named if name is not None))


def _values(rows: pl.Series, table: Table | pl.DataFrame | None) -> pl.DataFrame | Arrays:
    """Return the distinct values with their counts, ordered by value; numbers as arrays."""
    if isinstance(table, pl.DataFrame):
        return table.select("value", "count").sort("value")
    if isinstance(table, Table) and not isinstance(rows.dtype, pl.List):
        if rows.dtype.is_integer():
            return table.keys, table.counts
        # As many as are in the table: then none of them is NaN or infinite.
        if int(table.counts.sum()) == len(rows) - rows.null_count():
            return tables.floats_of(table.keys), table.counts
    while isinstance(rows.dtype, pl.List):
        rows = rows.drop_nulls()
        rows = rows.filter(rows.list.len() > 0).explode()
    counted = pl.DataFrame({"value": rows}).drop_nulls().group_by("value")
    found = counted.agg(pl.len().cast(pl.Int64).alias("count")).sort("value")
    if isinstance(table, Table):
        return found["value"].to_numpy(), found["count"].to_numpy()
    return found


def elements(plan: Plan) -> dict[str, str]:
    """Return the type inside all lists of each described column and field."""
    return {name: element(kind) for name, kind in types_of(plan.described).items()}
