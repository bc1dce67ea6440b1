"""One piece of work says how far it is as a step of a run does."""

from __future__ import annotations

import io

import pytest

from dure.terminal import display, progress


def test_what_is_reported_is_shown_under_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(display, "_PAUSE", 0.0)
    monkeypatch.setattr(progress, "display", lambda: display.PlainDisplay(written))
    with progress.progress_of("reading") as report:
        report(500, 1000, unit="rows", note="a.csv")
    (line,) = written.getvalue().splitlines()
    assert line.startswith("… reading")
    assert "500 of 1,000 rows" in line
    assert line.endswith("a.csv")


def test_an_error_of_the_work_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "display", lambda: display.PlainDisplay(io.StringIO()))
    with pytest.raises(ValueError, match="no good"), progress.progress_of("reading"):
        raise ValueError("no good")
