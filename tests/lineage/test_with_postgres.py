"""The script that lends a PostgreSQL server to the tests."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "with-postgres"
needs_server = pytest.mark.skipif(
    not shutil.which("initdb") and not any(Path("/").glob("usr/lib/postgresql/*/bin/initdb")),
    reason="PostgreSQL's initdb is not here",
)


def run(tmp_path, *command):
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)  # the server's user must get in; pytest's folders are closed
    return subprocess.run(
        [SCRIPT, *command],
        env={**os.environ, "TMPDIR": str(tmp_path / "run")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@needs_server
def test_the_command_gets_a_server_and_its_status_is_passed_on(tmp_path):
    code = """
import os, signal, sys, psycopg
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
with psycopg.connect(os.environ["DURE_TEST_POSTGRES"]) as connection:
    print(connection.execute("SELECT 6 * 7").fetchone()[0], *sys.argv[1:])
sys.exit(7)
"""
    done = run(tmp_path, sys.executable, "-c", code, "two words", "")
    assert (done.returncode, done.stdout) == (7, "True\n42 two words \n"), done.stderr
    assert list((tmp_path / "run").iterdir()) == []


@needs_server
def test_nothing_stays_when_it_is_ended(tmp_path):
    done = run(tmp_path, "bash", "-c", "echo $DURE_TEST_POSTGRES; kill -TERM $PPID")
    assert done.returncode == 128 + signal.SIGTERM
    address = done.stdout.strip()
    assert address.startswith("postgresql://dure:")
    assert list((tmp_path / "run").iterdir()) == []
    code = f"import psycopg; psycopg.connect({address!r})"
    after = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "refused" in after.stderr


def test_without_a_command_it_says_how_to_use_it(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert "no command given; use: tools/with-postgres COMMAND" in done.stderr
