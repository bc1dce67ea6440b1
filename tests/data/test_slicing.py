"""Which rows are in which slice."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data.slicing import SliceSpec, chosen, groups, quantile_bins
from dure.errors import DataError, UsageError

FRAME = pl.DataFrame(
    {
        "company": ["Flash Cab", "Top", None, "Flash Cab", "Top"],
        "hour": [8, 8, 9, 9, 8],
        "miles": [0.0, 1.0, math.nan, 2.0, None],
        "paid": [True, False, True, None, True],
        "tags": [["a"], [], None, ["b"], ["a"]],
    }
)


def rows_of(frame: pl.DataFrame, spec: SliceSpec) -> dict[str, list[int]]:
    found = groups(frame, spec)
    return {name: found.order[at : at + size].tolist() for name, at, size in found}


def test_a_slice_by_value_has_a_stable_name_and_its_rows_in_order() -> None:
    assert rows_of(FRAME, SliceSpec(("company",))) == {
        "company is missing": [2],
        "company=Flash Cab": [0, 3],
        "company=Top": [1, 4],
    }
    assert rows_of(FRAME, SliceSpec(("paid",))) == {
        "paid is missing": [3],
        "paid=false": [1],
        "paid=true": [0, 2, 4],
    }
    assert set(rows_of(FRAME, SliceSpec(("miles",)))) == {
        "miles is missing",
        "miles=0",
        "miles=1",
        "miles=2",
        "miles=NaN",
    }


def test_columns_cross_and_rows_without_combination_are_in_none() -> None:
    found = rows_of(FRAME, SliceSpec(("company", "hour"), values={"hour": (8,)}))
    assert found == {"company=Flash Cab, hour=8": [0], "company=Top, hour=8": [1, 4]}


def test_one_and_true_are_two_values() -> None:
    assert rows_of(FRAME, SliceSpec(("hour",), values={"hour": (True,)})) == {}
    assert rows_of(FRAME, SliceSpec(("paid",), values={"paid": (True,)})) == {
        "paid=true": [0, 2, 4]
    }


def test_bins_are_open_to_the_right_but_for_the_last() -> None:
    spec = SliceSpec(("miles",), bins={"miles": (0.0, 1.0, 2.0)})
    assert rows_of(FRAME, spec) == {"miles in [0, 1)": [0], "miles in [1, 2]": [1, 3]}


def test_a_condition_is_a_slice_and_limits_others() -> None:
    assert rows_of(FRAME, SliceSpec(where="hour > 8")) == {"hour > 8": [2, 3]}
    assert rows_of(FRAME, SliceSpec(where="paid", name="paid ones")) == {"paid ones": [0, 2, 4]}
    spec = SliceSpec(("company",), where="hour = 8 AND paid")
    assert rows_of(FRAME, spec) == {"company=Flash Cab": [0], "company=Top": [4]}


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 2)), max_size=30),
)
def test_slices_are_those_of_brute_force(rows: list[tuple[str, int | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.Int64}, orient="row")
    expected: dict[str, list[int]] = {}
    for index, (a, b) in enumerate(rows):
        last = "b is missing" if b is None else f"b={b}"
        expected.setdefault(f"a={a}, {last}", []).append(index)
    assert rows_of(frame, SliceSpec(("a", "b"))) == dict(sorted(expected.items()))


def test_the_largest_slices_are_chosen_and_small_ones_left_out() -> None:
    sizes = {"b": 5, "a": 5, "c": 9, "d": 1}
    assert chosen(sizes, SliceSpec(("x",), top=2)) == ["c", "a"]
    assert chosen(sizes, SliceSpec(("x",), smallest=2)) == ["c", "a", "b"]


def test_quantile_bins_hold_about_equally_many() -> None:
    values = pl.Series("x", [float(i) for i in range(100)] + [math.nan, math.inf])
    edges = quantile_bins(values, 4)
    assert len(edges) == 5
    frame = pl.DataFrame({"x": values})
    sizes = [len(rows) for rows in rows_of(frame, SliceSpec(("x",), bins={"x": edges})).values()]
    assert sorted(sizes) == [25, 25, 25, 25]
    with pytest.raises(DataError, match="cannot be cut"):
        quantile_bins(pl.Series("x", [1.0, 1.0]), 4)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({"columns": ("compny",)}, "did you mean 'company'"),
        ({"where": "nothing > 1"}, "names a column that is not there"),
        ({"where": "hour +"}, "is no condition"),
        ({"where": "hour + 1"}, "is no condition"),
        ({"where": "hour > company"}, "cannot be computed"),
        ({"columns": ("company",), "bins": {"company": (0.0, 1.0)}}, "has no bins"),
        ({"columns": ("tags",)}, "cannot be sliced by"),
        ({"columns": ("hour",), "bins": {"hour": (1.0, 1.0)}}, "no rising edges"),
        ({"columns": ("hour",), "values": {"miles": (1,)}}, "not sliced by"),
        ({"columns": ("hour",), "top": 0}, "keeps no slice"),
        ({}, "nothing to slice by"),
    ],
)
def test_what_cannot_slice_is_an_error(spec: dict[str, object], match: str) -> None:
    with pytest.raises((UsageError, DataError)) as caught:
        groups(FRAME, SliceSpec(**spec))  # type: ignore[arg-type]
    assert match in str(caught.value)
