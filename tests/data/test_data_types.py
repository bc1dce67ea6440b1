"""The types of columns: what becomes which, and what fits two."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from dure.data.merging import Columns
from dure.data.types import (
    columns_of,
    depth,
    dtype_of,
    element,
    standard,
    standardise,
    type_of,
    unite,
)
from dure.data.unite import as_types, common
from dure.errors import DataError, UsageError

NAMES = st.text(min_size=1, max_size=6)
LEAVES = st.sampled_from([pl.Int64(), pl.Float64(), pl.Boolean(), pl.String(), pl.Binary()])
DTYPES = st.recursive(
    LEAVES,
    lambda inner: (
        inner.map(pl.List) | st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(pl.Struct)
    ),
    max_leaves=6,
)


@given(DTYPES)
def test_the_text_of_a_type_says_all_of_it(dtype: pl.DataType) -> None:
    assert dtype_of(type_of(dtype)) == dtype


@pytest.mark.parametrize(
    "text", ["", "integer", "list[", "list[int", "struct[a]", "struct[a:int]", "int]", "list[int]x"]
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no type of a column"):
        dtype_of(text)


def test_lists_have_an_element_and_a_depth() -> None:
    kinds = ["int", "list[string]", "list[list[float]]", "list[struct[a: list[int]]]"]
    assert [element(kind) for kind in kinds] == ["int", "string", "float", "struct[a: list[int]]"]
    assert [depth(kind) for kind in kinds] == [0, 1, 2, 1]


@given(DTYPES, DTYPES)
def test_what_fits_both_fits_in_either_order(one: pl.DataType, two: pl.DataType) -> None:
    both = common(one, two)
    other = common(two, one)
    assert (both is None) == (other is None)
    if both is not None and other is not None:
        # Fields of structs come in the order in which they were met.
        assert sorted(type_of(both)) == sorted(type_of(other))
        assert common(both, one) == both
    assert common(one, one) == one
    assert common(one, pl.Null()) == common(pl.Null(), one) == one


CASES: list[tuple[Any, pl.DataType, str, list[Any]]] = [
    ([1, None], pl.Int8(), "int", [1, None]),
    ([2**63 - 1, None], pl.UInt64(), "int", [2**63 - 1, None]),
    ([0.5, None], pl.Float32(), "float", [0.5, None]),
    ([Decimal("1.25"), None], pl.Decimal(10, 2), "float", [1.25, None]),
    ([True, None], pl.Boolean(), "bool", [True, None]),
    (["b", None], pl.Categorical(), "string", ["b", None]),
    (["b", None], pl.Enum(["a", "b"]), "string", ["b", None]),
    ([dt.date(2024, 2, 29), None], pl.Date(), "string", ["2024-02-29", None]),
    ([dt.time(1, 2, 3), None], pl.Time(), "string", ["01:02:03", None]),
    ([b"\xff", None], pl.Binary(), "bytes", [b"\xff", None]),
    ([[1, 2], None], pl.Array(pl.Int16, 2), "list[int]", [[1, 2], None]),
    ([[[1], [2]]], pl.Array(pl.Array(pl.Int16, 1), 2), "list[list[int]]", [[[1], [2]]]),
    ([[dt.date(2024, 1, 1)], []], pl.List(pl.Date), "list[string]", [["2024-01-01"], []]),
    (
        [{"a": 1, "b": ["x"]}, None],
        pl.Struct({"a": pl.UInt8, "b": pl.List(pl.Categorical)}),
        "struct[a: int, b: list[string]]",
        [{"a": 1, "b": ["x"]}, None],
    ),
    ([None, None], pl.Null(), "string", [None, None]),
    ([[], [None]], pl.List(pl.Null), "list[string]", [[], [None]]),
]


@pytest.mark.parametrize(("values", "dtype", "kind", "expected"), CASES)
def test_each_polars_type_becomes_one_of_the_types(
    values: list[Any], dtype: pl.DataType, kind: str, expected: list[Any]
) -> None:
    frame = standardise(pl.DataFrame({"a": pl.Series(values, dtype=dtype)}), "here")
    assert columns_of(frame) == {"a": kind}
    assert frame["a"].to_list() == expected


def test_times_become_iso_8601() -> None:
    moment = dt.datetime(2024, 2, 29, 12, 30, 0, 250_000)
    frame = pl.DataFrame({"t": [moment], "d": [dt.timedelta(hours=1, seconds=2)]})
    found = standardise(frame, "here").row(0)
    assert dt.datetime.fromisoformat(found[0]) == moment
    assert found[1] == "PT1H2S"


def test_what_fits_no_type_is_an_error() -> None:
    with pytest.raises(DataError, match="do not fit in 64 bits") as caught:
        standardise(pl.DataFrame({"a": pl.Series([2**63], dtype=pl.UInt64)}), "here")
    assert "9223372036854775808" in str(caught.value)
    with pytest.raises(DataError, match="Polars type Object"):
        standardise(pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), "here")
    with pytest.raises(DataError, match="column 1 has no name"):
        standardise(pl.DataFrame({"": [1]}), "here")
    for empty in (pl.DataFrame(), pl.DataFrame({"a": []})):
        with pytest.raises(DataError, match="here is empty"):
            standardise(empty, "here")
    assert standard(pl.DataFrame({"a": []}), "here").height == 0


UNITED: list[tuple[list[Any], list[Any], list[Any], list[Any]]] = [
    ([1, None], [0.5], [1.0, None], [0.5]),
    ([1, None], [[2, 3]], [[1], None], [[2, 3]]),
    ([0.5], [[2, None]], [[0.5]], [[2.0, None]]),
    (["é"], [b"\xff"], ["é".encode()], [b"\xff"]),
    ([None], [[{"x": 1}]], [None], [[{"x": 1}]]),
    ([{"x": 1}], [{"y": "a"}], [{"x": 1, "y": None}], [{"x": None, "y": "a"}]),
    ([[1]], [[[2]]], [[[1]]], [[[2]]]),
]


@pytest.mark.parametrize(("one", "two", "first", "second"), UNITED)
def test_values_stay_what_they_are_in_the_type_that_fits(
    one: list[Any], two: list[Any], first: list[Any], second: list[Any]
) -> None:
    frames = {"a": pl.DataFrame({"v": one}), "b": pl.DataFrame({"v": two})}
    found = unite({name: standardise(frame, name) for name, frame in frames.items()})
    assert found[0].schema == found[1].schema
    assert [frame["v"].to_list() for frame in found] == [first, second]
    # The same, met batch by batch; what came first is cast in the end.
    columns = Columns(text=False, keyed=False)
    early, late = (columns.take(frame, name) for name, frame in frames.items())
    cast = as_types(early, {"v": columns.types["v"]})
    assert_series_equal(cast["v"], found[0]["v"])
    assert_series_equal(late["v"], found[1]["v"])


@pytest.mark.parametrize(
    ("one", "two"), [([1], ["x"]), ([True], [1]), ([{"x": 1}], [1]), ([b"x"], [1]), ([["x"]], [1])]
)
def test_types_that_have_nothing_in_common_are_an_error(one: list[Any], two: list[Any]) -> None:
    with pytest.raises(DataError, match="more than one type") as caught:
        unite({"a": pl.DataFrame({"v": one}), "b": pl.DataFrame({"v": two})})
    assert "in a" in str(caught.value)
    assert "in b" in str(caught.value)
