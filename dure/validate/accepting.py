"""Accept what was found, by changing the schema to it; or reject it, by saying why it is known.

Pure functions from a schema to a schema: nothing is written.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dure.errors import UsageError
from dure.schema.override import Override
from dure.validate.finding import Look
from dure.validate.values import values_of

if TYPE_CHECKING:
    from dure.data.examples import Examples
    from dure.schema import Schema
    from dure.statistics import ColumnStatistics, Statistics
    from dure.validate.anomalies import Anomalies, Anomaly

# The expectation that has to be widened, for anomalies whose fix is in the column's statistics.
_WIDENED: Mapping[str, tuple[str, ...]] = {
    "too_few_values": ("presence",),
    "too_few_present": ("min_rows",),
    "too_few_entries": ("values",),
    "too_many_entries": ("values",),
    "nesting_changed": ("type", "values"),
    "shape_changed": ("shape",),
    "type_changed": ("type",),
    "invalid_text": ("type",),
    "below_min": ("min",),
    "above_max": ("max",),
    "too_short": ("length",),
    "too_long": ("length",),
    "not_unique": ("unique",),
    "too_few_distinct": ("distinct",),
    "too_many_distinct": ("distinct",),
    "mean_outside": ("mean",),
    "std_outside": ("std",),
    "quantile_outside": ("quantiles",),
    "balance_outside": ("balance",),
}

_RETYPED = ("type_changed", "nesting_changed", "invalid_text")


class _Case:
    """What a change is made from."""

    def __init__(
        self, schema: Schema, anomaly: Anomaly, statistics: Statistics, examples: Examples | None
    ) -> None:
        self.schema, self.anomaly, self.statistics, self.examples = (
            schema, anomaly, statistics, examples,
        )  # fmt: skip

    @property
    def name(self) -> str:
        assert self.anomaly.column is not None  # of kinds that have a column
        return self.anomaly.column

    @property
    def seen(self) -> ColumnStatistics:
        return self.statistics.splits[self.anomaly.split].columns[self.name]

    @property
    def rows(self) -> int:
        return self.statistics.splits[self.anomaly.split].rows

    def edit(self, **changes: Any) -> Schema:
        return self.schema.edit(self.name, **changes)


def accept(
    schema: Schema, anomaly: Anomaly, statistics: Statistics, *, examples: Examples | None = None
) -> Schema:
    """Return ``schema`` changed so little that ``anomaly`` is not found again.

    Parameters
    ----------
    schema : Schema
        What was expected.
    anomaly : Anomaly
        One that `validate` found; `Anomalies.find` returns it by its id.
    statistics : Statistics
        Those that it was found in.
    examples : Examples, optional
        The rows, where they were needed to find it.

    Raises
    ------
    UsageError
        It is of a kind that no schema can accept, such as a missing baseline.
    SchemaError
        The schema has changed so much that the change does not fit.
    """
    case = _Case(schema, anomaly, statistics, examples)
    change = _CHANGES.get(anomaly.kind)
    if change is not None:
        return change(case)
    if anomaly.kind in _WIDENED:
        from dure.schema.update import accept as widened

        return widened(schema, case.name, _WIDENED[anomaly.kind], case.seen)
    raise UsageError(
        f"{anomaly.id}: an anomaly of this kind cannot be accepted by changing the schema",
        expected=f"one of {', '.join(sorted({*_CHANGES, *_WIDENED}))}",
        got=anomaly.kind,
        fix=f"{anomaly.fix}; or reject it, with a reason",
    )


def acceptable(anomaly: Anomaly) -> bool:
    """Whether `accept` knows what to change for anomalies of this kind."""
    return anomaly.kind in _CHANGES or anomaly.kind in _WIDENED


def accept_all(
    schema: Schema,
    anomalies: Anomalies | Iterable[Anomaly],
    statistics: Statistics,
    *,
    examples: Examples | None = None,
) -> Schema:
    """Return ``schema`` with every anomaly accepted that can be; the others stay as they are.

    A column of another type comes first, and takes what the data has in everything: most of it
    was not looked at, since the type did not fit.
    """
    for anomaly in sorted(anomalies, key=lambda one: one.kind not in _RETYPED):
        if anomaly.kind in _RETYPED and _still(schema, anomaly):
            schema = _retyped(_Case(schema, anomaly, statistics, examples))
        elif acceptable(anomaly) and (anomaly.kind == "new_column" or _still(schema, anomaly)):
            schema = accept(schema, anomaly, statistics, examples=examples)
    return schema


def _retyped(case: _Case) -> Schema:
    from dure.schema.update import replace_column
    from dure.schema.widen import widen_all

    return replace_column(
        case.schema, case.name, widen_all(case.schema.column(case.name), case.seen)
    )


def _still(schema: Schema, anomaly: Anomaly) -> bool:
    """Whether the column is there: an anomaly before this one may have taken it away."""
    return anomaly.column is None or anomaly.column in schema.columns


def reject(
    schema: Schema,
    anomaly: Anomaly,
    *,
    reason: str,
    owner: str | None = None,
    until: str | None = None,
) -> Schema:
    """Return ``schema`` in which anomalies like this one are recorded, and not reported.

    Parameters
    ----------
    schema : Schema
    anomaly : Anomaly
        All of its kind in its column, in every split.
    reason : str
        Why it is known and left so.
    owner : str, optional
        Who decided it.
    until : str, optional
        The last day of it, ``"2026-12-31"``; afterwards it is reported again.

    Raises
    ------
    UsageError
        There is no reason.
    SchemaError
        ``until`` is no date.
    """
    if not reason.strip():
        raise UsageError("rejecting an anomaly needs a reason", expected="why it is left as it is")
    override = Override("off", until=until, owner=owner, reason=reason)
    if anomaly.column is not None and anomaly.column in schema.columns:
        severity = {**schema.columns[anomaly.column].severity, anomaly.kind: override}
        return schema.edit(anomaly.column, severity=severity)
    return schema.edit_dataset(severity={**schema.dataset.severity, anomaly.kind: override})


# --- changes that are more than a wider bound ---------------------------------------------------


def _new_column(case: _Case) -> Schema:
    if case.name in case.schema.columns:  # another split had it, too
        return case.schema
    from dure.schema.tfdv_inference import draft

    new = {case.name: draft(case.seen)}
    # Its fields, too: a new struct is one anomaly.
    for name, seen in case.statistics.splits[case.anomaly.split].columns.items():
        if name.startswith(f"{case.name}.") and case.seen.element == "struct":
            new[name] = draft(seen)
    return case.schema.replace({**case.schema.columns, **new})


def _domain(case: _Case) -> Schema:
    column = case.schema.column(case.name)
    allowed = column.domain or ()
    look = Look(case.anomaly.split, case.seen, column, case.statistics, case.examples)
    values = values_of(look)
    if values is None:
        raise UsageError(
            f"{case.anomaly.id}: not every value is known",
            expected="statistics with a full table of values, or the examples",
            fix="give the examples beside the statistics; or remove the domain from the schema",
        )
    import polars as pl

    outside = values.where(pl.col("value").is_not_null() & ~pl.col("value").is_in(list(allowed)))
    wider = (*allowed, *sorted(value for value, _ in outside))
    if column.domain_name is not None:
        return case.schema.set_domain(column.domain_name, wider)
    return case.edit(domain=wider)


def _rows(case: _Case) -> Schema:
    low, high = case.schema.dataset.rows or (None, None)
    return case.schema.edit_dataset(rows=_around(low, high, case.rows))


def _rows_before(case: _Case) -> Schema:
    field = f"rows_to_previous_{case.anomaly.detail}"
    low, high = getattr(case.schema.dataset, field) or (None, None)
    value = case.anomaly.value
    assert value is not None  # these anomalies have the ratio
    near = (
        math.floor(value * 1000) / 1000
        if low is not None and value < low
        else math.ceil(value * 1000) / 1000
    )
    return case.schema.edit_dataset(**{field: _around(low, high, near)})


def _around(
    low: float | None, high: float | None, value: float
) -> tuple[float | None, float | None]:
    return None if low is None else min(low, value), None if high is None else max(high, value)


def _distance(case: _Case) -> Schema:
    """Raise the threshold of the metric; a default for all columns becomes this column's own."""
    from dure.schema.widen import raise_threshold

    kind, value = case.anomaly.kind, case.anomaly.value
    metric = case.anomaly.detail.rpartition("/")[2]
    assert value is not None  # these anomalies have the distance
    if case.name not in case.schema.columns:
        raise UsageError(
            f"{case.anomaly.id}: the column is not in the schema",
            fix="accept the column first; then its distance",
        )
    column = case.schema.column(case.name)
    default = case.schema.comparator(case.name, kind)
    if getattr(column, kind) is None and isinstance(default, Mapping):
        column = dataclasses.replace(column, **{kind: default})  # type: ignore[arg-type] # the field is named
    wider = raise_threshold(column, kind, metric, math.ceil(value * 1e6) / 1e6)
    return case.schema.replace({**case.schema.columns, case.name: wider})


