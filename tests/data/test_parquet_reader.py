"""Parquet: slice by slice, with the types of the file, as pyarrow wrote it."""

from __future__ import annotations

import datetime as dt
import decimal
import gzip
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers import slices
from dure.data.readers.parquet_reader import read_parquet
from dure.errors import DataError

SHARED = Path(__file__).parents[2].parent / "shared/data"


def batches(path: Path, size: int = 1 << 25) -> list[Batch]:
    return list(read_parquet(Location.of_path(path), ReadOptions(batch_bytes=size)))


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        batches(path)
    return str(caught.value)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    frame = pl.DataFrame({"a": range(50_000), "b": [f"text {i % 97}" for i in range(50_000)]})
    frame.write_parquet(tmp_path / "many.parquet", row_group_size=7_000)
    return tmp_path / "many.parquet"


def test_rows_come_in_order_in_small_batches_with_their_number(many: Path) -> None:
    found = batches(many, 1 << 17)
    assert len(found) > 5
    assert pl.concat([batch.frame for batch in found]).equals(pl.read_parquet(many))
    assert all(batch.found == batch.frame.height for batch in found)
    assert max(batch.frame.estimated_size() for batch in found) < 1 << 18


def test_types_are_those_of_the_file(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="writes what Polars cannot")
    parquet = pytest.importorskip("pyarrow.parquet")
    day = dt.date(2024, 2, 29)
    table = pa.table(
        {
            "int8": pa.array([1, None], pa.int8()),
            "float": pa.array([float("nan"), float("-inf")], pa.float32()),
            "decimal": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(9, 2)),
            "day": pa.array([day, None]),
            "time": pa.array([dt.datetime(2024, 2, 29, 1, 2, 3), None], pa.timestamp("us")),
            "category": pa.array(["x", None]).dictionary_encode(),
            "bytes": pa.array([b"\0\xff", None]),
            "nul": pa.array(["x\0y", None]),
            "struct": pa.array([{"a": [1, 2], "b": {"c": "x"}}, None]),
            "lists": pa.array([[[1], []], None]),
            "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
            "nothing": pa.array([None, None], pa.null()),
            "wide": pa.array([2**64 - 1, None], pa.uint64()),
        }
    )
    parquet.write_table(table, tmp_path / "types.parquet")
    frame = pl.concat([batch.frame for batch in batches(tmp_path / "types.parquet")])
    row = frame.row(0, named=True)
    assert {name: row[name] for name in ("int8", "decimal", "day", "category", "wide")} == {
        "int8": 1,
        "decimal": decimal.Decimal("1.25"),
        "day": day,
        "category": "x",
        "wide": 2**64 - 1,
    }
    assert row["struct"] == {"a": [1, 2], "b": {"c": "x"}}
    assert row["lists"] == [[1], []]
    assert row["map"] == [{"key": "k", "value": 1}]
    assert row["bytes"] == b"\0\xff"
    assert row["nul"] == "x\0y"
    assert frame.schema["nothing"] == pl.Null
    assert frame.schema["decimal"] == pl.Decimal(9, 2)
    last = frame.row(1, named=True)
    assert last.pop("float") == float("-inf")
    assert set(last.values()) == {None}


def test_a_file_without_rows_gives_its_columns(tmp_path: Path) -> None:
    pl.DataFrame(schema={"a": pl.Int64}).write_parquet(tmp_path / "none.parquet")
    (batch,) = batches(tmp_path / "none.parquet")
    assert (batch.frame.schema, batch.found) == ({"a": pl.Int64}, 0)


def test_a_file_that_is_cut_off_is_named(many: Path) -> None:
    many.write_bytes(many.read_bytes()[:5000])
    message = refusal(many)
    assert f"'{many}' cannot be read as Parquet" in message
    assert "5,000 bytes" in message


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n3,4\n5,6\n"])
def test_another_format_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    assert "x.parquet' cannot be read as Parquet" in refusal(tmp_path / "x.parquet")


def test_a_damaged_page_head_is_named_with_its_rows(many: Path) -> None:
    data = bytearray(many.read_bytes())
    data[4:44] = b"\xff" * 40
    many.write_bytes(data)
    assert f"'{many}', rows " in refusal(many)


def test_a_path_with_brackets_and_equal_signs_means_itself(tmp_path: Path) -> None:
    folder = tmp_path / "day=1"
    folder.mkdir()
    pl.DataFrame({"a": [1]}).write_parquet(folder / "x[1].parquet")
    (batch,) = batches(folder / "x[1].parquet")
    assert batch.frame.to_dict(as_series=False) == {"a": [1]}


def test_compressed_and_remote_files_are_read(many: Path) -> None:
    whole = pl.read_parquet(many)
    packed = many.with_suffix(".parquet.gz")
    packed.write_bytes(gzip.compress(many.read_bytes()))
    assert_frame_equal(pl.concat([batch.frame for batch in batches(packed)]), whole)
    with fsspec.open("memory://parquet/many.parquet", "wb") as file:
        file.write(many.read_bytes())
    remote = Location.of_url("memory://parquet/many.parquet")
    found = list(read_parquet(remote, ReadOptions()))
    assert_frame_equal(pl.concat([batch.frame for batch in found]), whole)


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({f"c{column}": [column, None] for column in range(10_000)})
    frame.write_parquet(tmp_path / "wide.parquet")
    found = pl.concat([batch.frame for batch in batches(tmp_path / "wide.parquet")])
    assert found.equals(frame)


def test_the_file_of_tfx_has_its_rows() -> None:
    path = SHARED / "tfx/testdata/external/parquet/data.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    found = batches(path)
    assert sum(batch.frame.height for batch in found) == 10_000
    assert found[0].frame.width == 18


def test_a_row_group_is_decoded_once_where_memory_has_room_for_it(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    original = slices._slice

    def counted(scan: pl.LazyFrame, **options: Any) -> pl.DataFrame:
        reads.append(options["rows"])
        return original(scan, **options)

    monkeypatch.setattr(slices, "_slice", counted)
    roomy, tight = 1 << 27, 1 << 17
    for window in (roomy, tight):
        reads.clear()
        options = ReadOptions(batch_bytes=1 << 14, window_bytes=window)
        found = list(read_parquet(Location.of_path(many), options))
        assert pl.concat([batch.frame for batch in found]).equals(pl.read_parquet(many))
        assert all(batch.found == batch.frame.height for batch in found)
        assert max(batch.frame.estimated_size() for batch in found) < 1 << 17
        # Two looks at the texts, and then windows that grow.
        assert (len(reads) <= 5) == (window == roomy)


def test_only_the_columns_that_are_wanted_are_read(many: Path) -> None:
    def read(columns: list[str]) -> pl.DataFrame:
        options = ReadOptions(columns=columns, batch_bytes=1 << 17)
        return pl.concat(b.frame for b in read_parquet(Location.of_path(many), options))

    assert read(["b"]).equals(pl.read_parquet(many, columns=["b"]))
    assert read(["c"]).columns == ["a", "b"]  # whoever asks says which there are
