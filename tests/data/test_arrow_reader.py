"""Arrow files, Arrow streams and Feather, as Polars and pyarrow write them."""

from __future__ import annotations

import gzip
import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.arrow_reader import read_arrow
from dure.errors import DataError, MissingExtraError

pa = pytest.importorskip("pyarrow", reason="writes the files")
FRAME = pl.DataFrame(
    {
        "a": range(20_000),
        "b": [f"text {i % 97}" if i % 5 else None for i in range(20_000)],
        "c": [[i, i + 1] for i in range(20_000)],
    }
)


def batches(path: Path, data: bytes, size: int = 1 << 25) -> list[Batch]:
    path.write_bytes(data)
    return list(read_arrow(Location.of_path(path), ReadOptions(batch_bytes=size)))


def refusal(path: Path, data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        batches(path, data)
    return str(caught.value)


def polars_file() -> bytes:
    FRAME.write_ipc(buffer := io.BytesIO())
    return buffer.getvalue()


def polars_stream() -> bytes:
    FRAME.write_ipc_stream(buffer := io.BytesIO(), compression="zstd")
    return buffer.getvalue()


def arrow_file() -> bytes:
    return arrow(pa.ipc.new_file)


def arrow_stream() -> bytes:
    return arrow(pa.ipc.new_stream)


def old_stream() -> bytes:
    options = pa.ipc.IpcWriteOptions(use_legacy_format=True)
    return arrow(lambda sink, schema: pa.ipc.new_stream(sink, schema, options=options))


def arrow(writer: Callable[..., Any], table: Any = None, rows: int = 3_000) -> bytes:
    table = FRAME.to_arrow(compat_level=pl.CompatLevel.oldest()) if table is None else table
    sink = io.BytesIO()
    with writer(sink, table.schema) as out:
        out.write_table(table, max_chunksize=rows)
    return sink.getvalue()


@pytest.mark.parametrize(
    "made", [polars_file, polars_stream, arrow_file, arrow_stream], ids=lambda made: made.__name__
)
def test_rows_come_in_order_in_small_batches(tmp_path: Path, made: Callable[[], bytes]) -> None:
    found = batches(tmp_path / "x.arrow", made(), 1 << 17)
    assert_frame_equal(pl.concat([batch.frame for batch in found]), FRAME)
    assert all(batch.found == batch.frame.height for batch in found)
    assert max(batch.frame.height for batch in found) < 10_000


def test_streams_from_before_arrow_0_15_are_read(tmp_path: Path) -> None:
    try:
        data = old_stream()
    except (TypeError, pa.ArrowException):
        pytest.skip("this pyarrow does not write them")
    assert data[:4] != b"\xff\xff\xff\xff"
    found = batches(tmp_path / "x.arrow", data)
    assert_frame_equal(pl.concat([batch.frame for batch in found]), FRAME)


def test_dictionaries_that_change_in_a_stream_are_followed(tmp_path: Path) -> None:
    def words(*values: str) -> Any:
        return pa.record_batch({"a": pa.array(values).dictionary_encode()})

    parts = [words("x", "y", "x"), words("z"), words("y", "z")]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, parts[0].schema) as out:
        for part in parts:
            out.write_batch(part)
    found = batches(tmp_path / "x.arrows", sink.getvalue())
    texts = [text for batch in found for text in batch.frame["a"].cast(pl.String)]
    assert texts == ["x", "y", "x", "z", "y", "z"]
    assert sum(batch.found or 0 for batch in found) == 6


@pytest.mark.parametrize("writer", [pa.ipc.new_file, pa.ipc.new_stream])
def test_without_rows_the_columns_come(tmp_path: Path, writer: Callable[..., Any]) -> None:
    data = arrow(writer, FRAME.head(0).to_arrow(compat_level=pl.CompatLevel.oldest()))
    (batch,) = batches(tmp_path / "x.arrow", data)
    assert (batch.frame.schema, batch.found) == (FRAME.schema, 0)


@pytest.mark.parametrize("made", [arrow_stream, polars_stream], ids=lambda made: made.__name__)
@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_stream_that_breaks_off_is_named_with_its_byte(
    tmp_path: Path, made: Callable[[], bytes], cut: float
) -> None:
    data = made()
    message = refusal(tmp_path / "x.arrow", data[: int(len(data) * cut)])
    assert f"'{tmp_path / 'x.arrow'}' breaks off, or is damaged, at byte " in message


@pytest.mark.parametrize("made", [arrow_file, polars_file], ids=lambda made: made.__name__)
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, made: Callable[[], bytes]) -> None:
    message = refusal(tmp_path / "x.arrow", made()[:-100])
    assert f"'{tmp_path / 'x.arrow'}' cannot be read as Arrow" in message


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"a,b\n1,2\n", b"\xff" * 64, b"\0" * 64])
def test_another_format_is_named(tmp_path: Path, content: bytes) -> None:
    message = refusal(tmp_path / "x.arrow", content)
    assert "x.arrow' cannot be read as Arrow" in message
    assert f"{len(content)} bytes" in message


def test_feather_of_both_versions_is_read(tmp_path: Path) -> None:
    feather = pytest.importorskip("pyarrow.feather")
    table = FRAME.select("a", "b").to_arrow(compat_level=pl.CompatLevel.oldest())
    for version in (1, 2):
        path = tmp_path / f"v{version}.feather"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it means to stop writing it
            try:
                feather.write_feather(table, path, version=version)
            except ValueError:
                pytest.skip("this pyarrow writes version 2 only")
        found = batches(path, path.read_bytes(), 1 << 17)
        assert_frame_equal(pl.concat([b.frame for b in found]), FRAME.select("a", "b"))
        assert sum(batch.found or 0 for batch in found) == FRAME.height


def test_a_broken_feather_of_version_1_is_named(tmp_path: Path) -> None:
    assert "as Feather of version 1" in refusal(tmp_path / "x.feather", b"FEA1" + b"\0" * 60)


def test_without_pyarrow_only_feather_of_version_1_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (polars_file(), arrow_file(), arrow_stream()):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "pyarrow", None)
            assert sum(b.frame.height for b in batches(tmp_path / "x.arrow", data)) == FRAME.height
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="needs the package 'pyarrow'"):
        batches(tmp_path / "x.feather", b"FEA1" + b"\0" * 60)


def test_compressed_and_remote_files_are_read(tmp_path: Path) -> None:
    for name, made in (("x.arrow", arrow_file), ("x.arrows", arrow_stream)):
        found = batches(tmp_path / f"{name}.gz", gzip.compress(made()))
        assert_frame_equal(pl.concat([batch.frame for batch in found]), FRAME)
        with fsspec.open(f"memory://arrow/{name}", "wb") as file:
            file.write(made())
        remote = Location.of_url(f"memory://arrow/{name}")
        found = list(read_arrow(remote, ReadOptions()))
        assert_frame_equal(pl.concat([batch.frame for batch in found]), FRAME)
