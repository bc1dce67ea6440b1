"""A handle stands for an artifact that a step makes: it waits for it, once, and loads it, once."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from dure.artifact import Artifact
from dure.gate import Gate
from dure.runner.handle import (
    Handle,
    future_of,
    has_gate,
    is_handle,
    resolved,
    step_of,
    stored_of,
    value_of,
)
from dure.runner.store import Store, Stored


class Words(Artifact):
    loads: ClassVar[int] = 0

    def __init__(self, words: list[str]) -> None:
        self.words = words

    def save(self, directory: Path) -> None:
        (directory / "words").write_text(" ".join(self.words))

    @classmethod
    def load(cls, directory: Path) -> Self:
        time.sleep(0.01)  # long enough for other threads to come
        cls.loads += 1
        return cls((directory / "words").read_text().split())

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __getitem__(self, index: int) -> str:
        return self.words[index]

    def __contains__(self, word: object) -> bool:
        return word in self.words

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and other.words == self.words

    __hash__ = None  # type: ignore[assignment]

    def summary(self) -> str:
        return f"{len(self.words)} words"


class Verdict(Words):
    @property
    def gate(self) -> Gate:
        return Gate()


class Bare(Artifact):
    def save(self, directory: Path) -> None:
        (directory / "bare").write_text("")

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls()


@pytest.fixture
def stored(store: Store) -> Stored:
    with store.staging("run-1") as staging:
        return store.publish(Words(["a", "b"]), staging)


@pytest.fixture
def handle(stored: Stored) -> Handle:
    Words.loads = 0
    return resolved("Split", Words, stored)


def test_isinstance_sees_the_class_of_the_artifact_before_there_is_one() -> None:
    handle = Handle("Split", Words, Future())
    assert isinstance(handle, Words)
    assert isinstance(handle, Artifact)
    assert not isinstance(handle, Verdict)
    assert handle.__class__ is Words
    assert "summary" in dir(handle)
    assert is_handle(handle)
    assert not is_handle(Words([]))
    assert step_of(handle) == "Split"
    assert hash(handle) == hash(handle)


def test_reading_it_is_reading_the_artifact(handle: Handle) -> None:
    assert handle.words == ["a", "b"]
    assert len(handle) == 2
    assert list(handle) == ["a", "b"]
    assert handle[1] == "b"
    assert "a" in handle
    assert "c" not in handle
    assert bool(handle)
    assert repr(handle) == "<Words: 2 words>"
    assert str(handle) == f"{handle}" == "2 words"
    assert "2 words" in handle._repr_html_()
    assert Words.loads == 1


def test_an_empty_artifact_is_false_and_one_without_a_length_is_true(store: Store) -> None:
    with store.staging("run-1") as staging:
        assert not resolved("Split", Words, store.publish(Words([]), staging))
        assert resolved("Split", Bare, store.publish(Bare(), staging))


def test_what_the_artifact_cannot_do_the_handle_cannot(store: Store, handle: Handle) -> None:
    with store.staging("run-1") as staging:
        bare = resolved("Split", Bare, store.publish(Bare(), staging))
    with pytest.raises(TypeError):
        len(bare)
    with pytest.raises(TypeError):
        iter(bare)
    with pytest.raises(AttributeError, match="'Words' object has no attribute 'nothing'"):
        _ = handle.nothing
    assert not hasattr(handle, "nothing")


def test_passing_it_on_neither_waits_nor_loads() -> None:
    asked: list[int] = []
    handle = Handle("Split", Words, Future(), lambda: asked.append(1))
    assert [handle, {"a": handle}]
    assert is_handle(handle)
    assert isinstance(handle, Words)
    future_of(handle)
    has_gate(handle)
    assert asked == []


def test_using_it_asks_for_it_and_waits_until_it_is_there(stored: Stored) -> None:
    future: Future[Stored] = Future()
    asked = threading.Event()
    handle = Handle("Split", Words, future, asked.set)
    found: list[int] = []
    reader = threading.Thread(target=lambda: found.append(len(handle)))
    reader.start()
    assert asked.wait(5)
    time.sleep(0.02)
    assert found == []
    future.set_result(stored)
    reader.join(5)
    assert found == [2]


def test_many_threads_load_it_once(handle: Handle) -> None:
    found: list[Any] = []
    start = threading.Barrier(20)

    def read() -> None:
        start.wait()
        found.append(value_of(handle))

    threads = [threading.Thread(target=read) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Words.loads == 1
    assert len({id(value) for value in found}) == 1


def test_a_load_that_failed_is_tried_again(handle: Handle, stored: Stored) -> None:
    away = stored.path.with_name("away")
    stored.path.rename(away)
    with pytest.raises(FileNotFoundError):
        len(handle)
    away.rename(stored.path)
    assert len(handle) == 2


class MineError(Exception):
    pass


USES: list[Callable[[Any], Any]] = [
    lambda h: h.words,
    len,
    list,
    lambda h: h[0],
    bool,
    repr,
    str,
    lambda h: "a" in h,
    lambda h: h == 3,
    stored_of,
    pickle.dumps,
]


@pytest.mark.parametrize("use", range(len(USES)))
def test_the_error_of_the_step_is_raised_wherever_it_is_used(use: int) -> None:
    future: Future[Stored] = Future()
    handle = Handle("Split", Words, future)
    error = MineError("no")
    future.set_exception(error)
    for _ in range(2):
        with pytest.raises(MineError) as caught:
            USES[use](handle)
        assert caught.value is error


def test_it_cannot_be_changed(handle: Handle) -> None:
    for name in ("words", "new", "_dure_step"):
        with pytest.raises(AttributeError, match="not changed after it was made"):
            setattr(handle, name, 1)
        with pytest.raises(AttributeError, match="not changed after it was made"):
            delattr(handle, name)
    with pytest.raises(TypeError):
        handle[0] = "c"  # type: ignore[index]
    assert step_of(handle) == "Split"


def test_handles_are_equal_when_their_artifacts_are(store: Store, handle: Handle) -> None:
    with store.staging("run-1") as staging:
        same = resolved("Other", Words, store.publish(Words(["a", "b"]), staging))
        other = resolved("Split", Words, store.publish(Words(["a"]), staging))
    assert handle == same
    assert handle != other
    assert handle == Words(["a", "b"])
    assert Words(["a", "b"]) == handle
    assert handle != Words([])
    assert handle != 3
    # Told apart by what they are, so that a set of handles waits for no step.
    assert len({Handle("a", Words, Future()), Handle("b", Words, Future())}) == 2


def test_it_pickles_as_the_place_of_its_artifact(
    handle: Handle, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__, _this_module()))
    again = pickle.loads(pickle.dumps(handle))
    assert is_handle(again)
    assert stored_of(again) == stored
    assert step_of(again) == "Split"
    assert again == handle
    assert list(again) == ["a", "b"]
    assert is_handle(copy.copy(handle))
    assert stored_of(copy.deepcopy(handle)) == stored


def _this_module() -> Any:
    module = type(sys)(__name__)
    module.__dict__.update(globals())
    return module


def test_only_an_artifact_that_carries_a_verdict_is_a_gate(stored: Stored) -> None:
    assert not has_gate(resolved("a", Words, stored))
    assert has_gate(resolved("a", Verdict, stored))
    assert has_gate(Handle("a", Verdict, Future()))
