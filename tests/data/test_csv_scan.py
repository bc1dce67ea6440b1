"""The scan of records against Python's csv module, which shares no code with it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data.csv_scan import QuoteError, line_of, records

fields = st.text(alphabet='ab,;"\n é서', max_size=6)


def scanned(data: bytes, delimiter: str = ",", block: int = 1 << 22) -> list[tuple[bytes, int]]:
    return [
        (data[start:end], count)
        for found in records(data, delimiter, block=block)
        for start, end, count in zip(
            found.starts.tolist(), found.ends.tolist(), found.fields.tolist(), strict=True
        )
    ]


def written(rows: list[list[str]], line_end: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(rows)
    return text.getvalue().encode()


@given(
    rows=st.lists(st.lists(fields, min_size=1, max_size=4), min_size=1, max_size=6),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(1, 40),
    ended=st.booleans(),
)
def test_records_of_a_written_table_have_the_fields_that_were_written(
    rows: list[list[str]], line_end: str, block: int, *, ended: bool
) -> None:
    data = written(rows, line_end)
    data = data if ended else data.removesuffix(line_end.encode())
    found = scanned(data, block=block)
    assert [count for _, count in found] == [len(row) for row in rows]
    read = [next(csv.reader(io.StringIO(text.decode(), newline=""))) for text, _ in found]
    assert read == rows


@given(text=st.text(alphabet='ab,"\n', max_size=30), block=st.integers(1, 40))
def test_a_text_is_refused_or_read_as_the_csv_module_reads_it(text: str, block: int) -> None:
    try:
        found = scanned(text.encode(), block=block)
    except QuoteError:
        return
    expected = [row or [""] for row in csv.reader(io.StringIO(text, newline=""))]
    assert [count for _, count in found] == [len(row) for row in expected]


@given(text=st.text(alphabet='a,"\n\r', max_size=24), block=st.integers(1, 30))
def test_the_block_size_changes_nothing(text: str, block: int) -> None:
    def outcome(size: int) -> object:
        try:
            return scanned(text.encode(), block=size)
        except QuoteError as error:
            return str(error), error.offset, error.opened

    assert outcome(block) == outcome(1 << 20)


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
    with pytest.raises(QuoteError, match=reason) as caught:
        scanned(text.encode())
    assert caught.value.offset == offset


def test_an_empty_text_has_no_records() -> None:
    assert scanned(b"") == []


def test_blank_lines_are_records_that_say_so() -> None:
    (found,) = records(b"a,b\r\n\r\n\n1,2\n")
    assert found.blank.tolist() == [False, True, True, False]


def test_lines_are_physical_lines_from_one() -> None:
    data = b'a\n"x\ny"\nb\n'
    assert [line_of(data, data.index(c)) for c in (b"a", b"x", b"y", b"b")] == [1, 2, 3, 4]
