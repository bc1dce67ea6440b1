"""Which rows belong to which slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dure.errors import EvaluationError
from dure.evaluate.metric import SliceValue


@dataclass(frozen=True)
class Part:
    """The rows of one slice: their positions, in order."""

    column: str
    value: SliceValue
    rows: npt.NDArray[np.int64]


def parts(
    slices: Mapping[str, Iterable[object]], rows: int, most: int
) -> tuple[list[Part], dict[str, dict[str, int]]]:
    """Return the slices, largest first within each column, and what was left out.

    Parameters
    ----------
    slices : mapping of str to iterable
        The value of each row, for each column to slice by.
    rows : int
        How many values each must have.
    most : int
        The most slices of one column.

    Returns
    -------
    list of Part
        At most ``most`` for each column. NaN and None are one slice: missing.
    dict
        For each column with more, how many ``"slices"`` and ``"rows"`` were left out.

    Raises
    ------
    EvaluationError
        When a column has not one value for each row.
    """
    made: list[Part] = []
    left_out: dict[str, dict[str, int]] = {}
    for column, given in slices.items():
        values = _listed(column, given)
        if len(values) != rows:
            raise EvaluationError(
                f"slice column {column!r} has a wrong length",
                expected=f"{rows:,} values, one for each row",
                got=f"{len(values):,} values",
            )
        groups = sorted(_groups(values), key=lambda part: (-len(part[1]), str(part[0])))
        made += [Part(column, value, np.asarray(at, np.int64)) for value, at in groups[:most]]
        rest = groups[most:]
        if rest:
            left_out[column] = {"slices": len(rest), "rows": sum(len(at) for _, at in rest)}
    return made, left_out


def _listed(column: str, given: Any) -> list[object]:
    if isinstance(given, str | bytes):
        raise EvaluationError(
            f"slice column {column!r} is one string",
            expected="one value for each row",
            got=repr(given),
        )
    for method in ("to_list", "tolist"):  # Polars, pandas; NumPy
        if hasattr(given, method):
            return list(getattr(given, method)())
    return list(given)


def _groups(values: list[object]) -> list[tuple[SliceValue, list[int]]]:
    # The type is part of the key: to a dict, True, 1 and 1.0 are one.
    groups: dict[tuple[type, SliceValue], list[int]] = {}
    for position, value in enumerate(values):
        plain = _plain(value)
        groups.setdefault((type(plain), plain), []).append(position)
    return [(value, positions) for (_, value), positions in groups.items()]


def _plain(value: object) -> SliceValue:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
