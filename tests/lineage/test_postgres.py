"""The contract on PostgreSQL, and what only a server can do wrong."""

import contextlib
import socket
import subprocess
import sys
import threading

import pytest
from lineage_contract import LineageContract, run_of, step
from sqlalchemy import make_url, text

from dure.errors import LineageError, MissingExtraError
from dure.lineage import ArtifactRecord, Change, ChangeError, Lineage, Recorder
from dure.lineage.connection import connect, transaction
from dure.lineage.spool import Spool

pytestmark = pytest.mark.postgres


class Proxy:
    """A loopback TCP proxy to a server, which can be cut and mended."""

    def __init__(self, host, port):
        self._target = (host, port)
        self._open = []
        self._listener = None
        self.port = None
        self.mend()

    def mend(self):
        self._listener = socket.create_server(("127.0.0.1", self.port or 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):  # its other end was closed first
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            source.close()


@pytest.fixture
def proxied(postgres_url):
    """A proxy, and the URL through it."""
    url = make_url(postgres_url)
    proxy = Proxy(url.host, url.port)
    through = url.set(host="127.0.0.1", port=proxy.port)
    yield proxy, through.render_as_string(hide_password=False)
    proxy.cut()


class TestPostgreSQL(LineageContract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url

    @pytest.fixture
    def empty_engine(self, url):
        engine = connect(url, create=True, timeout=5.0)
        yield engine
        engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_scheme_is_taken(postgres_url, scheme):
    with Lineage.open(f"{scheme}://{postgres_url.partition('://')[2]}") as lineage:
        assert lineage.runs() == []


def test_a_server_that_is_not_there_is_a_clear_error_without_the_password(free_port):
    url = f"postgresql://me:secret@127.0.0.1:{free_port}/db"
    with pytest.raises(LineageError) as caught:
        Lineage.open(url, timeout=2.0)
    message = str(caught.value)
    assert f"postgresql://me:***@127.0.0.1:{free_port}/db cannot be used" in message
    assert "connection" in message
    assert "check that the server runs" in message
    assert "secret" not in message


def test_a_wrong_password_is_a_clear_error(postgres_url):
    url = make_url(postgres_url).set(password="wrong-password")
    with pytest.raises(LineageError) as caught:
        Lineage.open(url.render_as_string(hide_password=False))
    assert "wrong-password" not in str(caught.value)


def test_a_value_that_the_server_never_takes_is_a_refused_change(postgres_url):
    digest = "".join(chr(0x4E00 + (n * n * 7919) % 20000) for n in range(4000))
    with Lineage.open(postgres_url) as lineage, pytest.raises(ChangeError) as caught:
        lineage.apply(Change(artifacts=(ArtifactRecord("Model", digest, "uri"),)))
    assert "does not take this change" in str(caught.value)


def test_a_server_that_restarts_between_two_changes_goes_unnoticed(proxied):
    proxy, url = proxied
    with Lineage.open(url, timeout=5.0) as lineage:
        lineage.apply(step("e1"))
        proxy.cut()
        proxy.mend()
        lineage.apply(step("e2"))
        assert len(lineage.executions("r1")) == 2


def test_two_writers_that_wait_for_each_other_both_succeed(postgres_url):
    """A deadlock made on purpose: PostgreSQL ends one, and that one tries again."""
    with Lineage.open(postgres_url) as one, Lineage.open(postgres_url) as other:
        one.apply(run_of("r1"))
        other.apply(Change(artifacts=(ArtifactRecord("Model", "a", "u", created=1.0),)))
        barrier = threading.Barrier(2, timeout=30)
        problems = []

        def write(lineage, tables):
            tries = iter(range(9))

            def work(connection):
                first = next(tries) == 0
                for table in tables:
                    connection.execute(text(f"UPDATE {table} SET updated = updated + 1"))
                    if first and table == tables[0]:
                        barrier.wait()

            try:
                lineage._write(work)
            except Exception as error:  # noqa: BLE001 - told by the thread that waits
                problems.append(error)

        threads = [
            threading.Thread(target=write, args=(one, ("context", "artifact"))),
            threading.Thread(target=write, args=(other, ("artifact", "context"))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        with one._engine.connect() as connection:
            assert connection.execute(text("SELECT updated FROM artifact")).scalar() == 3.0


def test_a_table_that_is_locked_too_long_is_a_clear_error(postgres_url):
    with Lineage.open(postgres_url) as holder, Lineage.open(postgres_url, timeout=1.0) as lineage:
        with transaction(holder._engine) as connection:
            connection.execute(text("LOCK TABLE execution IN EXCLUSIVE MODE"))
            with pytest.raises(LineageError, match="cannot be used") as caught:
                lineage.apply(step("e1"))
        assert "lock timeout" in caught.value.got
        lineage.apply(step("e1"))


def test_a_server_that_goes_away_in_mid_run_costs_nothing(proxied, postgres_url, tmp_path):
    proxy, url = proxied
    told = []
    recorder = Recorder(url, tmp_path / "spool", told.append)
    recorder.record(run_of("r1"))
    for number in range(30):
        if number == 10:
            proxy.cut()
        recorder.record(step(f"e{number:02}", reads=["x"], writes=[f"m{number}"], started=number))
    assert len(told) == 1
    assert "written later" in told[0]
    with Lineage.open(postgres_url) as lineage:
        assert len(lineage.executions("r1")) == 10
    proxy.mend()
    assert recorder.flush() == 20
    assert recorder.flush() == 0
    recorder.record(run_of("r1", state="COMPLETE"))
    recorder.close()
    assert len(told) == 1
    assert not Spool(tmp_path / "spool").waiting()
    with Lineage.open(postgres_url) as lineage:
        assert [item.uid for item in lineage.executions("r1")] == [f"e{n:02}" for n in range(30)]
        assert lineage.run("r1").state == "COMPLETE"
        assert len(lineage.downstream("Model:x")) == 60


def test_the_next_recorder_delivers_what_the_last_one_kept(proxied, postgres_url, tmp_path):
    proxy, url = proxied
    proxy.cut()
    lost = Recorder(url, tmp_path / "spool")
    lost.record(step("e1", writes=["a"]))
    lost.close()
    assert Spool(tmp_path / "spool").waiting()
    proxy.mend()
    recorder = Recorder(url, tmp_path / "spool")
    recorder.record(step("e2", reads=["a"]))
    recorder.close()
    with Lineage.open(postgres_url) as lineage:
        assert [item.uid for item in lineage.executions("r1")] == ["e1", "e2"]


def test_a_server_that_comes_back_before_the_end_gets_everything_at_the_end(proxied, tmp_path):
    proxy, url = proxied
    recorder = Recorder(url, tmp_path / "spool")
    recorder.record(step("e1"))
    proxy.cut()
    recorder.record(step("e2"))
    proxy.mend()
    recorder.close()
    with Lineage.open(url) as lineage:
        assert len(lineage.executions("r1")) == 2


def test_without_psycopg_the_extra_is_named():
    code = """
import sys
sys.modules["psycopg"] = None
from dure.errors import MissingExtraError
from dure.lineage import Lineage
try:
    Lineage.open("postgresql://host/db")
except MissingExtraError as error:
    print(error.extra, error.fix)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout == "postgres pip install 'dure[postgres]'\n", found.stderr
    assert issubclass(MissingExtraError, ImportError)


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
