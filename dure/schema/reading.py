"""Reads a schema file that a person wrote, and says at which line something is wrong.

The file is read as YAML *nodes*, not as Python values, for two reasons: a node knows its line, and
it keeps the text as it was written. A domain value and a column name are text by definition, so
``yes``, ``NO`` and ``007`` need no quotes here, where a YAML reader would make ``True``, ``False``
and ``7`` of them; and ``1e-3`` is a number, which YAML 1.1 takes for a string.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from dure.errors import SchemaError, nearest
from dure.schema.column import VERSION, Column

_TOP = ("version", "columns")
_FIELDS = ("type", "presence", "domain", "domain_share", "min", "max")
_NULL = "tag:yaml.org,2002:null"
# libyaml's parser is ten times faster, gives the same nodes, and is not everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_columns(path: Path) -> dict[str, Column]:
    """Return the columns of the schema file at ``path``.

    Raises
    ------
    SchemaError
        When the file cannot be read, is not YAML, or is no schema.
    """
    top = _entries(_compose(path), path, "the file", _TOP)
    _check_version(top.get("version"), path)
    if "columns" not in top:
        raise SchemaError(
            f"{path}: there are no columns",
            expected="columns: with one entry for each column",
            got=", ".join(top) or "nothing",
            fix="add them, or write a first draft with dure.schema.infer(statistics).write(path)",
        )
    columns = _entries(top["columns"], path, "columns", None)
    return {name: _column(name, node, path) for name, node in columns.items()}


def _compose(path: Path) -> yaml.Node:
    try:
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=_LOADER)
    except FileNotFoundError as error:
        raise SchemaError(
            f"{path}: there is no such schema file",
            fix="write a first draft with dure.schema.infer(statistics).write(path)",
        ) from error
    except OSError as error:
        raise SchemaError(f"{path}: cannot be read", got=str(error)) from error
    except UnicodeDecodeError as error:
        raise SchemaError(
            f"{path}: is not UTF-8 text",
            expected="UTF-8",
            got=f"byte 0x{error.object[error.start]:02x} at position {error.start}",
            fix="save the file as UTF-8",
        ) from error
    except RecursionError as error:
        raise SchemaError(f"{path}: is nested too deep to be a schema") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise SchemaError(
            f"{path}{line}: is not YAML",
            got=str(getattr(error, "problem", None) or error).replace("\n", " "),
            fix="check the indentation and the quotes around that line",
        ) from error
    if node is None:
        raise SchemaError(f"{path}: is empty", expected="columns: with one entry for each column")
    return node


def _entries(
    node: yaml.Node, path: Path, what: str, known: tuple[str, ...] | None
) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise SchemaError(
            f"{_at(path, node)}: {what} is not a mapping",
            expected="lines of the form 'name: value'",
            got=_shown(node),
        )
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise SchemaError(f"{_at(path, key)}: a name in {what} is not text", got=_shown(key))
        if known is not None and key.value not in known:
            raise SchemaError(
                f"{_at(path, key)}: {what} has an unknown entry",
                expected=f"one of {', '.join(known)}",
                got=repr(key.value),
                fix=nearest(key.value, known),
            )
        if key.value in found:
            raise SchemaError(
                f"{_at(path, key)}: {what} has the entry {key.value!r} twice",
                fix="remove one of the two",
            )
        found[key.value] = value
    return found


def _check_version(node: yaml.Node | None, path: Path) -> None:
    if node is not None and node.value != str(VERSION):
        raise SchemaError(
            f"{_at(path, node)}: this schema has a version that cannot be read",
            expected=f"version: {VERSION}",
            got=_shown(node),
            fix="a newer Dure wrote it: update Dure, or write the file again with this one",
        )


def _column(name: str, node: yaml.Node, path: Path) -> Column:
    where = f"column {name!r}"
    fields = _entries(node, path, where, _FIELDS)
    if "type" not in fields:
        raise SchemaError(
            f"{_at(path, node)}: {where} has no type",
            expected="type: int, float, string or bool",
            got=", ".join(fields) or "nothing",
        )
    values: dict[str, Any] = {"type": _text(fields.pop("type"), path, f"{where}: type")}
    for key, value in fields.items():
        if value.tag == _NULL and value.value != "":
            continue
        if key == "domain":
            values[key] = _domain(value, path, f"{where}: domain")
        else:
            values[key] = _number(value, path, f"{where}: {key}")
    try:
        return Column(**values)
    except SchemaError as error:
        raise SchemaError(
            f"{_at(path, node)}: {where}: {error.what}",
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from error


def _domain(node: yaml.Node, path: Path, where: str) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise SchemaError(
            f"{_at(path, node)}: {where} is not a list",
            expected="one value a line, each after '- '; or [a, b, c]",
            got=_shown(node),
            fix="leave domain out to allow any value",
        )
    return tuple(_text(item, path, where) for item in node.value)


def _text(node: yaml.Node, path: Path, where: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
        raise SchemaError(
            f"{_at(path, node)}: {where} has a value that is not text",
            expected="a string",
            got=_shown(node),
            fix="put it in quotes if it is meant as text",
        )
    return str(node.value)


def _number(node: yaml.Node, path: Path, where: str) -> float:
    text = str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII):
        return int(text)
    # "nan" and "inf" are numbers to Python; here they are refused as they are in Column.
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        return float(text)
    raise SchemaError(
        f"{_at(path, node)}: {where} is not a number",
        expected="a number, such as 0.95",
        got=_shown(node),
        fix="leave it out where nothing is expected",
    )


def _at(path: Path, node: yaml.Node) -> str:
    return f"{path}:{node.start_mark.line + 1}"


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
