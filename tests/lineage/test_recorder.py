"""Recording never stops a run, and what was not written is written later."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lineage_contract import everything, run_of, step

from dure.errors import LineageError
from dure.lineage import Change, EventRecord, Lineage, Recorder
from dure.lineage.spool import Spool

HERE = Path(__file__).parent
ORPHAN = {"events": [EventRecord("no", "T:d", "INPUT", "x").to_dict()]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lineage.db"


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "lineage.spool"


@pytest.fixture
def told():
    return []


def uids(path):
    with Lineage.open(path) as lineage:
        return [item.uid for item in lineage.executions("r1")]


def test_changes_go_to_the_database_and_no_spool_is_made(path, spool, told):
    recorder = Recorder(path, spool, told.append)
    recorder.record(run_of("r1"))
    recorder.record(step("e1", writes=["a"]))
    recorder.interrupt("r1")
    recorder.close()
    assert told == []
    assert not list(path.parent.glob("lineage.spool*"))
    with Lineage.open(path) as lineage:
        assert lineage.run("r1").state == "FAILED"
        assert lineage.execution("r1", "train").state == "COMPLETE"


def test_nothing_is_opened_before_the_first_change(path, spool):
    recorder = Recorder(path, spool)
    recorder.close()
    assert list(path.parent.iterdir()) == []


def test_a_database_that_is_none_is_told_once_and_everything_is_kept(path, spool, told):
    path.write_text("this is no database")
    recorder = Recorder(path, spool, told.append)
    recorder.record(run_of("r1"))
    for number in range(5):
        recorder.record(step(f"e{number}", started=number))
    recorder.interrupt("r1")
    recorder.close()
    assert len(told) == 1
    assert f"lineage is kept in {spool} and written later" in told[0]
    assert "is no lineage database" in told[0]
    assert path.read_text() == "this is no database"
    assert len(spool.with_name("lineage.spool.sending").read_text().splitlines()) == 7


def test_what_was_kept_gives_the_same_database_as_what_was_written(tmp_path, path, spool):
    changes = [
        run_of("r1"),
        step("e1", state="RUNNING"),
        step("e1", writes=["a"], finished=2.0),
        step("e2", reads=["a"], writes=["b"], started=2.0),
        run_of("r1", state="COMPLETE"),
    ]
    path.mkdir()
    recorder = Recorder(path, spool)
    for change in changes:
        recorder.record(change)
    recorder.close()
    path.rmdir()
    assert Recorder(path, spool).flush() == len(changes)
    with Lineage.open(tmp_path / "direct.db") as direct, Lineage.open(path) as later:
        for change in changes:
            direct.apply(change)
        assert everything(later) == everything(direct)


def test_the_next_recorder_delivers_before_it_writes(path, spool):
    path.mkdir()
    first = Recorder(path, spool)
    first.record(step("e1", writes=["a"]))
    first.close()
    path.rmdir()
    told = []
    second = Recorder(path, spool, told.append)
    # It rests on what is waiting: the event's execution is in the spool.
    second.record(Change(events=(EventRecord("e1", "Model:x", "INPUT", "model"),)))
    second.close()
    assert told == []
    with Lineage.open(path) as lineage:
        assert set(lineage.inputs("e1")) == {"model"}
    assert not Spool(spool).waiting()


def test_delivering_twice_changes_nothing(path, spool):
    """A crash after delivery and before the file is removed delivers again."""
    path.mkdir()
    recorder = Recorder(path, spool)
    for number in range(3):
        recorder.record(step(f"e{number}", writes=[str(number)], started=number))
    recorder.close()
    path.rmdir()
    sending = spool.with_name("lineage.spool.sending")
    kept = sending.read_bytes()
    assert Recorder(path, spool).flush() == 3
    with Lineage.open(path) as lineage:
        before = everything(lineage)
    sending.write_bytes(kept)
    assert Recorder(path, spool).flush() == 3
    with Lineage.open(path) as lineage:
        assert everything(lineage) == before


def test_a_torn_last_line_is_kept_aside_and_the_rest_delivered(path, spool, told):
    whole = json.dumps({"change": step("e1").to_dict()})
    spool.write_text(whole + "\n" + whole[: len(whole) // 2])
    recorder = Recorder(path, spool, told.append)
    recorder.record(step("e2", started=2.0))
    recorder.close()
    assert uids(path) == ["e1", "e2"]
    broken = json.loads(spool.with_name("lineage.spool.broken").read_text())
    assert broken["line"] == whole[: len(whole) // 2]
    assert "torn" in broken["reason"]


def test_a_line_after_a_torn_one_is_whole(spool):
    spool.write_text('{"change": {"ev')
    Spool(spool).append({"change": {}})
    assert spool.read_text() == '{"change": {"ev\n{"change":{}}\n'


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[]",
        b"3",
        b"{}",
        b'{"change": {"artifacts": [{"type": "T"}]}}',
        b'{"change": 3}',
        b'{"interrupt": 3}',
        b'{"interrupt": {"run": "r", "at": "soon"}}',
        b'{"interrupt": {"run": "r", "at": null}}',
        b'{"later": {}}',
        json.dumps({"change": step("no").to_dict() | {"executions": [], **ORPHAN}}).encode(),
    ],
)
def test_a_line_that_can_never_be_delivered_is_kept_aside(path, spool, told, line):
    good = json.dumps({"change": step("e1").to_dict()}).encode()
    spool.write_bytes(line + b"\n" + good + b"\n")
    recorder = Recorder(path, spool, told.append)
    assert recorder.flush() == 1
    recorder.close()
    assert uids(path) == ["e1"]
    broken = json.loads(spool.with_name("lineage.spool.broken").read_text())
    assert broken["line"] == line.decode("utf-8", "replace")
    assert broken["reason"]
    assert len(told) == 1
    assert "put aside" in told[0]


def test_a_change_that_is_refused_is_kept_aside_and_the_next_is_written(path, spool, told):
    recorder = Recorder(path, spool, told.append)
    recorder.record(Change(events=(EventRecord("no", "Model:x", "INPUT", "model"),)))
    recorder.record(step("e1"))
    recorder.close()
    assert uids(path) == ["e1"]
    assert len(told) == 1
    assert "'no', which is not known" in told[0]
    assert "Model:x" in spool.with_name("lineage.spool.broken").read_text()


def test_what_cannot_even_be_kept_is_told(tmp_path, told):
    (tmp_path / "file").write_text("x")
    recorder = Recorder(tmp_path / "file" / "db", tmp_path / "file" / "spool", told.append)
    recorder.record(step("e1", writes=["abc"]))
    recorder.record(run_of("r1"))
    recorder.interrupt("r1")
    assert recorder.flush() == 0
    recorder.close()
    lost = [problem for problem in told if "was lost" in problem]
    assert len(lost) == 3
    assert "step 'train' COMPLETE, artifact Model:abc" in lost[0]
    assert "run 'r1' RUNNING" in lost[1]
    assert "the end of run 'r1'" in lost[2]


def test_a_missing_package_stops_nothing(spool, told, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    recorder = Recorder("postgresql://host/db", spool, told.append)
    recorder.record(step("e1"))
    recorder.close()
    assert "pip install 'dure[postgres]'" in told[0]
    assert Spool(spool).waiting()


def test_what_is_no_change_and_a_listener_that_fails_stop_nothing(path, spool):
    def broken(problem):
        raise RuntimeError(problem)

    recorder = Recorder(path, spool, broken)
    recorder.record("no change")
    recorder.record(Change(events=(EventRecord("no", "Model:x", "INPUT", "model"),)))
    recorder.close()


def test_a_database_that_is_back_is_written_directly_after_a_flush(path, spool, told):
    path.mkdir()
    recorder = Recorder(path, spool, told.append)
    recorder.record(step("e1"))
    assert recorder.flush() == 0
    assert "waits in" in told[-1]
    path.rmdir()
    assert recorder.flush() == 1
    recorder.record(step("e2", started=2.0))
    assert not Spool(spool).waiting()
    recorder.close()
    assert uids(path) == ["e1", "e2"]


def test_a_database_that_fails_in_the_middle_of_a_delivery_loses_nothing(path, spool, monkeypatch):
    path.mkdir()
    recorder = Recorder(path, spool)
    for number in range(6):
        recorder.record(step(f"e{number}", started=number))
    recorder.close()
    path.rmdir()
    real, calls = Lineage.apply, iter(range(99))

    def sometimes(self, change):
        if next(calls) == 3:
            raise LineageError("the database went away")
        real(self, change)

    monkeypatch.setattr(Lineage, "apply", sometimes)
    recorder = Recorder(path, spool)
    assert recorder.flush() == 3
    assert recorder.flush() == 6
    assert recorder.flush() == 0
    recorder.close()
    assert uids(path) == [f"e{number}" for number in range(6)]


def test_a_locked_database_is_waited_for_once(path, spool, told, monkeypatch):
    import sqlite3

    monkeypatch.setattr("dure.lineage.recorder._PATIENCE", 0.2)
    Lineage.open(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    recorder = Recorder(path, spool, told.append)
    tried, real = [], Lineage.apply
    monkeypatch.setattr(Lineage, "apply", lambda *given: (tried.append(given), real(*given)))
    for number in range(50):
        recorder.record(step(f"e{number:02}", started=number))
    assert len(tried) == len(told) == 1
    other.execute("ROLLBACK")
    other.close()
    recorder.close()
    assert len(uids(path)) == 50


FULL = """
import resource, signal, sys
from dure.lineage import Recorder
sys.path.insert(0, sys.argv[3])
from lineage_writer import change
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past the limit fails, as on a full disk
recorder = Recorder(sys.argv[1], sys.argv[2], lambda problem: print(problem, file=sys.stderr))
recorder.record(change("r1", 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
for number in range(1, 200):
    recorder.record(change("r1", number))
recorder.close()
print("the run went on")
"""


def test_a_disk_that_is_full_for_the_database_is_spooled(path, spool):
    """Once the file of SQLite cannot grow, the rest goes to the spool, which still can."""
    script = [sys.executable, "-c", FULL, str(path), str(spool), str(HERE)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "the run went on\n", done.stderr
    assert "written later" in done.stderr
    assert "lost" not in done.stderr
    assert Spool(spool).waiting()
    recorder = Recorder(path, spool)
    assert recorder.flush() > 0
    recorder.close()
    with Lineage.open(path) as lineage:
        assert len(lineage.executions("run-r1")) == 200


def test_a_full_disk_while_spooling_leaves_no_half_line(path, spool, told, monkeypatch):
    path.mkdir()
    recorder = Recorder(path, spool, told.append)
    recorder.record(step("e1"))
    real = os.write

    def short(descriptor, data):
        if len(data) > 100:
            return real(descriptor, data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dure.lineage.spool.os.write", short)
    recorder.record(step("e2", started=2.0))
    monkeypatch.undo()
    recorder.record(step("e3", started=3.0))
    path.rmdir()
    assert recorder.flush() == 2
    recorder.close()
    assert "was lost: step 'train' COMPLETE: OSError: [Errno 28]" in told[-1]
    assert uids(path) == ["e1", "e3"]


SPOOLING = """
import sys
from dure.lineage import Recorder
sys.path.insert(0, sys.argv[3])
from lineage_writer import change
recorder = Recorder(sys.argv[1], sys.argv[2])
for number in range(int(sys.argv[5])):
    recorder.record(change(sys.argv[4], number))
    print(number, flush=True)
"""


def spooling(path, spool, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", SPOOLING, str(path), str(spool), str(HERE), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_share_one_spool(path, spool):
    path.mkdir()
    writers = [spooling(path, spool, f"w{number}", 25) for number in range(4)]
    assert [writer.communicate(timeout=120)[0].count("\n") for writer in writers] == [25] * 4
    path.rmdir()
    recorder = Recorder(path, spool)
    assert recorder.flush() == 100
    recorder.close()
    with Lineage.open(path) as lineage:
        assert [len(lineage.executions(f"run-w{number}")) for number in range(4)] == [25] * 4


def test_kill_9_while_spooling_loses_nothing_that_was_said(path, spool):
    path.mkdir()
    chance = random.Random(3)
    said = {}
    for number in range(3):
        writer = spooling(path, spool, f"k{number}", 10**6)
        first = writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.1))
        writer.send_signal(signal.SIGKILL)
        said[f"k{number}"] = [first, *writer.stdout.read().splitlines(keepends=True)]
        writer.wait()
        writer.stdout.close()
    path.rmdir()
    recorder = Recorder(path, spool)
    recorder.flush()
    recorder.close()
    with Lineage.open(path) as lineage:
        for name, lines in said.items():
            whole = [line for line in lines if line.endswith("\n")]
            assert len(lineage.executions(f"run-{name}")) in (len(whole), len(whole) + 1)


def test_many_threads_may_record(path, spool, told):
    recorder = Recorder(path, spool, told.append)
    threads = [
        threading.Thread(
            target=lambda name=name: [recorder.record(step(f"{name}-{n}")) for n in range(20)]
        )
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert told == []
    assert len(uids(path)) == 80


def test_while_one_process_delivers_another_appends_and_nothing_is_lost(spool):
    keeper, got = Spool(spool), []
    keeper.append({"n": 0})

    def send(entry):
        if entry["n"] < 5:
            Spool(spool).append({"n": entry["n"] + 1})  # does not wait for the delivery
            assert Spool(spool).deliver(got.append) == 0  # which is this one's alone
        got.append(entry["n"])

    assert keeper.deliver(send) == 6
    assert got == [0, 1, 2, 3, 4, 5]
    assert not keeper.waiting()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.text(), st.text() | st.none()), max_size=8))
def test_entries_come_out_as_they_went_in(spool, entries):
    keeper, got = Spool(spool), []
    for entry in entries:
        keeper.append(entry)
    assert keeper.deliver(got.append) == len(entries)
    assert got == entries
