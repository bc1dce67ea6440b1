"""A run: order, reuse, failure, retries, gates, side-by-side steps, partial runs."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import dure
from dure.errors import GateError, ResourceError, StepError, UsageError
from dure.gate import Check, Gate
from dure.lineage import Lineage
from dure.runner.events import Event, StepEnded, StepProgressed, StepRetried
from dure.runner.home import Home
from dure.runner.pipeline import Pipeline, execute
from dure.runner.run import Run
from dure.runner.selection import Selection
from dure.runner.step import StepFailedError

# A logger, because it is known by its name: a list would be a constant that the components reach,
# and every entry in it would make them run again.
LOGGER = logging.getLogger("dure.tests.run")


class Number(dure.Artifact):
    def __init__(self, value: float) -> None:
        self.value = value

    def save(self, directory: Path) -> None:
        (directory / "value.json").write_text(json.dumps(self.value))

    @classmethod
    def load(cls, directory: Path) -> Number:
        return cls(json.loads((directory / "value.json").read_text()))

    def summary(self) -> str:
        return f"value {self.value}"


class Broken(Number):
    @property
    def gate(self) -> Gate:
        raise KeyError("no verdict")


class Verdict(Number):
    @property
    def gate(self) -> Gate:
        good = self.value > 0
        return Gate((Check("positive", "pass" if good else "fail", f"it is {self.value}"),))


@dure.component
def Make(value: float) -> Number:
    LOGGER.info(f"Make {value}")
    return Number(value)


@dure.component
def Double(number: Number) -> Number:
    LOGGER.info(f"Double {number.value}")
    return Number(number.value * 2)


@dure.component
def Total(numbers: list[Number], extra: Number | None = None) -> Number:
    LOGGER.info("Total")
    return Number(sum(n.value for n in numbers) + (extra.value if extra else 0))


@dure.component
def Judge(number: Number) -> Verdict:
    LOGGER.info("Judge")
    return Verdict(number.value)


@dure.component
def Fail(number: Number) -> Number:
    LOGGER.info("Fail")
    raise ZeroDivisionError(f"by {number.value}")


LOG: list[str] = []


class Keep(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        LOG.append(record.getMessage())


@pytest.fixture(autouse=True)
def empty_log() -> Any:
    LOG.clear()
    handler = Keep()
    LOGGER.addHandler(handler)
    LOGGER.setLevel("INFO")
    yield
    LOGGER.removeHandler(handler)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".dure", str(tmp_path / ".dure" / "lineage.db"))


def run(home: Home, function: Any, arguments: dict[str, Any] | None = None, **kwargs: Any) -> Run:
    return execute(Pipeline(function, "test"), arguments or {}, home, **kwargs)


def states(run: Run) -> dict[str, str | None]:
    return {step.name: step.state for step in run.steps}


def chain(value: float = 3) -> None:
    Double(Double(Make(value)))


def test_a_second_run_reuses_every_step_and_says_why(home: Home) -> None:
    first = run(home, chain)
    assert states(first) == {"Make": "COMPLETE", "Double": "COMPLETE", "Double-2": "COMPLETE"}
    assert first.steps[0].reasons == ("it has not run before",)
    LOG.clear()
    second = run(home, chain)
    assert set(states(second).values()) == {"CACHED"}
    assert LOG == []
    assert second.steps[2].reasons == (f"nothing changed since run {first.name}",)
    assert second.steps[2].stored == first.steps[2].stored


def test_a_changed_setting_runs_what_depends_on_it_and_names_the_change(home: Home) -> None:
    run(home, chain)
    second = run(home, chain, {"value": 4})
    assert second.steps[0].reasons == ("setting value changed: 3 → 4",)
    assert second.steps[1].reasons == ("input number changed",)
    assert Number.load(second.steps[2].stored.path).value == 16


def test_equal_results_stop_the_change_from_spreading(home: Home) -> None:
    @dure.component
    def Sign(number: Number) -> Number:
        return Number(1 if number.value > 0 else -1)

    def pipeline(value: float) -> None:
        Double(Sign(Make(value)))

    run(home, pipeline, {"value": 3})
    assert states(run(home, pipeline, {"value": 5})) == {
        "Make": "COMPLETE",
        "Sign": "COMPLETE",
        "Double": "CACHED",
    }


def test_if_and_for_on_what_steps_made_work_as_they_do_everywhere(home: Home) -> None:
    def pipeline(value: float) -> None:
        number = Make(value)
        if number.value > 2:
            doubled = [Double(number) for _ in range(int(number.value))]
            Total(doubled, extra=number)

    done = run(home, pipeline, {"value": 3})
    assert [step.name for step in done.steps] == ["Make", "Double", "Double-2", "Double-3", "Total"]
    assert Number.load(done.steps[-1].stored.path).value == 3 * 6 + 3
    assert [step.name for step in run(home, pipeline, {"value": 1}).steps] == ["Make"]


def test_steps_that_do_not_depend_on_each_other_run_side_by_side(home: Home) -> None:
    meeting = threading.Barrier(2, timeout=20)

    @dure.component(resources=dure.resources(cpu=0.1), cache=False)
    def Meet(number: Number) -> Number:
        meeting.wait()  # passes only if both are inside at once
        return number

    def pipeline() -> None:
        number = Make(1)
        Total([Meet(number), Meet(number)])

    assert set(states(run(home, pipeline)).values()) == {"COMPLETE"}


def test_a_step_waits_while_others_hold_the_processors(home: Home) -> None:
    inside: list[int] = []
    most: list[int] = []

    @dure.component(resources=dure.resources(cpu=_cpus()), cache=False)
    def Alone(number: Number, tag: int) -> Number:
        inside.append(tag)
        most.append(len(inside))
        time.sleep(0.05)
        inside.remove(tag)
        return number

    def pipeline() -> None:
        number = Make(1)
        Total([Alone(number, tag) for tag in range(4)])

    run(home, pipeline)
    assert max(most) == 1


def _cpus() -> float:
    from dure.runner.resources import machine

    return machine().cpu


def test_more_than_the_machine_has_fails_at_once_and_says_so(home: Home) -> None:
    def pipeline() -> None:
        Double.options(resources=dure.resources(cpu=10_000))(Make(1))

    with pytest.raises(ResourceError, match="10,000 processors") as caught:
        run(home, pipeline)
    assert "resources(cpu=...)" in str(caught.value)
    with pytest.raises(ResourceError, match="GPUs"):
        run(home, lambda: Make.options(resources=dure.resources(gpu=99))(1))
    with pytest.raises(ResourceError, match="GB of memory"):
        run(home, lambda: Make.options(resources=dure.resources(memory="900T"))(1))


def test_a_failure_names_step_line_error_and_inputs_and_publishes_nothing(home: Home) -> None:
    def pipeline() -> None:
        Double(Fail(Make(7)))

    with pytest.raises(StepFailedError) as caught:
        run(home, pipeline)
    told = str(caught.value)
    assert told.startswith("step 'Fail' failed\n  at:       ")
    assert "test_run.py" in told
    assert 'raise ZeroDivisionError(f"by {number.value}")' in told
    assert "error:    ZeroDivisionError: by 7" in told
    assert "input:    number = Number:" in told
    assert LOG == ["Make 7", "Fail"]
    assert len(list((home.root / "artifacts" / "Number").iterdir())) == 1
    assert list((home.root / "staging").iterdir()) == []


def test_after_a_failure_the_next_run_goes_on_from_the_last_finished_step(home: Home) -> None:
    broken = [True]

    @dure.component
    def Fragile(number: Number) -> Number:
        if broken:
            raise RuntimeError("not yet")
        return number

    def pipeline() -> None:
        Fragile(Double(Make(1)))

    with pytest.raises(StepError):
        run(home, pipeline)
    broken.clear()
    assert list(states(run(home, pipeline)).values()) == ["CACHED", "CACHED", "COMPLETE"]


def test_other_branches_finish_when_one_fails_and_nothing_new_begins(home: Home) -> None:
    began, failed = threading.Event(), threading.Event()

    @dure.component(resources=dure.resources(cpu=0.1))
    def Long(number: Number) -> Number:
        began.set()
        assert failed.wait(20)
        return number

    @dure.component(resources=dure.resources(cpu=0.1))
    def Broken(number: Number) -> Number:
        assert began.wait(20)
        raise ValueError("no")

    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, StepEnded) and event.state == "FAILED":
            failed.set()

    def pipeline() -> None:
        number = Make(1)
        Double(Long(number))
        Broken(number)

    with pytest.raises(StepError, match="'Broken' failed"):
        run(home, pipeline, listener=listen)
    ended = {event.step: event.state for event in events if isinstance(event, StepEnded)}
    assert ended == {
        "Make": "COMPLETE",
        "Long": "COMPLETE",
        "Broken": "FAILED",
        "Double": "SKIPPED",
    }


def test_an_error_in_the_pipeline_function_itself_is_the_users_own(home: Home) -> None:
    def pipeline() -> None:
        Make(1)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(home, pipeline)


def test_retries_repeat_with_growing_pauses_and_then_give_up(home: Home) -> None:
    tries: list[float] = []

    @dure.component(retries=2, backoff=0.05)
    def Flaky(number: Number) -> Number:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise ConnectionError("reset")
        return number

    events: list[Event] = []
    run(home, lambda: Flaky(Make(1)), listener=events.append)
    retried = [event for event in events if isinstance(event, StepRetried)]
    assert [(event.attempt, event.pause) for event in retried] == [(1, 0.05), (2, 0.1)]
    assert retried[0].reason == "ConnectionError: reset"
    assert tries[1] - tries[0] >= 0.05
    assert tries[2] - tries[1] >= 0.1

    @dure.component(retries=1, backoff=0.0)
    def Hopeless(number: Number) -> Number:
        LOGGER.info("Hopeless")
        raise ConnectionError("reset")

    with pytest.raises(StepError, match="Hopeless"):
        run(home, lambda: Hopeless(Make(1)))
    assert LOG.count("Hopeless") == 2


def test_a_failing_gate_is_published_and_stops_what_was_called_after_it(home: Home) -> None:
    def pipeline(value: float) -> None:
        number = Make(value)
        Judge(number)
        Double(number)  # does not take the verdict, and waits for it all the same

    with pytest.raises(GateError, match="the gate of 'Judge' failed") as caught:
        run(home, pipeline, {"value": -1})
    assert "it is -1" in str(caught.value)
    assert "--override" in str(caught.value)
    assert LOG == ["Make -1", "Judge"]
    assert len(list((home.root / "artifacts" / "Verdict").iterdir())) == 1
    assert states(run(home, pipeline, {"value": 1}))["Double"] == "COMPLETE"


def test_a_reused_gate_that_failed_stops_again(home: Home) -> None:
    def pipeline() -> None:
        number = Make(-1)
        Judge(number)
        Double(number)

    for _ in range(2):
        with pytest.raises(GateError):
            run(home, pipeline)
    assert LOG == ["Make -1", "Judge"]


def test_an_override_goes_on_and_is_recorded(home: Home) -> None:
    def pipeline() -> None:
        number = Make(-1)
        Judge(number)
        Double(number)

    done = run(home, pipeline, override="known, ticket 12")
    assert states(done)["Double"] == "COMPLETE"
    with Lineage.open(home.lineage) as lineage:
        assert lineage.run(done.name).properties["override"] == "known, ticket 12"


def test_a_gate_that_failed_elsewhere_is_refused_as_an_input(home: Home) -> None:
    @dure.component
    def Use(verdict: Verdict) -> Number:
        LOGGER.info("Use")
        return Number(verdict.value)

    with pytest.raises(GateError, match="step 'Use' was not run"):
        run(home, lambda: Use(Verdict(-1)))
    assert "Use" not in LOG
    with dure.override("only to look"):
        run(home, lambda: Use(Verdict(-1)))
    assert "Use" in LOG


def test_a_gate_that_cannot_be_asked_fails_its_step(home: Home) -> None:
    @dure.component
    def Ask(number: Number) -> Broken:
        return Broken(number.value)

    with pytest.raises(StepError, match="'Ask' failed") as caught:
        run(home, lambda: Double(Ask(Make(1))))
    assert "no verdict" in str(caught.value)


def test_an_override_needs_a_reason() -> None:
    with pytest.raises(UsageError, match="needs a reason"), dure.override("  "):
        pass


def test_from_runs_a_step_and_what_depends_on_it_and_takes_the_rest(home: Home) -> None:
    def pipeline(value: float = 3) -> None:
        number = Make(value)
        Double(Double(number))
        Judge(number)

    run(home, pipeline)
    again = run(home, pipeline, {"value": 99}, selection=Selection(start="Double-2"))
    assert states(again) == {
        "Make": "CACHED",
        "Double": "CACHED",
        "Double-2": "COMPLETE",
        "Judge": "CACHED",
    }
    # What comes before is taken as it was, although the parameter says otherwise.
    assert Number.load(again.steps[2].stored.path).value == 12


def test_from_without_an_earlier_run_says_so(home: Home) -> None:
    with pytest.raises(StepError, match="no result to take"):
        run(home, chain, selection=Selection(start="Double-2"))


def test_to_runs_a_step_and_what_it_needs_and_nothing_else(home: Home) -> None:
    def pipeline() -> None:
        number = Make(3)
        other = Make(4)
        Total([Double(number), other])

    done = run(home, pipeline, selection=Selection(to="Double"))
    assert states(done) == {
        "Make": "COMPLETE",
        "Make-2": "SKIPPED",
        "Double": "COMPLETE",
        "Total": "SKIPPED",
    }
    assert LOG == ["Make 3", "Double 3"]


def test_to_still_runs_what_an_if_before_it_asks(home: Home) -> None:
    def pipeline() -> None:
        number = Make(3)
        if number.value == 3:
            doubled = Double(number)
            if doubled.value:
                Total([doubled])

    done = run(home, pipeline, selection=Selection(to="Double"))
    assert states(done) == {"Make": "COMPLETE", "Double": "COMPLETE", "Total": "SKIPPED"} or states(
        done
    ) == {"Make": "COMPLETE", "Double": "COMPLETE"}
    assert "Total" not in LOG


def test_only_runs_one_step_on_what_there_is(home: Home) -> None:
    run(home, chain)
    LOG.clear()
    done = run(home, chain, selection=Selection(only="Double"))
    assert states(done) == {"Make": "CACHED", "Double": "COMPLETE", "Double-2": "SKIPPED"}
    assert LOG == ["Double 3"]


def test_no_cache_runs_a_step_again(home: Home) -> None:
    run(home, chain)
    done = run(home, chain, selection=Selection(no_cache=frozenset({"Double"})))
    assert states(done) == {"Make": "CACHED", "Double": "COMPLETE", "Double-2": "CACHED"}


def test_an_unknown_target_names_the_nearest(home: Home) -> None:
    with pytest.raises(UsageError, match="did you mean 'Double'"):
        run(home, chain, selection=Selection(to="Duoble"))


def test_a_damaged_result_runs_again_and_says_so(home: Home) -> None:
    first = run(home, chain)
    (first.steps[0].stored.path / "value.json").write_text("666")
    second = run(home, chain)
    assert states(second) == {"Make": "COMPLETE", "Double": "CACHED", "Double-2": "CACHED"}
    assert "have changed since they were written" in second.steps[0].reasons[0]
    assert Number.load(first.steps[0].stored.path).value == 3


def test_progress_reaches_the_listener(home: Home) -> None:
    @dure.component
    def Slow(number: Number) -> Number:
        report = dure.step_progress()
        for done in range(3):
            report(done + 1, 3, unit="epochs", note="n")
        return number

    events: list[Event] = []
    run(home, lambda: Slow(Make(1)), listener=events.append)
    said = [event for event in events if isinstance(event, StepProgressed)]
    assert said == [StepProgressed("Slow", float(i), 3, "epochs", "n") for i in (1, 2, 3)]


def test_a_timeout_kills_the_step_and_the_next_attempt_may_succeed(home: Home) -> None:
    flag = home.root / "flag"

    @dure.component(timeout=3, retries=1, backoff=0)
    def Hang(number: Number, flag: str) -> Number:
        path = Path(flag)
        if not path.exists():
            path.write_text("")
            time.sleep(60)
        return Number(number.value + 1)

    events: list[Event] = []
    began = time.monotonic()
    done = run(home, lambda: Hang(Make(1), str(flag)), listener=events.append)
    assert time.monotonic() - began < 30
    assert Number.load(done.steps[-1].stored.path).value == 2
    assert any(isinstance(event, StepRetried) and "timeout" in event.reason for event in events)


def test_the_lineage_holds_runs_steps_artifacts_and_reasons(home: Home) -> None:
    first = run(home, chain, {"value": 5})
    second = run(home, chain, {"value": 5})
    with Lineage.open(home.lineage) as lineage:
        assert [found.name for found in lineage.runs()] == [second.name, first.name]
        assert lineage.run("last").state == "COMPLETE"
        assert lineage.run("last").properties["parameters"] == {"value": "5"}
        executions = lineage.executions(first.name)
        assert [e.state for e in executions] == ["COMPLETE"] * 3
        assert [e.state for e in lineage.executions(second.name)] == ["CACHED"] * 3
        last = executions[-1]
        uid = lineage.outputs(last.uid)["output"].uid
        assert uid == first.steps[-1].stored.uid
        up = [edge.artifact.uid for edge in lineage.upstream(uid)]
        assert first.steps[0].stored.uid in up
        down = [edge.artifact.uid for edge in lineage.downstream(first.steps[0].stored.uid)]
        assert uid in down


def test_lineage_that_cannot_be_written_costs_the_record_not_the_run(tmp_path: Path) -> None:
    broken = tmp_path / "lineage.db"
    broken.write_text("this is no database")
    home = Home(tmp_path / ".dure", str(broken))
    remarks: list[str] = []

    def listen(event: Event) -> None:
        text = getattr(event, "text", None)
        if text:
            remarks.append(text)

    done = run(home, chain, listener=listen)
    assert set(states(done).values()) == {"COMPLETE"}
    assert any(file.stat().st_size for file in home.root.glob("lineage.spool*"))
    assert len(remarks) == 1
    broken.unlink()
    again = run(home, chain)
    assert set(states(again).values()) == {"CACHED"}
    with Lineage.open(home.lineage) as lineage:
        assert {found.name for found in lineage.runs()} == {done.name, again.name}


def test_calls_outside_a_pipeline_run_at_once_and_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DURE_HOME", str(tmp_path / ".dure"))
    first = Double(Make(4))
    assert LOG == ["Make 4", "Double 4"]
    assert first.value == 8
    again = Double(Make(4))
    assert LOG == ["Make 4", "Double 4"]
    assert again == first
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Make: ran in")
    assert said[2].startswith("Make: reused (nothing changed since run")
    with pytest.raises(StepFailedError):
        Fail(first)
    assert Double(first).value == 16  # a failure does not end a session


def test_a_partial_run_does_not_change_which_result_is_the_last(home: Home) -> None:
    def pipeline(value: float, times: int = 1) -> None:
        number = Make(value)
        for _ in range(times):
            Double(number)

    run(home, pipeline, {"value": 1})
    run(home, pipeline, {"value": 2})
    for _ in range(2):
        done = run(home, pipeline, {"value": 1}, selection=Selection(only="Double"))
        assert Number.load(done.steps[0].stored.path).value == 2


def test_a_file_that_changes_while_a_step_reads_it_is_not_kept_under_its_old_key(
    home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "data.txt"
    path.write_text("1")

    @dure.component
    def Read(data: dure.Source, later: str | None = None) -> Number:
        if later is not None:
            Path(data).write_text(later)
        return Number(float(Path(data).read_text()))

    remarks: list[str] = []
    done = run(
        home,
        lambda: Read(path, later="2"),
        listener=lambda event: remarks.append(getattr(event, "text", "")),
    )
    assert Number.load(done.steps[0].stored.path).value == 2
    assert any("'data' changed while 'Read' ran" in remark for remark in remarks)
    path.write_text("1")
    done = run(home, lambda: Read(path, later="2"))
    assert done.steps[0].state == "COMPLETE"


def test_a_run_that_the_pipeline_itself_broke_is_told_as_failed(home: Home) -> None:
    runs: list[Run] = []

    def pipeline() -> None:
        Make(1)
        raise LookupError("mine")

    with pytest.raises(LookupError):
        run(home, pipeline, on_run=runs.append)
    summary = runs[0].summary()
    assert (summary.state, summary.error) == ("FAILED", "mine")


def test_a_pipeline_called_in_a_pipeline_adds_its_steps_to_it(home: Home) -> None:
    @dure.pipeline
    def inner(number: Number) -> Any:
        return Double(number)

    done = run(home, lambda: Double(inner(Make(1))))
    assert [step.name for step in done.steps] == ["Make", "Double", "Double-2"]


def test_two_runs_at_once_share_a_home(home: Home) -> None:
    errors: list[BaseException] = []

    def work(value: float) -> None:
        try:
            run(home, chain, {"value": value % 3})
        except BaseException as error:  # noqa: BLE001 - a test thread hands it over
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with Lineage.open(home.lineage) as lineage:
        assert len(lineage.runs()) == 8
        assert all(found.state == "COMPLETE" for found in lineage.runs())
