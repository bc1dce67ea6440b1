"""A drift report as lines of a terminal and as a page."""

from __future__ import annotations

import textwrap

from markupsafe import Markup

from dure import draw
from dure.draw import number
from dure.statistics.charts import grouped_bars
from dure.statistics.text import bars as small_bars
from dure.statistics.text import fit
from dure.validate.report import Comparison, DriftReport
from dure.validate.words import p_value

_BARS = 10
_SIDES = {"drift": ("before", "now"), "skew": ("serving", "training")}


def drift_text(report: DriftReport) -> str:
    """Return a line a comparison, those that differ first, marked, with the reason below each."""
    lines = [report.summary()]
    if not report.comparisons:
        return lines[0]
    first, second = _SIDES[report.kind]
    head = f"{'column':<20} {'distance':>8}  {'interval':<17} {'p':>7}  {first:<{_BARS}}  {second}"
    lines += ["", head, "─" * 80]
    for one in sorted(report.comparisons, key=lambda one: one.verdict != "differs"):
        lines.append(_line(one))
        if one.verdict == "differs":
            lines += textwrap.wrap(one.reason, 79, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def where(one: Comparison) -> str:
    """Return the column, and what of it where that is not its values in all rows."""
    part = " missing" if one.of == "missing" else ""
    return one.column + part + (f" [{one.slice}]" if one.slice else "")


def _line(one: Comparison) -> str:
    sign = "!" if one.verdict == "differs" else " "
    name = fit("".join(c if c.isprintable() else "·" for c in where(one))[:60], 19)
    if one.value is None:
        return fit(f"{sign}{name} {one.reason}"[:160], 80).rstrip()
    span = "" if one.low is None else f"{number(one.low, 2)} … {number(one.high, 2)}"
    p = "" if one.p is None else p_value(one.adjusted if one.adjusted is not None else one.p)
    p = p.replace("under ", "<")
    shapes = ""
    if one.shape is not None:
        first, second = (_few(side) for side in (one.shape.first, one.shape.second))
        shapes = f"{small_bars(first):<{_BARS}}  {small_bars(second)}"
    return f"{sign}{name} {number(one.value, 3):>8}  {span:<17} {p:>7}  {shapes}".rstrip()


def _few(counts: tuple[float, ...]) -> tuple[int, ...]:
    """Return at most 10 bars: neighbours are put together."""
    each = -(-len(counts) // _BARS)
    return tuple(round(sum(counts[i : i + each])) for i in range(0, len(counts), each))


def drift_html(report: DriftReport) -> Markup:
    """Return a table of the comparisons, and both shapes of each column that differs."""
    ordered = sorted(report.comparisons, key=lambda one: one.verdict != "differs")
    rows = [_row(one) for one in ordered]
    heads = (
        "verdict", "split", "column", "metric", "distance", "95 % interval", "by chance",
        "smallest", "p", "values", "note",
    )  # fmt: skip
    table = draw.table(heads, rows, numeric=(4, 5, 6, 7, 8, 9))
    shown = [
        (_title(one), _picture(one, _SIDES[report.kind]))
        for one in ordered
        if one.shape is not None
    ]
    return (
        Markup("<h2>{}</h2>").format(report.kind.capitalize())
        + Markup("<p>{}</p>").format(report.summary())
        + table
        + draw.panels(shown)
    )


def _row(one: Comparison) -> tuple[object, ...]:
    state = {"differs": "fail", "same": "pass", "not_compared": "skip"}[one.verdict]
    name = draw.cut(where(one), 40)
    if one.value is None:
        why = Markup('{}<br><span class="soft">{}</span>').format(name, one.reason)
        return draw.badge("not compared", state), one.split, why, *("",) * 8
    bound = one.threshold if one.threshold is not None else one.smallest
    p = one.adjusted if one.adjusted is not None else one.p
    return (
        draw.badge(one.verdict, state),
        one.split,
        name,
        one.metric,
        number(one.value),
        "" if one.low is None else f"{number(one.low, 3)} to {number(one.high, 3)}",
        number(one.chance, 3),
        number(bound, 3),
        "" if p is None else p_value(p),
        f"{number(one.baseline_values)} / {number(one.values)}",
        "" if one.exact else "approximate",
    )


def _title(one: Comparison) -> str:
    return f"{where(one)} · {'differs' if one.verdict == 'differs' else 'same'}"


def _picture(one: Comparison, names: tuple[str, str]) -> Markup:
    """Return both sides as bars beside each other, with the words about them."""
    shape = one.shape
    assert shape is not None  # asked before
    sides = {
        name: [100 * count / (sum(counts) or 1.0) for count in counts]
        for name, counts in zip(names, (shape.first, shape.second), strict=True)
    }
    ends = (shape.labels[0], shape.labels[-1]) if shape.labels else ("", "")
    bars = grouped_bars(sides, labels=shape.labels, ends=ends, x_name=one.column, y_name="share, %")
    sees = "" if one.detectable is None else f"; sees from {number(one.detectable, 2)} on"
    said = {"why": one.reason, "formula": one.formula, "chosen": one.choice}
    said["test"] = one.test + sees
    return bars + draw.facts({name: text for name, text in said.items() if text})
