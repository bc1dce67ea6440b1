"""Where the boxes of a graph are: layers from left to right, as few crossings as can be had.

The method is that of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures" (IEEE Trans. SMC 11, 1981): layers by the longest way from a source, lines that
pass layers get a place in each of them, orders by barycentres, then heights.

Notation: a *node* is a box, or a *passage*, the place where a line passes a layer between two
boxes. All lines that leave one box share its passages. Nodes are numbered: 0 to n - 1 are the
boxes, in the order in which they were given, and the passages follow. V nodes, E links between
neighbouring layers; the whole takes O(V + E log E) for each of a constant number of sweeps.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_SWEEPS = 24
BOX_ROOM = 64.0
"""Room of a box from top to bottom, with what is kept free around it, in user units."""
_PASSAGE_ROOM = 20.0
_STIFFNESS = 2.0
"""How much more a passage wants its place than a box does."""


@dataclass(frozen=True)
class Layout:
    """Nodes with their layer and height, and the links between neighbouring layers.

    Parameters
    ----------
    boxes : int
        How many of the nodes are boxes.
    layers : tuple of int
        Layer of each node, from 0.
    heights : tuple of float
        Middle of each node in user units; the first is at least half a box below 0.
    links : tuple of (int, int)
        Pairs of nodes, left and right, each in neighbouring layers.
    """

    boxes: int
    layers: tuple[int, ...]
    heights: tuple[float, ...]
    links: tuple[tuple[int, int], ...]

    @property
    def width(self) -> int:
        """How many layers there are."""
        return max(self.layers, default=-1) + 1

    @property
    def height(self) -> float:
        """How much room the nodes take from top to bottom."""
        rooms = [_room(node, self.boxes) / 2 for node in range(len(self.heights))]
        return max((y + room for y, room in zip(self.heights, rooms, strict=True)), default=0.0)


@dataclass
class _Net:
    """Nodes and links while they are being put in place."""

    boxes: int
    layers: list[int]
    links: list[tuple[int, int]] = field(default_factory=list)
    left: dict[int, list[int]] = field(default_factory=dict)
    right: dict[int, list[int]] = field(default_factory=dict)

    def link(self, a: int, b: int) -> None:
        if a not in self.left.setdefault(b, []):
            self.links.append((a, b))
            self.left[b].append(a)
            self.right.setdefault(a, []).append(b)


def arrange(parents: Sequence[Sequence[int]]) -> Layout:
    """Return a layout of a graph without cycles.

    Parameters
    ----------
    parents : sequence of sequences of int
        For each box the boxes whose lines lead to it; all have smaller numbers than it.
    """
    net = _net(parents)
    rows = _ordered(net)
    heights = _heights(net, rows)
    top = min((heights[row[0]] - _room(row[0], net.boxes) / 2 for row in rows if row), default=0.0)
    return Layout(
        net.boxes,
        tuple(net.layers),
        tuple(heights[node] - top for node in range(len(net.layers))),
        tuple(net.links),
    )


def _room(node: int, boxes: int) -> float:
    return BOX_ROOM if node < boxes else _PASSAGE_ROOM


def _net(parents: Sequence[Sequence[int]]) -> _Net:
    layers: list[int] = []
    for own in parents:
        layers.append(1 + max((layers[parent] for parent in own), default=-1))
    net = _Net(len(parents), layers)
    passages: dict[tuple[int, int], int] = {}
    for box, own in enumerate(parents):
        for parent in own:
            at = parent
            for layer in range(layers[parent] + 1, layers[box]):
                if (parent, layer) not in passages:
                    passages[parent, layer] = len(layers)
                    layers.append(layer)
                net.link(at, passages[parent, layer])
                at = passages[parent, layer]
            net.link(at, box)
    return net


def _ordered(net: _Net) -> list[list[int]]:
    """Return the nodes of each layer from top to bottom, in the order with the fewest crossings."""
    rows: list[list[int]] = [[] for _ in range(max(net.layers, default=-1) + 1)]
    for node, layer in enumerate(net.layers):
        rows[layer].append(node)
    best, fewest = [list(row) for row in rows], _crossings(net, rows)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        ahead = sweep % 2 == 0
        neighbours = net.left if ahead else net.right
        place = {node: index / len(row) for row in rows for index, node in enumerate(row)}
        for row in rows if ahead else reversed(rows):
            row.sort(key=lambda node: _mean([place[n] for n in neighbours.get(node, [node])]))
            place |= {node: index / len(row) for index, node in enumerate(row)}
        count = _crossings(net, rows)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    return best


def _crossings(net: _Net, rows: Sequence[Sequence[int]]) -> int:
    """Return how many pairs of links cross: inversions of the right ends, layer by layer."""
    place = {node: index for row in rows for index, node in enumerate(row)}
    total = 0
    for row in rows:
        seen: list[int] = []
        for node in row:
            ends = sorted(place[other] for other in net.right.get(node, []))
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _heights(net: _Net, rows: Sequence[Sequence[int]]) -> dict[int, float]:
    heights = {node: BOX_ROOM * index for row in rows for index, node in enumerate(row)}
    for sweep in range(_SWEEPS):
        ahead = sweep % 2 == 0
        for row in rows if ahead else reversed(rows):
            asked = [_wish(net, node, heights, ahead=ahead) for node in row]
            rooms = [_room(node, net.boxes) for node in row]
            wishes, weights = [wish for wish, _ in asked], [weight for _, weight in asked]
            heights |= dict(zip(row, spread(wishes, weights, rooms), strict=True))
    return heights


def _wish(
    net: _Net, node: int, heights: Mapping[int, float], *, ahead: bool
) -> tuple[float, float]:
    """Return where a node wants to be, to make its lines straight, and how much it wants it.

    A passage follows the side that the sweep comes from: were it held by both sides, a long line
    would never leave the place where it began.
    """
    before, after = net.left.get(node, []), net.right.get(node, [])
    if node >= net.boxes:
        others, weight = (before if ahead else after), _STIFFNESS
    else:
        others, weight = [*before, *after], 1.0
    if not others:
        return heights[node], 0.1
    return _median([heights[other] for other in others]), weight * len(others)


def _median(values: Sequence[float]) -> float:
    """Return the median: unlike the mean it makes one line straight, not all bent."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def spread(
    wishes: Sequence[float], weights: Sequence[float], rooms: Sequence[float]
) -> list[float]:
    """Return places as near to ``wishes`` as the room of each allows, in the same order.

    Least squares under ``place[i + 1] - place[i] >= (rooms[i] + rooms[i + 1]) / 2``: with the
    rooms taken off it is isotonic regression, solved by pooling neighbours that violate the order
    (Barlow et al., "Statistical inference under order restrictions", 1972, section 1.2). O(n).
    """
    offsets = [0.0]
    for here, after in pairwise(rooms):
        offsets.append(offsets[-1] + (here + after) / 2)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for wish, weight, offset in zip(wishes, weights, offsets, strict=False):
        mean, total, count = wish - offset, weight, 1
        while pools and pools[-1][0] >= mean:
            other, more, some = pools.pop()
            mean = (mean * total + other * more) / (total + more)
            total, count = total + more, count + some
        pools.append((mean, total, count))
    means = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
