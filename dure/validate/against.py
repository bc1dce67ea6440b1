"""The data against other data: what the schema asks to compare, and what is reported of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.draw import number
from dure.validate.comparators import TFDV, as_expected, check_comparator, compare_fixed
from dure.validate.comparing import (
    DRAWS,
    Place,
    Q,
    Settings,
    comparable,
    compare,
    compare_missing,
    judge,
    partner_of,
    places,
    start_of,
)
from dure.validate.explain import not_compared, what
from dure.validate.finding import Finding
from dure.validate.report import Comparison, DriftReport, Kind
from dure.validate.samples import sample
from dure.validate.words import SHOWN, p_value

if TYPE_CHECKING:
    from dure.schema import Schema
    from dure.statistics import Statistics

_OTHER = {"drift": "the previous data", "skew": "the serving data"}


def against(
    statistics: Statistics,
    baseline: Statistics,
    schema: Schema,
    kind: Kind,
    *,
    slices: bool,
    q: float = Q,
    seed: int = 0,
    draws: int = DRAWS,
) -> tuple[DriftReport, list[tuple[str, str | None, Finding]]]:
    """Compare ``statistics`` with a baseline as the schema says.

    A column with thresholds is judged by them alone; a column with ``auto``, or without a word,
    by the rule of `dure.validate.comparing`; a column with an empty comparison is left out.

    Returns
    -------
    DriftReport
        Every comparison, also those that found nothing.
    list of (split, column or None, Finding)
        What is wrong. That nothing could be compared is wrong too: a check that passes says that
        something was looked at.

    Raises
    ------
    SchemaError
        A comparison does not fit the type of its column.
    """
    settings = Settings({}, {}, q, seed, draws)
    for name, column in schema.columns.items():
        wanted = schema.comparator(name, kind)
        # The default for all columns speaks of those that it fits.
        if getattr(column, kind) is not None and not isinstance(wanted, str) and wanted:
            check_comparator(name, column, wanted, kind)
    made = [
        one
        for place in places(baseline, statistics, slices)
        for one in _place(place, statistics, baseline, schema, kind, settings)
    ]
    report = DriftReport(kind, tuple(judge(made, q)), q, seed, draws)
    found: list[tuple[str, str | None, Finding]] = []
    found += _missing(statistics, baseline, schema, kind)
    if not made and not found:
        found += _nothing(statistics, baseline, schema, kind)
    found += [(one.split, one.column, _finding(one, kind, schema)) for one in report.drifted]
    return report, found


def _nothing(
    statistics: Statistics, baseline: Statistics, schema: Schema, kind: Kind
) -> Iterator[tuple[str, None, Finding]]:
    """Yield that no column has its counterpart, for the first split that has something to compare."""
    for split, part in statistics.splits.items():
        if part.rows and any(_compared(name, schema, kind) for name in part.columns):
            partner = partner_of(split, baseline)
            other = () if partner is None else tuple(baseline.splits[partner].columns)
            columns = ", ".join(other[:SHOWN]) + (", …" if len(other) > SHOWN else "")
            finding = Finding(
                "baseline_missing",
                f"nothing was compared with {_OTHER[kind]}: no split or column has its counterpart",
                "columns and splits that both have",
                f"columns {columns}" if other else f"splits {', '.join(baseline.splits)}",
                f"give {_OTHER[kind]} with the same columns, or leave it out",
                severity="warning",
                detail=kind,
            )
            yield split, None, finding
            return


def _compared(name: str, schema: Schema, kind: Kind) -> bool:
    """Whether a column is compared where the other data has it."""
    if name not in schema.columns:
        return True
    wanted = schema.comparator(name, kind)
    return schema.columns[name].checked and (wanted is None or bool(wanted))


def _place(
    place: Place,
    statistics: Statistics,
    baseline: Statistics,
    schema: Schema,
    kind: Kind,
    settings: Settings,
) -> Iterator[Comparison]:
    both = (baseline, statistics)
    for name, new in place.new.columns.items():
        old, expected = place.old.columns.get(name), schema.columns.get(name)
        wanted = None if expected is None else schema.comparator(name, kind)
        if old is None or not _compared(name, schema, kind):
            continue
        if not comparable(old, new):
            yield not_compared(start_of(place, old, new), old, new)
            continue
        if expected is not None and wanted is not None and not isinstance(wanted, str):
            fitting = {
                key: bound for key, bound in wanted.items() if _fits(name, schema, key, kind)
            }
            yield from compare_fixed(place, old, new, expected, fitting, both, settings)
            continue
        whole = place.slice is None
        a = sample(baseline, place.baseline, old, whole=whole)
        b = sample(statistics, place.split, new, whole=whole)
        named = None if expected is None else (as_expected(a, expected), as_expected(b, expected))
        if named is not None and named[0] is not None and named[1] is not None:
            a, b = named[0], named[1]
        yield compare(start_of(place, old, new), a, b, settings)
        if a.missing or b.missing:
            yield compare_missing(start_of(place, old, new), a, b, settings)


def _fits(name: str, schema: Schema, metric: str, kind: Kind) -> bool:
    from dure.errors import SchemaError

    try:
        check_comparator(name, schema.columns[name], {metric: 0.0}, kind)
    except SchemaError:
        return False
    return True


def _finding(one: Comparison, kind: Kind, schema: Schema) -> Finding:
    asked = one.column in schema.columns and schema.comparator(one.column, kind) is not None
    bound = one.threshold if one.threshold is not None else one.smallest
    detail = [
        part for part in (one.slice, "missing" if one.of == "missing" else "", one.metric) if part
    ]
    p = "" if one.adjusted is None else f", p {p_value(one.adjusted)}"
    span = "" if one.low is None else f" (95 %: {number(one.low, 3)} to {number(one.high, 3)})"
    where = f" in the slice {one.slice}" if one.slice else ""
    return Finding(
        kind,
        f"the {'share of missing values' if one.of == 'missing' else 'distribution'} differs from "
        f"{_OTHER[kind]}{where}: {what(one)}",
        f"{one.metric} of at most {number(bound)}",
        f"{number(one.value)}{span}{p}, {number(one.baseline_values)} and {number(one.values)} values",
        "find out what changed; if it is right, make the model again with the new data"
        if kind == "drift"
        else "make training and serving data in one way",
        severity="error" if asked else "warning",
        tfdv=TFDV.get(one.metric) if one.threshold is not None else "",
        detail="/".join(detail),
        value=one.value,
        low=one.low,
        high=one.high,
    )


def _missing(
    statistics: Statistics, baseline: Statistics, schema: Schema, kind: Kind
) -> Iterator[tuple[str, str, Finding]]:
    """Yield the columns that the schema asks to compare, and that the other data does not have."""
    for split, part in statistics.splits.items():
        partner = partner_of(split, baseline)
        old = baseline.splits[partner] if partner is not None else None
        for name, expected in schema.columns.items():
            if (
                not schema.comparator(name, kind)
                or name not in part.columns
                or not expected.checked
            ):
                continue
            if old is not None and name in old.columns and old.columns[name].count:
                continue
            reason = (
                f"{_OTHER[kind]} has no split to compare with {split!r}"
                if old is None
                else f"{_OTHER[kind]} has no values of the column"
            )
            yield (
                split,
                name,
                Finding(
                    "baseline_missing",
                    reason,
                    "values to compare with",
                    f"splits {', '.join(baseline.splits)}" if old is None else "none",
                    f"give the statistics of {_OTHER[kind]}, or remove {kind} from the schema",
                    detail=kind,
                ),
            )
