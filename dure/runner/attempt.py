"""One attempt at a step: the user's code runs here and nowhere else.

An attempt runs in the step's thread, or, where it has a timeout, in a process of its own that
can be killed. What it raises becomes a `Failed` that names the user's own line first.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dure.artifact import Artifact
from dure.errors import DureError, StepError, StepTimeoutError
from dure.progress import Progress
from dure.runner import context
from dure.runner.call import Call, fill
from dure.runner.code import is_own_file
from dure.runner.handle import Handle, resolved, step_of, value_of
from dure.runner.store import Store, Stored


@dataclass(frozen=True)
class Where:
    """The user's own line that an error came from."""

    file: str
    line: int
    function: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}, in {self.function}"
        return f"{place}\n            {self.text}" if self.text else place


@dataclass
class Failed(Exception):  # noqa: N818 - carries another error; nobody catches it by name outside
    """An attempt raised.

    Parameters
    ----------
    error : BaseException
        What it raised.
    where : Where or None
        The innermost line of the user's own, or None where none is on the way.
    trace : str
        The whole traceback as text.
    """

    error: BaseException
    where: Where | None
    trace: str


def user_line(error: BaseException) -> Where | None:
    """Return the innermost line of the user's own that ``error`` passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own_file(frame.filename)]
    if not own:
        return None
    last = own[-1]
    return Where(_relative(last.filename), last.lineno or 0, last.name, last.line or "")


def _relative(file: str) -> str:
    path = Path(file)
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return file


def attempt(
    call: Call, inputs: Mapping[str, Handle], store: Store, staging: Path, progress: Progress
) -> tuple[Stored, Artifact]:
    """Run the function in this thread and publish what it returns.

    Raises
    ------
    Failed
        If the function raises or exits, or returns something other than it says.
    """
    folder = staging / f"step-{os.urandom(6).hex()}"
    try:
        values = {role: value_of(handle) for role, handle in inputs.items()}
        made = invoke(call, values, progress, folder)
        return store.publish(made, staging), made
    except (Exception, SystemExit) as error:
        raise Failed(error, user_line(error), traceback.format_exc()) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def invoke(
    call: Call, values: Mapping[str, Artifact], progress: Progress, folder: Path | None = None
) -> Artifact:
    """Call the function and return what it made, checked against its annotation.

    Parameters
    ----------
    call, values, progress
        What to call, with which inputs, and who is told how far it is.
    folder : Path, optional
        Where it may write; see `context.step_folder`. Whoever saves what it made removes it then.

    Raises
    ------
    StepError
        If it returned something other than its annotation says.
    """
    # Components called inside a step are plain functions: the step is what is remembered.
    inside = context.calling(_Inline()), context.reporting(progress), context.working_in(folder)
    with inside[0], inside[1], inside[2]:
        made = call.run(values)
    name, kind = call.component.settings.name, call.component.output
    if not isinstance(made, kind):
        raise StepError(
            f"component {name} returned something else than it says",
            step=name,
            expected=f"a {kind.__name__}",
            got="None (is a 'return' missing?)" if made is None else type(made).__name__,
            fix="return what the annotation after '->' names, or change the annotation",
        )
    return made


class _Inline:
    """Answers a component's call inside a step by calling its function."""

    def call(self, component: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return component.function(*args, **kwargs)


def work_folder(folder: Path) -> Path:
    """Return where a process of its own may write, beside the folder that it hands over."""
    return folder.with_name(f"{folder.name}-work")


class Child:
    """Runs attempts in a process of its own, which can be killed at any time.

    Parameters
    ----------
    timeout : float or None
        Seconds that an attempt may take.
    """

    def __init__(self, step: str, timeout: float | None) -> None:
        self._step = step
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._timed_out = False
        self._status: int | None = None

    def attempt(
        self, call: Call, inputs: Mapping[str, Stored], staging: Path, progress: Progress
    ) -> Path:
        """Run the function in a child process and return the folder that it wrote.

        Raises
        ------
        Failed
            If the function raises, the process dies, or it takes too long.
        """
        folder = staging / f"child-{os.urandom(6).hex()}"
        job = _job(call, inputs, folder)
        folder.mkdir(parents=True)
        try:
            started = time.monotonic()
            answer = self._answer(job, progress)
            self._check(answer, time.monotonic() - started)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(work_folder(folder), ignore_errors=True)
        return folder

    def kill(self) -> None:
        """Kill the process and all that it started; one that has not started will not live."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                # The group outlives its first process while others are in it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def _time_out(self) -> None:
        self._timed_out = True
        self.kill()

    def _answer(self, job: bytes, progress: Progress) -> dict[str, Any] | None:
        """Start a process, and return its last message, or None if it died without one."""
        with self._lock:
            process = subprocess.Popen(
                [sys.executable, "-m", "dure.runner.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            self._process = process
        watch = threading.Timer(self._timeout, self._time_out) if self._timeout else None
        if watch:
            watch.daemon = True
            watch.start()
        try:
            if self._killed:
                self.kill()
            return self._talk(process, job, progress)
        except BaseException:
            self.kill()
            raise
        finally:
            if watch:
                watch.cancel()
            self._bury(process)

    def _talk(
        self, process: subprocess.Popen[bytes], job: bytes, progress: Progress
    ) -> dict[str, Any] | None:
        """Send the job, pass progress on, and return the answer, or None if none came."""
        assert process.stdin is not None
        assert process.stdout is not None
        # Its input stays open: that it closes tells the process that this one has died.
        with contextlib.suppress(BrokenPipeError):  # it died at once; its exit status says so
            _write(process.stdin, job)
        for message in _messages(process.stdout.fileno(), lambda: self._killed):
            if "progress" not in message:
                # Not read to the end: what the user's code left running holds the pipe as well.
                return dict(message)
            done, total, unit, note = message["progress"]
            progress(done, total, unit=unit, note=note)
        return None

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of a process that has said all it has to say."""
        try:
            process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            self.kill()
            process.wait()
        with self._lock:
            self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        self._status = process.returncode

    def _check(self, answer: dict[str, Any] | None, seconds: float) -> None:
        """Raise what an attempt ended with, unless it ended well."""
        if answer is not None and answer.get("done"):
            return
        if answer is not None:
            raise _failure(answer)
        if self._timed_out:
            raise Failed(
                StepTimeoutError(
                    f"step '{self._step}' took longer than its timeout and was stopped",
                    step=self._step,
                    expected=f"at most {self._timeout:g} s",
                    got=f"{seconds:.1f} s",
                    fix="raise the component's timeout, or give the step less to do",
                ),
                None,
                "",
            )
        raise Failed(_died(self._step, self._status), None, "")


_LAST_WORDS = 10.0
"""Seconds that a process is given to end by itself after it has given its answer."""


def _write(stream: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) :]


