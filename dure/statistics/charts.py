"""Bars of several splits beside each other, in the form and colours of `dure.draw`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from dure.draw import HEIGHT, WIDTH, number

_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 18.0, 34.0
_LETTER = 6.0  # the width of a digit, about

# The colours of the theme that stand out from the ground in light and dark.
_COLOURS = ("var(--accent)", "var(--accent2)", "var(--soft)")


def grouped_bars(
    series: Mapping[str, Sequence[float]],
    *,
    labels: Sequence[str],
    ends: tuple[str, str],
    x_name: str,
    y_name: str,
) -> Markup:
    """Return upright bars, for each label one bar of each series.

    Parameters
    ----------
    series : mapping of str to sequence of float
        Heights by name, finite and not negative, as many as there are labels.
    labels : sequence of str
        What the bars stand for, for the tool tips.
    ends : tuple of (str, str)
        What is written at the left and the right end of the axis.
    x_name, y_name : str
        Names of the axes, with their units.
    """
    top = max((max(values) for values in series.values()), default=0.0) or 1.0
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(labels))
    wide = min(step, 60.0) * 0.84 / max(1, len(series))
    pad = (step - wide * len(series)) / 2
    bottom = HEIGHT - _BOTTOM
    bar = Markup(
        '<rect fill="{}" x="{}" y="{}" width="{}" height="{}"><title>{}: {}: {} {}</title></rect>'
    )
    drawn = []
    for order, (name, values) in enumerate(series.items()):
        for index, (label, value) in enumerate(zip(labels, values, strict=True)):
            x = _at(_LEFT + index * step + pad + order * wide)
            tall = (bottom - _TOP) * value / top
            y, height = _at(bottom - tall), _at(tall)
            tip = (name, label, number(value, 3), y_name)
            drawn.append(bar.format(colour(order), x, y, _at(wide), height, *tip))
    drawn += [_legend(list(series)), _axes(top, x_name, y_name), _ticks(labels, ends, step)]
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{} by {}">{}</svg>').format(
        _at(WIDTH), _at(HEIGHT), y_name, x_name, Markup("").join(drawn)
    )


def share_bar(shares: Sequence[float]) -> Markup:
    """Return lying bars one below the other; each share is between 0 and 1."""
    each = 8.0 if len(shares) == 1 else 5.0
    tall = max(20.0, each * len(shares))
    start = (tall - each * len(shares)) / 2
    bars = Markup("").join(
        Markup('<rect fill="{}" x="0" y="{}" width="{}" height="{}"/>').format(
            colour(order), _at(start + order * each), _at(60 * share), _at(each - 1)
        )
        for order, share in enumerate(shares)
    )
    return Markup(
        '<svg viewBox="0 0 60 {0}" style="width:60px;height:{0}px" aria-hidden="true">{1}</svg>'
    ).format(_at(tall), bars)


def colour(order: int) -> str:
    """Return the colour of the series at position ``order``."""
    return _COLOURS[order % len(_COLOURS)]


def _legend(names: Sequence[str]) -> Markup:
    if len(names) < 2:
        return Markup("")
    drawn, x = [], _LEFT
    for order, name in enumerate(names):
        text = name if len(name) <= 12 else name[:11] + "…"
        drawn.append(
            Markup(
                '<rect fill="{}" x="{}" y="4" width="8" height="8"/><text x="{}" y="12">{}</text>'
            ).format(colour(order), _at(x), _at(x + 12), text)
        )
        x += 24 + _LETTER * len(text)
    return Markup("").join(drawn)


def _axes(top: float, x_name: str, y_name: str) -> Markup:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    line = Markup('<path class="axis" fill="none" d="M{} {}V{}H{}"/>').format(
        _at(_LEFT), _at(_TOP), _at(bottom), _at(right)
    )
    turned = Markup(
        '<text transform="translate(10 {}) rotate(-90)" text-anchor="middle">{}</text>'
    ).format(_at((_TOP + bottom) / 2), y_name)
    return Markup("").join(
        [
            line,
            turned,
            _write((_LEFT + right) / 2, HEIGHT - 6, "middle", x_name),
            _write(_LEFT - 4, bottom, "end", "0"),
            _write(_LEFT - 4, _TOP + 8, "end", number(top, 3)),
        ]
    )


def _ticks(labels: Sequence[str], ends: tuple[str, str], step: float) -> Markup:
    """Write every label under its bars if all fit, else what is at the ends."""
    y = HEIGHT - _BOTTOM + 13
    if all(_LETTER * (len(label) + 1) <= step for label in labels):
        return Markup("").join(
            _write(_LEFT + (index + 0.5) * step, y, "middle", label)
            for index, label in enumerate(labels)
        )
    return _write(_LEFT, y, "start", ends[0]) + _write(WIDTH - _RIGHT, y, "end", ends[1])


def _write(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _at(x), _at(y), anchor, text
    )


def _at(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
