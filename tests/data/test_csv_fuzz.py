"""CSV of every kind against Python's csv module, whatever the size of the blocks, and bad bytes."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.csv_reader import read_csv
from dure.errors import DataError

sizes = st.integers(1, 120)


@contextmanager
def stored(content: bytes) -> Iterator[Location]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_bytes(content)
        yield Location.of_path(path)


def batches(content: bytes, **options: object) -> list[Batch]:
    with stored(content) as location:
        return list(read_csv(location, ReadOptions(**options)))  # type: ignore[arg-type]


def rows(found: list[Batch]) -> list[tuple[object, ...]]:
    return [row for batch in found for row in batch.frame.rows()]


@given(
    data=st.data(),
    width=st.integers(1, 4),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    delimiter=st.sampled_from(",;\t|"),
    quote=st.sampled_from("\"'"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp949"]),
    size=sizes,
)
def test_what_the_csv_module_writes_comes_back_whatever_the_size_of_blocks(
    data: st.DataObject,
    width: int,
    line_end: str,
    quoting: int,
    delimiter: str,
    quote: str,
    encoding: str,
    size: int,
) -> None:
    # The csv module leaves a field that ends in \r without quotes where lines end in \n.
    special = "\r" if quoting == csv.QUOTE_ALL else ""
    # One NUL at most: many of them look like UTF-16.
    cell = st.text(alphabet="ab ,;\t|\"'\n서é" + special, max_size=8) | st.just("long text \0")
    if encoding == "cp949":
        cell = cell.map(lambda text: text.replace("é", "ㄱ"))
    table = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1))
    text = io.StringIO()
    names = [f"c{i}" for i in range(width)]
    csv.writer(
        text, lineterminator=line_end, quoting=quoting, delimiter=delimiter, quotechar=quote
    ).writerows(table)
    found = batches(
        text.getvalue().encode(encoding),
        header=names,
        types=dict.fromkeys(names, "string"),
        null_values=(),
        delimiter=delimiter,
        quote=quote,
        encoding=encoding,
        batch_bytes=size,
    )
    assert [list(row) for row in rows(found)] == table
    assert sum(batch.found or 0 for batch in found) == len(table)


integers = st.integers(-(2**63), 2**63 - 1).map(str)
floats = st.floats().map(repr)
padded = st.sampled_from(["{}", " {}", "{} ", "\t{}", '"{}"', '" {}"'])
odd = st.sampled_from(["", "NA", " NA", "?", "1.", ".5", "+7", "007", "1E5", "-inf", "Infinity"])


@given(
    st.lists(
        st.tuples(integers | floats | odd, padded).map(lambda pair: pair[1].format(pair[0])),
        min_size=1,
    ),
    sizes,
)
@example(["1", "7 "], 2)
@example(["1", " "], 2)
def test_numbers_are_the_same_whether_polars_or_inference_reads_them(
    cells: list[str], size: int
) -> None:
    content = ("a,b\n" + "".join(f"{cell},x\n" for cell in cells)).encode()
    tokens = ("", "NA", "?")
    [whole] = batches(content, null_values=tokens)
    column = whole.frame["a"]
    many = batches(content, null_values=tokens, batch_bytes=size)
    assert sum(batch.frame.height for batch in many) == len(column)
    if not column.dtype.is_numeric():
        return
    parts = [batch.frame["a"].cast(column.dtype) for batch in many]
    assert_series_equal(pl.concat(parts), column, check_exact=True)


tables = st.lists(
    st.lists(st.text(alphabet='ab,"\n é', max_size=4), min_size=3, max_size=3), min_size=1
)


@given(
    table=tables,
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    size=sizes,
    encoding=st.sampled_from(["utf-8", "utf-16", "cp949", "latin-1"]),
    quarantine=st.booleans(),
)
def test_damaged_bytes_give_rows_or_an_error_and_each_row_counts(
    table: list[list[str]],
    edits: list[tuple[int, int]],
    size: int,
    encoding: str,
    *,
    quarantine: bool,
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["x", "y", "z"], *table])
    content = bytearray(text.getvalue().encode(encoding, errors="ignore"))
    for place, byte in edits:
        content[place % len(content)] = byte
    mode = "quarantine" if quarantine else "fail"
    try:
        found = batches(bytes(content), batch_bytes=size, encoding=encoding, on_bad_rows=mode)
    except DataError:
        return
    for batch in found:
        assert batch.found == batch.frame.height + len(batch.refused)
        assert quarantine or not batch.refused


@given(st.binary(max_size=200), sizes, st.sampled_from(["utf-8", "utf-16", "cp949"]))
@example(b"\xff\xfe", 1, "utf-16")
@example(codecs.BOM_UTF8, 1, "utf-8")
@example(b"\r", 1, "utf-8")
@example(b"\n\r\0", 1, "utf-8")
@example(b'a\n"', 1, "utf-8")
def test_any_bytes_give_rows_or_an_error(content: bytes, size: int, encoding: str) -> None:
    for mode in ("fail", "quarantine"):
        try:
            found = batches(content, batch_bytes=size, on_bad_rows=mode, encoding=encoding)
        except DataError:
            continue
        assert all(b.found == b.frame.height + len(b.refused) for b in found)


@given(
    lines=st.lists(
        st.sampled_from(["1,2", "1", "1,2,3", "", '"1\n",2', '"1', '3" x,4', "é,\udcff", ","])
    ),
    size=sizes,
)
def test_the_size_of_blocks_does_not_change_what_is_refused(lines: list[str], size: int) -> None:
    content = "\n".join(["a,b", *lines]).encode("utf-8", "surrogateescape")
    options = {"on_bad_rows": "quarantine", "types": {"a": "string", "b": "string"}}

    def outcome(batch_bytes: int) -> object:
        try:
            found = batches(content, batch_bytes=batch_bytes, **options)
        except DataError as error:
            return str(error).partition("data.csv")[2]
        return rows(found), [refused for batch in found for refused in batch.refused]

    assert outcome(size) == outcome(1 << 20)


@pytest.mark.parametrize("size", [2, 7, 64, 1 << 20])
def test_a_row_that_is_refused_takes_no_other_with_it(size: int) -> None:
    content = b'a,b\n1,2\n3,4" x\n5,6\n"7\n8",9\n10\n11,12\n"13,14\n15,16\n'
    found = batches(content, batch_bytes=size, on_bad_rows="quarantine", types={"a": "string"})
    assert rows(found) == [("1", 2), ("5", 6), ("7\n8", 9), ("11", 12), ("15", 16)]
    places = [refused.place for batch in found for refused in batch.refused]
    assert places == ["line 3", "line 7", "line 9"]
