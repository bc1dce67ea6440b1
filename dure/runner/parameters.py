"""A pipeline's parameters from a command line and a TOML file, typed by its signature."""

from __future__ import annotations

import inspect
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
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
        given |= {name: (value, f"in {config}") for name, value in _read(config).items()}
    given |= {name: (value, "on the command line") for name, value in _words(target, words).items()}
    known = target.signature.parameters
    for name, (_, place) in given.items():
        if name not in known:
            raise UsageError(
                f"pipeline '{target.name}' has no parameter '{name}', given {place}",
                fix=nearest(name, known),
            )
    arguments = {
        name: convert(value, target.hints.get(name, str), f"parameter '{name}' {place}")
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
            if not rest:
                raise UsageError(f"parameter '{name}' has no value", fix=f"{word} VALUE")
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
    if target.hints.get(name) is bool and (not rest or rest[0].startswith("--")):
        return name, "true"
    positive = name.removeprefix("no_")
    if positive != name and target.hints.get(positive) is bool:
        return positive, "false"
    return None


def convert(value: Any, hint: Any, what: str) -> Any:
    """Return ``value``, a text or a TOML value, as ``hint`` says.

    Raises
    ------
    UsageError
        If it is not of that type.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(hint)
        if isinstance(value, str) and not _takes_text(hint):
            return _from_text(adapter, value, hint)
        # Strict for truth values alone: `true` is no 1, but a text may be a path or a choice.
        return adapter.validate_python(value, strict=isinstance(value, bool))
    except ValidationError as error:
        raise UsageError(
            f"{what} has the wrong type",
            expected=_name(hint),
            got=f"{value!r} ({error.errors()[0]['msg']})",
        ) from error


def _takes_text(hint: Any) -> bool:
    return hint is str or hint is Any


def _from_text(adapter: Any, value: str, hint: Any) -> Any:
    from pydantic import ValidationError

    if typing.get_origin(hint) in (list, tuple, set, frozenset):
        return adapter.validate_strings([item.strip() for item in value.split(",") if item.strip()])
    try:
        return adapter.validate_strings(value)
    except ValidationError:
        if value in ("none", "None") and type(None) in typing.get_args(hint):
            return None
        raise


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
        lines.append(f"  {option:<22} {_name(target.hints.get(name, str)):<14} {default}")
    return "\n".join([*lines, "", "Options: see 'dure run --help'."])
