"""Reads YAML *nodes*: values that know their line, and keep their text as it was written.

A domain value and a column name are text by definition, so ``yes``, ``NO`` and ``007`` need no
quotes here, where a YAML reader would make ``True``, ``False`` and ``7`` of them; and ``1e-3`` is a
number, which YAML 1.1 takes for a string. Every function takes a node and where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dure.errors import SchemaError, nearest
from dure.schema.bounds import Bounds

_NULL = "tag:yaml.org,2002:null"
_INT = re.compile(r"[+-]?\d+", re.ASCII)
# What is a number where text or a number may stand; `writing` puts such a text in quotes.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
# libyaml's parser is ten times faster, gives the same nodes, and is not everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Where:
    """A place in a file, for messages: ``column 'a': min`` in ``schema.yaml``."""

    path: Path
    what: str

    def at(self, node: yaml.Node) -> str:
        """Return file and line of a node."""
        return f"{self.path}:{node.start_mark.line + 1}"

    def of(self, key: str) -> Where:
        """Return the place of an entry in this one."""
        return Where(self.path, f"{self.what}: {key}" if self.what else key)

    def error(
        self, node: yaml.Node, problem: str, expected: str = "", fix: str = ""
    ) -> SchemaError:
        """Return the error that this node is not what it has to be."""
        return SchemaError(
            f"{self.at(node)}: {self.what} {problem}",
            expected=expected or None,
            got=shown(node),
            fix=fix or None,
        )


_SHOWN = 100  # letters of a value in a message

Form = Callable[[yaml.Node, Where], Any]


def compose(path: Path) -> yaml.Node:
    """Return what a YAML file holds.

    Raises
    ------
    SchemaError
        When the file cannot be read, is not YAML, or is empty.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=_LOADER)
    except FileNotFoundError as error:
        raise SchemaError(
            f"{path}: there is no such schema file",
            fix="'dure schema infer DATA --output FILE' drafts one; in Python, "
            "dure.schema.infer(statistics).write(path)",
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


def entries(node: yaml.Node, where: Where, known: tuple[str, ...] | None) -> dict[str, yaml.Node]:
    """Return the entries of a mapping.

    Raises
    ------
    SchemaError
        When it is none, or has an entry that is not ``known`` or comes twice.
    """
    if not isinstance(node, yaml.MappingNode):
        raise where.error(node, "is not a mapping", "lines of the form 'name: value'")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise SchemaError(
                f"{where.at(key)}: a name in {where.what} is not text", got=shown(key)
            )
        if known is not None and key.value not in known:
            raise SchemaError(
                f"{where.at(key)}: {where.what} has an unknown entry",
                expected=f"one of {', '.join(known)}",
                got=repr(key.value),
                fix=nearest(key.value, known),
            )
        if key.value in found:
            raise SchemaError(
                f"{where.at(key)}: {where.what} has the entry {key.value!r} twice",
                fix="remove one of the two",
            )
        found[key.value] = value
    return found


def fields(node: yaml.Node, where: Where, forms: Mapping[str, Form]) -> dict[str, Any]:
    """Return the entries of a mapping, each read by its form; null is as if it were not there."""
    found = entries(node, where, tuple(forms))
    return {
        key: forms[key](value, where.of(key))
        for key, value in found.items()
        if not (value.tag == _NULL and value.value != "")
    }


def make(kind: Callable[..., Any], values: dict[str, Any], node: yaml.Node, where: Where) -> Any:
    """Return ``kind(**values)``, whose error then names the line of what is wrong."""
    try:
        return kind(**values)
    except TypeError as error:  # a field without a default is not there
        lacking = re.findall(r"'(\w+)'", str(error))
        raise SchemaError(
            f"{where.at(node)}: {where.what} has no {' and no '.join(lacking)}",
            expected=", ".join(f"{name}: ..." for name in lacking),
            got=", ".join(values) or "nothing",
        ) from error
    except SchemaError as error:
        raise SchemaError(
            f"{where.at(_culprit(node, error.what))}: {where.what}: {error.what}",
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from error


def _culprit(node: yaml.Node, problem: str) -> yaml.Node:
    """Return the entry that a message begins with, or all of the node."""
    if isinstance(node, yaml.MappingNode):
        for key, _ in node.value:
            if re.match(rf"(the |unknown |a )?{re.escape(str(key.value))}\b", problem):
                found: yaml.Node = key
                return found
    return node


# --- forms --------------------------------------------------------------------------------------


def text(node: yaml.Node, where: Where) -> str:
    """Return a scalar as it was written."""
    if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL:
        raise where.error(
            node,
            "has a value that is not text",
            "a string",
            "put it in quotes if it is meant as text",
        )
    return str(node.value)


def number(node: yaml.Node, where: Where) -> float:
    """Return a finite number, whole where it is written so."""
    written = str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""
    if _INT.fullmatch(written):
        return int(written)
    # "nan" and "inf" are numbers to Python; here they are refused as they are in Column.
    if NUMBER.fullmatch(written):
        return float(written)
    raise where.error(
        node, "is not a number", "a number, such as 0.95", "leave it out where nothing is expected"
    )


def flag(node: yaml.Node, where: Where) -> bool:
    """Return a truth value."""
    if isinstance(node, yaml.ScalarNode) and node.value.lower() in ("true", "false", "yes", "no"):
        return node.value.lower() in ("true", "yes")
    raise where.error(node, "is not true or false", "true or false")


def token(node: yaml.Node, where: Where) -> str | int:
    """Return a whole number that is not in quotes, or text."""
    bare = isinstance(node, yaml.ScalarNode) and not node.style
    if bare and _INT.fullmatch(node.value):
        return int(node.value)
    return text(node, where)


def listed(form: Form, example: str = "[a, b, c]") -> Form:
    """Return the form of a list whose entries have the form ``form``."""

    def read(node: yaml.Node, where: Where) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise where.error(
                node,
                "is not a list",
                f"one value a line, each after '- '; or {example}",
                f"leave {where.what.rpartition(' ')[2]} out where nothing is expected",
            )
        return tuple(form(item, where) for item in node.value)

    return read


def named(form: Form) -> Form:
    """Return the form of a mapping from any names to entries of the form ``form``."""

    def read(node: yaml.Node, where: Where) -> dict[str, Any]:
        return {
            key: form(value, where.of(repr(key)))
            for key, value in entries(node, where, None).items()
        }

    return read


def limits(node: yaml.Node, where: Where) -> Bounds | float:
    """Return a pair of bounds, each a number or null; or one number."""
    if isinstance(node, yaml.ScalarNode):
        return number(node, where)
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != 2:
        raise where.error(
            node,
            "is not a pair of bounds",
            "a lowest and a highest, such as [0, 10], or [0, null] without a highest",
        )
    first, second = (None if one.tag == _NULL else number(one, where) for one in node.value)
    return first, second


def plain(node: yaml.Node, where: Where) -> Any:
    """Return any value that JSON has."""
    if isinstance(node, yaml.MappingNode):
        return named(plain)(node, where)
    if isinstance(node, yaml.SequenceNode):
        return [plain(item, where) for item in node.value]
    written = str(node.value)
    if not getattr(node, "style", None) and NUMBER.fullmatch(written):
        return number(node, where)
    if node.tag.endswith((":bool", ":null")):
        return None if node.tag == _NULL else written.lower() in ("true", "yes", "on")
    return written


def shown(node: yaml.Node) -> str:
    """Return what a node is, for a message."""
    if isinstance(node, yaml.ScalarNode):
        text = node.value if len(node.value) <= _SHOWN else node.value[: _SHOWN - 1] + "…"
        return repr(text) if text else "nothing"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
