"""What the report says of each step: what it made, as the artifact draws itself, and why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup, escape

from dure import draw
from dure.runner.summary import StepSummary
from dure.web import states

LARGEST = 8_000_000
"""Letters of an artifact's HTML above which the page does not hold it."""

RULES = Markup("""
.dure details.step{border:1px solid var(--line);border-radius:8px;margin:10px 0}
.dure details.step>summary{display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;padding:10px 14px 10px 12px;cursor:pointer;list-style:none}
.dure details.step>summary::-webkit-details-marker{display:none}
.dure details.step>summary::before{content:"";flex:none;width:7px;height:7px;border:solid var(--soft);border-width:0 1.6px 1.6px 0;transform:rotate(-45deg);margin:0 3px 0 4px}
.dure details.step[open]>summary::before{transform:rotate(45deg)}
.dure details.step>summary:hover{background:var(--panel);border-radius:8px}
.dure details.step>summary .what{flex:1 1 12em;min-width:0;color:var(--soft);overflow-wrap:anywhere}
.dure details.step>summary h3{margin:0;font-size:15px}.dure details.step>summary .n{color:var(--soft)}
.dure details.step>.inside{padding:4px 18px 18px;border-top:1px solid var(--line);scroll-margin-top:64px;overflow-wrap:anywhere}
.dure .inside>.made>:first-child{margin-top:12px}
.dure .inside .made h2{font-size:15px;margin:20px 0 8px}
.dure details.about{margin-top:18px}.dure details.about>summary{cursor:pointer;color:var(--soft)}
@media (max-width:600px){.dure details.step>.inside{padding:4px 12px 14px}
.dure details.step>summary .what{order:1;flex-basis:100%;padding-left:22px}.dure details.step>summary .n{margin-left:auto}}
""")


def section(number: int, step: StepSummary) -> Markup:
    """Return the section of the step at position ``number``, from 1.

    It is open where it matters at first sight: a step that failed or was interrupted, and a
    verdict about the data or the model.
    """
    word, status = states.of_step(step)
    gate = states.of_gate(step)
    badges = [draw.badge(word, status)] + ([draw.badge(*gate)] if gate else [])
    matters = step.gate is not None or status in ("fail", "warn")
    return Markup(
        '<details class="step"{opened}><summary><h3>{name}</h3> {badges} '
        '<span class="what">{what}</span> <span class="n">{took}</span></summary>'
        '<div class="inside" id="step-{number}">{inside}</div></details>\n'
    ).format(
        opened=Markup(" open") if matters else "",
        number=number,
        name=draw.cut(step.name),
        badges=Markup(" ").join(badges),
        what=draw.cut(_one_line(step), 160),
        took=states.took(step),
        inside=_inside(step),
    )


def _one_line(step: StepSummary) -> str:
    text = step.summary or step.error or ""
    return text.strip().split("\n", 1)[0]


def _inside(step: StepSummary) -> Markup:
    parts = []
    if step.error:
        parts.append(draw.note("Error", Markup("<pre>{}</pre>").format(step.error), "fail"))
    made = Markup("") if step.path is None else _made(step)
    if step.path is not None:
        parts.append(Markup('<div class="made">{}</div>').format(made))
    elif not step.error:
        parts.append(Markup('<p class="soft">This step made nothing.</p>'))
    if step.gate is not None and not _says(made, step.gate):
        parts.append(Markup("<h3>Gate</h3>{}").format(gate_table(step.gate)))
    open_about = not step.gate and step.path is None
    parts.append(
        Markup(
            '<details class="about"{}><summary>Settings, reasons, digest</summary>{}</details>'
        ).format(Markup(" open") if open_about else "", _about(step))
    )
    return Markup("").join(parts)


def _says(made: Markup, gate: Mapping[str, Any]) -> bool:
    """Return whether the artifact's picture holds the reason of every check, so none is repeated."""
    reasons = [check.get("reason") or "" for check in gate.get("checks", ())]
    return bool(reasons) and all(reason and escape(reason) in made for reason in reasons)


def _made(step: StepSummary) -> Markup:
    """Return the artifact as it draws itself, or why it cannot."""
    try:
        artifact = step.artifact()
        drawn = Markup("") if artifact is None else artifact.html()
    except Exception as error:  # noqa: BLE001 - a user's artifact may raise anything; the page goes on
        return draw.note("This artifact cannot be shown", _told(error, step), "warn")
    if len(drawn) > LARGEST:
        text = f"Its picture has {len(drawn):,} letters, which is too much for this page."
        return draw.note("This artifact is not shown", f"{text} It is at {step.path}.", "warn")
    # A class that returns a plain str is shown as text: nothing it holds is read as HTML.
    return drawn if isinstance(drawn, Markup) else Markup("<pre>{}</pre>").format(drawn)


def _told(error: Exception, step: StepSummary) -> Markup:
    text = f"{type(error).__name__}"
    with contextlib.suppress(Exception):  # the text of an error may raise as well
        text = f"{text}: {error}"
    return Markup("<pre>{}\n\nfolder: {}</pre>").format(text, step.path)


def gate_table(gate: Mapping[str, Any]) -> Markup:
    """Return the checks of a gate, as `dure.gate.Gate.to_dict` wrote it; failed ones first."""
    order = {"fail": 0, "skip": 1, "pass": 2}
    checks = sorted(gate.get("checks", ()), key=lambda check: order.get(check.get("status"), 3))
    columns = dict(_columns(checks))
    rows = [
        [draw.badge(check.get("status", "?"), check.get("status", "skip"))]
        + [check.get("name", ""), check.get("reason", "")]
        + [_number(check, keys) for keys in columns.values()]
        for check in checks
    ]
    headers = ["answer", "asked", "because", *columns]
    return draw.table(headers, rows, numeric=range(3, len(headers)))


def _columns(checks: list[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the columns of numbers that any check fills."""
    for title, keys in (
        ("value", ("value",)),
        ("95 % interval", ("low", "high")),
        ("rows", ("count",)),
    ):
        if any(check.get(keys[0]) is not None for check in checks):
            yield title, keys


def _number(check: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    values = [check.get(key) for key in keys]
    if all(value is None for value in values):
        return ""
    texts = [draw.number(value) for value in values]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _about(step: StepSummary) -> Markup:
    kind, _, digest = (step.output or "").partition(":")
    about: dict[str, object] = {"component": step.component}
    if step.reasons:
        title = "why it was reused" if step.state == "CACHED" else "why it ran"
        title = "why" if step.state not in ("CACHED", "COMPLETE") else title
        about[title] = _list(step.reasons)
    if step.parents:
        about["takes from"] = ", ".join(step.parents)
    if step.output:
        about |= {"makes": kind, "digest": Markup("<code>{}</code>").format(digest)}
    if step.path:
        about["folder"] = Markup("<code>{}</code>").format(step.path)
    settings = Markup("<h4>Settings</h4>{}").format(draw.facts(step.settings))
    return draw.facts(about) + (settings if step.settings else "")


def _list(texts: tuple[str, ...]) -> Markup:
    return Markup("<br>").join(draw.fold(text) for text in texts)
