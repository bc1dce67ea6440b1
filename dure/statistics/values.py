"""How often each value of a column is there, out of its state."""

from __future__ import annotations

import polars as pl

from dure.errors import UsageError
from dure.statistics import texts
from dure.statistics.columns import ColumnState
from dure.statistics.model import ColumnStatistics
from dure.statistics.numbers import NumberState
from dure.statistics.texts import TextState

_EMPTY = pl.DataFrame(schema={"value": pl.String, "count": pl.Int64})


def has_counts(column: ColumnStatistics) -> bool:
    """Whether the values of a column are counted: those of texts, numbers and truth values."""
    return column.element in ("int", "float", "string", "bool")


def counts_of(state: ColumnState) -> tuple[pl.DataFrame, bool]:
    """Return columns ``value`` and ``count``, and whether they are complete.

    Raises
    ------
    UsageError
        The column has no texts, numbers or truth values.
    """
    body = state.body
    if isinstance(body, TextState):
        body.compact()
        if body.table is None:
            return _EMPTY, body.complete
        return texts.by_count(body.table.select("value", "count")), body.complete
    if isinstance(body, NumberState) and state.sizes is None:
        body.compact()
        exact = body.whole and body.exact
        values = body.table.keys if exact else body.values()
        return pl.DataFrame({"value": values, "count": body.table.counts}), body.exact
    if state.type.endswith("bool") or state.type.rstrip("]").endswith("bool"):
        counts = [state.values - state.true, state.true]
        return pl.DataFrame({"value": [False, True], "count": counts}), True
    raise UsageError(
        f"the values of '{state.name}' were not counted",
        expected="a column of texts, numbers or truth values",
        got=state.type,
    )
