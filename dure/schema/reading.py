"""Reads a schema file that a person wrote, and says at which line something is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from dure.errors import SchemaError
from dure.schema.column import VERSION, Column
from dure.schema.dataset import Dataset, Expression, Rule, Sparse, Weighted
from dure.schema.nodes import (
    Form,
    Where,
    compose,
    entries,
    fields,
    flag,
    limits,
    listed,
    make,
    named,
    number,
    plain,
    shown,
    text,
    token,
)
from dure.schema.override import Override
from dure.schema.semantics import WITH_SETTINGS, Embedding, Image, NaturalLanguage, Time, Token

_READABLE = tuple(str(version) for version in range(1, VERSION + 1))


def read_schema(path: Path) -> tuple[dict[str, Column], Dataset]:
    """Return the columns and the rest of the schema file at ``path``.

    Raises
    ------
    SchemaError
        When the file cannot be read, is not YAML, or is no schema.
    """
    where, node = Where(path, "the file"), compose(path)
    top = entries(node, where, ("version", *_DATASET, "columns"))
    _check_version(top.pop("version", None), path)
    if "columns" not in top:
        raise SchemaError(
            f"{path}: there are no columns",
            expected="columns: with one entry for each column",
            got=", ".join(entries(node, where, None)),
            fix="add them, or write a first draft with dure.schema.infer(statistics).write(path)",
        )
    columns = top.pop("columns")
    whole = {
        key: _DATASET[key](value, Where(path, key))
        for key, value in top.items()
        if not (value.tag.endswith(":null") and value.value != "")
    }
    dataset: Dataset = make(Dataset, whole, node, Where(path, "the file"))
    return {
        name: _column(one, Where(path, f"column {name!r}"), dataset)
        for name, one in entries(columns, Where(path, "columns"), None).items()
    }, dataset


def _check_version(node: yaml.Node | None, path: Path) -> None:
    if node is not None and node.value not in _READABLE:
        raise SchemaError(
            f"{Where(path, '').at(node)}: this schema has a version that cannot be read",
            expected=f"version: {VERSION}",
            got=shown(node),
            fix="a newer Dure wrote it: update Dure, or write the file again with this one",
        )


def _column(node: yaml.Node, where: Where, dataset: Dataset) -> Column:
    values = fields(node, where, _COLUMN)
    if "type" not in values:
        raise SchemaError(
            f"{where.at(node)}: {where.what} has no type",
            expected="type: int, float, string, bool, bytes, struct or list[...]",
            got=", ".join(values) or "nothing",
        )
    if isinstance(values.get("domain"), str):
        values["domain_name"] = name = values.pop("domain")
        if name not in dataset.domains:
            _no_domain(node, where, name, dataset)
        values["domain"] = dataset.domains[name]
    column: Column = make(Column, values, node, where)
    return column


def _no_domain(node: yaml.Node, where: Where, name: str, dataset: Dataset) -> None:
    from dure.errors import nearest

    place = next(value for key, value in node.value if key.value == "domain")
    raise SchemaError(
        f"{where.at(place)}: {where.what}: domain is not a list, nor the name of one of the domains",
        expected="one value a line, each after '- '; or [a, b, c]; or a name from domains",
        got=repr(name),
        fix=nearest(name, dataset.domains),
    )


# --- forms of entries ---------------------------------------------------------------------------


def _domain(node: yaml.Node, where: Where) -> Any:
    if isinstance(node, yaml.ScalarNode) and node.value:
        return text(node, where)
    return listed(text)(node, where)


def _levels(node: yaml.Node, where: Where) -> Any:
    nested = isinstance(node, yaml.SequenceNode) and any(
        isinstance(item, yaml.SequenceNode) for item in node.value
    )
    return listed(limits)(node, where) if nested else (limits(node, where),)


def _quantiles(node: yaml.Node, where: Where) -> dict[float, Any]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    entries(node, where, None)  # a mapping, nothing twice
    return {number(key, where): limits(value, where.of(key.value)) for key, value in pairs}


def _comparator(node: yaml.Node, where: Where) -> Any:
    if isinstance(node, yaml.ScalarNode) and node.value:
        return text(node, where)
    return named(number)(node, where)


def _severity(node: yaml.Node, where: Where) -> Override:
    if isinstance(node, yaml.ScalarNode):
        values: dict[str, Any] = {"severity": text(node, where)}
    else:
        values = fields(node, where, _OVERRIDE)
    override: Override = make(Override, values, node, where)
    return override


def _tokens(node: yaml.Node, where: Where) -> Token:
    made: Token = make(Token, fields(node, where, _TOKEN), node, where)
    return made


def _semantic(node: yaml.Node, where: Where) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return text(node, where)
    kinds = [text(value, where.of("kind")) for key, value in node.value if key.value == "kind"]
    kind = kinds[0] if kinds else ""
    if kind not in WITH_SETTINGS:
        raise where.error(
            node,
            "has no kind that has settings",
            f"kind: {', '.join(WITH_SETTINGS)}",
            "a kind without settings needs no mapping: semantic: url",
        )
    values = fields(node, where, {"kind": text, **_SEMANTIC[kind]})
    del values["kind"]
    return make(WITH_SETTINGS[kind], values, node, where)


def _short(kind: type, main: str, forms: dict[str, Form]) -> Form:
    """Return the form of a class whose main entry may stand alone."""

    def read(node: yaml.Node, where: Where) -> Any:
        alone = isinstance(node, yaml.ScalarNode)
        values = {main: text(node, where)} if alone else fields(node, where, forms)
        return make(kind, values, node, where)

    return read


_names = listed(text)
_sizes = listed(number, "[28, 28]")
_tokens_listed = listed(token)
_OVERRIDE: dict[str, Form] = dict.fromkeys(("severity", "until", "owner", "reason"), text)
_TOKEN: dict[str, Form] = {"value": token, "per_sequence": limits, "share": limits}
_SEMANTIC: dict[str, dict[str, Form]] = {
    Time.kind: {"format": text, "min": text, "max": text, "of_day": flag},
    NaturalLanguage.kind: {
        "vocabulary": text,
        "coverage": number,
        "token_length": number,
        "excluded": _tokens_listed,
        "unknown": _tokens_listed,
        "tokens": listed(_tokens),
        "length": limits,
        "length_excluded": _tokens_listed,
    },
    Image.kind: {"supported": number, "max_bytes": number},
    Embedding.kind: {"size": number, "of": text},
}
_COMPARATORS: dict[str, Form] = {
    "drift": _comparator,
    "skew": _comparator,
    "severity": named(_severity),
}
_COLUMN: dict[str, Form] = {
    "type": text,
    "presence": number,
    "min_rows": number,
    "values": _levels,
    "shape": _sizes,
    "holds": text,
    "true_value": text,
    "false_value": text,
    "domain": _domain,
    "domain_share": number,
    "min": number,
    "max": number,
    "nan": number,
    "inf": number,
    "unique": flag,
    "distinct": limits,
    "regex": text,
    "length": limits,
    "semantic": _semantic,
    "mean": limits,
    "std": limits,
    "quantiles": _quantiles,
    "balance": named(limits),
    "stage": text,
    "in_environment": _names,
    "not_in_environment": _names,
    **_COMPARATORS,
    "tags": _names,
    "comment": text,
    "tfx": text,
}
_COMMON: dict[str, Form] = {"severity": _severity, "comment": text}
_DATASET: dict[str, Form] = {
    "environments": _names,
    "rows": limits,
    "rows_to_previous_span": limits,
    "rows_to_previous_version": limits,
    **_COMPARATORS,
    "metadata": named(text),
    "domains": named(listed(text)),
    "expressions": named(
        _short(Expression, "expression", {"expression": text, "share": number, **_COMMON})
    ),
    "rules": named(_short(Rule, "function", {"function": text, "settings": plain, **_COMMON})),
    "sparse": named(
        _short(
            Sparse,
            "values",
            {
                "values": text,
                "indices": _names,
                "shape": _sizes,
                "is_sorted": flag,
                "stage": text,
                "tfx": text,
            },
        )
    ),
    "weighted": named(
        _short(Weighted, "values", dict.fromkeys(("values", "weights", "stage", "tfx"), text))
    ),
    "tfx": text,
}
