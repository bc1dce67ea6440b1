"""CSV files, good and bad, through `dure.data.readers.csv_reader.read_csv`."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.csv_reader import read_csv
from dure.errors import DataError, DureError, UsageError


def put(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, **options: object) -> pl.DataFrame:
    """Return all rows, with the types that fit all batches."""
    batches = list(read_csv(Location.of_path(path), ReadOptions(**options)))  # type: ignore[arg-type]
    assert not any(batch.refused for batch in batches)
    assert sum(batch.found or 0 for batch in batches) == sum(b.frame.height for b in batches)
    return pl.concat([batch.frame for batch in batches], how="vertical_relaxed")


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(DureError) as caught:
        read(path, **options)
    assert caught.value.what
    return str(caught.value)


names = st.lists(
    st.text(alphabet='ab,"\n 서', min_size=1, max_size=4), min_size=1, max_size=4, unique=True
)


@given(
    data=st.data(),
    columns=names,
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_table_written_by_the_csv_module_comes_back_as_it_was(
    data: st.DataObject, columns: list[str], line_end: str, quoting: int
) -> None:
    # The csv module leaves a field that ends in \r without quotes where lines end in \n.
    special = "\r" if quoting == csv.QUOTE_ALL else ""
    cell = st.text(alphabet='ab,;"\n é서' + special, max_size=6)
    rows = data.draw(
        st.lists(st.lists(cell, min_size=len(columns), max_size=len(columns)), min_size=1)
    )
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end, quoting=quoting).writerows([columns, *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), text.getvalue())
        frame = read(path, null_values=(), types=dict.fromkeys(columns, "string"))
    assert frame.columns == columns
    assert [list(row) for row in frame.rows()] == rows


def test_types_are_those_that_every_value_fits(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "i,f,b,s,date,mixed,spaces,odd\n"
        "1,1.5,true,x,2024-01-31,1, 7,nan\n"
        "-2,1e3,FALSE,y,2024-02-01,true,8 ,-inf\n",
    )
    frame = read(path)
    assert dict(frame.schema) == {
        "i": pl.Int64(),
        "f": pl.Float64(),
        "b": pl.Boolean(),
        "s": pl.String(),
        "date": pl.String(),
        "mixed": pl.String(),
        "spaces": pl.Int64(),
        "odd": pl.Float64(),
    }
    assert frame["f"].to_list() == [1.5, 1000.0]
    assert frame["b"].to_list() == [True, False]
    assert frame["spaces"].to_list() == [7, 8]
    assert frame["odd"].is_nan()[0]


@pytest.mark.parametrize(("last", "dtype"), [("1.5", pl.Float64()), ("x", pl.String())])
def test_the_last_of_many_rows_decides_the_type(
    tmp_path: Path, last: str, dtype: pl.DataType
) -> None:
    frame = read(put(tmp_path, "a\n" + "1\n" * 20_000 + last + "\n"))
    assert frame.height == 20_001
    assert frame["a"].dtype == dtype


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_floats_come_back_to_the_last_bit(values: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder), "a\n" + "\n".join(map(repr, values)) + "\n")
        frame = read(path, types={"a": "float"})
    assert frame["a"].to_list() == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_whole_numbers_of_64_bits_come_back(values: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frame = read(put(Path(folder), "a\n" + "\n".join(map(str, values))))
    assert frame["a"].dtype == pl.Int64
    assert frame["a"].to_list() == values


def test_empty_fields_and_na_are_missing_quoted_or_not(tmp_path: Path) -> None:
    frame = read(put(tmp_path, 'a,b,c\n1,,x\nNA,"","NA"\n3,2.5,\n'))
    assert frame["a"].to_list() == [1, None, 3]
    assert frame["b"].to_list() == [None, None, 2.5]
    assert frame["c"].to_list() == ["x", None, None]


def test_other_null_values_replace_the_default_ones(tmp_path: Path) -> None:
    frame = read(put(tmp_path, "a,b\n1,NA\n?,\n"), null_values=["?"])
    assert frame["a"].to_list() == [1, None]
    assert frame["b"].to_list() == ["NA", ""]


def test_a_column_without_values_has_no_type_yet(tmp_path: Path) -> None:
    frame = read(put(tmp_path, "a,b\n1,\n2,NA\n"))
    assert frame["b"].dtype == pl.Null
    assert frame["b"].null_count() == 2


def test_given_types_are_kept(tmp_path: Path) -> None:
    path = put(tmp_path, "zip,n\n02139,1\n,2\n")
    frame = read(path, types={"zip": "string", "n": "float"})
    assert frame["zip"].to_list() == ["02139", None]
    assert frame["n"].to_list() == [1.0, 2.0]
    assert read(path)["zip"].to_list() == [2139, None]


def test_a_value_that_does_not_fit_a_given_type_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, 'a,b\n1,"x\ny"\nsome,z\n')
    message = refusal(path, types={"a": "int"})
    assert "data.csv', line 4: column 'a' has a value that is no int" in message
    assert "got:      'some'" in message


def test_types_of_unknown_columns_or_names_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "fare\n1\n")
    assert "did you mean 'fare'" in refusal(path, types={"fair": "int"})
    assert "did you mean 'float'" in refusal(path, types={"fare": "floats"})


@pytest.mark.parametrize("value", ["9223372036854775808", "-9223372036854775809", "9" * 40])
def test_a_whole_number_beyond_64_bits_is_named(tmp_path: Path, value: str) -> None:
    path = put(tmp_path, f"id\n1\n{value}\n")
    message = refusal(path)
    assert "line 3: column 'id'" in message
    assert "2^63" in message
    assert value in message
    assert read(path, types={"id": "string"})["id"].to_list() == ["1", value]
    assert read(path, types={"id": "float"})["id"].to_list() == [1.0, float(value)]


def test_a_large_whole_number_among_fractions_is_a_float(tmp_path: Path) -> None:
    frame = read(put(tmp_path, "a\n0.5\n9223372036854775808\n"))
    assert frame["a"].to_list() == [0.5, 2.0**63]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_kind_give_the_same_rows(tmp_path: Path, end: str) -> None:
    path = put(tmp_path, end.join(["a,b", "1,x", '2,"y"', ""]))
    assert read(path).rows() == [(1, "x"), (2, "y")]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(put(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n")).columns == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp949", "utf-8-sig"])
def test_other_encodings_are_read_when_named(tmp_path: Path, encoding: str) -> None:
    path = put(tmp_path, "도시,n\n서울,1\n부산,2\n".encode(encoding))
    frame = read(path, encoding=encoding)
    assert frame["도시"].to_list() == ["서울", "부산"]


def test_blank_lines_are_no_rows_of_several_columns(tmp_path: Path) -> None:
    frame = read(put(tmp_path, "\n\na,b\n\n1,2\n\r\n\n,\n3,4\n\n\n"))
    assert frame.rows() == [(1, 2), (None, None), (3, 4)]


def test_blank_lines_are_missing_values_of_one_column(tmp_path: Path) -> None:
    assert read(put(tmp_path, "a\n\n1\n\r\n2\n\n"))["a"].to_list() == [None, 1, None, 2, None]


def test_delimiters_other_than_the_comma_part_fields(tmp_path: Path) -> None:
    assert read(put(tmp_path, "a;b\n1,5;2\n"), delimiter=";").rows() == [("1,5", 2)]


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_with_another_number_of_fields_is_named_by_its_physical_line(
    tmp_path: Path, row: str
) -> None:
    path = put(tmp_path, f'a,b\n"x\ny\n",2\n\n{row}\n3,4\n')
    message = refusal(path)
    found = row.count(",") + 1
    assert f"data.csv', line 6: the row has too {'few' if found < 2 else 'many'} fields" in message
    assert "expected: 2 fields, as in the header: a, b" in message
    assert f"got:      {found} field" in message
    assert 'on_bad_rows="quarantine"' in message


def test_a_wrong_delimiter_is_guessed_from_the_header(tmp_path: Path) -> None:
    assert "delimiter=';'" in refusal(put(tmp_path, "a;b\n1;2,5\n"))


def test_a_row_far_down_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n" + '"x\n",2\n' * 300_000 + "1\n" + "3,4\n")
    assert "line 600002:" in refusal(path)


def test_bytes_that_are_no_utf8_are_named_with_line_offset_and_encoding(tmp_path: Path) -> None:
    message = refusal(put(tmp_path, "name,n\nok,1\ncafé,2\n".encode("cp1252")))
    assert "data.csv', line 3: the bytes are not utf-8 text" in message
    assert "byte 0xe9 at byte offset 15" in message
    assert 'encoding="cp1252"' in message
    assert 'encoding="cp949"' in refusal(put(tmp_path, "도시,n\n서울,1\n".encode("cp949")))
    assert 'encoding="utf-16"' in refusal(put(tmp_path, "a,b\n1,2\n".encode("utf-16")))


def test_a_bad_byte_is_found_across_blocks(tmp_path: Path) -> None:
    head = b"a\n" + "é\n".encode() * 400_000
    message = refusal(put(tmp_path, head + b"\xff\n"))
    assert f"byte 0xff at byte offset {len(head)}" in message
    assert "line 400002:" in message
    cut = head[: 2 + 3 * 349_524] + b"x"  # a letter begins at the very end of a block, and stops
    assert len(cut) == (1 << 20) - 1
    assert f"byte 0xc3 at byte offset {len(cut)}" in refusal(put(tmp_path, cut + b"\xc3\n1\n"))


def test_bytes_that_are_not_in_the_named_encoding_are_named(tmp_path: Path) -> None:
    message = refusal(put(tmp_path, "도시,n\n서울,1\n"), encoding="ascii")
    assert "are not ascii text" in message
    assert 'encoding="utf-8"' in message
    with pytest.raises(UsageError, match="no encoding 'utf-99'"):
        read(put(tmp_path, "a\n1\n"), encoding="utf-99")


@pytest.mark.parametrize("content", ["", "\n", "\r\n\r\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    message = refusal(put(tmp_path, content))
    assert "data.csv' is empty" in message
    assert "expected: a header line and at least one row" in message


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\r\n\r\n"])
def test_a_header_without_rows_is_refused(tmp_path: Path, content: str) -> None:
    message = refusal(put(tmp_path, content))
    assert "has a header and no rows" in message
    assert "a, b" in message


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    message = refusal(put(tmp_path, "a,b,a\n1,2,3\n"))
    assert "2 columns have the name 'a'" in message
    assert "columns 1 and 3" in message


def test_a_column_without_a_name_is_refused(tmp_path: Path) -> None:
    message = refusal(put(tmp_path, ",b\n0,2\n"))
    assert "column 1 has no name" in message
    assert "index=False" in message


@pytest.mark.parametrize("row", ['5" nail,1', '"a"b,1', 'a, "b"'])
def test_a_quote_out_of_place_is_named_by_line(tmp_path: Path, row: str) -> None:
    message = refusal(put(tmp_path, f"a,b\nx,y\n{row}\n"))
    assert "data.csv', line 3: " in message
    assert "quote" in message
    assert row in message


def test_a_quoted_field_that_never_ends_names_where_it_opened(tmp_path: Path) -> None:
    message = refusal(put(tmp_path, 'a,b\n1,2\n3,"x\n4,5\n'))
    assert "line 3: a quoted field is never closed" in message


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "é"])
def test_a_delimiter_that_is_no_ascii_character_is_refused(tmp_path: Path, delimiter: str) -> None:
    with pytest.raises(UsageError, match="delimiter"):
        read(put(tmp_path, "a\n1\n"), delimiter=delimiter)


def test_null_values_given_as_one_text_are_refused(tmp_path: Path) -> None:
    assert "null_values=('NA',)" in refusal(put(tmp_path, "a\n1\n"), null_values="NA")


def test_rows_lost_by_the_parser_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pl.read_csv
    monkeypatch.setattr(pl, "read_csv", lambda *a, **k: real(*a, **k).head(1))
    with pytest.raises(DataError, match="rows were lost") as caught:
        read(put(tmp_path, "a\n1\n2\n"))
    assert caught.value.expected is not None
    assert caught.value.expected.startswith("2 rows")
