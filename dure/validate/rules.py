"""Rules of one's own: Python functions that look at statistics or at rows.

A schema names a rule as ``package.module:function`` with its settings. The function takes what its
`rule` decorator says, and the settings by name:

- ``over="column"`` (default): a `ColumnStatistics`, once for each column;
- ``over="split"``: a `SplitStatistics`, once for each split;
- ``over="frame"``: a `polars.LazyFrame` of all rows of a split;
- ``over="rows"``: a `polars.DataFrame`, some rows at a time. It returns a boolean Series, or an
  expression, that is true where a row is good. Null is good.

But for the last it returns None when nothing is wrong, a text, a `Found`, or several of them.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from dure.validate.finding import Finding
from dure.validate.kinds import Severity
from dure.validate.words import exact, rows

if TYPE_CHECKING:
    import polars as pl

    from dure.data.examples import Examples
    from dure.schema.dataset import Rule
    from dure.statistics import ColumnStatistics, Statistics

Over = Literal["column", "split", "frame", "rows"]
EVIDENCE = 5
_BATCH = 100_000
_MARK = "__dure_rule__"
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Found:
    """What a rule has found.

    Parameters
    ----------
    reason : str
        In words, with its numbers.
    column : str, optional
        Which column it is about.
    expected, got, fix : str
        As in `Anomaly`.
    severity : {"error", "warning"}, optional
        Default what the schema says of the rule.
    rows : tuple of int
        Numbers of rows that show it.
    """

    reason: str
    column: str | None = None
    expected: str = "what the rule wants"
    got: str = ""
    fix: str = "repair the data, or change the rule"
    severity: Severity | None = None
    rows: tuple[int, ...] = ()


def rule(*, over: Over = "column") -> Callable[[F], F]:
    """Mark a function as a rule.

    Parameters
    ----------
    over : {"column", "split", "frame", "rows"}
        What it is given; see the module.

    Examples
    --------
    >>> @rule(over="column")
    ... def not_constant(column, allowed=()):
    ...     if column.unique == 1 and column.name not in allowed:
    ...         return "all values are the same"
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, over)
        return function

    return mark


def run(
    name: str, wanted: Rule, split: str, statistics: Statistics, examples: Examples | None
) -> Iterator[tuple[str | None, Finding]]:
    """Yield what one rule of the schema finds in one split, each with its column.

    An error of the function is a finding with the function's own traceback: other checks go on,
    and the gate is closed.
    """
    try:
        function = find(wanted.function)
        over: Over = getattr(function, _MARK, "column")
        if over == "rows":
            found = list(_rows(function, wanted.settings, split, examples))
        elif over == "frame":
            lazy = _known(examples, split).scan(split)
            found = list(_listed(function(lazy, **wanted.settings), None))
        elif over == "split":
            found = list(_listed(function(statistics.splits[split], **wanted.settings), None))
        else:
            found = [
                one
                for column in statistics.splits[split].columns.values()
                for one in _listed(function(column, **wanted.settings), column.name)
            ]
    except Exception as error:  # noqa: BLE001 # code of the user's may raise anything
        yield None, _failed(name, wanted, error)
        return
    for index, one in enumerate(found):
        yield (
            one.column,
            Finding(
                "rule_found",
                one.reason,
                one.expected,
                one.got or one.reason,
                one.fix,
                severity=one.severity
                or ("warning" if wanted.severity.severity == "warning" else "error"),
                detail=name if index == 0 else f"{name}:{index}",
                rows=one.rows,
            ),
        )


def find(place: str) -> Callable[..., Any]:
    """Return the function at ``package.module:function``."""
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _listed(result: object, column: str | None) -> Iterator[Found]:
    if result is None:
        return
    if isinstance(result, str):
        yield Found(result, column)
        return
    if isinstance(result, Found):
        yield (
            result
            if result.column or column is None
            else Found(**{**vars(result), "column": column})
        )
        return
    if not isinstance(result, Iterable):
        raise TypeError(
            f"a rule returns None, a text, Found or several; got {type(result).__name__}"
        )
    for one in result:
        yield from _listed(one, column)


def _rows(
    function: Callable[..., Any],
    settings: Mapping[str, Any],
    split: str,
    examples: Examples | None,
) -> Iterator[Found]:
    known = _known(examples, split)
    bad, start = 0, 0
    first: list[int] = []
    for frame in batches(known, split):
        wrong = _wrong(function(frame, **settings), frame)
        bad += int(wrong.sum())
        if len(first) < EVIDENCE:
            first += [start + int(at) for at in wrong.arg_true().head(EVIDENCE - len(first))]
        start += frame.height
    if bad:
        yield Found(
            f"{rows(bad)} of {known.rows[split]:,} are not good",
            expected="every row good",
            got=rows(bad),
            rows=tuple(first),
        )


def _known(examples: Examples | None, split: str) -> Examples:
    if examples is None or split not in examples.splits:
        raise LookupError("the rule looks at rows: give the examples beside the statistics")
    return examples


def _wrong(result: object, frame: pl.DataFrame) -> pl.Series:
    import polars as pl

    if isinstance(result, pl.Expr):
        result = frame.select(result.alias("good")).to_series()
    if (
        not isinstance(result, pl.Series)
        or result.dtype != pl.Boolean
        or len(result) != frame.height
    ):
        got = (
            f"{result.dtype} of {len(result)}"
            if isinstance(result, pl.Series)
            else type(result).__name__
        )
        raise TypeError(
            f"a rule over rows returns an expression or {frame.height} booleans, not {got}"
        )
    return ~result.fill_null(True)  # the value, not a flag


def batches(examples: Examples, split: str) -> Iterator[pl.DataFrame]:
    """Yield the rows of a split, at most 100,000 at a time."""
    scan = examples.scan(split)
    for start in range(0, examples.rows[split], _BATCH):
        yield scan.slice(start, _BATCH).collect()


def _failed(name: str, wanted: Rule, error: Exception) -> Finding:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__] or list(frames)
    places = "; ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} in {frame.name}" for frame in own[-3:]
    )
    return Finding(
        "rule_failed",
        f"the rule {wanted.function} did not finish: {type(error).__name__}: {error}",
        "a function that returns what it finds",
        f"{type(error).__name__} at {places}",
        "repair the rule, or its name and settings in the schema",
        detail=name,
    )


@rule(over="frame")
def increasing(frame: pl.LazyFrame, *, column: str, strictly: bool = False) -> Found | None:
    """Find rows whose value of ``column`` is below the one of the row before, or equal to it."""
    from dure.data.naming import named, pick

    step = named(column).diff()
    wrong = step <= 0 if strictly else step < 0
    at = pick(frame, [column]).with_row_index("\0row").filter(wrong).select("\0row").collect()
    if not at.height:
        return None
    first = tuple(at["\0row"].head(EVIDENCE).to_list())
    return Found(f"{rows(at.height)} step back", column, "numbers that do not fall", rows=first)


@rule(over="column")
def not_constant(column: ColumnStatistics, *, columns: Iterable[str] | None = None) -> str | None:
    """Find columns, of ``columns`` or of all, whose values are all the same."""
    if column.unique != 1 or (columns is not None and column.name not in columns):
        return None
    value = column.top[0][0] if column.top else exact(column.min)
    return f"all values are {value!r}"
