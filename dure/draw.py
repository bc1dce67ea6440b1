"""Pieces of HTML that artifacts draw themselves with: tables, bars, lines, and the page around them.

Everything is one string without scripts, fonts or addresses, so that a page opens offline, in a
notebook and under a strict content security policy. Text is escaped by `markupsafe`: a plain
``str`` given to any function here is shown as it is, never read as HTML.

Notation of the charts: a chart is an SVG of ``WIDTH x HEIGHT`` user units that scales with its
column; ``x0, y0`` is the lower left corner of its plotting area.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 320.0, 160.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 8.0, 34.0

# Both themes as custom properties; the contrast of text on its ground is at least 4.5 : 1 in each.
STYLE = Markup(
    """<style>
.dure{--ground:#ffffff;--ink:#1c2127;--soft:#5b6570;--line:#dfe3e8;--panel:#f6f7f9;--accent:#2f6f4f;
--accent2:#b3541e;--pass:#1d7a46;--fail:#b3261e;--skip:#6b7280;color:var(--ink);background:var(--ground);
font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans KR",sans-serif;text-align:left}
@media (prefers-color-scheme:dark){.dure{--ground:#15181c;--ink:#e7eaee;--soft:#9aa5b1;--line:#2e343c;
--panel:#1d2126;--accent:#7cc49b;--accent2:#e79a63;--pass:#6ecb95;--fail:#f28b82;--skip:#9aa5b1}}
.dure h1{font-size:24px;margin:0 0 4px}.dure h2{font-size:18px;margin:32px 0 8px}
.dure h3{font-size:14px;margin:16px 0 4px}.dure p{margin:4px 0}.dure .soft{color:var(--soft)}
.dure .scroll{overflow-x:auto;max-width:100%}
.dure table{border-collapse:collapse;background:transparent;color:inherit;font-size:13px;margin:4px 0}
.dure th,.dure td{padding:4px 12px 4px 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
.dure tr{background:transparent!important}
.dure th{color:var(--soft);font-weight:600;white-space:nowrap}
.dure td.n,.dure th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.dure .badge{display:inline-block;padding:0 8px;border-radius:9px;border:1px solid currentColor;font-size:12px;white-space:nowrap}
.dure .badge.pass{color:var(--pass)}.dure .badge.fail{color:var(--fail)}.dure .badge.skip{color:var(--skip)}
.dure .panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(280px,100%),1fr));gap:16px}
.dure .panel{background:var(--panel);border-radius:8px;padding:12px;min-width:0}
.dure svg{display:block;width:100%;height:auto;max-width:480px}.dure svg text{fill:var(--soft);font-size:10px}
.dure svg .axis{stroke:var(--line)}.dure svg .bar{fill:var(--accent)}
.dure svg .s0{stroke:var(--accent);fill:none;stroke-width:1.5}.dure svg .s1{stroke:var(--accent2);fill:none;stroke-width:1.5}
.dure svg text.s0{fill:var(--accent);stroke:none}.dure svg text.s1{fill:var(--accent2);stroke:none}
.dure code,.dure pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:12px}
.dure pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--panel);padding:8px;border-radius:8px}
</style>"""
)


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as people write it: ``digits`` significant ones, thousands apart.

    >>> number(15002), number(0.123456), number(None), number(float("nan"))
    ('15,002', '0.1235', '–', 'NaN')
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0 or 1e-4 <= abs(value) < 1e9:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits - 1}e}"


def table(
    headers: Sequence[str], rows: Sequence[Sequence[object]], *, numeric: Sequence[int] = ()
) -> Markup:
    """Return a table; the columns whose positions are in ``numeric`` are set flush right."""
    right = set(numeric)

    def line(cell_form: Markup, cells: Sequence[object]) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(
                cell_form.format("n" if position in right else "", cell)
                for position, cell in enumerate(cells)
            )
        )

    head, body = Markup('<th class="{}">{}</th>'), Markup('<td class="{}">{}</td>')

    return Markup(
        '<div class="scroll"><table><thead>{}</thead><tbody>{}</tbody></table></div>'
    ).format(line(head, headers), Markup("").join(line(body, row) for row in rows))


def facts(items: Mapping[str, object]) -> Markup:
    """Return a table of two columns: name and value."""
    return Markup('<div class="scroll"><table><tbody>{}</tbody></table></div>').format(
        Markup("").join(
            Markup("<tr><th>{}</th><td>{}</td></tr>").format(name, value)
            for name, value in items.items()
        )
    )


def badge(text: str, status: str) -> Markup:
    """Return a small label in the colour of ``status``: "pass", "fail" or "skip"."""
    return Markup('<span class="badge {}">{}</span>').format(status, text)


def panels(items: Sequence[tuple[str, Markup]]) -> Markup:
    """Return titled panels side by side, as many as the width takes."""
    return Markup('<div class="panels">{}</div>').format(
        Markup("").join(
            Markup('<div class="panel"><h3>{}</h3>{}</div>').format(title, body)
            for title, body in items
        )
    )


def bars(labels: Sequence[str], values: Sequence[float], *, x_name: str, y_name: str) -> Markup:
    """Return upright bars, one a label; for a histogram the labels are the bins.

    Parameters
    ----------
    labels : sequence of str
        What each bar stands for; the first and last are written, all are in the tool tips.
    values : sequence of float
        Heights, finite and not negative.
    x_name, y_name : str
        Names of the axes, with their units.
    """
    top = max(values, default=0.0) or 1.0
    plot_width, plot_height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = plot_width / max(len(values), 1)
    drawn = Markup("").join(
        Markup(
            '<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>'
        ).format(
            _at(_LEFT + index * step + step * 0.08),
            _at(_TOP + plot_height * (1 - value / top)),
            _at(step * 0.84),
            _at(plot_height * value / top),
            label,
            number(value),
        )
        for index, (label, value) in enumerate(zip(labels, values, strict=True))
    )
    ends = (labels[0], labels[-1]) if len(labels) > 1 else (labels[0] if labels else "", "")
    return _chart(drawn, ends, (0.0, top), x_name, y_name)


def lines(
    series: Mapping[str, Sequence[float]], *, x: Sequence[float], x_name: str, y_name: str
) -> Markup:
    """Return up to two lines over the same ``x``; values that are not finite leave a gap."""
    finite = [v for values in series.values() for v in values if math.isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    left, right = (min(x), max(x)) if len(x) else (0.0, 1.0)
    span = (right - left) or 1.0
    plot_width, plot_height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def place(position: float, value: float) -> str:
        return (
            f"{_at(_LEFT + plot_width * (position - left) / span)},"
            f"{_at(_TOP + plot_height * (1 - (value - low) / (high - low)))}"
        )

    drawn = Markup("")
    for index, (name, values) in enumerate(series.items()):
        points = [place(a, b) for a, b in zip(x, values, strict=True) if math.isfinite(b)]
        drawn += Markup(
            '<polyline class="s{0}" points="{1}"><title>{2}</title></polyline>'
            '<text class="s{0}" x="{3}" y="{4}" text-anchor="end">{2}</text>'
        ).format(index, " ".join(points), name, _at(WIDTH - _RIGHT), _at(_TOP + 10 + 12 * index))
    return _chart(drawn, (number(left), number(right)), (low, high), x_name, y_name)


def _at(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _chart(
    drawn: Markup,
    x_ends: tuple[str, str],
    y_ends: tuple[float, float],
    x_name: str,
    y_name: str,
) -> Markup:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{y_name} by {x_name}">'
        '<path class="axis" fill="none" d="M{left} {top}V{bottom}H{right}"/>{drawn}'
        '<text x="{left}" y="{x_text}">{x0}</text>'
        '<text x="{right}" y="{x_text}" text-anchor="end">{x1}</text>'
        '<text x="{middle}" y="{x_name_at}" text-anchor="middle">{x_name}</text>'
        '<text x="{y_text}" y="{bottom}" text-anchor="end">{y0}</text>'
        '<text x="{y_text}" y="{y_top}" text-anchor="end">{y1}</text>'
        '<text transform="translate(10 {y_middle}) rotate(-90)" text-anchor="middle">{y_name}</text>'
        "</svg>"
    ).format(
        w=_at(WIDTH),
        h=_at(HEIGHT),
        left=_at(_LEFT),
        top=_at(_TOP),
        bottom=_at(bottom),
        right=_at(right),
        drawn=drawn,
        x_text=_at(bottom + 13),
        x0=_short(x_ends[0]),
        x1=_short(x_ends[1]),
        middle=_at((_LEFT + right) / 2),
        x_name_at=_at(HEIGHT - 6),
        x_name=x_name,
        y_text=_at(_LEFT - 4),
        y0=number(y_ends[0], 3),
        y_top=_at(_TOP + 8),
        y1=number(y_ends[1], 3),
        y_middle=_at((_TOP + bottom) / 2),
        y_name=y_name,
    )


def _short(text: str, limit: int = 18) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def notebook(body: Markup) -> Markup:
    """Return ``body`` as a notebook shows it, with the style it needs."""
    return Markup('{}<div class="dure">{}</div>').format(STYLE, body)


def page(title: str, body: Markup) -> str:
    """Return a whole HTML document that opens offline."""
    return str(
        Markup(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><title>{title}</title>{style}'
            "<style>body{{margin:0}}.dure.page{{padding:24px;min-height:100vh;box-sizing:border-box}}"
            ".dure.page>div{{max-width:1080px;margin:0 auto}}</style></head>"
            '<body class="dure page"><div>{body}</div></body></html>\n'
        ).format(title=escape(title), style=STYLE, body=body)
    )
