"""Lift against its definition, counted in plain Python."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import UsageError
from dure.statistics.aggregates.lift import MAX_VALUES, Lifts, lifts

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
VALUE = st.one_of(st.none(), st.sampled_from("abc"))
ROWS = st.lists(
    st.tuples(VALUE, st.one_of(st.none(), st.integers(0, 2)), st.integers(0, 5)),
    min_size=1,
    max_size=60,
)


def by_hand(rows: list[tuple[str | None, int | None, int]], weigh: bool) -> dict:
    known = [(x, y, w if weigh else 1) for x, y, w in rows if y is not None]
    total = sum(w for *_, w in known)
    of_y, of_x, of_both = Counter(), Counter(), Counter()
    for x, y, w in known:
        of_y[y] += w
        if x is not None:
            of_x[x] += w
            of_both[x, y] += w
    return {
        (y, x): ((of_both[x, y] / of_x[x]) / (of_y[y] / total), of_x[x], of_both[x, y])
        for y in of_y
        for x in of_x
        if of_x[x] and of_y[y]
    }


@settings(deadline=None)
@given(ROWS, st.booleans())
def test_lift_is_that_of_its_definition(
    rows: list[tuple[str | None, int | None, int]], weigh: bool
) -> None:
    schema = {"x": pl.String, "y": pl.Int64, "w": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    found = {}
    for one in lifts(frame, "y", ("x",), "w" if weigh else None):
        values = one.weighted if weigh else one.values
        assert values is not None
        for value, lift, of_x, of_both in values:
            found[one.label_value, value] = (lift, of_x, of_both)
    want = by_hand(rows, weigh)
    assert found.keys() == want.keys()
    for key, numbers in want.items():
        assert found[key] == pytest.approx(numbers)


def test_the_largest_and_the_smallest_lifts_are_given() -> None:
    x = [f"v{i:02}" for i in range(40) for _ in range(40)]
    y = [int(j < i) for i in range(40) for j in range(40)]
    found = {one.label_value: one for one in lifts(pl.DataFrame({"x": x, "y": y}), "y", top=3)}
    names = [value for value, *_ in found[1].values]
    assert names == ["v39", "v38", "v37", "v02", "v01", "v00"]
    assert found[1].values[-1][1] == 0


def test_values_in_few_rows_can_be_left_out() -> None:
    frame = pl.DataFrame({"x": ["a"] * 5 + ["b"], "y": [0, 1, 0, 1, 0, 1]})
    assert [v for v, *_ in lifts(frame, "y", min_count=2)[0].values] == ["a"]


def test_a_label_of_many_numbers_is_cut_into_bins_of_about_equal_size() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=5000)
    frame = pl.DataFrame({"x": np.where(y > 0, "up", "down"), "y": y})
    found = lifts(frame, "y", bins=4)
    assert sum(one.count for one in found) == 5000
    assert all(1000 < one.count < 1500 for one in found)
    bounds = [one.label_value for one in found]
    assert all(a[1] == b[0] for a, b in pairwise(bounds))
    assert {v: r for v, r, *_ in found[-1].values}["up"] == pytest.approx(2, rel=0.05)
    for one in found:
        low, high = one.label_value
        inside = (y >= low * (1 - 0.006 * np.sign(low))) & (y <= high * (1 + 0.006 * np.sign(high)))
        assert abs(int(inside.sum()) - one.count) < 60


def test_a_value_counts_once_in_a_row_of_a_list_column() -> None:
    frame = pl.DataFrame({"x": [["a", "a", "b"], ["b"], []], "y": [1, 0, 0]})
    found = {one.label_value: {v: (r, n) for v, r, n, _ in one.values} for one in lifts(frame, "y")}
    assert found[1] == {"a": (3.0, 1.0), "b": (1.5, 2.0)}


def test_truth_values_are_named_as_json_has_them() -> None:
    frame = pl.DataFrame({"x": [True, False], "y": [True, False]})
    assert {one.label_value for one in lifts(frame, "y")} == {"true", "false"}


def test_a_column_of_too_many_values_has_no_lift() -> None:
    rows = MAX_VALUES + 1
    frame = pl.DataFrame({"x": np.arange(rows), "y": np.arange(rows) % 2})
    assert lifts(frame, "y") == ()


def test_a_label_cannot_be_compared_with_itself() -> None:
    with pytest.raises(UsageError, match="with itself"):
        Lifts(("y",), "y")
    with pytest.raises(UsageError, match="at least 1 bin"):
        Lifts(("x",), "y", bins=0)


def test_lift_of_the_companies_of_taxi_trips_with_how_they_are_paid() -> None:
    path = SHARED / "tfx/chicago_taxi/data.csv"
    if not path.exists():
        pytest.skip("the data of taxi trips is not there")
    frame = pl.read_csv(path, infer_schema_length=None).select("company", "payment_type")
    found = lifts(frame, "payment_type", ("company",), top=1000)
    rows = [(x, y, 1) for x, y in frame.rows()]
    want = by_hand(rows, weigh=False)
    got = {(one.label_value, v): (r, n, m) for one in found for v, r, n, m in one.values}
    assert got.keys() == want.keys()
    assert all(got[key] == pytest.approx(want[key]) for key in want)
