"""CSV in blocks: types that change on the way, records larger than a block, memory, and ends."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.csv_reader import read_csv
from dure.errors import DataError, UsageError


def put(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def batches(path: Path, **options: object) -> list[Batch]:
    return list(read_csv(Location.of_path(path), ReadOptions(**options)))  # type: ignore[arg-type]


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        batches(path, **options)
    return str(caught.value)


def kinds(found: list[Batch], column: str = "a") -> list[pl.DataType]:
    return [batch.frame[column].dtype for batch in found if batch.frame.width]


def test_each_block_has_the_type_that_its_values_need(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n" + "1,x\n" * 4 + "1.5,x\n" * 3 + "2,x\n" * 4 + "z,x\n" * 3)
    found = batches(path, batch_bytes=32)
    seen = [str(kind) for kind in kinds(found)]
    assert seen == sorted(seen, key=["Int64", "Float64", "String"].index)
    assert set(seen) == {"Int64", "Float64", "String"}
    assert sum(batch.frame.height for batch in found) == 14


def test_a_column_without_values_in_its_first_blocks_gets_a_type_later(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n" + ",x\n" * 20 + "7,x\n")
    found = kinds(batches(path, batch_bytes=16))
    assert found[0] == pl.Null
    assert found[-1] == pl.Int64


def test_numbers_with_spaces_after_them_are_numbers_in_every_block(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n1,x\n2,y\n" + "3 ,x\n" * 30)
    found = batches(path, batch_bytes=24)
    assert set(kinds(found)) == {pl.Int64()}
    assert sum(batch.frame["a"].sum() for batch in found) == 93


def test_truth_values_are_typed_in_every_block(tmp_path: Path) -> None:
    found = batches(put(tmp_path, "a,b\n" + "true,1\nFalse,2\n" * 20), batch_bytes=40)
    assert len(found) > 3
    assert set(kinds(found)) == {pl.Boolean()}


def test_a_number_beyond_64_bits_is_named_unless_fractions_follow(tmp_path: Path) -> None:
    large = "a,b\n" + "1,x\n" * 10 + "9223372036854775808,x\n" + "2,x\n" * 10
    message = refusal(put(tmp_path, large), batch_bytes=16)
    assert "line 12: column 'a' has a whole number that does not fit in 64 bits" in message
    assert "9223372036854775808" in message
    found = batches(put(tmp_path, large + "0.5,x\n"), batch_bytes=16)
    assert kinds(found)[-1] == pl.Float64
    # Text later on: the collector reads the file again as text, where every digit counts.
    assert kinds(batches(put(tmp_path, large + "?,x\n"), batch_bytes=16))[-1] == pl.String


def test_whole_numbers_past_2_53_stay_exact_in_every_block(tmp_path: Path) -> None:
    values = [2**53 + 1, -(2**63), 2**63 - 1] * 10
    path = put(tmp_path, "a,b\n" + "".join(f"{value},x\n" for value in values))
    found = batches(path, batch_bytes=100)
    assert [value for batch in found for value in batch.frame["a"]] == values


def test_dates_of_three_formats_stay_text(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n2024-01-31,1\n31/01/2024,2\nJan 31 2024,3\n")
    assert kinds(batches(path)) == [pl.String()]


def test_given_types_hold_in_every_block(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n" + "1,02139\n" * 20)
    for batch in batches(path, batch_bytes=32, types={"a": "float", "b": "string"}):
        assert dict(batch.frame.schema) == {"a": pl.Float64(), "b": pl.String()}


def test_a_value_that_misfits_a_given_type_is_named_or_set_aside(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n" + "1,x\n" * 30 + "no,y\n1,z\n")
    message = refusal(path, batch_bytes=32, types={"a": "int"})
    assert "data.csv', line 32: column 'a' has a value that is no int" in message
    found = batches(path, batch_bytes=32, types={"a": "int"}, on_bad_rows="quarantine")
    [refused] = [refused for batch in found for refused in batch.refused]
    assert (refused.file, refused.place, refused.text) == ("data.csv", "line 32", "no,y")
    assert "column 'a' has a value that is no int: 'no'" in refused.reason
    assert sum(batch.frame.height for batch in found) == 31
    assert sum(batch.found or 0 for batch in found) == 32


@pytest.mark.parametrize("kind", ["bytes", "list[int]"])
def test_types_that_text_cannot_have_are_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UsageError, match="cannot have"):
        batches(put(tmp_path, "a\n1\n"), types={"a": kind})


def test_a_record_larger_than_a_block_is_read_whole(tmp_path: Path) -> None:
    cell = 'line, with "quotes"\n' * 1000
    quoted = '"' + cell.replace('"', '""') + '"'
    path = put(tmp_path, f"a,b\n1,x\n2,{quoted}\n3,z\n")
    found = batches(path, batch_bytes=64)
    assert [row for b in found for row in b.frame.rows()] == [(1, "x"), (2, cell), (3, "z")]


def test_a_cell_of_100_megabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b'a,b\n1,"' + b"some text\n" * (10 << 20) + b'"\n2,x\n')
    found = batches(path)
    assert [length for b in found for length in b.frame["b"].str.len_bytes()] == [100 << 20, 1]


def test_ten_thousand_columns_are_read(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(10_000)]
    lines = [",".join(names)] + [",".join(str(i * row) for i in range(10_000)) for row in range(3)]
    found = batches(put(tmp_path, "\n".join(lines)))
    assert found[0].frame.shape == (3, 10_000)
    assert found[0].frame["c9999"].to_list() == [0, 9999, 19998]
    assert set(found[0].frame.dtypes) == {pl.Int64()}


@pytest.mark.parametrize("mode", ["fail", "quarantine"])
def test_a_gzip_that_breaks_off_is_an_error_whatever_was_read_before(
    tmp_path: Path, mode: str
) -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(9999)))
    path = put(tmp_path, whole[: len(whole) // 2], "data.csv.gz")
    assert "is not a whole gzip file" in refusal(path, batch_bytes=1000, on_bad_rows=mode)
    assert sum(b.frame.height for b in batches(put(tmp_path, whole, "data.csv.gz"))) == 9999


def test_lines_are_counted_over_blocks_and_line_ends_in_quotes(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n" + '"x\ny",1\n\n' * 50 + "1\n")
    assert "data.csv', line 152: the row has too few" in refusal(path, batch_bytes=32)


def test_the_first_fault_in_the_file_is_the_one_that_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, 'a,b\n1,2\n3\n4," 5" x\n')
    assert "line 3: the row has too few" in refusal(path)


def test_a_byte_that_is_no_text_is_named_by_its_offset_in_any_block(tmp_path: Path) -> None:
    head = b"a,b\n" + "é,1\n".encode() * 100
    for mark in (b"", b"\xef\xbb\xbf"):
        message = refusal(put(tmp_path, mark + head + b"\xff,2\n"), batch_bytes=64)
        assert "line 102: the bytes are not utf-8 text" in message
        assert f"byte 0xff at byte offset {len(mark + head)}" in message
    korean = "도시,n\n".encode("cp949") + "서울,1\n".encode("cp949") * 100
    message = refusal(put(tmp_path, korean + b"\xff,2\n"), batch_bytes=64, encoding="cp949")
    assert "line 102: the bytes are not cp949 text" in message
    assert f"byte 0xff at byte offset {len(korean)}" in message


SCRIPT = """
import resource, sys
from pathlib import Path
from dure.data.batch import ReadOptions
from dure.data.readers.csv_reader import read_csv
from dure.data.location import Location

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before, rows = peak(), 0
for batch in read_csv(Location.of_path(Path(sys.argv[1])), ReadOptions()):
    rows += batch.frame.height
print(rows, peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("quoted", [False, True])
def test_memory_is_bounded_whatever_the_size_of_the_file(tmp_path: Path, *, quoted: bool) -> None:
    line = b'%d,"a text, quoted",0.25,\n' if quoted else b"%d,a plain text,0.25,\n"
    path = tmp_path / "large.csv"
    block = b"".join(line % number for number in range(100_000))
    with path.open("wb") as file:
        file.write(b"a,b,c,d\n")
        for _ in range(200):
            file.write(block)
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)], capture_output=True, text=True, check=True
    )
    rows, megabytes = map(int, run.stdout.split())
    assert rows == 20_000_000
    assert path.stat().st_size > 400 << 20
    assert megabytes < 10 * 32
