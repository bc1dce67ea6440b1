"""Tables in memory of other libraries, as Polars frames."""

from __future__ import annotations

import datetime as dt
import decimal
import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dure.data.memory import to_frame
from dure.errors import DataError, UsageError

pd = pytest.importorskip("pandas", reason="makes the frames")
pa = pytest.importorskip("pyarrow", reason="makes the tables")
DAY = dt.date(2024, 2, 29)
TIME = dt.datetime(2024, 2, 29, 1, 2, 3)


def pandas_frame() -> Any:
    return pd.DataFrame(
        {
            "int": [1, 2],
            "float": [1.5, np.nan],
            "text": ["x", None],
            "object": pd.Series(["x", None], dtype=object),
            "Int64": pd.array([1, None], dtype="Int64"),
            "Float64": pd.array([1.5, None], dtype="Float64"),
            "boolean": pd.array([True, None], dtype="boolean"),
            "string": pd.array(["x", None], dtype="string"),
            "category": pd.Categorical(["x", None]),
            "numbers": pd.Categorical([3, 1]),
            "time": pd.to_datetime([TIME, None]),
            "zone": pd.to_datetime([TIME, None]).tz_localize("Asia/Seoul"),
            "delta": pd.to_timedelta([90, None], unit="s"),
            "day": [DAY, None],
            "decimal": [decimal.Decimal("1.5"), None],
            "list": [[1, 2], None],
            "array": [np.array([1, 2]), None],
            "dict": [{"a": 1}, None],
            "bytes": [b"\0", None],
            "nothing": pd.Series([None, None], dtype=object),
            "both": pd.Series([1, 2.5], dtype=object),
            "period": pd.PeriodIndex(["2024-02", None], freq="M"),
            "sparse": pd.arrays.SparseArray([0, 7]),
        }
    )


FIRST = {
    "int": 1,
    "float": 1.5,
    "text": "x",
    "object": "x",
    "Int64": 1,
    "Float64": 1.5,
    "boolean": True,
    "string": "x",
    "category": "x",
    "numbers": 3,
    "time": TIME,
    "delta": dt.timedelta(seconds=90),
    "day": DAY,
    "decimal": decimal.Decimal("1.5"),
    "list": [1, 2],
    "array": [1, 2],
    "dict": {"a": 1},
    "bytes": b"\0",
    "nothing": None,
    "both": 1.0,
    "period": "2024-02",
    "sparse": 0,
}


@pytest.mark.parametrize("arrow", [True, False], ids=["with pyarrow", "without pyarrow"])
def test_pandas_columns_of_every_kind(arrow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pandas_frame()
    if not arrow:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = to_frame(frame)
    first, last = found.rows(named=True)
    assert first.pop("zone").replace(tzinfo=None) == TIME
    assert first == FIRST
    present = {"int": 2, "numbers": 1, "both": 2.5, "sparse": 7}
    assert last == dict.fromkeys(found.columns) | present
    assert found.schema["Int64"] == pl.Int64
    assert found.schema["boolean"] == pl.Boolean
    assert found.schema["nothing"] == pl.Null


def test_a_pandas_index_is_a_column_if_it_carries_data() -> None:
    def columns(index: Any) -> dict[str, list[Any]]:
        return to_frame(pd.DataFrame({"a": [1, 2]}, index=index)).to_dict(as_series=False)

    assert columns(None) == {"a": [1, 2]}
    assert columns([7, 9]) == {"a": [1, 2]}
    assert columns(["x", "y"]) == {"index": ["x", "y"], "a": [1, 2]}
    assert columns(pd.Index([5, 6], name="id")) == {"id": [5, 6], "a": [1, 2]}
    levels = pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["k", None])
    assert columns(levels) == {"k": ["x", "y"], "level_1": [1, 2], "a": [1, 2]}


