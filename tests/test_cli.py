"""The command line, as a user types it: what it prints, and its exit status."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PIPELINE = '''
import json
from pathlib import Path
from typing import Literal
import dure
from dure.gate import Check, Gate

class Number(dure.Artifact):
    def __init__(self, value): self.value = value
    def save(self, directory): (directory / "value.json").write_text(json.dumps(self.value))
    @classmethod
    def load(cls, directory): return cls(json.loads((directory / "value.json").read_text()))
    def summary(self): return f"value {self.value}"

class Verdict(Number):
    @property
    def gate(self):
        good = self.value < 100
        return Gate((Check("small", "pass" if good else "fail", f"{self.value} is not small"),))

FACTOR = 2

@dure.component
def Make(value: int) -> Number:
    return Number(value)

@dure.component
def Scale(number: Number) -> Number:
    return Number(number.value * FACTOR)

@dure.component
def Judge(number: Number) -> Verdict:
    return Verdict(number.value)

@dure.component
def Use(number: Number, verdict: Verdict) -> Number:
    return Number(number.value + 1)

@dure.pipeline
def sums(value: int = 3, mode: Literal["a", "b"] = "a", loud: bool = False):
    """Adds things up."""
    number = Scale(Make(value))
    Use(number, Judge(number))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sums.py").write_text(PIPELINE)
    return tmp_path


def dure(folder: Path, *words: str, status: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DURE_")}
    done = subprocess.run(
        [sys.executable, "-m", "dure", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == status, said
    assert "Traceback" not in said
    return said


def run_name(said: str) -> str:
    found = re.search(r"^run (\S+):", said, re.MULTILINE)
    assert found, said
    return found[1]


def test_the_life_of_a_run(folder: Path) -> None:
    assert "4 would run, 0 would be reused" in dure(folder, "plan", "sums.py")
    first = dure(folder, "run", "sums.py")
    assert "✓ Scale" in first
    assert "4 ran, 0 reused" in first
    report = re.search(r"report: (\S+)", first)
    assert report
    page = (folder / report[1]).read_text()
    assert "value 6" in page
    assert "<script" not in page

    assert "0 would run, 4 would be reused" in dure(folder, "plan", "sums.py")
    second = dure(folder, "run", "sums.py")
    assert second.count("= ") >= 4
    assert f"nothing changed since run {run_name(first)}" in second

    text = (folder / "sums.py").read_text()
    (folder / "sums.py").write_text(text.replace("FACTOR = 2", "FACTOR = 5"))
    third = dure(folder, "run", "sums.py", "--value", "3")
    assert "code sums.FACTOR changed" in third
    assert "= Make" in third

    why = dure(folder, "why", "last", "Scale")
    assert "code sums.FACTOR changed" in why
    assert "code     sums.Scale" in why
    assert "did you mean 'Scale'" in dure(folder, "why", "last", "Scael", status=1)

    listed = dure(folder, "runs").splitlines()
    assert len(listed) == 4
    assert listed[1].startswith(run_name(third))
    assert "sums" in listed[1]

    shown = dure(folder, "show", "Scale")
    assert "value 15" in shown
    assert "value 6" in dure(folder, "show", f"{run_name(first)}/Scale")

    lineage = dure(folder, "lineage", "Scale")
    assert re.search(r"made from:\n.*value 3 ", lineage, re.DOTALL)
    assert "led to:" in lineage
    assert "Judge" in lineage

    differences = dure(folder, "diff", run_name(first), "last")
    assert "code sums.FACTOR changed" in differences
    assert "before  value 6" in differences
    assert "after   value 15" in differences
    assert "= Make" in differences


def test_a_gate_stops_with_status_3_and_can_be_overridden(folder: Path) -> None:
    said = dure(folder, "run", "sums.py", "--value", "60", status=3)
    assert "the gate of 'Judge' failed" in said
    assert "120 is not small" in said
    assert "✓ Judge" in said
    assert "- Use" in said
    said = dure(folder, "run", "sums.py", "--value", "60", "--override", "a try")
    assert "overridden: a try" in said
    assert "✓ Use" in said


def test_verify_finds_damage_and_the_next_run_mends_it(folder: Path) -> None:
    dure(folder, "run", "sums.py")
    assert "0 of them damaged" in dure(folder, "verify")
    victim = next((folder / ".dure" / "artifacts" / "Verdict").glob("*/value.json"))
    victim.write_text("7")
    said = dure(folder, "verify", status=1)
    assert f"✗ Verdict:{victim.parent.name}" in said
    said = dure(folder, "run", "sums.py")
    assert "have changed since they were written" in " ".join(said.split())
    assert "1 ran, 3 reused" in said
    assert "0 of them damaged" in dure(folder, "verify")


def test_gc_removes_what_no_kept_run_refers_to_and_leaves_a_tombstone(folder: Path) -> None:
    first = run_name(dure(folder, "run", "sums.py", "--value", "1"))
    dure(folder, "run", "sums.py", "--value", "2")
    said = dure(folder, "gc", "--dry-run", "--keep-runs", "1")
    assert "would be removed; 1 runs kept" in said
    assert "0 of them damaged" in dure(folder, "verify")
    before = len(list((folder / ".dure" / "artifacts").glob("*/*")))
    said = dure(folder, "gc", "--keep-runs", "1")
    count = int(re.search(r"^(\d+) artifacts", said, re.MULTILINE)[1])  # type: ignore[index]
    assert count > 0
    assert len(list((folder / ".dure" / "artifacts").glob("*/*"))) == before - count
    assert "its files were removed" in dure(folder, "show", f"{first}/Use")
    assert "0 ran, 4 reused" in dure(folder, "run", "sums.py", "--value", "2")
    assert "ran, " in dure(folder, "run", "sums.py", "--value", "1")


def test_parameters_come_from_the_signature_the_file_and_the_command_line(folder: Path) -> None:
    (folder / "c.toml").write_text("value = 7\nloud = true\n")
    dure(folder, "run", "sums.py", "--config", "c.toml")
    assert "value=7" in dure(folder, "runs")
    dure(folder, "run", "sums.py", "--config", "c.toml", "--value=8", "--no-loud")
    listed = dure(folder, "runs")
    assert "value=8" in listed
    assert "loud=False" in listed
    usage = dure(folder, "run", "sums.py", "--help")
    assert "Adds things up." in usage
    assert "--value" in usage
    assert "default 3" in usage


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "sums.py", "--valeu", "3"], "did you mean 'value'"),
        (["run", "sums.py", "--value", "three"], "expected: int"),
        (["run", "sums.py", "--mode", "c"], "'a' or 'b'"),
        (["run", "sums.py", "--value"], "has no value"),
        (["run", "sums.py", "--value", "1", "--value", "2"], "given twice"),
        (["run", "sums.py", "stray"], "'stray' is not understood"),
        (["run", "nowhere.py"], "there is no pipeline file nowhere.py"),
        (["run", "."], "there is no pipeline file ."),
        (["run", "sums.py:others"], "holds no pipeline 'others'"),
        (["run", "sums.py", "--from", "Scael"], "did you mean 'Scale'"),
        (["run", "sums.py", "--only", "Scale", "--to", "Use"], "--only cannot go with"),
        (["run", "sums.py", "--config", "none.toml"], "none.toml cannot be read"),
        (["why", "last", "Scale"], "nothing has run here yet"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["runs", "--frobnicate"], "not understood: --frobnicate"),
    ],
)
def test_a_wrong_call_says_what_is_wrong_and_what_is_right(
    folder: Path, words: list[str], told: str
) -> None:
    assert told in dure(folder, *words, status=2)


def test_a_file_that_does_not_import_names_the_users_line(folder: Path) -> None:
    (folder / "broken.py").write_text("import dure\n\nx = 1 / 0\n")
    said = dure(folder, "run", "broken.py", status=2)
    assert "broken.py, line 3: x = 1 / 0" in said
    assert "ZeroDivisionError: division by zero" in said
    (folder / "syntax.py").write_text("import dure\ndef f(:\n")
    said = dure(folder, "run", "syntax.py", status=2)
    assert "syntax.py, line 2" in said
    (folder / "empty.py").write_text("import dure\n")
    assert "@dure.pipeline" in dure(folder, "run", "empty.py", status=2)


def test_a_failing_step_names_the_users_line_first(folder: Path) -> None:
    text = (folder / "sums.py").read_text()
    (folder / "sums.py").write_text(text.replace("number.value * FACTOR", "number.value / 0"))
    said = dure(folder, "run", "sums.py", status=1)
    assert "step 'Scale' failed\n  at:       sums.py, line " in said
    assert "return Number(number.value / 0)" in said
    assert "error:    ZeroDivisionError: division by zero" in said
    assert "input:    number = Number:" in said


def test_an_error_of_the_pipelines_own_function_shows_its_line_and_no_more(folder: Path) -> None:
    text = (folder / "sums.py").read_text()
    (folder / "sums.py").write_text(text.replace("    Use(number", '    {}["x"]\n    Use(number'))
    for word in ("run", "plan"):
        said = dure(folder, word, "sums.py", status=1)
        assert "the pipeline's own code failed\n  at:       sums.py, line" in said
        assert '{}["x"]' in said
        assert "error:    KeyError: 'x'" in said


def test_a_lineage_that_is_no_database_is_named(folder: Path) -> None:
    dure(folder, "run", "sums.py")
    for file in (folder / ".dure").glob("lineage.db*"):
        file.unlink()
    (folder / ".dure" / "lineage.db").write_text("not a database at all")
    said = dure(folder, "runs", status=1)
    assert "lineage.db" in said
    assert "4 reused" in dure(folder, "run", "sums.py")  # and it costs no run


def test_lines_fit_eighty_columns_in_a_terminal_of_that_width(folder: Path) -> None:
    import pty

    main, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "dure", "run", "sums.py"],
        cwd=folder,
        stdout=other,
        stderr=other,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"},
    ) as process:
        os.close(other)
        raw = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:
                break
            if not piece:
                break
            raw += piece
        assert process.wait() == 0
    os.close(main)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw.decode())
    lines = [line for line in re.split(r"[\r\n]+", plain) if line.strip()]
    assert any(line.startswith("✓ Make") for line in lines), lines
    assert max(len(line.rstrip()) for line in lines) <= 80, lines


@pytest.mark.postgres
def test_a_team_shares_its_lineage_in_postgresql(folder: Path) -> None:
    url = os.environ.get("DURE_TEST_POSTGRES")
    if not url:
        assert not os.environ.get("CI"), "DURE_TEST_POSTGRES is not set: use tools/with-postgres"
        pytest.skip("DURE_TEST_POSTGRES is not set")
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE dure_cli")
    head, _, query = url.partition("?")
    lineage = f"{head.rsplit('/', 1)[0]}/dure_cli" + (f"?{query}" if query else "")
    try:
        (folder / "other").mkdir()
        for place in (folder, folder / "other"):
            (place / "sums.py").write_text(PIPELINE)
            environment = {**os.environ, "DURE_LINEAGE": lineage, "DURE_HOME": str(place / ".dure")}
            for words in (["run", "sums.py"], ["runs"], ["lineage", "Use"], ["why", "last", "Use"]):
                done = subprocess.run(
                    [sys.executable, "-m", "dure", *words],
                    cwd=place,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
                assert "note:" not in done.stderr
                if words == ["runs"]:
                    listed = done.stdout.splitlines()
        assert len(listed) == 3  # the head, and a run from each place
        assert not (folder / ".dure" / "lineage.db").exists()
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP DATABASE dure_cli WITH (FORCE)")
