"""The contract on SQLite, and what only a file can do wrong."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from lineage_contract import LineageContract, command, run_of, step

import dure.lineage
from dure.errors import LineageError
from dure.lineage import Lineage
from dure.lineage.connection import connect
from dure.lineage.versions import HEAD


def python(code, *arguments):
    """Run code in a fresh interpreter; return what it prints."""
    found = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


class TestSQLite(LineageContract):
    @pytest.fixture
    def url(self, tmp_path):
        return str(tmp_path / "lineage.db")

    @pytest.fixture
    def empty_engine(self, url):
        engine = connect(url, create=True, timeout=5.0)
        yield engine
        engine.dispose()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lineage.db"


def test_the_version_is_alembics_head():
    config = Config()
    folder = Path(dure.lineage.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_package_imports_no_database():
    code = "import dure.lineage, sys; print({'sqlalchemy', 'alembic', 'filelock'} & {*sys.modules})"
    assert python(code) == "set()\n"


def test_a_current_database_is_opened_and_written_without_alembic(path):
    Lineage.open(path).close()
    code = """
import sys
from dure.lineage import Change, ContextRecord, Recorder
problems = []
recorder = Recorder(sys.argv[1], sys.argv[1] + ".spool", problems.append)
recorder.record(Change(contexts=(ContextRecord("run", "r1", "RUNNING", 1.0),)))
recorder.close()
print(problems, {"alembic", "filelock", "psycopg"} & {*sys.modules}, "sqlalchemy" in sys.modules)
"""
    assert python(code, path) == "[] set() True\n"


def test_a_path_and_a_url_are_the_same_database(path):
    with Lineage.open(path) as lineage:
        lineage.apply(run_of("r1"))
    for where in (str(path), f"sqlite:///{path}"):
        with Lineage.open(where, create=False) as lineage:
            assert lineage.run("last").name == "r1"


def test_the_folder_of_a_new_database_is_made(tmp_path):
    Lineage.open(tmp_path / "a" / "b" / "lineage.db").close()
    assert (tmp_path / "a" / "b" / "lineage.db").is_file()


def test_the_settings_for_many_writers_are_on(path):
    with Lineage.open(path) as lineage, lineage._engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "busy_timeout": 30_000,
        "foreign_keys": 1,
    }


@pytest.mark.parametrize(
    "content",
    [b"name,value\n1,2\n", random.Random(0).randbytes(9000), b"S", b"SQLite format 2\0" * 99],
    ids=["text", "random", "one byte", "another format"],
)
def test_a_file_that_is_no_database_is_refused_and_not_touched(path, content):
    path.write_bytes(content)
    with pytest.raises(LineageError) as caught:
        Lineage.open(path)
    assert path.read_bytes() == content
    assert [item.name for item in path.parent.iterdir()] == ["lineage.db"]
    message = str(caught.value)
    assert f"{path} is no lineage database" in message
    assert "expected: an SQLite database" in message
    assert "it was not touched" in message


def test_a_damaged_database_is_refused_and_not_touched(path):
    content = b"SQLite format 3\0" + random.Random(0).randbytes(9000)
    path.write_bytes(content)
    with pytest.raises(LineageError, match="cannot be used"):
        Lineage.open(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_not_touched(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()
    with pytest.raises(LineageError, match="belongs to another program"):
        Lineage.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("customers",)]
    connection.close()


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(LineageError, match="cannot be opened") as caught:
        Lineage.open(tmp_path)
    assert caught.value.got == "Is a directory"


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(LineageError, match="cannot be opened"):
        Lineage.open(tmp_path / "file" / "lineage.db")


def test_a_missing_file_is_refused_when_nothing_may_be_made(path):
    with pytest.raises(LineageError) as caught:
        Lineage.open(path, create=False)
    assert "there is no lineage database at" in str(caught.value)
    assert "to do:    run a pipeline first" in str(caught.value)
    assert list(path.parent.iterdir()) == []


def open_to_others(folder):
    """Let other users into a folder of pytest's own, which are closed to them."""
    for place in (folder, *folder.parents):
        if place == Path(tempfile.gettempdir()):
            return
        place.chmod(0o755)


