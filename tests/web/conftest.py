"""Runs made by hand, for the report."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.gate import Check, Gate
from dure.runner.summary import RunSummary, StepSummary


class Table(Artifact):
    """Draws what is in its file."""

    def __init__(self, text):
        self.content = text

    def save(self, directory):
        (directory / "text.txt").write_text(self.content, encoding="utf-8")

    @classmethod
    def load(cls, directory):
        return cls((directory / "text.txt").read_text(encoding="utf-8"))

    def html(self):
        return draw.table(("name", "value"), [("content", self.content)])


class Plain(Table):
    """Forgets that HTML is Markup."""

    def html(self):
        return "<b>not markup</b><script>alert(1)</script>"


class Bare(Table):
    """Breaks the rules: draws a script."""

    def html(self):
        return Markup("<script>alert(1)</script>")


class Unloadable(Table):
    @classmethod
    def load(cls, directory):
        raise RuntimeError("<i>the file</i> is gone")


class SpeechlessError(Exception):
    def __str__(self):
        raise ValueError("no words")


class Undrawable(Table):
    def html(self):
        raise SpeechlessError


class Huge(Table):
    def html(self):
        return Markup("x" * 9_000_000)


KINDS = {
    kind.__name__: kind for kind in (Table, Plain, Bare, Unloadable, Undrawable, Huge, Artifact)
}


@pytest.fixture
def kinds():
    return KINDS


@pytest.fixture
def step(tmp_path_factory):
    """Return a function that makes a step with an artifact on disk."""

    def make(name="Step", *, kind="Table", content="344 rows", **changes):
        path = None
        if content is not None:
            path = tmp_path_factory.mktemp("artifact")
            (path / "text.txt").write_text(content, encoding="utf-8", errors="replace")
        values = {
            "name": name,
            "component": name,
            "state": "COMPLETE",
            "reasons": ("it has not run before",),
            "seconds": 1.25,
            "summary": "344 rows, 8 columns",
            "parents": (),
            "settings": {"data": "'penguins.csv'"},
            "output": "Table:60a4c0e099ac186f",
            "path": None if path is None else str(path),
            "gate": None,
            "error": None,
            "kind": KINDS[kind],
        }
        return StepSummary(**{**values, **changes})

    return make


@pytest.fixture
def run():
    """Return a function that makes a run of steps."""

    def make(*steps, **changes):
        values = {
            "run": "20260921-141320-95ed",
            "pipeline": "penguins",
            "state": "COMPLETE",
            "parameters": {"data": "penguins.csv", "epochs": "40"},
            "started": 1_790_000_000.0,
            "seconds": 35.4,
            "override": None,
            "error": None,
            "steps": tuple(steps),
        }
        return RunSummary(**{**values, **changes})

    return make


def gate(*statuses):
    return Gate(
        tuple(
            Check(f"auc >= 0.{n}", status, f"auc is 0.8{n}", 0.8, 0.75, 0.85, 1000)
            for n, status in enumerate(statuses)
        )
    ).to_dict()


@pytest.fixture
def failed_run(run, step):
    """A run with every state, a gate that failed, an override, and an error."""
    error = (
        "step 'Trainer' failed\n  at:       taxi.py, line 3, in build\n  error:    ValueError: no"
    )
    return run(
        step("ExampleGen", state="CACHED", reasons=("nothing changed since run 1",)),
        step("StatisticsGen", parents=("ExampleGen",)),
        step(
            "ExampleValidator",
            parents=("StatisticsGen",),
            gate=gate("pass", "fail", "skip"),
            summary="1 error, 0 warnings",
        ),
        step("Transform", parents=("ExampleGen",), seconds=245.0),
        step(
            "Trainer",
            parents=("Transform",),
            state="FAILED",
            error=error,
            summary="",
            output=None,
            content=None,
        ),
        step("Tuner", parents=("Transform",), state="CANCELED", content=None, output=None),
        step(
            "Pusher",
            parents=("Trainer",),
            state="SKIPPED",
            summary="",
            content=None,
            output=None,
            reasons=(),
            seconds=0.0,
        ),
        state="FAILED",
        error=error,
        override="the new airline is known",
    )


@pytest.fixture
def hostile_run(run, step):
    """A run whose every text is meant to break the page."""
    script = '"><script>alert(1)</script><!--'
    long = "x" * 10_000
    rtl = "\u202eاختبار \u2067עברית"
    names = [
        script,
        long,
        rtl,
        "  \x00\x07\n\t",
        "한국어단계이름이아주아주아주길어요정말로",
        "&lt;b&gt;'`",
    ]
    steps = [
        step(
            name,
            parents=tuple(names[:index]),
            summary=names[index - 1],
            reasons=(script, long, rtl),
            settings={text: text for text in names},
            content=name,
            error=script if index == 1 else None,
            gate={
                "status": "fail",
                "checks": [{"name": script, "status": script, "reason": long}],
            },
        )
        for index, name in enumerate(names)
    ]
    everything = {"pipeline": script + long, "run": script, "override": long, "error": script}
    return run(*steps, parameters={text: text for text in names}, state="FAILED", **everything)
