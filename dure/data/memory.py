"""Tables in memory, of whatever library, as a Polars frame."""

from __future__ import annotations

import datetime as dt
import decimal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from dure.data.readers.numpy_reader import KINDS, series_of
from dure.data.readers.slices import without_maps
from dure.errors import DataError, UsageError

_KINDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("bool", (bool, np.bool_)),
    ("int", (int, np.integer)),
    ("float", (float, np.floating)),
    ("str", (str,)),
    ("bytes", (bytes, bytearray)),
    ("Decimal", (decimal.Decimal,)),
    ("datetime", (dt.datetime, np.datetime64)),
    ("date", (dt.date,)),
    ("time", (dt.time,)),
    ("timedelta", (dt.timedelta, np.timedelta64)),
    ("list", (list, tuple, np.ndarray)),
    ("dict", (dict,)),
)
_EXPECTED = (
    "a Polars or pandas DataFrame, a pyarrow Table, a structured NumPy array, or a dict of columns"
)


def to_frame(value: object, name: str = "the table") -> pl.DataFrame:
    """Return a table in memory as a Polars frame.

    Parameters
    ----------
    value : object
        - a Polars ``DataFrame`` or ``LazyFrame``;
        - a pandas ``DataFrame``. ``NaN``, ``None``, ``NaT`` and ``NA`` mean that there is no
          value. An index that has a name becomes a column, and so does one without a name that
          is not of whole numbers (``"index"``); one of whole numbers without a name counts
          rows and is left out. Names of columns that are numbers become text;
        - a pyarrow ``Table``, ``RecordBatch`` or ``RecordBatchReader``, or whatever else
          exports Arrow (``__arrow_c_stream__``); a reader is read to its end;
        - a NumPy array; the fields of a structured one, or the columns of one of two
          dimensions (``column_0``, …), or ``value``;
        - a dict of names to lists, tuples, arrays or series of one length.
    name : str
        What it is, for messages.

    Raises
    ------
    UsageError
        It is something else.
    DataError
        Two columns have one name, lengths differ, or a column has values of several types.

    Examples
    --------
    >>> to_frame({"a": [1, None], "b": ["x", "y"]}).columns
    ['a', 'b']
    """
    if isinstance(value, pl.DataFrame):
        return value
    if isinstance(value, pl.LazyFrame):
        return value.collect(engine="streaming")
    pandas = sys.modules.get("pandas")  # who has such a frame has imported it
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return _of_pandas(value, name, pandas)
    if isinstance(value, np.ndarray):
        return _of_numpy(value, name)
    if isinstance(value, Mapping):
        return _of_columns(value, name)
    if hasattr(value, "__arrow_c_stream__") and not _is_column(value):
        return _of_arrow(value, name)
    if hasattr(value, "__arrow_c_array__") and hasattr(value, "schema"):
        return _of_arrow(value, name)
    raise _not_a_table(value, name)


def _of_arrow(value: Any, name: str) -> pl.DataFrame:
    names = list(getattr(getattr(value, "schema", None), "names", []))
    _check_names(names, name)
    try:
        return without_maps(pl.DataFrame(value))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError) as error:
        raise DataError(
            f"{name} has a type that Polars cannot hold",
            expected="numbers, truth values, text, bytes, dates, times, lists, structs",
            got=next(iter(str(error).splitlines()), type(error).__name__),
            fix="cast the column before",
        ) from error


def _of_numpy(array: np.ndarray[Any, Any], name: str) -> pl.DataFrame:
    if array.dtype.names:
        if array.ndim != 1:
            raise DataError(
                f"{name} is a structured array of {array.ndim} dimensions",
                expected="one dimension",
                got=f"the shape {array.shape}",
                fix="array.reshape(-1)",
            )
        parts = {field: array[field] for field in array.dtype.names}
    elif array.ndim == 2:
        parts = {f"column_{index}": array[:, index] for index in range(array.shape[1])}
    elif array.ndim:
        parts = {"value": array}
    else:
        raise DataError(f"{name} is a single value", expected="an array with rows", got=f"{array}")
    return pl.DataFrame([_of_array(column, part, name) for column, part in parts.items()])


