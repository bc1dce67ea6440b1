"""Files, folders, patterns and frames as sources; Parquet."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dure.data import read
from dure.errors import DataError, UsageError


def refusal(source: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(source, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_file_that_is_not_there_is_named_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("a\n1\n")
    message = refusal(tmp_path / "trip.csv")
    assert f"there is no file or folder '{tmp_path / 'trip.csv'}'" in message
    assert "trips.csv" in message
    assert "is not there either" in refusal(tmp_path / "no" / "trip.csv")


@pytest.mark.parametrize("name", ["data.xlsx", "data", "data.csv.gz"])
def test_an_ending_that_is_not_known_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a\n1\n")
    message = refusal(tmp_path / name)
    assert f"cannot tell the format of '{tmp_path / name}'" in message
    assert ".csv or .parquet" in message


def test_endings_are_read_in_upper_case_too(tmp_path: Path) -> None:
    (tmp_path / "DATA.CSV").write_text("a\n1\n")
    assert read(tmp_path / "DATA.CSV").rows() == [(1,)]


def test_a_folder_is_its_data_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, text in {
        "b.csv": "x,y\n3,c\n",
        "a.csv": "y,x\na,1\nb,2\n",
        ".hidden.csv": "z\n9\n",
        "_SUCCESS": "",
        "README.txt": "hello",
    }.items():
        (tmp_path / name).write_text(text)
    frame = read(str(tmp_path))
    assert frame.columns == ["y", "x"]
    assert frame.rows() == [("a", 1), ("b", 2), ("c", 3)]


def test_types_are_inferred_over_all_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,n\n1,\n2,\n")
    (tmp_path / "b.csv").write_text("x,n\n2.5,7\n")
    frame = read(tmp_path)
    assert frame["x"].to_list() == [1.0, 2.0, 2.5]
    assert frame["n"].to_list() == [None, None, 7]


def test_a_bad_value_is_located_in_the_right_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n2\n")
    (tmp_path / "b.csv").write_text("x\n\n3\nno\n")
    assert "b.csv', line 4" in refusal(tmp_path, types={"x": "int"})


def test_a_pattern_takes_what_matches_and_looks_into_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "t-1.csv").write_text("a\n1\n")
    (tmp_path / "deep" / "t-2.csv").write_text("a\n2\n")
    (tmp_path / "u.csv").write_text("a\n9\n")
    assert read(str(tmp_path / "t-*.csv")).rows() == [(1,)]
    assert sorted(read(str(tmp_path / "**" / "t-?.csv")).rows()) == [(1,), (2,)]


def test_a_path_that_exists_is_no_pattern(tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        path = tmp_path / f"t[1].{kind}"
        frame = pl.DataFrame({"a": [1]})
        frame.write_csv(path) if kind == "csv" else frame.write_parquet(path)
        assert read(path).rows() == [(1,)]


def test_a_pattern_or_folder_without_files_is_refused(tmp_path: Path) -> None:
    assert "no file matches the pattern" in refusal(str(tmp_path / "*.csv"))
    assert "has no data files" in refusal(tmp_path)
    (tmp_path / "year=2024").mkdir()
    assert "**/*.parquet" in refusal(tmp_path)


def test_formats_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "b.parquet")
    assert "CSV and Parquet files are mixed" in refusal(tmp_path)


def test_files_whose_columns_differ_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("fare,tips\n1,2\n")
    (tmp_path / "b.csv").write_text("fare,tip\n1,2\n")
    message = refusal(tmp_path)
    assert f"the columns of '{tmp_path / 'b.csv'}' differ" in message
    assert "'tips' is missing (did you mean 'tip'?" in message


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    message = refusal(tmp_path)
    assert f"no permission to read '{tmp_path}'" in message
    assert "ls -ld" in message


def test_every_flat_polars_type_becomes_one_of_four() -> None:
    day = dt.datetime(2024, 1, 31, 12, 30, tzinfo=dt.UTC)
    frame = pl.DataFrame(
        {
            "u8": pl.Series([1, None], dtype=pl.UInt8),
            "u64": pl.Series([2**63 - 1, None], dtype=pl.UInt64),
            "f32": pl.Series([0.5, None], dtype=pl.Float32),
            "dec": [decimal.Decimal("1.25"), None],
            "cat": pl.Series(["x", None], dtype=pl.Categorical),
            "enum": pl.Series(["x", None], dtype=pl.Enum(["x"])),
            "null": [None, None],
            "date": [day.date(), None],
            "time": [day.time(), None],
            "moment": [day, None],
            "span": [dt.timedelta(hours=1), None],
            "bool": [True, None],
        }
    )
    result = read(frame)
    assert [str(kind) for kind in result.dtypes] == [
        *["Int64", "Int64", "Float64", "Float64"],
        *["String"] * 7,
        "Boolean",
    ]
    first = result.row(0, named=True)
    assert first["u64"] == 2**63 - 1
    assert first["dec"] == 1.25
    assert first["date"] == "2024-01-31"
    assert dt.datetime.fromisoformat(first["moment"]) == day
    assert dt.time.fromisoformat(first["time"]) == day.time()
    assert result.row(1) == (None,) * 12


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        (pl.Series("x", [[1]]), "holds values of the Polars type List"),
        (pl.Series("x", [{"a": 1}]), "Polars type Struct"),
        (pl.Series("x", [b"1"]), "Polars type Binary"),
        (pl.Series("x", [2**63], dtype=pl.UInt64), "do not fit in 64 bits"),
        (pl.Series("", [1]), "column 1 has no name"),
        (pl.Series("x", [], dtype=pl.Int64), "the DataFrame is empty"),
    ],
)
def test_frames_that_are_no_flat_tables_are_refused(series: pl.Series, reason: str) -> None:
    assert reason in refusal(series.to_frame())


def test_a_frame_keeps_its_nulls_and_texts() -> None:
    frame = pl.DataFrame({"s": ["NA", "", None]})
    assert_frame_equal(read(frame), frame)


@pytest.mark.parametrize("source", [None, 7, [1], b"x.csv"])
def test_a_source_of_another_type_is_refused(source: object) -> None:
    with pytest.raises(UsageError, match="wrong type"):
        read(source)  # type: ignore[arg-type]


def test_parquet_files_of_a_folder_are_joined_by_name_and_widened(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1], "b": ["x"], "n": [None]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"b": ["y"], "a": [0.5], "n": [3]}).write_parquet(tmp_path / "2.parquet")
    frame = read(tmp_path)
    assert frame.rows() == [(1.0, "x", None), (0.5, "y", 3)]


def test_parquet_columns_of_types_that_nothing_fits_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"a": ["x"]}).write_parquet(tmp_path / "2.parquet")
    message = refusal(tmp_path)
    assert "column 'a' has more than one type" in message
    assert "int in" in message
    assert "string in" in message


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"not parquet at all")
    assert "cannot be read as Parquet" in refusal(path)
    path.write_bytes(b"")
    assert "cannot be read as Parquet" in refusal(path)


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "cannot be read as Parquet" in refusal(path)


def test_progress_is_told_of_each_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("a\n1\n")
    told: list[tuple[float, float | None, str]] = []
    read(
        tmp_path,
        progress=lambda done, total=None, *, unit="rows", note="": told.append((done, total, unit)),
    )
    assert told == [(1, 2, "files"), (2, 2, "files")]
