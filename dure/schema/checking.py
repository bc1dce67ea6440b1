"""The rules that make a column's expectations sensible, and their normal form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dure.errors import SchemaError, nearest
from dure.schema import types
from dure.schema.bounds import bounds, is_number, share
from dure.schema.override import Override
from dure.schema.semantics import semantic, whole_number

if TYPE_CHECKING:
    from dure.schema.column import Column

_HOLDS = {"string": ("int", "float", "bool"), "int": ("bool",), "float": ("bool",)}


def check_column(column: Column) -> dict[str, Any]:
    """Return the fields of ``column`` that have to change for its normal form.

    Raises
    ------
    SchemaError
        When a value is out of its range, or does not fit the type.
    """
    changes: dict[str, Any] = {"type": types.normal(column.type)}
    inner = types.element(changes["type"])
    share("presence", column.presence)
    share("domain_share", column.domain_share)
    _check_holds(column, inner)
    changes["domain"] = _domain(column, inner)
    _check_range(column, inner)
    for check in (_lists, _values, _distribution, _life):
        changes.update(check(column, changes["type"], inner))
    return changes


def _check_holds(column: Column, inner: str) -> None:
    if column.holds is not None and column.holds not in _HOLDS.get(inner, ()):
        able = ", ".join(_HOLDS.get(inner, ())) or "nothing: leave it out"
        raise SchemaError(
            f"a column of type {inner} cannot hold {column.holds!r}",
            expected=able,
            got=repr(column.holds),
            fix=nearest(str(column.holds), _HOLDS.get(inner, ())),
        )
    for name in ("true_value", "false_value"):
        value = getattr(column, name)
        if value is not None and (column.holds != "bool" or inner != "string"):
            raise SchemaError(
                f"{name} is for string columns that hold truth values",
                expected="type string and holds bool",
                got=f"type {inner}, holds {column.holds}",
                fix=f"add 'holds: bool', or leave {name} out",
            )
        if value is not None:
            _text(name, value)
    if column.true_value is not None and column.true_value == column.false_value:
        raise SchemaError(
            "true_value and false_value are the same text", got=repr(column.true_value)
        )


def _domain(column: Column, inner: str) -> tuple[str, ...] | None:
    if column.domain_name is not None:
        _text("domain_name", column.domain_name)
    if column.domain is None and column.domain_name is None:
        if column.domain_share != 1.0:
            raise SchemaError(
                "domain_share without a domain",
                expected="a domain beside it",
                got=f"domain_share {column.domain_share}",
                fix="list the values in domain, or leave domain_share out",
            )
        return None
    if inner != "string":
        raise SchemaError(
            "a domain is for string columns",
            expected="type string",
            got=f"type {inner}",
            fix="use min and max for numbers, or leave the domain out",
        )
    return None if column.domain is None else domain(column.domain)


def domain(values: Any) -> tuple[str, ...]:
    """Return the values of a domain, each once.

    Raises
    ------
    SchemaError
        When they are no texts, or none.
    """
    listed = isinstance(values, tuple | list)
    wrong = [value for value in values if not isinstance(value, str)] if listed else []
    if not listed or wrong or not values:
        raise SchemaError(
            "the domain is not a list of strings",
            expected="at least one string, each a value that is allowed",
            got=repr(wrong[0]) if wrong else repr(values),
            fix="list the allowed values, or leave the domain out to allow any",
        )
    return tuple(dict.fromkeys(values))


def _check_range(column: Column, inner: str) -> None:
    for name, bound in (("min", column.min), ("max", column.max)):
        if bound is None:
            continue
        if inner not in ("int", "float") and column.holds not in ("int", "float"):
            raise SchemaError(
                f"{name} is for number columns",
                expected="type int or float",
                got=f"type {inner}",
                fix=f"leave {name} out; or say that the texts are numbers: 'holds: float'",
            )
        # NaN fails the comparison, and so does an integer too large for a float.
        if not is_number(bound) or not abs(bound) <= sys.float_info.max:
            raise SchemaError(
                f"{name} is not a finite number",
                expected="a number",
                got=repr(bound),
                fix=f"leave {name} out where there is no bound",
            )
    if column.min is not None and column.max is not None and column.min > column.max:
        raise SchemaError(
            "min is greater than max",
            expected="min <= max",
            got=f"min {column.min}, max {column.max}",
            fix="swap them",
        )


def _lists(column: Column, kind: str, _: str) -> Iterator[tuple[str, Any]]:
    if column.min_rows is not None:
        whole_number("min_rows", column.min_rows)
    if column.values is not None and column.shape is not None:
        raise SchemaError("values and shape exclude each other", fix="leave one of them out")
    if column.values is not None:
        given: Any = column.values
        one = is_number(given) or (len(given) == 2 and not isinstance(given[0], tuple | list))
        levels = (given,) if one else given
        if len(levels) != types.depth(kind) or not levels:
            raise SchemaError(
                "values has not one pair for each level of lists",
                expected=f"{types.depth(kind)} for the type {kind}",
                got=f"{len(levels)}",
                fix="write the type as list[...], or leave values out: each row has one value",
            )
        # With several levels, one of them may have no bound: it holds the others' place.
        free = len(levels) > 1
        pairs = [bounds("values", level, whole=True, low=0, none=free) for level in levels]
        yield "values", tuple(pairs)
    if column.shape is not None:
        for size in column.shape:
            whole_number("a size in shape", size)
        yield "shape", tuple(column.shape)


def _values(column: Column, _: str, inner: str) -> Iterator[tuple[str, Any]]:
    for name in ("nan", "inf"):
        value = getattr(column, name)
        if value is not None:
            _only(name, inner == "float" or column.holds == "float", "float columns", inner)
            share(name, value)
    if not isinstance(column.unique, bool):
        raise SchemaError("unique is not true or false", got=repr(column.unique))
    if column.distinct is not None:
        yield "distinct", bounds("distinct", column.distinct, whole=True, low=0)
    if column.regex is not None:
        _only("regex", inner == "string", "string columns", inner)
        _text("regex", column.regex)
    if column.length is not None:
        _only("length", inner in ("string", "bytes"), "string and bytes columns", inner)
        yield "length", bounds("length", column.length, whole=True, low=0)
    if column.semantic is not None:
        yield "semantic", semantic(column.semantic)


def _distribution(column: Column, _: str, inner: str) -> Iterator[tuple[str, Any]]:
    number = inner in ("int", "float") or column.holds in ("int", "float")
    for name, low in (("mean", None), ("std", 0.0)):
        value = getattr(column, name)
        if value is not None:
            _only(name, number, "number columns", inner)
            yield name, bounds(name, value, low=low)
    if column.quantiles:
        _only("quantiles", number, "number columns", inner)
        found = {}
        for at in sorted(_mapping("quantiles", column.quantiles, is_number)):
            share("a quantile", at)
            found[float(at)] = bounds(f"quantile {at:g}", column.quantiles[at])
        yield "quantiles", found
    if column.balance:
        _only("balance", inner in ("string", "bool", "int"), "categories", inner)
        given = _mapping("balance", column.balance, _is_text)
        yield (
            "balance",
            {key: bounds(f"balance of {key!r}", given[key], low=0, high=1) for key in given},
        )


def _life(column: Column, *_: str) -> Iterator[tuple[str, Any]]:
    from dure.schema.column import STAGES

    for name in ("drift", "skew"):
        if getattr(column, name) is not None:
            yield name, comparator(name, getattr(column, name))
    if column.stage is not None and column.stage not in STAGES:
        raise SchemaError(
            "unknown stage",
            expected=f"one of {', '.join(STAGES)}",
            got=repr(column.stage),
            fix=nearest(str(column.stage), STAGES),
        )
    for name in ("in_environment", "not_in_environment", "tags"):
        yield name, texts(name, getattr(column, name))
    yield "severity", severities(column.severity)
    for name in ("comment", "tfx"):
        if getattr(column, name) is not None:
            _text(name, getattr(column, name))


def severities(given: Any) -> dict[str, Override]:
    """Return severities by kind of anomaly: ``"warning"`` becomes ``Override("warning")``."""
    found = _mapping("severity", given, _is_text)
    return {
        kind: value if isinstance(value, Override) else Override(value)
        for kind, value in found.items()
    }


def comparator(name: str, value: Any) -> str | dict[str, float]:
    """Return a comparison's metrics and thresholds, or ``"auto"``.

    Raises
    ------
    SchemaError
        When it is neither.
    """
    if value == "auto" and isinstance(value, str):
        return "auto"
    if not isinstance(value, Mapping):
        raise SchemaError(
            f"{name} is neither 'auto' nor thresholds",
            expected=f"'auto', or a threshold for each metric: {name}: {{jensen_shannon: 0.1}}",
            got=repr(value),
        )
    for metric, threshold in _mapping(name, value, _is_text).items():
        if not is_number(threshold) or not 0 <= threshold <= sys.float_info.max:
            raise SchemaError(
                f"{name}: the threshold of {metric} is not a number",
                expected="a number from 0",
                got=repr(threshold),
            )
    return dict(value)


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts, or raise `SchemaError`."""
    if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
        raise SchemaError(f"{name} is not a list of texts", got=repr(value))
    return tuple(value)


def _mapping(name: str, value: Any, is_key: Callable[[object], bool]) -> dict[Any, Any]:
    if not isinstance(value, Mapping) or not all(is_key(key) for key in value):
        raise SchemaError(f"{name} is not a mapping", expected="name: value", got=repr(value))
    return dict(value)


def _only(name: str, fits: bool, which: str, inner: str) -> None:
    if not fits:
        raise SchemaError(
            f"{name} is for {which}", expected=which, got=f"type {inner}", fix=f"leave {name} out"
        )


def _text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise SchemaError(f"{name} is not text", expected="text", got=repr(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)
