"""The rule for missing values, and what raw columns may be."""

import math

import numpy as np
import polars as pl
import pytest

from dure.errors import DataError, TransformError
from dure.schema import Column, Schema
from dure.transform.columns import RawColumn, check_served_names, convert, raw_columns

FLOAT = RawColumn("x", "float", "float32")
INT = RawColumn("x", "int", "int64")
LOOSE = RawColumn("x", "int", "float32")
BOOL = RawColumn("x", "bool", "float32")
TEXT = RawColumn("x", "string", "string")


def fed(values, column, dtype=None):
    return convert(pl.DataFrame({"x": pl.Series(values, dtype=dtype)}), {"x": column})["x"].numpy()


def test_the_schema_decides_how_a_column_is_fed():
    columns = raw_columns(
        Schema(
            {
                "f": Column("float", presence=1.0),
                "i": Column("int", presence=1.0),
                "m": Column("int", presence=0.99),
                "b": Column("bool", presence=1.0),
                "s": Column("string"),
            }
        )
    )
    assert {name: column.dtype for name, column in columns.items()} == {
        "f": "float32",
        "i": "int64",
        "m": "float32",
        "b": "float32",
        "s": "string",
    }


@pytest.mark.parametrize(
    ("values", "column", "expected"),
    [
        ([1.5, None, math.nan, math.inf], FLOAT, [1.5, math.nan, math.nan, math.inf]),
        ([1, None, -3], LOOSE, [1.0, math.nan, -3.0]),
        ([True, None, False], BOOL, [1.0, math.nan, 0.0]),
        ([1, 2], FLOAT, [1.0, 2.0]),
    ],
)
def test_a_missing_number_is_nan(values, column, expected):
    got = fed(values, column)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.array(expected, np.float32))


def test_a_missing_string_is_empty_and_others_are_utf8():
    assert fed(["a\nb", None, "", "한"], TEXT).tolist() == [b"a\nb", b"", b"", "한".encode()]


def test_an_all_null_column_of_no_type_is_all_missing():
    assert np.isnan(fed([None, None], FLOAT, pl.Null)).all()
    assert fed([None, None], TEXT, pl.Null).tolist() == [b"", b""]


def test_no_rows_give_empty_tensors():
    assert fed([], FLOAT, pl.Float64).shape == (0,)
    assert fed([], TEXT, pl.String).shape == (0,)


def test_a_large_integer_that_is_always_there_keeps_every_digit():
    assert fed([2**53 + 1], INT).tolist() == [2**53 + 1]


def test_a_missing_integer_that_has_to_be_there_is_refused():
    with pytest.raises(DataError, match="misses 1 of 2 values") as caught:
        fed([1, None], INT)
    assert "presence below 1" in caught.value.fix


def test_a_column_that_is_not_there_names_the_nearest():
    with pytest.raises(DataError, match="'x' is not there") as caught:
        convert(pl.DataFrame({"X": [1.0]}), {"x": FLOAT})
    assert "known: X" in caught.value.fix


@pytest.mark.parametrize(
    ("values", "column"), [(["1"], FLOAT), ([1.0], INT), ([1], TEXT), ([True], INT)]
)
def test_a_column_of_another_type_is_refused(values, column):
    with pytest.raises(DataError, match="of another type") as caught:
        fed(values, column)
    assert caught.value.expected.startswith(column.type)


@pytest.mark.parametrize(
    ("name", "served"),
    [("miles", "miles"), ("Sepal Length (cm)", "Sepal_Length__cm_"), ("2nd", "column_2nd")],
)
def test_served_names_are_what_a_signature_takes(name, served):
    assert RawColumn(name, "float", "float32").served_name == served


def test_two_columns_of_one_served_name_are_refused():
    with pytest.raises(TransformError, match="both be served as 'a_b'"):
        check_served_names([RawColumn("a b", "int", "int64"), RawColumn("a-b", "int", "int64")])
