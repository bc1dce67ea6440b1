import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.errors import StoreError
from dure.web import write_report
from dure.web.report import report_html, report_json

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Reads a page: its tags, its texts, and whether every tag is closed in order."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.attributes, self.open = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not (self.open and self.open[-1] == "style"):
            self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)


def read(page):
    reader = Reader(page)
    assert reader.open == []
    return reader


def sections(page):
    """Return each step's part of the page, by its position from 1."""
    parts = re.split(r'<details class="step"', page)[1:]
    return dict(enumerate(parts, 1))


def test_both_files_are_written_and_nothing_else(run, step, tmp_path):
    folder = tmp_path / "deep" / "report"
    path = write_report(run(step()), folder)
    assert path == folder / "report.html"
    assert {p.name for p in folder.iterdir()} == {"report.html", "report.json"}
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_second_report_replaces_the_first(run, step, tmp_path):
    write_report(run(step("Before")), tmp_path)
    text = write_report(run(step("After")), tmp_path).read_text(encoding="utf-8")
    assert "After" in text
    assert "Before" not in text
    assert len(list(tmp_path.iterdir())) == 2


def test_the_json_is_the_summary(failed_run, tmp_path):
    write_report(failed_run, tmp_path)
    record = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert record.pop("version") == 1
    assert record == json.loads(json.dumps(failed_run.to_dict()))


