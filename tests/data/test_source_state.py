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
