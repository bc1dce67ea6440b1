"""A pipeline's parameters from a command line and a TOML file, typed by its signature."""

from __future__ import annotations

import inspect
import tomllib
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from dure.errors import UsageError, nearest
from dure.runner.pipeline import Pipeline


def from_command_line(
    target: Pipeline[..., Any], words: Sequence[str], config: Path | None = None
) -> dict[str, Any]:
    """Return a pipeline's arguments.

    Parameters
    ----------
    target : Pipeline
        Whose parameters they are.
    words : sequence of str
        ``--name value`` or ``--name=value``; ``--name`` alone, or ``--no-name``, for a truth
        value. Dashes and underscores are the same.
    config : Path, optional
        A TOML file with ``name = value`` lines; the command line wins.

    Returns
    -------
    dict
        The arguments, converted to the annotations of the pipeline's function.

    Raises
    ------
    UsageError
        If one is unknown, ill-typed, given twice or missing.
    """
    given: dict[str, tuple[Any, str]] = {}
    if config is not None:
        given |= {name: (value, f"in {config}") for name, value in _entries(config).items()}
    given |= {name: (value, "on the command line") for name, value in _words(target, words).items()}
    known = target.signature.parameters
    for name, (_, place) in given.items():
        if name not in known:
            raise UsageError(
                f"pipeline '{target.name}' has no parameter '{name}', given {place}",
                fix=nearest(name, known),
            )
    arguments = {
        name: convert(value, _hint(target, name), f"parameter '{name}' {place}")
        for name, (value, place) in given.items()
    }
    missing = [
        name
        for name, parameter in known.items()
        if name not in arguments and parameter.default is inspect.Parameter.empty
    ]
    if missing:
        raise UsageError(
            f"pipeline '{target.name}' needs a value for " + ", ".join(map(repr, missing)),
            fix=" ".join(f"--{name.replace('_', '-')} VALUE" for name in missing),
        )
    return arguments


def _hint(target: Pipeline[..., Any], name: str) -> Any:
    """Return a parameter's annotation; where there is none, what its default is."""
    if name in target.hints:
        return target.hints[name]
    parameter = target.signature.parameters.get(name)
    default = None if parameter is None else parameter.default
    if isinstance(default, PurePath):
        return Path
    if isinstance(default, list | tuple) and default and len({type(item) for item in default}) == 1:
        return list[type(default[0])]  # type: ignore[misc]
    return type(default) if isinstance(default, bool | int | float | str | Enum | list) else Any


def _words(target: Pipeline[..., Any], words: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or word == "--":
            raise UsageError(
                f"'{word}' is not understood",
                expected="--parameter value",
                got=" ".join(words),
            )
        name, equals, value = word[2:].partition("=")
        name = name.replace("-", "_")
        flag = _flag(target, name, bool(equals), rest)
        if flag is not None:
            name, value = flag
        elif not equals:
            if not rest or rest[0].startswith("--"):
                raise UsageError(
                    f"parameter '{name}' has no value",
                    got=" ".join(words),
                    fix=f"{word} VALUE, or {word}=VALUE if the value begins with two dashes",
                )
            value = rest.pop(0)
        if name in found:
            raise UsageError(f"parameter '{name}' is given twice", got=" ".join(words))
        found[name] = value
    return found


def _flag(
    target: Pipeline[..., Any], name: str, has_value: bool, rest: Sequence[str]
) -> tuple[str, str] | None:
    """Return a truth value given as ``--name`` or ``--no-name``, or None."""
    if has_value:
        return None
    if _is_truth(_hint(target, name)) and (not rest or rest[0].startswith("--")):
        return name, "true"
    positive = name.removeprefix("no_")
    if name not in target.signature.parameters and _is_truth(_hint(target, positive)):
        return positive, "false"
    return None


def _is_truth(hint: Any) -> bool:
    return hint is bool or set(typing.get_args(hint)) == {bool, type(None)}


def convert(value: Any, hint: Any, what: str) -> Any:
    """Return ``value``, a text or a TOML value, as ``hint`` says.

    Raises
    ------
    UsageError
        If it is not of that type.
    """
    from pydantic import PydanticUserError, TypeAdapter, ValidationError

    try:
        if isinstance(value, str):
            return _from_text(value, hint)
        # Strict for truth values alone: `true` is no 1, but a text may be a path or a choice.
        return TypeAdapter(hint).validate_python(value, strict=isinstance(value, bool))
    except ValidationError as error:
        raise UsageError(
            f"{what} has the wrong type",
            expected=_name(hint),
            got=f"{value!r} ({error.errors()[0]['msg']})",
        ) from error
    except PydanticUserError as error:
        raise UsageError(
            f"{what} cannot be given as text",
            expected="a parameter annotated with a plain type, such as int, str or list[float]",
            got=_name(hint),
            fix="call the pipeline from Python instead, or take a path and read the file inside",
        ) from error


def _from_text(value: str, hint: Any) -> Any:
    """Return a text as ``hint`` says; raises pydantic's errors."""
    from pydantic import TypeAdapter

    if hint is str or hint is Any:
        return value
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    parts = typing.get_args(hint)
    plain = [part for part in parts if part is not type(None)]
    if len(plain) == 1 and type(None) in parts:  # an optional value
        return None if value in ("none", "None") else _from_text(value, plain[0])
    kind = typing.get_origin(hint) or hint
    if kind in _LISTS:
        items = [item.strip() for item in value.split(",") if item.strip()]
        # Of tuple[int, str] each item has its own hint; of the others all have the first.
        fixed = kind is tuple and Ellipsis not in parts and len(parts) == len(items)
        hints = parts if fixed else [parts[0] if parts else str] * len(items)
        return adapter.validate_python([*map(_from_text, items, hints)])
    if kind in (dict, Mapping):
        return adapter.validate_json(value)
    if kind is typing.Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        choices = list(parts) if kind is typing.Literal else [*hint]
        return adapter.validate_python(_choices(choices).get(value, value))
    return adapter.validate_strings(value)


_LISTS = (list, tuple, set, frozenset, Sequence)


def _choices(known: Sequence[Any]) -> dict[str, Any]:
    """Return choices by how they are written: a member of an enum by its value or its name."""
    by_name = {item.name: item for item in known if isinstance(item, Enum)}
    return by_name | {str(i.value if isinstance(i, Enum) else i): i for i in known}


def _entries(config: Path) -> dict[str, Any]:
    """Return a file's entries by parameter."""
    found: dict[str, Any] = {}
    for key, value in _read(config).items():
        name = key.replace("-", "_")
        if name in found:
            raise UsageError(f"parameter '{name}' is given twice in {config}")
        found[name] = value
    return found


def _read(config: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the file {config} cannot be read", got=str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the file {config} is no TOML", expected="lines such as: epochs = 10", got=str(error)
        ) from error


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def usage(target: Pipeline[..., Any], file: str) -> str:
    """Return how a pipeline is called, parameter by parameter."""
    lines = [f"Usage: dure run {file} [--PARAMETER VALUE ...] [OPTIONS]", ""]
    if target.__doc__:
        lines += [inspect.cleandoc(target.__doc__), ""]
    lines.append("Parameters:" if target.signature.parameters else "It takes no parameters.")
    for name, parameter in target.signature.parameters.items():
        required = parameter.default is inspect.Parameter.empty
        default = "required" if required else f"default {parameter.default!r}"
        option = f"--{name.replace('_', '-')}"
        lines.append(f"  {option:<22} {_name(_hint(target, name)):<14} {default}")
    return "\n".join([*lines, "", "Options: see 'dure run --help'."])
