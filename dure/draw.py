"""Pieces of HTML that artifacts draw themselves with: tables, bars, lines, and the page around them.

Everything is one string without scripts, fonts or addresses, so that a page opens offline, in a
notebook and under a strict content security policy. Text is escaped by `markupsafe`: a plain
``str`` given to any function here is shown as it is, never read as HTML. How it looks is in
`dure.style`.

Notation of the charts: a chart is an SVG of ``WIDTH x HEIGHT`` user units that scales with its
column; ``_LEFT .. WIDTH - _RIGHT`` by ``_TOP .. HEIGHT - _BOTTOM`` is its plotting area.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from markupsafe import Markup, escape

from dure.style import STYLE

WIDTH, HEIGHT = 320.0, 160.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 18.0, 34.0

FOLD = 300
"""Letters of a text in a table above which the rest of it is folded away."""

_LARGEST = 1e300  # a chart's arithmetic overflows beyond it

# Signs, so that no state is told by colour alone; drawn in a square of 12 x 12.
_SIGNS = {
    "pass": "M2 6.5 4.8 9.3 10 3",
    "fail": "M3 3 9 9M9 3 3 9",
    "skip": "M2.5 6H9.5",
    "reused": "M9.7 4.4A4.2 4.2 0 1 0 10.1 7.2M10.2 1.6V4.6H7.2",
    "warn": "M6 2V6.8M6 9.6V9.7",
}


# --- text and numbers ---------------------------------------------------------------------------


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as people write it: ``digits`` significant ones, thousands apart.

    >>> number(15002), number(0.123456), number(None), number(float("nan"))
    ('15,002', '0.1235', '–', 'NaN')
    """
    if value is None:
        return "–"
    if isinstance(value, int):
        # Beyond 4,300 digits Python refuses to write them all.
        return f"{value:,}" if abs(value) < 10**18 else f"{Decimal(value):.{digits - 1}e}"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e9:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits - 1}e}"


def counted(amount: int, noun: str, plural: str | None = None) -> str:
    """Return a number of things in words; ``plural`` is needed where it is not the noun with s.

    >>> counted(1, "row"), counted(2000, "row"), counted(0, "entry", "entries")
    ('1 row', '2,000 rows', '0 entries')
    """
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def value(number_of: float | None, digits: int = 4) -> str:
    """Return a value of data as `number` does, but with four digits in one piece: it may be a year.

    >>> value(2007), value(2007.0, 3), value(15002), value(-1234.5, 6)
    ('2007', '2007', '15,002', '-1234.5')
    """
    text = number(number_of, digits)
    return re.sub(r"^(-?\d),(\d{3})(?=\.|$)", r"\1\2", text)


def duration(seconds: float) -> str:
    """Return a span of time as people write it.

    >>> duration(0.0421), duration(12.3), duration(245), duration(7325)
    ('0.04 s', '12.3 s', '4 min 05 s', '2 h 02 min')
    """
    if not math.isfinite(seconds):
        return "–"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02} min"


def cut(text: str, limit: int = 80) -> Markup:
    """Return ``text`` on at most ``limit`` letters; what is cut is in the tool tip.

    The text is isolated, so that one that runs from right to left does not turn what is around it.
    """
    if len(text) <= limit:
        return Markup("<bdi>{}</bdi>").format(text)
    return Markup('<bdi title="{}">{}…</bdi>').format(text, text[: limit - 1])


def fold(text: str, limit: int = FOLD) -> Markup:
    """Return ``text``; beyond ``limit`` letters it is folded, and opens at a click."""
    if len(text) <= limit:
        return escape(text)
    return Markup(
        '<details class="fold"><summary><span class="start">{}… </span>'
        '<span class="soft">({:,} letters)</span></summary>{}</details>'
    ).format(text[: limit - 1], len(text), text)


def _cell(value: object) -> Markup:
    # Markup is made by whoever calls; it is a str too.
    return fold(value) if type(value) is str else escape(value)


# --- tables and blocks --------------------------------------------------------------------------


