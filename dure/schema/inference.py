"""A first draft of the schema, from statistics.

Two sets of rules: ``"tfdv"`` (`dure.schema.tfdv_inference`), and ``"interval"``, which is here.

Notation
--------
n : int
    Rows of the split that the draft is made from.
m : int
    Rows of the smallest split there is: the smallest sample that the schema has to suit soon.
p : float
    A share seen in the n rows.
z : float
    Quantile of the normal distribution: 3.2905 for an interval of 99.9 %.
f1 : int
    How many distinct values were seen exactly once.

A schema is checked on samples that it was not made from. Where a share is expected, the interval
rules expect the lower end of an interval for the share *in a new sample of m rows*, so that ordinary
chance does not raise an alarm.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from dure.errors import SchemaError, nearest
from dure.schema import types
from dure.schema.column import Column
from dure.schema.model import Schema
from dure.schema.sharing import share
from dure.schema.tfdv_inference import (
    MAX_DOMAIN,
    all_ints,
    draft,
    semantic_of,
    texts,
    valency,
)
from dure.schema.update import chosen_splits, update

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, SplitStatistics, Statistics

Z = 3.2905267314918945  # 99.95 % quantile of the normal distribution, as a two-sided 99.9 % takes
ROWS_A_VALUE = 5  # a column of categories repeats itself: at least this often on average
RARE = 5  # a list whose every value was seen this often is taken to be complete
LARGEST_UNSEEN = 0.1  # a list that leaves out more than this share of the rows is no list
RULES = ("tfdv", "interval")
TRUTH = (("yes", "no"), ("y", "n"), ("true", "false"), ("t", "f"), ("on", "off"), ("1", "0"))


def infer(
    statistics: Statistics,
    *,
    split: str | None = None,
    rules: Literal["tfdv", "interval"] = "tfdv",
    max_domain: int = MAX_DOMAIN,
    ranges: bool = False,
    shapes: bool = False,
    semantics: bool = False,
    share_domains: bool = False,
    largest_domain: int | None = None,
    transformations: Iterable[Callable[[Schema, Statistics], Schema]] = (),
) -> Schema:
    """Return a first draft of the schema of the data, to be read and edited.

    Parameters
    ----------
    statistics : Statistics
        What `dure.statistics.describe` found.
    split : str, optional
        The only split that the draft is made from. By default it is made from the first one, and
        widened so that all others pass too, as TFX's SchemaGen does.
    rules : {"tfdv", "interval"}, default "tfdv"
        TFDV's own rules; or rules that leave room for chance, see Notes.
    max_domain : int, default 100
        The most values that a domain may have; 0 for no domains. Statistics list the distinct
        values of columns with at most 1,000, so no domain is larger than that.
    ranges : bool, default False
        Whether number columns get the smallest and the largest number seen as ``min`` and ``max``.
    shapes : bool, default False
        Whether columns whose every row has the same number of values get a shape.
    semantics : bool, default False
        Whether columns get the meaning that the statistics found out.
    share_domains : bool, default False
        Whether columns with about the same values share one domain; see `dure.schema.sharing`.
    largest_domain : int, optional
        A domain that grows to this many values with the other splits is dropped.
    transformations : iterable of functions (Schema, Statistics) -> Schema
        Applied to the draft, one after the other.

    Raises
    ------
    SchemaError
        When there is no such split, or it has no rows or no columns.

    Notes
    -----
    The interval rules:

    - *presence* is 1 where no value is missing in any split. Otherwise it is the lower end of a
      99.9 % Wilson interval of the share in ``split``, for a new sample as large as the smallest
      split, rounded down to 2 decimals. *nan* is the same for NaN, where there are any.
    - *domain*: a string column is taken for one of categories when it has at most ``max_domain``
      distinct values and repeats each of them at least 5 times on average, so that a column of 90
      identifiers in 90 rows has no domain. A pair such as yes and no *holds* truth values.
    - *domain_share* is 1 where each value was seen in at least 5 rows. Otherwise the list is likely
      incomplete, and the share is what a new sample may be expected to have in it: the Good-Turing
      estimate, 1 - f1 / n, made smaller by the same interval. Where that estimate is below 0.9
      there is no domain.
    """
    if rules not in RULES:
        raise SchemaError(
            f"there are no rules {rules!r} to make a schema by", fix=nearest(str(rules), RULES)
        )
    names = list(statistics.splits) if split is None else [split]
    first = chosen_splits(statistics, names)[0]
    if rules == "tfdv":
        drafts = {
            name: draft(one, max_domain=max_domain, shapes=shapes, semantics=semantics)
            for name, one in first.columns.items()
        }
    else:
        drafts = _interval(statistics, first, max_domain, shapes, semantics)
    schema = Schema(drafts)
    if len(names) > 1:
        schema = update(
            schema,
            statistics,
            splits=names,
            max_domain=max_domain,
            shapes=shapes,
            semantics=semantics,
            largest_domain=largest_domain,
        )
    if share_domains:
        schema = share(schema)
    if ranges:
        schema = with_ranges(schema, chosen_splits(statistics, names))
    for transformation in transformations:
        schema = transformation(schema, statistics)
    return schema


def with_ranges(schema: Schema, splits: Iterable[SplitStatistics]) -> Schema:
    """Return ``schema`` with the smallest and the largest numbers seen as bounds."""
    columns = dict(schema.columns)
    for name, column in columns.items():
        if column.element not in ("int", "float") or column.holds is not None:
            continue
        seen = [split.columns[name] for split in splits if name in split.columns]
        lows = [one.min for one in seen if one.min is not None]
        highs = [one.max for one in seen if one.max is not None]
        infinite = any(one.inf for one in seen)
        if lows and highs and not infinite:
            columns[name] = dataclasses.replace(column, min=min(lows), max=max(highs))
    return schema.replace(columns)


def _interval(
    statistics: Statistics,
    chosen: SplitStatistics,
    max_domain: int,
    shapes: bool,
    semantics: bool,
) -> dict[str, Column]:
    smallest = min(other.rows for other in statistics.splits.values() if other.rows)
    gaps = {
        name
        for other in statistics.splits.values()
        for name, column in other.columns.items()
        if column.missing
    }
    drafts = {}
    for name, column in chosen.columns.items():
        fields = valency(column, shapes=shapes and name not in gaps)
        # 1 is a promise, on which columns of integers rest, and not the top of a scale: one
        # missing value in any split breaks it.
        shares = column.rows > 0 and name in gaps
        fields["presence"] = expected_share(column.count, column.rows, smallest) if shares else 1.0
        if column.nan:
            values = column.number_of_values
            fields["nan"] = 1.0 - expected_share(values - column.nan, values, smallest)
        fields.update(_domain(column, smallest, max_domain))
        if semantics:
            fields["semantic"] = semantic_of(column)
        drafts[name] = Column(types.normal(column.type), **fields)
    return drafts


def _domain(column: ColumnStatistics, smallest: int, max_domain: int) -> dict[str, Any]:
    counts = dict(column.values or ())
    if column.element != "string":
        return {}
    words = truth_words(counts)
    if words is not None:
        return {"holds": "bool", "true_value": words[0], "false_value": words[1]}
    if all_ints(column) and not any(_is_code(text) for text in texts(column)):
        return {"holds": "int"}
    if not _is_categorical(column, counts, max_domain):
        return {}
    share = _domain_share(counts, smallest)
    # Sorted: a file whose order depends on counts would change with every day's data.
    return {} if share is None else {"domain": tuple(sorted(counts)), "domain_share": share}


def truth_words(values: Iterable[str]) -> tuple[str, str] | None:
    """Return the texts for true and for false, if the values are one such pair in any case."""
    found = {value.strip().lower(): value for value in values}
    for true, false in TRUTH:
        if found.keys() == {true, false}:
            return found[true], found[false]
    return None


def _is_code(text: str) -> bool:
    """Return whether digits name something: a zip code keeps its leading zeros."""
    digits = text.strip().lstrip("+-")
    return len(digits) > 1 and digits.startswith("0")


def present(column: ColumnStatistics) -> int:
    """Return how many rows have a value; NaN is a value, of which `Column.nan` speaks."""
    return column.count


def expected_share(hits: float, rows: int, new_rows: int) -> float:
    """Return the least share to expect in ``new_rows`` rows, rounded down to 2 decimals.

    The lower end of the 99.9 % Wilson score interval [1, eq. 4] with the number of rows replaced
    by ``1 / (1 / rows + 1 / new_rows)``: the difference of two shares from the same source has the
    variance p (1 - p) (1 / n + 1 / m).

    Parameters
    ----------
    hits : float
        How many rows count; 0 to ``rows``.
    rows, new_rows : int
        Sizes of the sample that was seen and of the one to come; positive.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       Journal of the American Statistical Association 22 (1927), 209-212.
    """
    share, size = hits / rows, 1.0 / (1.0 / rows + 1.0 / new_rows)
    z2 = Z * Z / size
    middle = share + z2 / 2
    half = Z * math.sqrt((share * (1 - share) + z2 / 4) / size)
    low = (middle - half) / (1 + z2)
    return max(0.0, math.floor(low * 100) / 100)


def _is_categorical(column: ColumnStatistics, counts: dict[str, int], max_domain: int) -> bool:
    unique = column.unique or 0
    return bool(counts) and (
        len(counts) == unique <= max_domain and unique * ROWS_A_VALUE <= column.number_of_values
    )


def _domain_share(counts: dict[str, int], smallest: int) -> float | None:
    if min(counts.values()) >= RARE:
        return 1.0
    total = sum(counts.values())
    # I. J. Good, "The population frequencies of species and the estimation of population
    # parameters", Biometrika 40 (1953), eq. 9: the unseen values have a share of about f1 / n.
    seen_once = sum(count == 1 for count in counts.values())
    if seen_once / total > LARGEST_UNSEEN:
        return None
    return expected_share(total - seen_once, total, smallest)
