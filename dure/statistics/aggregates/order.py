"""Whether the values of a column come in order: the sign of a time or a counter."""

from __future__ import annotations

from typing import Any

import polars as pl

from dure.data.naming import unnamed
from dure.statistics.aggregate import Aggregate
from dure.statistics.packing import pack, unpack

_VERSION = 1
_PROBE = 256
State = dict[str, Any]


class Order(Aggregate[State]):
    """Whether values rise or fall from row to row, null and NaN left out.

    Parameters
    ----------
    column : str
        A column of numbers or texts, or the dotted path of a field.

    Notes
    -----
    The result is ``{"direction": "up" | "down", "strict": bool}``, or None where the values come
    in no order, or are all equal, or fewer than 2. Exact; the rows of a shard are compared with
    the last row of the shard before.
    """

    name = "order"

    def __init__(self, column: str) -> None:
        self.columns = (column,)

    def init(self) -> State:
        """Return the state of no rows."""
        return {"ends": None, "up": True, "down": True, "strict": True}

    def update(self, state: State, frame: pl.DataFrame) -> State:
        """Add the rows of a shard."""
        if state["ends"] == []:
            return state
        column = unnamed(frame[self.columns[0]])
        # Most columns are in no order, which their first values show.
        if _shows_none(column):
            return _none()
        column = _values(column)
        if not len(column):
            return state
        order = _in_order(column)
        if order is None:
            return _none()
        # In order, equal values stand side by side.
        strict = bool((column == column.shift(1)).sum() == 0)
        part = {"ends": [column[0], column[-1]], "up": order[0], "down": order[1]}
        return self.merge(state, {**part, "strict": strict})

    def merge(self, first: State, second: State) -> State:
        """Return the order of the rows of both."""
        if first["ends"] is None or second["ends"] is None:
            return second if first["ends"] is None else first
        if not first["ends"] or not second["ends"]:
            return _none()
        before, after = first["ends"][1], second["ends"][0]
        up = first["up"] and second["up"] and before <= after
        down = first["down"] and second["down"] and before >= after
        if not (up or down):
            return _none()
        strict = first["strict"] and second["strict"] and before != after
        ends = [first["ends"][0], second["ends"][1]]
        return {"ends": ends, "up": up, "down": down, "strict": strict}

    def finish(self, state: State) -> dict[str, Any] | None:
        """Return the direction, or None."""
        if not state["ends"] or state["up"] == state["down"]:
            return None
        return {"direction": "up" if state["up"] else "down", "strict": state["strict"]}

    def dump(self, state: State) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> State:
        """Return the state that `dump` wrote."""
        record: State = unpack(_VERSION, data, self.name)[0]
        return record


def _none() -> State:
    """Return the state of values in no order."""
    return {"ends": [], "up": False, "down": False, "strict": False}


def _shows_none(column: pl.Series) -> bool:
    """Whether the first numbers of a column rise and fall; of texts, `is_sorted` is as quick."""
    first = column.head(_PROBE)
    if not first.dtype.is_numeric() or first.null_count():
        return _in_order(_values(first)) is None
    values = first.to_numpy()
    # Compared with NaN everything is false, so that it shows nothing.
    before, after = values[:-1], values[1:]
    return bool((before < after).any() and (before > after).any())


def _values(column: pl.Series) -> pl.Series:
    column = column.drop_nulls()
    return column.drop_nans() if column.dtype.is_float() else column


def _in_order(column: pl.Series) -> tuple[bool, bool] | None:
    """Return whether values rise and whether they fall; None: neither."""
    up, down = column.is_sorted(), column.is_sorted(descending=True)
    return (up, down) if up or down else None