def table(
    headers: Sequence[str], rows: Sequence[Sequence[object]], *, numeric: Sequence[int] = ()
) -> Markup:
    """Return a table; the columns whose positions are in ``numeric`` are set flush right.

    A table without rows says so. Texts above `FOLD` letters are folded.
    """
    right = set(numeric)

    def line(cell_form: Markup, cells: Sequence[object]) -> Markup:
        return Markup("<tr>{}</tr>").format(
            Markup("").join(
                cell_form.format(Markup(' class="n"') if position in right else "", _cell(cell))
                for position, cell in enumerate(cells)
            )
        )

    body = Markup("").join(line(Markup("<td{}>{}</td>"), row) for row in rows)
    if not rows:
        body = Markup('<tr><td colspan="{}"><span class="soft">none</span></td></tr>').format(
            max(1, len(headers))
        )
    return Markup(
        '<div class="scroll"><table><thead>{}</thead><tbody>{}</tbody></table></div>'
    ).format(line(Markup('<th scope="col"{}>{}</th>'), headers), body)


def facts(items: Mapping[str, object]) -> Markup:
    """Return a table of two columns: name and value."""
    if not items:
        return Markup('<p class="soft">none</p>')
    return Markup(
        '<div class="scroll"><table class="facts"><tbody>{}</tbody></table></div>'
    ).format(
        Markup("").join(
            Markup('<tr><th scope="row">{}</th><td>{}</td></tr>').format(cut(name), _cell(value))
            for name, value in items.items()
        )
    )


def sign(status: str) -> Markup:
    """Return the small sign of a status; nothing for one that has none.

    Parameters
    ----------
    status : str
        ``"pass"``, ``"fail"``, ``"skip"``, ``"reused"`` or ``"warn"``.
    """
    if status not in _SIGNS:
        return Markup("")
    return Markup(
        '<svg class="sign" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">{}</svg>'
    ).format(sign_path(status))


