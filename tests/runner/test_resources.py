"""A step runs when what it asks for is free, and is refused at once when there never is so much."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import ResourceError, UsageError
from dure.runner import resources as module
from dure.runner.resources import (
    Admission,
    Resources,
    check_feasible,
    machine,
    parse_bytes,
    resources,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (0, 0),
        (123, 123),
        ("0", 0),
        ("123", 123),
        ("10B", 10),
        ("1K", 1000),
        ("1 K", 1000),
        (" 500M ", 500 * 10**6),
        ("4G", 4 * 10**9),
        ("4GB", 4 * 10**9),
        ("1.5G", 1_500_000_000),
        ("2T", 2 * 10**12),
        ("1Ki", 1024),
        ("2Mi", 2 * 1024**2),
        ("2Gi", 2 * 1024**3),
        ("2GiB", 2 * 1024**3),
        ("1Ti", 1024**4),
    ],
)
def test_an_amount_of_memory_is_bytes(text: int | str, expected: int) -> None:
    assert parse_bytes(text) == expected
    assert resources(memory=text).memory == expected


@pytest.mark.parametrize("text", ["", "G", "4X", "-4G", "4 4", "1e9", "4g", "1,5G", 1.5, None, [1]])
def test_an_amount_that_is_not_understood_is_refused_in_words(text: object) -> None:
    with pytest.raises(UsageError, match="memory is not understood") as caught:
        parse_bytes(text)  # type: ignore[arg-type]
    assert "'4G'" in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("wrong", [{"cpu": -1}, {"gpu": -1}, {"memory": -1}, {"cpu": float("nan")}])
def test_less_than_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="cannot be negative"):
        resources(**wrong)  # type: ignore[arg-type]


def test_the_machine_is_what_this_process_may_use() -> None:
    has = machine()
    assert has.cpu == len(psutil.Process().cpu_affinity())
    assert has.memory == psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(None, 2), ("", 0), ("-1", 0), ("0", 1), ("0,1", 2), ("0,1,2,3", 2), ("GPU-1,", 1)],
)
def test_gpus_are_those_that_are_there_and_visible(
    visible: str | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-modeset"]
    monkeypatch.setattr(module.Path, "glob", lambda *_: [Path("/dev") / name for name in names])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert machine().gpu == expected


HAS = Resources(cpu=4, gpu=1, memory=8 * 10**9)


@pytest.mark.parametrize(
    ("asked", "expected", "got"),
    [
        (Resources(cpu=4.5), "at most 4 processors", "4.5 processors"),
        (Resources(gpu=2), "at most 1 GPUs", "2 GPUs"),
        (Resources(memory=64 * 10**9), "at most 8 GB of memory", "64 GB of memory"),
        (Resources(cpu=float("inf")), "at most 4 processors", "inf processors"),
    ],
)
def test_more_than_the_machine_has_is_refused_at_once(
    asked: Resources, expected: str, got: str
) -> None:
    with pytest.raises(ResourceError, match="can never run here") as caught:
        check_feasible("Train", asked, HAS)
    assert (caught.value.step, caught.value.expected, caught.value.got) == ("Train", expected, got)
    assert "lower resources(" in (caught.value.fix or "")


def test_all_that_the_machine_has_is_allowed() -> None:
    check_feasible("Train", HAS, HAS)
    check_feasible("Train", Resources(cpu=0), Resources(cpu=0))


ASKS = st.builds(
    Resources,
    cpu=st.sampled_from([0, 0.1, 0.3, 1, 2, 4]),
    gpu=st.integers(0, 1),
    memory=st.sampled_from([0, 10**9, 8 * 10**9]),
)


def is_free(admission: Admission, asked: Resources) -> bool:
    """Return whether ``asked`` is admitted at once; otherwise let the waiting thread go."""
    stop, through = threading.Event(), threading.Event()

    def work() -> None:
        with admission.admit(asked, stop.is_set):
            if not stop.is_set():
                through.set()

    thread = threading.Thread(target=work)
    thread.start()
    free = through.wait(1)
    stop.set()
    admission.wake()
    thread.join()
    return free


@settings(max_examples=25, deadline=None)
@given(st.lists(ASKS, min_size=1, max_size=12))
def test_what_runs_at_once_never_exceeds_the_machine_and_all_get_their_turn(
    asks: list[Resources],
) -> None:
    admission, lock = Admission(HAS), threading.Lock()
    used = {"cpu": 0.0, "gpu": 0, "memory": 0}
    most = dict(used)
    done: list[Resources] = []

    def work(asked: Resources) -> None:
        with admission.admit(asked, lambda: False):
            for sign in (1, -1):
                with lock:
                    for name, value in used.items():
                        used[name] = value + sign * getattr(asked, name)
                        most[name] = max(most[name], used[name])
                time.sleep(0.0005)
        done.append(asked)

    threads = [threading.Thread(target=work, args=(asked,)) for asked in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(done) == len(asks)
    assert most["cpu"] <= HAS.cpu + 1e-6
    assert most["gpu"] <= HAS.gpu
    assert most["memory"] <= HAS.memory
    # All is free again: whoever asks for everything gets it at once.
    assert is_free(admission, HAS)


def test_parts_of_a_processor_add_up_to_the_whole() -> None:
    admission = Admission(Resources(cpu=1))
    for _ in range(100):  # 0.1 ten times is not 1.0
        held = [admission.admit(Resources(cpu=0.1), lambda: False) for _ in range(10)]
        for one in held:
            one.__enter__()
        for one in held:
            one.__exit__(None, None, None)
    assert is_free(admission, Resources(cpu=1))


def test_what_is_held_is_given_back_after_an_error() -> None:
    admission = Admission(HAS)

    def fail() -> None:
        with admission.admit(HAS, lambda: False):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_free(admission, HAS)


def test_nobody_waits_any_longer_once_the_run_is_stopped() -> None:
    admission, stop, through = Admission(HAS), threading.Event(), threading.Event()

    def work() -> None:
        with admission.admit(HAS, stop.is_set):
            through.set()

    with admission.admit(HAS, lambda: False):
        assert not is_free(admission, Resources(cpu=0.1))
        thread = threading.Thread(target=work)
        thread.start()
        assert not through.wait(0.05)
        stop.set()
        admission.wake()
        assert through.wait(5)
        thread.join()


def test_the_number_of_processors_is_positive() -> None:
    assert machine().cpu >= 1
    assert machine().cpu <= (os.cpu_count() or 1)
