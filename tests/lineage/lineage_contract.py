"""What every database of the lineage must do: subclass `LineageContract` and give it a database."""

import itertools
import os
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path

import pytest
from alembic import command as command_of_alembic
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.util.exc import CommandError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from dure.errors import LineageError
from dure.lineage import (
    ArtifactRecord,
    Change,
    ChangeError,
    ContextRecord,
    EventRecord,
    ExecutionRecord,
    Lineage,
)
from dure.lineage.connection import transaction
from dure.lineage.tables import metadata

WRITER = Path(__file__).with_name("lineage_writer.py")
few = settings(
    max_examples=25,
    deadline=None,
    # One database for all examples is meant; each subclass runs the examples on its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
fresh = itertools.count()


def artifact(digest, type_="Model", created=1.0, **more):
    return ArtifactRecord(type_, digest, f"store/{digest}", created=created, **more)


def execution(uid, state="COMPLETE", started=1.0, finished=None, run="r1", step="train", **more):
    return ExecutionRecord(uid, "Trainer", step, run, state, started, finished, **more)


def run_of(name, pipeline="taxi", state="RUNNING", created=1.0):
    return Change(
        contexts=(
            ContextRecord("pipeline", pipeline, "ACTIVE", created),
            ContextRecord("run", name, state, created, {"pipeline": pipeline}),
        )
    )


def step(uid, reads=(), writes=(), state="COMPLETE", started=1.0, **more):
    """A change with one execution that reads and writes artifacts by digest."""
    events = [
        EventRecord(uid, f"Model:{digest}", kind, f"{kind.lower()}[{place}]")
        for kind, digests in (("INPUT", reads), ("OUTPUT", writes))
        for place, digest in enumerate(digests)
    ]
    return Change(
        artifacts=tuple(artifact(digest) for digest in writes),
        executions=(execution(uid, state, started, **more),),
        events=tuple(events),
    )


def rows(lineage, query):
    with lineage._engine.connect() as connection:
        return sorted(tuple(row) for row in connection.execute(text(query)))


def everything(lineage):
    """All rows of all tables, as text that can be compared."""
    return {
        table.name: sorted(map(repr, rows_of(lineage, table))) for table in metadata.sorted_tables
    }


def rows_of(lineage, table):
    with lineage._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(table.select())]


def command(url, name, count):
    return [sys.executable, "-W", "error", str(WRITER), url, name, str(count)]


def distances(events, start, into, out):
    """Oracle: relax every event until nothing changes (no queue, no recursion, no SQL)."""
    far = 10**9
    best = defaultdict(lambda: far, {("a", start): 0})
    edge = {}
    changed = True
    while changed:
        changed = False
        for event in events:
            run, made = ("e", event.execution), ("a", event.artifact)
            source, target = (made, run) if event.kind == into else (run, made)
            if best[source] < far:
                depth = best[source] + 1
                if depth < edge.get(event, far):
                    edge[event], changed = depth, True
                if depth < best[target]:
                    best[target], changed = depth, True
    return edge


