"""What is in the store is whole; what is not whole is not in the store."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.artifact import Artifact
from dure.errors import DataError, StoreError
from dure.runner.store import Store, Stored, digest_folder, read_json, write_json, writing


class Files(Artifact):
    """Files by path; None is a folder."""

    def __init__(self, files: dict[str, bytes | None]) -> None:
        self.files = files

    def save(self, directory: Path) -> None:
        for name, content in self.files.items():
            path = directory / name
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    @classmethod
    def load(cls, directory: Path) -> Self:
        files = {p.relative_to(directory).as_posix(): p for p in directory.rglob("*")}
        return cls({n: None if p.is_dir() else p.read_bytes() for n, p in files.items()})


CONTENT = {"a.txt": b"one", "b/c.txt": b"two", "empty": None}


@pytest.fixture
def staging(store: Store) -> Iterator[Path]:
    with store.staging("run-1") as folder:
        yield folder


def everything_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def test_what_is_published_can_be_loaded_and_nothing_is_left_in_staging(
    store: Store, staging: Path
) -> None:
    stored = store.publish(Files(CONTENT), staging)
    assert stored.type == "Files"
    assert stored.uid == f"Files:{stored.digest}"
    assert stored.path == store.root / "artifacts" / "Files" / stored.digest
    assert Files.load(stored.path).files == {**CONTENT, "b": None}
    assert store.problem(stored) is None
    assert list(store.all()) == [stored]
    assert everything_in(staging) == []


def test_the_same_content_is_the_same_folder(store: Store, staging: Path) -> None:
    first = store.publish(Files(CONTENT), staging)
    before = first.path.stat().st_ino
    again = store.publish(Files(dict(reversed(CONTENT.items()))), staging)
    assert again == first
    assert again.path.stat().st_ino == before
    assert everything_in(staging) == []


FILES = st.dictionaries(
    st.sampled_from(["a", "b", "ab", "c/a", "c/b", "é", "a.txt"]),
    st.one_of(st.none(), st.sampled_from([b"", b"a", b"b", b"ab"])),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(FILES, FILES)
def test_two_folders_share_a_digest_exactly_when_their_names_and_bytes_agree(
    tmp_path_factory: pytest.TempPathFactory,
    one: dict[str, bytes | None],
    two: dict[str, bytes | None],
) -> None:
    folders = [tmp_path_factory.mktemp("folder") for _ in range(2)]
    for folder, files in zip(folders, (one, two), strict=True):
        Files(files).save(folder)
    same = Files.load(folders[0]).files == Files.load(folders[1]).files
    assert (digest_folder(folders[0]) == digest_folder(folders[1])) == same


@pytest.mark.parametrize("target", ["a.txt", "b", "/etc/hostname", "nowhere"])
def test_a_symbolic_link_is_refused(target: str, store: Store, staging: Path) -> None:
    class Linking(Files):
        def save(self, directory: Path) -> None:
            super().save(directory)
            (directory / "link").symlink_to(target)

    with pytest.raises(StoreError, match="cannot be part of an artifact") as caught:
        store.publish(Linking(CONTENT), staging)
    assert "a symbolic link" in str(caught.value)
    assert "copy of what it points to" in str(caught.value)
    assert list(store.all()) == []
    assert everything_in(staging) == []


def test_a_special_file_is_refused(store: Store, staging: Path) -> None:
    class Piping(Files):
        def save(self, directory: Path) -> None:
            os.mkfifo(directory / "pipe")

    with pytest.raises(StoreError, match="a special file"):
        store.publish(Piping({}), staging)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "a changed byte": lambda folder: flip(folder / "a.txt"),
    "a truncated file": lambda folder: os.truncate(folder / "b/c.txt", 1),
    "a missing file": lambda folder: (folder / "a.txt").unlink(),
    "an extra file": lambda folder: (folder / "b/d.txt").write_text(""),
    "an extra empty folder": lambda folder: (folder / "b/d").mkdir(),
    "a missing empty folder": lambda folder: (folder / "empty").rmdir(),
    "a file in place of a folder": lambda folder: (
        (folder / "empty").rmdir(),
        (folder / "empty").write_text(""),
    ),
    "a renamed file": lambda folder: (folder / "a.txt").rename(folder / "z.txt"),
    "a link to the same bytes": lambda folder: (
        shutil.copy(folder / "a.txt", folder.parent / "copy"),
        (folder / "a.txt").unlink(),
        (folder / "a.txt").symlink_to(folder.parent / "copy"),
    ),
    "nothing left": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed_and_mended_when_the_same_is_published_again(
    damage: str, store: Store, staging: Path
) -> None:
    stored = store.publish(Files(CONTENT), staging)
    DAMAGE[damage](stored.path)
    problem = store.problem(stored)
    assert problem is not None
    words = {"nothing left": "gone", "a link to the same bytes": "a symbolic link"}
    assert words.get(damage, "changed since they were written") in problem
    assert store.publish(Files(CONTENT), staging) == stored
    assert store.problem(stored) is None
    assert everything_in(staging) == []


def test_an_artifact_that_cannot_be_read_is_a_problem_in_words(
    store: Store, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.publish(Files(CONTENT), staging)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr("dure.runner.store.digest_file", refuse)
    assert "cannot be read" in (store.problem(stored) or "")


WATCH = """
    import os, sys, time
    from pathlib import Path
    from dure.runner.store import digest_folder
    root = Path(sys.argv[1]) / "artifacts" / "Slow"
    print("ready", flush=True)
    seen, wrong = set(), []
    while len(seen) < 12:
        for name in os.listdir(root) if root.is_dir() else ():
            if name not in seen:
                seen.add(name)
                if digest_folder(root / name) != name:
                    wrong.append(name)
    print(wrong)
