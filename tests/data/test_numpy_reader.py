"""NumPy files: rows of arrays, as numpy.load reads them."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import polars as pl
import pytest

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.numpy_reader import read_npz
from dure.errors import DataError, UsageError

SHARED = Path(__file__).parents[2].parent / "shared/data"


def batches(path: Path, **options: Any) -> list[Batch]:
    found = list(read_npz(Location.of_path(path), ReadOptions(**options)))
    assert all(batch.found == batch.frame.height for batch in found)
    return found


def npy(path: Path, array: np.ndarray[Any, Any], **options: Any) -> pl.DataFrame:
    np.save(path / "x.npy", array)
    return pl.concat([batch.frame for batch in batches(path / "x.npy", **options)])


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        batches(path)
    return str(caught.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_layout_of_keras_gives_x_y_and_split(tmp_path: Path, save: Any) -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (70, 4, 3), np.uint8), random.integers(0, 10, 70, np.uint8)
    save(tmp_path / "x.npz", y_test=y[60:], x_test=x[60:], x_train=x[:60], y_train=y[:60])
    found = batches(tmp_path / "x.npz", batch_bytes=2000)
    assert len(found) > 4
    frame = pl.concat([batch.frame for batch in found])
    assert frame.schema == {"x": pl.List(pl.List(pl.UInt8)), "y": pl.UInt8, "split": pl.String}
    assert np.array_equal(np.array(frame["x"].to_list()), x)
    assert frame["y"].to_list() == y.tolist()
    assert frame["split"].to_list() == ["train"] * 60 + ["test"] * 10


def test_a_validation_split_stands_between(tmp_path: Path) -> None:
    one = np.zeros(1)
    np.savez(tmp_path / "x.npz", x_test=one, x_val=one, x_train=one)
    frame = pl.concat([batch.frame for batch in batches(tmp_path / "x.npz")])
    assert frame["split"].to_list() == ["train", "val", "test"]


def test_other_arrays_of_one_length_are_columns(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(3), b_test=np.ones((3, 2)))
    (batch,) = batches(tmp_path / "x.npz")
    assert batch.frame.rows() == [(0, [1.0, 1.0]), (1, [1.0, 1.0]), (2, [1.0, 1.0])]


def test_arrays_of_different_lengths_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(3), b=np.arange(4))
    message = refusal(tmp_path / "x.npz")
    assert "has arrays of different lengths" in message
    assert "'a' has 3, 'b' has 4" in message
    np.savez(tmp_path / "x.npz", x_train=np.arange(3), y_train=np.arange(2), x_test=[1], y_test=[1])
    assert "'x' has 3, 'y' has 2" in refusal(tmp_path / "x.npz")


def test_an_array_is_a_column_or_several(tmp_path: Path) -> None:
    assert npy(tmp_path, np.arange(3)).to_dict(as_series=False) == {"value": [0, 1, 2]}
    two = np.arange(6).reshape(3, 2)
    assert npy(tmp_path, two).to_dict(as_series=False) == {
        "column_0": [0, 2, 4],
        "column_1": [1, 3, 5],
    }
    assert npy(tmp_path, two, header=("a", "b")).columns == ["a", "b"]
    three = np.arange(12).reshape(2, 3, 2)
    assert npy(tmp_path, three)["value"].to_list() == three.tolist()
    with pytest.raises(UsageError, match="another number of columns"):
        npy(tmp_path, two, header=("a",))


def test_fortran_order_gives_the_same_rows(tmp_path: Path) -> None:
    array = np.arange(24.0).reshape(4, 3, 2)
    frame = npy(tmp_path, np.asfortranarray(array), batch_bytes=100)
    assert frame["value"].to_list() == array.tolist()


def test_the_fields_of_a_structured_array_are_columns(tmp_path: Path) -> None:
    kind = [("a", ">i4"), ("한", "U3"), ("c", "<f8", (2,))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # numpy: old versions do not read the name
        frame = npy(tmp_path, np.array([(1, "é", [1, 2]), (-7, "", [3, np.nan])], kind))
    assert frame.columns == ["a", "한", "c"]
    assert frame["a"].to_list() == [1, -7]
    assert frame["한"].to_list() == ["é", ""]
    assert frame["c"].to_list()[0] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([True, False]), [True, False]),
        (np.array([1.5, np.inf], np.float16), [1.5, float("inf")]),
        (np.array([0.1], np.longdouble), [0.1]),
        (np.array([1, -2], ">i8"), [1, -2]),
        (np.array([2**64 - 1], np.uint64), [2**64 - 1]),
        (np.array([b"a\0b", b"c"]), [b"a\0b", b"c"]),
        (np.array(["2024-02-29", "NaT"], "M8[D]"), [dt.date(2024, 2, 29), None]),
        (np.array(["2024-02"], "M8[M]"), [dt.date(2024, 2, 1)]),
        (np.array(["2024-02-29T01:02:03"], "M8[s]"), [dt.datetime(2024, 2, 29, 1, 2, 3)]),
        (np.array([90], "m8[m]"), [dt.timedelta(minutes=90)]),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_types_are_kept(tmp_path: Path, array: np.ndarray[Any, Any], expected: list[Any]) -> None:
    assert npy(tmp_path, array)["value"].to_list() == expected


def test_objects_are_refused_without_reading_them(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1], [1, 2]], object), allow_pickle=True)
    assert "holds Python objects" in refusal(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", x_train=np.array([{}], object), allow_pickle=True)
    assert "pickle" in refusal(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([1j]), "the type complex128"),
        (np.array(5), "is a single value"),
        (np.zeros((2, 0)), "has a dimension without values"),
        (np.zeros(2, "V3"), "the type |V3"),
    ],
)
def test_what_is_no_column_is_refused(
    tmp_path: Path, array: np.ndarray[Any, Any], said: str
) -> None:
    np.save(tmp_path / "x.npy", array)
    assert said in refusal(tmp_path / "x.npy")


def test_an_array_without_rows_gives_its_columns(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 3, 2), np.int16))
    (batch,) = batches(tmp_path / "x.npy")
    assert (batch.frame.schema, batch.found) == ({"value": pl.List(pl.List(pl.Int16))}, 0)


def test_files_that_are_cut_off_or_something_else_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(1000))
    path.write_bytes(path.read_bytes()[:-100])
    assert "'value' breaks off 100 bytes before its end" in refusal(path)
    for content in (b"", b"a,b\n", b"PK\x03\x04", b"\x93NUMPY\x01\x00\xff\xff{}"):
        path.write_bytes(content)
        assert f"'{path}' cannot be read as NumPy" in refusal(path)
    archive = tmp_path / "x.npz"
    np.savez_compressed(archive, a=np.random.default_rng(0).random(1000))
    data = bytearray(archive.read_bytes())
    archive.write_bytes(data[:-50])
    assert f"'{archive}' cannot be read as NumPy" in refusal(archive)
    data[500:520] = b"\0" * 20
    archive.write_bytes(data)
    assert f"'{archive}' cannot be read as NumPy" in refusal(archive)


def test_remote_files_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.arange(3))
    with fsspec.open("memory://numpy/x.npz", "wb") as file:
        file.write((tmp_path / "x.npz").read_bytes())
    (batch,) = read_npz(Location.of_url("memory://numpy/x.npz"), ReadOptions())
    assert batch.frame["a"].to_list() == [0, 1, 2]


def test_mnist_has_its_official_splits_and_labels() -> None:
    path = SHARED / "mnist/mnist.npz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    seen = 0
    labels = {"train": np.zeros(10, int), "test": np.zeros(10, int)}
    with np.load(path) as arrays:
        expected = {"train": arrays["x_train"], "test": arrays["x_test"]}
    at = {"train": 0, "test": 0}
    for batch in batches(path):
        assert batch.frame["split"].n_unique() == 1
        split = batch.frame["split"][0]
        labels[split] += np.bincount(batch.frame["y"], minlength=10)
        pixels = batch.frame["x"].explode().explode().to_numpy().reshape(-1, 28, 28)
        start = at[split]
        assert np.array_equal(pixels, expected[split][start : start + batch.frame.height])
        at[split] += batch.frame.height
        seen += batch.frame.height
    assert seen == 70_000
    assert labels["train"].tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert labels["test"].tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
