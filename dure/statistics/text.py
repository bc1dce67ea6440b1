"""`Statistics` as plain text for a terminal of 80 columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from dure.draw import number
from dure.statistics.statistics import ColumnStatistics, SplitStatistics, Statistics

_WIDTH = 80
_NAME = 24
_BARS = " ▁▂▃▄▅▆▇█"
_SHOWN_BARS = 10


def statistics_text(statistics: Statistics) -> str:
    """Return a table for each split."""
    return "\n\n".join(_table(name, split) for name, split in statistics.splits.items())


def bars(counts: Sequence[float], width: int = _SHOWN_BARS) -> str:
    """Return counts as block characters, neighbours added up to fit in ``width``.

    A bar is seen for any count above 0, and none for 0.

    >>> bars([0, 1, 100, 50])
    ' ▁█▄'
    """
    each = max(1, -(-len(counts) // width))
    sums = [sum(counts[start : start + each]) for start in range(0, len(counts), each)]
    top = max(sums, default=0) or 1
    steps = len(_BARS) - 1
    return "".join(_BARS[max(1, round(steps * n / top)) if n else 0] for n in sums)


def columns_wide(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes; Korean letters take two each."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def fit(text: str, width: int) -> str:
    """Return ``text`` on one line in exactly ``width`` columns, cut or filled with spaces."""
    text = "".join(c if c.isprintable() else "·" for c in text)
    if columns_wide(text) > width:
        while columns_wide(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - columns_wide(text))


def _table(name: str, split: SplitStatistics) -> str:
    wide = min(_NAME, max(6, *(columns_wide(column) for column in split.columns)))
    head = f"{'column':<{wide}}  {'type':<6}  {'missing':>7}  {'unique':>9}  values"
    lines = [
        f"{name}: {split.rows:,} rows, {len(split.columns)} columns",
        "",
        head,
        "─" * _WIDTH,
    ]
    for column in split.columns.values():
        start = (
            f"{fit(column.name, wide)}  {fit(column.type, 6)}  "
            f"{share(column.missing, column.rows):>7}  {_unique(column):>9}  "
        )
        lines.append((start + fit(_values(column), _WIDTH - columns_wide(start))).rstrip())
    return "\n".join(lines)


def _unique(column: ColumnStatistics) -> str:
    return "–" if column.unique is None else f"{column.unique:,}"


def _values(column: ColumnStatistics) -> str:
    if column.count == 0:
        return "no values"
    if column.type == "bool":
        return f"true {share(column.true or 0, column.count)}"
    if column.type == "string":
        return _texts(column)
    odd = f"  NaN {column.nan:,}" if column.nan else ""
    odd += f"  inf {column.inf:,}" if column.inf else ""
    if column.histogram is None:
        return odd.strip()
    low, high = _short(column.min), _short(column.max)
    span = low if column.min == column.max else f"{low} … {high}"
    return f"{bars(column.histogram.counts):<{_SHOWN_BARS}}  {span}{odd}"


def _texts(column: ColumnStatistics) -> str:
    top = [(text if text.strip() else f'"{text}"', times) for text, times in column.top or ()]
    if column.unique == column.count > 1:
        return f"each once: {', '.join(text for text, _ in top)}"
    return ", ".join(f"{text} {share(times, column.count)}" for text, times in top)


def _short(value: float | None) -> str:
    return number(value if value is None or abs(value) < 1e6 else float(f"{value:.3g}"), 3)


def share(part: int, whole: int) -> str:
    """Return a percentage that is 0 % or 100 % only if it is exactly so."""
    if part in (0, whole):
        return "0 %" if part == 0 else "100 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "<0.1 %"
    return ">99.9 %" if percent > 99.9 else f"{percent:.1f} %"