def test_pandas_names_become_text_and_must_differ() -> None:
    assert to_frame(pd.DataFrame([[1, 2]])).columns == ["0", "1"]
    with pytest.raises(DataError, match="two columns of the name 'a'"):
        to_frame(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match="two columns of the name 'a'"):
        to_frame(pd.DataFrame({"a": [1]}, index=pd.Index([5], name="a")))
    with pytest.raises(DataError, match="several levels"):
        to_frame(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])))


def test_mixed_values_are_named_with_their_rows_and_types() -> None:
    frame = pd.DataFrame({"a": pd.Series([1, None, "x", 2, True], dtype=object)})
    with pytest.raises(DataError) as caught:
        to_frame(frame, "the DataFrame")
    message = str(caught.value)
    assert "the DataFrame: column 'a' has values of several types" in message
    assert "int in row 0, str in row 2, bool in row 4, counted from 0" in message
    with pytest.raises(DataError, match="Python objects of the type object"):
        to_frame({"a": [object()]})
    with pytest.raises(DataError, match="do not fit one type"):
        to_frame({"a": [{"b": 1}, {"b": "x"}]})


def test_arrow_tables_batches_and_readers_are_the_same() -> None:
    table = pa.table(
        {
            "a": pa.array([1, None]),
            "b": pa.array(["x", "y"]),
            "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    expected = pl.DataFrame(
        {"a": [1, None], "b": ["x", "y"], "m": [[{"key": "k", "value": 1}], None]}
    )
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    for value in (table, table.to_batches()[0], reader):
        assert_frame_equal(to_frame(value), expected)
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DataError, match="two columns of the name 'a'"):
        to_frame(twice)


def test_polars_frames_are_what_they_are() -> None:
    frame = pl.DataFrame({"a": [1]})
    assert to_frame(frame) is frame
    assert to_frame(frame.lazy()).equals(frame)


def test_numpy_arrays_are_tables() -> None:
    structured = np.array([(1, "x"), (2, "y")], [("a", "i4"), ("b", "U2")])
    assert to_frame(structured).to_dict(as_series=False) == {"a": [1, 2], "b": ["x", "y"]}
    assert to_frame(np.arange(4).reshape(2, 2)).columns == ["column_0", "column_1"]
    assert to_frame(np.array(["x", None], object)).to_dict(as_series=False) == {
        "value": ["x", None]
    }
    with pytest.raises(DataError, match="complex128"):
        to_frame(np.array([1j]))


def test_a_dict_of_columns_is_a_table() -> None:
    found = to_frame(
        {
            "list": [1, None],
            "tuple": ("x", None),
            "array": np.array([1.0, np.nan]),
            "arrow": pa.array([1, 2]),
            "pandas": pd.Series([1, 2]),
            "polars": pl.Series([1, 2]),
            "images": np.zeros((2, 2, 2), np.uint8),
        }
    )
    assert found.schema["images"] == pl.List(pl.List(pl.UInt8))
    assert found["array"].is_nan().to_list() == [False, True]
    assert found.drop("array", "images").rows() == [(1, "x", 1, 1, 1), (None, None, 2, 2, 2)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({1, 2}, "builtins.set"),
        ((row for row in ()), "polars.DataFrame(list(rows))"),
        ([{"a": 1}], "polars.DataFrame(rows)"),
        ("trips.csv", "builtins.str"),
        (pd.Series([1]), "put it into a dict"),
        (pl.Series([1]), "put it into a dict"),
        (None, "NoneType"),
        ({"a": {1, 2}}, "column 'a' is no sequence of values"),
        ({"a": 5}, "column 'a' is no sequence of values"),
        ({"a": "xy"}, "column 'a' is no sequence of values"),
    ],
)
def test_what_is_no_table_is_refused(value: object, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        to_frame(value)
    assert said in str(caught.value)


def test_columns_of_different_lengths_are_named() -> None:
    with pytest.raises(DataError, match="different lengths") as caught:
        to_frame({"a": [1], "b": [1, 2]})
    assert "'a' has 1, 'b' has 2" in str(caught.value)
