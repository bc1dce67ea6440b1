"""Pairs of a lowest and a highest allowed number, and the checks of single numbers."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard

from dure.errors import SchemaError

# The lowest and the highest number that is allowed, both included; None: no bound on this side.
Bounds = tuple[float | None, float | None]


def bounds(
    name: str,
    value: Any,
    *,
    whole: bool = False,
    low: float | None = None,
    high: float | None = None,
    none: bool = False,
) -> Bounds:
    """Return ``value`` as a pair of bounds.

    Parameters
    ----------
    name : str
        What is bounded, for messages.
    value : pair of numbers or None, or one number
        One number means exactly that.
    whole : bool
        Whether only whole numbers make sense.
    low, high : float, optional
        What a bound itself cannot be below or above.
    none : bool
        Whether both may be lacking.

    Raises
    ------
    SchemaError
        When it is no such pair, or the first is greater than the second.
    """
    pair = (value, value) if is_number(value) else value
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise SchemaError(
            f"{name} is not a pair of bounds",
            expected="a lowest and a highest, such as [0, 10], or [0, null] without a highest",
            got=repr(value),
        )
    for bound in pair:
        if bound is not None:
            _check(name, bound, whole, low, high)
    first, second = pair
    if first is not None and second is not None and first > second:
        raise SchemaError(
            f"{name}: the lowest is greater than the highest",
            expected="the lowest first",
            got=f"[{first}, {second}]",
            fix="swap them",
        )
    if first is None and second is None and not none:
        raise SchemaError(
            f"{name} has no bound",
            got="[null, null]",
            fix=f"give one of the two, or leave {name} out",
        )
    return first, second


def _check(name: str, bound: object, whole: bool, low: float | None, high: float | None) -> None:
    # NaN fails the comparison, and so does an integer too large for a float.
    if not is_number(bound) or not abs(bound) <= sys.float_info.max:
        raise SchemaError(f"{name} has a bound that is not a finite number", got=repr(bound))
    if whole and not isinstance(bound, int):
        raise SchemaError(f"{name} has a bound that is not a whole number", got=repr(bound))
    if (low is not None and bound < low) or (high is not None and bound > high):
        limits = f"at least {low:g}" + ("" if high is None else f", at most {high:g}")
        raise SchemaError(f"{name} has a bound out of range", expected=limits, got=repr(bound))


def share(name: str, value: object) -> None:
    """Raise `SchemaError` unless ``value`` is a number from 0 to 1."""
    # NaN fails the comparison, as it should.
    if not is_number(value) or not 0.0 <= value <= 1.0:
        raise SchemaError(
            f"{name} is not a share",
            expected="a number from 0 to 1",
            got=repr(value),
            fix=f"{name}: 1.0 for all of them, 0.0 for none of them",
        )


def is_number(value: object) -> TypeGuard[float]:
    """Return whether ``value`` is a number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)
