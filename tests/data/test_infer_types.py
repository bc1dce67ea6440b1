"""Which type a column of text has: the first of int, bool, float, string that all values fit."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data.readers.infer import check_types, infer, too_large
from dure.errors import UsageError


def kind_of(values: list[str | None], **hints: str) -> pl.DataType:
    return infer(pl.DataFrame({"a": pl.Series(values, dtype=pl.String)}), hints)["a"].dtype


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "+3", " 4", "5 ", "\t6"], pl.Int64()),
        (["007", "00501"], pl.Int64()),
        (["1", "2.5"], pl.Float64()),
        (["1e3", ".5", "1.", "-INF", "NaN"], pl.Float64()),
        (["true", "False", "TRUE"], pl.Boolean()),
        (["true", "1"], pl.String()),
        (["yes", "no"], pl.String()),
        (["1,5"], pl.String()),
        (["1_000"], pl.String()),
        (["0x1f"], pl.String()),
        (["2024-01-31", "31/01/2024"], pl.String()),
        (["1", ""], pl.String()),
        ([None, "1", None], pl.Int64()),
        ([None, None], pl.Null()),
    ],
)
def test_the_first_type_that_all_values_fit_is_taken(
    values: list[str | None], kind: pl.DataType
) -> None:
    assert kind_of(values) == kind


@pytest.mark.parametrize(("last", "kind"), [("0.5", pl.Float64()), ("x", pl.String())])
def test_a_value_after_the_first_thousand_counts_too(last: str, kind: pl.DataType) -> None:
    assert kind_of(["1"] * 5000 + [last]) == kind
    assert kind_of([None] * 5000 + [last]) == kind


def test_a_hint_is_tried_first_and_dropped_where_it_does_not_fit() -> None:
    assert kind_of(["1", "2"], a="float") == pl.Float64()
    assert kind_of(["1", "x"], a="float") == pl.String()
    assert kind_of(["1", "2"], a="bool") == pl.Int64()
    assert kind_of([None], a="int") == pl.Null()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_are_exact(values: list[int]) -> None:
    column = infer(pl.DataFrame({"a": list(map(str, values))}), {})["a"]
    assert column.to_list() == values


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_fractions_are_exact(values: list[float]) -> None:
    column = infer(pl.DataFrame({"a": [*map(repr, values), "0.5"]}), {})["a"]
    assert column.to_list() == [*values, 0.5]


def test_a_whole_number_beyond_64_bits_is_found_only_among_whole_numbers() -> None:
    assert too_large(pl.Series(["1", None, str(2**63), "9" * 30])) == 2
    assert too_large(pl.Series(["1", str(2**63), "0.5"])) is None
    assert too_large(pl.Series(["1"] * 5000 + [str(-(2**63) - 1)])) == 5000


def test_types_name_columns_and_types_that_there_are() -> None:
    check_types(["fare"], {"fare": "float"})
    with pytest.raises(UsageError, match="does not have") as caught:
        check_types(["fare"], {"fair": "int"})
    assert caught.value.fix is not None
    assert "did you mean 'fare'" in caught.value.fix
    with pytest.raises(UsageError, match="cannot have"):
        check_types(["fare"], {"fare": "decimal"})
