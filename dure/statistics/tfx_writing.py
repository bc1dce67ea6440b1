"""Statistics as messages of TFDV: what it counts, as it counts it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from dure.errors import MissingExtraError
from dure.statistics.model import (
    BINS,
    QUANTILES,
    ColumnStatistics,
    Histogram,
    Level,
    SplitStatistics,
    Weighted,
)
from dure.statistics.statistics import Statistics

KINDS = {"int": "INT", "bool": "INT", "float": "FLOAT", "string": "STRING", "bytes": "BYTES"}
_RANKS = 1000  # texts in TFDV's rank histogram


def statistics_pb2() -> Any:
    """Return the module of TFDV's messages.

    Raises
    ------
    MissingExtraError
        tensorflow-metadata is not installed.
    """
    try:
        from tensorflow_metadata.proto.v0 import statistics_pb2 as module
    except ImportError as error:
        raise MissingExtraError(
            "tensorflow-metadata", extra="tfx", purpose="reading and writing TFDV's statistics"
        ) from error
    return module


def to_proto(statistics: Statistics) -> Any:
    """Return a ``DatasetFeatureStatisticsList`` with a data set for each split and slice."""
    made = statistics_pb2().DatasetFeatureStatisticsList()
    for name, split in statistics.splits.items():
        _put_split(made.datasets.add(name=name), split)
        for label, part in split.slices.items():
            _put_split(made.datasets.add(name=label), part)
    return made


def _put_split(made: Any, split: SplitStatistics) -> None:
    made.num_examples = split.rows
    if split.weighted_rows is not None:
        made.weighted_num_examples = split.weighted_rows
    for column in split.columns.values():
        _put_column(made.features.add(), column)
    for cross in split.crosses:
        if cross.covariance is not None and cross.pearson is not None:
            found = made.cross_features.add(count=cross.count)
            found.path_x.step.extend(split.columns[cross.first].path)
            found.path_y.step.extend(split.columns[cross.second].path)
            found.num_cross_stats.covariance = cross.covariance
            found.num_cross_stats.correlation = cross.pearson


def _put_column(made: Any, column: ColumnStatistics) -> None:
    made.path.step.extend(column.path)
    kind = "STRUCT" if column.element.startswith("struct") else KINDS[column.element]
    made.type = getattr(statistics_pb2().FeatureNameStatistics, kind)
    if kind in ("INT", "FLOAT"):
        _put_numbers(made.num_stats, column)
        common = made.num_stats.common_stats
    elif kind == "STRING":
        _put_texts(made.string_stats, column)
        common = made.string_stats.common_stats
    elif kind == "BYTES":
        bytes_stats = made.bytes_stats
        bytes_stats.unique = column.unique or 0
        bytes_stats.avg_num_bytes = column.mean_length or 0.0
        bytes_stats.min_num_bytes = column.min_length or 0
        bytes_stats.max_num_bytes = bytes_stats.max_num_bytes_int = column.max_length or 0
        common = bytes_stats.common_stats
    else:
        common = made.struct_stats.common_stats
    _put_common(common, column)


def _put_common(common: Any, column: ColumnStatistics) -> None:
    levels = column.levels or (_single(column),)
    inner = levels[-1]
    common.num_non_missing, common.num_missing = column.count, column.missing
    common.tot_num_values = column.number_of_values
    if column.count:
        common.min_num_values, common.max_num_values = inner.min, inner.max
        common.avg_num_values = column.number_of_values / column.count
        if levels[0].lengths:
            _put_histogram(common.num_values_histogram, levels[0].lengths, "QUANTILES")
    if len(levels) > 1:
        for level in levels:
            common.presence_and_valency_stats.add(
                num_non_missing=level.present,
                num_missing=level.missing,
                min_num_values=level.min,
                max_num_values=level.max,
                tot_num_values=level.total,
            )
    if column.weighted is not None:
        weighted = common.weighted_common_stats
        weighted.num_non_missing, weighted.num_missing = (
            column.weighted.count,
            column.weighted.missing,
        )
        weighted.tot_num_values = column.weighted.total
        if column.weighted.count:
            weighted.avg_num_values = column.weighted.total / column.weighted.count


def _single(column: ColumnStatistics) -> Level:
    """Return the level of a column without lists: TFDV sees lists of one value."""
    one = Histogram((1.0,) * (BINS + 1), (column.count / BINS,) * BINS) if column.count else None
    few = 1 if column.count else 0
    return Level(column.count, column.missing, few, few, column.count, one)


def _put_numbers(made: Any, column: ColumnStatistics) -> None:
    if column.true is not None and column.false is not None:
        column = _truth_as_numbers(column)
    infinite = bool(column.inf)
    low, high = column.min, column.max
    # As TFDV: extremes may be infinite, and a mean over infinity is none.
    made.min = -math.inf if column.negative_inf else low or 0.0
    made.max = math.inf if column.positive_inf else high or 0.0
    made.mean = (math.nan if infinite else column.mean) or 0.0
    made.std_dev = (math.nan if infinite else column.std) or 0.0
    made.median = column.median or 0.0
    made.num_zeros = column.zeros or 0
    nan = column.nan or 0
    if column.equal is not None:
        standard = made.histograms.add(num_nan=nan)
        _put_histogram(standard, column.equal, "STANDARD")
        if column.positive_inf:
            standard.buckets.add(
                low_value=math.inf, high_value=math.inf, sample_count=column.positive_inf
            )
        if column.negative_inf:
            standard.buckets[0].low_value = -math.inf
            standard.buckets[0].sample_count += column.negative_inf
    if column.deciles is not None:
        _put_histogram(made.histograms.add(num_nan=nan), column.deciles, "QUANTILES")
    if column.weighted is not None:
        _put_weighted_numbers(made.weighted_numeric_stats, column.weighted)


def _put_weighted_numbers(made: Any, weighted: Weighted) -> None:
    made.mean, made.std_dev = weighted.mean or 0.0, weighted.std or 0.0
    made.median = weighted.median or 0.0
    for histogram, kind in ((weighted.histogram, "STANDARD"), (weighted.deciles, "QUANTILES")):
        if histogram is not None:
            _put_histogram(made.histograms.add(), histogram, kind)


def _truth_as_numbers(column: ColumnStatistics) -> ColumnStatistics:
    """Return a bool column as the column of 0 and 1 that TFDV sees."""
    true, false = column.true or 0, column.false or 0
    if not true + false:
        return column
    mean = true / (true + false)
    low, high = (0 if false else 1), (1 if true else 0)
    bins = [0.0] * BINS
    bins[0] += false
    bins[-1] += true
    edges = tuple(low + (high - low) * i / BINS for i in range(BINS + 1))
    # Linear between neighbours, as everywhere: the first 1 has the rank `false`.
    places = [at * (true + false - 1) - (false - 1) for at in QUANTILES]
    ranked = [min(1.0, max(0.0, place)) for place in places]
    return replace(
        column,
        mean=mean,
        std=math.sqrt(mean * (1 - mean)),
        min=low,
        max=high,
        zeros=false,
        quantiles=tuple(ranked),
        equal=Histogram(edges, tuple(bins)),
    )


def _put_texts(made: Any, column: ColumnStatistics) -> None:
    made.unique = column.unique or 0
    made.avg_length = column.mean_bytes or 0.0
    for text, count in column.top or ():
        made.top_values.add(value=text, frequency=count)
    for rank, (text, count) in enumerate((column.values or column.top or ())[:_RANKS]):
        made.rank_histogram.buckets.add(
            low_rank=rank, high_rank=rank, label=text, sample_count=count
        )
    if column.weighted is not None:
        for rank, (text, weight) in enumerate(column.weighted.top or ()):
            made.weighted_string_stats.top_values.add(value=text, frequency=weight)
            made.weighted_string_stats.rank_histogram.buckets.add(
                low_rank=rank, high_rank=rank, label=text, sample_count=weight
            )


def _put_histogram(made: Any, histogram: Histogram, kind: str) -> None:
    made.type = getattr(statistics_pb2().Histogram, kind)
    pairs = zip(histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True)
    for low, high, count in pairs:
        made.buckets.add(low_value=low, high_value=high, sample_count=count)
