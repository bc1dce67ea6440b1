"""The same examples in two data sets, against a loop over all pairs."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples
from dure.errors import DataError, StoreError, UsageError
from dure.validate import ExampleDifferences, example_diff

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    base = pl.DataFrame(
        {"id": [1, 2, 3, 4, None], "x": ["a", "b", None, "d", "e"], "n": [1.0, 2.0, 3.0, None, 5.0]}
    )
    test = pl.DataFrame(
        {
            "id": [4, 3, 2, 9, None],
            "x": ["d", "c", "B", "z", "e"],
            "n": [4.0, None, 2.004, 1.0, 5.0],
        }
    )
    return base, test


def test_every_pair_is_counted_once() -> None:
    found = example_diff(*frames(), by=["id"], confusion=["x"])
    x, n = found
    assert (x.match, x.mismatch, x.base_only, x.test_only, x.diff) == (1, 1, 0, 1, 2)
    assert (n.match, n.mismatch, n.base_only, n.test_only) == (0, 1, 1, 1)
    assert (x.base, x.test) == (2, 3)
    assert found.counts == {
        "base": 5,
        "test": 5,
        "base_without_id": 1,
        "test_without_id": 1,
        "base_only": 1,
        "test_only": 1,
        "both": 3,
        "pairs": 3,
        "duplicates": 0,
    }
    assert x.confusion == ((None, "c", 1), ("b", "B", 1), ("d", "d", 1))
    assert found.summary() == "2 of 2 columns differ in 3 pairs"


def test_pairs_that_differ_are_named_by_their_rows() -> None:
    found = example_diff(*frames(), by=["id"])
    (one,) = (each for each in found.samples if (each.column, each.kind) == ("x", "mismatch"))
    assert (one.identifiers, one.base_row, one.test_row) == (("2",), 1, 2)
    assert (one.base, one.test) == ("b", "B")


def test_floats_are_rounded() -> None:
    (_, n) = example_diff(*frames(), by=["id"], decimals=2)
    assert (n.match, n.mismatch) == (1, 0)


def test_nan_equals_nan_and_minus_zero_equals_zero() -> None:
    base = pl.DataFrame({"id": [1, 2], "x": [float("nan"), -0.0]})
    test = pl.DataFrame({"id": [1, 2], "x": [float("nan"), 0.0]})
    (x,) = example_diff(base, test, by=["id"])
    assert (x.match, x.diff) == (2, 0)


def test_whole_numbers_are_compared_with_floats_and_other_types_are_refused() -> None:
    base, test = pl.DataFrame({"id": [1], "x": [2]}), pl.DataFrame({"id": [1], "x": [2.0]})
    (x,) = example_diff(base, test, by=["id"])
    assert x.match == 1
    with pytest.raises(DataError, match="cannot be compared"):
        example_diff(base, test.with_columns(pl.col("x").cast(pl.String)), by=["id"])


def test_lists_and_structs_are_compared_as_a_whole() -> None:
    base = pl.DataFrame({"id": [1, 2], "x": [[1, 2], [3]], "s": [{"a": 1}, {"a": 2}]})
    test = pl.DataFrame({"id": [1, 2], "x": [[1, 2], [4]], "s": [{"a": 1}, {"a": 3}]})
    assert [(one.match, one.mismatch) for one in example_diff(base, test, by=["id"])] == [
        (1, 1),
        (1, 1),
    ]


TWICE = pl.DataFrame({"id": [1, 1, 2], "x": ["a", "b", "c"]})
ONCE = pl.DataFrame({"id": [1, 2], "x": ["a", "c"]})


def test_identifiers_that_are_not_unique() -> None:
    with pytest.raises(DataError, match="not unique") as caught:
        example_diff(TWICE, ONCE, by=["id"])
    assert "such as id=1" in str(caught.value.got)
    dropped = example_diff(TWICE, ONCE, by=["id"], duplicates="drop")
    assert (dropped.counts["pairs"], dropped.counts["duplicates"]) == (1, 1)
    every = example_diff(TWICE, ONCE, by=["id"], duplicates="all")
    assert (every.counts["pairs"], every.columns[0].mismatch) == (3, 1)


ROWS = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from([None, "a", "b"])),
    max_size=12,
    unique_by=lambda one: one[0],
)


@given(ROWS, ROWS, st.integers(1, 4))
def test_counts_are_those_of_a_loop_whatever_the_parts(
    base: list[tuple[int, Any]], test: list[tuple[int, Any]], parts: int
) -> None:
    schema = {"id": pl.Int64, "x": pl.String}
    left, right = (pl.DataFrame(rows, schema=schema, orient="row") for rows in (base, test))
    found = example_diff(left, right, by=["id"], partitions=parts)
    pairs = [(a, b) for (i, a), (j, b) in product(base, test) if i == j]
    (x,) = found
    assert found.counts["pairs"] == len(pairs)
    assert x.match == sum(a == b and a is not None for a, b in pairs)
    assert x.mismatch == sum(a is not None and b is not None and a != b for a, b in pairs)
    assert x.base_only == sum(a is not None and b is None for a, b in pairs)
    assert x.test_only == sum(a is None and b is not None for a, b in pairs)
    assert found == example_diff(left, right, by=["id"])


def test_examples_on_disk_are_compared(tmp_path: Path) -> None:
    Examples.from_frames({"train": ONCE}).save(tmp_path)
    found = example_diff(Examples.load(tmp_path), ONCE, by=["id"])
    assert not found.different


def test_wrong_options_are_refused() -> None:
    for options, message in (
        ({"by": []}, "names no identifiers"),
        ({"by": "id"}, "names no identifiers"),
        ({"by": ["ID"]}, "no column 'ID'"),
        ({"by": ["id"], "ignore": ["y"]}, "no column 'y'"),
        ({"by": ["id"], "duplicates": "keep"}, "'keep' is unknown"),
    ):
        with pytest.raises(UsageError, match=message):
            example_diff(ONCE, ONCE, **options)  # type: ignore[arg-type]


def test_it_is_read_back_and_shown(tmp_path: Path) -> None:
    found = example_diff(*frames(), by=["id"], confusion=["x"])
    found.save(tmp_path)
    assert ExampleDifferences.load(tmp_path) == found
    text = found.text()
    assert "  id=2: x: b → B" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "base only" in str(found.html())
    (tmp_path / "example_diff.json").write_text("{}")
    with pytest.raises(StoreError, match=r"example_diff\.json"):
        ExampleDifferences.load(tmp_path)


def test_the_one_changed_cell_of_the_penguins_is_found() -> None:
    paths = [DATA / f"tfx/penguin/{name}/penguins_processed.csv" for name in ("labelled", "skewed")]
    if not paths[0].exists():
        pytest.skip("the shared data is not beside this checkout")
    sides = [pl.read_csv(path).with_row_index("id") for path in paths]
    found = example_diff(*sides, by=["id"])
    (one,) = found.samples
    assert (one.column, one.kind, one.test) == ("culmen_length_mm", "mismatch", "-1.0")
