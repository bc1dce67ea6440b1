"""The steps of a run as a picture: a box each, arrows from what made to what took."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from markupsafe import Markup

from dure import draw
from dure.runner.summary import StepSummary
from dure.web import states
from dure.web.layout import BOX_ROOM, Layout, arrange

_BOX = 48.0
_GAP = 30.0
_PAD = 4.0
_NARROW, _WIDE = 92.0, 190.0
_EM, _SMALL_EM = 12.0, 11.0
_THIN, _FAT = frozenset("fijlrtI .,:;|!'()[]-·"), frozenset("mwMW@%&")
_NAME = _WIDE - 22
"""Room for a name in the widest box, in px."""

# The shadows at the ends of the box show that there is more to scroll to: a cover that moves with
# what is inside hides each at its end.
RULES = Markup("""
.dure .graph{border-radius:8px;padding:14px;margin-bottom:16px;background-color:var(--panel);
background-image:linear-gradient(90deg,var(--panel) 30%,transparent),linear-gradient(270deg,var(--panel) 30%,transparent),
linear-gradient(90deg,var(--line),transparent),linear-gradient(270deg,var(--line),transparent);
background-repeat:no-repeat;background-size:40px 100%,40px 100%,12px 100%,12px 100%;
background-position:0 0,100% 0,0 0,100% 0;background-attachment:local,local,scroll,scroll}
.dure.dure .graph svg.steps{width:auto;height:auto;max-width:none;margin:0 auto}
.dure .graph .link{stroke:var(--soft);stroke-width:1.3;fill:none;opacity:.75}
.dure .graph .tip{fill:var(--soft)}
.dure .graph .box{fill:var(--ground);stroke:currentColor;stroke-width:1.2}
.dure .graph .edge{fill:currentColor}
.dure .graph .name{fill:var(--ink);font-size:12px;font-weight:600}
.dure .graph .did{fill:currentColor;font-size:11px}
.dure .graph .skip .box,.dure .graph .reused .box{stroke-dasharray:4 3}
.dure.dure .graph a{text-decoration:none;color:inherit}
.dure .graph a:hover .box,.dure .graph a:focus-visible .box{stroke-width:2.4}
.dure .graph a:focus-visible{outline:0}
""")


def draw_graph(steps: Sequence[StepSummary]) -> Markup:
    """Return the graph as an SVG in a box that scrolls sideways; nothing where no step is.

    Every box is a link to ``#step-N``, N being the step's position from 1.
    """
    if not steps:
        return Markup("")
    layout = arrange(parents_of(steps))
    columns = _columns(layout, steps)
    spare = (BOX_ROOM - _BOX) / 2
    return Markup(
        '<div class="scroll graph"><svg class="steps" viewBox="0 {top} {w} {h}" width="{w}" '
        'height="{h}" role="group" aria-label="Graph of the steps">{links}{boxes}</svg></div>'
    ).format(
        top=_at(spare - _PAD),
        w=_at(sum(columns[-1]) + _PAD),
        h=_at(layout.height - 2 * spare + 2 * _PAD),
        links=_links(layout, columns),
        boxes=Markup("").join(
            _box(index, step, columns[layout.layers[index]], layout.heights[index])
            for index, step in enumerate(steps)
        ),
    )


def _columns(layout: Layout, steps: Sequence[StepSummary]) -> list[tuple[float, float]]:
    """Return the left end and the width of each layer, as wide as its widest box needs."""
    widths = [_NARROW] * layout.width
    for step, layer in zip(steps, layout.layers, strict=False):
        widths[layer] = max(widths[layer], _wide(step))
    lefts = [_PAD]
    for width in widths[:-1]:
        lefts.append(lefts[-1] + width + _GAP)
    return list(zip(lefts, widths, strict=True))


def parents_of(steps: Sequence[StepSummary]) -> list[list[int]]:
    """Return the positions of each step's parents.

    A notebook may hold several steps of one name: the last one before the step is meant. A parent
    that is no step, such as an artifact made by hand, is left out.
    """
    last: dict[str, int] = {}
    found = []
    for index, step in enumerate(steps):
        found.append([last[name] for name in dict.fromkeys(step.parents) if name in last])
        last[step.name] = index
    return found


def _links(layout: Layout, columns: Sequence[tuple[float, float]]) -> Markup:
    lines, tips = [], []
    for a, b in layout.links:
        x0, (x1, wide) = sum(columns[layout.layers[a]]), columns[layout.layers[b]]
        y0, y1 = layout.heights[a], layout.heights[b]
        middle = (x0 + x1) / 2
        end = x1 - 6 if b < layout.boxes else x1 + wide
        bend = x1 - 6 if b < layout.boxes else x1
        lines.append(
            f"M{_at(x0)} {_at(y0)}C{_at(middle)} {_at(y0)} {_at(middle)} {_at(y1)} "
            f"{_at(bend)} {_at(y1)}" + (f"H{_at(end)}" if end != bend else "")
        )
        if b < layout.boxes:
            tips.append(f"M{_at(x1 - 7)} {_at(y1 - 4)}L{_at(x1 - 1)} {_at(y1)}l-6 4z")
    return Markup(
        '<path class="link" fill="none" stroke="currentColor" d="{}"/><path class="tip" d="{}"/>'
    ).format("".join(lines), "".join(dict.fromkeys(tips)))


def _box(index: int, step: StepSummary, column: tuple[float, float], y: float) -> Markup:
    (x, wide), (status, did) = column, _did(step)
    return Markup(
        '<a href="#step-{number}"><g class="{status}"><title>{title}</title>'
        '<rect class="box" x="{x}" y="{y}" width="{w}" height="{h}" rx="7" fill="none" '
        'stroke="currentColor"/>'
        '<text class="name" x="{text}" y="{name_at}">{name}</text>'
        '<g transform="translate({text} {sign_at})">{sign}</g>'
        '<text class="did" x="{did_x}" y="{did_at}">{did}</text></g></a>'
    ).format(
        status=status,
        number=index + 1,
        title=_title(step),
        x=_at(x),
        y=_at(y - _BOX / 2),
        w=_at(wide),
        h=_at(_BOX),
        text=_at(x + 12),
        name_at=_at(y - 4),
        name=_name(step),
        sign_at=_at(y + 4.5),
        sign=draw.sign_path(status),
        did_x=_at(x + 28),
        did_at=_at(y + 14.5),
        did=did,
    )


def _did(step: StepSummary) -> tuple[str, str]:
    """Return the status and the words of a box; a gate that failed outdoes that the step ran."""
    word, status = states.of_step(step)
    did = states.took(step) if step.state == "COMPLETE" else word
    gate = states.of_gate(step)
    if gate is not None and gate[1] == "fail":
        return "fail", f"{did} · {gate[0]}"
    return status, did


def _title(step: StepSummary) -> str:
    word, _ = states.of_step(step)
    parts = [f"{step.name} ({step.component}): {word}", step.summary, *step.reasons]
    return draw.short("\n".join(part for part in parts if part), 600)


def _name(step: StepSummary) -> str:
    name = " ".join(step.name[:200].split())
    if _length(name) <= _NAME:
        return name
    while _length(name) > _NAME - _EM:
        name = name[:-1]
    return name + "…"


def _length(text: str, em: float = _EM) -> float:
    """Return how many px a text takes, about, in a bold font that runs wide."""
    return em * sum(map(_advance, text))


def _advance(letter: str) -> float:
    if letter in _THIN:
        return 0.45
    if letter in _FAT or unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.78 if letter.isupper() else 0.69


def _wide(step: StepSummary) -> float:
    need = max(_length(_name(step)) + 22, _length(_did(step)[1], _SMALL_EM) * 0.92 + 40)
    return float(round(min(_WIDE, need)))


def _at(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