def _of_array(column: str, array: np.ndarray[Any, Any], name: str) -> pl.Series:
    if array.dtype.kind in KINDS and 0 not in array.shape[1:]:
        return series_of(column, array)
    if array.dtype.kind == "O" and array.ndim == 1:
        return _of_objects(column, array.tolist(), name)
    raise DataError(
        f"{name}: column '{column}' is an array of the type {array.dtype}, shape {array.shape}",
        expected="numbers, truth values, text, bytes or dates",
        got=f"{array.dtype}",
        fix="convert it before, or leave it out",
    )


def _of_columns(columns: Mapping[Any, Any], name: str) -> pl.DataFrame:
    _check_names(list(columns), name)
    made = [_column(str(column), values, name) for column, values in columns.items()]
    lengths = {series.name: len(series) for series in made}
    if len(set(lengths.values())) > 1:
        shown = list(lengths.items())[:6]
        raise DataError(
            f"{name} has columns of different lengths",
            expected="as many values in each",
            got=", ".join(f"'{column}' has {length:,}" for column, length in shown),
        )
    return pl.DataFrame(made)


def _column(column: str, values: Any, name: str) -> pl.Series:
    pandas = sys.modules.get("pandas")
    if isinstance(values, pl.Series):
        return values.alias(column)
    if isinstance(values, np.ndarray) and values.ndim:
        return _of_array(column, values, name)
    if pandas is not None and isinstance(values, pandas.Series):
        return _pandas_column(column, values, name)
    if isinstance(values, list | tuple):
        return _of_objects(column, values, name)
    if _is_column(values):
        return pl.Series(column, values)
    raise UsageError(
        f"{name}: column '{column}' is no sequence of values",
        expected="a list, a tuple, an array or a series",
        got=f"{type(values).__module__}.{type(values).__qualname__}",
        fix="list(values), or sorted(values) of a set" if hasattr(values, "__iter__") else None,
    )


def _of_pandas(frame: Any, name: str, pandas: Any) -> pl.DataFrame:
    if isinstance(frame.columns, pandas.MultiIndex):
        raise DataError(
            f"{name} has columns of several levels",
            expected="one name a column",
            got=f"{frame.columns[0]!r}, …",
            fix="frame.columns = ['_'.join(map(str, name)) for name in frame.columns]",
        )
    index = frame.index
    counts = index.nlevels == 1 and index.name is None and pandas.api.types.is_integer_dtype(index)
    levels: list[tuple[str, Any]] = []
    if not counts:
        plain = "index" if index.nlevels == 1 else "level_{}"
        levels = [
            (
                str(plain.format(place) if level is None else level),
                index.get_level_values(place).to_series(),
            )
            for place, level in enumerate(index.names)
        ]
    names = [str(column) for column in frame.columns]
    _check_names([level for level, _ in levels] + names, name)
    columns = [_pandas_column(level, values, name) for level, values in levels]
    columns += [
        _pandas_column(column, frame.iloc[:, place], name) for place, column in enumerate(names)
    ]
    return pl.DataFrame(columns)


def _pandas_column(column: str, values: Any, name: str) -> pl.Series:
    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in KINDS:
        made = series_of(column, values.to_numpy())
        return made.fill_nan(None) if made.dtype.is_float() else made
    if dtype.name.startswith(("period", "interval")):
        # As text, such as 2024-01 or (0, 1]: pyarrow would give the numbers that are behind it.
        texts = values.astype(str).where(values.notna(), None)
        return pl.Series(column, [None if v is None or v != v else v for v in texts], pl.String)
    if hasattr(values, "cat"):
        kinds = _pandas_column(column, values.cat.categories.to_series(), name)
        codes = pl.Series(values.cat.codes.to_numpy(), dtype=pl.Int64)
        return kinds.gather(codes.replace(-1, None)).alias(column)
    if not isinstance(dtype, np.dtype) and (exported := _exported(column, values)) is not None:
        return exported
    missing = values.isna().to_numpy()
    objects = values.astype(object).tolist()
    if missing.any():
        objects = [None if gone else each for each, gone in zip(objects, missing, strict=True)]
    return _of_objects(column, objects, name)


