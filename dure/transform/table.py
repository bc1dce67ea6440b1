"""Transformed rows as a table: arrays of shape (rows, …) in and out of Parquet columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dure.transform.features import Feature

if TYPE_CHECKING:
    import polars as pl


def to_frame(arrays: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Return arrays of shape ``(rows, …)`` as a table, one column an array.

    Shape ``(rows, 1)`` becomes a plain column, every other a column of fixed-size arrays.
    """
    import polars as pl

    return pl.DataFrame([_column(name, array) for name, array in arrays.items()])


def _column(name: str, array: np.ndarray) -> pl.Series:
    import polars as pl

    inner = {"b": pl.Boolean, "O": pl.String}.get(array.dtype.kind)
    flat = array.reshape(-1)
    values = pl.Series(name, flat.tolist() if array.dtype == object else flat, dtype=inner)
    shape = array.shape[1:]
    return values if shape == (1,) else values.reshape((array.shape[0], *shape))


def to_array(series: pl.Series, feature: Feature) -> np.ndarray:
    """Return one column of `to_frame`'s table as the array that it was made from."""
    import polars as pl

    while isinstance(series.dtype, pl.Array):
        series = series.explode()
    flat = series.to_numpy()
    dtype = object if feature.dtype == "string" else np.dtype(feature.dtype)
    array = np.asarray(flat, dtype=dtype)
    return array.reshape(-1, *feature.shape)
