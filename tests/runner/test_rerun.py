"""What an edit in a project runs again: exactly the steps that reach it, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "project.py": """
import json
from pathlib import Path
import dure
import near
from near import scale

class Number(dure.Artifact):
    def __init__(self, value): self.value = value
    def save(self, directory): (directory / "value.json").write_text(json.dumps(self.value))
    @classmethod
    def load(cls, directory): return cls(json.loads((directory / "value.json").read_text()))

@dure.component
def Make() -> Number:
    return Number(1)

@dure.component
def Scaled(number: Number) -> Number:
    return Number(scale(number.value))

@dure.component
def Shifted(number: Number) -> Number:
    return Number(near.shift(number.value))

@dure.component
def Late(number: Number) -> Number:
    from far import FACTOR
    return Number(number.value * FACTOR)

@dure.component
def Plain(number: Number) -> Number:
    return Number(number.value + 0.5)

@dure.pipeline
def project():
    number = Make()
    Scaled(number)
    Shifted(number)
    Late(number)
    Plain(number)
""",
    "near.py": """
import far
from far import helper

def scale(value):
    return helper(value)

def shift(value):
    return value + far.OFFSET
""",
    "far.py": """
FACTOR = 2
OFFSET = 10
UNUSED = 5

def helper(value):
    return value * FACTOR
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    assert ran(tmp_path) == {"Make", "Scaled", "Shifted", "Late", "Plain"}
    assert ran(tmp_path) == set()
    return tmp_path


def ran(folder: Path) -> set[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DURE_")}
    done = subprocess.run(
        [sys.executable, "-m", "dure", "run", "project.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return set(re.findall(r"^✓ (\w+)", done.stderr, re.MULTILINE))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_constant_two_modules_away_runs_exactly_what_reaches_it(folder: Path) -> None:
    edit(folder, "far.py", "FACTOR = 2", "FACTOR = 3")
    assert ran(folder) == {"Scaled", "Late"}
    edit(folder, "far.py", "OFFSET = 10", "OFFSET = 11")
    assert ran(folder) == {"Shifted"}
    edit(folder, "far.py", "UNUSED = 5", "UNUSED = 6")
    assert ran(folder) == set()
    edit(folder, "far.py", "return value * FACTOR", "return FACTOR * value")
    assert ran(folder) == {"Scaled"}
    # And back: what was made before is found again.
    edit(folder, "far.py", "return FACTOR * value", "return value * FACTOR")
    assert ran(folder) == set()


def test_what_no_step_reaches_runs_nothing(folder: Path) -> None:
    (folder / "unrelated.py").write_text("FACTOR = 99\n")
    (folder / "notes.txt").write_text("hello")
    assert ran(folder) == set()
    edit(
        folder, "far.py", "def helper(value):", 'def helper(value):\n    """Say what it does."""\n'
    )
    edit(folder, "near.py", "def scale", "# a comment\n\n\ndef scale")
    edit(folder, "project.py", "def Make() -> Number:", "def Make() -> Number:  # the first one")
    assert ran(folder) == set()


def test_a_class_that_a_step_makes_counts(folder: Path) -> None:
    edit(folder, "project.py", "json.dumps(self.value)", "json.dumps([self.value][0])")
    assert ran(folder) == {"Make", "Scaled", "Shifted", "Late", "Plain"}


def test_a_step_with_a_timeout_never_runs_other_code_than_its_key_speaks_of(
    tmp_path: Path,
) -> None:
    (tmp_path / "conf.py").write_text("FACTOR = 1\n")
    (tmp_path / "project.py").write_text(
        FILES["project.py"].split("@dure.component")[0].replace("import near\nfrom near", "#")
        + """
import conf
from pathlib import Path

@dure.component
def Edit() -> Number:
    path = Path(__file__).with_name("conf.py")
    path.write_text("FACTOR = 22\\n")
    return Number(1)

@dure.component(timeout=60)
def Late(number: Number) -> Number:
    return Number(number.value * conf.FACTOR)

@dure.pipeline
def project():
    Late(Edit())
"""
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DURE_")}
    command = [sys.executable, "-m", "dure", "run", "project.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "changed: conf.FACTOR" in done.stderr
    assert "to do:" in done.stderr
    # Again: now both read the same file.
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