@pytest.mark.parametrize(
    ("value", "written"),
    [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity")],
)
def test_numbers_without_a_word_in_json_are_written_as_texts(run, step, value, written):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    record = json.loads(report_json(run(step(seconds=value))), parse_constant=refuse)
    assert record["steps"][0]["seconds"] == written


def test_the_page_says_what_the_run_was(failed_run):
    page = read(report_html(failed_run))
    for text in (
        "penguins",
        "20260921-141320-95ed",
        "took 35.4 s",
        "epochs",
        "the new airline is known",
        "at:       taxi.py, line 3, in build",
        "7 steps: 3 ran, 1 reused, 1 failed, 1 interrupted, 1 not run",
        "4 min 05 s",
        "nothing changed since run 1",
        "60a4c0e099ac186f",
    ):
        assert text in page.text, text


def test_open_are_the_sections_of_gates_and_failures(failed_run):
    opened = {
        failed_run.steps[number - 1].name
        for number, part in sections(report_html(failed_run)).items()
        if part.startswith(" open>")
    }
    assert opened == {"ExampleValidator", "Trainer", "Tuner"}


def test_every_box_links_to_a_section_that_is_there(failed_run):
    page = read(report_html(failed_run))
    ids = [value for _, name, value in page.attributes if name == "id"]
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert ids == [f"step-{number}" for number in range(1, 8)]
    assert set(links) == {f"#{one}" for one in ids}
    assert len(links) == 2 * len(ids)  # one in the graph, one in the table


def test_checks_of_a_gate_are_listed_with_failures_first(failed_run):
    part = sections(report_html(failed_run))[3]
    assert part.index("auc is 0.81") < part.index("auc is 0.82") < part.index("auc is 0.80")
    assert "[0.75, 0.85]" in part
    assert "1,000" in part


def test_checks_that_the_artifact_shows_itself_are_not_repeated(run, step):
    gate = {"status": "fail", "checks": [{"name": "a", "status": "fail", "reason": "x < 1"}]}
    page = report_html(run(step(content="x < 1", gate=gate)))
    assert "<h3>Gate</h3>" not in page
    assert "<h3>Gate</h3>" in report_html(run(step(content="x", gate=gate)))


@pytest.mark.parametrize(
    ("kind", "told"),
    [("Unloadable", "RuntimeError: <i>the file</i> is gone"), ("Undrawable", "SpeechlessError")],
)
def test_an_artifact_that_raises_is_told_in_its_section_alone(run, step, kind, told):
    page = report_html(run(step("A"), step("B", kind=kind), step("C", content="after")))
    assert told in read(page).text
    assert "cannot be shown" in sections(page)[2]
    assert "cannot be shown" not in sections(page)[1] + sections(page)[3]
    assert "after" in sections(page)[3]


def test_an_artifact_whose_folder_is_gone_is_told_in_its_section(run, step):
    page = report_html(run(step(path="/nowhere/at/all", content=None)))
    assert "FileNotFoundError" in page
    assert "/nowhere/at/all" in page


def test_a_picture_too_large_for_the_page_is_left_out(run, step):
    page = report_html(run(step(kind="Huge")))
    assert len(page) < 100_000
    assert "9,000,000 letters" in page


def test_html_that_is_no_markup_is_shown_as_text(run, step):
    page = read(report_html(run(step(kind="Plain"))))
    assert "<b>not markup</b><script>alert(1)</script>" in page.text
    assert "script" not in page.tags


def test_a_script_that_an_artifact_draws_is_forbidden_by_the_page(run, step):
    page = read(report_html(run(step(kind="Bare"))))
    policies = [value for tag, name, value in page.attributes if (tag, name) == ("meta", "content")]
    assert any("default-src 'none'" in policy and "script" not in policy for policy in policies)


def test_nothing_is_loaded_from_outside(failed_run):
    page = report_html(failed_run)
    assert "http:" not in page
    assert "https:" not in page
    assert not re.search(r"url\(|@import|<script|<link|\bsrc=|javascript:|\son\w+=", page)


def test_a_run_without_steps_has_a_page(run):
    page = read(report_html(run(parameters={})))
    assert "no steps" in page.text
    assert "The pipeline called no component." in page.text


def test_a_step_that_made_nothing_says_so(run, step):
    made = step(state="SKIPPED", content=None, output=None, summary="", settings={}, reasons=())
    assert "This step made nothing." in report_html(run(made))


def test_steps_of_one_name_have_sections_of_their_own(run, step):
    steps = [step("Same", content="first"), step("Same", content="second", parents=("Same",))]
    page = report_html(run(*steps))
    assert "first" in sections(page)[1]
    assert "second" in sections(page)[2]


@pytest.mark.parametrize("started", [float("nan"), float("inf"), -1e18, 1e300])
def test_a_clock_gone_wrong_does_not_stop_the_page(run, started):
    assert "started at" in report_html(run(started=started))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_any_number_of_seconds_is_drawn(run, step, seconds):
    read(report_html(run(step(seconds=seconds), step("B", seconds=1.0), seconds=seconds)))


def test_an_unknown_state_is_shown_as_it_is(run, step):
    assert "paused" in report_html(run(step(state="PAUSED"), state="PAUSED"))


def test_texts_that_utf8_cannot_hold_are_written_as_escapes(run, step, tmp_path):
    path = write_report(run(step("half \ud800"), pipeline="\udcff"), tmp_path)
    assert "half \\ud800" in path.read_text(encoding="utf-8")
    record = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert record["pipeline"] == "\udcff"


def test_hostile_texts_add_no_tag_and_no_attribute(hostile_run, run, step):
    page = read(report_html(hostile_run))
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>") > 10
    calm = read(report_html(run(step("a", error="e"), override="o", error="e")))
    known = {name for _, name, _ in calm.attributes} | {"title", "colspan", "transform", "open"}
    assert {name for _, name, _ in page.attributes} <= known


def test_long_texts_are_cut_with_the_whole_in_the_tool_tip(run, step):
    long = "abc" * 4_000
    page = read(report_html(run(step(long, component="C", content="x"))))
    assert ("bdi", "title", long) in page.attributes
    outside = [text for text in page.texts if "abc" in text]
    assert max(map(len, outside)) <= 600  # the tool tip of the graph's box


TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["<script>", "</details>", "'\" onload=x", "]]>", "{0}", "%s", "&amp;", "\u202e", "--><!--"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, value=TEXTS, error=TEXTS, reason=TEXTS)
def test_any_text_is_shown_and_never_read_as_html(run, step, name, value, error, reason):
    """The page has the same tags whatever the texts are, and holds each text."""
    check = {"name": name, "status": "fail", "reason": "-" + reason}

    def page(name, value, error, reason):
        made = step(
            "n" + name,
            summary="s" + value,
            reasons=("r" + reason,),
            settings={"k" + name: "v" + value},
            error="e" + error,
            gate={"status": "fail", "checks": [check]},
            content=None,
        )
        return read(report_html(run(made, pipeline="p" + name, parameters={"q" + name: value})))

    shown = page(name, value, error, reason)
    assert shown.tags == page("", "", "", "").tags
    for text in ("p" + name, "v" + value, "r" + reason):
        assert _seen(text) in shown.text


def _seen(text):
    """Return ``text`` as an HTML parser gives it back: control characters became pictures."""
    return re.sub(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
        lambda m: "\u2421" if m[0] == "\x7f" else chr(0x2400 + ord(m[0])),
        text,
    )


def test_a_folder_that_cannot_be_made_says_what_to_do(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError) as caught:
        write_report(run(), tmp_path / "file")
    assert "20260921-141320-95ed" in caught.value.what
    assert "FileExistsError" in caught.value.got
    assert caught.value.fix


def test_a_report_that_cannot_be_written_leaves_nothing_half_done(run, step, tmp_path):
    (tmp_path / "report.html").mkdir()  # a file cannot be renamed onto a folder
    with pytest.raises(StoreError):
        write_report(run(step()), tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"report.html", "report.json"}


SCRIPT = """
import json, sys
from pathlib import Path
from dure.data import Examples
from dure.evaluate import Evaluation
from dure.runner.summary import RunSummary, StepSummary
from dure.schema import Schema
from dure.statistics import Statistics
from dure.validate import Anomalies
from dure.web import write_report

root = Path(sys.argv[1])
steps = tuple(
    StepSummary(kind.__name__, "C", "CACHED", (), 0.0, "", (), {}, "T:1", str(root / kind.__name__),
                None, None, kind)
    for kind in (Examples, Statistics, Schema, Anomalies, Evaluation)
)
write_report(RunSummary("r", "p", "COMPLETE", {}, 0.0, 0.0, None, None, steps), root / "report")
heavy = ("tensorflow", "keras", "polars", "sklearn", "jinja2", "sqlalchemy", "pandas")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def test_a_report_of_real_artifacts_imports_nothing_heavy(tmp_path):
    import numpy as np
    import polars as pl

    from dure.data import make_examples
    from dure.evaluate import evaluate
    from dure.schema import infer
    from dure.statistics import describe
    from dure.validate import validate

    frame = pl.DataFrame({"a": [1, 2, None] * 20, "b": ["x", "y", "z"] * 20, "c": [0.5] * 60})
    examples = make_examples(frame.with_columns(id=pl.int_range(60)))
    statistics = describe(examples)
    schema = infer(statistics)
    scores, labels = np.linspace(0, 1, 60)[:, None], np.tile([0, 1], 30)
    evaluation = evaluate(scores, labels, task="binary", thresholds={"auc": 0.5})
    for made in (examples, statistics, schema, validate(statistics, schema), evaluation):
        folder = tmp_path / type(made).__name__
        folder.mkdir()
        made.save(folder)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "cannot be shown" not in page
    read(page)