def sign_path(status: str) -> Markup:
    """Return the sign as a path in a square of 12 x 12, to be put into another SVG."""
    return Markup(
        '<path d="{}" fill="none" stroke="currentColor" stroke-width="1.8" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    ).format(_SIGNS.get(status, ""))


def badge(text: str, status: str) -> Markup:
    """Return a small label in the colour of ``status``, with its sign.

    Parameters
    ----------
    text : str
        What it says.
    status : str
        ``"pass"``, ``"fail"``, ``"skip"``, ``"reused"`` or ``"warn"``.
    """
    return Markup('<span class="badge {}">{} {}</span>').format(status, sign(status), text)


def note(title: str, body: object, status: str) -> Markup:
    """Return a block that stands out: a title in the colour of ``status``, and what it says."""
    return Markup('<div class="note {}"><strong>{}</strong>{}</div>').format(
        status, title, body if isinstance(body, Markup) else Markup("<p>{}</p>").format(body)
    )


def panels(items: Sequence[tuple[str, Markup]]) -> Markup:
    """Return titled panels side by side, as many as the width takes."""
    return Markup('<div class="panels">{}</div>').format(
        Markup("").join(
            Markup('<div class="panel"><h3>{}</h3>{}</div>').format(cut(title, 120), body)
            for title, body in items
        )
    )


# --- charts -------------------------------------------------------------------------------------


def bars(labels: Sequence[str], values: Sequence[float], *, x_name: str, y_name: str) -> Markup:
    """Return upright bars, one a label; for a histogram the labels are the bins.

    Parameters
    ----------
    labels : sequence of str
        What each bar stands for; the first and last are written, all are in the tool tips.
    values : sequence of float
        Heights, not negative; one that is not finite, or beyond 1e300, is left out.
    x_name, y_name : str
        Names of the axes, with their units.
    """
    ticks = _ticks(0.0, max((v for v in values if _drawable(v)), default=0.0) or 1.0)
    top = ticks[-1]
    plot_width, plot_height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = plot_width / max(len(values), 1)
    drawn = Markup("").join(
        Markup(
            '<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>'
        ).format(
            _at(_LEFT + index * step + step * 0.06),
            _at(_TOP + plot_height * (1 - value / top)),
            _at(step * 0.88),
            _at(plot_height * (value / top)),
            label,
            number(value),
        )
        for index, (label, value) in enumerate(zip(labels, values, strict=True))
        if _drawable(value)
    )
    ends = (labels[0], labels[-1]) if len(labels) > 1 else (labels[0] if labels else "", "")
    return _chart(drawn, ends, (0.0, top), ticks, x_name, y_name)


def lines(
    series: Mapping[str, Sequence[float]], *, x: Sequence[float], x_name: str, y_name: str
) -> Markup:
    """Return up to three lines over the same ``x``; values that are not finite, or beyond 1e300, leave a gap."""
    finite = [v for values in series.values() for v in values if _drawable(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    if low / 2 == high / 2:  # the smallest numbers have no half
        pad = abs(low) / 2 or 0.5
        low, high = low - pad, high + pad
    known = [v for v in x if _drawable(v)]
    left, right = (min(known), max(known)) if known else (0.0, 1.0)
    span, plot_width = (right - left) or 1.0, WIDTH - _LEFT - _RIGHT
    plot_height = HEIGHT - _TOP - _BOTTOM

    def place(position: float, value: float) -> tuple[float, float] | None:
        if not (_drawable(position) and _drawable(value)):
            return None
        share = (position - left) / span if right > left else 0.5
        height = (value - low) / (high - low)
        return _LEFT + plot_width * share, _TOP + plot_height * (1 - height)

    drawn = Markup("").join(
        Markup("<g><title>{}</title>{}</g>").format(
            name, _line([place(a, b) for a, b in zip(x, values, strict=True)], index)
        )
        for index, (name, values) in enumerate(series.items())
    )
    ticks = [tick for tick in _ticks(low, high) if low <= tick <= high]
    ends = (number(left), number(right) if right > left else "")
    drawn += legend([(name, f"s{index}") for index, name in enumerate(series)], y_name)
    return _chart(drawn, ends, (low, high), ticks, x_name, y_name)


def legend(names: Sequence[tuple[str, str]], y_name: str = "") -> Markup:
    """Return the names of the lines above a chart; nothing where one line is what ``y_name`` says.

    Parameters
    ----------
    names : sequence of (str, str)
        Name and class of each line.
    y_name : str
        Name of the y axis.
    """
    if len(names) == 1 and names[0][0] == y_name:
        return Markup("")
    letters = max(6, 42 // max(1, len(names)))
    drawn, at = [], _LEFT
    for name, kind in names:
        text = short(name, letters)
        drawn.append(
            Markup(
                '<path class="{0}" fill="none" stroke="currentColor" d="M{1} 8h16"/>'
                '<text class="{0}" x="{2}" y="12">{3}</text>'
            ).format(kind, _at(at), _at(at + 20), text)
        )
        at += 34 + 6.2 * len(text)
    return Markup("").join(drawn)


def short(text: str, limit: int = 18) -> str:
    """Return ``text`` on at most ``limit`` letters, for a place without room for more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _line(points: Sequence[tuple[float, float] | None], index: int) -> Markup:
    """Return a line through ``points``, broken at each None; a lone point is a dot."""
    path, dots = [], Markup("")
    around = [None, *points, None]
    for (before, here), after in zip(pairwise(around), around[2:], strict=False):
        if here is None:
            continue
        x, y = _at(here[0]), _at(here[1])
        path.append(f"{'M' if before is None else 'L'}{x} {y}")
        if before is None and after is None:
            dots += Markup('<circle class="s{}" cx="{}" cy="{}" r="2"/>').format(index, x, y)
    return dots + Markup('<path class="s{}" fill="none" stroke="currentColor" d="{}"/>').format(
        index, "".join(path)
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return 3 to 6 round numbers; the first is not above ``low``, the last not below ``high``."""
    raw = (high - low) / 4 or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((m * power for m in (1.0, 2.0, 2.5, 5.0) if m * power >= raw), 10 * power)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * index for index in range(first, last + 1)]


def _drawable(value: float) -> bool:
    return math.isfinite(value) and abs(value) <= _LARGEST


def _at(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _chart(
    drawn: Markup,
    x_ends: tuple[str, str],
    y_range: tuple[float, float],
    ticks: Sequence[float],
    x_name: str,
    y_name: str,
) -> Markup:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    low, high = y_range
    grid = Markup("").join(
        Markup(
            '<path class="axis" d="M{} {y}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>'
        ).format(_at(_LEFT), _at(right), _at(_LEFT - 5), _at(y + 3.5), number(tick, 3), y=_at(y))
        for tick in ticks
        for y in [bottom - (bottom - _TOP) * (tick - low) / (high - low)]
    )
    return Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-label="{y_name} by {x_name}">{grid}{drawn}'
        '<path class="axis" fill="none" stroke="currentColor" d="M{left} {bottom}H{right}"/>'
        '<text x="{left}" y="{x_text}">{x0}</text>'
        '<text x="{right}" y="{x_text}" text-anchor="end">{x1}</text>'
        '<text x="{middle}" y="{x_name_at}" text-anchor="middle">{x_name}</text>'
        '<text transform="translate(9 {y_middle}) rotate(-90)" text-anchor="middle">{y_text}</text>'
        "</svg>"
    ).format(
        w=_at(WIDTH),
        h=_at(HEIGHT),
        left=_at(_LEFT),
        bottom=_at(bottom),
        right=_at(right),
        grid=grid,
        drawn=drawn,
        x_text=_at(bottom + 14),
        x0=short(x_ends[0]),
        x1=short(x_ends[1]),
        middle=_at((_LEFT + right) / 2),
        x_name_at=_at(HEIGHT - 5),
        x_name=short(x_name, 44),
        y_middle=_at((_TOP + bottom) / 2),
        y_name=y_name,
        y_text=short(y_name, 20),
    )


# --- whole documents ----------------------------------------------------------------------------

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Nothing is loaded and nothing runs, whatever an artifact may have drawn.
_POLICY = Markup(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)

_PAGE_RULES = Markup(
    "<style>body{margin:0}.dure.page{padding:32px 24px 64px;min-height:100vh}"
    ".dure.page>main{max-width:1200px;margin:0 auto}"
    "@media (max-width:600px){.dure.page{padding:20px 16px 48px}}</style>"
)


def _readable(html: str) -> str:
    """Return ``html`` with control characters as pictures, and in letters that UTF-8 can hold."""
    seen = _CONTROL.sub(
        lambda found: chr(0x2421 if found[0] == "\x7f" else 0x2400 + ord(found[0])), html
    )
    return seen.encode("utf-8", "backslashreplace").decode("utf-8")


def notebook(body: Markup) -> Markup:
    """Return ``body`` as a notebook shows it, with the style it needs."""
    whole = Markup('{}<div class="dure notebook">{}</div>').format(STYLE, body)
    return Markup(_readable(whole))  # noqa: S704 - it was Markup before


def page(
    title: str,
    body: Markup,
    *,
    style: Markup | None = None,
    script: str | None = None,
    data: object = None,
) -> str:
    """Return a whole HTML document that opens offline.

    Parameters
    ----------
    title : str
        Of the window.
    body : Markup
        What it shows.
    style : Markup, optional
        A ``<style>`` element with what this page needs beyond `STYLE`.
    script : str, optional
        JavaScript of Dure's own, after the body. The page's policy lets it run, and nothing else.
    data : object, optional
        What the script reads, as JSON, from the element ``data``.
    """
    policy, end = _POLICY, Markup("")
    if script is not None:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = Markup("{}; script-src 'sha256-{}'").format(_POLICY, Markup(digest))  # noqa: S704 - base64
        end = _scripts(script, data)
    return _readable(
        Markup(
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" content="{policy}">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><title>{title}</title>'
            '{base}{rules}{style}</head><body class="dure page"><main>{body}</main>{end}</body></html>\n'
        ).format(
            policy=policy,
            end=end,
            title=title,
            base=STYLE,
            rules=_PAGE_RULES,
            style=style or "",
            body=body,
        )
    )


def _scripts(script: str, data: object) -> Markup:
    # Inside an element of a script only "<" could end it or open a comment.
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    safe = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return Markup(  # noqa: S704 - the script is Dure's own, and the data has no "<"
        f'<script type="application/json" id="data">{safe}</script><script>{script}</script>'
    )
