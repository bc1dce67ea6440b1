"""The anomalies as an artifact: disk, terminal, page."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import polars as pl
import pytest

from dure.data import Examples
from dure.errors import StoreError
from dure.schema import Column, Schema
from dure.statistics import describe
from dure.validate import Anomalies, validate


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


SCHEMA = Schema(
    {
        "island": Column("string", 1.0, ("Biscoe", "Dream")),
        "mass": Column("int", 0.9, max=5000),
        "gone": Column("int"),
    }
)


@pytest.fixture(scope="module")
def found() -> Anomalies:
    frame = pl.DataFrame(
        {"island": ["Biscoe", "두레 " * 30], "mass": [6000, None], "<new>": [1, 2]}
    )
    other = pl.DataFrame({"island": ["Dream"] * 3, "mass": [1, 2, 3], "<new>": [1, 2, 3]})
    return validate(describe(Examples.from_frames({"train": frame, "eval": other})), SCHEMA)


def test_what_is_loaded_is_what_was_saved(found: Anomalies, tmp_path: Path) -> None:
    found.save(tmp_path)
    back = Anomalies.load(tmp_path)
    assert back == found
    assert back.gate == found.gate
    assert list(back.rows) == ["train", "eval"]
    assert back.text() == found.text()
    again = tmp_path / "again"
    again.mkdir()
    back.save(again)
    assert (again / "anomalies.json").read_bytes() == (tmp_path / "anomalies.json").read_bytes()
    assert json.loads((again / "anomalies.json").read_text(encoding="utf-8"))["gate"] == (
        found.gate.to_dict()
    )


def test_a_terminal_of_80_columns_is_wide_enough(found: Anomalies) -> None:
    text = found.text()
    assert text.startswith("5 errors, 2 warnings in 5 rows of 2 splits\n")
    assert all(cells(line) <= 80 for line in text.splitlines())
    for word in ("expected:", "got:", "to do:", "error: mass [train]:"):
        assert word in text


def test_what_all_splits_have_is_shown_once(found: Anomalies) -> None:
    assert sum(one.kind == "missing_column" for one in found) == 2
    assert found.text().count("the column is not in the data") == 1
    assert "error: gone [train, eval]:" in found.text()


def test_a_page_escapes_what_the_data_says(found: Anomalies) -> None:
    html = str(found.html())
    assert "<new>" not in html
    assert "&lt;new&gt;" in html
    assert html.count('class="badge fail"') == len(found.errors) - 1  # one is in both splits


def test_no_anomalies_look_good() -> None:
    good = validate(describe(pl.DataFrame({"x": [1]})), Schema({"x": Column("int", 1.0)}))
    assert "no anomalies" in str(good.html())
    assert good.summary() == "0 errors, 0 warnings in 1 row of 1 split"


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"version": 2}', '{"version": 1}'])
def test_a_file_that_is_not_whole_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "anomalies.json").write_text(content)
    with pytest.raises(StoreError, match=r"anomalies\.json"):
        Anomalies.load(tmp_path)


def test_reading_anomalies_imports_nothing_heavy(found: Anomalies, tmp_path: Path) -> None:
    found.save(tmp_path)
    code = f"""
import sys, pathlib
from dure.validate import Anomalies
one = Anomalies.load(pathlib.Path({str(tmp_path)!r}))
one.gate, one.summary(), one.text(), one.html()
print(sorted({{"numpy", "polars", "tensorflow", "keras"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_word_longer_than_a_line_is_broken_and_nothing_is_lost() -> None:
    long = "두" * 100
    found = validate(describe(pl.DataFrame({"x": [1]})), Schema({long: Column("int")}))
    text = found.text()
    assert all(cells(line) <= 80 for line in text.splitlines())
    assert long in "".join(line.strip() for line in text.splitlines())
