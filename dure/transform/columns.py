"""Raw columns and the one rule for missing values, the same for data and for requests.

=========  =========================  ==========  =======================
column     schema                     model sees  a missing value becomes
=========  =========================  ==========  =======================
float                                 float32     NaN
int        always there (presence 1)  int64       an error
int        may be missing             float32     NaN
bool                                  float32     NaN (true 1, false 0)
string                                string      "" (the empty string)
=========  =========================  ==========  =======================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dure.errors import DataError, TransformError, nearest

if TYPE_CHECKING:
    import polars as pl

    from dure.schema import Schema


@dataclass(frozen=True)
class RawColumn:
    """A column of the raw data, as the graph takes it.

    Parameters
    ----------
    name : str
        Its name in the data.
    type : {"int", "float", "string", "bool"}
        Its type in the data.
    dtype : {"int64", "float32", "string"}
        What the graph is fed.
    """

    name: str
    type: str
    dtype: str

    @property
    def served_name(self) -> str:
        """Its name in the served signature.

        The name itself where it is made of ASCII letters, digits and ``_``; each other
        character becomes ``_``, for TensorFlow takes no others in a signature.
        """
        safe = re.sub(r"[^A-Za-z0-9_]", "_", self.name)
        return safe if re.match(r"[A-Za-z]", safe) else f"column_{safe}"


def raw_columns(schema: Schema) -> dict[str, RawColumn]:
    """Return how each column of the schema is fed to the graph.

    Lists, structs and bytes are left out: a graph takes one number or text a row.
    """
    columns: dict[str, RawColumn] = {}
    for name, column in schema.columns.items():
        if column.type not in ("bool", "float", "int", "string"):
            continue
        if column.type == "string":
            dtype = "string"
        elif column.type == "int" and column.presence >= 1.0:
            dtype = "int64"
        else:
            dtype = "float32"
        columns[name] = RawColumn(name=name, type=column.type, dtype=dtype)
    return columns


def check_served_names(columns: Iterable[RawColumn]) -> None:
    """Raise where two columns would have one name in the served signature."""
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.served_name, column.name)
        if other != column.name:
            raise TransformError(
                f"columns '{other}' and '{column.name}' would both be served as "
                f"'{column.served_name}'",
                expected="names that differ in their ASCII letters, digits and underscores",
                fix="rename one of the columns in the data",
            )


def convert(frame: pl.DataFrame, columns: Mapping[str, RawColumn]) -> dict[str, Any]:
    """Return raw columns as the graph takes them.

    Parameters
    ----------
    frame : polars.DataFrame
        Raw rows; columns that are not asked for are ignored.
    columns : mapping of str to RawColumn
        The columns that are needed.

    Returns
    -------
    dict of str to tensorflow.Tensor
        By `RawColumn.served_name`: one tensor of shape ``(rows,)`` a column.

    Raises
    ------
    DataError
        If a column is not there, is of another type, or misses values that have to be there.
    """
    return {c.served_name: _feed(normalised(frame, c), c) for c in columns.values()}


def normalised(frame: pl.DataFrame, column: RawColumn) -> pl.Series:
    """Return one column as the graph sees it, with null for every missing value.

    Returns
    -------
    polars.Series
        Of type Float32, Int64 or String. NaN and the empty string count as missing.
    """
    import polars as pl

    if column.name not in frame.columns:
        raise DataError(
            f"column '{column.name}' is not there",
            expected=f"a column '{column.name}' of type {column.type}",
            fix=nearest(column.name, frame.columns),
        )
    series = frame.get_column(column.name)
    _check_type(series, column)
    if column.dtype == "string":
        series = series.cast(pl.String)
        return series.set(series == "", None)
    if column.dtype == "float32":
        return series.cast(pl.Float32).fill_nan(None)
    if series.null_count():
        raise DataError(
            f"column '{column.name}' misses {series.null_count():,} of {len(series):,} values",
            expected="an integer in every row, for the schema says presence: 1.0",
            got="missing values",
            fix=f"fill them in, or give '{column.name}' a presence below 1 in the schema",
        )
    return series.cast(pl.Int64)


def _check_type(series: pl.Series, column: RawColumn) -> None:
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Null:
        return
    if column.dtype == "string":
        fits = dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)
    elif column.dtype == "int64":
        fits = dtype.is_integer()
    else:
        fits = dtype.is_numeric() or dtype == pl.Boolean
    if not fits:
        raise DataError(
            f"column '{column.name}' is of another type",
            expected=f"{column.type}, as in the data that the graph was made from",
            got=str(dtype),
            fix="convert the column, or make the graph again from this data",
        )


def _feed(series: pl.Series, column: RawColumn) -> Any:
    from dure.transform._keras import load_tensorflow

    tensorflow: Any = load_tensorflow("Transform")
    if column.dtype != "string":
        values = series.fill_null(float("nan")) if column.dtype == "float32" else series
        return tensorflow.constant(values.to_numpy())
    texts = series.fill_null("").to_numpy()
    return tensorflow.constant(texts, dtype=tensorflow.string, shape=(len(series),))
