"""One hyperparameter: its range, its default, and whether a value lies in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dure.errors import UsageError, nearest

Value = bool | int | float | str | None
Kind = Literal["Int", "Float", "Choice", "Boolean", "Fixed"]
SAMPLINGS = ("linear", "log", "reverse_log")


@dataclass(frozen=True)
class Condition:
    """True while the hyperparameter ``parent`` has one of ``values``."""

    parent: str
    values: tuple[Value, ...]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Return whether ``values`` meet the condition."""
        return self.parent in values and _among(values[self.parent], self.values)


@dataclass(frozen=True)
class HyperParameter:
    """One dimension of the search space.

    Parameters
    ----------
    name : str
        Its name, with the name scopes before it.
    kind : {"Int", "Float", "Choice", "Boolean", "Fixed"}
        What it was made by.
    default : bool, int, float, str or None
        Its value where none is given.
    min_value, max_value : int or float, optional
        Ends of the range, both included.
    step : int or float, optional
        The distance of allowed values: added from ``min_value`` on for linear sampling,
        multiplied for the others.
    sampling : {"linear", "log", "reverse_log"}, optional
        How a search draws from the range.
    values : tuple, optional
        The values of a choice.
    ordered : bool, optional
        Whether the order of the values of a choice means something.
    conditions : tuple of Condition
        It is active only while all of them hold.
    """

    name: str
    kind: Kind
    default: Value
    min_value: int | float | None = None
    max_value: int | float | None = None
    step: int | float | None = None
    sampling: str | None = None
    values: tuple[Value, ...] | None = None
    ordered: bool | None = None
    conditions: tuple[Condition, ...] = ()

    def check(self, value: Value) -> Value:
        """Return ``value`` in the hyperparameter's type.

        Raises
        ------
        UsageError
            If it is out of range, off the steps, or of another type.
        """
        if self.values is not None:
            if not _among(value, self.values):
                raise self._refusal(value, "one of " + ", ".join(repr(v) for v in self.values))
            return value
        return self._check_number(value)

    def _check_number(self, value: Value) -> Value:
        assert self.min_value is not None
        assert self.max_value is not None
        number = "an integer" if self.kind == "Int" else "a number"
        expected = f"{number} from {self.min_value} to {self.max_value}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refusal(value, expected)
        if self.kind == "Int" and value != int(value):
            raise self._refusal(value, expected)
        if not self.min_value <= value <= self.max_value:
            raise self._refusal(value, expected)
        if self.step is not None and not self._on_step(value):
            word = "in steps of" if self.sampling == "linear" else "in factors of"
            raise self._refusal(value, f"{expected} {word} {self.step}")
        return int(value) if self.kind == "Int" else float(value)

    def _on_step(self, value: float) -> bool:
        assert self.min_value is not None
        assert self.max_value is not None
        assert self.step is not None
        if self.sampling == "linear":
            steps = (value - self.min_value) / self.step
        elif self.sampling == "log":
            steps = math.log(value / self.min_value, self.step)
        else:
            mirrored = self.max_value + self.min_value - value
            steps = math.log(mirrored / self.min_value, self.step)
        return math.isclose(steps, round(steps), abs_tol=1e-6)

    def _refusal(self, value: object, expected: str) -> UsageError:
        return UsageError(
            f"hyperparameter '{self.name}' cannot have this value",
            expected=expected,
            got=repr(value),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the hyperparameter as JSON-ready values."""
        record = {
            name: getattr(self, name)
            for name in ("name", "kind", "default", "min_value", "max_value", "step", "sampling")
        }
        record["values"] = None if self.values is None else list(self.values)
        record["ordered"] = self.ordered
        record["conditions"] = [
            {"parent": c.parent, "values": list(c.values)} for c in self.conditions
        ]
        return {name: value for name, value in record.items() if value not in (None, [])} | {
            "default": self.default
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> HyperParameter:
        """Return the hyperparameter that `to_dict` wrote."""
        conditions = tuple(
            Condition(c["parent"], tuple(c["values"])) for c in record.get("conditions", ())
        )
        values = tuple(record["values"]) if "values" in record else None
        rest = {k: v for k, v in record.items() if k not in ("conditions", "values")}
        return cls(**rest, values=values, conditions=conditions)

    def describe(self) -> str:
        """Return the range in a few words."""
        if self.values is not None:
            return ", ".join(str(value) for value in self.values)
        step = "" if self.step in (None, 1) else f", step {self.step}"
        sampling = "" if self.sampling == "linear" else f", {self.sampling}"
        return f"{self.min_value} … {self.max_value}{step}{sampling}"


def numeric(
    kind: Literal["Int", "Float"],
    name: str,
    min_value: float,
    max_value: float,
    step: float | None,
    sampling: str,
    default: float | None,
    conditions: tuple[Condition, ...],
) -> HyperParameter:
    """Return an Int or Float hyperparameter after KerasTuner's rules, or raise UsageError."""
    _check_range(kind, name, min_value, max_value, step, sampling, default)
    if step is None and kind == "Int" and sampling == "linear":
        step = 1
    if step is not None and step <= (0 if sampling == "linear" else 1):
        least = "above 0" if sampling == "linear" else f"above 1 for {sampling} sampling"
        raise _wrong(name, "step", least, step)
    cast = int if kind == "Int" else float
    parameter = HyperParameter(
        name=name,
        kind=kind,
        default=cast(min_value if default is None else default),
        min_value=cast(min_value),
        max_value=cast(max_value),
        step=None if step is None else cast(step),
        sampling=sampling,
        conditions=conditions,
    )
    if not parameter.min_value <= parameter.default <= parameter.max_value:  # type: ignore[operator] # numbers by now
        raise _wrong(name, "default", f"from {min_value} to {max_value}", default)
    return parameter


def _check_range(
    kind: str,
    name: str,
    min_value: float,
    max_value: float,
    step: float | None,
    sampling: str,
    default: float | None,
) -> None:
    if sampling not in SAMPLINGS:
        raise _wrong(name, "sampling", f"one of {', '.join(SAMPLINGS)}", sampling)
    numbers = {"min_value": min_value, "max_value": max_value, "step": step, "default": default}
    for argument, value in numbers.items():
        if value is None and argument in ("step", "default"):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(name, argument, "a number", value)
        if not math.isfinite(value) or (kind == "Int" and value != int(value)):
            raise _wrong(name, argument, "an integer" if kind == "Int" else "finite", value)
    if min_value > max_value:
        raise _wrong(name, "min_value", f"at most max_value, {max_value}", min_value)
    if sampling != "linear" and min_value <= 0:
        raise _wrong(name, "min_value", f"above 0 for {sampling} sampling", min_value)


def choice(
    name: str,
    values: Sequence[Value],
    ordered: bool | None,
    default: Value,
    conditions: tuple[Condition, ...],
) -> HyperParameter:
    """Return a Choice hyperparameter after KerasTuner's rules, or raise UsageError."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise _wrong(name, "values", "a list of at least one value", values)
    types = {type(value) for value in values}
    if len(types) > 1 or not isinstance(values[0], bool | int | float | str):
        raise _wrong(name, "values", "all int, all float, all str or all bool", list(values))
    is_number = isinstance(values[0], int | float)
    if ordered and not is_number:
        raise _wrong(name, "ordered", "False for values that are no numbers", ordered)
    if default is not None and not _among(default, tuple(values)):
        raise _wrong(name, "default", f"one of {', '.join(map(repr, values))}", default)
    return HyperParameter(
        name=name,
        kind="Choice",
        default=values[0] if default is None else default,
        values=tuple(values),
        ordered=is_number if ordered is None else ordered,
        conditions=conditions,
    )


def _among(value: Value, values: tuple[Value, ...]) -> bool:
    """Return whether ``value`` is one of ``values``; True is not 1, as it is to ``in``."""
    return any(value == v and isinstance(value, bool) == isinstance(v, bool) for v in values)


def _wrong(name: str, argument: str, expected: str, got: object) -> UsageError:
    return UsageError(
        f"hyperparameter '{name}': {argument} is wrong", expected=expected, got=repr(got)
    )


def unknown(names: Sequence[str], known: Sequence[str]) -> UsageError:
    """Return the error for given values that build_model never asks for."""
    return UsageError(
        f"build_model asks for no hyperparameter '{names[0]}'",
        expected="values of hyperparameters that build_model asks for",
        got=", ".join(repr(name) for name in names),
        fix=nearest(names[0], known),
    )
