"""From what a user names to the places that are meant: files, folders, patterns, file systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import polars as pl
import pytest

from dure.data.batch import ReadOptions
from dure.data.sources import Found, database_name, find
from dure.errors import DataError, UsageError

pytestmark = pytest.mark.usefixtures("clients_leave_sockets")


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a\n1\n")


def found_names(found: Found) -> list[str]:
    return [location.name for location in found.locations]


def refusal(source: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        find(source, ReadOptions(**options))  # type: ignore[arg-type]
    return str(caught.value)


def test_a_file_that_is_not_there_is_named_with_its_neighbours(tmp_path: Path) -> None:
    put(tmp_path, "trips.csv")
    message = refusal(tmp_path / "trip.csv")
    assert f"there is no file or folder '{tmp_path / 'trip.csv'}'" in message
    assert "trips.csv" in message
    assert "is not there either" in refusal(tmp_path / "no" / "trip.csv")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("data.xlsx", "format="),
        ("data", "format="),
        ("data.json", 'format="jsonl"'),
        ("data.txt", 'format="csv"'),
        ("data.db", "sqlite:///"),
        ("data.duckdb", "duckdb:///"),
        ("data.xlsx.gz", "format="),
    ],
)
def test_an_ending_that_is_not_known_is_refused_with_what_to_do(
    tmp_path: Path, name: str, fix: str
) -> None:
    put(tmp_path, name)
    message = refusal(tmp_path / name)
    assert f"cannot tell the format of '{tmp_path / name}'" in message
    assert ".csv" in message
    assert ".parquet" in message
    assert fix in message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("A.CSV", "csv"),
        ("a.csv.gz", "csv"),
        ("a.CSV.BZ2", "csv"),
        ("a.tsv.xz", "tsv"),
        ("a.jsonl.zst", "jsonl"),
        ("a.csv-00000-of-00002", "csv"),
        ("a.csv-00000-of-00002.gz", "csv"),
        ("train_tfrecord-00000-of-00001.gz", "tfrecord"),
        ("a.parquet", "parquet"),
        ("a.npz", "numpy"),
        ("a.feather", "arrow"),
    ],
)
def test_the_ending_says_the_format(tmp_path: Path, name: str, kind: str) -> None:
    put(tmp_path, name)
    found = find(tmp_path / name)
    assert (found.kind, found_names(found), found.label) == (kind, [name], name)


def test_a_named_format_overrules_the_ending(tmp_path: Path) -> None:
    put(tmp_path, "adult.data")
    assert find(tmp_path / "adult.data", ReadOptions(format="csv")).kind == "csv"
    assert find(tmp_path / "adult.data", ReadOptions(format="my.module:read")).kind == (
        "my.module:read"
    )
    with pytest.raises(UsageError, match="no format 'cvs'") as caught:
        find(tmp_path / "adult.data", ReadOptions(format="cvs"))
    assert "did you mean 'csv'" in str(caught.value)


def test_a_folder_is_its_data_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    put(tmp_path, "b.csv", "a.csv.gz", "c.csv", ".hidden.csv", "_SUCCESS", "README.txt")
    put(tmp_path, "deep/d.csv")
    found = find(tmp_path)
    assert (found.kind, found_names(found)) == ("csv", ["a.csv.gz", "b.csv", "c.csv"])
    assert found.label == tmp_path.name


def test_formats_of_a_folder_are_not_mixed_unless_one_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "b.parquet", "c.csv")
    message = refusal(tmp_path)
    assert "csv and parquet files are mixed" in message
    assert "a.csv" in message
    assert "b.parquet" in message
    assert found_names(find(tmp_path, ReadOptions(format="csv"))) == ["a.csv", "c.csv"]
    assert "has no data files" in refusal(tmp_path, format="avro")


def test_a_named_format_takes_the_files_of_a_folder_that_end_in_none(tmp_path: Path) -> None:
    put(tmp_path, "part-0", "part-1", "notes.parquet")
    assert found_names(find(tmp_path, ReadOptions(format="csv"))) == ["part-0", "part-1"]


def test_a_folder_of_images_is_one_source(tmp_path: Path) -> None:
    put(tmp_path, "cats/1.png", "dogs/2.jpg", "notes.txt")
    found = find(tmp_path)
    assert (found.kind, [place.path for place in found.locations]) == ("images", [tmp_path])
    assert "read by the folder" in refusal(tmp_path / "cats/1.png")


def test_a_pattern_takes_what_matches_and_looks_into_folders(tmp_path: Path) -> None:
    put(tmp_path, "t-1.csv", "deep/t-2.csv", "u.csv")
    assert found_names(find(str(tmp_path / "t-*.csv"))) == ["t-1.csv"]
    assert found_names(find(str(tmp_path / "**" / "t-?.csv"))) == ["t-2.csv", "t-1.csv"]
    assert "csv and parquet files are mixed" in refusal_of_mixed_pattern(tmp_path)


def refusal_of_mixed_pattern(folder: Path) -> str:
    put(folder, "t-3.parquet")
    return refusal(str(folder / "t-*"))


def test_a_path_that_exists_is_no_pattern(tmp_path: Path) -> None:
    put(tmp_path, "t[1].csv", "t1.csv")
    assert found_names(find(tmp_path / "t[1].csv")) == ["t[1].csv"]


def test_a_pattern_or_folder_without_files_is_refused(tmp_path: Path) -> None:
    assert "no file matches the pattern" in refusal(str(tmp_path / "*.csv"))
    assert "has no data files" in refusal(tmp_path)
    assert "an empty folder" in refusal(tmp_path)
    put(tmp_path, "notes.txt~")
    assert "1 entry: notes.txt~" in refusal(tmp_path)
    (tmp_path / "year=2024").mkdir()
    assert "**/*.parquet" in refusal(tmp_path)


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    put(tmp_path, "a b.csv")
    found = find(f"file://{tmp_path}/a%20b.csv")
    assert found.locations[0].path == tmp_path / "a b.csv"
    assert found_names(find(f"file://{tmp_path}/*.csv")) == ["a b.csv"]


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    message = refusal(tmp_path)
    assert f"no permission to read '{tmp_path}'" in message
    assert "ls -ld" in message


def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.csv")
    [place] = find(tmp_path / "a.csv").locations

    def refuse(self: Path, mode: str) -> object:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="no permission to read"):
        place.open()


def test_the_url_of_a_database_is_one_place_and_its_password_no_part_of_its_name() -> None:
    found = find("postgresql+psycopg://ann:se/cr@t@db.example/trips?sslpassword=x")
    [place] = found.locations
    assert (found.kind, found.label) == ("sql", "trips")
    assert place.url == "postgresql+psycopg://ann:***@db.example/trips?…"
    assert "se/cr" not in repr(place)
    assert "sslpassword" not in repr(found)
    assert database_name("sqlite:///folder/trips.db") == "trips.db"
    assert database_name("postgresql://ann:secret@host") == "host"


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_files_folders_and_patterns_are_found_behind_urls(
    memory: fsspec.AbstractFileSystem,
) -> None:
    for name in ("b.csv", "a.csv", ".hidden.csv", "_SUCCESS", "notes.txt", "deep/c.csv"):
        memory.pipe(f"/data/{name}", b"a\n1\n")
    folder = find("memory://data")
    assert (folder.kind, found_names(folder), folder.label) == ("csv", ["a.csv", "b.csv"], "data")
    assert found_names(find("memory://data/")) == ["a.csv", "b.csv"]
    assert found_names(find("memory://data/b.csv")) == ["b.csv"]
    assert found_names(find("memory://data/**/*.csv")) == ["a.csv", "b.csv", "c.csv"]
    assert found_names(find("memory://data/.*.csv")) == [".hidden.csv"]
    with folder.locations[0].open() as file:
        assert file.read() == b"a\n1\n"


def test_what_is_not_there_behind_a_url_is_named(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe("/data/deep/a.csv", b"")
    assert "there is no file or folder 'memory://none.csv'" in refusal("memory://none.csv")
    assert "no file matches the pattern" in refusal("memory://data/*.csv")
    message = refusal("memory://data")
    assert "has no data files" in message
    assert "memory://data/**/*" in message


def test_a_url_of_a_kind_that_nothing_reads_is_refused() -> None:
    with pytest.raises(UsageError, match="gopher://"):
        find("gopher://host/a.csv")


def test_a_source_is_a_path_and_no_frame() -> None:
    with pytest.raises(TypeError):
        find(pl.DataFrame({"a": [1]}))  # type: ignore[arg-type]
