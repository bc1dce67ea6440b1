"""How an evaluation looks: one line, a terminal's tables, a page's tables and charts."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

from dure import draw
from dure.draw import number
from dure.evaluate.evaluation import Evaluation
from dure.evaluate.metric import Metric, Slice, Task
from dure.gate import Gate
from dure.statistics.text import columns_wide, fit

_HEADLINES: dict[Task, tuple[str, ...]] = {
    "binary": ("auc", "accuracy", "loss"),
    "multiclass": ("accuracy", "auc", "loss"),
    "regression": ("rmse", "mae", "r2"),
}
_WIDTH, _NAME, _CELL = 80, 17, 24


def summary(evaluation: Evaluation) -> str:
    """Return the headline metric and the gate in one line."""
    metric = evaluation.overall.metrics[_HEADLINES[evaluation.task][0]]
    slices = len(evaluation.slices) - 1
    parts = [
        f"{metric.name} {_with_interval(metric)} on {_rows(evaluation.overall.rows)}",
        f"{slices} slice{'s' * (slices != 1)}" if slices else "",
        f"gate: {evaluation.gate.status}",
    ]
    return ", ".join(part for part in parts if part)


def text(evaluation: Evaluation) -> str:
    """Return tables of at most 80 columns."""
    lines = [f"{'overall':<18}{'value':>12}   {'95 % interval':<24}{'rows':>12}", "-" * 69]
    for metric in evaluation.overall.metrics.values():
        interval = "" if metric.method == "exact" else _interval(metric)
        lines.append(
            f"{metric.name:<18}{number(metric.value):>12}   {interval:<24}{metric.count:>12,}"
        )
        if metric.note:
            lines += _wrapped(metric.note, "    ")
    for column, slices in _by_column(evaluation):
        lines += ["", *_slice_lines(column, slices, _HEADLINES[evaluation.task][:2])]
        for remark in _remarks(evaluation, column, slices):
            lines += _wrapped(remark, "")
    lines += ["", f"gate: {evaluation.gate.status}"]
    for check in evaluation.gate.checks:
        lines += _wrapped(f"{check.status}: {check.reason}", "  ")
    return "\n".join(lines)


def html(evaluation: Evaluation) -> Markup:
    """Return the gate, the overall metrics, the curves, and the slices of each column."""
    parts = [_gate(evaluation.gate), _overall(evaluation.overall), _charts(evaluation)]
    for column, slices in _by_column(evaluation):
        parts.append(Markup("<h3>By {}</h3>").format(column))
        parts.append(_slice_table(column, slices, _HEADLINES[evaluation.task]))
        remarks = _remarks(evaluation, column, slices)
        parts += [Markup('<p class="soft">{}</p>').format(remark) for remark in remarks]
    return Markup("").join(parts)


def _by_column(evaluation: Evaluation) -> Iterator[tuple[str, list[Slice]]]:
    for column, slices in groupby(evaluation.slices[1:], key=lambda one: one.column):
        yield str(column), list(slices)


def _remarks(evaluation: Evaluation, column: str, slices: Sequence[Slice]) -> Iterator[str]:
    small = sum(one.small for one in slices)
    if small:
        yield f"* small: too few rows to say much ({small} of {len(slices)} slices)."
    rest = evaluation.left_out.get(column)
    if rest:
        yield f"Not shown: the {rest['slices']:,} smallest slices, {_rows(rest['rows'])} in all."


# Terminal


def _slice_lines(column: str, slices: Sequence[Slice], names: Sequence[str]) -> Iterator[str]:
    heads = "".join(f"  {name:<{_CELL}}" for name in names).rstrip()
    yield _label(f"by {column}") + f"{'rows':>11}" + heads
    yield "-" * _WIDTH
    for one in slices:
        cells = "".join(f"  {_cell(one.metrics[name]):<{_CELL}}" for name in names)
        star = "*" if one.small else " "
        yield (_label(one.label) + f"{one.rows:>10,}{star}" + cells).rstrip()


def _cell(metric: Metric) -> str:
    full = _with_interval(metric)
    # Numbers in the millions: the interval is in the file and on the page.
    return full if len(full) <= _CELL else number(metric.value)


def _with_interval(metric: Metric) -> str:
    if not metric.defined:
        return "not defined"
    interval = _interval(metric, 3)
    return f"{number(metric.value)} {interval}" if interval else number(metric.value)


def _interval(metric: Metric, digits: int = 4) -> str:
    if math.isnan(metric.low):
        return ""
    return f"[{number(metric.low, digits)}, {number(metric.high, digits)}]"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _label(value: str) -> str:
    # Cut first: fitting looks at the text again for each letter that it takes away.
    return fit(value[:_WIDTH], _NAME - 1) + " "


def _wrapped(value: str, indent: str) -> list[str]:
    # East Asian letters take two columns, and textwrap counts letters: a mark makes it two.
    # One column is kept free, since a line may end between letter and mark.
    marked = "".join(letter + "\0" * (columns_wide(letter) - 1) for letter in value)
    rest = indent + "  "
    lines = textwrap.wrap(marked, _WIDTH - 1, initial_indent=indent, subsequent_indent=rest)
    return [line.replace("\0", "") for line in lines]


# Page


def _gate(gate: Gate) -> Markup:
    rows = [
        (draw.badge(check.status, check.status), check.name, check.reason) for check in gate.checks
    ]
    return draw.table(("gate", "asked", "answer"), rows)


def _overall(one: Slice) -> Markup:
    headers = ["metric", "value", "95 % interval", "rows", "interval by"]
    noted = any(metric.note for metric in one.metrics.values())
    rows = []
    for metric in one.metrics.values():
        exact = metric.method == "exact"
        row = [metric.name, number(metric.value), "" if exact else _interval(metric)]
        row += [f"{metric.count:,}", "" if exact else metric.method]
        rows.append([*row, metric.note] if noted else row)
    return draw.table([*headers, "note"] if noted else headers, rows, numeric=(1, 3))


def _slice_table(column: str, slices: Sequence[Slice], names: Sequence[str]) -> Markup:
    headers: list[str] = [column, "rows"]
    for name in names:
        headers += [name, "95 % interval"]
    scales = {name: _scale([one.metrics[name] for one in slices]) for name in names}
    rows: list[list[object]] = []
    for one in slices:
        row: list[object] = [one.label + (" *" if one.small else ""), f"{one.rows:,}"]
        for name in names:
            metric = one.metrics[name]
            value = number(metric.value) if metric.defined else Markup('<span title="{}">–</span>')
            row.append(value.format(metric.note) if isinstance(value, Markup) else value)
            row.append(_whisker(metric, *scales[name]))
        rows.append(row)
    return draw.table(headers, rows, numeric=(1, *range(2, len(headers), 2)))


def _scale(metrics: Sequence[Metric]) -> tuple[float, float]:
    ends = [end for m in metrics for end in (m.value, m.low, m.high) if not math.isnan(end)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _whisker(metric: Metric, low: float, high: float) -> Markup:
    """Return the interval as a line with a dot at the value; one scale for a whole column."""
    if not metric.defined:
        return Markup("")

    def at(value: float) -> str:
        return f"{4 + 112 * (value - low) / (high - low):.1f}"

    line = Markup("")
    if not math.isnan(metric.low):
        line = Markup('<path class="s0" d="M{0} 4V10M{0} 7H{1}M{1} 4V10"/>').format(
            at(metric.low), at(metric.high)
        )
    return Markup(
        '<svg viewBox="0 0 120 14" style="width:120px" role="img" aria-label="{label}">'
        '<title>{label}</title>{line}<circle class="bar" cx="{x}" cy="7" r="3"/></svg>'
    ).format(label=_with_interval(metric), line=line, x=at(metric.value))


def _charts(evaluation: Evaluation) -> Markup:
    curves = evaluation.curves
    panels: list[tuple[str, Markup]] = []
    if curves.get("roc"):
        x, y = ([point[axis] for point in curves["roc"]] for axis in (0, 1))
        chart = draw.lines(
            {"model": y, "chance": x},
            x=x,
            x_name="false positive rate",
            y_name="true positive rate",
        )
        panels.append(("ROC curve", chart))
    if curves.get("calibration"):
        x = [bin_["prediction"] for bin_ in curves["calibration"]]
        y = [bin_["label"] for bin_ in curves["calibration"]]
        chart = draw.lines(
            {"observed": y, "predicted": x},
            x=x,
            x_name="mean prediction",
            y_name="share of label 1",
        )
        panels.append(("Calibration", chart))
    made = draw.panels(panels) if panels else Markup("")
    if curves.get("confusion"):
        made += Markup("<h3>Confusion</h3>") + _confusion(**curves["confusion"])
    return made


def _confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Markup:
    """Return label by prediction; the shade of a cell is its share of the row."""
    cell = Markup(
        '<span style="display:block;text-align:right;padding:0 6px;border-radius:4px;'
        'background:color-mix(in srgb,var(--accent) {shade}%,transparent)" '
        'title="{label} predicted as {guess}: {share}">{count}</span>'
    )
    rows: list[list[object]] = []
    for label, line in zip(labels, counts, strict=True):
        total = sum(line) or 1
        rows.append([label])
        for guess, count in zip(labels, line, strict=True):
            # At most 40 %, so that the ink stays readable on it.
            shade = f"{40 * count / total:.0f}"
            share = f"{count / total:.1%} of label {label}"
            rows[-1].append(
                cell.format(shade=shade, label=label, guess=guess, share=share, count=f"{count:,}")
            )
    headers = ["label ↓ prediction →", *labels]
    return draw.table(headers, rows, numeric=range(1, len(headers)))
