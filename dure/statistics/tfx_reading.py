"""What TFDV counted, from its messages; what it does not count is None."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from dure.statistics.model import (
    MAX_VALUES,
    QUANTILES,
    ColumnStatistics,
    Cross,
    Exactness,
    Histogram,
    Level,
    SplitStatistics,
    Weighted,
)
from dure.statistics.tfx_writing import KINDS, statistics_pb2

_SKETCH = 0.01  # the error in rank of TFDV's quantiles, by its default


def from_dataset(dataset: Any) -> SplitStatistics:
    """Return what a ``DatasetFeatureStatistics`` of TFDV says."""
    columns = {}
    for feature in dataset.features:
        column = _column(feature)
        columns[column.name] = column
    return SplitStatistics(
        dataset.num_examples,
        columns,
        weighted_rows=dataset.weighted_num_examples or None,
        crosses=tuple(
            Cross(
                ".".join(cross.path_x.step),
                ".".join(cross.path_y.step),
                cross.count,
                covariance=cross.num_cross_stats.covariance,
                pearson=cross.num_cross_stats.correlation,
            )
            for cross in dataset.cross_features
            if cross.HasField("num_cross_stats")
        ),
    )


def _column(feature: Any) -> ColumnStatistics:
    path = tuple(feature.path.step) or (feature.name,)
    kind = statistics_pb2().FeatureNameStatistics.Type.Name(feature.type)
    stats = getattr(feature, feature.WhichOneof("stats") or "num_stats")
    common = stats.common_stats
    element = {name: ours for ours, name in KINDS.items() if ours != "bool"}.get(kind, "struct[]")
    levels = _levels(common)
    found: dict[str, Any] = {
        "name": ".".join(path),
        "path": path,
        "type": "list[" * len(levels) + element + "]" * len(levels),
        "count": common.num_non_missing,
        "missing": common.num_missing,
        "total": common.tot_num_values if levels else None,
        "levels": levels,
    }
    if kind in ("INT", "FLOAT"):
        found |= _numbers(stats, common.tot_num_values, whole=kind == "INT")
    elif kind == "STRING":
        found |= _texts(stats)
    elif kind == "BYTES":
        found |= {
            "unique": stats.unique,
            "mean_length": stats.avg_num_bytes,
            "min_length": int(stats.min_num_bytes),
            "max_length": int(stats.max_num_bytes),
        }
    if common.HasField("weighted_common_stats"):
        found["weighted"] = _weighted(stats, common.weighted_common_stats)
    return ColumnStatistics(**found)


def _levels(common: Any) -> tuple[Level, ...]:
    if common.presence_and_valency_stats:
        return tuple(
            Level(
                one.num_non_missing,
                one.num_missing,
                one.min_num_values,
                one.max_num_values,
                one.tot_num_values,
            )
            for one in common.presence_and_valency_stats
        )
    few, many = common.min_num_values, common.max_num_values
    if not common.num_non_missing or (few == many == 1):
        return ()  # a list of one value each is a column without lists
    lengths = common.num_values_histogram
    return (
        Level(
            common.num_non_missing,
            common.num_missing,
            few,
            many,
            common.tot_num_values,
            _histogram(lengths.buckets) if lengths.buckets else None,
        ),
    )


def _numbers(stats: Any, total: int, *, whole: bool) -> dict[str, Any]:
    standard, quantiles = _histograms(stats.histograms)
    nan = next((one.num_nan for one in stats.histograms), 0)
    finite = total - nan
    infinite = [b for b in standard if math.isinf(b.low_value) and math.isinf(b.high_value)]
    above = int(sum(b.sample_count for b in infinite if b.low_value > 0))
    below = 1 if math.isinf(stats.min) and stats.min < 0 else 0  # TFDV says that there are some
    bounded = [b for b in standard if b not in infinite]
    known = finite > 0 and finite > above + below
    low = (
        stats.min
        if math.isfinite(stats.min)
        else min((b.high_value for b in bounded), default=None)
    )
    high = (
        stats.max
        if math.isfinite(stats.max)
        else max((b.high_value for b in bounded), default=None)
    )
    number = int if whole else float
    equal = (
        _histogram(bounded) if known and bounded and math.isfinite(bounded[0].low_value) else None
    )
    return {
        "mean": stats.mean if known and math.isfinite(stats.mean) else None,
        "std": stats.std_dev if known and math.isfinite(stats.std_dev) else None,
        "min": number(low) if known and low is not None else None,
        "max": number(high) if known and high is not None else None,
        "zeros": stats.num_zeros,
        "nan": nan,
        "positive_inf": above,
        "negative_inf": below,
        "quantiles": _at_quantiles(quantiles, stats.median) if known else None,
        "histogram": equal,
        "equal": equal,
        "exactness": Exactness(quantiles=_SKETCH),
    }


def _histograms(found: Iterable[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    by = {one.type: list(one.buckets) for one in found}
    kinds = statistics_pb2().Histogram
    return by.get(kinds.STANDARD, []), by.get(kinds.QUANTILES, [])


def _at_quantiles(buckets: Sequence[Any], median: float) -> tuple[float, ...] | None:
    """Return `QUANTILES` from TFDV's deciles, linear in between."""
    if not buckets or not all(
        math.isfinite(edge) for one in buckets for edge in (one.low_value, one.high_value)
    ):
        return None
    edges, below = [buckets[0].low_value], [0.0]
    for one in buckets:
        edges.append(one.high_value)
        below.append(below[-1] + one.sample_count)
    found = [_between(edges, below, at * below[-1]) for at in QUANTILES]
    found[QUANTILES.index(0.5)] = median
    return tuple(sorted(found))


def _between(edges: Sequence[float], below: Sequence[float], rank: float) -> float:
    for at in range(1, len(edges)):
        if rank <= below[at]:
            width = below[at] - below[at - 1]
            share = (rank - below[at - 1]) / width if width else 1.0
            return edges[at - 1] + share * (edges[at] - edges[at - 1])
    return edges[-1]


def _texts(stats: Any) -> dict[str, Any]:
    ranked = tuple((b.label, int(b.sample_count)) for b in stats.rank_histogram.buckets)
    top = tuple((one.value, int(one.frequency)) for one in stats.top_values)
    whole = len(ranked) == stats.unique <= MAX_VALUES
    return {
        "unique": stats.unique,
        "mean_bytes": stats.avg_length,
        "top": top,
        "values": ranked if whole else None,
    }


def _weighted(stats: Any, common: Any) -> Weighted:
    numbers = getattr(stats, "weighted_numeric_stats", None)
    texts = getattr(stats, "weighted_string_stats", None)
    standard, quantiles = _histograms(numbers.histograms) if numbers else ([], [])
    return Weighted(
        common.num_non_missing,
        common.num_missing,
        common.tot_num_values,
        mean=numbers.mean if numbers else None,
        std=numbers.std_dev if numbers else None,
        median=numbers.median if numbers else None,
        histogram=_histogram(standard) if standard else None,
        deciles=_histogram(quantiles) if quantiles else None,
        top=tuple((one.value, one.frequency) for one in texts.top_values) if texts else None,
    )


def _histogram(buckets: Sequence[Any]) -> Histogram:
    edges = (buckets[0].low_value, *(one.high_value for one in buckets))
    return Histogram(edges, tuple(one.sample_count for one in buckets))
