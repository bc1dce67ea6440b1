"""`serve`: watch a folder of versions and answer for it until told to stop."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from dure.errors import ServingError
from dure.serve.connection import Server
from dure.serve.rest import Api
from dure.serve.versions import Versions

BODY_LIMIT = 64 * 1024 * 1024


def serve(
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8501,
    poll_seconds: float = 1.0,
    ready: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
    body_limit: int = BODY_LIMIT,
    drain_seconds: float = 10.0,
    say: Callable[[str], None] | None = None,
) -> None:
    """Answer TensorFlow Serving's REST clients for the model in ``folder``, until told to stop.

    SIGTERM and Ctrl-C end it cleanly when it runs in the main thread; ``stop`` does in any.

    Parameters
    ----------
    folder : str or path
        Holds one folder per version, named by a whole number, each a SavedModel. The highest one
        that loads answers; a new one takes over without a lost request.
    name : str, optional
        The model's name in addresses. Default: the name of the folder.
    host : str
        The address to listen at. The default is reached from this machine only; ``"0.0.0.0"`` is
        reached from everywhere.
    port : int
        0 to 65535; 0 picks a free one.
    poll_seconds : float
        How often to look for new versions, above 0.
    ready : callable, optional
        Called once with the model's address, such as ``"http://127.0.0.1:8501/v1/models/taxi"``,
        when the first version answers.
    stop : threading.Event, optional
        Ends the server when it is set.
    body_limit : int
        The largest request body in bytes, also after decompression.
    drain_seconds : float
        How long requests under way may take to finish at the end.
    say : callable, optional
        Takes one piece of news at a time, in words. Default: a line on stderr.

    Raises
    ------
    ServingError
        The folder is not there, is no folder of versions, or the address cannot be had.
    MissingExtraError
        The model needs TensorFlow, which is not installed.
    """
    path, speak = Path(folder), say or _stderr
    _check_folder(path)
    _check_numbers(port, poll_seconds, body_limit)
    model = name or path.resolve().name
    versions = Versions(model, path, say=speak)
    server = _bind(host, port, Api(model, versions), body_limit)
    url = _url(host, server.server_port, model)
    ending, hurry = stop or threading.Event(), threading.Event()
    watch = _Watch(versions, poll_seconds, ending, lambda: _announce(url, speak, ready))
    with _signals(ending, hurry):
        _listen(server, watch, ending)
        try:
            while not ending.wait(1.0):  # a bare wait would hold off Ctrl-C on Windows
                pass
        finally:
            ending.set()
            cut_off = server.drain(drain_seconds, hurry)
            watch.join(drain_seconds)
            versions.close()
    if cut_off:
        speak(f"{model}: {cut_off} requests were not finished within {drain_seconds:g} s")
    if watch.failure is not None:
        raise watch.failure
    speak(f"{model}: stopped")


def _listen(server: Server, watch: _Watch, ending: threading.Event) -> None:
    """Start the watch, and answer requests as soon as it has looked once.

    Whoever connects while the first version loads waits for it, and is not told that there is
    none: the socket listens already.
    """
    watch.start()
    while not watch.looked.wait(1.0) and not ending.is_set():
        pass
    threading.Thread(
        target=server.serve_forever, args=(0.1,), name="dure-serve-listen", daemon=True
    ).start()


class _Watch(threading.Thread):
    """The thread that keeps looking for new versions."""

    def __init__(
        self, versions: Versions, seconds: float, stop: threading.Event, first: Callable[[], None]
    ) -> None:
        super().__init__(name="dure-serve-watch", daemon=True)
        self.failure: BaseException | None = None
        self.looked = threading.Event()
        self._versions = versions
        self._seconds = seconds
        self._ending = stop
        self._first = first

    def run(self) -> None:
        announced = False
        try:
            while not self._ending.is_set():
                self._versions.poll()
                self.looked.set()
                if not announced and self._versions.latest is not None:
                    announced = True
                    self._first()
                self._ending.wait(self._seconds)
        except BaseException as error:  # noqa: BLE001 - `serve` raises it in the caller's thread
            self.failure = error
            self._ending.set()
        finally:
            self.looked.set()


def _announce(url: str, say: Callable[[str], None], ready: Callable[[str], None] | None) -> None:
    say(f"listening at {url}")
    if ready is not None:
        ready(url)


def _stderr(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _check_folder(path: Path) -> None:
    if not path.is_dir():
        raise ServingError(
            f"nothing to serve: {path}",
            expected="a folder with one folder per version, such as serving/taxi with serving/taxi/1",
            got="a file" if path.exists() else "no such folder",
            fix="push a model first, or make the folder and the server waits for a version in it",
        )
    if (path / "saved_model.pb").is_file():
        raise ServingError(
            f"{path} is a version, not a folder of versions",
            expected="the folder above it",
            got="a folder with saved_model.pb in it",
            fix=f"serve {path.resolve().parent}, if {path.resolve().name} is a whole number",
        )


def _check_numbers(port: int, poll_seconds: float, body_limit: int) -> None:
    if not 0 <= port <= 65535:
        raise ServingError(
            "port out of range", expected="0 to 65535", got=str(port), fix="0 picks a free one"
        )
    if not poll_seconds > 0:
        raise ServingError("poll_seconds", expected="a number above 0", got=str(poll_seconds))
    if body_limit < 1:
        raise ServingError("body_limit", expected="a number of bytes above 0", got=str(body_limit))


def _bind(host: str, port: int, api: Api, body_limit: int) -> Server:
    try:
        return Server(host, port, api, body_limit)
    except OSError as error:
        reason, fix = str(error), "give another host with --host"
        if error.errno == errno.EADDRINUSE:
            reason = "another program listens there"
            fix = f"choose another port (--port {port + 1 if port < 65535 else 8501}, or --port 0 for any free one), or end that program"
        elif error.errno == errno.EACCES:
            reason = "this user may not listen there"
            fix = "choose a port above 1023, such as --port 8501"
        elif isinstance(error, socket.gaierror):
            reason = f"{host} is not known: {error.strerror}"
        raise ServingError(
            f"cannot listen at {host}, port {port}",
            expected="an address of this machine and a port that is free",
            got=reason,
            fix=fix,
        ) from error


def _url(host: str, port: int, model: str) -> str:
    # An address that means "all of them" is nothing that a client can ask.
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound
    if ":" in reachable:
        reachable = f"[{reachable}]"
    return f"http://{reachable}:{port}/v1/models/{quote(model, safe='')}"


@contextmanager
def _signals(stop: threading.Event, hurry: threading.Event) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C set ``stop``, and a second one ``hurry``."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: object) -> None:  # noqa: ARG001 - what signal handlers take
        (hurry if stop.is_set() else stop).set()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
