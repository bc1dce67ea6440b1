"""`Statistics` as plain text for a terminal of 80 columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from dure.draw import counted
from dure.draw import value as shown
from dure.statistics.statistics import ColumnStatistics, SplitStatistics, Statistics

_WIDTH = 80
_NAME = 24
_TYPE = 8
_SLICES = 20
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
    kinds = {name: _kind(column.type) for name, column in split.columns.items()}
    broad = min(_TYPE, max(6, *(len(kind) for kind in kinds.values())))
    weight = "" if split.weighted_rows is None else f" (weight {_short(split.weighted_rows)})"
    lines = [
        f"{name}: {counted(split.rows, 'row')}{weight}, {counted(len(split.columns), 'column')}",
        "",
        f"{'column':<{wide}}  {'type':<{broad}}  {'missing':>7}  {'unique':>9}  values",
        "─" * _WIDTH,
    ]
    for column in split.columns.values():
        start = (
            f"{fit(column.name, wide)}  {fit(kinds[column.name], broad)}  "
            f"{share(column.missing, column.rows):>7}  {_unique(column):>9}  "
        )
        lines.append((start + fit(_values(column), _WIDTH - columns_wide(start))).rstrip())
    if not all(column.exactness for column in split.columns.values()):
        lines += ["", "~ an estimate: there were too many values to keep them all"]
    return "\n".join([*lines, *_slices(split)])


def _slices(split: SplitStatistics) -> list[str]:
    if not split.slices:
        return []
    lines = ["", counted(len(split.slices), "slice")]
    for label, part in list(split.slices.items())[:_SLICES]:
        rows = f"{counted(part.rows, 'row')}  {share(part.rows, split.rows):>7}"
        lines.append(f"  {fit(label, _WIDTH - 4 - len(rows))}  {rows}")
    if len(split.slices) > _SLICES:
        lines.append(f"  and {len(split.slices) - _SLICES:,} more: the page shows them all")
    return lines


def _kind(kind: str) -> str:
    """Return a type in few letters: ``[string]`` for a list, ``struct`` without its fields."""
    levels = 0
    while kind.startswith("list["):
        kind, levels = kind[len("list[") : -1], levels + 1
    kind = "struct" if kind.startswith("struct[") else kind
    return "[" * levels + kind + "]" * levels


def _unique(column: ColumnStatistics) -> str:
    about = "~" if column.exactness.unique else ""
    return "–" if column.unique is None else f"{about}{column.unique:,}"


def _values(column: ColumnStatistics) -> str:
    if column.count == 0:
        return "no values"
    if column.levels:
        few, many = column.levels[-1].min, column.levels[-1].max
        each = f"{few:,} each" if few == many else f"{few:,} to {many:,} each"
        return f"{each}  {_inner(column)}".rstrip()
    return _inner(column)


def _inner(column: ColumnStatistics) -> str:
    """Return the values of a column, inside all of its lists."""
    if column.element.startswith("struct["):
        return ""
    if column.true is not None:
        return f"true {share(column.true, column.number_of_values)}"
    if column.element == "string":
        kind = column.semantic.kind.replace("_", " ") if column.semantic else ""
        plain = kind in ("", "category")
        return _texts(column) if plain else f"{kind}: {_texts(column)}"
    if column.element == "bytes":
        kind = f"{column.semantic.kind}  " if column.semantic else ""
        return kind + _span(column.min_length, column.max_length) + " bytes"
    odd = f"  NaN {column.nan:,}" if column.nan else ""
    odd += f"  inf {column.inf:,}" if column.inf else ""
    if column.histogram is None:
        return odd.strip()
    kind = column.semantic.kind if column.semantic else ""
    kind = f"  {kind}" if kind in ("time", "id") else ""
    span = _span(column.min, column.max)
    return f"{bars(column.histogram.counts):<{_SHOWN_BARS}}  {span}{odd}{kind}"


def _span(low: float | None, high: float | None) -> str:
    return _short(low) if low == high else f"{_short(low)} … {_short(high)}"


def _texts(column: ColumnStatistics) -> str:
    top = [(text if text.strip() else f'"{text}"', times) for text, times in column.top or ()]
    if column.unique == column.count > 1 and not column.levels:
        return f"each once: {', '.join(text for text, _ in top)}"
    about, total = "~" if column.exactness.counts else "", column.number_of_values
    return ", ".join(f"{text} {about}{share(times, total)}" for text, times in top)


def _short(value: float | None) -> str:
    return shown(value if value is None or abs(value) < 1e6 else float(f"{value:.3g}"), 3)


def share(part: int, whole: int) -> str:
    """Return a percentage that is 0 % or 100 % only if it is exactly so."""
    if part in (0, whole):
        return "0 %" if part == 0 else "100 %"
    percent = 100 * part / whole
    if percent < 0.1:
        return "<0.1 %"
    return ">99.9 %" if percent > 99.9 else f"{percent:.1f} %"