def _share_of_odd(field: str) -> Callable[[_Case], Schema]:
    def change(case: _Case) -> Schema:
        amount = case.seen.nan if field == "nan" else case.seen.inf
        part = (amount or 0) / max(1, case.seen.number_of_values)
        return case.edit(**{field: min(1.0, math.ceil(part * 1000) / 1000)})

    return change


def _expression(case: _Case) -> Schema:
    name, value = case.anomaly.detail, case.anomaly.value
    if value is None or name not in case.schema.dataset.expressions:
        raise UsageError(
            f"{case.anomaly.id}: the expression cannot be computed", fix=case.anomaly.fix
        )
    old = case.schema.dataset.expressions[name]
    lower = dataclasses.replace(old, share=math.floor(value * 1000) / 1000)
    return case.schema.edit_dataset(expressions={**case.schema.dataset.expressions, name: lower})


def _meaning(**fields: Callable[[_Case], Any]) -> Callable[[_Case], Schema]:
    """Return a change of fields of the column's `semantic`."""

    def change(case: _Case) -> Schema:
        meaning = case.schema.column(case.name).semantic
        if meaning is None or isinstance(meaning, str):
            return case.edit(semantic=None)
        made = {name: value(case) for name, value in fields.items()}
        return case.edit(semantic=dataclasses.replace(meaning, **made))

    return change


