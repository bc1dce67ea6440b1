"""On disk, in a terminal, on a page; and what has to be imported for it."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from dure.errors import EvaluationError, StoreError
from dure.evaluate import Evaluation, evaluate

LONG = "두레농장의 아주 긴 이름 <script>alert(1)</script>"


def make(task: str) -> Evaluation:
    random = np.random.default_rng(0)
    island = random.choice(["Biscoe", LONG, "line\nbreak"], 200).tolist()
    island[0] = None
    options = {"slices": {"island": island, "hour": random.integers(0, 3, 200)}}
    if task == "binary":
        labels = random.integers(0, 2, 200)
        scores = (random.random(200) + labels) / 2
        bounds = {"auc": 0.7, "loss": (None, 0.1)}
        return evaluate(scores, labels, task="binary", thresholds=bounds, **options)
    if task == "multiclass":
        labels = random.integers(0, 3, 200)
        scores = random.dirichlet(np.ones(3), 200)
        return evaluate(scores, labels, task="multiclass", classes=["a", "<b>", "c"], **options)
    labels = random.normal(size=200)
    return evaluate(labels * 0.5, labels, task="regression", **options)


TASKS = ["binary", "multiclass", "regression"]


@pytest.fixture(scope="module", params=TASKS)
def evaluation(request: pytest.FixtureRequest) -> Evaluation:
    return make(request.param)


def test_what_is_loaded_is_what_was_saved(evaluation: Evaluation, tmp_path: Path) -> None:
    evaluation.save(tmp_path)
    back = Evaluation.load(tmp_path)
    assert back == evaluation
    assert back.gate == evaluation.gate
    assert back.text() == evaluation.text()
    assert back.html() == evaluation.html()


def test_the_same_value_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make("regression").save(tmp_path / name)
    a, b = (tmp_path / name / "evaluation.json" for name in ("a", "b"))
    assert a.read_bytes() == b.read_bytes()
    (tmp_path / "c").mkdir()
    Evaluation.load(tmp_path / "a").save(tmp_path / "c")
    assert (tmp_path / "c" / "evaluation.json").read_bytes() == a.read_bytes()


def test_what_is_not_defined_is_null_with_a_reason_in_valid_json(tmp_path: Path) -> None:
    evaluate([0.1, 0.2], [0, 1], task="binary").save(tmp_path)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    text = (tmp_path / "evaluation.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=refuse)
    (precision,) = (m for m in record["slices"][0]["metrics"] if m["name"] == "precision")
    assert precision["value"] is precision["low"] is precision["high"] is None
    assert precision["note"] == "not defined: no row is predicted positive"
    assert record["gate"]["status"] == "skip"


def test_a_terminal_of_80_columns_is_wide_enough(evaluation: Evaluation) -> None:
    for line in evaluation.text().splitlines():
        width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
        assert width <= 80, line


def test_a_note_about_classes_in_korean_fits_too() -> None:
    names = ["두레농장" * 4 + str(index) for index in range(6)]
    scores = np.full((2, 6), 1 / 6)
    result = evaluate(scores, [0, 1], task="multiclass", classes=names)
    assert names[5] in result.overall.metrics["auc"].note
    for line in result.text().splitlines():
        assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= 80


@pytest.mark.parametrize("scale", [1e-9, 1e5, 1e8, 1e15])
def test_numbers_of_any_size_fit(scale: float) -> None:
    labels = np.random.default_rng(0).normal(size=400) * scale
    result = evaluate(labels * 0.5, labels, task="regression", slices={"c": [1, 2] * 200})
    assert max(len(line) for line in result.text().splitlines()) <= 80


def test_a_terminal_shows_all_metrics_and_slices(evaluation: Evaluation) -> None:
    text = evaluation.text()
    for word in (*evaluation.overall.metrics, "by island", "by hour", "(missing)", "gate: "):
        assert word in text


def test_a_page_escapes_what_the_data_says(evaluation: Evaluation) -> None:
    html = str(evaluation.html())
    assert "<script" not in html
    assert "&lt;script&gt;" in html


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_closes_what_it_opens(evaluation: Evaluation) -> None:
    parser = Balance()
    parser.feed(str(evaluation.html()))
    assert not parser.open


def test_a_page_draws_an_interval_for_each_slice_and_the_curves() -> None:
    html = str(make("binary").html())
    assert html.count("<circle") == 3 * (4 + 3) - 1  # one slice has one row: no auc
    assert "ROC curve" in html
    assert "Calibration" in html
    assert "Confusion" in str(make("multiclass").html())


def test_summary_is_one_line(evaluation: Evaluation) -> None:
    assert "\n" not in evaluation.summary()
    assert "200 rows, 7 slices, gate: " in evaluation.summary()
    assert repr(evaluation) == f"<Evaluation: {evaluation.summary()}>"


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"version": 1}', "\xff"])
def test_a_file_that_is_not_whole_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "evaluation.json").write_text(content, encoding="latin-1")
    with pytest.raises(StoreError, match=r"evaluation\.json"):
        Evaluation.load(tmp_path)


def test_a_file_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_text('{"version": 99}')
    with pytest.raises(EvaluationError, match="version") as caught:
        Evaluation.load(tmp_path)
    assert "99" in str(caught.value)


def test_reading_an_evaluation_imports_nothing_heavy(tmp_path: Path) -> None:
    make("binary").save(tmp_path)
    code = f"""
import sys, pathlib
from dure.evaluate import Evaluation
one = Evaluation.load(pathlib.Path({str(tmp_path)!r}))
one.gate, one.summary(), one.text(), one.html(), one.blessed
print(sorted({{"numpy", "polars", "tensorflow", "keras", "sklearn", "scipy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_evaluate_can_be_imported_by_name_only() -> None:
    import dure.evaluate

    assert dure.evaluate.evaluate is evaluate
    with pytest.raises(AttributeError, match="has no attribute 'evaluat'"):
        _ = dure.evaluate.evaluat  # type: ignore[attr-defined]
