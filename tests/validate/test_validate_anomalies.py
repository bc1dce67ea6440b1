"""The anomalies as an artifact: disk, terminal, page."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dure.data import Examples
from dure.errors import StoreError, UsageError
from dure.schema import Column, Override, Schema
from dure.statistics import describe
from dure.validate import Anomalies, Anomaly, validate


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


@pytest.mark.parametrize(
    "content", [None, "", "[]", "{}", '{"version": 3}', '{"version": 2}', '{"version": 1}']
)
def test_a_file_that_is_not_whole_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "anomalies.json").write_text(content)
    with pytest.raises(StoreError, match=r"anomalies\.json"):
        Anomalies.load(tmp_path)


def test_a_file_of_version_1_is_read(tmp_path: Path) -> None:
    one = {
        "split": "train",
        "column": "x",
        "kind": "above_max",
        "severity": "error",
        "reason": "r",
        "expected": "e",
        "got": "g",
        "fix": "f",
    }
    record = {"version": 1, "splits": [{"name": "train", "rows": 3}], "anomalies": [one]}
    (tmp_path / "anomalies.json").write_text(json.dumps(record))
    old = Anomalies.load(tmp_path)
    assert old.anomalies == (Anomaly(**one),)  # type: ignore[arg-type]
    assert old.gate.status == "fail"


@pytest.fixture(scope="module")
def compared() -> Anomalies:
    generator = np.random.default_rng(0)
    sides = [
        pl.DataFrame(
            {
                "fare": generator.normal(mean, 1, 800),
                "<b>name</b> 두레": generator.choice(["a", "<i>", None], 800),
                "id": [f"{mean}-{i}" for i in range(800)],
            }
        )
        for mean in (0.0, 2.0)
    ]
    schema = Schema({name: Column(kind) for name, kind in NAMES.items()})
    examples = Examples.from_frames({"train": sides[1]})
    return validate(describe(examples), schema, previous=describe(sides[0]), examples=examples)


NAMES = {"fare": "float", "<b>name</b> 두레": "string", "id": "string"}


def test_comparisons_are_saved_also_those_that_found_nothing(
    compared: Anomalies, tmp_path: Path
) -> None:
    compared.save(tmp_path)
    back = Anomalies.load(tmp_path)
    assert back == compared
    (report,) = back.reports
    assert {one.verdict for one in report} == {"differs", "same", "not_compared"}
    assert back.text() == compared.text()


def test_comparisons_fit_a_terminal_and_a_page(compared: Anomalies) -> None:
    text = compared.text()
    assert all(cells(line) <= 80 for line in text.splitlines())
    assert "drift: 1 of 3 columns differ" in text
    html = str(compared.html())
    assert "<i>" not in html
    assert "<b>name" not in html
    assert html.count("<svg") >= 2
    assert "Kolmogorov" not in html or "smallest" in html


def test_rows_and_ids_are_shown() -> None:
    examples = Examples.from_frames({"train": pl.DataFrame({"x": [1, 99, 98]})})
    found = validate(describe(examples), Schema({"x": Column("int", max=9)}), examples=examples)
    for shown in (found.text(), str(found.html())):
        assert "1 (99), 2 (98)" in shown
        assert "train/x/above_max" in shown
    assert found.find("train/x/above_max") == found.anomalies[0]
    with pytest.raises(UsageError, match="no anomaly 'train/x/above_mx'") as caught:
        found.find("train/x/above_mx")
    assert "did you mean 'train/x/above_max'" in str(caught.value.fix)


def test_an_id_tells_slashes_in_names_from_its_own() -> None:
    one = Anomaly("a/b", "c/d%", "nan", "error", "r", "e", "g", "f", detail="x/y")
    assert one.id == "a%2Fb/c%2Fd%25/nan/x%2Fy"
    assert Anomaly("a", None, "empty_split", "error", "r", "e", "g", "f").id == "a/*/empty_split"


def test_what_is_suppressed_is_on_the_page_with_its_reason() -> None:
    override = Override("off", owner="kim", reason="known since May")
    schema = Schema({"x": Column("int", max=1, severity={"above_max": override})})
    found = validate(describe(pl.DataFrame({"x": [9]})), schema)
    assert "known since May" in str(found.html())
    assert found.find("train/x/above_max").override == "off by the schema by kim: known since May"


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


def test_a_severity_that_ended_makes_the_anomalies_unfit_for_reuse() -> None:
    past = Anomaly("train", "a", "nan", "warning", "r", "e", "g", "f", until="2020-01-31")
    future = Anomaly("train", "b", "nan", "warning", "r", "e", "g", "f", until="2999-01-01")
    assert Anomalies((future,), {"train": 1}).problem() is None
    found = Anomalies((future,), {"train": 1}, suppressed=(past,)).problem()
    assert found == "a severity in the schema held until 2020-01-31"
