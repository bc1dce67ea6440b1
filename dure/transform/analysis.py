"""The full passes: what each analyzer learns from a column, in Polars and in float64.

Notation: ``v`` is a column as the graph sees it (numbers rounded to float32, then widened to
float64), ``n`` the count of its values that are not missing. Each function takes the column
with nulls for missing values and costs one pass, or one sort: O(n log n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Moments:
    """Count, mean, population standard deviation (ddof 0) and ends of the values that are there.

    Where a value is infinite, mean and std are NaN and an end says which.
    """

    count: int
    mean: float
    std: float
    min: float
    max: float


def moments(values: pl.Series) -> Moments | None:
    """Return the moments of ``values``, or None where every value is missing.

    The deviation of a constant column is exactly 0.0: the mean of equal numbers may be off by
    an ulp, and a deviation of 1e-17 would turn that ulp into a score of 1.
    """
    present = _numbers(values)
    if not len(present):
        return None
    low, high = float(present[0]), float(present[-1])
    if low == high:
        mean, std = low, 0.0
    elif math.isinf(low) or math.isinf(high):
        mean, std = math.nan, math.nan
    else:
        mean, std = float(present.mean()), float(present.std(ddof=0))
    return Moments(count=len(present), mean=mean, std=std, min=low, max=high)


def boundaries(values: pl.Series, num_buckets: int) -> np.ndarray | None:
    """Return the ``num_buckets - 1`` inner quantiles, or None where no value is finite.

    Quantile ``i / num_buckets`` lies at position ``h = (n - 1) i / num_buckets`` of the sorted
    values, interpolated linearly between its neighbours: numpy's default, definition 7 of
    Hyndman & Fan (1996). Ties may give equal boundaries; the bucket between them stays empty.
    """
    present = _numbers(values)
    present = present[np.isfinite(present)]
    if not len(present):
        return None
    position = (len(present) - 1) * np.arange(1, num_buckets) / num_buckets
    below = np.floor(position).astype(np.int64)
    above = np.minimum(below + 1, len(present) - 1)
    low, high = present[below], present[above]
    return np.asarray(low + (high - low) * (position - below))


def vocabulary(
    values: pl.Series, *, top_k: int | None = None, frequency_threshold: int = 1
) -> tuple[list[str], list[int]]:
    """Return the distinct values and their counts in tf.Transform's order.

    The most frequent first; equally frequent ones in reverse order of their UTF-8 bytes. Missing
    values and the empty string are never in it.

    Parameters
    ----------
    values : polars.Series
        Of type String; null is missing.
    top_k : int, optional
        Keep this many.
    frequency_threshold : int
        Keep values that occur at least this often.
    """
    present = values.drop_nulls().alias("value")
    counted = (
        pl.DataFrame([present.filter(present != "")])
        .group_by("value")
        .agg(pl.len().alias("count"))
        .filter(pl.col("count") >= frequency_threshold)
        .sort(["count", "value"], descending=[True, True])
    )
    kept = counted if top_k is None else counted.head(top_k)
    return kept["value"].to_list(), kept["count"].to_list()


def _numbers(values: pl.Series) -> np.ndarray:
    """Return the values that are not missing, sorted, as float64 of what float32 holds.

    Sorting makes every sum run in one order, so that the state does not hang on how the rows
    were cut into chunks.
    """
    as_seen = values.cast(pl.Float32).fill_nan(None).drop_nulls().cast(pl.Float64)
    return np.asarray(as_seen.sort().to_numpy())
