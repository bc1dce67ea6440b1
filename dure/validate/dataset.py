"""The data as a whole: its rows, its columns, and the columns that go together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.draw import number
from dure.validate.finding import Finding
from dure.validate.words import SHOWN, count, rows

if TYPE_CHECKING:
    from dure.schema import Schema
    from dure.statistics import ColumnStatistics, SplitStatistics, Statistics


def empty_split() -> Finding:
    """Return the finding of a split without rows."""
    return Finding(
        "empty_split",
        "the split has no rows",
        "at least one row",
        "0 rows",
        "give the split some data, or leave it out",
    )


def number_of_rows(split: SplitStatistics, schema: Schema) -> Iterator[Finding]:
    """Yield that a split has too few or too many rows."""
    low, high = schema.dataset.rows or (None, None)
    if low is not None and split.rows < low:
        yield Finding(
            "too_few_rows",
            f"the split has {rows(split.rows)}",
            f"at least {rows(low)}",
            rows(split.rows),
            f"give more data, or lower rows in the schema to {split.rows}",
        )
    if high is not None and split.rows > high:
        yield Finding(
            "too_many_rows",
            f"the split has {rows(split.rows)}",
            f"at most {rows(high)}",
            rows(split.rows),
            f"give less data, or raise rows in the schema to {split.rows}",
        )


def rows_before(
    name: str, split: SplitStatistics, schema: Schema, before: Statistics | None, which: str
) -> Iterator[Finding]:
    """Yield that a split has too few or too many rows beside the data before it.

    Parameters
    ----------
    name : str
        The split.
    split : SplitStatistics
    schema : Schema
    before : Statistics or None
        The previous span or version; without it nothing is compared.
    which : {"span", "version"}
    """
    from dure.validate.comparing import partner_of

    bounds = getattr(schema.dataset, f"rows_to_previous_{which}")
    if bounds is None or before is None:
        return
    partner = partner_of(name, before)
    if partner is None or not before.splits[partner].rows:
        yield Finding(
            "baseline_missing",
            f"the previous {which} has no rows in a split {name!r}",
            f"rows of the previous {which}",
            f"splits {', '.join(before.splits)}",
            "give the statistics of the data before this, with the same splits",
            detail=which,
        )
        return
    old = before.splits[partner].rows
    ratio = split.rows / old
    low, high = bounds
    got = f"{rows(split.rows)} after {old:,}: {number(ratio)} times as many"
    for kind, bad, bound, words in (
        ("fewer_rows_than_before", low is not None and ratio < low, low, "at least"),
        ("more_rows_than_before", high is not None and ratio > high, high, "at most"),
    ):
        if bad:
            yield Finding(
                kind,
                f"the split has {number(ratio)} times the rows of the previous {which}",
                f"{words} {number(bound)} times as many",
                got,
                f"find out where the rows went or came from, or change rows_to_previous_{which}",
                detail=which,
                value=ratio,
            )


def missing_column(column: str, split: SplitStatistics) -> Finding:
    """Return that a column of the schema is not in the data."""
    close = difflib.get_close_matches(column, split.columns, n=1, cutoff=0.6)
    hint = f"is it {close[0]!r} now? Rename it" if close else "add the column to the data"
    return Finding(
        "missing_column",
        "the column is not in the data",
        f"a column {column!r}",
        f"{len(split.columns)} other columns"
        if len(split.columns) > SHOWN
        else f"columns {', '.join(split.columns)}",
        f"{hint}; or remove it from the schema, or name with not_in_environment where it is not "
        "expected, as a label in serving",
    )


def new_column(column: str, found: ColumnStatistics, schema: Schema) -> Finding:
    """Return that a column of the data is not in the schema."""
    close = difflib.get_close_matches(column, schema.columns, n=1, cutoff=0.8)
    hint = f" (the schema has {close[0]!r})" if close else ""
    return Finding(
        "new_column",
        f"the column is not in the schema{hint}",
        "the columns of the schema",
        f"a column of type {found.type}",
        "add it to the schema if it is meant to be there",
    )


def sparse(split: SplitStatistics, schema: Schema) -> Iterator[tuple[str, Finding]]:
    """Yield what is wrong with the columns of sparse tensors, each with the tensor's name."""
    from dure.schema.column import CHECKED_STAGES

    for name, tensor in schema.dataset.sparse.items():
        if tensor.stage not in CHECKED_STAGES:
            continue
        parts = (tensor.values, *tensor.indices)
        if name in split.columns or name in schema.columns:
            yield name, _taken("sparse", "sparse tensor")
            continue
        there = [part for part in parts if _present(split, part)]
        if not there:
            continue
        if tensor.values not in there:
            yield name, _gone("sparse_value_missing", tensor.values, there)
        for index in tensor.indices:
            if index not in there:
                yield name, _gone("sparse_index_missing", index, there)
        yield from ((name, one) for one in _lengths(split, there, parts, "sparse_length"))


def weighted(split: SplitStatistics, schema: Schema) -> Iterator[tuple[str, Finding]]:
    """Yield what is wrong with columns and their weights, each with the name of the pair."""
    from dure.schema.column import CHECKED_STAGES

    for name, pair in schema.dataset.weighted.items():
        if pair.stage not in CHECKED_STAGES:
            continue
        if name in split.columns or name in schema.columns:
            yield name, _taken("weighted", "weighted column")
            continue
        parts = (pair.values, pair.weights)
        there = [part for part in parts if _present(split, part)]
        if there == [pair.weights]:
            yield name, _gone("weighted_value_missing", pair.values, there)
        if there == [pair.values]:
            yield name, _gone("weighted_weight_missing", pair.weights, there)
        yield from ((name, one) for one in _lengths(split, there, parts, "weighted_length"))


def _present(split: SplitStatistics, name: str) -> bool:
    return name in split.columns and split.columns[name].count > 0


def _taken(kind: str, what: str) -> Finding:
    return Finding(
        f"{kind}_name_taken",
        f"the {what} has the name of a column",
        "a name that no column has",
        "a column of that name",
        f"call the {what} otherwise in the schema",
    )


def _gone(kind: str, name: str, there: list[str]) -> Finding:
    return Finding(
        kind,
        f"{name!r} has no values, and {', '.join(map(repr, there))} {'has' if len(there) == 1 else 'have'}",
        f"values in {name!r} where the others have some",
        "none",
        "repair the data, or change the schema",
        detail=name,
    )


def _lengths(
    split: SplitStatistics, there: list[str], parts: tuple[str, ...], kind: str
) -> Iterator[Finding]:
    """Yield that columns which go together have not equally many values.

    Where the statistics agree in rows, totals, fewest and most, no difference can be told from
    them; where they do not, there is one.
    """
    if len(there) < len(parts):
        return
    found = [split.columns[part] for part in parts]
    sizes = {(one.count, one.number_of_values, *(_ends(one))) for one in found}
    if len(sizes) > 1:
        got = "; ".join(
            f"{one.name}: {count(one.number_of_values, 'value')} in {rows(one.count)}"
            for one in found
        )
        yield Finding(
            kind,
            "the columns have not equally many values in each row",
            "one for one",
            got,
            "repair how the columns are made",
        )


def _ends(column: ColumnStatistics) -> tuple[int, int]:
    return (column.levels[0].min, column.levels[0].max) if column.levels else (1, 1)