def _token(field: str) -> Callable[[_Case], Schema]:
    def change(case: _Case) -> Schema:
        meaning: Any = case.schema.column(case.name).semantic
        tokens = tuple(
            dataclasses.replace(token, **{field: None})
            if str(token.value) == case.anomaly.detail
            else token
            for token in meaning.tokens
        )
        return case.edit(semantic=dataclasses.replace(meaning, tokens=tokens))

    return change


def _time_bound(case: _Case) -> Schema:
    meaning: Any = case.schema.column(case.name).semantic
    return case.edit(semantic=dataclasses.replace(meaning, **{case.anomaly.detail: None}))


def _floor(case: _Case) -> float:
    return math.floor((case.anomaly.value or 0.0) * 1000) / 1000


def _nothing(*_: object) -> None:
    return None


_CHANGES: Mapping[str, Callable[[_Case], Schema]] = {
    "missing_column": lambda case: case.edit(stage="deprecated"),
    "new_column": _new_column,
    "no_values": lambda case: (
        case.schema if case.seen.count else case.edit(presence=0.0, min_rows=None)
    ),
    "whole_numbers": lambda case: case.edit(type=case.seen.type),
    "not_int": lambda case: case.edit(holds=None, min=None, max=None),
    "not_float": lambda case: case.edit(holds=None, min=None, max=None),
    "not_truth": lambda case: case.edit(holds=None, true_value=None, false_value=None),
    "unexpected_values": _domain,
    "nan": _share_of_odd("nan"),
    "infinity": _share_of_odd("inf"),
    "no_match": lambda case: case.edit(regex=None),
    "too_few_rows": _rows,
    "too_many_rows": _rows,
    "fewer_rows_than_before": _rows_before,
    "more_rows_than_before": _rows_before,
    "drift": _distance,
    "skew": _distance,
    "semantic_changed": lambda case: case.edit(semantic=None),
    "not_time": lambda case: case.edit(semantic=None),
    "time_outside": _time_bound,
    "too_few_images": _meaning(supported=_floor),
    "image_too_large": _meaning(max_bytes=lambda case: case.seen.max_length),
    "embedding_size": _meaning(size=_nothing),
    "coverage_too_low": _meaning(coverage=_floor),
    "tokens_too_short": _meaning(token_length=_floor),
    "sequence_length": _meaning(length=_nothing),
    "token_too_seldom": _token("per_sequence"),
    "token_too_often": _token("per_sequence"),
    "token_in_too_few": _token("share"),
    "token_in_too_many": _token("share"),
    "expression_failed": _expression,
}
