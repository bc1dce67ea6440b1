"""Anomalies as lines of a terminal and as a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from markupsafe import Markup, escape

from dure import draw
from dure.statistics.text import columns_wide
from dure.validate.anomalies import Anomalies, Anomaly
from dure.validate.show_drift import drift_html, drift_text


def anomalies_text(anomalies: Anomalies) -> str:
    """Return the anomalies one below the other, errors first, at most 80 columns wide."""
    lines = [anomalies.summary()]
    for group in merged(anomalies.errors + anomalies.warnings):
        one = group[0]
        splits = ", ".join(each.split for each in group)
        where = one.column if one.column is not None else "(all columns)"
        shown = "".join(c if c.isprintable() else "·" for c in where)
        lines += ["", *_wrap(f"{shown} [{splits}]: {one.reason}", f"{one.severity}: ")]
        for name, part in _parts(group):
            lines += _wrap(part, f"  {name + ':':<10}")
    for report in anomalies.reports:
        lines += ["", drift_text(report)]
    return "\n".join(lines)


def anomalies_html(anomalies: Anomalies) -> Markup:
    """Return a table of the anomalies, errors first, and of what was compared."""
    compared = Markup("").join(drift_html(report) for report in anomalies.reports)
    quiet = _suppressed(anomalies.suppressed)
    if not anomalies.anomalies:
        good = draw.badge("no anomalies", "pass")
        return Markup("<p>{} {}</p>").format(good, anomalies.summary()) + quiet + compared
    rows = [_row(group) for group in merged(anomalies.errors + anomalies.warnings)]
    table = draw.table(("where", "what was found, and what to do"), rows)
    return Markup("<p>{}</p>").format(anomalies.summary()) + table + quiet + compared


def _row(group: Sequence[Anomaly]) -> tuple[object, ...]:
    """Return two cells, so that a narrow window has room for them."""
    one = group[0]
    splits = ", ".join(each.split for each in group)
    said = Markup("<strong>{}</strong>").format(_short(one.reason))
    for name, part in _parts(group):
        said += Markup('<br><span class="soft">{}</span> {}').format(name, _short(part))
    badge = draw.badge(one.severity, "fail" if one.severity == "error" else "warn")
    column = draw.cut(one.column if one.column is not None else "(all columns)", 40)
    where = Markup('<p>{}<br>{}<br><span class="soft">{}</span></p>').format(badge, column, splits)
    return where, Markup("<p>{}</p>").format(said)  # a paragraph breaks words that are too long


def _short(text: str) -> Markup:
    """Return the start of a text, and all of it in the tool tip; not isolated, as a name is."""
    if len(text) <= draw.FOLD:
        return escape(text)
    return Markup('<span title="{}">{}…</span>').format(text, text[: draw.FOLD])


def _parts(group: Sequence[Anomaly]) -> list[tuple[str, str]]:
    """Return what is said of a finding below its reason, each part with its name."""
    one = group[0]
    parts = [("expected", one.expected), ("got", one.got), ("to do", one.fix)]
    parts += [("rows", _rows(group)), ("override", one.override), ("id", _ids(group))]
    return [(name, part) for name, part in parts if part]


def _suppressed(anomalies: Sequence[Anomaly]) -> Markup:
    if not anomalies:
        return Markup("")
    rows = [(one.id, one.reason, one.override) for one in anomalies]
    title = Markup("<h2>Suppressed</h2>")
    return title + draw.table(("id", "what", "why it is not reported"), rows)


def merged(anomalies: Sequence[Anomaly]) -> list[list[Anomaly]]:
    """Return each finding once, with the splits that have it, which is all that differs."""
    groups: dict[tuple[object, ...], list[Anomaly]] = {}
    for one in anomalies:
        said = (one.column, one.kind, one.severity, one.reason, one.expected, one.got, one.fix)
        groups.setdefault((*said, one.detail, one.override), []).append(one)
    return list(groups.values())


def _rows(group: Sequence[Anomaly]) -> str:
    parts = []
    for one in group:
        seen = [
            f"{each.row:,}" + (f" ({each.value})" if each.value else "") for each in one.evidence
        ]
        if seen:
            parts.append((f"{one.split} " if len(group) > 1 else "") + ", ".join(seen))
    return "; ".join(parts) + (", counted from 0" if parts else "")


def _ids(group: Sequence[Anomaly]) -> str:
    return ", ".join(one.id for one in group)


def _wrap(text: str, first: str) -> list[str]:
    # A space that does not break keeps "0.3 %" on one line. East Asian letters take two columns,
    # and textwrap counts letters: a mark after each makes it two. One column is kept free, since a
    # line may end between letter and mark.
    marked = "".join(c + "\0" * (columns_wide(c) - 1) for c in text.replace(" %", "\u00a0%"))
    lines = textwrap.wrap(marked, 79, initial_indent=first, subsequent_indent=" " * 12)
    return [line.replace("\0", "").replace("\u00a0%", " %") for line in lines]
