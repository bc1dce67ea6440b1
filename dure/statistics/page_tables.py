"""What the page of statistics shows below the table of columns: pairs of columns, and lift."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dure.statistics.model import Cross, Lift, SplitStatistics

_PAIRS, _LIFTS = 500, 500
_CUT = 200

Series = Sequence[tuple[str, SplitStatistics, bool]]


def pairs(series: Series) -> dict[str, Any]:
    """Return the pairs of columns of each set that go together most, as rows of the table."""
    rows, left = [], 0
    for index, (_, split, _) in enumerate(series):
        ranked = sorted(split.crosses, key=lambda one: (-_strength(one), one.first, one.second))
        left += len(ranked[_PAIRS:])
        rows += [_pair(index, one) for one in ranked[:_PAIRS]]
    note = (
        "The strongest first. Correlations run from -1 to 1, Cramér's V and adjusted information "
        "from 0 to 1; 'from rows' says of how many rows a sample was taken for them."
    )
    return {"pairs": rows, "pairs_note": note + _rest(left)}


def lifts(series: Series) -> dict[str, Any]:
    """Return the values whose lift chance explains least in each set, as rows of the table."""
    rows, left = [], 0
    for index, (_, split, _) in enumerate(series):
        found = [
            (-_surprise(row[5], row[6], one.count / max(1, split.rows)), row[1:4], row)
            for one in split.lifts
            for row in _values(index, one)
        ]
        found.sort(key=lambda pair: pair[:2])
        left += len(found[_LIFTS:])
        rows += [row for *_, row in found[:_LIFTS]]
    note = (
        "P(label | value) / P(label): 1 where a value says nothing of the label. "
        "What chance explains least comes first."
    )
    return {"lifts": rows, "lifts_note": note + _rest(left)}


def _rest(left: int) -> str:
    return f" {left:,} more are in the statistics." if left else ""


def _strength(one: Cross) -> float:
    shares = (one.pearson, one.spearman, one.cramers_v, one.normalised_information)
    return max(abs(share or 0.0) for share in shares)


def _pair(index: int, one: Cross) -> list[Any]:
    numbers = [one.pearson, one.spearman, one.cramers_v, one.normalised_information]
    return [index, one.first, one.second, one.count, *numbers, one.missing_together, one.sampled]


def _values(index: int, one: Lift) -> list[list[Any]]:
    label = f"{one.label} = {_label(one.label_value)}"
    weighted = {value: lift for value, lift, _, _ in one.weighted or ()}
    return [
        [index, one.column, str(value)[:_CUT], label[:_CUT], lift, rows, both, weighted.get(value)]
        for value, lift, rows, both in one.values
    ]


def _label(value: str | int | tuple[float, float]) -> str:
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)


def _surprise(rows: float, both: float, share: float) -> float:
    """Return how many standard deviations of a Poisson count ``both`` is from what is expected."""
    expected = rows * share
    return abs(both - expected) / math.sqrt(expected) if expected > 0 else 0.0
