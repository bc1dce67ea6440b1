"""From states to statistics: everything that a page shows and a schema asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from dure.data.slicing import chosen
from dure.statistics import histogram, moments, sketch, texts, weights
from dure.statistics.aggregate import Aggregate
from dure.statistics.columns import ColumnState, LevelState
from dure.statistics.model import (
    BINS,
    DECILES,
    EXACT,
    MAX_VALUES,
    QUANTILES,
    TOP,
    ColumnStatistics,
    Exactness,
    Histogram,
    Level,
    SplitStatistics,
    Weighted,
)
from dure.statistics.numbers import NumberState
from dure.statistics.states import Plan, RowsState, SplitState
from dure.statistics.tables import Floats
from dure.statistics.texts import TextState

_UNITS = round(1 / weights.UNIT)
_SHAPED, _SHAPES, _LETTERS = 2000, 10, 100


def finish(
    states: Mapping[str, SplitState], plan: Plan, aggregates: Sequence[Aggregate[Any]]
) -> dict[str, SplitStatistics]:
    """Return the statistics of splits, with histograms on common edges."""
    edges: dict[str, Floats | None] = {}
    done = {}
    views = {name: _views(state.all) for name, state in states.items()}
    for column in next(iter(views.values())):
        edges[column] = common_edges([view[column] for view in views.values()])
    for name, state in states.items():
        whole = _rows(state.all, plan, views[name], edges)
        slices = {}
        for spec, some in zip(plan.options.slices, state.slices, strict=True):
            for one in chosen({label: rows.rows for label, rows in some.items()}, spec):
                slices[one] = _rows(some[one], plan, _views(some[one]), edges)
        done[name] = _with_aggregates(replace(whole, slices=slices), state, aggregates)
    return done


@dataclass
class View:
    """The numbers of a column, looked at from several sides, each computed once."""

    state: NumberState

    @cached_property
    def values(self) -> Floats:
        """A float for each key."""
        return self.state.values()

    @property
    def finite(self) -> bool:
        """Whether there is a finite value."""
        return len(self.state.table) > 0

    @cached_property
    def quantiles(self) -> tuple[float, ...]:
        """At `QUANTILES`; there is a finite value."""
        found = list(moments.quantiles(self.values, self.state.table.counts, QUANTILES))
        if not self.state.exact:
            found[0], found[-1] = float(self.known.low), float(self.known.high)
        return tuple(found)

    @cached_property
    def known(self) -> Any:
        """Extremes, signs and sums; there is a finite value."""
        return self.state.known()


def _views(rows: RowsState) -> dict[str, View | None]:
    found: dict[str, View | None] = {}
    for name, column in rows.columns.items():
        body = column.body
        if body is not None:
            body.compact()
        if column.sizes is not None:
            column.sizes.compact()
        is_number = isinstance(body, NumberState) and column.sizes is None
        found[name] = View(body) if is_number and isinstance(body, NumberState) else None
    return found


def common_edges(views: Iterable[View | None]) -> Floats | None:
    """Return edges for the histograms of one column in all splits, or None without values."""
    known = [view for view in views if view is not None and view.finite]
    if not known:
        return None
    return histogram.edges(
        float(min(view.known.low for view in known)),
        float(max(view.known.high for view in known)),
        min(view.quantiles[QUANTILES.index(0.01)] for view in known),
        max(view.quantiles[QUANTILES.index(0.99)] for view in known),
        whole=all(view.state.whole for view in known),
    )


def _rows(
    rows: RowsState,
    plan: Plan,
    views: Mapping[str, View | None],
    edges: Mapping[str, Floats | None],
) -> SplitStatistics:
    columns = {
        name: column_statistics(column, views[name], edges.get(name))
        for name, column in rows.columns.items()
    }
    weighted = None if plan.options.weight is None else rows.weight / _UNITS
    return SplitStatistics(rows.rows, columns, weighted)


def column_statistics(
    state: ColumnState, view: View | None, edges: Floats | None
) -> ColumnStatistics:
    """Return the statistics of one column, whose states are compact."""
    found: dict[str, Any] = {}
    if view is not None:
        found = _number(view, edges)
    elif isinstance(state.body, TextState):
        found = _text(state.body, state.values)
    elif state.sizes is not None:
        found = _bytes(state)
    elif state.type.endswith("bool") or state.type.strip("]").endswith("bool"):
        false = state.values - state.true
        found = {"true": state.true, "false": false, "unique": bool(state.true) + bool(false)}
    if found.get("unique") is not None:  # an estimate may pass what is possible
        found["unique"] = min(int(found["unique"]), state.values)
    return ColumnStatistics(
        name=state.name,
        type=state.type,
        count=state.count,
        missing=state.missing,
        path=state.path,
        total=state.values if state.levels else None,
        levels=tuple(map(_level, state.levels)),
        weighted=None if state.weight is None else _weighted(state, view),
        **found,
    )


def _number(view: View, edges: Floats | None) -> dict[str, Any]:
    state = view.state
    found: dict[str, Any] = {
        "unique": state.unique(),
        "nan": state.nan,
        "positive_inf": state.positive_inf,
        "negative_inf": state.negative_inf,
        "zeros": 0,
        "negative": 0,
    }
    values, counts = view.values, state.table.counts
    if edges is not None:
        found["histogram"] = _histogram(values, counts, edges)
    if not view.finite:
        return found
    known = view.known
    mean = known.sums.mean()
    skewness, kurtosis = moments.shape_of(values, counts, mean)
    equal = moments.equal_edges(float(known.low), float(known.high), BINS)
    return found | {
        "mean": mean,
        "std": known.sums.std(),
        "skewness": skewness,
        "kurtosis": kurtosis,
        "min": known.low,
        "max": known.high,
        "mad": moments.deviation(values, counts, view.quantiles[QUANTILES.index(0.5)]),
        "zeros": known.zeros,
        "negative": known.negative,
        "quantiles": view.quantiles,
        "equal": _histogram(values, counts, equal),
        "exactness": EXACT
        if state.exact
        else Exactness(unique=sketch.ERROR, quantiles=state.error(), moments=state.error()),
    }


def _histogram(values: Floats, counts: moments.Counts, edges: Floats) -> Histogram:
    found = moments.counts_between(values, counts, edges)
    return Histogram(tuple(edges.tolist()), tuple(found.tolist()))


def _text(state: TextState, total: int) -> dict[str, Any]:
    lengths = state.lengths
    found: dict[str, Any] = {
        "unique": state.unique(),
        "min_length": lengths.shortest,
        "max_length": lengths.longest,
        "mean_length": lengths.characters / total if total else None,
        "mean_bytes": lengths.bytes / total if total else None,
        "empty": lengths.empty,
        "blank": lengths.blank,
    }
    if state.table is None or not state.table.height:
        return (
            found
            | {"top": (), "values": () if state.complete else None, "patterns": ()}
            | (
                {"exactness": Exactness(unique=sketch.ERROR, counts=state.lost)}
                if not state.complete
                else {}
            )
        )
    few = state.table.height <= MAX_VALUES and state.complete
    kept = MAX_VALUES if few else _SHAPED
    # The most frequent first: only these are sorted by text.
    table = _most_frequent(state.table, kept)
    pairs = tuple(table.head(MAX_VALUES if few else TOP).select("value", "count").iter_rows())
    found |= {
        "top": pairs[:TOP],
        "values": pairs if few else None,
        "patterns": _patterns(table),
        "entropy": _entropy(state.table, total) if state.complete else None,
    }
    if not state.complete:
        found["exactness"] = Exactness(unique=sketch.ERROR, counts=state.lost)
    return found


def _most_frequent(table: pl.DataFrame, rows: int) -> pl.DataFrame:
    if table.height > 2 * rows:
        least = table["count"].top_k(rows).min()
        table = table.filter(pl.col("count") >= least)
    return texts.by_count(table).head(rows)


def _entropy(table: pl.DataFrame, total: int) -> float:
    # Over how often each count is there, in order: the same bits in whatever order texts lie.
    counts, times = np.unique(table["count"].to_numpy(), return_counts=True)
    shares = counts / total
    return max(0.0, float(-(times * shares * np.log2(shares)).sum()))


def _patterns(table: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    shape = pl.col("value").str.slice(0, _LETTERS)
    for what, mark in ((r"[\p{L}--\p{Lu}]+", "a"), (r"\p{Lu}+", "A"), (r"\p{Nd}+", "9")):
        shape = shape.str.replace_all(what, mark)
    found = table.select(shape, "count").group_by("value").agg(pl.col("count").sum())
    return tuple(texts.by_count(found).head(_SHAPES).iter_rows())


def _bytes(state: ColumnState) -> dict[str, Any]:
    assert isinstance(state.body, NumberState)
    assert state.sizes is not None
    found: dict[str, Any] = {"unique": state.body.unique()}
    if not state.body.exact:
        found["exactness"] = Exactness(unique=sketch.ERROR)
    if not len(state.sizes.table):
        return found | {"empty": 0}
    known = state.sizes.known()
    mean = known.sums.mean()
    return found | {
        "min_length": known.low,
        "max_length": known.high,
        "mean_length": mean,
        "mean_bytes": mean,
        "empty": known.zeros,
    }


def _level(state: LevelState) -> Level:
    state.lengths.compact()
    if not state.present:
        return Level(state.present, state.missing, 0, 0, state.total)
    known = state.lengths.known()
    counts = state.lengths.table.counts
    edges = moments.quantiles(state.lengths.values(), counts, DECILES)
    lengths = Histogram(edges, (state.present / BINS,) * BINS)
    return Level(
        state.present, state.missing, int(known.low), int(known.high), state.total, lengths
    )


def _weighted(state: ColumnState, view: View | None) -> Weighted:
    count, missing, total = (one / _UNITS for one in state.weights)
    whole = Weighted(count, missing, total)
    if isinstance(state.body, TextState) and state.body.table is not None:
        return replace(whole, top=_heaviest(state.body.table))
    if view is None or not view.finite:
        return whole
    by = weights.floats(view.state.table.sums[1:])
    if not by.sum():
        return whole
    mean, std = moments.mean_and_std(view.values, by)
    known = view.known
    equal = moments.equal_edges(float(known.low), float(known.high), BINS)
    deciles = moments.weighted_quantiles(view.values, by, DECILES)
    return replace(
        whole,
        mean=mean,
        std=std,
        median=deciles[BINS // 2],
        histogram=_histogram(view.values, by, equal),
        deciles=Histogram(deciles, (float(by.sum()) / BINS,) * BINS),
    )


def _heaviest(table: pl.DataFrame) -> tuple[tuple[str, float], ...]:
    by = np.stack([table["high"].to_numpy(), table["low"].to_numpy()])
    weighed = pl.DataFrame({"value": table["value"], "count": weights.floats(by)})
    return tuple(texts.by_count(weighed).head(TOP).iter_rows())


def _with_aggregates(
    split: SplitStatistics, state: SplitState, aggregates: Sequence[Aggregate[Any]]
) -> SplitStatistics:
    columns = dict(split.columns)
    crosses: list[Any] = []
    lifts: list[Any] = []
    custom: dict[str, Any] = {}
    for one, part in zip(aggregates, state.aggregates, strict=True):
        result = one.finish(part)
        if result is None:
            continue
        if one.place == "crosses":
            crosses += result
        elif one.place == "lifts":
            lifts += result
        elif one.place == "split":
            custom[one.name] = result
        else:
            column = columns[one.columns[0]]
            if one.place == "custom":
                column = replace(column, custom={**column.custom, one.name: result})
            else:
                column = replace(column, semantic=result)
            columns[column.name] = column
    return replace(
        split, columns=columns, crosses=tuple(crosses), lifts=tuple(lifts), custom=custom
    )