"""


def test_a_reader_in_another_process_never_sees_a_part(store: Store, staging: Path) -> None:
    class Slow(Files):
        def save(self, directory: Path) -> None:
            for index in range(4):
                (directory / f"{index}").write_text(str(self.files))
                time.sleep(0.005)

    watcher = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WATCH), str(store.root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == "ready\n"
    for index in range(12):
        store.publish(Slow({str(index): None}), staging)
    assert watcher.communicate(timeout=20)[0] == "[]\n"


def test_many_threads_publish_and_damage_the_same_and_all_get_a_whole_one(store: Store) -> None:
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with store.staging(f"run-{number}") as folder:
                for _ in range(10):
                    stored = store.publish(Files(CONTENT), folder)
                    shutil.rmtree(stored.path / "b", ignore_errors=True)
        except BaseException as error:  # noqa: BLE001 - told by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert [e for e in errors if "as often as it is written" not in str(e)] == []
    with store.staging("last") as folder:
        assert store.problem(store.publish(Files(CONTENT), folder)) is None


# --- failures -------------------------------------------------------------------------------------


class Failing(Files):
    error: Exception = OSError()

    def save(self, directory: Path) -> None:
        (directory / "half.txt").write_text("half")
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        OSError("No space left on device (os error 28)"),  # as polars says it
        RuntimeError("parquet: underlying IO error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_said_in_words_and_leaves_nothing(
    error: Exception, store: Store, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Failing, "error", error)
    with pytest.raises(StoreError, match="the disk is full") as caught:
        store.publish(Failing({}), staging)
    assert "a Failing could not be written" in str(caught.value)
    assert "dure gc" in (caught.value.fix or "")
    assert caught.value.__cause__ is error
    assert list(store.all()) == []
    assert everything_in(staging) == []


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), DataError("mine"), KeyError("x")])
def test_an_error_of_the_users_save_is_the_users(
    error: Exception, store: Store, staging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Failing, "error", error)
    with pytest.raises(type(error)) as caught:
        store.publish(Failing({}), staging)
    assert caught.value is error
    assert everything_in(staging) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small file system")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_really_is_full_keeps_what_was_there_and_nothing_else(
    small_disk: Path,
) -> None:
    store = Store(small_disk / "home")
    with store.staging("run-1") as staging:
        kept = store.publish(Files({"a": os.urandom(400_000)}), staging)
        with pytest.raises(StoreError, match="the disk is full"):
            store.publish(Files({"b": os.urandom(400_000), "c": os.urandom(400_000)}), staging)
        assert list(store.all()) == [kept]
        assert store.problem(kept) is None
        assert everything_in(staging) == []
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(900_000))
        record = store.root / "record.json"
        with pytest.raises(StoreError, match="the disk is full"):
            write_json(record, ["x" * 200_000])
        assert not record.exists()
        filler.unlink()
        # There is room again: the same goes on as if nothing had been.
        assert store.publish(Files({"a": b"small"}), staging).path.is_dir()


def test_polars_on_a_full_disk_is_understood(small_disk: Path) -> None:
    polars = pytest.importorskip("polars")

    class Table(Files):
        def save(self, directory: Path) -> None:
            numbers = polars.Series("x", struct.unpack("200000d", os.urandom(1_600_000)))
            polars.DataFrame([numbers]).write_parquet(directory / "t.parquet")

    store = Store(small_disk / "home")
    with store.staging("run-1") as staging, pytest.raises(StoreError, match="the disk is full"):
        store.publish(Table({}), staging)


@pytest.mark.parametrize(
    "code", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST]
)
def test_a_folder_that_may_not_be_written_is_said_in_words(code: int, tmp_path: Path) -> None:
    def fail() -> None:
        with writing("a thing", tmp_path):
            raise OSError(code, os.strerror(code))

    with pytest.raises(StoreError, match="a thing could not be written to") as caught:
        fail()
    assert "may write" in (caught.value.expected or "")
    assert "DURE_HOME" in (caught.value.fix or "")


def test_another_error_of_the_system_passes_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing("a thing", tmp_path):
        (tmp_path / "nowhere" / "file").write_text("")


def test_a_home_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(StoreError, match="staging folder could not be written"):
        Store(tmp_path / "home").staging("run-1").__enter__()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """Make a folder that this process may not write to."""
    importlib.import_module("filelock")  # while everything may be read
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    root = os.geteuid() == 0  # who may write everywhere
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)


def test_a_home_in_a_folder_without_permission_is_refused_in_words(locked: Path) -> None:
    with pytest.raises(StoreError, match="staging folder could not be written") as caught:
        Store(locked / "home").staging("run").__enter__()
    assert "Permission denied" in str(caught.value)
    assert "DURE_HOME" in str(caught.value)
    with pytest.raises(StoreError, match="a record could not be written"):
        write_json(locked / "cache" / "x.json", 1)


# --- staging --------------------------------------------------------------------------------------

OWNER = """
    import sys, time
    from pathlib import Path
    from dure.runner.store import Store
    store = Store(Path(sys.argv[1]))
    with store.staging("other") as folder:
        (folder / "half").write_text("half")
        print("ready", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def owner(store: Store) -> Iterator[subprocess.Popen[str]]:
    """Run a process that writes into staging for a minute."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(store.root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_staging_of_a_living_process_is_left_alone(
    store: Store, owner: subprocess.Popen[str]
) -> None:
    assert store.sweep() == []
    assert everything_in(store.root / "staging") == ["other", "other.lock", "other/half"]


def test_the_staging_of_a_killed_process_is_swept_and_its_death_is_told_first(
    store: Store, owner: subprocess.Popen[str]
) -> None:
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    told: list[tuple[str, bool]] = []
    swept = store.sweep(lambda n: told.append((n, (store.root / "staging" / n / "half").exists())))
    assert swept == ["other"]
    assert told == [("other", True)]
    assert everything_in(store.root / "staging") == []
    assert store.sweep() == []


def test_ones_own_staging_is_not_swept(store: Store, staging: Path) -> None:
    assert store.sweep() == []
    assert staging.is_dir()


def test_staging_is_removed_at_the_end_whatever_happens(store: Store) -> None:
    def fail() -> None:
        with store.staging("run-1") as folder:
            (folder / "half").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert everything_in(store.root / "staging") == []
    with store.staging("run-1") as folder:
        assert everything_in(folder) == []


def test_a_store_that_was_never_written_to_is_empty(store: Store) -> None:
    assert store.sweep() == []
    assert list(store.all()) == []
    assert not store.root.exists()
    assert store.problem(store.locate("Files", "0" * 32)) == "its files are gone"


def test_removing_leaves_nothing(store: Store, staging: Path) -> None:
    stored = store.publish(Files(CONTENT), staging)
    kept = store.publish(Files({"other": b""}), staging)
    store.remove(stored)
    store.remove(stored)  # somebody else was faster
    assert list(store.all()) == [kept]
    assert store.sweep() == []


# --- records --------------------------------------------------------------------------------------


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.json"
    record = {"b": [1, 2.5, None, "é두"], "a": {}}
    write_json(path, record)
    assert read_json(path) == record
    assert json.loads(path.read_text(encoding="utf-8")) == record
    write_json(path, 1)
    assert read_json(path) == 1
    assert everything_in(tmp_path) == ["a", "a/b.json"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe", b"\0\0\0"])
def test_a_record_that_cannot_be_read_is_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert read_json(path) is None
    assert read_json(tmp_path / "nowhere.json") is None
    assert read_json(path / "below.json") is None


def test_readers_never_see_half_a_record(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    texts = ["x" * 200_000, "y" * 200_000]
    write_json(path, texts[0])
    stop = threading.Event()
    seen: set[Any] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(read_json(path))

    readers = [threading.Thread(target=read) for _ in range(3)]
    [reader.start() for reader in readers]
    for turn in range(150):
        write_json(path, texts[turn % 2])
    stop.set()
    [reader.join() for reader in readers]
    assert seen <= set(texts)
    assert everything_in(tmp_path) == ["record.json"]


def test_what_cannot_be_written_as_json_leaves_the_old_record(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, 1)
    with pytest.raises(TypeError):
        write_json(path, object())
    assert read_json(path) == 1
    assert everything_in(tmp_path) == ["x.json"]


def test_a_stored_artifact_is_a_value() -> None:
    assert Stored("A", "0", Path("x")) == Stored("A", "0", Path("x"))
