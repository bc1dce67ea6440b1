"""Which version answers, when it takes over, and what happens to the one before it."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dure.errors import MissingExtraError, ServingError
from dure.serve.runner import Signature
from dure.serve.status import Code, RequestError
from dure.serve.versions import State, Versions


class Fake:
    """A servable that knows where it came from and whether it is closed."""

    def __init__(self, folder: Path) -> None:
        self.signatures: dict[str, Signature] = {}
        if (folder / "broken").exists():
            raise ServingError("broken", got="a broken model")
        self.folder = folder
        self.closed = 0

    def predict(self, signature: str, inputs: Any) -> Any:
        assert not self.closed
        return {}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def loaded() -> list[Fake]:
    return []


@pytest.fixture
def versions(tmp_path: Path, loaded: list[Fake]) -> Versions:
    def load(folder: Path) -> Fake:
        fake = Fake(folder)
        loaded.append(fake)
        return fake

    news: list[str] = []
    made = Versions("m", tmp_path, load=load, say=news.append)
    made.news = news  # type: ignore[attr-defined]
    return made


def add(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir()


def test_an_empty_folder_is_waited_for_and_said_once(versions: Versions, tmp_path: Path) -> None:
    for _ in range(3):
        versions.poll()
    assert versions.latest is None
    assert versions.states() == []
    (news,) = versions.news  # type: ignore[attr-defined]
    assert "waiting for a version" in news
    assert str(tmp_path / "1") in news
    with pytest.raises(RequestError) as caught, versions.use():
        pass
    assert caught.value.code is Code.NOT_FOUND
    assert caught.value.message == "Servable not found for request: Latest(m)"


def test_the_highest_number_answers(versions: Versions, tmp_path: Path, loaded: list[Fake]) -> None:
    add(tmp_path, "2", "00000010", "9", "latest", "-11", "1e3", ".12", "٣", str(2**63))
    (tmp_path / "99").write_text("a file")
    versions.poll()
    assert versions.latest == 10
    assert [fake.folder.name for fake in loaded] == ["00000010"]
    with versions.use() as handle, versions.use(10) as same:
        assert handle is same
    for missing in (2, 9, 99):
        with pytest.raises(RequestError) as caught, versions.use(missing):
            pass
        assert caught.value.message == f"Servable not found for request: Specific(m, {missing})"


def test_the_old_version_is_closed_when_the_last_request_lets_go(
    versions: Versions, tmp_path: Path, loaded: list[Fake]
) -> None:
    add(tmp_path, "1")
    versions.poll()
    with versions.use() as outer:
        with versions.use(1):
            add(tmp_path, "2")
            versions.poll()
            assert versions.latest == 2
            assert dict(versions.states())[1].name == "UNLOADING"
            with versions.use() as new:
                assert new.version == 2
        assert outer.servable.closed == 0  # type: ignore[attr-defined]
    assert [fake.closed for fake in loaded] == [1, 0]
    assert versions.states() == [(2, State("AVAILABLE")), (1, State("END"))]


def test_a_version_that_fails_leaves_the_old_one_and_shows_its_error(
    versions: Versions, tmp_path: Path, loaded: list[Fake]
) -> None:
    add(tmp_path, "1")
    versions.poll()
    add(tmp_path, "2", "2/broken")
    for _ in range(3):
        versions.poll()
    assert versions.latest == 1
    (two, one) = versions.states()
    assert two[0] == 2
    assert two[1].name == "END"
    assert two[1].code is Code.INVALID_ARGUMENT
    assert "a broken model" in two[1].message
    assert one == (1, State("AVAILABLE"))
    failures = [text for text in versions.news if "cannot be loaded" in text]  # type: ignore[attr-defined]
    assert len(failures) == 1
    assert "version 1 goes on answering" in failures[0]
    assert len(loaded) == 1


def test_a_failed_version_is_tried_again_when_its_files_change(
    versions: Versions, tmp_path: Path
) -> None:
    add(tmp_path, "2", "2/broken")
    versions.poll()
    assert versions.latest is None
    (tmp_path / "2" / "broken").rmdir()
    versions.poll()
    assert versions.latest == 2


def test_at_the_start_a_lower_version_stands_in_for_one_that_fails(
    versions: Versions, tmp_path: Path
) -> None:
    add(tmp_path, "1", "2", "2/broken", "3", "3/broken")
    versions.poll()
    assert versions.latest == 1
    assert [state.name for _, state in versions.states()] == ["END", "END", "AVAILABLE"]


def test_removing_the_highest_version_rolls_back(
    versions: Versions, tmp_path: Path, loaded: list[Fake]
) -> None:
    add(tmp_path, "1", "2")
    versions.poll()
    (tmp_path / "2").rmdir()
    versions.poll()
    assert versions.latest == 1
    assert [(fake.folder.name, fake.closed) for fake in loaded] == [("2", 1), ("1", 0)]


def test_an_emptied_folder_unloads_and_a_missing_one_does_not(
    versions: Versions, tmp_path: Path, loaded: list[Fake]
) -> None:
    add(tmp_path, "1")
    versions.poll()
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    versions.poll()
    assert versions.latest == 1
    assert "gone" in versions.news[-1]  # type: ignore[attr-defined]
    moved.rename(tmp_path)
    (tmp_path / "1").rmdir()
    versions.poll()
    assert versions.latest is None
    assert loaded[0].closed == 1
    assert versions.states() == [(1, State("END"))]


def test_closing_gives_everything_back_once(
    versions: Versions, tmp_path: Path, loaded: list[Fake]
) -> None:
    add(tmp_path, "1")
    versions.poll()
    with versions.use():
        versions.close()
        assert loaded[0].closed == 0
    versions.close()
    assert loaded[0].closed == 1


def test_a_fault_of_any_kind_in_a_loader_is_a_failed_version(tmp_path: Path) -> None:
    add(tmp_path, "1")

    def load(folder: Path) -> Fake:
        raise ZeroDivisionError("odd model")

    versions = Versions("m", tmp_path, load=load)
    versions.poll()
    ((_, state),) = versions.states()
    assert (state.name, state.code, state.message) == ("END", Code.UNKNOWN, "odd model")


def test_the_code_of_the_runtime_is_kept(tmp_path: Path) -> None:
    add(tmp_path, "1")

    def load(folder: Path) -> Fake:
        raise ServingError("broken") from RequestError(Code.DATA_LOSS, "cut off")

    versions = Versions("m", tmp_path, load=load)
    versions.poll()
    assert versions.states()[0][1].code is Code.DATA_LOSS


def test_a_missing_package_is_no_failed_version_but_an_error(tmp_path: Path) -> None:
    add(tmp_path, "1")

    def load(folder: Path) -> Fake:
        raise MissingExtraError("tensorflow", extra="tensorflow", purpose="serving")

    with pytest.raises(MissingExtraError):
        Versions("m", tmp_path, load=load).poll()


def test_while_a_version_loads_the_old_one_answers(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def load(folder: Path) -> Fake:
        if folder.name == "2":
            begun.set()
            assert go_on.wait(10)
        return Fake(folder)

    versions = Versions("m", tmp_path, load=load)
    add(tmp_path, "1")
    versions.poll()
    add(tmp_path, "2")
    thread = threading.Thread(target=versions.poll)
    thread.start()
    assert begun.wait(10)
    with versions.use() as handle:
        assert handle.version == 1
    assert versions.states()[0] == (2, State("LOADING"))
    go_on.set()
    thread.join()
    assert versions.latest == 2


@pytest.mark.parametrize("seed", range(3))
def test_no_request_meets_a_closed_model_however_often_it_is_replaced(
    tmp_path: Path, seed: int
) -> None:
    loaded: list[Fake] = []

    def load(folder: Path) -> Fake:
        loaded.append(Fake(folder))
        return loaded[-1]

    versions = Versions("m", tmp_path, load=load)
    add(tmp_path, "1")
    versions.poll()
    done, faults = threading.Event(), list[BaseException]()

    def ask(generator: random.Random) -> None:
        try:
            while not done.is_set():
                with versions.use() as handle:
                    if generator.random() < 0.3:
                        time.sleep(0)
                    handle.servable.predict("", {})
        except BaseException as error:  # noqa: BLE001 - any fails the test
            faults.append(error)

    threads = [threading.Thread(target=ask, args=(random.Random(seed + i),)) for i in range(6)]
    for thread in threads:
        thread.start()
    for version in range(2, 60):
        add(tmp_path, str(version))
        versions.poll()
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [fake.closed for fake in loaded] == [1] * 58 + [0]
