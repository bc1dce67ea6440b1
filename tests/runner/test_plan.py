"""A plan says what a run would do, and does nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import dure
from dure.gate import Check, Gate
from dure.runner.home import Home
from dure.runner.pipeline import Pipeline, execute
from dure.runner.plan import Plan, make_plan
from dure.runner.selection import Selection


class Text(dure.Artifact):
    def __init__(self, value: str) -> None:
        self.value = value

    def save(self, directory: Path) -> None:
        (directory / "value.json").write_text(json.dumps(self.value))

    @classmethod
    def load(cls, directory: Path) -> Text:
        return cls(json.loads((directory / "value.json").read_text()))

    def summary(self) -> str:
        return self.value


class Checked(Text):
    @property
    def gate(self) -> Gate:
        return Gate((Check("short", "pass" if len(self.value) < 5 else "fail", self.value),))


@dure.component
def Say(value: str) -> Text:
    return Text(value)


@dure.component
def Shout(text: Text) -> Text:
    return Text(text.value.upper())


@dure.component
def Check_(text: Text) -> Checked:
    return Checked(text.value)


def straight(value: str = "ab") -> None:
    Shout(Shout(Say(value)))


def gated(value: str = "ab") -> None:
    text = Say(value)
    Check_(text)
    Shout(text)


def looking(value: str = "ab") -> None:
    text = Say(value)
    if text.value == "ab":
        Shout(text)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".dure", str(tmp_path / ".dure" / "lineage.db"))


def plan(home: Home, function: Any, arguments: dict[str, Any] | None = None, **kw: Any) -> Plan:
    return make_plan(Pipeline(function, "test"), arguments or {}, home, **kw)


def run(home: Home, function: Any, arguments: dict[str, Any] | None = None, **kw: Any) -> Any:
    return execute(Pipeline(function, "test"), arguments or {}, home, **kw)


def will(found: Plan) -> dict[str, str]:
    return {step.step: step.will for step in found.steps}


def test_nothing_is_written_by_a_plan(home: Home) -> None:
    assert will(plan(home, straight)) == {"Say": "run", "Shout": "run", "Shout-2": "run"}
    assert not home.root.exists()


def test_after_a_run_everything_would_be_reused_with_the_runs_own_reasons(home: Home) -> None:
    run(home, straight)
    planned = plan(home, straight)
    assert set(will(planned).values()) == {"reuse"}
    again = run(home, straight)
    assert [step.reasons for step in planned.steps] == [step.reasons for step in again.steps]


def test_a_change_would_run_what_it_reaches_and_says_what_is_not_known_yet(home: Home) -> None:
    run(home, straight)
    planned = plan(home, straight, {"value": "xy"})
    assert planned.steps[0].reasons == ("setting value changed: 'ab' → 'xy'",)
    assert planned.steps[1].reasons == ("'Say' runs before it; reused if that makes the same",)


def test_a_plan_ends_where_the_pipeline_looks_at_what_is_not_there_yet(home: Home) -> None:
    first = plan(home, looking)
    assert (will(first), first.ends) == ({"Say": "run"}, "Say")
    run(home, looking)
    second = plan(home, looking)
    assert (will(second), second.ends) == ({"Say": "reuse", "Shout": "reuse"}, None)


def test_a_gate_that_failed_before_would_stop_what_follows(home: Home) -> None:
    with pytest.raises(dure.DureError):
        run(home, gated, {"value": "too long"})
    assert will(plan(home, gated, {"value": "too long"})) == {
        "Say": "reuse",
        "Check_": "reuse",
        "Shout": "stop",
    }
    assert will(plan(home, gated, {"value": "too long"}, override="why not"))["Shout"] == "run"


def test_a_plan_follows_the_selection_as_a_run_does(home: Home) -> None:
    run(home, straight)
    assert will(plan(home, straight, selection=Selection(start="Shout"))) == {
        "Say": "reuse",
        "Shout": "run",
        "Shout-2": "run",
    }
    assert will(plan(home, straight, selection=Selection(to="Shout"))) == {
        "Say": "reuse",
        "Shout": "reuse",
        "Shout-2": "leave out",
    }
    assert (
        will(plan(home, straight, selection=Selection(no_cache=frozenset({"Say"}))))["Say"] == "run"
    )


def test_an_artifact_made_by_hand_is_known_by_its_content(home: Home) -> None:
    def by_hand(value: str = "ab") -> None:
        Shout(Text(value))

    run(home, by_hand)
    assert will(plan(home, by_hand)) == {"Shout": "reuse"}
    assert will(plan(home, by_hand, {"value": "b"})) == {"Shout": "run"}
