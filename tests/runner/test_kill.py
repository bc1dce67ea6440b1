"""A run that is killed at any moment leaves nothing half done, and the next goes on from there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dure.lineage import Lineage
from dure.runner.store import Store

KILLS = 55

PIPELINE = '''
import json, time
from pathlib import Path
import dure

class Files(dure.Artifact):
    """Many files, written slowly, so that there is a half of it to be seen."""
    def __init__(self, values): self.values = values
    def save(self, directory):
        for index, value in enumerate(self.values):
            (directory / f"{index}.txt").write_text(str(value) * 1000)
            time.sleep(0.004)
    @classmethod
    def load(cls, directory):
        names = sorted(directory.glob("*.txt"), key=lambda path: int(path.stem))
        return cls([int(p.read_text()[: len(p.read_text()) // 1000]) for p in names])
    def summary(self): return f"sum {sum(self.values)}"

@dure.component
def Begin(seed: int) -> Files:
    return Files([seed + i for i in range(8)])

@dure.component(resources=dure.resources(cpu=0.1))
def Next(files: Files, by: int) -> Files:
    return Files([value + by for value in files.values])

@dure.pipeline
def slow(seed: int):
    files = Begin(seed)
    for by in range(1, 4):
        left, right = Next(files, by), Next(files, by + 10)
        files = Next(left, by)
        Next(right, by)
'''

STEPS = 13


def command(folder: Path, seed: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dure", "run", "slow.py", "--seed", str(seed)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DURE_HOME": str(folder / ".dure")},
    )


def lines_with(mark: str, output: str) -> set[str]:
    return {line.split()[1] for line in output.splitlines() if line.startswith(mark)}


@pytest.mark.slow
def test_kill_at_random_points_leaves_no_half_artifact_and_the_next_run_goes_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "slow.py").write_text(PIPELINE)
    store = Store(tmp_path / ".dure")
    dice = random.Random(20240607)
    seed, finished, killed_midway = 0, set[str](), 0
    for _ in range(KILLS):
        process = command(tmp_path, seed)
        deadline = time.monotonic() + dice.uniform(0.05, 1.9)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        # Whatever is to be seen is whole.
        assert [stored.uid for stored in store.all() if store.problem(stored)] == []
        # What had finished before is not done again.
        assert lines_with("✓", output).isdisjoint(finished), output
        finished |= lines_with("✓", output)
        killed_midway += 0 < len(finished) < STEPS
        if len(finished) == STEPS:
            seed, finished = seed + 1, set()
    assert killed_midway >= 5  # else the kills came too early or too late to show anything

    process = command(tmp_path, seed)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert finished <= lines_with("=", output), output
    assert len(lines_with("✓", output) | lines_with("=", output)) == STEPS
    assert list((tmp_path / ".dure" / "staging").iterdir()) == []
    assert check_sums(store)
    with Lineage.open(str(tmp_path / ".dure" / "lineage.db")) as lineage:
        for run in lineage.runs(limit=1000):
            assert run.state in ("COMPLETE", "FAILED"), run
            left = [e for e in lineage.executions(run.name) if e.state == "RUNNING"]
            assert left == []


def check_sums(store: Store) -> bool:
    """Whether every artifact has the eight files that its component writes."""
    return all(len(list(stored.path.glob("*.txt"))) == 8 for stored in store.all())


@pytest.mark.slow
def test_ctrl_c_ends_a_real_training(tmp_path: Path) -> None:
    # TensorFlow sets signal handlers of its own, under which a wait may not be broken off.
    examples = Path(__file__).parents[2] / "examples" / "penguins"
    process = subprocess.Popen(
        [sys.executable, "-m", "dure", "run", str(examples / "penguins.py"), "--epochs", "5000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DURE_HOME": str(tmp_path / ".dure")},
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "of 5,000 epochs" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said + rest
    assert "✗ Trainer            interrupted" in rest
    assert "Traceback" not in rest
    assert not list((tmp_path / ".dure" / "artifacts").glob("Model/*"))
    assert list((tmp_path / ".dure" / "staging").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_cleanly_and_says_so(tmp_path: Path, number: int) -> None:
    (tmp_path / "slow.py").write_text(PIPELINE.replace("time.sleep(0.004)", "time.sleep(0.4)"))
    process = command(tmp_path, 1)
    artifacts = tmp_path / ".dure" / "artifacts" / "Files"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (artifacts.is_dir() and any(artifacts.iterdir())):
        time.sleep(0.02)
    time.sleep(1)  # until the steps after the first are writing
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "finished steps are kept and will be reused" in output
    assert "Traceback" not in output
    assert list((tmp_path / ".dure" / "staging").iterdir()) == []
    with Lineage.open(str(tmp_path / ".dure" / "lineage.db")) as lineage:
        assert lineage.run("last").state == "CANCELED"
        states = {e.state for e in lineage.executions(lineage.run("last").name)}
        assert "RUNNING" not in states
        assert "CANCELED" in states
