"""What tells that data behind a URL has changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import fsspec
import pytest

from dure.data.state import source_state
from dure.errors import FingerprintError


def test_local_paths_and_patterns_are_left_to_the_caller(tmp_path: Path) -> None:
    assert source_state(tmp_path / "a.csv") is None
    assert source_state("data/*.csv") is None


def test_a_file_url_counts_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a b.csv"
    path.write_text("a\n1\n")
    before = source_state(path.as_uri())
    assert source_state(path.as_uri()) == before
    path.write_text("a\n2\n")
    assert source_state(path.as_uri()) != before


def test_objects_count_by_name_and_by_what_the_store_says() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/state/a.csv", b"a\n1\n")
    one = source_state("memory://state/*.csv")
    assert source_state("memory://state/*.csv") == one
    system.pipe("/state/a.csv", b"a\n2\n")  # same size, another time
    two = source_state("memory://state/*.csv")
    system.pipe("/state/b.csv", b"a\n3\n")
    three = source_state("memory://state/*.csv")
    assert len({one, two, three}) == 3


def test_nothing_there_is_no_state() -> None:
    with pytest.raises(FingerprintError, match="nothing is at"):
        source_state("memory://nowhere/at/all.csv")


def test_a_database_that_is_a_file_counts_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a)")
    connection.close()
    before = source_state(f"sqlite:///{path}")
    assert source_state(f"sqlite:///{path}") == before
    assert source_state(f"sqlite:///{path}?table=t") != before
    with sqlite3.connect(path) as connection:
        connection.execute("insert into t values (1)")
    connection.close()
    assert source_state(f"sqlite:///{path}") != before


@pytest.mark.parametrize(
    "url", ["postgresql://ann:secret@db.example/trips", "bigquery://project/dataset/table"]
)
def test_of_a_database_server_nothing_tells_and_no_password_is_shown(url: str) -> None:
    with pytest.raises(FingerprintError, match="nothing tells") as caught:
        source_state(url)
    assert "secret" not in str(caught.value)


def test_a_pattern_with_spans_counts_by_all_that_matches_it(tmp_path: Path) -> None:
    pattern = str(tmp_path / "day-{SPAN}" / "v{VERSION}" / "*.csv")
    with pytest.raises(FingerprintError, match="nothing matches"):
        source_state(pattern)
    for span in (1, 2):
        put_span(tmp_path, span, 1, "a\n1\n")
    states = [source_state(pattern)]
    assert source_state(pattern) == states[0]
    put_span(tmp_path, 1, 1, "a\n2\n")  # other values in an old span
    states.append(source_state(pattern))
    put_span(tmp_path, 2, 2, "a\n1\n")  # another version
    states.append(source_state(pattern))
    put_span(tmp_path, 3, 1, "a\n1\n")  # a new span
    states.append(source_state(pattern))
    (tmp_path / "day-3").rename(tmp_path / "day-4")
    states.append(source_state(pattern))
    assert None not in states
    assert len(set(states)) == 5


def test_a_folder_of_a_span_counts_by_what_is_in_it(tmp_path: Path) -> None:
    put_span(tmp_path, 1, 1, "a\n1\n")
    before = source_state(str(tmp_path / "day-{SPAN}"))
    put_span(tmp_path, 1, 1, "a\n2\n")
    assert source_state(str(tmp_path / "day-{SPAN}")) != before


def test_spans_behind_a_url_count_by_what_the_store_says() -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/spans/1/a.csv", b"a\n1\n")
    one = source_state("memory://spans/{SPAN}/*.csv")
    assert source_state("memory://spans/{SPAN}/*.csv") == one
    system.pipe("/spans/2/a.csv", b"a\n1\n")
    assert source_state("memory://spans/{SPAN}/*.csv") != one


def put_span(folder: Path, span: int, version: int, text: str) -> None:
    path = folder / f"day-{span}" / f"v{version}" / "a.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
