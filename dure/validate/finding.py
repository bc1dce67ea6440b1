"""What a check looks at, and what it hands back before it is known how bad it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dure.errors import UsageError
from dure.validate.kinds import KINDS, Severity

if TYPE_CHECKING:
    import polars as pl

    from dure.data.examples import Examples
    from dure.schema import Column
    from dure.statistics import ColumnStatistics, SplitStatistics, Statistics


_MADE_BY = {
    "Statistics": "dure.statistics.describe(data) makes them",
    "Schema": "dure.schema.Schema.read(path) reads one, dure.schema.infer(statistics) drafts one",
}


def check_kind(argument: str, value: object, kind: type) -> None:
    """Raise `UsageError` unless an argument is of its kind."""
    if not isinstance(value, kind):
        raise UsageError(
            f"{argument}: this is no {kind.__name__}",
            expected=f"a {kind.__name__}",
            got=f"a {type(value).__name__}",
            fix=_MADE_BY[kind.__name__],
        )


@dataclass(frozen=True)
class Look:
    """One column of one split, and what is expected of it.

    Parameters
    ----------
    split : str
    found : ColumnStatistics
        What is known of the column.
    expected : Column
        What the schema says.
    statistics : Statistics
        All of them, for the tables of values.
    examples : Examples or None
        The rows, for what statistics do not tell.
    """

    split: str
    found: ColumnStatistics
    expected: Column
    statistics: Statistics
    examples: Examples | None = None

    @property
    def part(self) -> SplitStatistics:
        """The statistics of the split."""
        return self.statistics.splits[self.split]


@dataclass(frozen=True)
class Bad:
    """Which rows, or values, are to blame: a condition on a column named ``value``.

    Parameters
    ----------
    condition : function to polars.Expr
        Made late, so that reading findings needs no Polars.
    of : {"values", "rows"}
        Whether ``value`` is each entry of the lists, or what the row holds as a whole.
    """

    condition: Callable[[], pl.Expr]
    of: Literal["values", "rows"] = "values"


@dataclass(frozen=True)
class Finding:
    """An anomaly that does not know yet where it is, and how bad it counts.

    Parameters
    ----------
    kind : str
        One of `dure.validate.kinds.KINDS`.
    reason, expected, got, fix : str
        As in `Anomaly`.
    severity : {"error", "warning"}, optional
        Default that of the kind.
    tfdv : str, optional
        The name in TFDV; default the first of the kind.
    detail : str
        What tells two findings of one kind in one column apart, such as a quantile.
    bad : Bad, optional
        The rows to blame.
    rows : tuple of int
        Their numbers, where the check has seen them itself.
    value, low, high : float, optional
        The number that was judged, and the ends of its 95 % interval.
    """

    kind: str
    reason: str
    expected: str
    got: str
    fix: str
    severity: Severity | None = None
    tfdv: str | None = None
    detail: str = ""
    bad: Bad | None = None
    rows: tuple[int, ...] = ()
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def usual(self) -> Severity:
        """How bad it is if the schema does not say otherwise."""
        return self.severity or KINDS[self.kind].severity

    @property
    def name_in_tfdv(self) -> str | None:
        """The name in TFDV, or None where it has none."""
        if self.tfdv is not None:
            return self.tfdv
        names = KINDS[self.kind].tfdv
        return names[0] if names else None

    def but(self, **changes: object) -> Finding:
        """Return the finding with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type] # fields by name