class LineageContract:
    """Subclasses give a fixture ``url``: an empty database."""

    @pytest.fixture
    def lineage(self, url):
        with Lineage.open(url) as opened:
            yield opened

    # -- the tables ------------------------------------------------------------------------

    def test_the_models_are_what_the_migrations_build(self, lineage):
        with lineage._engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), metadata)
        assert found == []

    def test_opening_again_keeps_what_is_there(self, url, lineage):
        lineage.apply(step("e1", writes=["a"]))
        before = everything(lineage)
        with Lineage.open(url, create=False) as again:
            assert everything(again) == before

    def test_a_database_of_a_newer_version_is_refused(self, url, lineage):
        with transaction(lineage._engine) as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(LineageError) as caught:
            Lineage.open(url)
        message = str(caught.value)
        assert "was written by a newer Dure" in message
        assert "expected: lineage version 0001 or older" in message
        assert "got:      version 9999" in message
        assert "to do:    upgrade Dure" in message

    def test_a_version_of_another_program_is_refused(self, url, lineage):
        with transaction(lineage._engine) as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'a1b2c3'"))
        with pytest.raises(LineageError, match="belongs to another program"):
            Lineage.open(url)

    def test_tables_of_another_program_are_not_touched(self, url, empty_engine):
        with transaction(empty_engine) as connection:
            connection.execute(text("CREATE TABLE event (what TEXT)"))
        with pytest.raises(LineageError, match="belongs to another program"):
            Lineage.open(url)
        with empty_engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM event")).scalar() == 0

    def test_an_empty_database_is_refused_when_nothing_may_be_made(self, url, empty_engine):
        with transaction(empty_engine) as connection:
            connection.execute(text("CREATE TABLE t (a TEXT)"))
            connection.execute(text("DROP TABLE t"))
        with pytest.raises(LineageError, match="holds no lineage"):
            Lineage.open(url, create=False)

    def test_an_upgrade_that_fails_leaves_nothing(self, url, empty_engine, monkeypatch):
        def fails(config, revision, real=command_of_alembic.upgrade):
            real(config, revision)
            raise CommandError("a migration failed\nat its end")

        monkeypatch.setattr(command_of_alembic, "upgrade", fails)
        with pytest.raises(LineageError) as caught:
            Lineage.open(url)
        assert "cannot be brought to version 0001" in str(caught.value)
        assert caught.value.got == "a migration failed"
        assert inspect(empty_engine).get_table_names() == []
        monkeypatch.undo()
        Lineage.open(url).close()

    def test_a_database_before_the_first_version_is_upgraded(self, url, empty_engine):
        with transaction(empty_engine) as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        with Lineage.open(url) as lineage:
            assert lineage.runs() == []
            assert rows(lineage, "SELECT version_num FROM alembic_version") == [("0001",)]

    def test_processes_that_open_a_new_database_at_once_all_succeed(self, url):
        writers = [
            subprocess.Popen(command(url, f"w{number}", 1), stderr=subprocess.PIPE, text=True)
            for number in range(4)
        ]
        problems = [writer.communicate(timeout=120)[1] for writer in writers]
        assert [writer.returncode for writer in writers] == [0] * 4, problems
        with Lineage.open(url) as lineage:
            assert len(lineage.artifacts("Model")) == 4

    # -- writing ---------------------------------------------------------------------------

    def test_a_change_applied_twice_is_applied_once(self, lineage):
        for change in (run_of("r1"), step("e1", reads=["a"], writes=["b"])):
            lineage.apply(change)
        before = everything(lineage)
        for change in (run_of("r1"), step("e1", reads=["a"], writes=["b"])):
            lineage.apply(change)
        assert everything(lineage) == before

    def test_an_empty_change_changes_nothing(self, lineage):
        before = everything(lineage)
        lineage.apply(Change())
        assert everything(lineage) == before

    def test_running_after_complete_stays_complete(self, lineage):
        done = execution("e1", "COMPLETE", 5.0, 8.0, key="k", properties={"rows": 3})
        lineage.apply(Change(executions=(done,)))
        lineage.apply(Change(executions=(execution("e1", "RUNNING", 5.0),)))
        assert lineage.execution("r1", "train") == done

    def test_running_after_complete_in_the_same_moment_stays_complete(self, lineage):
        done = execution("e1", "COMPLETE", 5.0, 5.0)
        lineage.apply(Change(executions=(done,)))
        lineage.apply(Change(executions=(execution("e1", "RUNNING", 5.0),)))
        assert lineage.execution("r1", "train") == done

    def test_an_end_before_its_beginning_by_the_clock_is_still_the_end(self, lineage):
        done = execution("e1", "COMPLETE", 5.0, 4.0)
        lineage.apply(Change(executions=(done,)))
        lineage.apply(Change(executions=(execution("e1", "RUNNING", 5.0),)))
        assert lineage.execution("r1", "train") == done

    def test_a_later_attempt_replaces_a_failure(self, lineage):
        lineage.apply(Change(executions=(execution("e1", "FAILED", 5.0, 6.0),)))
        again = execution("e1", "RUNNING", 7.0)
        lineage.apply(Change(executions=(again,)))
        assert lineage.execution("r1", "train") == again

    @few
    @given(data=st.data())
    def test_changes_in_any_order_and_any_number_end_the_same(self, lineage, data):
        name = f"n{next(fresh)}"
        states = data.draw(
            st.lists(st.sampled_from(["RUNNING", "FAILED", "COMPLETE"]), min_size=1, max_size=5)
        )
        changes = [
            Change(
                contexts=(ContextRecord("run", f"run-{name}", state, float(moment)),),
                artifacts=(artifact(name, created=float(moment), summary=str(moment)),),
                executions=(execution(name, state, float(moment), run=f"run-{name}"),),
                events=(EventRecord(name, f"Model:{moment}", "INPUT", "model"),),
            )
            for moment, state in enumerate(states, start=1)
        ]
        order = data.draw(st.permutations(changes + data.draw(st.lists(st.sampled_from(changes)))))
        for change in order:
            lineage.apply(change)
        last = len(states)
        assert lineage.execution(f"run-{name}", "train") == changes[-1].executions[0]
        found = lineage.artifact(f"Model:{name}")
        assert (found.summary, found.created) == (str(last), 1.0)
        run = lineage.run(f"run-{name}")
        assert (run.state, run.created) == (states[-1], 1.0)
        assert [item.digest for item in lineage.inputs(name).values()] == [str(last)]

    def test_a_change_that_is_refused_leaves_nothing(self, lineage):
        before = everything(lineage)
        bad = Change(
            artifacts=(artifact("a"),),
            executions=(execution("e1"),),
            events=(EventRecord("e2", "Model:a", "INPUT", "model"),),
        )
        with pytest.raises(ChangeError) as caught:
            lineage.apply(bad)
        assert everything(lineage) == before
        message = str(caught.value)
        assert "'e2', which is not known" in message
        assert "got:      INPUT Model:a as 'model'" in message
        assert "to do:    write the execution in the same change" in message
        lineage.apply(step("e1", writes=["a"]))  # the types of the refused change are made now
        assert ("ARTIFACT", "Model") in rows(lineage, "SELECT kind, name FROM type")

    def test_an_event_may_name_an_execution_of_an_earlier_change(self, lineage):
        lineage.apply(step("e1"))
        lineage.apply(Change(events=(EventRecord("e1", "Model:a", "INPUT", "model"),)))
        assert lineage.inputs("e1")["model"].uid == "Model:a"

    def test_an_artifact_that_only_an_event_names_is_completed_later(self, lineage):
        lineage.apply(step("e1", reads=["a"], started=9.0))
        stub = lineage.artifact("Model:a")
        assert (stub.uri, stub.summary, stub.state, stub.created) == ("", "", "LIVE", 9.0)
        made = artifact("a", created=3.0, summary="42 rows", properties={"class": "x"})
        lineage.apply(Change(artifacts=(made,)))
        assert lineage.artifact("Model:a") == made
        lineage.apply(step("e2", reads=["a"], started=10.0))
        assert lineage.artifact("Model:a") == made

    def test_types_are_added_on_first_use_and_only_widen(self, lineage, url):
        def known():
            found = rows_of(lineage, metadata.tables["type"])
            return {(kind, name): kinds for kind, name, kinds in found}

        first = artifact("a", properties={"rows": 1, "name": "x", "ok": True, "none": None})
        lineage.apply(Change(artifacts=(first,)))
        assert known() == {
            ("ARTIFACT", "Model"): {"rows": "INT", "name": "STRING", "ok": "BOOLEAN"}
        }
        with Lineage.open(url) as other:  # a writer that knows nothing of the first
            wider = artifact("b", properties={"rows": 1.5, "name": 3, "list": [1]})
            other.apply(Change(artifacts=(wider,)))
        lineage.apply(step("e1", reads=["c"]))
        assert known() == {
            ("ARTIFACT", "Model"): {
                "rows": "DOUBLE",
                "name": "STRUCT",
                "ok": "BOOLEAN",
                "list": "STRUCT",
            },
            ("EXECUTION", "Trainer"): {},
        }

    @few
    @given(
        properties=st.dictionaries(
            st.text(),
            st.recursive(
                st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=10,
            ),
        ),
        words=st.text(st.characters()),
    )
    def test_a_record_comes_back_as_it_was_made(self, lineage, properties, words):
        name = f"p{next(fresh)}"
        made = ArtifactRecord("Data", name, words, words, properties=properties, created=1.1)
        done = execution(
            name, started=1 / 3, finished=2 / 3, step="가" + words, properties=properties
        )
        lineage.apply(Change(artifacts=(made,), executions=(done,)))
        assert lineage.artifact(made.uid) == made
        assert lineage.execution("r1", done.step).properties == done.properties

    def test_many_threads_may_write_through_one_object(self, lineage):
        problems = []

        def write(name):
            try:
                for number in range(20):
                    lineage.apply(step(f"{name}-{number}", reads=["x"], writes=[f"{name}{number}"]))
            except Exception as error:  # noqa: BLE001 - told by the thread that waits
                problems.append(error)

        threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert rows(lineage, "SELECT count(*) FROM execution") == [(160,)]
        assert rows(lineage, "SELECT count(*) FROM event") == [(320,)]

    def test_eight_processes_may_write_fifty_changes_each(self, url, lineage):
        writers = [
            subprocess.Popen(
                command(url, f"w{number}", 50),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(8)
        ]
        problems = [writer.communicate(timeout=300)[1] for writer in writers]
        assert [writer.returncode for writer in writers] == [0] * 8, problems
        assert rows(lineage, "SELECT count(*) FROM execution") == [(400,)]
        assert rows(lineage, "SELECT count(*) FROM artifact") == [(401,)]
        assert rows(lineage, "SELECT count(*) FROM attribution") == [(408,)]

    def test_a_forked_child_may_use_what_its_parent_opened(self, lineage):
        lineage.apply(step("parent", writes=["a"]))
        child = os.fork()
        if child == 0:
            status = 1
            try:
                lineage.apply(step("child", reads=["a"], writes=["b"]))
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        lineage.apply(step("parent again", reads=["b"]))
        assert rows(lineage, "SELECT count(*) FROM execution") == [(3,)]

    # -- contexts --------------------------------------------------------------------------

    def test_a_run_and_its_pipeline_hold_executions_and_artifacts(self, lineage):
        lineage.apply(run_of("r1"))
        lineage.apply(step("e1", reads=["a"], writes=["b"]))
        assert rows(lineage, "SELECT * FROM parent_context") == [("pipeline:taxi", "run:r1")]
        self._holds(lineage)

    def test_what_a_run_wrote_before_its_pipeline_was_known_is_held_too(self, lineage):
        lineage.apply(step("e1", reads=["a"], writes=["b"]))
        assert lineage.run("r1").state == "UNKNOWN"
        lineage.apply(run_of("r1"))
        assert lineage.run("r1").state == "RUNNING"
        self._holds(lineage)

    def _holds(self, lineage):
        assert rows(lineage, "SELECT context, execution FROM association") == [
            ("pipeline:taxi", "e1"),
            ("run:r1", "e1"),
        ]
        assert rows(lineage, "SELECT context, artifact FROM attribution") == [
            ("pipeline:taxi", "Model:a"),
            ("pipeline:taxi", "Model:b"),
            ("run:r1", "Model:a"),
            ("run:r1", "Model:b"),
        ]

    def test_a_run_belongs_to_the_pipeline_of_its_change_when_it_names_none(self, lineage):
        lineage.apply(
            Change(
                contexts=(
                    ContextRecord("run", "r1", "RUNNING", 1.0),
                    ContextRecord("pipeline", "taxi", "ACTIVE", 1.0),
                )
            )
        )
        assert [run.name for run in lineage.runs("taxi")] == ["r1"]

    def test_a_pipeline_that_was_never_written_is_still_linked(self, lineage):
        run = ContextRecord("run", "r1", "RUNNING", 1.0, {"pipeline": "taxi"})
        lineage.apply(Change(contexts=(run,)))
        assert lineage.runs("taxi") == [run]

    def test_runs_come_newest_first(self, lineage):
        for number, name in enumerate(["a", "b", "c"], start=1):
            lineage.apply(run_of(name, "p1" if name != "b" else "p2", created=float(number)))
        assert [run.name for run in lineage.runs()] == ["c", "b", "a"]
        assert [run.name for run in lineage.runs("p1")] == ["c", "a"]
        assert [run.name for run in lineage.runs(limit=1)] == ["c"]
        assert [run.name for run in lineage.runs("p1", limit=1)] == ["c"]
        assert lineage.runs("no such pipeline") == []

    def test_a_run_is_found_by_name_start_or_last(self, lineage):
        for number, name in enumerate(["20260101-aa", "20260101-ab", "20260102-aa"], start=1):
            lineage.apply(run_of(name, created=float(number)))
        assert lineage.run("20260101-ab").name == "20260101-ab"
        assert lineage.run("20260102").name == "20260102-aa"
        assert lineage.run("last").name == "20260102-aa"

    def test_a_name_that_is_the_start_of_another_is_that_name(self, lineage):
        for name in ("run", "run-2"):
            lineage.apply(run_of(name))
        assert lineage.run("run").name == "run"

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            ("2026", ["more than one run starts with '2026'", "20260101-aa", "write more of it"]),
            ("20260101-ac", ["there is no run '20260101-ac'", "did you mean '20260101-a"]),
            ("", ["there is no run ''", "the latest:"]),
            ("%", ["there is no run '%'"]),
            ("\ud800\0", ["there is no run"]),
        ],
    )
    def test_a_run_that_is_not_clear_names_candidates(self, lineage, reference, words):
        for name in ("20260101-aa", "20260101-ab"):
            lineage.apply(run_of(name))
        with pytest.raises(LineageError) as caught:
            lineage.run(reference)
        assert all(word in str(caught.value) for word in words), str(caught.value)

    def test_a_database_without_runs_says_so(self, lineage):
        assert lineage.runs() == []
        with pytest.raises(LineageError) as caught:
            lineage.run("last")
        assert "no run was recorded yet" in str(caught.value)

    # -- executions ------------------------------------------------------------------------

    def test_executions_come_in_start_order(self, lineage):
        for started, name in ((3.0, "c"), (1.0, "a"), (2.0, "b")):
            lineage.apply(step(name, started=started, step=name))
        lineage.apply(step("other", run="r2"))
        assert [item.uid for item in lineage.executions("r1")] == ["a", "b", "c"]
        assert [item.uid for item in lineage.executions("r2")] == ["other"]

    def test_a_step_that_is_not_there_names_the_nearest(self, lineage):
        lineage.apply(step("e1", step="statistics"))
        with pytest.raises(LineageError) as caught:
            lineage.execution("r1", "statistiks")
        assert "run 'r1' has no step 'statistiks'" in str(caught.value)
        assert "did you mean 'statistics'?" in str(caught.value)

    def test_of_two_executions_of_a_step_the_newest_is_meant(self, lineage):
        lineage.apply(step("e1", started=1.0))
        lineage.apply(step("e2", started=2.0))
        assert lineage.execution("last", "train").uid == "e2"

    def test_the_last_execution_is_looked_for_in_all_runs_of_the_pipeline(self, lineage):
        for number, (run, pipeline) in enumerate([("r1", "p"), ("r2", "p"), ("r3", "q")], start=1):
            lineage.apply(run_of(run, pipeline, created=float(number)))
            lineage.apply(step(f"e-{run}", run=run, started=float(number)))
        assert lineage.last_execution("p", "train").uid == "e-r2"
        assert lineage.last_execution("p", "push") is None
        assert lineage.last_execution("nothing", "train") is None

    def test_inputs_and_outputs_are_found_by_role(self, lineage):
        lineage.apply(step("e1", reads=["a", "b"], writes=["c"]))
        inputs = lineage.inputs("e1")
        assert {role: item.digest for role, item in inputs.items()} == {
            "input[0]": "a",
            "input[1]": "b",
        }
        assert lineage.outputs("e1") == {"output[0]": artifact("c")}
        assert lineage.inputs("unknown") == {}

    def test_one_artifact_may_have_two_roles(self, lineage):
        lineage.apply(step("e1", reads=["a", "a"]))
        assert [item.digest for item in lineage.inputs("e1").values()] == ["a", "a"]

    # -- artifacts -------------------------------------------------------------------------

    def test_an_artifact_is_found_by_uid_or_by_a_start(self, lineage):
        kept = [artifact("abc1"), artifact("abe2"), artifact("abc1", "Schema"), artifact("ff")]
        lineage.apply(Change(artifacts=tuple(kept)))
        assert lineage.artifact("Schema:abc1") == kept[2]
        assert lineage.artifact("Model:abc") == kept[0]
        assert lineage.artifact("abe") == kept[1]
        assert lineage.artifact("f") == kept[3]

    @pytest.mark.parametrize(
        ("reference", "words"),
        [
            ("abc", ["more than one artifact starts with 'abc'", "Model:abc1", "Schema:abc1"]),
            ("Model:a", ["more than one artifact", "Model:abc1", "Model:abe2"]),
            ("Model:abc2", ["there is no artifact 'Model:abc2'", "did you mean 'Model:abc1'?"]),
            ("ABC1", ["there is no artifact 'ABC1'"]),
            ("%", ["there is no artifact '%'"]),
            ("Model", ["there is no artifact 'Model'"]),
        ],
    )
    def test_an_artifact_that_is_not_clear_names_candidates(self, lineage, reference, words):
        kept = (artifact("abc1"), artifact("abe2"), artifact("abc1", "Schema"))
        lineage.apply(Change(artifacts=kept))
        with pytest.raises(LineageError) as caught:
            lineage.artifact(reference)
        assert all(word in str(caught.value) for word in words), str(caught.value)
        assert "expected:" in str(caught.value)

    def test_a_long_list_of_candidates_is_cut(self, lineage):
        lineage.apply(Change(artifacts=tuple(artifact(f"aa{n}") for n in range(9))))
        with pytest.raises(LineageError) as caught:
            lineage.artifact("aa")
        assert caught.value.got.count("Model:") == 5
        assert caught.value.got.endswith(", ...")

    def test_artifacts_are_listed_newest_first_by_type_and_state(self, lineage):
        old, new = artifact("a", created=1.0), artifact("b", created=2.0)
        schema = artifact("c", "Schema", created=3.0)
        lineage.apply(Change(artifacts=(old, new, schema)))
        lineage.tombstone(["Model:a"])
        assert [item.digest for item in lineage.artifacts()] == ["c", "b", "a"]
        assert [item.digest for item in lineage.artifacts("Model")] == ["b", "a"]
        assert [item.digest for item in lineage.artifacts("Model", "LIVE")] == ["b"]
        assert [item.digest for item in lineage.artifacts(state="DELETED")] == ["a"]

    def test_a_tombstone_keeps_the_row_and_its_edges(self, lineage):
        lineage.apply(step("e1", reads=["a"], writes=["b"]))
        assert lineage.tombstone(["Model:b", "Model:b", "Model:unknown"]) == 1
        assert lineage.tombstone(["Model:b"]) == 0
        assert lineage.tombstone([]) == 0
        dead = lineage.artifact("Model:b")
        assert (dead.state, dead.uri, dead.created) == ("DELETED", "store/b", 1.0)
        assert [edge.artifact.uid for edge in lineage.upstream("Model:b")] == ["Model:b", "Model:a"]

    def test_only_a_newer_record_brings_a_deleted_artifact_back(self, lineage):
        lineage.apply(Change(artifacts=(artifact("a", created=1.0),)))
        lineage.tombstone(["Model:a"])
        lineage.apply(Change(artifacts=(artifact("a", created=1.0),)))
        assert lineage.artifact("Model:a").state == "DELETED"
        lineage.apply(Change(artifacts=(artifact("a", created=1e11),)))
        back = lineage.artifact("Model:a")
        assert (back.state, back.created) == ("LIVE", 1.0)

    # -- a process that died ---------------------------------------------------------------

    def test_what_a_dead_process_left_running_is_marked_failed(self, lineage):
        lineage.apply(run_of("r1"))
        lineage.apply(step("e1", state="RUNNING", started=5.0))
        lineage.apply(step("e2", state="COMPLETE", started=5.0, step="other"))
        lineage.apply(step("e3", state="RUNNING", run="r2"))
        assert lineage.interrupt("r1", at=7.0) == 2
        assert lineage.interrupt("r1", at=8.0) == 0
        assert lineage.interrupt("unknown") == 0
        found = lineage.execution("r1", "train")
        assert (found.state, found.finished) == ("FAILED", 7.0)
        assert lineage.run("r1").state == "FAILED"
        assert lineage.execution("r1", "other").state == "COMPLETE"
        assert lineage.execution("r2", "train").state == "RUNNING"

    def test_the_true_end_of_a_step_replaces_the_mark(self, lineage):
        lineage.apply(step("e1", state="RUNNING", started=5.0))
        lineage.interrupt("r1", at=9.0)
        lineage.apply(step("e1", state="RUNNING", started=5.0))
        assert lineage.execution("r1", "train").state == "FAILED"
        lineage.apply(Change(executions=(execution("e1", "COMPLETE", 5.0, 6.0),)))
        assert lineage.execution("r1", "train").state == "COMPLETE"

    # -- the graph -------------------------------------------------------------------------

    def test_a_chain_is_walked_up_and_down(self, lineage):
        lineage.apply(step("e1", writes=["a"]))
        lineage.apply(step("e2", reads=["a"], writes=["b"]))
        lineage.apply(step("e3", reads=["b"]))
        up = lineage.upstream("Model:b")
        assert [(e.depth, e.execution.uid, e.kind, e.artifact.digest) for e in up] == [
            (1, "e2", "OUTPUT", "b"),
            (2, "e2", "INPUT", "a"),
            (3, "e1", "OUTPUT", "a"),
        ]
        down = lineage.downstream("Model:a")
        assert [(e.depth, e.execution.uid, e.role, e.artifact.digest) for e in down] == [
            (1, "e2", "input[0]", "a"),
            (2, "e2", "output[0]", "b"),
            (3, "e3", "input[0]", "b"),
        ]
        assert lineage.upstream("Model:a")[0].execution.uid == "e1"

    def test_an_artifact_that_nothing_made_has_nothing_above(self, lineage):
        lineage.apply(Change(artifacts=(artifact("a"),)))
        assert lineage.upstream("a") == []
        assert lineage.downstream("a") == []

    def test_a_walk_from_an_unknown_artifact_is_refused(self, lineage):
        with pytest.raises(LineageError, match="there is no artifact 'nope'"):
            lineage.upstream("nope")

    def test_a_cycle_ends(self, lineage):
        lineage.apply(step("e1", reads=["b"], writes=["a"]))
        lineage.apply(step("e2", reads=["a"], writes=["b"]))
        lineage.apply(step("e3", reads=["c"], writes=["c"]))
        assert len(lineage.upstream("Model:a")) == 4
        assert len(lineage.downstream("Model:a")) == 4
        assert len(lineage.upstream("Model:c")) == 2

    def test_reuse_can_be_left_out(self, lineage):
        lineage.apply(step("e1", writes=["a"], step="gen"))
        lineage.apply(step("e2", reads=["a"], writes=["b"]))
        for number in range(3):
            lineage.apply(step(f"c{number}", reads=["a"], writes=["b"], state="CACHED"))
        uids = {edge.execution.uid for edge in lineage.upstream("Model:b", cached=False)}
        assert uids == {"e1", "e2"}
        assert len({edge.execution.uid for edge in lineage.upstream("Model:b")}) == 5

    def test_a_chain_of_ten_thousand_steps_is_walked(self, lineage):
        length = 10_000
        events = [EventRecord(f"e{n}", f"Model:{n}", "INPUT", "x") for n in range(length)]
        events += [EventRecord(f"e{n}", f"Model:{n + 1}", "OUTPUT", "y") for n in range(length)]
        lineage.apply(
            Change(
                executions=tuple(execution(f"e{n}", started=float(n)) for n in range(length)),
                events=tuple(events),
            )
        )
        up = lineage.upstream(f"Model:{length}")
        assert [edge.depth for edge in up] == list(range(1, 2 * length + 1))
        assert up[-1].artifact.digest == "0"
        down = lineage.downstream("Model:0")
        assert (len(down), down[-1].artifact.digest) == (2 * length, str(length))

    @few
    @given(
        links=st.lists(
            st.tuples(st.integers(0, 5), st.integers(0, 6), st.sampled_from(["INPUT", "OUTPUT"])),
            max_size=24,
            unique=True,
        )
    )
    def test_any_graph_is_walked_as_by_brute_force(self, lineage, links):
        mark = f"g{next(fresh)}"
        events = tuple(
            EventRecord(f"{mark}e{one}", f"Model:{mark}a{other}", kind, f"role{place}")
            for place, (one, other, kind) in enumerate(links)
        )
        uids = {event.execution for event in events}
        start = artifact(f"{mark}a0")
        lineage.apply(
            Change(
                artifacts=(start,),
                executions=tuple(execution(uid, run=f"run-{mark}") for uid in sorted(uids)),
                events=events,
            )
        )
        for found, ends in (
            (lineage.upstream(start.uid), ("OUTPUT", "INPUT")),
            (lineage.downstream(start.uid), ("INPUT", "OUTPUT")),
        ):
            seen = {
                EventRecord(e.execution.uid, e.artifact.uid, e.kind, e.role): e.depth for e in found
            }
            assert seen == distances(events, start.uid, *ends)
            assert len(seen) == len(found)
            assert [edge.depth for edge in found] == sorted(edge.depth for edge in found)
