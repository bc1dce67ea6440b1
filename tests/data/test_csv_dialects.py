"""CSV as it is met: separators, quotes, null tokens, missing headers, rows to set aside."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.location import Location
from dure.data.readers.csv_reader import read_csv
from dure.errors import DataError, UsageError

SHARED = Path(__file__).parents[2].parent / "shared/data"
ADULT = [
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation"),
    *("relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week"),
    *("native-country", "income"),
]


def put(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def batches(path: Path, **options: object) -> list[Batch]:
    return list(read_csv(Location.of_path(path), ReadOptions(**options)))  # type: ignore[arg-type]


def read(path: Path, **options: object) -> pl.DataFrame:
    return pl.concat([batch.frame for batch in batches(path, **options)])


def refused(found: Sequence[Batch]) -> list[Refused]:
    return [each for batch in found for each in batch.refused]


def adult(name: str) -> Path:
    path = SHARED / "tabular/adult" / name
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    return path


def test_a_tsv_is_parted_by_tabs_whatever_named_it(tmp_path: Path) -> None:
    text = 'a\tb\n1,5\t"x\ty"\n'
    for name, options in {"d.tsv": {}, "d.tab": {}, "d.txt": {"format": "tsv"}}.items():
        assert read(put(tmp_path, text, name), **options).rows() == [("1,5", "x\ty")]
    assert read(put(tmp_path, "a;b\n1;2\n", "d.tsv"), delimiter=";").rows() == [(1, 2)]


def test_without_a_quote_character_quotes_are_text(tmp_path: Path) -> None:
    path = put(tmp_path, 'size,n\n5" nail,1\n"open,2\n')
    assert read(path, quote=None).rows() == [('5" nail', 1), ('"open', 2)]
    assert read(put(tmp_path, 'size\n"\n\n5"\n'), quote=None).rows() == [('"',), (None,), ('5"',)]


def test_another_quote_character_is_taken(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b\n'x,\n''y''',\"1\"\n")
    assert read(path, quote="'").rows() == [("x,\n'y'", '"1"')]


@pytest.mark.parametrize("quote", ["", "''", "\n", "é"])
def test_a_quote_that_is_no_ascii_character_is_refused(tmp_path: Path, quote: str) -> None:
    with pytest.raises(UsageError, match="quote"):
        batches(put(tmp_path, "a\n1\n"), quote=quote)
    with pytest.raises(UsageError, match="delimiter"):
        batches(put(tmp_path, "a\n1\n"), quote=",", delimiter=",")


def test_null_tokens_count_with_a_space_beside_them(tmp_path: Path) -> None:
    path = put(tmp_path, "n, s\n1, x\n ?, ?\n3,?\n")
    frame = read(path, null_values=["?", ""])
    assert frame["n"].to_list() == [1, None, 3]
    assert frame[" s"].to_list() == [" x", None, None]


def test_where_an_empty_field_is_a_value_it_stays_one(tmp_path: Path) -> None:
    frame = read(put(tmp_path, 'a,b\n?,\n"",""\n1, ?\n'), null_values=["?"])
    assert frame["a"].to_list() == [None, "", "1"]
    assert frame["b"].to_list() == ["", "", None]


def test_a_given_header_names_the_columns_of_a_file_without_one(tmp_path: Path) -> None:
    frame = read(put(tmp_path, "1,x\n2,y\n"), header=["n", "s"])
    assert frame.rows(named=True) == [{"n": 1, "s": "x"}, {"n": 2, "s": "y"}]


@pytest.mark.parametrize("header", [[], ["a", "a"], ["a", ""]])
def test_a_given_header_names_each_column_once(tmp_path: Path, header: list[str]) -> None:
    with pytest.raises(DataError, match="name"):
        batches(put(tmp_path, "1,2\n"), header=header)


def test_an_empty_file_with_a_given_header_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no rows"):
        batches(put(tmp_path, ""), header=["a"])


def test_a_nul_in_a_text_is_part_of_it(tmp_path: Path) -> None:
    assert read(put(tmp_path, b"a,b\nx\0y,1\nlonger text,2\n"))["a"][0] == "x\0y"


def test_utf_16_without_its_mark_is_recognised(tmp_path: Path) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        path = put(tmp_path, "name,n\nKim,1\n".encode(encoding))
        with pytest.raises(DataError, match="UTF-8") as caught:
            batches(path)
        assert f'encoding="{encoding}"' in str(caught.value)
        with pytest.raises(DataError, match="not utf-16 text"):
            batches(path, encoding="utf-16")


def test_an_encoding_of_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no encoding 'base64'"):
        batches(put(tmp_path, "a\n1\n"), encoding="base64")


def test_rows_of_another_width_are_set_aside(tmp_path: Path) -> None:
    found = batches(put(tmp_path, "a,b\n1,2\n3\n4,5,6\n\n7,8\n"), on_bad_rows="quarantine")
    assert [row for batch in found for row in batch.frame.rows()] == [(1, 2), (7, 8)]
    assert refused(found) == [
        Refused("data.csv", "line 3", "1 field instead of 2", "3"),
        Refused("data.csv", "line 4", "3 fields instead of 2", "4,5,6"),
    ]
    assert sum(batch.found or 0 for batch in found) == 4


def test_rows_that_are_no_text_are_set_aside(tmp_path: Path) -> None:
    path = put(tmp_path, b"a,b\ncaf\xe9,1\ntea,2\n\xff,3\n")
    found = batches(path, on_bad_rows="quarantine")
    assert [row for batch in found for row in batch.frame.rows()] == [("tea", 2)]
    assert [each.place for each in refused(found)] == ["line 2", "line 4"]
    assert refused(found)[0].text == "caf\ufffd,1"
    korean = "도시,n\n서울,1\n".encode("cp949") + b"\xff\xff,2\n"
    found = batches(put(tmp_path, korean), on_bad_rows="quarantine", encoding="cp949")
    assert [row for batch in found for row in batch.frame.rows()] == [("서울", 1)]
    assert [each.place for each in refused(found)] == ["line 3"]


def test_a_header_that_is_wrong_is_an_error_even_where_rows_are_set_aside(tmp_path: Path) -> None:
    for content in (b'a"b,c\n1,2\n', b"a\xff,b\n1,2\n", b"a,a\n1,2\n", b'"a,b\n1,2\n'):
        with pytest.raises(DataError):
            batches(put(tmp_path, content), on_bad_rows="quarantine")


def test_a_header_with_a_line_end_of_another_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line end of another kind"):
        batches(put(tmp_path, "a\rb,c\n1,2\n"))


def test_line_ends_of_old_macintosh_programs_are_not_mixed_with_others(tmp_path: Path) -> None:
    content = b"a,b\r" + b"1,2\r" * 300_000
    assert read(put(tmp_path, content)).height == 300_000
    with pytest.raises(DataError, match="line ends are of two kinds"):
        batches(put(tmp_path, content + b"3,4\n"))


def test_all_rows_may_be_set_aside(tmp_path: Path) -> None:
    found = batches(put(tmp_path, "a,b\n1\n2\n"), on_bad_rows="quarantine")
    assert len(refused(found)) == 2
    assert all(batch.frame.height == 0 for batch in found)


def test_the_text_of_a_refused_row_is_cut(tmp_path: Path) -> None:
    found = batches(put(tmp_path, "a,b\n1,2\n" + "é" * 5000 + "\n"), on_bad_rows="quarantine")
    assert [each.text for each in refused(found)] == ["é" * 1000]


@pytest.mark.parametrize("size", [1 << 12, 1 << 25])
def test_adult_is_read_as_its_description_says(size: int) -> None:
    path = adult("adult.data")
    options = {"header": ADULT, "null_values": ["?", ""], "batch_bytes": size}
    frame = read(path, **options)
    with path.open(newline="") as file:
        expected = [row for row in csv.reader(file, skipinitialspace=True) if row]
    assert frame.height == len(expected) == 32_561
    assert frame["age"].to_list() == [int(row[0]) for row in expected]
    missing = {name: sum(row[i] == "?" for row in expected) for i, name in enumerate(ADULT)}
    assert {name: frame[name].null_count() for name in ADULT} == missing
    assert sum(frame["workclass"].is_null()) == 1836


def test_the_remark_before_the_rows_of_adult_test_is_set_aside_or_named() -> None:
    path = adult("adult.test")
    options = {"header": ADULT, "null_values": ["?", ""]}
    found = batches(path, on_bad_rows="quarantine", **options)
    assert sum(batch.frame.height for batch in found) == 16_281
    assert [each.place for each in refused(found)] == ["line 1"]
    with pytest.raises(DataError, match="line 1: the row has too few fields"):
        batches(path, **options)


def test_strip_takes_the_spaces_around_the_values_of_adult(tmp_path: Path) -> None:
    path = adult("adult.data")
    with path.open(newline="") as file:
        expected = [row for row in csv.reader(file, skipinitialspace=True) if row]
    assert read(path, header=ADULT)["income"].unique().sort().to_list() == [" <=50K", " >50K"]
    for size in (1 << 12, 1 << 25):
        frame = read(path, header=ADULT, null_values=["?", ""], strip=True, batch_bytes=size)
        assert frame["income"].unique().sort().to_list() == ["<=50K", ">50K"]
        for place, name in enumerate(ADULT):
            found = [None if value is None else str(value) for value in frame[name].to_list()]
            assert found == [None if row[place] == "?" else row[place] for row in expected]


def test_strip_goes_for_names_nulls_and_given_types_and_not_for_what_stands_inside(
    tmp_path: Path,
) -> None:
    path = put(tmp_path, "a , b,\tc\n 1,  x y ,  NA \n2 ,\t,  \n 3, z, w\n")
    frame = read(path, strip=True)
    assert frame.to_dict(as_series=False) == {
        "a": [1, 2, 3],
        "b": ["x y", None, "z"],
        "c": [None, None, "w"],
    }
    assert read(path, strip=True, types={"a": "string"})["a"].to_list() == ["1", "2", "3"]
    kept = read(path, strip=True, null_values=["w"])
    assert kept["b"].to_list() == ["x y", "", "z"]
    assert kept["c"].to_list() == ["NA", "", None]
    assert read(path, null_values=[]).columns == ["a ", " b", "\tc"]
