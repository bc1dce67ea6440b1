"""The rows that show an anomaly: found in the examples, a few for each, in streaming passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dure.validate.finding import Finding
from dure.validate.values import flat
from dure.validate.words import count, cut

if TYPE_CHECKING:
    import polars as pl

    from dure.data.examples import Examples
    from dure.statistics import ColumnStatistics

SHOWN = 5
_TOGETHER = 64  # queries that one pass over the file answers


@dataclass(frozen=True)
class Evidence:
    """One row that shows an anomaly.

    Parameters
    ----------
    row : int
        Its number in the split, from 0.
    value : str
        What the column holds there, as text.
    """

    row: int
    value: str = ""


Place = tuple["ColumnStatistics | None", Finding]


def evidence(
    findings: Sequence[Place], split: str, examples: Examples, shown: int = SHOWN
) -> list[tuple[Evidence, ...]]:
    """Return the first rows that show each finding; none where a finding has no single rows.

    Parameters
    ----------
    findings : sequence of (ColumnStatistics or None, Finding)
        Each with the column that it is of.
    split : str
        Where they are.
    examples : Examples
        The rows.
    shown : int, default 5
        How many rows are looked for.
    """
    import polars as pl

    result = [tuple(Evidence(row) for row in finding.rows[:shown]) for _, finding in findings]
    asked = [
        (index, _query(column, finding, split, examples, shown))
        for index, (column, finding) in enumerate(findings)
        if finding.bad is not None and column is not None and split in examples.splits
    ]
    for start in range(0, len(asked), _TOGETHER):
        part = asked[start : start + _TOGETHER]
        frames = pl.collect_all([query for _, query in part], engine="streaming")
        for (index, _), frame in zip(part, frames, strict=True):
            result[index] = tuple(Evidence(row, _text(value)) for row, value in frame.rows())
    return result


def _query(
    column: ColumnStatistics, finding: Finding, split: str, examples: Examples, shown: int
) -> pl.LazyFrame:
    assert finding.bad is not None  # asked before
    values = flat(examples, split, column.path, whole=finding.bad.of == "rows")
    return values.filter(finding.bad.condition()).head(shown)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return f"{count(len(value), 'byte')}, {value[:16]!r}"
    return "" if value is None else cut(repr(value) if isinstance(value, str) else str(value))
