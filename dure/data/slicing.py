"""Slices: named parts of the rows, by value, by crosses, by expression, by bins of numbers.

`SliceSpec` says what to slice by and can be kept as JSON; `groups` tells for rows which slice each
is in, with one pass over them however many slices there are. Names of slices are stable: the value
of a column as it stands in the data, columns in the order that was given::

    company=Flash Cab
    trip_miles in [0, 1)
    company=Flash Cab, trip_start_hour=8
    fare > 10
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import unnamed
from dure.errors import DataError, UsageError, nearest


@dataclass(frozen=True)
class SliceSpec:
    """What to slice by. Every combination of the columns that has rows is a slice.

    Parameters
    ----------
    columns : tuple of str
        One column, or several for their crosses.
    values : mapping of str to tuple
        Only these values of a column; other rows are in no slice.
    bins : mapping of str to tuple of float, or int
        Rising edges for a column of numbers: bins ``[a, b)``, the last one with its right edge.
        Values outside, and NaN, are in no slice. Or how many bins there should be with about
        equally many values each; `with_edges` puts edges in its place.
    where : str, optional
        A condition in SQL, such as ``"fare > 10 AND tips = 0"``; alone it is one slice, with
        columns it limits the rows.
    name : str, optional
        What to call the slice of ``where``; default its text.
    top : int, optional
        Only so many slices, those with the most rows; ties by name.
    smallest : int
        Only slices with at least so many rows. Default 1.

    Raises
    ------
    UsageError
        There is nothing to slice by, or an option does not fit.

    Examples
    --------
    >>> SliceSpec(("company", "hour"), top=10).label
    'company, hour'
    """

    columns: tuple[str, ...] = ()
    values: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    bins: Mapping[str, tuple[float, ...] | int] = field(default_factory=dict)
    where: str | None = None
    name: str | None = None
    top: int | None = None
    smallest: int = 1

    def __post_init__(self) -> None:
        if not self.columns and self.where is None:
            raise UsageError("a slice has nothing to slice by", expected="columns or a condition")
        for option in (*self.values, *self.bins):
            if option not in self.columns:
                raise UsageError(
                    f"values or bins are given for '{option}', which is not sliced by",
                    expected=f"one of columns={self.columns!r}",
                )
        for column, edges in self.bins.items():
            if isinstance(edges, int):
                continue
            if len(edges) < 2 or any(a >= b for a, b in itertools.pairwise(edges)):
                raise UsageError(
                    f"the bins of '{column}' have no rising edges",
                    expected="at least two numbers, each larger than the one before",
                    got=repr(tuple(edges)),
                )
        if self.top is not None and self.top < 1:
            raise UsageError("top= keeps no slice", expected="1 or more", got=str(self.top))

    def with_edges(self, edges: Mapping[str, tuple[float, ...]]) -> SliceSpec:
        """Return the same with ``edges`` of bins, by column, for their number."""
        return replace(self, bins={**self.bins, **edges})

    @property
    def label(self) -> str:
        """What it slices by, in a few words."""
        return ", ".join(self.columns) or self.name or str(self.where)

    def needs(self, known: Mapping[str, object]) -> tuple[str, ...]:
        """Return the columns that it reads of those that are ``known``.

        Raises
        ------
        UsageError
            There is no such column, or the condition is no SQL expression.
        """
        for column in self.columns:
            if column not in known:
                raise UsageError(
                    f"there is no column '{column}' to slice by",
                    expected="columns of the data",
                    fix=nearest(column, known),
                )
        roots = self.condition().meta.root_names() if self.where is not None else []
        for column in roots:
            if column not in known:
                raise UsageError(
                    f"the condition {self.where!r} names a column that is not there",
                    expected="columns of the data",
                    got=f"'{column}'",
                    fix=nearest(column, known),
                )
        return tuple(dict.fromkeys([*self.columns, *roots]))

    def condition(self) -> pl.Expr:
        """Return ``where`` as an expression.

        Raises
        ------
        UsageError
            It is no SQL expression.
        """
        try:
            return pl.sql_expr(str(self.where))
        except pl.exceptions.PolarsError as error:
            raise UsageError(
                f"{self.where!r} is no condition",
                expected="an SQL expression over columns, such as fare > 10 AND tips = 0",
                got=str(error).splitlines()[0],
            ) from error


@dataclass(frozen=True)
class Groups:
    """The slices of some rows.

    Parameters
    ----------
    names : tuple of str
        Of the slices, in order.
    order : ndarray of uint32
        Positions of the rows that are in a slice, those of one slice together, each in the order
        of the data.
    starts : ndarray of int64, shape (slices + 1,)
        Where in ``order`` each slice begins.
    """

    names: tuple[str, ...]
    order: NDArray[np.uint32]
    starts: NDArray[np.int64]

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        """Yield name, start and length of each slice of ``frame[order]``."""
        for index, name in enumerate(self.names):
            start, stop = int(self.starts[index]), int(self.starts[index + 1])
            yield name, start, stop - start


def groups(frame: pl.DataFrame, spec: SliceSpec) -> Groups:
    """Return which rows of ``frame`` are in which slice; ``top`` and ``smallest`` are not applied.

    Parameters
    ----------
    frame : polars.DataFrame
        Rows with at least the columns that ``spec`` needs.
    spec : SliceSpec
        What to slice by.

    Raises
    ------
    UsageError
        There is no such column, or the condition gives no truth values.
    DataError
        A column that is sliced by holds lists or records.
    """
    spec.needs(frame.schema)
    keys = [_key(frame, column, spec).alias(f"k{i}") for i, column in enumerate(spec.columns)]
    wanted = pl.DataFrame([*keys, pl.Series("row", np.arange(frame.height, dtype=np.uint32))])
    kept = ~pl.any_horizontal(pl.col(key.name).is_null() for key in keys) if keys else pl.lit(True)
    if spec.where is not None:
        wanted = wanted.with_columns(where=_holds(frame, spec))
        kept = kept & pl.col("where")
    rows = wanted.filter(kept)
    if not keys:
        rows = rows.with_columns(k0=pl.lit(spec.name or spec.where))
    by = [f"k{i}" for i in range(max(1, len(keys)))]
    name = pl.concat_str(by, separator=", ").alias("name")
    found = rows.group_by(name, maintain_order=True).agg("row").sort("name")
    sizes = found["row"].list.len().to_numpy().astype(np.int64)
    order = found["row"].explode(empty_as_null=False).to_numpy().astype(np.uint32)
    return Groups(tuple(found["name"].to_list()), order, np.concatenate([[0], np.cumsum(sizes)]))


def chosen(sizes: Mapping[str, int], spec: SliceSpec) -> list[str]:
    """Return which slices ``top`` and ``smallest`` leave, by falling sizes, ties by name.

    Parameters
    ----------
    sizes : mapping of str to int
        Rows of each slice, over all of the data.
    """
    names = sorted(
        (name for name, rows in sizes.items() if rows >= spec.smallest),
        key=lambda name: (-sizes[name], name),
    )
    return names[: spec.top]


def quantile_bins(values: pl.Series, bins: int) -> tuple[float, ...]:
    """Return edges between which about equally many of ``values`` lie; fewer where many are equal.

    Raises
    ------
    DataError
        There are fewer than two different finite values.
    """
    if not values.dtype.is_numeric():
        raise _no_numbers(values)
    numbers = unnamed(values).cast(pl.Float64).drop_nulls().to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    at = np.linspace(0, 1, bins + 1)
    edges = np.unique(np.quantile(numbers, at)) if len(numbers) else numbers
    if len(edges) < 2:
        raise DataError(
            f"'{values.name}' cannot be cut into bins",
            expected="at least two different finite numbers",
            got=f"{len(edges)}",
        )
    return tuple(float(edge) for edge in edges)


def _key(frame: pl.DataFrame, column: str, spec: SliceSpec) -> pl.Series:
    """Return the part of the name that a column gives each row; null for a row in no slice."""
    values = frame[column]
    if isinstance(values.dtype, pl.List | pl.Struct | pl.Array):
        raise DataError(
            f"'{column}' cannot be sliced by",
            expected="a column with one value a row",
            got=f"{values.dtype}",
            fix="slice by a condition on it",
        )
    if column in spec.bins:
        edges = spec.bins[column]
        return _binned(
            values, column, quantile_bins(values, edges) if isinstance(edges, int) else edges
        )
    # Each distinct value is named once, however many rows have it.
    distinct = unnamed(values).unique()
    wanted = spec.values.get(column)
    names = [
        None if wanted is not None and not _among(value, wanted) else _named(column, value)
        for value in distinct.to_list()
    ]
    table = pl.DataFrame({"value": distinct, "name": pl.Series(names, dtype=pl.String)})
    found = pl.DataFrame({"value": values}).join(
        table, on="value", how="left", nulls_equal=True, maintain_order="left"
    )
    return found["name"]


def _binned(values: pl.Series, column: str, edges: tuple[float, ...]) -> pl.Series:
    if not values.dtype.is_numeric():
        raise _no_numbers(values)
    numbers = unnamed(values).cast(pl.Float64).fill_null(math.nan).to_numpy()
    at = np.asarray(edges)
    places = np.searchsorted(at, numbers, side="right") - 1
    places[numbers == at[-1]] = len(at) - 2
    outside = ~((numbers >= at[0]) & (numbers <= at[-1]))
    last = len(at) - 2
    names = [
        f"{column} in [{_number(low)}, {_number(high)}{']' if i == last else ')'}"
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    ]
    index = pl.Series(np.where(outside, -1, places))
    lookup = pl.Series([*names, None], dtype=pl.String)
    return lookup.gather(index.replace(-1, len(names)).cast(pl.UInt32))


def _no_numbers(values: pl.Series) -> DataError:
    return DataError(
        f"'{values.name}' has no bins", expected="a column of numbers", got=f"{values.dtype}"
    )


def _holds(frame: pl.DataFrame, spec: SliceSpec) -> pl.Series:
    try:
        found = frame.select(spec.condition().alias("where"))["where"]
    except pl.exceptions.PolarsError as error:
        raise UsageError(
            f"the condition {spec.where!r} cannot be computed",
            expected="an SQL expression that fits the types of the columns",
            got=str(error).splitlines()[0],
        ) from error
    if not isinstance(found.dtype, pl.Boolean) or len(found) not in (1, frame.height):
        raise UsageError(
            f"{spec.where!r} is no condition",
            expected="true or false for each row",
            got=f"{found.dtype}",
        )
    found = found.fill_null(False)
    return found if len(found) == frame.height else found.new_from_index(0, frame.height)


def _among(value: object, wanted: tuple[object, ...]) -> bool:
    # To Python, True, 1 and 1.0 are equal; a slice of True must not take 1.
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in wanted)


def _named(column: str, value: object) -> str:
    return f"{column} is missing" if value is None else f"{column}={_shown(value)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else _number(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
