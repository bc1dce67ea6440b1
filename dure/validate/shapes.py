"""Both sides of a comparison over the same few cells, to be drawn beside each other."""

from __future__ import annotations

import itertools

import numpy as np

from dure.draw import number
from dure.statistics import histogram
from dure.validate.distances import Floats, Line, align, gap
from dure.validate.report import Shape
from dure.validate.samples import OTHER, Sample
from dure.validate.words import cut

_VALUES = 10


def shape(first: Sample, second: Sample) -> Shape:
    """Return the most frequent values of either side, or bins over the numbers of both."""
    if first.line is not None and second.line is not None:
        return _numbers(first.line, second.line)
    names, a, b = align(first.categories or {}, second.categories or {})
    share = np.maximum(a / max(a.sum(), 1), b / max(b.sum(), 1))
    order = [i for i in np.argsort(-share, kind="stable") if names[i] != OTHER]
    kept, rest = order[:_VALUES], order[_VALUES:]
    if OTHER in names:
        rest.append(names.index(OTHER))
    labels = [cut(names[i], 40) for i in kept]
    sides = [[float(side[i]) for i in kept] for side in (a, b)]
    if rest:
        labels.append(f"{len(rest):,} others" if OTHER not in names else "others")
        for shown, side in zip(sides, (a, b), strict=True):
            shown.append(float(side[rest].sum()))
    return Shape(tuple(labels), tuple(sides[0]), tuple(sides[1]))


def _numbers(first: Line, second: Line) -> Shape:
    x, a, b, *_ = gap(first, second)
    both = (a + b) / 2
    places = np.minimum(np.searchsorted(both, [0.01, 0.99]), len(x) - 1)
    q01, q99 = (float(at) for at in x[places])
    whole = bool(np.all(x == np.floor(x)))
    edges = histogram.edges(float(x[0]), float(x[-1]), q01, q99, whole=whole)
    if len(edges) == 2 and edges[0] == edges[1]:
        return Shape((number(float(edges[0])),), (first.size,), (second.size,))
    return Shape(
        tuple(_label(low, high) for low, high in itertools.pairwise(edges)),
        _counts(first, edges),
        _counts(second, edges),
    )


def _label(low: float, high: float) -> str:
    if low % 1 == 0.5 and high % 1 == 0.5:
        first, last = int(low + 0.5), int(high - 0.5)
        return f"{first:,}" if first == last else f"{first:,} to {last:,}"
    return f"{number(float(low))} to {number(float(high))}"


def _counts(line: Line, edges: Floats) -> tuple[float, ...]:
    # As in Histogram: a bin holds its lower edge, and the last one both.
    shares = line.below(edges)
    shares[-1] = 1.0
    return tuple(float(round(one, 6)) for one in np.diff(shares) * line.size)
