"""What a partial run does with each step, on a diamond: a -> b, a -> c, (b, c) -> d; e alone."""

from __future__ import annotations

import itertools

import pytest

from dure.runner.selection import Selection

UPSTREAM = {
    "a": frozenset[str](),
    "b": frozenset({"a"}),
    "c": frozenset({"a"}),
    "d": frozenset({"a", "b", "c"}),
    "e": frozenset[str](),
}


def orders(selection: Selection) -> str:
    """Return the first letter of each step's order, from a to e."""
    return "".join(selection.order(step, up)[0] for step, up in UPSTREAM.items())


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), "aaaaa"),
        (Selection(to="b"), "aaaaa"),
        (Selection(start="a"), "rrrrl"),
        (Selection(start="b"), "lrlrl"),
        (Selection(start="d"), "lllrl"),
        (Selection(start="e"), "llllr"),
        (Selection(only="c"), "llrll"),
        (Selection(no_cache=frozenset("bd")), "arara"),
        (Selection(start="b", no_cache=frozenset("c")), "lrrrl"),
        (Selection(only="b", no_cache=frozenset("a")), "rrlll"),
        (Selection(to="d", no_cache=frozenset("a")), "raaaa"),
    ],
)
def test_each_step_is_asked_run_or_taken_as_it_was(selection: Selection, expected: str) -> None:
    assert orders(selection) == expected


def test_from_a_step_runs_that_step_and_exactly_what_depends_on_it() -> None:
    for start, step in itertools.product(UPSTREAM, repeat=2):
        runs = Selection(start=start).order(step, UPSTREAM[step]) == "run"
        assert runs == (step == start or start in UPSTREAM[step])


@pytest.mark.parametrize(
    ("selection", "on_demand", "target"),
    [
        (Selection(), False, None),
        (Selection(start="a"), False, None),
        (Selection(to="b"), True, "b"),
        (Selection(only="c"), True, "c"),
        (Selection(start="a", to="d"), True, "d"),
        (Selection(no_cache=frozenset("a")), False, None),
    ],
)
def test_to_and_only_leave_the_rest_until_it_is_asked_for(
    selection: Selection, on_demand: bool, target: str | None
) -> None:
    assert selection.on_demand is on_demand
    assert selection.target == target


def test_every_step_that_was_named_is_known() -> None:
    assert Selection().names == frozenset()
    selection = Selection(start="a", to="b", only="c", no_cache=frozenset("de"))
    assert selection.names == frozenset("abcde")