@pytest.mark.parametrize(
    ("mode", "words"), [(0o000, "Permission denied"), (0o444, "readonly|read-only|unable to open")]
)
def test_a_file_without_permission_is_refused(path, mode, words):
    with Lineage.open(path) as lineage:
        lineage.apply(run_of("r1"))
    path.chmod(mode)
    open_to_others(path.parent)
    path.parent.chmod(0o555)
    code = """
import os, sys, re
from dure.errors import LineageError
from dure.lineage import Change, ContextRecord, Lineage
import dure.lineage.versions, sqlalchemy.dialects.sqlite
if os.getuid() == 0:
    os.setuid(65534)
try:
    with Lineage.open(sys.argv[1]) as lineage:
        lineage.apply(Change(contexts=(ContextRecord("run", "r2", "RUNNING", 1.0),)))
except LineageError as error:
    print(error.got if re.search(sys.argv[2], error.got) else repr(error.got))
    assert error.fix
else:
    print("it was opened and written")
"""
    try:
        out = python(code, path, words)
    finally:
        path.parent.chmod(0o755)
    assert not out.startswith(("it was", "'")), out


@pytest.mark.parametrize("where", ["sqlite://", "sqlite:///:memory:", ":memory:"])
def test_lineage_in_memory_is_refused(where):
    with pytest.raises(LineageError, match="cannot be kept in memory"):
        Lineage.open(where)


@pytest.mark.parametrize("where", ["mysql://host/db", "http://host", "", "::://"])
def test_an_address_of_something_else_is_refused(where):
    with pytest.raises(LineageError) as caught:
        Lineage.open(where)
    assert "no address of a lineage database" in str(caught.value)
    assert "postgresql://user@host/database" in str(caught.value)


def test_a_lock_that_is_held_too_long_is_a_clear_error(path):
    with Lineage.open(path, timeout=0.1) as lineage:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LineageError, match="cannot be used") as caught:
            lineage.apply(run_of("r1"))
        assert "locked" in caught.value.got
        assert "another process holds the database" in caught.value.fix
        other.execute("ROLLBACK")
        other.close()
        lineage.apply(run_of("r1"))


def test_reading_goes_on_while_another_process_writes(path):
    with Lineage.open(path, timeout=0.1) as lineage:
        lineage.apply(run_of("r1"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert lineage.run("last").name == "r1"
        other.close()


def test_kill_9_in_the_middle_of_writes_loses_nothing_that_was_said(path):
    chance = random.Random(7)
    said = {}
    for number in range(6):
        writer = subprocess.Popen(
            command(str(path), f"k{number}", 10**6), stdout=subprocess.PIPE, text=True
        )
        first = writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        said[f"k{number}"] = [first, *writer.stdout.read().splitlines(keepends=True)]
        writer.wait()
        writer.stdout.close()
    with Lineage.open(path, create=False) as lineage:
        with lineage._engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        for name, lines in said.items():
            whole = [line for line in lines if line.endswith("\n")]
            kept = lineage.executions(f"run-{name}")
            assert len(kept) in (len(whole), len(whole) + 1)
            assert all(len(lineage.outputs(item.uid)) == 1 for item in kept)


def test_plain_sql_reads_the_tables(path):
    with Lineage.open(path) as lineage:
        lineage.apply(run_of("r1"))
        lineage.apply(step("e1", reads=["a"], writes=["b"], properties={"말": "여행"}))
    connection = sqlite3.connect(path)
    found = connection.execute(
        "SELECT artifact, role, properties FROM event JOIN execution ON uid = execution"
        " WHERE kind = 'OUTPUT'"
    ).fetchall()
    connection.close()
    assert found == [("Model:b", "output[0]", '{"말":"여행"}')]


def test_a_percent_sign_and_a_space_in_the_path_do_no_harm(tmp_path):
    path = tmp_path / "100% sûr" / "계보 #1?.db"
    with Lineage.open(path) as lineage:
        lineage.apply(run_of("r1"))
    assert path.is_file()
    assert os.fspath(path) in repr(lineage)
