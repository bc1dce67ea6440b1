"""A push makes the next version, whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import PushError
from dure.gate import Check, Gate
from dure.push import PushedModel, push, release

PASSED = Gate((Check("auc >= 0.7", "pass", "auc is 0.81", value=0.81),))
FAILED = Gate(
    (
        Check("auc >= 0.7", "fail", "auc is 0.61, below 0.7", value=0.61),
        Check("loss <= 1", "pass", "loss is 0.5", value=0.5),
    )
)
SKIPPED = Gate((Check("auc >= 0.7", "skip", "no rows to judge"),))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "assets" / "deep" / "deeper").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(os.urandom(100_000))
    (folder / "assets" / "deep" / "deeper" / "vocabulary.txt").write_text("a\nb\n")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def visible(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir() if not child.name.startswith("."))


def staged(folder: Path) -> list[str]:
    return [c.name for c in folder.iterdir() if c.name.startswith(".dure-push-") and c.is_dir()]


def test_the_first_push_makes_version_1_with_the_same_files(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "serving" / "taxi"
    pushed = push(model, to=target, gate=PASSED)
    assert pushed == PushedModel("taxi", 1, (target / "1").as_posix(), PASSED, files=pushed.files)
    assert set(pushed.files) == {
        path.relative_to(target / "1").as_posix()
        for path in (target / "1").rglob("*")
        if path.is_file()
    }
    assert contents(target / "1") == contents(model)
    assert visible(target) == ["1"]
    assert staged(target) == []


def test_each_push_is_one_above_the_highest_number_there(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "taxi"
    for name in ("3", "00000007", "latest", "-9", "12a", "٣", "1.5"):
        (target / name).mkdir(parents=True)
    assert push(model, to=target, gate=None).version == 8
    assert push(model, to=target, gate=None).version == 9


def test_a_number_that_no_version_can_have_is_not_counted(model: Path, tmp_path: Path) -> None:
    (tmp_path / "taxi" / str(2**70)).mkdir(parents=True)
    assert push(model, to=tmp_path / "taxi", gate=None).version == 1


def test_an_empty_folder_that_another_program_made_keeps_its_number(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "taxi"
    (target / "1").mkdir(parents=True)
    (target / "2").mkdir()
    (target / "2" / "saved_model.pb").write_text("theirs")
    # It is made after the numbers were looked at.
    monkeypatch.setattr(release, "_next_version", lambda folder: 1)
    assert push(model, to=target, gate=None).version == 3
    assert contents(target / "1") == {}
    assert contents(target / "2") == {"saved_model.pb": b"theirs"}


def test_a_failed_gate_stops_the_push_and_says_why(model: Path, tmp_path: Path) -> None:
    with pytest.raises(PushError) as caught:
        push(model, to=tmp_path / "taxi", gate=FAILED)
    text = str(caught.value)
    assert "gate failed" in text
    assert "auc is 0.61, below 0.7" in text
    assert "loss is 0.5" not in text
    assert caught.value.fix
    assert not (tmp_path / "taxi").exists()


@pytest.mark.parametrize("gate", [None, SKIPPED, Gate()])
def test_no_gate_and_a_skipped_one_let_it_through_and_are_recorded(
    model: Path, tmp_path: Path, gate: Gate | None
) -> None:
    pushed = push(model, to=tmp_path / "taxi", gate=gate)
    assert pushed.verdict == gate
    assert pushed.gate is None


@pytest.mark.parametrize(
    ("make", "got"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.write_text("x"), "a file"),
        (lambda folder: folder.mkdir(), "an empty folder"),
        (lambda folder: (folder / "model.keras").mkdir(parents=True), "a folder with model.keras"),
    ],
)
def test_what_is_no_saved_model_is_refused(tmp_path: Path, make: object, got: str) -> None:
    make(tmp_path / "model")  # type: ignore[operator]
    with pytest.raises(PushError) as caught:
        push(tmp_path / "model", to=tmp_path / "taxi", gate=None)
    assert caught.value.got == got
    assert "saved_model.pb" in str(caught.value)
    assert not (tmp_path / "taxi").exists()


def test_a_target_that_is_a_file_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "taxi").write_text("x")
    with pytest.raises(PushError, match="cannot be copied"):
        push(model, to=tmp_path / "taxi", gate=None)
    with pytest.raises(PushError, match="cannot be copied"):
        push(model, to=tmp_path / "taxi" / "below", gate=None)


def test_a_target_without_permission_is_refused(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "taxi"
    target.mkdir(mode=0o555)
    if os.access(target, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(PushError) as caught:
        push(model, to=target, gate=None)
    assert "permission" in str(caught.value).lower()


@pytest.mark.parametrize("function", ["copyfile", "fsync", "rename"])
def test_a_system_error_at_any_step_leaves_nothing_visible(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    owner = {"copyfile": shutil, "fsync": os, "rename": Path}[function]
    monkeypatch.setattr(owner, function, refuse)
    with pytest.raises(PushError, match="Permission denied") as caught:
        push(model, to=tmp_path / "taxi", gate=None)
    assert isinstance(caught.value.__cause__, PermissionError)
    monkeypatch.undo()
    assert visible(tmp_path / "taxi") == []
    assert staged(tmp_path / "taxi") == []


def test_a_full_disk_is_said_with_what_was_needed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = shutil.copyfile, []

    def fill(source: Path, place: Path) -> None:
        calls.append(place)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, place)

    monkeypatch.setattr(shutil, "copyfile", fill)
    with pytest.raises(PushError) as caught:
        push(model, to=tmp_path / "taxi", gate=None)
    assert "no room" in caught.value.what
    assert caught.value.expected == "0.1 MB free"
    assert "No space left" in str(caught.value.got)
    assert visible(tmp_path / "taxi") == []
    assert staged(tmp_path / "taxi") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    place = tmp_path / "disk"
    place.mkdir()
    if not shutil.which("mount") or not hasattr(os, "geteuid") or os.geteuid():
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip(f"mounting is not allowed: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_leaves_the_versions_before_it(
    model: Path, small_disk: Path
) -> None:
    target = small_disk / "taxi"
    # 256 KiB take the model of 100 kB twice.
    assert [push(model, to=target, gate=None).version for _ in range(2)] == [1, 2]
    with pytest.raises(PushError) as caught:
        push(model, to=target, gate=None)
    assert "no room" in caught.value.what
    assert staged(target) == []
    assert visible(target) == ["1", "2"]
    assert contents(target / "1") == contents(target / "2") == contents(model)


def test_a_read_only_disk_is_refused(model: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(PushError, match="cannot be copied") as caught:
        push(model, to=small_disk / "taxi", gate=None)
    assert "Read-only" in str(caught.value.got)


def test_what_a_killed_push_left_is_removed_by_the_next(model: Path, tmp_path: Path) -> None:
    left = tmp_path / "taxi" / ".dure-push-1234-abcd"
    left.mkdir(parents=True)
    (left / "saved_model.pb").write_text("half")
    assert push(model, to=tmp_path / "taxi", gate=None).version == 1
    assert staged(tmp_path / "taxi") == []


PUSH = """
import sys, time
from dure.push import push
slow = float(sys.argv[3])
def progress(done, total=None, *, unit="rows", note=""):
    print("copied", flush=True)
    time.sleep(slow)