def _exported(column: str, values: Any) -> pl.Series | None:
    """Return what pandas itself exports as Arrow; None where it does not, or without pyarrow."""
    try:
        import pyarrow as pa
    except ImportError:
        return None
    try:
        exported = pl.from_arrow(pa.Array.from_pandas(values))
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError, ValueError):
        return None  # the values are looked at one by one then
    assert isinstance(exported, pl.Series)
    return without_maps(exported.alias(column).to_frame()).to_series()


def _of_objects(column: str, values: Sequence[Any], name: str) -> pl.Series:
    """Return Python values of one kind as a column; whole numbers and floats are floats."""
    types = {kind: _kind(kind) for kind in set(map(type, values)) if kind is not type(None)}
    kinds = set(types.values())
    if kinds == {"int", "float"}:
        return pl.Series(column, [None if v is None else float(v) for v in values], pl.Float64)
    if len(kinds) > 1 or "" in kinds:
        raise _mixed(column, values, types, name)
    if kinds == {"list"}:
        values = [v.tolist() if isinstance(v, np.ndarray) else v for v in values]
    try:
        return pl.Series(column, values, strict=True)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{name}: the values of column '{column}' do not fit one type",
            expected="values of one type, also within lists and dicts, numbers of 64 bits",
            got=next(iter(str(error).splitlines()), type(error).__name__),
            fix="convert them to one type before",
        ) from error


def _kind(kind: type) -> str:
    return next((name for name, types in _KINDS if issubclass(kind, types)), "")


def _mixed(column: str, values: Sequence[Any], types: Mapping[type, str], name: str) -> DataError:
    first: dict[type, int] = {}
    for row, value in enumerate(values):
        if value is not None:
            first.setdefault(type(value), row)
    unknown = [kind for kind, word in types.items() if not word]
    got = ", ".join(f"{kind.__qualname__} in row {row}" for kind, row in first.items())
    if unknown:
        return DataError(
            f"{name}: column '{column}' has Python objects of the type {unknown[0].__qualname__}",
            expected="numbers, truth values, text, bytes, dates, times, lists or dicts",
            got=f"{got}, counted from 0",
            fix="make plain values of them, or leave the column out",
        )
    return DataError(
        f"{name}: column '{column}' has values of several types",
        expected="one type in all rows",
        got=f"{got}, counted from 0",
        fix=f"convert them: frame[{column!r}].astype(str)",
    )


def _check_names(names: Sequence[Any], name: str) -> None:
    seen: set[str] = set()
    for column in map(str, names):
        if column in seen:
            raise DataError(
                f"{name} has two columns of the name '{column}'",
                expected="a name of its own for each column (and for the index)",
                got=", ".join(map(repr, map(str, names[:8]))),
                fix="rename one of them",
            )
        seen.add(column)


def _is_column(value: Any) -> bool:
    """Return whether something is one column that exports Arrow, and not a table."""
    arrow = hasattr(value, "__arrow_c_array__") or hasattr(value, "__arrow_c_stream__")
    return arrow and not hasattr(value, "schema") and not hasattr(value, "columns")


def _not_a_table(value: object, name: str) -> UsageError:
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    fixes: tuple[tuple[Callable[[], bool], str], ...] = (
        (lambda: _is_column(value) or hasattr(value, "to_frame"), "put it into a dict: {'x': it}"),
        (lambda: isinstance(value, list | tuple), "polars.DataFrame(rows), with names"),
        (lambda: hasattr(value, "__next__"), "polars.DataFrame(list(rows)), with names"),
    )
    fix = next((text for fits, text in fixes if fits()), None)
    return UsageError(f"{name} is no table", expected=_EXPECTED, got=kind, fix=fix)
