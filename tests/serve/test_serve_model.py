"""`serve` from start to end: a folder, a client, new versions, and a clean end."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dure.errors import ServingError
from dure.serve import serve

Start = Callable[..., Any]
Release = Callable[[str, Path, int], None]


def wait_for(condition: Callable[[], Any], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_the_first_version_is_announced_and_answers(
    start: Start, release: Release, tmp_path: Path
) -> None:
    release("half_plus_2", tmp_path, 1)
    client = start(tmp_path, name="half")
    assert client.url == f"http://127.0.0.1:{client.port}/v1/models/half"
    reply = client.predict({"instances": [1.0, 2.0, 5.0]})
    assert (reply.status, reply.json) == (200, {"predictions": [2.5, 3.0, 4.5]})
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert client.ask("GET", "/").status == 404
    assert client.ask("GET", client.path).json["model_version_status"][0]["state"] == "AVAILABLE"


def test_who_connects_while_the_first_version_loads_waits_for_it(
    release: Release, tmp_path: Path
) -> None:
    release("half_plus_2", tmp_path, 1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dure", "serve", str(tmp_path), "--name", "m"]
    with subprocess.Popen(
        [*command, "--port", str(port)], stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            end = time.monotonic() + 60
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                try:
                    connection.request("POST", "/v1/models/m:predict", b'{"instances": [1.0]}')
                    break
                except ConnectionRefusedError:  # not even bound yet
                    assert time.monotonic() < end
                    time.sleep(0.005)
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())) == (200, {"predictions": [2.5]})
            connection.close()
        finally:
            child.terminate()


def test_the_name_is_the_folders_by_default(
    start: Start, release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "남극 펭귄"
    folder.mkdir()
    release("half_plus_2", folder, 1)
    monkeypatch.chdir(folder)
    client = start(Path())
    assert client.url.endswith("/v1/models/%EB%82%A8%EA%B7%B9%20%ED%8E%AD%EA%B7%84")
    assert client.predict({"inputs": 1.0}).json == {"outputs": 2.5}


def test_an_empty_folder_is_waited_for(models: Path, release: Release, tmp_path: Path) -> None:
    news: list[str] = []
    stop, urls = threading.Event(), list[str]()
    thread = threading.Thread(
        target=serve,
        args=(tmp_path,),
        kwargs={
            "port": 0, "stop": stop, "ready": urls.append, "say": news.append, "poll_seconds": 0.02,
        },
    )  # fmt: skip
    thread.start()
    wait_for(lambda: any("waiting for a version" in text for text in news))
    assert urls == []
    release("half_plus_2", tmp_path, 7)
    wait_for(lambda: urls)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def test_no_request_is_lost_while_three_versions_follow(
    start: Start, release: Release, tmp_path: Path
) -> None:
    release("half_plus_2", tmp_path, 2)
    client = start(tmp_path, name="m")
    done, faults = threading.Event(), list[object]()
    seen: list[list[float]] = [[] for _ in range(6)]

    def ask(answers: list[float], keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
        try:
            while not done.is_set():
                connection.request("POST", "/v1/models/m:predict", b'{"instances": [0.0]}')
                reply = connection.getresponse()
                body = reply.read()
                if reply.status != 200:
                    faults.append((reply.status, body))
                answers.append(json.loads(body)["predictions"][0])
                if not keep:
                    connection.close()
        except Exception as error:  # noqa: BLE001 - any is a lost request, and fails the test
            faults.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=ask, args=(answers, index % 2 == 0))
        for index, answers in enumerate(seen)
    ]
    for thread in threads:
        thread.start()
    for version in (3, 4, 5):
        time.sleep(0.3)
        release(f"half_plus_{version}", tmp_path, version)
        wait_for(lambda version=version: f"m: version {version} answers" in client.news)
    time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    for answers in seen:
        # Half of 0 plus the version: each answer is of one version, and none goes back.
        assert set(answers) <= {2.0, 3.0, 4.0, 5.0}
        assert answers == sorted(answers)
        assert answers[-1] == 5.0
    assert {answer for answers in seen for answer in answers} == {2.0, 3.0, 4.0, 5.0}
    states = client.ask("GET", client.path).json["model_version_status"]
    assert [(item["version"], item["state"]) for item in states] == [
        ("5", "AVAILABLE"), ("4", "END"), ("3", "END"), ("2", "END"),
    ]  # fmt: skip


def test_a_bad_version_is_shown_and_the_old_one_goes_on(
    start: Start, release: Release, models: Path, tmp_path: Path
) -> None:
    release("half_plus_2", tmp_path, 1)
    client = start(tmp_path, name="m")
    # Copied by hand, file by file: seen before it is whole, and taken once it is.
    (tmp_path / "2" / "variables").mkdir(parents=True)
    shutil.copy(models / "half_plus_3" / "saved_model.pb", tmp_path / "2")
    wait_for(lambda: client.ask("GET", f"{client.path}/versions/2").status == 200)
    wait_for(lambda: b"END" in client.ask("GET", f"{client.path}/versions/2").body)
    (state,) = client.ask("GET", f"{client.path}/versions/2").json["model_version_status"]
    assert state["status"]["error_code"] != "OK"
    assert "variables.index is missing" in state["status"]["error_message"]
    assert client.predict({"inputs": 0.0}).json == {"outputs": 2.0}
    for path in sorted((models / "half_plus_3" / "variables").iterdir()):
        shutil.copy(path, tmp_path / "2" / "variables")
    wait_for(lambda: client.predict({"inputs": 0.0}).json == {"outputs": 3.0})


def test_a_body_over_the_limit_is_refused(start: Start, release: Release, tmp_path: Path) -> None:
    release("half_plus_2", tmp_path, 1)
    client = start(tmp_path, body_limit=100)
    assert client.predict({"instances": [1.0] * 100}).status == 413
    assert client.predict({"instances": [1.0]}).status == 200


def test_ipv6_is_listened_at(start: Start, release: Release, tmp_path: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    release("half_plus_2", tmp_path, 1)
    urls: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(
        target=serve,
        args=(tmp_path,),
        kwargs={"host": "::1", "port": 0, "ready": urls.append, "stop": stop, "say": [].append},
    )
    thread.start()
    wait_for(lambda: urls)
    assert urls[0].startswith("http://[::1]:")
    stop.set()
    thread.join()


def refusal(folder: Path, **options: Any) -> ServingError:
    with pytest.raises(ServingError) as caught:
        serve(folder, **options)
    return caught.value


def test_a_missing_folder_a_file_and_a_single_version_are_refused(
    models: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    assert refusal(tmp_path / "none").got == "no such folder"
    assert refusal(tmp_path / "file").got == "a file"
    single = refusal(models / "half_plus_2")
    assert "is a version, not a folder of versions" in single.what
    assert str(models) in str(single.fix)


def test_a_port_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = refusal(tmp_path, port=port)
    assert f"port {port}" in error.what
    assert "another program listens there" in str(error.got)
    assert f"--port {port + 1}" in str(error.fix)
    assert "--port 0" in str(error.fix)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 65536}, "port out of range"),
        ({"port": -1}, "port out of range"),
        ({"host": "192.0.2.1"}, "cannot listen at 192.0.2.1"),
        ({"host": "no such host"}, "cannot listen at no such host"),
        ({"poll_seconds": 0}, "poll_seconds"),
        ({"poll_seconds": float("nan")}, "poll_seconds"),
        ({"body_limit": 0}, "body_limit"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    error = refusal(tmp_path, **{"port": 0, **options})
    assert words in error.what
    assert error.expected


def test_a_failing_ready_function_ends_the_server_and_is_raised(
    release: Release, tmp_path: Path
) -> None:
    release("half_plus_2", tmp_path, 1)

    def ready(url: str) -> None:
        raise ZeroDivisionError(url)

    with pytest.raises(ZeroDivisionError, match="/v1/models/"):
        serve(tmp_path, port=0, ready=ready, say=[].append)


COMMAND = """
import sys
from dure.serve import serve
serve(sys.argv[1], name="m", port=0, ready=lambda url: print(url, flush=True))
loaded = {"tensorflow", "keras", "polars", "sqlalchemy", "dure.pipeline", "dure.tune", "dure.train"}
print(sorted(loaded & set(sys.modules)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_nothing_heavy_was_loaded(
    release: Release, tmp_path: Path, number: int
) -> None:
    release("half_plus_2", tmp_path, 1)
    child = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    url = child.stdout.readline().strip()
    port = int(url.split(":")[2].split("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/models/m:predict", b'{"instances": [[1.0], [2.0]]}')
    assert json.loads(connection.getresponse().read()) == {"predictions": [[2.5], [3.0]]}
    # The connection stays open: an idle client does not hold up the end.
    child.send_signal(number)
    output, news = child.communicate(timeout=30)
    connection.close()
    assert child.returncode == 0, news
    assert output.strip() == "[]"
    lines = news.splitlines()
    assert lines[0].startswith("m: ")
    assert lines[-1] == "m: stopped"
    assert len(lines) == 3, news


def test_the_handlers_of_signals_are_put_back(tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    serve(tmp_path, port=0, stop=stop, say=[].append)
    assert {number: signal.getsignal(number) for number in before} == before


def test_ctrl_c_while_waiting_for_a_version_ends_it(tmp_path: Path) -> None:
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    news: list[str] = []
    serve(tmp_path, port=0, say=news.append)
    assert news[-1].endswith("stopped")


def test_the_package_lists_what_it_has() -> None:
    import dure.serve

    for name in dure.serve.__all__:
        assert getattr(dure.serve, name)
    with pytest.raises(AttributeError, match="deliver"):
        dure.serve.deliver  # type: ignore[attr-defined] # noqa: B018 - the look-up is the test


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, dure.serve; print(sorted({'numpy', 'http.server', 'ctypes', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
