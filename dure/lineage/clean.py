"""Makes values fit for a database: what one dialect takes and another refuses never gets in."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping

from dure.errors import LineageError

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

DEEPEST = 64
"""How deep properties may be nested."""


def text(value: object, what: str, *, empty: bool = False) -> str:
    r"""Return a string that SQLite and PostgreSQL both keep.

    NUL and lone surrogates (file names that are no UTF-8 hold them) are written as escapes:
    PostgreSQL refuses the one, UTF-8 the other.

    >>> text("a\0b", "name")
    'a\\x00b'

    Raises
    ------
    LineageError
        When ``value`` is no string, or is empty and ``empty`` is False.
    """
    if not isinstance(value, str):
        raise LineageError(
            f"{what} is not text",
            expected="a string",
            got=f"{value!r} ({type(value).__name__})",
            fix="pass a string",
        )
    if not value and not empty:
        raise LineageError(f"{what} is empty", expected="a name", got="''", fix="give it a name")
    kept = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return kept.replace("\0", "\\x00")


def seconds(value: object, what: str) -> float:
    """Return a moment as unix seconds.

    Raises
    ------
    LineageError
        When ``value`` is no finite number.
    """
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    raise LineageError(
        f"{what} is not a moment",
        expected="unix seconds, a finite number",
        got=f"{value!r} ({type(value).__name__})",
        fix="pass time.time()",
    )


def choice(value: object, known: tuple[str, ...], what: str) -> str:
    """Return ``value`` when it is one of ``known``.

    Raises
    ------
    LineageError
        When it is not.
    """
    if isinstance(value, str) and value in known:
        return str(value)
    raise LineageError(
        f"{what} is not known",
        expected=f"one of {', '.join(known)}",
        got=repr(value),
        fix="use one of these words",
    )


def properties(value: object, what: str) -> dict[str, JSON]:
    """Return properties as plain JSON values, in a new dictionary.

    Tuples become lists, NumPy scalars become Python numbers, and the three numbers that JSON
    does not know become the words ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``: a score that
    diverged must not look like a missing one.

    Raises
    ------
    LineageError
        When ``value`` is no mapping, a key is no string, or a value is not of JSON's types.
    """
    if not isinstance(value, Mapping):
        raise _refuse(value, what, "a mapping of strings to JSON values")
    return _mapping(value, what, 0)


def _mapping(value: Mapping[object, object], what: str, depth: int) -> dict[str, JSON]:
    kept: dict[str, JSON] = {}
    for key, item in value.items():
        name = text(key, f"a key of {what}", empty=True)
        kept[name] = _json(item, f"{what}[{name!r}]", depth + 1)
    return kept


def _json(value: object, what: str, depth: int) -> JSON:
    if depth > DEEPEST:
        raise _refuse("...", what, f"at most {DEEPEST} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, what, empty=True)
    if isinstance(value, Mapping):
        return _mapping(value, what, depth)
    if isinstance(value, list | tuple):
        return [_json(item, f"{what}[{place}]", depth + 1) for place, item in enumerate(value)]
    return _number(value, what)


def _number(value: object, what: str) -> JSON:
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()  # a NumPy scalar, without importing NumPy
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if not isinstance(value, numbers.Real):
        raise _refuse(value, what, "None, a bool, a number, a string, a list or a mapping")
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _refuse(value: object, what: str, expected: str) -> LineageError:
    return LineageError(
        f"{what} cannot be kept as JSON",
        expected=expected,
        got=f"{value!r:.200} ({type(value).__name__})",
        fix="convert it before it is recorded, with str() for example",
    )
