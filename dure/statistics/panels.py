"""`Statistics` as panels of HTML: one a column, with all splits side by side."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from dure import draw
from dure.statistics.charts import grouped_bars, share_bar
from dure.statistics.model import Level
from dure.statistics.statistics import ColumnStatistics, Histogram, Statistics
from dure.statistics.text import share

_TOP = 8
_CUT = 28
_TIP = 1000  # letters of a text in its tool tip
_PANELS = 200
_SLICES = 10
_Of = Mapping[str, ColumnStatistics]


def statistics_html(statistics: Statistics) -> Markup:
    """Return a table of the splits and a panel for each column."""
    splits = statistics.splits
    items = [
        _panel(name, {part: split.columns[name] for part, split in splits.items()})
        for name in statistics.columns[:_PANELS]
    ]
    heading = Markup("<h2>{}</h2>").format(draw.counted(len(statistics.columns), "column"))
    left = len(statistics.columns) - len(items)
    more = _remark(f"{draw.counted(left, 'more column')}: to_html() writes a page with all of them")
    shown = draw.panels(items) + (more if left else Markup(""))
    return _split_table(statistics) + heading + shown


def _split_table(statistics: Statistics) -> Markup:
    """Return the splits, and the largest slices of each, with their rows."""
    splits = statistics.splits
    heads, rows, left = ["split", "rows"], [], 0
    weighted = any(split.weighted_rows is not None for split in splits.values())
    heads += ["weight"] if weighted else []
    for name, split in splits.items():
        slices = list(split.slices.items())
        left += len(slices[_SLICES:])
        for label, part in [(name, split), *((f"{name}, {one}", s) for one, s in slices[:_SLICES])]:
            weight = "–" if part.weighted_rows is None else _number(part.weighted_rows)
            rows.append((label, f"{part.rows:,}", *([weight] if weighted else [])))
    table = draw.table(heads, rows, numeric=range(1, len(heads)))
    return table + (_remark(draw.counted(left, "more slice")) if left else Markup(""))


def bin_labels(histogram: Histogram) -> list[str]:
    """Return what each bin holds, in a few words; a wide bin at an end says that it is one."""
    at = histogram.edges
    pairs = list(itertools.pairwise(at))
    if at[0] == at[-1]:
        return [_number(at[0])]
    if all(edge % 1 == 0.5 for edge in at):
        ends = [(int(low + 0.5), int(high - 0.5)) for low, high in pairs]
        labels = [
            _number(low) if low == high else f"{_number(low)} to {_number(high)}"
            for low, high in ends
        ]
    else:
        labels = [f"{_number(low)} to {_number(high)}" for low, high in pairs]
    if len(pairs) > 2:
        wide = 1.5 * (pairs[1][1] - pairs[1][0])
        if pairs[0][1] - pairs[0][0] > wide:
            labels[0] = f"below {_number(pairs[0][1])}"
        if pairs[-1][1] - pairs[-1][0] > wide:
            labels[-1] = f"{_number(pairs[-1][0])} and above"
    return labels


def _panel(name: str, column: _Of) -> tuple[str, Markup]:
    first = next(iter(column.values()))
    kind, inner = first.type, first.element
    rows: list[tuple[str, ...]] = [
        ("values", *(f"{part.count:,}" for part in column.values())),
        ("missing", *(_missing(part) for part in column.values())),
        (
            "unique",
            *(_unique(part) for part in column.values()),
        ),
    ]
    shape = Markup("")
    if inner == "string":
        shape = _top_values(column)
        rows.append(("characters", *(_length(part) for part in column.values())))
    elif inner == "bool":
        shape = _truth(column)
    elif inner == "bytes":
        rows.append(("bytes", *(_length(part) for part in column.values())))
    elif inner.startswith("struct["):
        kind = kind.replace(inner, "struct")
        rows.pop()
    else:
        shape = _histogram(column)
        rows += _number_rows(column)
    rows += _other_rows(column)
    heads = ["", *column]
    table = draw.table(heads, rows, numeric=range(1, len(heads)))
    return f"{name} · {kind}", shape + table


def _unique(part: ColumnStatistics) -> str:
    about = "≈ " if part.exactness.unique else ""
    return "–" if part.unique is None else f"{about}{part.unique:,}"


def _other_rows(column: _Of) -> list[tuple[str, ...]]:
    """Return what only some columns have: lists, a meaning, weights, bounded errors."""
    rows: list[tuple[str, ...]] = []
    parts = list(column.values())
    for level in range(max(len(part.levels) for part in parts)):
        name = "entries a row" if level == 0 else f"entries, level {level + 1}"
        rows.append((name, *(_entries(part.levels[level]) for part in parts)))
    if any(part.semantic for part in parts):
        rows.append(("meaning", *(meaning(part) or "–" for part in parts)))
    weights = [part.weighted for part in parts]
    if any(weights):
        rows.append(("weight", *(_number(one.count if one else None) for one in weights)))
        if any(one and one.mean is not None for one in weights):
            means = (_number(one.mean if one else None) for one in weights)
            rows.append(("weighted mean", *means))
    errors = [part.exactness.quantiles for part in parts]
    if any(errors):
        bounds = (f"± {100 * error:.2g} %" if error else "exact" for error in errors)
        rows.append(("quantiles known to", *bounds))
    return rows


def meaning(part: ColumnStatistics) -> str | None:
    """Return what the values of a column mean, in a word or two."""
    if part.semantic is None:
        return None
    return part.semantic.kind.replace("_", " ")


def _entries(level: Level) -> str:
    if not level.present:
        return "–"
    return f"{level.min:,} to {level.max:,}, mean {draw.number(level.mean, 3)}"


def _missing(part: ColumnStatistics) -> str:
    return f"{part.missing:,} ({share(part.missing, part.rows)})" if part.missing else "0"


def _number_rows(column: _Of) -> list[tuple[str, ...]]:
    parts = column.values()
    rows = [
        ("mean", *(_number(part.mean) for part in parts)),
        ("std", *(_number(part.std) for part in parts)),
        ("min", *(_number(part.min) for part in parts)),
        ("median", *(_number(part.median) for part in parts)),
        ("max", *(_number(part.max) for part in parts)),
        ("zeros", *(f"{part.zeros or 0:,}" for part in parts)),
    ]
    if any(part.nan or part.inf for part in parts):
        rows.append(("NaN", *(f"{part.nan or 0:,}" for part in parts)))
        rows.append(("infinite", *(f"{part.inf:,}" for part in parts)))
    return rows


def _number(value: float | None) -> str:
    # A whole float is written as the int it is, so that a median looks like its neighbours.
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return draw.value(int(value))
    return draw.value(value)


def _length(part: ColumnStatistics) -> str:
    if part.min_length is None:
        return "–"
    low, high = draw.number(part.min_length), draw.number(part.max_length)
    return low if low == high else f"{low} to {high}"


def _histogram(column: _Of) -> Markup:
    known = {name: part.histogram for name, part in column.items() if part.histogram}
    if not known:
        return _remark("No finite values")
    labels = bin_labels(next(iter(known.values())))
    parts = [column[name] for name in known]
    low = min(part.min for part in parts if part.min is not None)
    high = max(part.max for part in parts if part.max is not None)
    heights = {
        name: [100 * n / max(1, sum(histogram.counts)) for n in histogram.counts]
        for name, histogram in known.items()
    }
    return grouped_bars(
        heights,
        labels=labels,
        ends=(
            labels[0] if labels[0].startswith("below") else _number(low),
            labels[-1] if labels[-1].endswith("above") else _number(high),
        ),
        x_name="value",
        y_name="% of values",
    )


def _top_values(column: _Of) -> Markup:
    totals: dict[str, int] = {}
    for part in column.values():
        for text, count in part.top or ():
            totals[text] = totals.get(text, 0) + count
    if not totals:
        return _remark("No values")
    chosen = sorted(totals, key=lambda text: (-totals[text], text))[:_TOP]
    if all(part.unique == part.count for part in column.values()) and len(totals) > _TOP:
        return draw.table(["each value once, such as"], [[_cut(text)] for text in chosen[:4]])
    counts = {name: (dict(part.values or part.top or ()), part) for name, part in column.items()}
    most = max(part.unique or 0 for part in column.values())
    more = (
        _remark(draw.counted(most - len(chosen), "more value"))
        if most > len(chosen)
        else Markup("")
    )
    return _shares(chosen, counts) + more


def _truth(column: _Of) -> Markup:
    if not any(part.count for part in column.values()):
        return _remark("No values")
    counts = {
        name: ({"true": part.true or 0, "false": part.false or 0}, part)
        for name, part in column.items()
    }
    return _shares(["true", "false"], counts)


def _shares(
    texts: Sequence[str], counts: Mapping[str, tuple[Mapping[str, int], ColumnStatistics]]
) -> Markup:
    """Return texts with a bar and the share of each split, set against the largest share."""

    def part_of(text: str, known: Mapping[str, int], part: ColumnStatistics) -> float | None:
        if text in known:
            return known[text] / max(1, part.number_of_values)
        # Beyond the texts that were kept, a count is unknown, not 0.
        return 0.0 if part.true is not None or part.values is not None else None

    shares = {text: [part_of(text, *pair) for pair in counts.values()] for text in texts}
    top = max(value or 0.0 for row in shares.values() for value in row) or 1.0
    rows = [
        (
            _cut(text),
            share_bar([(value or 0.0) / top for value in row]),
            *(
                _share(value, known.get(text, 0), part)
                for value, (known, part) in zip(row, counts.values(), strict=True)
            ),
        )
        for text, row in shares.items()
    ]
    return draw.table(["value", "", *counts], rows, numeric=range(2, 2 + len(counts)))


def _share(value: float | None, count: int, part: ColumnStatistics) -> str:
    if value is None or not part.number_of_values:
        return "–"
    return share(count, part.number_of_values)


def _remark(text: str) -> Markup:
    return Markup('<p class="soft">{}</p>').format(text)


def _cut(text: str) -> Markup:
    if not text.strip():
        blank = f"{len(text)} blank characters" if text else "empty text"
        return Markup('<span class="soft">{}</span>').format(blank)
    return draw.cut(text[:_TIP], _CUT)
