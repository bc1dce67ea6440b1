"""The scan of records against Python's csv module, which shares no code with it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data.readers.csv_scan import line_of, scan

fields = st.text(alphabet='ab,;"\n é서', max_size=6)
sizes = st.integers(1, 40)


class Wrong(Exception):  # noqa: N818 - what is wrong is the data
    """A quote is out of place: what, where, and where its field opened."""


def scanned(
    data: bytes, delimiter: str = ",", chunk: int = 1 << 20, piece: int = 1 << 18
) -> list[tuple[bytes, int]]:
    """Scan as a reader does that gets ``chunk`` bytes at a time."""
    result: list[tuple[bytes, int]] = []
    start = at = 0
    while at < len(data):
        at = min(at + chunk, len(data))
        block = data[start:at]
        found = scan(block, delimiter, final=at == len(data), piece=piece)
        result += [
            (block[begin:end], count)
            for begin, end, count in zip(
                found.starts.tolist(), found.ends.tolist(), found.fields.tolist(), strict=True
            )
        ]
        if (error := found.error) is not None:
            opened = None if error.opened is None else start + error.opened
            raise Wrong(str(error), start + error.offset, opened)
        start += found.consumed
    assert start == len(data)
    return result


def written(rows: list[list[str]], line_end: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(rows)
    return text.getvalue().encode()


@given(
    rows=st.lists(st.lists(fields, min_size=1, max_size=4), min_size=1, max_size=6),
    line_end=st.sampled_from(["\n", "\r\n"]),
    chunk=sizes,
    piece=sizes,
    ended=st.booleans(),
)
def test_records_of_a_written_table_have_the_fields_that_were_written(
    rows: list[list[str]], line_end: str, chunk: int, piece: int, *, ended: bool
) -> None:
    data = written(rows, line_end)
    data = data if ended else data.removesuffix(line_end.encode())
    found = scanned(data, chunk=chunk, piece=piece)
    assert [count for _, count in found] == [len(row) for row in rows]
    read = [next(csv.reader(io.StringIO(text.decode(), newline=""))) for text, _ in found]
    assert read == rows


@given(text=st.text(alphabet='ab,"\n', max_size=30), chunk=sizes, piece=sizes)
def test_a_text_is_refused_or_read_as_the_csv_module_reads_it(
    text: str, chunk: int, piece: int
) -> None:
    try:
        found = scanned(text.encode(), chunk=chunk, piece=piece)
    except Wrong:
        return
    expected = [row or [""] for row in csv.reader(io.StringIO(text, newline=""))]
    assert [count for _, count in found] == [len(row) for row in expected]


@given(text=st.text(alphabet='a,"\n\r', max_size=24), chunk=sizes, piece=sizes)
def test_the_size_of_blocks_changes_nothing(text: str, chunk: int, piece: int) -> None:
    def outcome(chunk: int, piece: int) -> object:
        try:
            return scanned(text.encode(), chunk=chunk, piece=piece)
        except Wrong as error:
            return error.args

    assert outcome(chunk, piece) == outcome(1 << 20, 1 << 20)


@pytest.mark.parametrize(
    ("text", "reason", "offset"),
    [
        ('a,5" nail\n', "within a field", 3),
        ('a, "b"\n', "within a field", 3),
        ('a,"b"c\n', "follows the quote", 4),
        ('a,"b\nc,d\n', "never closed", 2),
        ('"', "never closed", 0),
    ],
)
def test_a_quote_out_of_place_is_named_with_its_offset(text: str, reason: str, offset: int) -> None:
    error = scan(text.encode()).error
    assert error is not None
    assert reason in str(error)
    assert error.offset == offset


def test_the_records_before_a_wrong_quote_are_found() -> None:
    found = scan(b'a,b\n"1\n",2\n3,4" x\n5,6\n')
    assert found.fields.tolist() == [2, 2]
    assert found.consumed == 11
    assert found.error is not None


def test_without_a_quote_character_quotes_are_text() -> None:
    found = scan(b'a,5" nail\n"b,c"\n', quote=None)
    assert found.fields.tolist() == [2, 2]
    assert found.error is None


def test_another_quote_character_encloses_fields() -> None:
    assert scan(b"'a,\n''',\"\n", quote="'").fields.tolist() == [2]


def test_a_record_that_is_cut_off_is_left_for_later() -> None:
    found = scan(b'a,b\n1,"2\n', final=False)
    assert found.fields.tolist() == [2]
    assert found.consumed == 4
    assert found.error is None


def test_an_empty_text_has_no_records() -> None:
    assert len(scan(b"")) == 0


def test_blank_lines_are_records_that_say_so() -> None:
    assert scan(b"a,b\r\n\r\n\n1,2\n").blank.tolist() == [False, True, True, False]


def test_lines_are_physical_lines_from_one() -> None:
    data = b'a\n"x\ny"\nb\n'
    assert [line_of(data, data.index(c)) for c in (b"a", b"x", b"y", b"b")] == [1, 2, 3, 4]