def _died(step: str, status: int | None) -> StepError:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        hint = "; the kernel does this when memory runs out" if name == "SIGKILL" else ""
        got = f"it was killed by {name}{hint}"
    else:
        got = f"it ended with exit status {status}"
    return StepError(
        f"the process of step '{step}' died",
        step=step,
        expected="a result or an error",
        got=got,
        fix="look at what it printed above; give it less data or a machine with more memory",
    )


def unpack_error(pickled: bytes) -> BaseException:
    """Return an error from its pickle, or from that of its class, arguments and attributes."""
    import cloudpickle

    made = cloudpickle.loads(pickled)
    if isinstance(made, tuple):
        kind, arguments, state = made
        made = kind.__new__(kind, *arguments)
        made.args = arguments
        made.__dict__.update(state)
    assert isinstance(made, BaseException)
    return made


def _failure(answer: dict[str, Any]) -> Failed:
    where = Where(*answer["where"]) if answer["where"] else None
    try:
        error = unpack_error(b64decode(answer["pickle"]))
    except Exception:  # noqa: BLE001 - an error class that does not unpickle is shown by its text
        error = RuntimeError(answer["text"])
    return Failed(error, where, answer["trace"])


def _job(call: Call, inputs: Mapping[str, Stored], folder: Path) -> bytes:
    """Return a line that says what comes, and the call with its inputs as handles."""
    import cloudpickle

    name = call.component.settings.name
    try:
        there = {
            # The class itself, which __class__ would hide.
            role: resolved(step_of(handle), handle._dure_kind, inputs[role])  # noqa: SLF001
            for role, handle in call.inputs.items()
        }
        job: bytes = cloudpickle.dumps(
            {
                "function": call.component.function,
                "name": name,
                "packages": {*call.packages, *call.component.settings.packages},
                "code": call.code,
                "arguments": {
                    parameter: fill(argument, parameter, there)
                    for parameter, argument in call.arguments.items()
                },
                "folder": str(folder),
            }
        )
    except Exception as error:
        raise Failed(
            DureError(
                f"step '{name}' has a timeout, so it runs in a process of its own, but its "
                "arguments cannot be sent there",
                expected="settings that pickle",
                got=f"{type(error).__name__}: {error}",
                fix="take the timeout away, or make the object inside the component",
            ),
            None,
            traceback.format_exc(),
        ) from error
    # The path goes first: the pickle names modules that lie on it.
    return json.dumps({"path": sys.path, "size": len(job)}).encode() + b"\n" + job


def _messages(pipe: int, killed: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """Yield what the process says, until it ends or was killed."""
    rest = b""
    while True:
        # A process that left the group may hold the pipe open after all others were killed.
        while not select.select([pipe], [], [], 1.0)[0]:
            if killed():
                return
        data = os.read(pipe, 65536)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):  # not from the worker
                message = json.loads(line)
                if isinstance(message, dict):
                    yield message
