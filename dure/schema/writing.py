"""Writes YAML that reads back as it was, whatever the text in it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import yaml

from dure.schema import help as words
from dure.schema.column import VERSION, Column
from dure.schema.dataset import Dataset, Expression, Rule, Sparse, Weighted
from dure.schema.override import Override
from dure.schema.semantics import WITH_SETTINGS, Token

# What `dure.schema.reading` takes for a number where text or a number may stand.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_HEADING = "# What this data is expected to look like. Edit it: data that differs is reported.\n"


class _Dumper(yaml.SafeDumper):
    # The pure Python dumper: the one on libyaml breaks lines elsewhere, and not all have it.
    pass


class _Line(list[Any]):
    """A list that is written on one line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes U+0085, U+2028 and U+2029 bare, and reads them back as spaces.
    style = None if text.isprintable() else '"'
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > 1 and text[0] != " " and all(_is_simple(line) for line in lines):
        style = "|"
    elif NUMBER.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_simple(line: str) -> bool:
    return line.isprintable() and line == line.rstrip() != ""


def _line(dumper: yaml.SafeDumper, values: _Line) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Line, _line)


def dump(content: dict[str, Any]) -> str:
    """Return ``content`` as YAML: in its order, one entry a line, letters as they are."""
    text: str = yaml.dump(
        content,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=10**9,
    )
    return text


def schema_text(columns: Mapping[str, Column], dataset: Dataset) -> str:
    """Return a schema's file, with a header that explains each entry that it has."""
    whole = _record(dataset, words.DATASET, _DATASET)
    each = {name: _column(column) for name, column in columns.items()}
    used = {key for record in each.values() for key in record}
    listed = {key: text for key, text in words.COLUMN.items() if key in used}
    listed |= {key: words.DATASET[key] for key in whole if key not in listed}
    wide = max(map(len, listed), default=0)
    header = "".join(f"#   {key:<{wide}}  {text}\n" for key, text in listed.items())
    return _HEADING + header + dump({"version": VERSION, **whole, "columns": each})


def _column(column: Column) -> dict[str, Any]:
    record = _record(column, words.COLUMN, _COLUMN)
    record = {"type": column.type, "presence": column.presence, **record}
    if column.domain_name is not None:
        record["domain"] = column.domain_name
    return record


def _record(of: Any, keys: Mapping[str, str], forms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``of`` that are not at their defaults, in the order of ``keys``."""
    empty = _EMPTY[type(of)]
    return {
        key: forms.get(key, _same)(value)
        for key in keys
        if (value := getattr(of, key)) != empty[key]
    }


def _defaults(kind: type) -> dict[str, Any]:
    return {
        one.name: one.default
        if one.default_factory is dataclasses.MISSING
        else one.default_factory()
        for one in dataclasses.fields(kind)
    }


_EMPTY: dict[type, dict[str, Any]] = {
    kind: _defaults(kind)
    for kind in (
        Column,
        Dataset,
        Expression,
        Rule,
        Sparse,
        Weighted,
        Token,
        *WITH_SETTINGS.values(),
    )
}


def _same(value: Any) -> Any:
    return value


def _levels(value: tuple[Any, ...]) -> Any:
    return _Line(value[0]) if len(value) == 1 else _Line([_Line(level) for level in value])


def _of_bounds(value: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: _Line(pair) for key, pair in value.items()}


def _comparator(value: str | Mapping[str, float]) -> Any:
    return value if isinstance(value, str) else dict(value)


def _severities(value: Mapping[str, Override]) -> dict[str, Any]:
    return {kind: _override(one) for kind, one in value.items()}


def _override(one: Override) -> Any:
    record = {key: value for key, value in vars(one).items() if value is not None}
    return one.severity if len(record) == 1 else record


def _semantic(value: Any) -> Any:
    if isinstance(value, str):
        return value
    record = _plain(value)
    return {"kind": value.kind, **record} if record else value.kind


def _plain(value: Any) -> dict[str, Any]:
    """Return what is not at its default of a small class without mappings, lists on one line."""
    empty, record = _EMPTY[type(value)], {}
    for key, one in vars(value).items():
        if one == empty[key]:
            continue
        if isinstance(one, tuple):
            nested = any(dataclasses.is_dataclass(item) for item in one)
            record[key] = [_plain(item) for item in one] if nested else _Line(one)
        else:
            record[key] = one
    return record


def _expressions(given: Mapping[str, Expression]) -> dict[str, Any]:
    return {name: _short(one, "expression") for name, one in given.items()}


def _rules(given: Mapping[str, Rule]) -> dict[str, Any]:
    return {name: _short(one, "function") for name, one in given.items()}


def _short(one: Expression | Rule, main: str) -> Any:
    record = _plain(one)
    if "severity" in record:
        record["severity"] = _override(record["severity"])
    return record[main] if list(record) == [main] else record


def _each_plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(one) for name, one in given.items()}


def _domains(given: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {name: list(values) for name, values in given.items()}


_COLUMN = {
    "values": _levels,
    "shape": _Line,
    "domain": list,
    "distinct": _Line,
    "length": _Line,
    "semantic": _semantic,
    "mean": _Line,
    "std": _Line,
    "quantiles": _of_bounds,
    "balance": _of_bounds,
    "drift": _comparator,
    "skew": _comparator,
    "in_environment": _Line,
    "not_in_environment": _Line,
    "severity": _severities,
    "tags": _Line,
}
_DATASET = {
    "environments": _Line,
    "rows": _Line,
    "rows_to_previous_span": _Line,
    "rows_to_previous_version": _Line,
    "drift": _comparator,
    "skew": _comparator,
    "severity": _severities,
    "metadata": dict,
    "domains": _domains,
    "expressions": _expressions,
    "rules": _rules,
    "sparse": _each_plain,
    "weighted": _each_plain,
}
