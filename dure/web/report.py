"""The report of a run: ``report.html``, which opens offline, and the same as ``report.json``."""

from __future__ import annotations

import json
import math
import secrets
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dure import draw
from dure.errors import StoreError
from dure.runner.summary import RunSummary, StepSummary
from dure.web import graph, sections, states

VERSION = 1
"""Of ``report.json``."""

_RULES = Markup("""
.dure header{margin-bottom:8px}
.dure header .run{display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;color:var(--soft)}
.dure .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:0 40px}
.dure table.list{width:100%}.dure table.list td:last-child{width:100%;max-width:none}
.dure table.list .name{min-width:9em;max-width:18em;font-weight:600}.dure table.list .badge{margin:1px 0}
.dure table.list .time{min-width:6em}.dure.dure table.list .made{min-width:14em;overflow-wrap:anywhere}
.dure table.list .bar{display:block;height:3px;border-radius:2px;background:var(--accent);margin:3px 0 0 auto;opacity:.7}
@media (max-width:600px){.dure table.list,.dure table.list tbody{display:block}
.dure table.list thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.dure table.list tr{display:grid;grid-template-columns:1fr auto;gap:2px 12px;padding:8px 0;border-bottom:1px solid var(--line)}
.dure.dure table.list td{border:0;padding:0;max-width:none;width:auto;min-width:0}
.dure.dure table.list .state{grid-column:2;grid-row:1;text-align:right}.dure.dure table.list .time{grid-column:2}
.dure.dure table.list .made{grid-column:1;grid-row:2}.dure table.list .bar{display:none}}
.dure footer{margin-top:40px;color:var(--soft);font-size:12px}
""")


