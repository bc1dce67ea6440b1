"""Values that stand for "there is none": counted, and named where they look out of place.

TFDV counts the integer -1, the empty text and the empty list. Here those are counted too, and
the texts and numbers that people write when they mean "missing" are found by themselves.

A text is one by its spelling (``NA``, ``unknown``, ``?``, ``-`` and so on, in any case, with or
without white space around). A number is one if it is repeated and stands apart: -1 where nothing
else is negative, or a number of nines or such (-999, 9999, 99999) outside the range of the others,
and at least as far from it as it is wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.statistics.aggregate import Aggregate
from dure.statistics.packing import pack, unpack

TEXTS = frozenset(
    [
        "na",
        "n/a",
        "#n/a",
        "n.a.",
        "nan",
        "nil",
        "none",
        "null",
        "(null)",
        "<null>",
        "unknown",
        "unk",
        "undefined",
        "missing",
        "(missing)",
        "not_available",
        "not_applicable",
        "?",
        "??",
        "-",
        "--",
        "---",
        ".",
        "..",
        "*",
        "empty",
        "(blank)",
        "#null!",
        "#ref!",
        "#value!",
        "-1",
        "-9",
        "-99",
        "-999",
        "-9999",
        "999",
        "9999",
        "99999",
        "999999",
        "0000-00-00",
        "nat",
    ]
) | frozenset(
    ("", "not available", "not applicable", "not known", "no data", "no value", "not specified")
)
"""Spellings in lower case, without white space around."""

WORDS = TEXTS - frozenset(["-1", "-9", "-99", "-999", "-9999", "999", "9999", "99999", "999999"])
NUMBERS: tuple[float, ...] = (
    -1.0,
    -9.0,
    -99.0,
    -999.0,
    -9999.0,
    -99999.0,
    -999999.0,
    99.0,
    999.0,
    9999.0,
)
NUMBERS += (99999.0, 999999.0, 9999999.0, 1e20, -1e20, 1e30, -1e30, -2147483648.0, 2147483647.0)
REPEATED = 2
_VERSION = 1

State = dict[str, Any]


class Sentinels(Aggregate[State]):
    """How often values that stand for "there is none" occur in a column.

    Parameters
    ----------
    column : str
        The column, or the dotted path of a field.
    kind : str
        The type of its values: ``"int"``, ``"float"`` or ``"string"``.
    extra : tuple of str or float
        Further values that are always counted.

    Notes
    -----
    The result is ``{"values": {value as text: count}, "share": of all values}``, or None where
    none was found. Exact, in any order of the rows.
    """

    name = "sentinels"
    reads = "values"

    def __init__(self, column: str, kind: str, extra: tuple[str | float, ...] = ()) -> None:
        self.columns = (column,)
        self.kind = kind
        self.extra = extra
        if kind != "string":
            self._known = np.unique([*NUMBERS, *(float(one) for one in extra)])

    def init(self) -> State:
        """Return the state of no values."""
        return {"found": {}, "total": 0, "range": None}

    def update(self, state: State, frame: pl.DataFrame) -> State:
        """Count the sentinels of a shard."""
        if not frame.height:
            return state
        if self.kind != "string":
            return self.update_numbers(state, frame["value"].to_numpy(), frame["count"].to_numpy())
        part = self.init()
        part["total"] = int(frame["count"].sum())
        part["found"] = self._texts(frame)
        return self.merge(state, part)

    def update_numbers(self, state: State, values: NDArray[Any], counts: NDArray[Any]) -> State:
        """Count the sentinels among the distinct numbers of a shard."""
        if not len(values):
            return state
        part = self.init()
        part["total"] = int(counts.sum())
        self._numbers(part, values.astype(np.float64, copy=False), counts)
        return self.merge(state, part)

    def merge(self, first: State, second: State) -> State:
        """Return the counts of both."""
        found = dict(first["found"])
        for value, count in second["found"].items():
            found[value] = found.get(value, 0) + count
        return {
            "found": found,
            "total": first["total"] + second["total"],
            "range": _wider(first["range"], second["range"]),
        }

    def finish(self, state: State) -> Mapping[str, Any] | None:
        """Return the values that stand for none, most frequent first."""
        found = dict(state["found"])
        if self.kind != "string":
            found = {v: n for v, n in found.items() if self._apart(float(v), n, state)}
        if not found:
            return None
        by = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return {"values": dict(by), "share": sum(found.values()) / state["total"]}

    def dump(self, state: State) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> State:
        """Return the state that `dump` wrote."""
        record: State = unpack(_VERSION, data, self.name)[0]
        return record

    def _texts(self, frame: pl.DataFrame) -> dict[str, int]:
        # No spelling is longer; the cheap test spares the rest of them all.
        longest = max(16, *(len(str(one)) for one in self.extra), 0)
        short = frame.filter(pl.col("value").str.len_bytes() <= longest)
        plain = pl.col("value").str.strip_chars().str.to_lowercase()
        known = sorted({*WORDS, *(str(one).strip().lower() for one in self.extra)})
        rows = short.filter(plain.is_in(known)).sort("value").rows()
        return {str(value): int(count) for value, count in rows}

    def _numbers(self, part: State, values: NDArray[np.float64], counts: NDArray[Any]) -> None:
        if not (np.isfinite(values[0]) and np.isfinite(values[-1])):  # they are in order
            finite = np.isfinite(values)
            values, counts = values[finite], counts[finite]
        if not len(values):
            return
        at = np.searchsorted(values, self._known)
        there = values[np.minimum(at, len(values) - 1)] == self._known
        if not there.any():
            part["range"] = [float(values[0]), float(values[-1])]
            return
        found = at[there]
        part["found"] = {_text(values[i]): int(counts[i]) for i in found.tolist()}
        some = np.delete(values, found)
        if len(some):
            part["range"] = [float(some[0]), float(some[-1])]

    def _apart(self, value: float, count: int, state: State) -> bool:
        if value in {float(one) for one in self.extra}:
            return True
        if count < REPEATED or state["range"] is None:
            return False
        smallest, largest = state["range"]
        if value == -1:
            return bool(smallest >= 0)
        gap = smallest - value if value < smallest else value - largest
        return bool(gap > 0 and gap >= largest - smallest)


def count_empty(frame: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return how many values of each column TFDV's empty value counter counts.

    Integers of -1, texts that are empty, and lists without entries, by the name of the column
    and what was counted: ``"int_-1"``, ``"empty_string"``, ``"empty_list"``.
    """
    found: dict[str, dict[str, int]] = {}
    for column in frame:
        flat, counts = column, {}
        if isinstance(column.dtype, pl.List):
            counts["empty_list"] = int((column.list.len() == 0).sum())
            flat = column.explode()
        if flat.dtype.is_integer():
            counts["int_-1"] = int((flat == -1).sum())
        elif flat.dtype == pl.String:
            counts["empty_string"] = int((flat == "").sum())
        found[column.name] = counts
    return found


def _wider(first: list[float] | None, second: list[float] | None) -> list[float] | None:
    if first is None or second is None:
        return first or second
    return [min(first[0], second[0]), max(first[1], second[1])]


def _text(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**63 else str(value)
