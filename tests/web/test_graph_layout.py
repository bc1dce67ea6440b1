from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from dure.web import layout
from dure.web.layout import BOX_ROOM, arrange, spread

GRAPHS = st.integers(0, 25).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.integers(0, i - 1), max_size=4) if i else st.just([]) for i in range(n))
    )
)


@given(
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 10), st.floats(0, 100)), max_size=12)
)
def test_spread_is_isotonic_regression_with_room(nodes):
    wishes, weights, rooms = ([node[i] for node in nodes] for i in range(3))
    places = spread(wishes, weights, rooms)
    assert len(places) == len(nodes)
    if nodes:
        steps = [(a + b) / 2 for a, b in pairwise(rooms)]
        offsets = np.concatenate([[0.0], np.cumsum(steps)])
        oracle = IsotonicRegression().fit_transform(
            np.arange(len(nodes)), np.array(wishes) - offsets, sample_weight=weights
        )
        np.testing.assert_allclose(places, oracle + offsets, atol=1e-6)


@given(GRAPHS)
def test_lines_lead_from_left_to_right_through_neighbouring_layers(parents):
    made = arrange(parents)
    assert made.boxes == len(parents)
    for a, b in made.links:
        assert made.layers[b] == made.layers[a] + 1
    for box, own in enumerate(parents):
        assert all(made.layers[parent] < made.layers[box] for parent in own)


@given(GRAPHS)
def test_every_box_is_reached_from_its_parents_and_no_other(parents):
    made = arrange(parents)
    into = {b: [a for a, c in made.links if c == b] for b in range(len(made.layers))}

    def sources(node):
        return {a for p in into[node] for a in ([p] if p < made.boxes else sources(p))}

    assert [sources(box) for box in range(made.boxes)] == [set(own) for own in parents]


@given(GRAPHS)
def test_no_two_nodes_of_a_layer_touch_and_all_are_in_the_picture(parents):
    made = arrange(parents)
    rooms = [layout._room(node, made.boxes) for node in range(len(made.layers))]
    for a, b in combinations(range(len(made.layers)), 2):
        if made.layers[a] == made.layers[b]:
            gap = abs(made.heights[a] - made.heights[b])
            assert gap >= (rooms[a] + rooms[b]) / 2 - 1e-6
    for node, room in enumerate(rooms):
        assert room / 2 - 1e-6 <= made.heights[node] <= made.height - room / 2 + 1e-6


@given(GRAPHS)
def test_crossings_are_counted_as_by_hand(parents):
    net = layout._net(parents)
    rows = [[] for _ in range(max(net.layers, default=-1) + 1)]
    for node, layer in enumerate(net.layers):
        rows[layer].append(node)
    place = {node: index for row in rows for index, node in enumerate(row)}
    by_hand = sum(
        net.layers[a] == net.layers[c] and (place[a] - place[c]) * (place[b] - place[d]) < 0
        for (a, b), (c, d) in combinations(net.links, 2)
    )
    assert layout._crossings(net, rows) == by_hand


@given(GRAPHS)
def test_ordering_never_adds_crossings(parents):
    net = layout._net(parents)
    rows = [[] for _ in range(max(net.layers, default=-1) + 1)]
    for node, layer in enumerate(net.layers):
        rows[layer].append(node)
    assert layout._crossings(net, layout._ordered(net)) <= layout._crossings(net, rows)


def test_a_chain_is_a_straight_line():
    made = arrange([[]] + [[i] for i in range(39)])
    assert made.width == 40
    assert set(made.heights) == {BOX_ROOM / 2}
    assert made.height == BOX_ROOM


def test_boxes_without_lines_stand_in_one_layer():
    made = arrange([[]] * 5)
    assert made.width == 1
    assert made.height == pytest.approx(5 * BOX_ROOM)


def test_no_boxes_take_no_room():
    made = arrange([])
    assert (made.width, made.height, made.links) == (0, 0.0, ())


def test_crossed_lines_are_uncrossed():
    made = arrange([[], [], [1], [0]])
    assert (made.heights[0] < made.heights[1]) == (made.heights[3] < made.heights[2])


def test_the_same_graph_has_the_same_picture():
    parents = [[], [0], [0], [1, 2], [0, 3], [1, 4], [2, 5]]
    assert arrange(parents) == arrange(parents)


def test_lines_of_one_box_share_their_way():
    # 0 leads to 3, 4 and 5, past the layers of 1 and 2.
    made = arrange([[], [0], [1], [2, 0], [2, 0], [2, 0]])
    assert len(made.layers) - made.boxes == 2


@pytest.mark.parametrize("boxes", [8, 40, 300])
def test_large_graphs_are_laid_out(boxes):
    rng = np.random.default_rng(boxes)
    parents = [
        sorted({int(rng.integers(max(0, i - 20), i)) for _ in range(3)}) if i else []
        for i in range(boxes)
    ]
    made = arrange(parents)
    assert len(made.heights) >= boxes