def write_report(summary: RunSummary, folder: Path) -> Path:
    """Write ``report.html`` and ``report.json`` into ``folder`` and return the path of the page.

    Each file is written beside its place and renamed: what is there is whole. The page holds no
    script and loads nothing; what cannot be loaded or drawn is said in its section.

    Parameters
    ----------
    summary : RunSummary
        The run.
    folder : path
        Where to; made if it is missing.

    Raises
    ------
    StoreError
        If the folder cannot be made or written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _publish(folder / "report.json", report_json(summary))
        return _publish(folder / "report.html", report_html(summary))
    except OSError as error:
        raise StoreError(
            f"the report of run {summary.run} cannot be written into {folder}",
            expected="a folder that can be written, on a disk with room",
            got=f"{type(error).__name__}: {error}",
            fix="the run itself is kept; make room or give access, and run again",
        ) from error


def _publish(path: Path, text: str) -> Path:
    staged = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        # A half of a surrogate pair, which a file name may hold, becomes its escape.
        staged.write_bytes(text.encode("utf-8", "backslashreplace"))
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return path


def report_json(summary: RunSummary) -> str:
    """Return the run as JSON (RFC 8259), the same for the same run.

    Numbers that JSON has no word for are the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
    """
    record = _plain({"version": VERSION, **summary.to_dict()})
    return json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value if value is None or isinstance(value, str | int | float) else str(value)


def report_html(summary: RunSummary) -> str:
    """Return the run as a whole HTML document."""
    body = Markup("{}{}<h2>Steps</h2>\n{}{}\n<h2>What each step made</h2>\n{}{}").format(
        _head(summary),
        _settings(summary),
        graph.draw_graph(summary.steps),
        _list(summary.steps),
        Markup("").join(
            sections.section(number, step) for number, step in enumerate(summary.steps, 1)
        ),
        Markup("<footer>Run {} · the same content as JSON is in report.json</footer>").format(
            draw.cut(summary.run)
        ),
    )
    rules = (graph.RULES, sections.RULES, _RULES)
    style = Markup("<style>{}</style>").format(Markup("").join(rules))
    return draw.page(f"{summary.pipeline} · {summary.run}", body, style=style)


def _head(summary: RunSummary) -> Markup:
    word, status = states.of_run(summary.state)
    return Markup(
        '<header><h1>{pipeline}</h1><div class="run">{badge} <span>run {run}</span> '
        "<span>{when}</span> <span>took {took}</span> <span>{steps}</span></div></header>\n"
    ).format(
        pipeline=draw.cut(summary.pipeline, 120),
        badge=draw.badge(word, status),
        run=draw.cut(summary.run),
        when=_when(summary.started),
        took=draw.duration(summary.seconds),
        steps=_counts(summary.steps),
    )


def _when(started: float) -> Markup:
    try:
        moment = datetime.fromtimestamp(started).astimezone()
    except (ValueError, OverflowError, OSError):  # a clock gone wrong
        return Markup("<span>started at {}</span>").format(draw.number(started))
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M:%S} {}</time>').format(
        moment.isoformat(timespec="seconds"), moment, f"{moment:%Z}"
    )


def _counts(steps: tuple[StepSummary, ...]) -> str:
    if not steps:
        return "no steps"
    counts = Counter(states.of_step(step)[0] for step in steps)
    total = f"{len(steps)} step" + "s" * (len(steps) != 1)
    return f"{total}: " + ", ".join(
        f"{counts[word]} {word}" for word in sorted(counts, key=states.order)
    )


def _settings(summary: RunSummary) -> Markup:
    """Return what stopped the run, what overrode a gate, and the parameters."""
    parts = []
    if summary.error:
        error = Markup("<pre>{}</pre>").format(summary.error)
        parts.append(draw.note("What stopped the run", error, "fail"))
    if summary.override:
        said = Markup("<div>{}</div>").format(draw.fold(summary.override))
        parts.append(draw.note("Failed gates were overridden, because", said, "warn"))
    if summary.parameters:
        parts.append(Markup("<h2>Parameters</h2>{}").format(draw.facts(summary.parameters)))
    return Markup("\n").join(parts)


def _list(steps: tuple[StepSummary, ...]) -> Markup:
    """Return the table of the steps: state, time, what each made and why."""
    if not steps:
        return Markup('<p class="soft">The pipeline called no component.</p>')
    longest = max((s.seconds for s in steps if math.isfinite(s.seconds)), default=0.0)
    rows = Markup("").join(_row(number, step, longest) for number, step in enumerate(steps, 1))
    return Markup(
        # The roles stay when a narrow window sets the rows out as blocks.
        '<div class="scroll"><table class="list" role="table"><thead><tr role="row">{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(
        Markup("").join(
            Markup('<th role="columnheader" scope="col"{}>{}</th>').format(
                Markup(' class="n"') if title == "time" else "", title
            )
            for title in ("step", "state", "time", "what it made, and why it ran or not")
        ),
        rows,
    )


def _row(number: int, step: StepSummary, longest: float) -> Markup:
    word, status = states.of_step(step)
    gate = states.of_gate(step)
    took = states.took(step)
    bar = Markup("")
    share = 100 * step.seconds / longest if took and longest > 0 else 0.0
    if 2 <= share <= 100:  # shorter than that it looks like a speck; NaN is left out too
        bar = Markup('<span class="bar" style="width:{:.0f}%"></span>').format(share)
    made = (step.summary or step.error or "").strip().split("\n", 1)[0]
    why = Markup("").join(
        Markup('<div class="soft">{}</div>').format(draw.cut(reason, 240))
        for reason in step.reasons
    )
    return Markup(
        '<tr role="row"><td role="cell" class="name"><a href="#step-{number}">{name}</a></td>'
        '<td role="cell" class="state">{badges}</td><td role="cell" class="n time">{took}{bar}</td>'
        '<td role="cell" class="made">{made}{why}</td></tr>\n'
    ).format(
        number=number,
        name=draw.cut(step.name, 60),
        badges=Markup("<br>").join(
            [draw.badge(word, status)] + ([draw.badge(*gate)] if gate else [])
        ),
        took=took,
        bar=bar,
        made=draw.cut(made, 240) if made else "",
        why=why,
    )
