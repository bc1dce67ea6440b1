"""`LocalEngine`: worker processes on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from engine_contract import EngineContract, WorkersContract

from dure.engines.local import LocalEngine
from dure.errors import ShardError, UsageError


@pytest.fixture(scope="module")
def warm() -> Iterator[LocalEngine]:
    with LocalEngine(workers=2) as made:
        yield made


class TestLocalEngine(WorkersContract):
    @pytest.fixture
    def engine(self, warm: LocalEngine) -> LocalEngine:
        return warm


class TestOneWorker(EngineContract):
    @pytest.fixture
    def engine(self) -> LocalEngine:
        return LocalEngine(workers=1)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_workers_stay_warm_and_end_with_the_engine() -> None:
    before = children()
    engine = LocalEngine(workers=2)
    assert children() == before  # nothing starts before there is work

    def pid(_: int) -> int:
        time.sleep(0.05)
        return os.getpid()

    first = set(engine.map(pid, range(8)))
    assert set(engine.map(pid, range(8))) == first
    assert len(first) == 2
    assert os.getpid() not in first
    engine.close()
    assert children() == before


def test_a_worker_killed_while_it_waits_is_replaced() -> None:
    with LocalEngine(workers=2) as engine:
        pids = set(engine.map(lambda _: os.getpid(), range(8)))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert list(engine.map(abs, [-1, -2, -3])) == [1, 2, 3]


def test_closing_early_ends_what_still_runs() -> None:
    before = children()
    with LocalEngine(workers=2) as engine:
        results = engine.map(lambda n: time.sleep(60 * (n > 0)), range(5))
        next(results)
        began = time.monotonic()
        results.close()
        assert time.monotonic() - began < 30
    assert children() == before


def test_memory_bounds_how_many_run_side_by_side() -> None:
    def pid(_: int) -> int:
        time.sleep(0.05)
        return os.getpid()

    with LocalEngine(workers=2) as engine:
        assert len(set(engine.map(pid, range(6), memory=1 << 60))) == 1


def test_an_exception_shows_where_in_the_worker_it_came_from() -> None:
    def refuse(_: int) -> int:
        raise LookupError("no such thing")

    with LocalEngine(workers=2) as engine, pytest.raises(LookupError) as caught:
        list(engine.map(refuse, [1, 2]))
    assert "in refuse" in caught.value.__notes__[0]


def test_an_exception_that_cannot_be_sent_is_told_as_text() -> None:
    def refuse(_: int) -> int:
        class OddError(Exception):
            def __init__(self, a: int, b: int) -> None:
                super().__init__("odd")

        raise OddError(1, 2)

    with LocalEngine(workers=2) as engine, pytest.raises(ShardError, match="cannot be sent") as e:
        list(engine.map(refuse, [1, 2]))
    assert "odd" in str(e.value)


def test_an_engine_without_workers_is_refused() -> None:
    with pytest.raises(UsageError, match="without workers"):
        LocalEngine(workers=0)


SCRIPT = """
import sys, time
from dure.engines.local import LocalEngine

def slow(number):
    time.sleep(100)

print("ready", flush=True)
engine = LocalEngine(workers=2)
list(engine.map(slow, range(4)))
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_who_called(end: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT if end is signal.SIGINT else SCRIPT.replace("100", "1"))
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 60
        workers: list[psutil.Process] = []
        while len(workers) < 2 and time.monotonic() < deadline:
            workers = psutil.Process(process.pid).children()
            time.sleep(0.05)
        assert len(workers) == 2
        time.sleep(0.5)
        process.send_signal(end)
        process.wait(30)
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []
