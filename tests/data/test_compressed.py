"""Streams out of compressed files: whole ones come back, broken ones say where they broke."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest

from dure.data.compressed import COMPRESSIONS, Checked, decompressed
from dure.data.location import Location
from dure.errors import DataError, MissingExtraError

TEXT = b"".join(b"%d,%d\n" % (i, i * 7) for i in range(100_000))


def compressed(ending: str, data: bytes = TEXT) -> bytes:
    if ending == ".gz":
        return gzip.compress(data)
    if ending == ".bz2":
        return bz2.compress(data)
    if ending == ".xz":
        return lzma.compress(data)
    pyarrow = pytest.importorskip("pyarrow")
    out = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return bytes(out.getvalue().to_pybytes())


def put(folder: Path, ending: str, content: bytes) -> Location:
    path = folder / f"data.csv{ending}"
    path.write_bytes(content)
    return Location.of_path(path)


@pytest.mark.parametrize("ending", sorted(COMPRESSIONS))
def test_what_was_compressed_comes_back(tmp_path: Path, ending: str) -> None:
    location = put(tmp_path, ending, compressed(ending))
    assert (location.suffix, location.compression, location.path) == (".csv", ending, None)
    with location.open() as file:
        assert file.read() == TEXT
    assert location.size() == len(compressed(ending))


@pytest.mark.parametrize("ending", sorted(COMPRESSIONS))
def test_several_compressed_pieces_in_one_file_are_read_one_after_the_other(
    tmp_path: Path, ending: str
) -> None:
    with put(tmp_path, ending, compressed(ending, b"a\n") + compressed(ending)).open() as file:
        assert file.read() == b"a\n" + TEXT


def test_the_zeros_that_pad_an_xz_are_no_data(tmp_path: Path) -> None:
    content = compressed(".xz", b"a\n") + bytes(1 << 17) + compressed(".xz", b"b\n") + bytes(8)
    with put(tmp_path, ".xz", content).open() as file:
        assert file.read() == b"a\nb\n"


@pytest.mark.parametrize("ending", sorted(COMPRESSIONS))
@pytest.mark.parametrize("rest", ["half", "all but a byte", "other bytes"])
def test_a_file_that_is_not_whole_is_named_with_what_came_out_of_it(
    tmp_path: Path, ending: str, rest: str
) -> None:
    whole = compressed(ending)
    content = {
        "half": whole[: len(whole) // 2],
        "all but a byte": whole[:-1],
        "other bytes": b"nothing that is compressed",
    }[rest]
    with (
        put(tmp_path, ending, content).open() as file,
        pytest.raises(DataError, match=f"is not a whole {COMPRESSIONS[ending]} file") as caught,
    ):
        file.read()
    assert caught.value.got is not None
    assert "bytes came out of it, then" in caught.value.got


@pytest.mark.parametrize("ending", sorted(COMPRESSIONS))
def test_bytes_after_the_compressed_ones_are_an_error(tmp_path: Path, ending: str) -> None:
    with (
        put(tmp_path, ending, compressed(ending) + b"garbage that follows").open() as file,
        pytest.raises(DataError, match="is not a whole"),
    ):
        file.read()


def test_a_changed_byte_in_a_gzip_is_found_by_its_checksum(tmp_path: Path) -> None:
    content = bytearray(compressed(".gz", bytes(1000)))
    content[-6] ^= 1
    with put(tmp_path, ".gz", bytes(content)).open() as file, pytest.raises(DataError):
        file.read()


def test_closing_the_stream_closes_the_file_below_it() -> None:
    for ending in sorted(COMPRESSIONS):
        raw = io.BytesIO(compressed(ending))
        stream = decompressed(raw, ending, "data")
        assert stream.read(2) == TEXT[:2]
        stream.close()
        assert raw.closed


def test_zstandard_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    raw = io.BytesIO(b"")
    with pytest.raises(MissingExtraError, match="pyarrow") as caught:
        decompressed(raw, ".zst", "data.csv.zst")
    assert caught.value.extra == "arrow"
    assert raw.closed


class Failing:
    """A stream that gives some bytes and then fails."""

    def __init__(self, error: Exception) -> None:
        self.error, self.left = error, 1

    def read(self, size: int) -> bytes:
        if self.left:
            self.left = 0
            return b"0123456789"[:size]
        raise self.error

    def close(self) -> None:
        pass


def test_a_stream_that_breaks_off_says_after_how_many_bytes() -> None:
    stream = io.BufferedReader(Checked(Failing(OSError("reset by peer")), "s3://b/x.csv", ""))
    with pytest.raises(DataError, match="could not be read to its end") as caught:
        stream.read()
    assert caught.value.got == "10 bytes, then OSError: reset by peer"


def test_secrets_in_what_a_library_says_are_hidden() -> None:
    error = OSError("403 for url='https://ann:secret@host/x.csv?token=abc'")
    stream = io.BufferedReader(Checked(Failing(error), "https://ann:***@host/x.csv?…", ""))
    with pytest.raises(DataError) as caught:
        stream.read()
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)
    assert caught.value.__cause__ is None
