"""The leakage check: exact, whatever the memory, by brute force."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dure.data.leakage as module
from dure.data import Examples, by_group, find_leakage, make_examples
from dure.errors import DataError, UsageError

ROWS = st.lists(
    st.tuples(st.none() | st.integers(0, 9), st.none() | st.sampled_from(["x", "y", ""])),
    min_size=1,
    max_size=30,
)


def frame_of(rows: list[tuple[int | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"id": pl.Int64, "t": pl.String}, orient="row")


def by_hand(frames: dict[str, pl.DataFrame], columns: list[str]) -> dict[Any, dict[str, int]]:
    found: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(frames, 0))
    for split, frame in frames.items():
        for row in frame.select(columns).rows():
            found[row][split] += 1
    return {row: n for row, n in found.items() if sum(count > 0 for count in n.values()) > 1}


@given(one=ROWS, two=ROWS, three=ROWS, columns=st.sampled_from([["id"], ["t"], ["id", "t"], None]))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("memory", [1 << 30, 100])
def test_it_finds_what_brute_force_finds(
    one: list[Any], two: list[Any], three: list[Any], columns: list[str] | None, memory: int
) -> None:
    frames = {"a": frame_of(one), "b": frame_of(two), "c": frame_of(three)}
    expected = by_hand(frames, columns or ["id", "t"])
    found = find_leakage(Examples.from_frames(frames), columns, memory=memory)
    assert bool(found) == bool(expected)
    assert found.groups == len(expected)
    assert found.rows == {s: sum(n[s] for n in expected.values()) for s in frames}
    assert len(found.examples) == min(20, len(expected))
    for values, counts in found.examples:
        assert expected[tuple(values.values())] == counts
        assert list(values) == (columns or ["id", "t"])


def test_equal_hashes_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(frame: pl.DataFrame, columns: object = None) -> np.ndarray[Any, Any]:
        return np.ones(frame.height, np.uint64)

    monkeypatch.setattr(module, "row_hashes", same)
    examples = Examples.from_frames({"a": frame_of([(1, "x")]), "b": frame_of([(2, "x")])})
    assert not find_leakage(examples, ["id"])
    assert find_leakage(examples, ["t"]).groups == 1


def test_groups_of_lists_and_structs_are_found() -> None:
    one = pl.DataFrame({"l": [[1, 2], [3]], "s": [{"x": 1}, {"x": 2}], "b": [b"\xff", b""]})
    two = pl.DataFrame({"l": [[1, 2]], "s": [{"x": 2}], "b": [b"\xff"]})
    examples = Examples.from_frames({"a": one, "b": two})
    assert find_leakage(examples, ["l"]).examples == (({"l": [1, 2]}, {"a": 1, "b": 1}),)
    assert find_leakage(examples, ["s"]).examples == (({"s": {"x": 2}}, {"a": 1, "b": 1}),)
    assert find_leakage(examples, ["b"]).groups == 1
    assert not find_leakage(examples)


def test_one_split_leaks_nothing() -> None:
    assert not find_leakage(Examples.from_frames({"all": frame_of([(1, "x"), (1, "x")])}))


VISITS = pl.DataFrame({"customer": [i % 30 for i in range(300)], "n": range(300)})


def test_making_examples_fails_on_it() -> None:
    expected = find_leakage(make_examples(VISITS), ["customer"]).groups
    assert expected > 20
    with pytest.raises(
        DataError, match=f"{expected} groups of customer stand in more than one"
    ) as caught:
        make_examples(VISITS, no_leakage=["customer"])
    assert "split_by=['customer']" in str(caught.value)
    examples = make_examples(VISITS, split_by=by_group("customer"), no_leakage=["customer"])
    assert sum(examples.rows.values()) == 300


def test_equal_rows_in_two_splits_fail_too() -> None:
    doubled = pl.concat([VISITS, VISITS])
    assert make_examples(doubled, no_leakage=[]).rows  # the hash of rows keeps them together
    one = {"train": VISITS[:10], "eval": VISITS[9:20]}
    with pytest.raises(DataError, match="1 equal rows") as caught:
        make_examples(one, no_leakage=[])
    assert "customer=9, n=9: 1 in train and 1 in eval" in str(caught.value)


def test_unknown_columns_are_refused_with_the_nearest() -> None:
    examples = make_examples(VISITS)
    with pytest.raises(UsageError) as caught:
        find_leakage(examples, ["custmer"])
    assert "did you mean 'customer'" in str(caught.value)
    for wrong in ("customer", []):
        with pytest.raises(UsageError, match="are wrong"):
            find_leakage(examples, wrong)
