"""What is left behind: nothing, whether collecting ends, fails, is killed or finds the disk full."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from dure.data import Examples, make_examples
from dure.data.workspace import Workspace, place, sweep
from dure.errors import DataError, StoreError


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    return tmp_path / "temporary"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of more rows than memory has room for."""
    monkeypatch.setattr("dure.data.make._LEAST_MEMORY", 1)
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(300_000), "t": ["some text"] * 300_000}).write_parquet(path)
    return path


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_rows_wait_in_files_and_go_with_the_examples(
    source: Path, temporary: Path, tmp_path: Path
) -> None:
    examples = make_examples(source, memory=1 << 20, folder=temporary)
    assert any(name.endswith("part-00000.parquet") for name in left(temporary))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    examples.save(tmp_path / "a")
    examples.save(tmp_path / "b")  # saving takes nothing away
    rows = sum(examples.rows.values())
    parts = [part.path for part in examples.parts("train")]
    del examples
    gc.collect()
    assert not left(temporary)
    assert all(path is not None and not path.exists() for path in parts)
    for name in "ab":
        loaded = Examples.load(tmp_path / name)
        assert sum(loaded.frame(split).height for split in loaded.splits) == rows == 300_000


def test_what_is_linked_is_not_copied(source: Path, temporary: Path, tmp_path: Path) -> None:
    examples = make_examples(source, memory=1 << 20, folder=temporary)
    (tmp_path / "a").mkdir()
    examples.save(tmp_path / "a")
    part = examples.parts("train")[0].path
    assert part is not None
    assert (tmp_path / "a" / "train" / part.name).samefile(part)
    loaded = Examples.load(tmp_path / "a")
    (tmp_path / "b").mkdir()
    loaded.save(tmp_path / "b")  # of an artifact that is kept, a change must not show in another
    assert not (tmp_path / "b" / "train" / part.name).samefile(part)


def test_another_file_system_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "a").write_bytes(b"rows")
    place(tmp_path / "a", tmp_path / "b", link=True)
    assert (tmp_path / "b").read_bytes() == b"rows"


def test_a_failure_leaves_nothing(source: Path, temporary: Path) -> None:
    with pytest.raises(DataError):
        make_examples(
            [str(source), str(source.with_name("gone.parquet"))], memory=1 << 20, folder=temporary
        )
    second = source.with_name("second.parquet")
    pl.DataFrame({"other": [1]}).write_parquet(second)
    with pytest.raises(DataError, match="differ"):
        make_examples([str(source), str(second)], memory=1 << 20, folder=temporary)
    assert not left(temporary)


def test_the_end_of_the_interpreter_leaves_nothing(source: Path, temporary: Path) -> None:
    code = (
        "import sys, dure.data.make as make; make._LEAST_MEMORY = 1;"
        "e = make.make_examples(sys.argv[1], memory=1 << 20, folder=sys.argv[2]);"
        "print(len(e.parts('train')))"
    )
    subprocess.run([sys.executable, "-c", code, source, temporary], check=True)
    assert temporary.is_dir()
    assert not left(temporary)


def test_what_a_killed_process_left_goes_when_the_next_begins(temporary: Path) -> None:
    code = (
        "import sys, time, pathlib; from dure.data.workspace import Workspace;"
        "w = Workspace(pathlib.Path(sys.argv[1])); (w.folder() / 'rows').write_text('x');"
        "print('ready', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, temporary], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    sweep(temporary)  # it is alive
    assert any(name.endswith("rows") for name in left(temporary))
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    mine = Workspace(temporary)
    mine.folder()
    assert not any(name.endswith("rows") for name in left(temporary))
    mine.remove()
    assert not left(temporary)


def test_a_fork_does_not_remove_what_is_not_its_own(temporary: Path) -> None:
    workspace = Workspace(temporary)
    folder = workspace.folder()
    finalizer = workspace._finalizer
    assert finalizer is not None
    _, function, arguments, _ = finalizer.peek()  # type: ignore[misc]
    function(arguments[0], arguments[1], os.getpid() + 1)
    assert folder.is_dir()
    workspace.remove()
    assert not folder.exists()


def test_a_disk_that_is_full_is_said_and_leaves_nothing(
    source: Path, temporary: Path, tmp_path: Path
) -> None:
    code = (
        "import resource, sys, dure.data.make as make; make._LEAST_MEMORY = 1;"
        "from dure.errors import StoreError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "try:\n"
        "    make.make_examples(sys.argv[1], memory=1 << 20, folder=sys.argv[2])\n"
        "except StoreError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, source, temporary], check=True, capture_output=True, text=True
    )
    assert "cannot write" in done.stdout
    assert "free some space" in done.stdout
    assert not left(temporary)


def test_a_folder_that_cannot_be_written_is_said(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written to"):
        make_examples(source, memory=1 << 20, folder=tmp_path / "file")


def test_a_file_that_is_cut_off_or_goes_is_an_error(source: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.parquet"
    short.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"short\.parquet"):
        make_examples(short)
    with pytest.raises(DataError, match="no file or folder"):
        make_examples(tmp_path / "gone.parquet")


def test_a_part_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    make_examples(pl.DataFrame({"a": range(100)}), splits={"all": 1}).save(tmp_path / "a")
    path = tmp_path / "a" / "all" / "part-00000.parquet"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(StoreError, match="cannot be read"):
        Examples.load(tmp_path / "a").frame("all")


@pytest.mark.slow
def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    rows = 4_000_000
    numbers = {f"n{i}": pl.int_range(rows, eager=True) + i for i in range(10)}
    pl.DataFrame(numbers).write_parquet(tmp_path / "a.parquet")  # 320 MB, read
    code = (
        "import sys, resource; from dure.data import make_examples;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024;"
        "import dure.data.make; before = peak();"
        "e = make_examples(sys.argv[1], memory=64 << 20, folder=sys.argv[2]);"
        "print(sum(e.rows.values()), peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.parquet", tmp_path / "t"],
        check=True,
        capture_output=True,
        text=True,
    )
    kept, more = map(int, done.stdout.split())
    assert kept == rows
    assert more < 160  # MiB: the setting, and what Polars' own pages and threads take


def test_a_workspace_that_is_never_needed_is_never_made(temporary: Path) -> None:
    make_examples(pl.DataFrame({"a": range(100)}), folder=temporary)
    assert not temporary.exists()
