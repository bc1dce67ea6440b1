"""Compute `Statistics`: each part of the data alone, then put together in the order of parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from dure.data.examples import Examples
from dure.data.slicing import quantile_bins
from dure.errors import UsageError, nearest
from dure.progress import Progress, silent
from dure.statistics import storing
from dure.statistics.aggregate import Aggregate
from dure.statistics.finish import finish
from dure.statistics.options import StatisticsOptions
from dure.statistics.states import Plan, Shard, SplitState, describe_part, empty_split
from dure.statistics.statistics import Statistics

if TYPE_CHECKING:
    from dure.engines import Engine

_DEFAULT = StatisticsOptions()


def describe(
    examples: Examples | pl.DataFrame | pl.LazyFrame,
    *,
    split: str = "train",
    options: StatisticsOptions | None = None,
    engine: Engine | None = None,
    previous: Statistics | None = None,
    progress: Progress = silent,
) -> Statistics:
    """Return the statistics of each column of each split.

    Parameters
    ----------
    examples : Examples or polars.DataFrame or polars.LazyFrame
        The data.
    split : str
        What to call the only split, if ``examples`` is a frame.
    options : StatisticsOptions, optional
        What to compute; default: everything about single columns. Those of ``previous``, if that
        is given and this is not.
    engine : Engine, optional
        Where parts are described; default: here, one after the other.
    previous : Statistics, optional
        Of the data before: the result is of both, and the same as if both were described at once.
    progress : Progress
        Is told how many rows are described.

    Returns
    -------
    Statistics
        The same bytes on every engine and with any number of workers. Independent of the order of
        the rows, but for texts of which there were too many to keep: see `Exactness`.

    Raises
    ------
    UsageError
        ``examples`` is something else, ``options`` name a column that is not there, or
        ``previous`` has other columns or options.
    DataError
        The frame is empty, or a weight is negative or not a number.

    Notes
    -----
    Time is O(rows log distinct) a column. Memory is that of one part of the data, and of at most
    16 million distinct numbers and 64 MiB of distinct texts over all columns of a split.

    Examples
    --------
    >>> describe(pl.DataFrame({"a": [1, 2, None]})).splits["train"].columns["a"].mean
    1.5
    """
    data = _examples(examples, split)
    if options is None:
        options = previous.options if previous is not None else _DEFAULT
    plan = Plan(data.columns, _with_edges(options, data, previous))
    aggregates = plan.aggregates()
    states = {} if previous is None else _continued(previous, plan)
    total, done = sum(data.rows.values()), 0
    for name in data.splits:
        state = states.setdefault(name, empty_split(plan, aggregates))
        parts = data.parts(name)
        for part, found in zip(parts, _map(parts, plan, aggregates, engine), strict=True):
            state.merge(found, aggregates)
            done += part.rows
            progress(done, total, unit="rows", note=name)
    return statistics_of(states, plan, aggregates)


def merge(first: Statistics, second: Statistics) -> Statistics:
    """Return the statistics of the data of both, the ``first`` being the earlier.

    Splits of one name are put together; others stand side by side.

    Raises
    ------
    UsageError
        They have other columns or options, or came without their states.
    """
    plan = _plan_of(first)
    aggregates = plan.aggregates()
    states = first.copy_states()
    _check_same(second, plan)
    for name, state in second.copy_states().items():
        if name in states:
            states[name].merge(state, aggregates)
        else:
            states[name] = state
    return statistics_of(states, plan, aggregates)


def statistics_of(
    states: dict[str, SplitState], plan: Plan, aggregates: Sequence[Aggregate[Any]]
) -> Statistics:
    """Return the statistics that states amount to."""
    return Statistics(
        finish(states, plan, aggregates),
        options=plan.options,
        types=plan.columns,
        states=states,
    )


@dataclass(frozen=True)
class Job:
    """A part and what to compute of it, for a worker."""

    part: Shard
    plan: Plan


def work(job: Job) -> bytes:
    """Return the state of one part as bytes; what a worker runs."""
    aggregates = job.plan.aggregates()
    return storing.dumps(describe_part(job.part, job.plan, aggregates), aggregates)


def _map(
    parts: Sequence[Shard],
    plan: Plan,
    aggregates: Sequence[Aggregate[Any]],
    engine: Engine | None,
) -> Iterator[SplitState]:
    if engine is None:
        for part in parts:
            yield describe_part(part, plan, aggregates)
        return
    run: Callable[[Job], bytes] = work
    jobs = [Job(part, plan) for part in parts]
    most = max((part.rows for part in parts), default=0)
    memory = _memory(most, len(plan.columns))
    found: Iterable[bytes] = engine.map(run, jobs, memory=memory)
    for data in found:
        yield storing.loads(data, aggregates)


def _memory(rows: int, columns: int) -> int:
    """Return about how many bytes a worker needs: a part, its columns in order, and Polars."""
    return (1 << 28) + 4 * 8 * rows * columns


def _with_edges(
    options: StatisticsOptions, data: Examples, previous: Statistics | None
) -> StatisticsOptions:
    """Return options in which each number of bins became edges, from all values of the column.

    What goes on with ``previous`` has its edges: bins that move could not be added up.
    """
    if not any(isinstance(b, int) for spec in options.slices for b in spec.bins.values()):
        return options
    before = () if previous is None else previous.options.slices
    slices = []
    for index, spec in enumerate(options.slices):
        edges: dict[str, tuple[float, ...]] = {}
        if index < len(before) and replace(before[index], bins=spec.bins) == spec:
            slices.append(before[index])
            continue
        for column, bins in spec.bins.items():
            if isinstance(bins, int):
                values = [
                    part.frame([column])[column] for s in data.splits for part in data.parts(s)
                ]
                edges[column] = quantile_bins(pl.concat(values), bins)
        slices.append(spec.with_edges(edges))
    return replace(options, slices=tuple(slices))


def _examples(examples: object, split: str) -> Examples:
    if isinstance(examples, pl.LazyFrame):
        examples = examples.collect(engine="streaming")
    if isinstance(examples, pl.DataFrame):
        return Examples.from_frames({split: examples})
    if not isinstance(examples, Examples):
        raise UsageError(
            "describe got something that is no data",
            expected="Examples or a polars DataFrame",
            got=f"{type(examples).__module__}.{type(examples).__qualname__}",
            fix="dure.data.read(path) gives a DataFrame, dure.data.make_examples(path) Examples",
        )
    return examples


def _plan_of(statistics: Statistics) -> Plan:
    return Plan(statistics.types, statistics.options)


def _continued(previous: Statistics, plan: Plan) -> dict[str, SplitState]:
    _check_same(previous, plan)
    return previous.copy_states()


def _check_same(statistics: Statistics, plan: Plan) -> None:
    if statistics.options != plan.options:
        raise UsageError(
            "the statistics were made with other options",
            expected=f"{plan.options}",
            got=f"{statistics.options}",
            fix="describe both with the same options",
        )
    theirs, mine = dict(statistics.types), dict(plan.columns)
    if theirs == mine:
        return
    odd = next(name for name in [*mine, *theirs] if mine.get(name) != theirs.get(name))
    others = theirs if odd in mine else mine
    raise UsageError(
        f"the statistics have another column '{odd}'",
        expected=f"type {mine[odd]}" if odd in mine else "no such column",
        got=f"type {theirs[odd]}" if odd in theirs else "no such column",
        fix="give the column one type in both, with types= when the examples are made"
        if odd in mine and odd in theirs
        else f"describe data with the same columns, or rename one; {nearest(odd, others)}",
    )
