"""What is looked at when data meets its schema: every check, in order, for every column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from dure.schema.model import Schema
from dure.schema.override import Override
from dure.schema.semantics import Time
from dure.statistics.statistics import Statistics
from dure.validate import dataset, distribution, domains, numbers, presence, semantic, text, types
from dure.validate.anomalies import Anomalies, Anomaly
from dure.validate.expressions import expression
from dure.validate.finding import Finding, Look, check_kind
from dure.validate.language import language
from dure.validate.report import DriftReport
from dure.validate.rules import run

if TYPE_CHECKING:
    from dure.data.examples import Examples
    from dure.schema import Column
    from dure.statistics import SplitStatistics

Place = tuple[str, str | None, Finding]

# Of columns whose type fits, in the order of what a reader wants to know first.
_CHECKS: tuple[Callable[[Look], Iterator[Finding]], ...] = (
    presence.entries,
    presence.shape,
    numbers.finite,
    types.types,
    types.holds,
    numbers.limits,
    domains.domain,
    domains.distinct,
    text.regex,
    text.length,
    numbers.odd,
    distribution.distribution,
    semantic.semantic,
    language,
)


def validate(
    statistics: Statistics,
    schema: Schema,
    *,
    environment: str | None = None,
    previous: Statistics | None = None,
    previous_version: Statistics | None = None,
    serving: Statistics | None = None,
    examples: Examples | None = None,
    slices: bool = True,
    today: dt.date | None = None,
    seed: int = 0,
) -> Anomalies:
    """Return what in the data differs from the schema, and from other data.

    Parameters
    ----------
    statistics : Statistics
        What `dure.statistics.describe` found in each split.
    schema : Schema
        What is expected.
    environment : str, optional
        Where the data is used, such as ``"serving"``: columns that the schema does not expect
        there may be missing.
    previous, previous_version : Statistics, optional
        Of the span before this, for drift and the number of rows; of the version of this span
        before this one, for the number of rows.
    serving : Statistics, optional
        Of the data that the model is asked about, for skew.
    examples : Examples, optional
        The rows. They give the row numbers of each finding, are looked through where statistics
        do not know every value, and are needed by expressions, natural language and rules over
        rows.
    slices : bool, default True
        Compare slices with slices of the same name, too.
    today : dt.date, optional
        The day for severities that hold until a date; default the day of the clock, which is
        looked up only where the schema has such a date.
    seed : int, default 0
        Of the intervals of drift and skew.

    Returns
    -------
    Anomalies
        Its gate fails when any of them is an error. All kinds and their conditions are in
        `dure.validate.kinds`.

    Raises
    ------
    UsageError
        The first two arguments are something else.
    SchemaError
        The schema speaks of no such environment, asks for a comparison that does not fit the type
        of a column, or has a regular expression or a time that cannot be read.
    """
    check_kind("statistics", statistics, Statistics)
    check_kind("schema", schema, Schema)
    expected = schema.environment(environment)
    _check_schema(schema)
    places: list[Place] = []
    for name, split in statistics.splits.items():
        places += _split(name, split, statistics, schema, expected, examples)
        if split.rows:
            places += [
                (name, None, one)
                for one in _before(name, split, schema, previous, previous_version)
            ]
    reports: list[DriftReport] = []
    for kind, other in (("drift", previous), ("skew", serving)):
        if other is not None:
            from dure.validate.against import against

            report, found = against(statistics, other, schema, kind, slices=slices, seed=seed)  # type: ignore[arg-type] # one of two kinds
            reports.append(report)
            places += found
    return _anomalies(places, statistics, schema, examples, tuple(reports), today)


def _check_schema(schema: Schema) -> None:
    """Raise where the schema says what cannot be looked at."""
    for name, column in schema.columns.items():
        if column.regex is not None:
            text.check_regex(name, column.regex)
        if isinstance(column.semantic, Time):
            semantic.check_time(name, column.semantic)


def _before(
    name: str,
    split: SplitStatistics,
    schema: Schema,
    span: Statistics | None,
    version: Statistics | None,
) -> Iterator[Finding]:
    yield from dataset.rows_before(name, split, schema, span, "span")
    yield from dataset.rows_before(name, split, schema, version, "version")


def _split(
    name: str,
    split: SplitStatistics,
    statistics: Statistics,
    schema: Schema,
    expected: dict[str, Column],
    examples: Examples | None,
) -> Iterator[Place]:
    if not split.rows:
        yield name, None, dataset.empty_split()
        return
    yield from ((name, None, one) for one in dataset.number_of_rows(split, schema))
    for column, wanted in schema.columns.items():
        if not wanted.checked:
            continue
        if column in split.columns:
            look = Look(name, split.columns[column], wanted, statistics, examples)
            yield from ((name, column, one) for one in _column(look))
        elif column in expected and not _inside_missing(column, split, schema):
            yield name, column, dataset.missing_column(column, split)
    for column, found in split.columns.items():
        if column not in schema.columns and not _inside_new(column, split, schema):
            yield name, column, dataset.new_column(column, found, schema)
    yield from ((name, key, one) for key, one in dataset.sparse(split, schema))
    yield from ((name, key, one) for key, one in dataset.weighted(split, schema))
    for key, condition in schema.dataset.expressions.items():
        yield from ((name, None, one) for one in expression(key, condition, name, examples))
    for key, rule in schema.dataset.rules.items():
        yield from (
            (name, column, one) for column, one in run(key, rule, name, statistics, examples)
        )


def _inside_missing(column: str, split: SplitStatistics, schema: Schema) -> bool:
    """Whether a struct around the column is missing, which is said already."""
    above = [column[:at] for at, letter in enumerate(column) if letter == "."]
    return any(part in schema.columns and part not in split.columns for part in above)


def _inside_new(column: str, split: SplitStatistics, schema: Schema) -> bool:
    above = [column[:at] for at, letter in enumerate(column) if letter == "."]
    return any(part in split.columns and part not in schema.columns for part in above)


def _column(look: Look) -> Iterator[Finding]:
    yield from presence.no_values(look)
    if not look.found.count:
        return
    yield from presence.presence(look)
    if not look.found.number_of_values:  # empty lists, which are of every type
        yield from presence.entries(look)
        yield from presence.shape(look)
        return
    if not types.fits(look):
        yield from numbers.finite(look)
        yield from types.types(look)
        return
    for check in _CHECKS:
        yield from check(look)


def _anomalies(
    places: list[Place],
    statistics: Statistics,
    schema: Schema,
    examples: Examples | None,
    reports: tuple[DriftReport, ...],
    today: dt.date | None,
) -> Anomalies:
    order = {name: index for index, name in enumerate(statistics.splits)}
    places.sort(key=lambda place: order[place[0]])
    seen = _with_evidence(places, statistics, examples)
    reported: list[Anomaly] = []
    suppressed: list[Anomaly] = []
    for anomaly, finding in zip(seen, (finding for *_, finding in places), strict=True):
        override = override_of(schema, anomaly.column, finding, today)
        if override is None:
            reported.append(anomaly)
            continue
        said = _said(override)
        if override.severity == "off":
            suppressed.append(_but(anomaly, anomaly.severity, said, override.until))
        else:
            level = override.severity
            changed = said if level != anomaly.severity else ""
            reported.append(_but(anomaly, level, changed, override.until))
    rows = {name: split.rows for name, split in statistics.splits.items()}
    return Anomalies(tuple(reported), rows, reports, tuple(suppressed))


def _with_evidence(
    places: list[Place], statistics: Statistics, examples: Examples | None
) -> list[Anomaly]:
    from dure.validate.examples import Evidence, evidence

    rows: dict[int, tuple[Evidence, ...]] = {
        index: tuple(Evidence(row) for row in finding.rows)
        for index, (*_, finding) in enumerate(places)
    }
    for split in statistics.splits if examples is not None else ():
        mine = [index for index, place in enumerate(places) if place[0] == split]
        columns = statistics.splits[split].columns
        asked = [(columns.get(places[i][1] or ""), places[i][2]) for i in mine]
        assert examples is not None  # asked before
        rows.update(zip(mine, evidence(asked, split, examples), strict=True))
    return [
        Anomaly(
            split, column, one.kind, one.usual, one.reason, one.expected, one.got, one.fix,
            one.detail, one.name_in_tfdv or None, rows[index],
            value=one.value, low=one.low, high=one.high,
        )
        for index, (split, column, one) in enumerate(places)
    ]  # fmt: skip


def override_of(
    schema: Schema, column: str | None, finding: Finding, today: dt.date | None = None
) -> Override | None:
    """Return what the schema says of one kind of anomaly in one column, if it is in force.

    The column's own word goes before that for all columns; that of an expression or a rule
    before its kind's.
    """
    own = schema.columns[column].severity if column in schema.columns else {}
    kind = finding.kind
    candidates = [own.get(kind), schema.dataset.severity.get(kind)]
    if kind == "expression_failed" and finding.detail in schema.dataset.expressions:
        candidates.append(schema.dataset.expressions[finding.detail].severity)
    if kind in ("rule_found", "rule_failed"):
        rule = schema.dataset.rules.get(finding.detail.partition(":")[0])
        # A rule that says how bad its finding is knows better than the default of the schema.
        if rule is not None and (rule.severity.severity == "off" or finding.severity is None):
            candidates.append(rule.severity)
    for override in candidates:
        if override is None:
            continue
        if override.until is None or override.holds(
            today or dt.datetime.now().date()
        ):  # a day of the reader's calendar
            return override
    return None


def _said(override: Override) -> str:
    parts = [f"{override.severity} by the schema"]
    parts += [f"until {override.until}"] if override.until else []
    parts += [f"by {override.owner}"] if override.owner else []
    return " ".join(parts) + (f": {override.reason}" if override.reason else "")


def _but(anomaly: Anomaly, severity: str, override: str, until: str | None) -> Anomaly:
    from dataclasses import replace

    return replace(anomaly, severity=severity, override=override, until=until)  # type: ignore[arg-type] # checked by Override


def validate_distribution(
    statistics: Statistics,
    baseline: Statistics,
    schema: Schema | None = None,
    *,
    kind: Literal["drift", "skew"] = "drift",
    slices: bool = True,
    seed: int = 0,
) -> Anomalies:
    """Return where the data is distributed otherwise than in a baseline, and nothing else.

    Parameters
    ----------
    statistics : Statistics
        What is judged.
    baseline : Statistics
        What it is compared with: the span before, or the data of another environment.
    schema : Schema, optional
        Its comparators say what is an error. Default: every difference that `drift` finds is one.
    kind : {"drift", "skew"}
        What to call it, and which of the comparators count.
    slices : bool
        Compare slices that both have, too.
    seed : int
        Of the intervals.

    Returns
    -------
    Anomalies
        Its gate fails when any of them is an error.
    """
    from dure.validate.against import against

    asked = schema or _every_difference(statistics)
    report, found = against(statistics, baseline, asked, kind, slices=slices, seed=seed)
    places: list[Place] = list(found)
    return _anomalies(places, statistics, asked, None, (report,), None)


def _every_difference(statistics: Statistics) -> Schema:
    """Return a schema that wants all columns to be distributed as in the baseline."""
    from dure.schema import Column, Dataset

    columns = {
        name: Column(one.type)
        for split in statistics.splits.values()
        for name, one in split.columns.items()
    }
    return Schema(columns, Dataset(drift="auto", skew="auto"))
