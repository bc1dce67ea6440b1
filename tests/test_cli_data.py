"""The words about data, as a user types them: what they print, write, and exit with."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dure.data import make_examples
from dure.statistics import describe

ROWS = [f"{i},{'Dream' if i % 3 else 'Biscoe'},{180 + i % 40}" for i in range(300)]
GOOD = "id,island,flipper\n" + "\n".join(ROWS) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "bad.csv").write_text(GOOD.replace("Biscoe", "Biscoo", 1).replace(",185", ",", 2))
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


def test_stats_prints_a_table_of_80_columns_and_writes_page_and_json(folder: Path) -> None:
    said = dure(folder, "stats", "good.csv", "--html", "s.html", "--json", "s.json")
    assert "300 rows, 3 columns" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert "<table" in (folder / "s.html").read_text()
    record = json.loads((folder / "s.json").read_text())
    assert record["splits"][0]["rows"] == 300


def test_stats_compares_slices_and_other_data(folder: Path) -> None:
    said = dure(
        folder, "stats", "good.csv", "--by", "island", "--against", "bad.csv", "--html", "s.html"
    )
    assert said.count("300 rows") >= 2
    page = (folder / "s.html").read_text()
    assert "island=Dream" in page
    assert "good.csv: data" in page
    assert "bad.csv: data" in page


def test_storage_that_does_not_answer_is_an_error_that_names_it(folder: Path) -> None:
    assert "ftp://localhost:1/x.csv" in dure(folder, "stats", "ftp://localhost:1/x.csv", status=1)


def test_stats_of_what_is_not_there_names_the_nearest(folder: Path) -> None:
    said = dure(folder, "stats", "goot.csv", status=1)
    assert "there is no file or folder 'goot.csv'" in said
    assert "good.csv" in said


def test_data_that_fits_its_schema_exits_with_0_and_other_with_3(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    assert "0 errors" in dure(folder, "check", "good.csv", "--schema", "schema.yaml")
    said = dure(
        folder, "check", "bad.csv", "-s", "schema.yaml", "--html", "a.html", "--json", "a.json",
        status=3,
    )  # fmt: skip
    assert "'Biscoo'" in said
    assert "the data does not fit the schema" in said
    assert "dure schema accept" in said
    found = json.loads((folder / "a.json").read_text())["anomalies"]
    assert {one["kind"] for one in found} >= {"unexpected_values", "too_few_values"}
    assert "Biscoo" in (folder / "a.html").read_text()


def test_what_was_accepted_is_expected_and_the_history_says_who_and_why(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    found = ("data/island/unexpected_values", "data/flipper/too_few_values")
    said = dure(
        folder, "schema", "accept", "schema.yaml", *found, "--data", "bad.csv",
        "--why", "a new island",
    )  # fmt: skip
    assert "Biscoo" in said
    assert "0 errors" in dure(folder, "check", "bad.csv", "-s", "schema.yaml")
    history = dure(folder, "schema", "history", "schema.yaml")
    assert "drafted from good.csv" in history
    assert "a new island" in history
    dure(folder, "schema", "history", "schema.yaml", "--restore", "1")
    dure(folder, "check", "bad.csv", "-s", "schema.yaml", status=3)


def test_accept_all_accepts_everything(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    dure(folder, "schema", "accept", "schema.yaml", "--all", "--data", "bad.csv")
    assert "0 errors" in dure(folder, "check", "bad.csv", "-s", "schema.yaml")
    said = dure(folder, "schema", "accept", "schema.yaml", "--data", "bad.csv", status=2)
    assert "--all" in said


def test_what_was_rejected_is_silent_and_recorded(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    for name in ("data/island/unexpected_values", "data/flipper/too_few_values"):
        dure(
            folder, "schema", "reject", "schema.yaml", name, "--data", "bad.csv",
            "--reason", "known typo", "--owner", "Ada", "--until", "2999-12-31",
        )  # fmt: skip
    assert "2 suppressed" in dure(folder, "check", "bad.csv", "-s", "schema.yaml")
    text = (folder / "schema.yaml").read_text()
    assert "known typo" in text
    assert "Ada" in text


def test_an_unknown_finding_is_named_with_the_nearest(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    said = dure(
        folder, "schema", "accept", "schema.yaml", "data/island/unexpected", "--data", "bad.csv",
        status=2,
    )  # fmt: skip
    assert "did you mean 'data/island/unexpected_values'" in said


def test_a_schema_goes_to_tfdv_and_back(folder: Path) -> None:
    pytest.importorskip("tensorflow_metadata", reason="the extra 'tfx' is not installed")
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    dure(folder, "schema", "convert", "schema.yaml", "schema.pbtxt")
    assert "string_domain" in (folder / "schema.pbtxt").read_text()
    assert "0 errors" in dure(folder, "check", "good.csv", "-s", "schema.pbtxt")
    assert dure(folder, "schema", "diff", "schema.yaml", "schema.pbtxt").strip() == "no difference"


def test_statistics_are_written_for_tfdv_and_read_back(folder: Path) -> None:
    pytest.importorskip("tensorflow_metadata", reason="the extra 'tfx' is not installed")
    dure(folder, "stats", "good.csv", "--tfdv", "stats.pb")
    assert "300 rows" in dure(folder, "stats", "stats.pb")


def test_what_was_edited_by_hand_is_a_version_of_its_own_before_it_is_changed(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    path = folder / "schema.yaml"
    path.write_text(path.read_text().replace("presence: 1.0", "presence: 0.5"))
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    assert "edited by hand" in dure(folder, "schema", "history", "schema.yaml")
    dure(folder, "schema", "history", "schema.yaml", "--restore", "2")
    assert "presence: 0.5" in path.read_text()


def test_findings_may_come_after_the_options(folder: Path) -> None:
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    said = dure(
        folder, "schema", "accept", "schema.yaml", "--data", "bad.csv",
        "data/island/unexpected_values",
    )  # fmt: skip
    assert "Biscoo" in said
    words = ("schema", "accept", "schema.yaml", "--data", "bad.csv")
    assert "not understood: --al" in dure(folder, *words, "--al", status=2)


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(folder: Path) -> None:
    (folder / "taken").write_text("")
    for words in (
        ("stats", "good.csv", "--json", "taken/s.json"),
        ("stats", "good.csv", "--html", "."),
        ("schema", "infer", "good.csv", "-o", "taken/schema.yaml"),
    ):
        said = dure(folder, *words, status=1)
        assert f"{words[-1]} cannot be written" in said
    assert "says no form" in dure(
        folder, "schema", "infer", "good.csv", "-o", "schema.json", status=2
    )
    dure(folder, "stats", "good.csv", "--json", "new/s.json")  # folders are made
    assert [path.name for path in (folder / "new").iterdir()] == ["s.json"]


def test_the_command_that_accepts_reads_the_data_in_the_same_way(folder: Path) -> None:
    (folder / "a.txt").write_text("7;x y\n" * 20 + "8;?\n9;a;b\n")
    (folder / "b.txt").write_text("7;x z\n" * 20)
    how = ("--format", "csv", "--delimiter", ";", "--header", "a,b", "--null", "?", "--quarantine")
    dure(folder, "schema", "infer", "a.txt", "-o", "schema.yaml", *how)
    said = dure(folder, "check", "b.txt", "-s", "schema.yaml", *how, status=3)
    command = shlex.split(said.rpartition("or expect it: ")[2])
    dure(folder, *command[1:])
    dure(folder, "check", "b.txt", "-s", "schema.yaml", *how)


def test_what_to_do_is_said_in_options_of_the_command(folder: Path) -> None:
    (folder / "ragged.csv").write_text("a,b\n1,2\n3\n")
    assert "--quarantine" in dure(folder, "stats", "ragged.csv", status=1)
    (folder / "long.csv").write_text("id\n9223372036854775808\n")
    assert "--type 'id=string'" in dure(folder, "stats", "long.csv", status=1)
    (folder / "latin.csv").write_bytes(b"x\ncaf\xe9\n")
    assert '--encoding "cp1252"' in dure(folder, "stats", "latin.csv", status=1)
    (folder / "what.xyz").write_text("a,b\n1,2\n")
    assert "--format" in dure(folder, "stats", "what.xyz", status=1)


def test_one_column_that_looks_like_several_is_doubted(folder: Path) -> None:
    (folder / "semi.csv").write_text("a;b\n1;2\n")
    assert "--delimiter ';'?" in dure(folder, "stats", "semi.csv")
    assert "note" not in dure(folder, "stats", "semi.csv", "--delimiter", ";")


def test_quotes_can_be_text(folder: Path) -> None:
    (folder / "inch.csv").write_text('a,b\n5",1\n7",2\n')
    assert "--quote none" in dure(folder, "stats", "inch.csv", status=1)
    assert '5"' in dure(folder, "stats", "inch.csv", "--quote", "none")


def test_a_terminal_without_the_letters_gets_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert "300 rows" in dure(folder, "stats", "good.csv")


def test_control_characters_of_the_data_do_nothing_in_a_terminal(folder: Path) -> None:
    (folder / "odd.csv").write_text("x\x1b[31m,y\na,1\na,2\n")
    dure(folder, "schema", "infer", "odd.csv", "-o", "schema.yaml")
    (folder / "odd.csv").write_text("x\x1b[31m,y\nb,1\na,2\n")
    assert "\x1b" not in dure(folder, "check", "odd.csv", "-s", "schema.yaml", status=3)


def test_kept_examples_and_statistics_are_data_too(folder: Path) -> None:
    examples = make_examples(folder / "good.csv")
    (folder / "examples").mkdir()
    (folder / "statistics").mkdir()
    examples.save(folder / "examples")
    describe(examples).save(folder / "statistics")
    dure(folder, "schema", "infer", "examples", "-o", "schema.yaml")
    for kept in ("examples", "statistics"):
        assert "of 2 splits" in dure(folder, "check", kept, "-s", "schema.yaml")


def test_drift_against_the_data_before_is_said(folder: Path) -> None:
    moved = "id,island,flipper\n" + "\n".join(
        f"{i},{'Dream' if i % 3 else 'Biscoe'},{230 + i % 40}" for i in range(300)
    )
    (folder / "moved.csv").write_text(moved + "\n")
    dure(folder, "schema", "infer", "good.csv", "-o", "schema.yaml")
    found = ("check", "moved.csv", "-s", "schema.yaml", "--previous", "good.csv")
    said = dure(folder, *found)
    assert "flipper" in said
    assert "drift" in said
    name = next(line.split()[1] for line in said.splitlines() if "  id: " in line)
    dure(
        folder, "schema", "reject", "schema.yaml", name, "--data", "moved.csv",
        "--previous", "good.csv", "--reason", "a new season",
    )  # fmt: skip
    assert "0 warnings, 1 suppressed" in dure(folder, *found)


def test_reading_options_reach_the_reader(folder: Path) -> None:
    (folder / "semi.txt").write_text("7;?\n8;x\n9;y;z\n")
    said = dure(
        folder, "stats", "semi.txt", "--format", "csv", "--delimiter", ";", "--null", "?",
        "--header", "a,b", "--type", "a=string", "--quarantine", status=1,
    )  # fmt: skip
    assert "semi.txt" in said  # one row of three is more than a tenth
    (folder / "semi.txt").write_text("7;?\n" * 20 + "9;y;z\n")
    said = dure(
        folder, "stats", "semi.txt", "--format", "csv", "--delimiter", ";", "--null", "?",
        "--header", "a,b", "--type", "a=string", "--quarantine",
    )  # fmt: skip
    assert "1 row was set aside" in said
    assert "20 rows" in said
    assert "--type is wrong" in dure(folder, "stats", "good.csv", "--type", "a", status=2)
