"""What is looked at when data meets its schema. Every check is a function from one column to
what it found.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dure.draw import number
from dure.schema import Column, Schema
from dure.schema.inference import present
from dure.validate.anomalies import Anomalies, Anomaly, Severity

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, SplitStatistics, Statistics

_SHOWN = 5


def validate(statistics: Statistics, schema: Schema) -> Anomalies:
    """Return what in the data differs from the schema.

    Parameters
    ----------
    statistics : Statistics
        What `dure.statistics.describe` found in each split.
    schema : Schema
        What is expected.

    Returns
    -------
    Anomalies
        Its gate fails when any of them is an error.

    Notes
    -----
    ===================== ======== ==========================================================
    kind                  severity when
    ===================== ======== ==========================================================
    ``empty_split``       error    a split has no rows
    ``missing_column``    error    a column of the schema is not in the data
    ``new_column``        warning  a column of the data is not in the schema
    ``type_changed``      error    a column has another type
    ``whole_numbers``     warning  a float column has whole numbers only, which are floats too
    ``no_values``         error    no row has a value; a warning where presence is 0
    ``too_few_values``    error    fewer rows have a value than presence says
    ``unexpected_values`` error    the share of values in the domain is below domain_share; a
                                   warning where it is not, and some value is outside
    ``unchecked_values``  warning  too many distinct values to look at each
    ``below_min``         error    a number is below min, or is -infinity
    ``above_max``         error    a number is above max, or is infinity
    ``nan``               warning  a float is NaN, which counts as missing
    ``infinity``          warning  a float is infinite, and no min or max forbids it
    ===================== ======== ==========================================================
    """
    found: list[Anomaly] = []
    for name, split in statistics.splits.items():
        found += _split(name, split, schema)
    rows = {name: split.rows for name, split in statistics.splits.items()}
    return Anomalies(tuple(found), rows)


def _split(name: str, split: SplitStatistics, schema: Schema) -> Iterator[Anomaly]:
    if not split.rows:
        yield Anomaly(
            name,
            None,
            "empty_split",
            "error",
            "the split has no rows",
            "at least one row",
            "0 rows",
            "give the split some data, or leave it out",
        )
        return
    for column, expected in schema.columns.items():
        if column in split.columns:
            for found in _column(split.columns[column], expected):
                yield found.at(name, column)
        else:
            yield _missing_column(column, split).at(name, column)
    for column, statistics in split.columns.items():
        if column not in schema.columns:
            yield _new_column(column, statistics, schema).at(name, column)


class _Finding(NamedTuple):
    """An anomaly that does not know yet where it is."""

    kind: str
    severity: Severity
    reason: str
    expected: str
    got: str
    fix: str

    def at(self, split: str, column: str) -> Anomaly:
        return Anomaly(split, column, *self)


def _missing_column(column: str, split: SplitStatistics) -> _Finding:
    close = difflib.get_close_matches(column, split.columns, n=1, cutoff=0.6)
    hint = f"is it {close[0]!r} now? Rename it" if close else "add the column to the data"
    return _Finding(
        "missing_column",
        "error",
        "the column is not in the data",
        expected=f"a column {column!r}",
        got=f"{len(split.columns)} other columns"
        if len(split.columns) > _SHOWN
        else f"columns {', '.join(split.columns)}",
        fix=f"{hint}, or remove it from the schema",
    )


def _new_column(column: str, statistics: ColumnStatistics, schema: Schema) -> _Finding:
    close = difflib.get_close_matches(column, schema.columns, n=1, cutoff=0.8)
    hint = f" (the schema has {close[0]!r})" if close else ""
    return _Finding(
        "new_column",
        "warning",
        f"the column is not in the schema{hint}",
        expected="the columns of the schema",
        got=f"a column of type {statistics.type}",
        fix="add it to the schema if it is meant to be there",
    )


def _column(statistics: ColumnStatistics, expected: Column) -> Iterator[_Finding]:
    if not present(statistics):
        yield _no_values(statistics, expected)
        return
    yield from _presence(statistics, expected)
    yield from _not_finite(statistics, expected)
    if statistics.type == expected.type or (statistics.type, expected.type) == ("int", "float"):
        yield from _whole_numbers(statistics, expected)
        yield from _range(statistics, expected)
        yield from _domain(statistics, expected)
    else:
        yield _Finding(
            "type_changed",
            "error",
            f"the type is {statistics.type}, not {expected.type}",
            expected=f"type {expected.type}",
            got=f"type {statistics.type}{_example(statistics)}",
            fix="repair the values that are of another type, or change the type in the schema",
        )


def _example(statistics: ColumnStatistics) -> str:
    return f", such as {statistics.top[0][0]!r}" if statistics.top else ""


def _no_values(statistics: ColumnStatistics, expected: Column) -> _Finding:
    return _Finding(
        "no_values",
        "error" if expected.presence > 0 else "warning",
        "no row has a value: the column is all missing",
        expected=_presence_in_words(expected),
        got=f"no value in {_rows(statistics.rows)}",
        fix="find out why the values are gone, or drop the column from the data and the schema"
        if expected.presence > 0
        else "drop the column from the data and the schema: nothing can be learned from it",
    )


def _presence(statistics: ColumnStatistics, expected: Column) -> Iterator[_Finding]:
    values, rows = present(statistics), statistics.rows
    # 0.07 * 100 is 7.000000000000001: seven of a hundred are enough for it.
    if values >= expected.presence * rows - 1e-9 * rows:
        return
    missing = rows - values
    yield _Finding(
        "too_few_values",
        "error",
        f"a value is missing in {_rows(missing)} of {rows:,}",
        expected=_presence_in_words(expected),
        got=f"a value in {values:,} of {rows:,} rows ({_share(values / rows)})",
        fix=f"repair the data, or lower presence in the schema to {_lower(values / rows)}",
    )


def _presence_in_words(expected: Column) -> str:
    if expected.presence == 1:
        return "a value in every row"
    share = f"at least {_share(expected.presence)} of" if expected.presence else "some of"
    return f"a value in {share} the rows"


def _lower(share: float) -> str:
    # Up to three decimals, never above the share: the schema would fail again.
    return f"{int(share * 1000) / 1000:g}"


def _not_finite(statistics: ColumnStatistics, expected: Column) -> Iterator[_Finding]:
    if statistics.nan:
        yield _Finding(
            "nan",
            "warning",
            f"NaN in {_rows(statistics.nan)} of {statistics.rows:,}",
            expected="numbers, or missing values",
            got=f"{statistics.nan:,} NaN, which count as missing",
            fix="write nothing where there is no number",
        )
    negative = statistics.negative_inf or 0 if expected.min is None else 0
    positive = statistics.positive_inf or 0 if expected.max is None else 0
    if negative + positive:
        yield _Finding(
            "infinity",
            "warning",
            f"infinity in {_rows(negative + positive)} of {statistics.rows:,}",
            expected="finite numbers",
            got=f"{positive:,} infinity, {negative:,} -infinity",
            fix="repair these values: a mean, a scale and a loss become infinite with them",
        )


def _whole_numbers(statistics: ColumnStatistics, expected: Column) -> Iterator[_Finding]:
    if statistics.type != expected.type:
        yield _Finding(
            "whole_numbers",
            "warning",
            "all values are whole numbers, and the type is int",
            expected="type float",
            got="type int",
            fix="nothing if they are right; or change the type in the schema to int",
        )


def _range(statistics: ColumnStatistics, expected: Column) -> Iterator[_Finding]:
    low, high = statistics.min, statistics.max
    infinite_low, infinite_high = statistics.negative_inf or 0, statistics.positive_inf or 0
    if expected.min is not None and (infinite_low or (low is not None and low < expected.min)):
        smallest = float("-inf") if infinite_low else low
        yield _Finding(
            "below_min",
            "error",
            f"the smallest value is {_exact(smallest)}, below {_exact(expected.min)}",
            expected=f"numbers from {_exact(expected.min)}",
            got=f"a smallest value of {_exact(smallest)}",
            fix="repair the data, or lower min in the schema",
        )
    if expected.max is not None and (infinite_high or (high is not None and high > expected.max)):
        largest = float("inf") if infinite_high else high
        yield _Finding(
            "above_max",
            "error",
            f"the largest value is {_exact(largest)}, above {_exact(expected.max)}",
            expected=f"numbers up to {_exact(expected.max)}",
            got=f"a largest value of {_exact(largest)}",
            fix="repair the data, or raise max in the schema",
        )


def _domain(statistics: ColumnStatistics, expected: Column) -> Iterator[_Finding]:
    if expected.domain is None:
        return
    if statistics.values is None:
        yield _unlisted(statistics, expected.domain)
        return
    allowed = set(expected.domain)
    outside = [(value, count) for value, count in statistics.values if value not in allowed]
    if not outside:
        return
    rows = sum(count for _, count in outside)
    # The same margin for rounding as in _presence.
    inside = statistics.count - rows + 1e-9 * statistics.count
    bad = inside < expected.domain_share * statistics.count
    share = (
        "" if expected.domain_share == 1 else f"{_share(expected.domain_share)} of the values in "
    )
    change = "add them to the domain in the schema"
    yield _Finding(
        "unexpected_values",
        "error" if bad else "warning",
        f"{_count(len(outside), 'value')} outside the domain, in {_rows(rows)} of "
        f"{statistics.rows:,} ({_share(rows / statistics.rows)})",
        expected=f"{share}the {len(allowed)} values of the domain",
        got=_listed(outside, expected.domain),
        fix=f"repair the data, or {change}" if bad else f"{change} if they are right",
    )


def _unlisted(statistics: ColumnStatistics, domain: tuple[str, ...]) -> _Finding:
    """Return what can be said where the statistics do not list every distinct value."""
    more = statistics.unique - len(domain)
    top = [(value, count) for value, count in statistics.top or () if value not in set(domain)]
    if more > 0 or top:
        least = max(more, len(top))
        return _Finding(
            "unexpected_values",
            "error",
            f"at least {_count(least, 'value')} outside the domain: the column has "
            f"{statistics.unique:,} distinct values, the domain {len(domain):,}",
            expected=f"the {len(domain):,} values of the domain",
            got=_listed(top, domain) if top else f"{statistics.unique:,} distinct values",
            fix="remove the domain from the schema if this is no list of categories",
        )
    return _Finding(
        "unchecked_values",
        "warning",
        f"{statistics.unique:,} distinct values are too many to compare each with the domain; "
        "the most frequent ones are in it",
        expected="at most 1,000 distinct values in a column with a domain",
        got=f"{statistics.unique:,} distinct values",
        fix="remove the domain from the schema if this is no list of categories",
    )


def _listed(values: list[tuple[str, int]], domain: tuple[str, ...]) -> str:
    parts = []
    for value, count in values[:_SHOWN]:
        # A space or a capital letter too many is hard to see.
        close = difflib.get_close_matches(value, domain, n=1, cutoff=0.75)
        like = f", nearly {close[0]!r}" if close else ""
        parts.append(f"{_cut(value)!r} ({_rows(count)}{like})")
    rest = len(values) - _SHOWN
    return ", ".join(parts) + (f" and {rest:,} more" if rest > 0 else "")


def _cut(value: str, limit: int = 60) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _exact(value: float | None) -> str:
    if value is None or isinstance(value, int):
        return number(value)
    return f"{value:.15g}"


def _share(share: float) -> str:
    # Never rounded to 0 or 100 when it is neither.
    percent = f"{share:.1%}"
    if share > 0 and percent == "0.0%":
        return "under 0.1 %"
    if share < 1 and percent == "100.0%":
        return "over 99.9 %"
    return percent.replace(".0%", " %").replace("%", " %").replace("  ", " ")


def _rows(count: int) -> str:
    return _count(count, "row")


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
