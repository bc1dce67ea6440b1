"""The folder in which a step may write: there while it runs, beside the store, and gone after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from dure.data import Examples
from dure.progress import silent
from dure.runner.attempt import Child, Failed, attempt
from dure.runner.call import take_apart
from dure.runner.context import step_folder
from dure.runner.store import Store, Stored

STEPS = """
from dure.runner.context import step_folder


class Linked(Number):
    def save(self, directory):
        (directory / "value.txt").hardlink_to(self.value)


@component
def Write(text: str) -> Linked:
    folder = step_folder()
    (folder / "many").mkdir()
    path = folder / "many" / "rows.txt"
    path.write_text(text)
    return Linked(path)


@component
def WriteAndFail(text: str) -> Number:
    (step_folder() / "rows.txt").write_text(text)
    raise ValueError(text)
"""

PIPELINE = """
import dure

@dure.pipeline
def large(data: str):
    dure.ExampleGen(data, memory=64 << 20)
"""

SLOW = """
import time
import dure
from dure.runner.context import step_folder
from dure import Examples

@dure.component
def Slow(seconds: float) -> Examples:
    folder = step_folder()
    (folder / "rows").write_text("half of them")
    time.sleep(seconds)
    raise ValueError("awake")

@dure.pipeline
def slow(seconds: float):
    Slow(seconds)
"""


@pytest.fixture(params=["here", "in a child"])
def run(request: pytest.FixtureRequest, store: Store) -> Callable[[Any, Path], Stored]:
    """Return a function that makes an attempt at a component with the text "one"."""

    def run(component: Any, staging: Path) -> Stored:
        call = take_apart(component, ("one",), {}, _no_inputs)
        if request.param == "here":
            return attempt(call, {}, store, staging, silent)[0]
        return store.adopt(Child("Toy", 30).attempt(call, {}, staging, silent), "Linked")

    return run


def test_what_a_step_writes_can_be_linked_and_is_gone_when_it_has_ended(
    toys: Callable[..., ModuleType], store: Store, run: Callable[[Any, Path], Stored]
) -> None:
    with store.staging("run-1") as staging:
        stored = run(toys(STEPS).Write, staging)
        assert list(staging.iterdir()) == []
    assert (stored.path / "value.txt").read_text() == "one"
    assert (stored.path / "value.txt").stat().st_nlink == 1


def test_what_a_step_that_fails_has_written_is_gone(
    toys: Callable[..., ModuleType], store: Store, run: Callable[[Any, Path], Stored]
) -> None:
    toy = toys(STEPS)
    with store.staging("run-1") as staging:
        with pytest.raises(Failed) as caught:
            run(toy.WriteAndFail, staging)
        assert list(staging.iterdir()) == []
    assert isinstance(caught.value.error, ValueError)


def test_outside_of_steps_there_is_no_folder() -> None:
    assert step_folder() is None


def test_rows_that_memory_has_no_room_for_are_linked_into_the_store(tmp_path: Path) -> None:
    draws = np.random.default_rng(7)
    frame = pl.DataFrame({f"c{i}": draws.normal(size=400_000) for i in range(12)})  # 38 MB
    frame.write_parquet(tmp_path / "data.parquet")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "large.py").write_text(PIPELINE)
    done = _start(tmp_path, "large.py", "--data", "data.parquet")
    output = done.communicate(timeout=120)[0]
    assert done.returncode == 0, output
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / ".dure" / "staging").iterdir()) == []
    (stored,) = Store(tmp_path / ".dure").all()
    assert sum(Examples.load(stored.path).rows.values()) == frame.height
    assert {path.stat().st_nlink for path in stored.path.rglob("*.parquet")} == {1}


def test_what_a_killed_run_has_written_is_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "slow.py").write_text(SLOW)
    staging = tmp_path / ".dure" / "staging"
    killed = _start(tmp_path, "slow.py", "--seconds", "60")
    end = time.monotonic() + 60
    while not list(staging.rglob("rows")) and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert len(list(staging.rglob("rows"))) == 1
    following = _start(tmp_path, "slow.py", "--seconds", "0")
    assert "awake" in following.communicate(timeout=60)[0]
    assert list(staging.iterdir()) == []


def _start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dure", "run", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={
            **os.environ,
            "DURE_HOME": str(folder / ".dure"),
            "TMPDIR": str(folder / "tmp"),
        },
    )


def _no_inputs(role: str, value: Any) -> Any:
    raise AssertionError(role)
