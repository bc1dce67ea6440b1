"""Avro: what fastavro and Polars write, by both of the ways in which it is decoded."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import sys
import uuid
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.avro_reader import read_avro
from dure.data.readers.avro_types import polars_reads
from dure.errors import DataError, MissingExtraError

fastavro = pytest.importorskip("fastavro", reason="writes the files")
SHARED = Path(__file__).parents[2].parent / "shared/data"
UTC = dt.UTC


def written(schema: Any, rows: list[Any], **options: Any) -> bytes:
    fastavro.writer(buffer := io.BytesIO(), schema, rows, **options)
    return buffer.getvalue()


def record(kind: Any, name: str = "rows") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": "a", "type": kind}]}


def batches(path: Path, data: bytes, size: int = 1 << 25) -> list[Batch]:
    path = path / "x.avro" if path.is_dir() else path
    path.write_bytes(data)
    found = list(read_avro(Location.of_path(path), ReadOptions(batch_bytes=size)))
    assert all(batch.found == batch.frame.height for batch in found)
    return found


def column(path: Path, kind: Any, values: list[Any], **options: Any) -> pl.Series:
    data = written(record(kind), [{"a": value} for value in values], **options)
    return pl.concat([batch.frame for batch in batches(path, data)])["a"]


def refusal(path: Path, data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        batches(path, data)
    return str(caught.value)


PLAIN: list[tuple[Any, list[Any]]] = [
    ("boolean", [True, False]),
    ("int", [1, -(2**31)]),
    ("long", [2**63 - 1, -(2**63), 2**53 + 1]),
    ("float", [1.5, float("inf")]),
    ("double", [1e300, float("-inf")]),
    ("string", ["x\0y", "한", ""]),
    ("bytes", [b"\0\xff", b""]),
    (["null", "int"], [1, None]),
    (["string", "null"], ["x", None]),
    ({"type": "array", "items": "int"}, [[1, 2], []]),
    ({"type": "array", "items": ["null", "string"]}, [["x", None], []]),
    (["null", {"type": "array", "items": "double"}], [[0.5], None]),
    (record(["null", "int"], "inner"), [{"a": 1}, {"a": None}]),
    (["null", record({"type": "array", "items": "string"}, "inner")], [{"a": ["x"]}, None]),
    ({"type": "array", "items": record("int", "inner")}, [[{"a": 1}], []]),
    ({"type": "int", "logicalType": "date"}, [dt.date(2024, 2, 29), dt.date(1, 1, 1)]),
    (
        {"type": "long", "logicalType": "timestamp-micros"},
        [dt.datetime(2024, 2, 29, 1, 2, 3, 4, UTC), dt.datetime(1900, 1, 1, tzinfo=UTC)],
    ),
    (
        {"type": "long", "logicalType": "timestamp-millis"},
        [dt.datetime(2024, 2, 29, 1, 2, 3, 4000, UTC)],
    ),
]
OTHER: list[tuple[Any, list[Any], list[Any]]] = [
    ({"type": "enum", "name": "e", "symbols": ["A", "B"]}, ["A", "B"], ["A", "B"]),
    ({"type": "fixed", "name": "f", "size": 2}, [b"ab"], [b"ab"]),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        [decimal.Decimal("-1.25")],
        [decimal.Decimal("-1.25")],
    ),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 50, "scale": 2},
        [decimal.Decimal("1.25")],
        [1.25],
    ),
    ({"type": "string", "logicalType": "uuid"}, [uuid.UUID(int=5)], [str(uuid.UUID(int=5))]),
    ({"type": "int", "logicalType": "time-millis"}, [dt.time(1, 2, 3)], [dt.time(1, 2, 3)]),
    (
        {"type": "long", "logicalType": "local-timestamp-micros"},
        [dt.datetime(2024, 2, 29)],
        [dt.datetime(2024, 2, 29)],
    ),
    (
        {"type": "map", "values": ["null", "int"]},
        [{"x": 1, "y": None}, {}],
        [[{"key": "x", "value": 1}, {"key": "y", "value": None}], []],
    ),
    (
        ["null", "int", "string"],
        [1, "x", None],
        [{"int": 1, "string": None}, {"int": None, "string": "x"}, None],
    ),
    (
        ["double", "boolean", {"type": "array", "items": "int"}],
        [0.5, True, [1]],
        [
            {"double": 0.5, "boolean": None, "array": None},
            {"double": None, "boolean": True, "array": None},
            {"double": None, "boolean": None, "array": [1]},
        ],
    ),
    (
        ["null", record("int", "p"), record("int", "q")],
        [("p", {"a": 1}), ("q", {"a": 2})],
        [{"p": {"a": 1}, "q": None}, {"p": None, "q": {"a": 2}}],
    ),
    (["int", "long"], [1, 2**40], [1, 2**40]),
    ("null", [None], [None]),
]


@pytest.mark.parametrize(("kind", "values"), PLAIN, ids=str)
def test_what_polars_decodes_is_what_was_written(
    tmp_path: Path, kind: Any, values: list[Any]
) -> None:
    assert polars_reads(record(kind))
    assert column(tmp_path, kind, values).to_list() == values


@pytest.mark.parametrize(("kind", "values"), PLAIN, ids=str)
def test_fastavro_gives_the_same(
    tmp_path: Path, kind: Any, values: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dure.data.readers.avro_reader.polars_reads", lambda schema: False)
    assert column(tmp_path, kind, values).to_list() == values


@pytest.mark.parametrize(("kind", "values", "expected"), OTHER, ids=str)
def test_other_types_are_decoded_by_fastavro(
    tmp_path: Path, kind: Any, values: list[Any], expected: list[Any]
) -> None:
    assert not polars_reads(record(kind))
    assert column(tmp_path, kind, values).to_list() == expected


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_compressions_of_the_standard_library_are_read(tmp_path: Path, codec: str) -> None:
    values = list(range(5000))
    assert column(tmp_path, "int", values, codec=codec, sync_interval=500).to_list() == values


def test_snappy_is_read_and_its_checksum_checked(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="decompresses snappy")
    frame = pl.DataFrame({"a": [1, 2, 3] * 100})
    frame.write_avro(buffer := io.BytesIO(), compression="snappy")
    (batch,) = batches(tmp_path, buffer.getvalue())
    assert batch.frame.equals(frame)
    data = bytearray(buffer.getvalue())
    data[-17] ^= 1  # the last byte of the checksum
    assert "is damaged" in refusal(tmp_path, bytes(data))


def test_rows_come_in_order_in_small_batches(tmp_path: Path) -> None:
    rows = [{"a": f"{index:050}"} for index in range(20_000)]
    found = batches(tmp_path, written(record("string"), rows), 1 << 17)
    assert len(found) > 4
    assert pl.concat([batch.frame for batch in found])["a"].to_list() == [r["a"] for r in rows]


def test_one_large_block_is_given_in_pieces(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": range(50_000)})
    frame.write_avro(buffer := io.BytesIO())
    found = batches(tmp_path, buffer.getvalue(), 1 << 16)
    assert len(found) > 4
    assert pl.concat([batch.frame for batch in found]).equals(frame)


def test_a_file_without_records_gives_its_columns(tmp_path: Path) -> None:
    for kind, dtype in (("long", pl.Int64), ({"type": "map", "values": "int"}, None)):
        (batch,) = batches(tmp_path, written(record(kind), []))
        assert batch.found == 0
        assert dtype is None or batch.frame.schema == {"a": dtype}


def test_a_schema_that_is_no_record_is_one_column(tmp_path: Path) -> None:
    (batch,) = batches(tmp_path, written("string", ["x", "y"]))
    assert batch.frame.to_dict(as_series=False) == {"value": ["x", "y"]}


def test_a_record_within_itself_is_refused(tmp_path: Path) -> None:
    data = written(record(["null", "rows"]), [{"a": {"a": None}}])
    message = refusal(tmp_path, data)
    assert "has a schema that is no table" in message
    assert "the type 'rows' is part of itself" in message


def test_a_damaged_block_is_named_with_its_offset(tmp_path: Path) -> None:
    rows = [{"a": "x" * 100} for _ in range(100)]
    data = written(record("string"), rows, sync_interval=1000, codec="deflate")
    with io.BytesIO(data) as file:
        offsets = [block.offset for block in fastavro.block_reader(file)]
    third = offsets[2]
    broken = bytearray(data)
    broken[third + 4 : third + 12] = b"\xff" * 8
    message = refusal(tmp_path, bytes(broken))
    assert f"'{tmp_path / 'x.avro'}': the block at byte {third:,} is damaged" in message
    assert f"breaks off in the block at byte {third:,}" in refusal(tmp_path, data[: third + 9])


def test_text_that_is_no_utf8_is_named_with_its_block(tmp_path: Path) -> None:
    data = written(record("string"), [{"a": "xyzw"}]).replace(b"xyzw", b"x\xffzw")
    assert "is damaged" in refusal(tmp_path, data)


@pytest.mark.parametrize("content", [b"", b"Obj", b"Obj\x01", b"Obj\x01\x02\x04ab", b"a,b\n1,2\n"])
def test_another_format_is_named(tmp_path: Path, content: bytes) -> None:
    assert "x.avro' cannot be read as Avro" in refusal(tmp_path, content)


def test_remote_files_are_read() -> None:
    with fsspec.open("memory://avro/x.avro", "wb") as file:
        file.write(written(record("int"), [{"a": 7}]))
    (batch,) = read_avro(Location.of_url("memory://avro/x.avro"), ReadOptions())
    assert batch.frame.rows() == [(7,)]


def test_without_fastavro_only_some_types_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = written(record("int"), [{"a": 1}])
    other = written(record({"type": "map", "values": "int"}), [{"a": {}}])
    monkeypatch.setitem(sys.modules, "fastavro", None)
    assert batches(tmp_path, plain)[0].frame.rows() == [(1,)]
    with pytest.raises(MissingExtraError, match="needs the package 'fastavro'"):
        batches(tmp_path, other)


def test_the_file_of_tfx_has_the_rows_that_fastavro_reads() -> None:
    path = SHARED / "tfx/testdata/external/avro/data.avro"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    found = pl.concat([b.frame for b in read_avro(Location.of_path(path), ReadOptions())])
    with path.open("rb") as file:
        expected = list(fastavro.reader(file))
    assert found.rows(named=True) == expected
    assert len(expected) == 10_000