print(push(sys.argv[1], to=sys.argv[2], gate=None, progress=progress).version, flush=True)
"""


def start(model: Path, target: Path, slow: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PUSH, str(model), str(target), str(slow)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_kill_9_in_the_middle_leaves_no_version_and_no_debris(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "taxi"
    for _ in range(3):
        child = start(model, target, 30)
        assert child.stdout is not None
        assert child.stdout.readline() == "copied\n"
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert visible(target) == []
        assert len(staged(target)) == 1
    assert push(model, to=target, gate=None).version == 1
    assert staged(target) == []


def test_a_push_under_way_is_not_swept_away(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "taxi"
    child = start(model, target, 0.3)
    assert child.stdout is not None
    assert child.stdout.readline() == "copied\n"
    assert push(model, to=target, gate=None).version == 2
    output, _ = child.communicate()
    assert output.splitlines()[-1] == "1"
    assert contents(target / "1") == contents(target / "2") == contents(model)


def test_pushes_at_the_same_time_get_different_versions(model: Path, tmp_path: Path) -> None:
    children = [start(model, tmp_path / "taxi", 0.01) for _ in range(4)]
    versions = [child.communicate()[0].splitlines()[-1] for child in children]
    assert sorted(versions) == ["1", "2", "3", "4"]
    for name in visible(tmp_path / "taxi"):
        assert contents(tmp_path / "taxi" / name) == contents(model)


def test_waiting_for_another_push_ends_with_an_error(model: Path, tmp_path: Path) -> None:
    child = start(model, tmp_path / "taxi", 30)
    assert child.stdout is not None
    assert child.stdout.readline() == "copied\n"
    begun = time.monotonic()
    with pytest.raises(PushError, match="another push") as caught:
        push(model, to=tmp_path / "taxi", gate=None, wait_seconds=0.2)
    assert time.monotonic() - begun < 20
    assert caught.value.fix
    child.kill()
    child.communicate()


def test_progress_counts_every_byte(model: Path, tmp_path: Path) -> None:
    seen: list[tuple[float, float | None]] = []

    def progress(
        done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
    ) -> None:
        assert unit == "bytes"
        seen.append((done, total))

    push(model, to=tmp_path / "taxi", gate=None, progress=progress)
    total = sum(map(len, contents(model).values()))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 10**6), max_size=5))
def test_the_next_version_is_the_highest_plus_one(
    tmp_path_factory: pytest.TempPathFactory, taken: set[int]
) -> None:
    root = tmp_path_factory.mktemp("next")
    (root / "model").mkdir()
    (root / "model" / "saved_model.pb").write_bytes(b"")
    for number in taken:
        (root / "taxi" / str(number)).mkdir(parents=True)
    assert push(root / "model", to=root / "taxi", gate=None).version == max(taken, default=0) + 1


def test_a_release_stands_until_it_is_removed_changed_or_followed(
    model: Path, tmp_path: Path
) -> None:
    target = tmp_path / "taxi"
    first = push(model, to=target, gate=None)
    assert first.problem() is None
    second = push(model, to=target, gate=None)
    assert first.problem() == "version 2 was released after it"
    assert second.problem() is None
    with (target / "2" / "saved_model.pb").open("ab") as file:
        file.write(b"x")
    assert "have changed" in str(second.problem())
    shutil.rmtree(target / "2")
    assert second.problem() == f"{(target / '2').as_posix()} is gone"
    assert first.problem() is None
