"""The page of statistics: one HTML file with a table that can be sorted, filtered and compared.

The numbers stand in the page as JSON, the script that draws them beside it. Nothing is loaded: the
policy of the page allows that one script, by its hash, and no connection.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dure import draw
from dure.statistics import page_tables as tables
from dure.statistics.model import ColumnStatistics, Histogram, SplitStatistics
from dure.statistics.statistics import Statistics

_SHOWN = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_QUANTILES = (*_SHOWN[1:],)
_KEYS = 8  # texts that get a bar
_CUT = 1000  # letters of a text that the page carries
_FACTS, _WORDS, _INLINE = 40, 80, 3
_SCRIPTS = ("page.js", "page_pairs.js")
_SAFE = 1 << 53  # above it, a script cannot hold every whole number

Series = Sequence[tuple[str, SplitStatistics, bool]]


def statistics_page(
    statistics: Statistics | Mapping[str, Statistics], *, title: str = "Statistics"
) -> str:
    """Return a page that shows every column of every split and slice, side by side.

    Parameters
    ----------
    statistics : Statistics or mapping of str to Statistics
        What to show; several, by name, to compare data sets.
    title : str
        Of the page.
    """
    series = list(_series(statistics))
    return draw.page(
        title,
        Markup(
            '<h1>{}</h1><p class="soft">{}</p><div id="controls"></div>'
            '<p id="count" class="soft" aria-live="polite"></p>'
            '<div class="scroll"><table id="columns"></table></div>'
            '<section id="pairs"></section><section id="lifts"></section>'
            "<noscript>{}</noscript>"
        ).format(
            title,
            _rows_in_words(series),
            draw.note(
                "No script",
                "Allow scripts to see the table: it is drawn from the page's own data.",
                "warn",
            ),
        ),
        style=Markup("<style>{}</style>").format(Markup(_file("page.css"))),  # noqa: S704 - ours
        script="\n".join(['"use strict";', "(() => {", *map(_file, _SCRIPTS), "})();", ""]),
        data={
            "series": [_heading(*one) for one in series],
            "columns": _columns(series),
            **tables.pairs(series),
            **tables.lifts(series),
        },
    )


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _series(
    statistics: Statistics | Mapping[str, Statistics],
) -> Iterator[tuple[str, SplitStatistics, bool]]:
    several = {"": statistics} if isinstance(statistics, Statistics) else statistics
    for name, one in several.items():
        start = f"{name}: " if name else ""
        for split, found in one.splits.items():
            yield start + split, found, False
            for label, part in found.slices.items():
                yield f"{start}{split}, {label}", part, True


def _heading(name: str, split: SplitStatistics, sliced: bool) -> dict[str, Any]:
    return {"name": name, "rows": split.rows, "slice": sliced}


def _rows_in_words(series: Series) -> str:
    whole = [
        f"{name} {draw.counted(split.rows, 'row')}" for name, split, sliced in series if not sliced
    ]
    slices = sum(sliced for *_, sliced in series)
    return "; ".join(whole[:6]) + "".join(
        [
            f" and {len(whole) - 6} more" if len(whole) > 6 else "",
            f"; {draw.counted(slices, 'slice')}" if slices else "",
        ]
    )


def _columns(series: Series) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for _, split, _ in series for name in split.columns)
    return [_column(name, [split.columns.get(name) for _, split, _ in series]) for name in names]


def _column(name: str, parts: Sequence[ColumnStatistics | None]) -> dict[str, Any]:
    known = [part for part in parts if part is not None]
    edges = _edges(known)
    keys = _top_texts(known)
    return {
        "name": name,
        "type": " or ".join(dict.fromkeys(part.type for part in known)),
        "h": list(edges) if edges else None,
        "keys": keys,
        "parts": [None if part is None else _part(part, edges, keys) for part in parts],
    }


def _part(
    part: ColumnStatistics, edges: tuple[float, ...] | None, keys: Sequence[str]
) -> dict[str, Any]:
    found = {
        "n": part.count,
        "miss": part.missing,
        "v": part.number_of_values if part.levels else None,
        "u": part.unique,
        "unsure": part.exactness.unique or None,
        "qe": part.exactness.quantiles or None,
        "me": part.exactness.moments or None,
        "ce": part.exactness.counts or None,
        "mean": part.mean,
        "std": part.std,
        "skew": part.skewness,
        "kurt": part.kurtosis,
        "mad": part.mad,
        "min": _number(part.min),
        "max": _number(part.max),
        "q": [part.quantile(at) for at in _QUANTILES] if part.quantiles else None,
        "zero": part.zeros,
        "neg": part.negative,
        "nan": part.nan,
        "inf": part.inf if part.nan is not None else None,
        "true": part.true,
        "false": part.false,
        "len": None
        if part.min_length is None
        else [part.min_length, part.mean_length, part.max_length],
        "empty": part.empty,
        "blank": part.blank,
        "ent": part.entropy,
        "kind": _meaning(part),
        "t": _texts(part, keys),
        "all": part.values is not None,
        "h": None if edges is None else _counts_on(part.histogram, edges),
        "more": _more(part),
    }
    return {key: value for key, value in found.items() if value is not None}


def _number(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > _SAFE:
        return f"{value:,}"
    return value


def _meaning(part: ColumnStatistics) -> str | None:
    if part.semantic is None:
        return None
    return part.semantic.kind.replace("_", " ")


def _texts(part: ColumnStatistics, keys: Sequence[str]) -> list[list[Any]] | None:
    if part.true is not None:
        return [["true", part.true], ["false", part.false]]
    if part.top is None:
        return None
    counts = dict(part.values or part.top)
    chosen = dict.fromkeys([text for text, _ in part.top] + [key for key in keys if key in counts])
    return [[text[:_CUT], counts[text]] for text in chosen]


def _top_texts(parts: Sequence[ColumnStatistics]) -> list[str]:
    totals: dict[str, float] = {}
    for part in parts:
        if part.true is not None:
            return ["true", "false"]
        for text, count in part.top or ():
            totals[text[:_CUT]] = totals.get(text[:_CUT], 0.0) + count / max(1, part.count)
    return sorted(totals, key=lambda text: (-totals[text], text))[:_KEYS]


def _more(part: ColumnStatistics) -> list[list[Any]] | None:
    """Return facts that only some columns have, as pairs of a name and a value."""
    found: list[list[Any]] = [
        [f"shape {shape}", f"{count / max(1, part.number_of_values):.1%}"]
        for shape, count in (part.patterns or ())[:3]
    ]
    for at, level in enumerate(part.levels):
        name = "entries a row" if at == 0 else f"entries, level {at + 1}"
        found.append([name, f"{level.min:,} to {level.max:,}, mean {draw.number(level.mean, 3)}"])
        if at and level.missing:
            found.append([f"missing lists, level {at + 1}", level.missing])
    if part.weighted is not None:
        found.append(["weight of values", part.weighted.count])
        found.append(["weight of missing", part.weighted.missing])
        names = ("mean", "std", "median")
        found += [[f"weighted {name}", getattr(part.weighted, name)] for name in names]
    if part.semantic is not None:
        fits = f"{part.semantic.share:.1%} of {part.semantic.checked:,}"
        found.append([f"{_meaning(part)}, fits", fits])
        found += _facts(part.semantic.details)
    found += _facts(part.custom)
    return [pair for pair in found if pair[1] is not None] or None


def _facts(values: Mapping[str, Any]) -> list[list[Any]]:
    """Return JSON values as numbers and short texts, objects inside by their dotted path."""
    found: list[list[Any]] = []
    for key, value in values.items():
        name = key.replace("_", " ")
        if isinstance(value, bool):
            found.append([name, "yes" if value else "no"])
        elif isinstance(value, int | float):
            found.append([name, _number(value)])
        elif isinstance(value, Mapping) and _is_large(value):
            found += [[f"{name}, {inner}", one] for inner, one in _facts(value)]
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for index, one in enumerate(value):
                found += [[f"{name} {index + 1}, {inner}", x] for inner, x in _facts(one)]
        elif value:
            found.append([name, _in_words(value)])
    return found[:_FACTS]


def _is_large(value: Mapping[str, Any]) -> bool:
    return len(value) > _INLINE or any(isinstance(one, Mapping) for one in value.values())


def _in_words(value: Any) -> str:
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {_in_words(one)}" for key, one in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(map(_in_words, value))
    else:
        text = draw.value(value) if isinstance(value, int | float) else str(value)
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"


def _edges(parts: Sequence[ColumnStatistics]) -> tuple[float, ...] | None:
    """Return edges for all: those that they share, or edges over all of their values."""
    found = {part.histogram.edges for part in parts if part.histogram}
    if len(found) < 2:
        return next(iter(found), None)
    from dure.statistics.histogram import edges

    known = [part for part in parts if part.quantiles]
    at = edges(
        min(float(part.min or 0) for part in known),
        max(float(part.max or 0) for part in known),
        min(part.quantile(0.01) or 0.0 for part in known),
        max(part.quantile(0.99) or 0.0 for part in known),
        whole=all(part.element == "int" for part in known),
    )
    return tuple(at.tolist())


def _counts_on(histogram: Histogram | None, edges: tuple[float, ...]) -> list[float] | None:
    """Return the counts of a histogram on other edges, spread evenly inside each bin."""
    if histogram is None or histogram.edges == edges:
        return None if histogram is None else list(histogram.counts)
    pairs = list(itertools.pairwise(edges))
    counts = [0.0] * len(pairs)
    for (low, high), count in zip(
        itertools.pairwise(histogram.edges), histogram.counts, strict=True
    ):
        for at, (left, right) in enumerate(pairs):
            inside = min(high, right) - max(low, left)
            if high > low and inside > 0:
                counts[at] += count * inside / (high - low)
            elif high == low and (left <= low < right or (at == len(pairs) - 1 and low == right)):
                counts[at] += count
    return counts
