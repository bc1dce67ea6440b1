"""User code runs in one place, in this process or in a child, and what it does wrong is explained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import pytest

from dure.artifact import Artifact
from dure.errors import DataError, DureError, StepError, StepTimeoutError, StoreError
from dure.progress import silent
from dure.runner.attempt import Child, Failed, Where, attempt, user_line
from dure.runner.call import Call, take_apart
from dure.runner.handle import Handle, resolved
from dure.runner.store import Store, Stored

Toys = Callable[..., ModuleType]

STEPS = """
import json

class MineError(ValueError):
    def __init__(self, what, code):
        super().__init__(what)
        self.code = code


class StubbornError(Exception):
    def __init__(self, what, lock):
        super().__init__(what)
        self.lock = lock


class StrangeError(Exception):
    __slots__ = ("code",)
    def __str__(self): return f"code {self.code}"


@component
def Fail(number: Number) -> Number:
    raise MineError("no good", number.value)


@component
def FailInALibrary(text: str) -> Number:
    return Number(json.loads(text))


@component
def FailAsDure() -> Number:
    from dure.errors import DataError
    raise DataError("bad data", expected="good data", got="bad", fix="mend it")


@component
def FailStubbornly() -> Number:
    raise StubbornError("cannot travel", threading.Lock())


@component
def FailStrangely() -> Number:
    error = StrangeError()
    error.code = 3
    raise error


@component
def Leave(status: int = 3) -> Number:
    sys.exit(status)


@component
def Nothing() -> Number:
    pass


@component
def Other() -> Number:
    return "a text"


@component
def Print() -> Number:
    print("from print")
    print('{"done": true}')
    print('{"progress": [1, 2, "rows", ""]}', flush=True)
    sys.stdout.flush()
    os.write(1, b"from the file descriptor\\n{}\\n")
    subprocess.run(["echo", "from a child"])
    return Number(5)


@component
def Report(many: int = 3) -> Number:
    import numpy as np
    progress = step_progress()
    for i in range(many):
        progress(i, many, unit="epochs", note=f"loss {i}")
    progress(np.int64(7), np.float32(8), unit="rows", note=Path("a"))
    progress(1.5)
    return Number(1)


@component
def AskForInput() -> Number:
    return Number(len(sys.stdin.read()))


@component
def Exit(status: int) -> Number:
    os._exit(status)


@component
def Kill(number: int) -> Number:
    os.kill(os.getpid(), number)
    time.sleep(30)


@component
def Hang(where: str) -> Number:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(where).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(60)


@component
def LeaveBehind(where: str) -> Number:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    Path(where).write_text(str(pid))
    return Number(4)


@component
def Inner(value: int) -> Number:
    return Number(value + 1)


@component
def Outer(value: int) -> Number:
    return Inner(value)


@component
def Full() -> Number:
    return Unsavable(1)


class Unsavable(Number):
    def save(self, directory):
        (directory / "half").write_text("half")
        raise OSError(28, "No space left on device")


@component
def Big() -> Number:
    raise ValueError("x" * 300_000)


SCALE = 3
def scale(x): return x * SCALE


@component
def Apply(function: object, value: int) -> Number:
    return Number(function(value))
"""


def keep(role: str, value: Artifact) -> Handle:
    raise AssertionError(role)


def call(component: Any, *args: Any, **kwargs: Any) -> Call:
    return take_apart(component, args, kwargs, keep)


@pytest.fixture
def staging(store: Store) -> Iterator[Path]:
    with store.staging("run-1") as folder:
        yield folder


@pytest.fixture
def toy(toys: Toys) -> ModuleType:
    return toys(STEPS)


@pytest.fixture
def number(toy: ModuleType, store: Store, staging: Path) -> Callable[[int], Handle]:
    """Return a function that stores a number and returns a handle on it."""

    def make(value: int) -> Handle:
        made = toy.Number(value)
        return resolved(f"Make-{value}", toy.Number, store.publish(made, staging))

    return make


Run = Callable[..., Any]


@pytest.fixture(params=["here", "in a child"])
def run(request: pytest.FixtureRequest, store: Store, staging: Path) -> Run:
    """Return a function that makes an attempt and returns the number that it made."""

    def here(component: Any, *args: Any, progress: Any = silent, **kwargs: Any) -> Any:
        made = call(component, *args, **kwargs)
        return attempt(made, made.inputs, store, staging, progress)[0]

    def in_a_child(component: Any, *args: Any, progress: Any = silent, **kwargs: Any) -> Any:
        made = call(component, *args, **kwargs)
        folder = run_child(made, staging, progress=progress)
        return store.adopt(folder, made.component.output.__name__)

    return here if request.param == "here" else in_a_child


def run_child(
    made: Call, staging: Path, *, timeout: float | None = 30.0, progress: Any = silent
) -> Path:
    inputs = {role: handle._dure_future.result() for role, handle in made.inputs.items()}
    return Child("Toy", timeout).attempt(made, inputs, staging, progress)


def value(stored: Stored) -> int:
    return int((stored.path / "value.txt").read_text())


def failure(run: Run, component: Any, *args: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        run(component, *args)
    return caught.value


# --- both ways ------------------------------------------------------------------------------------


def test_what_the_function_returns_is_published(run: Run, toy: ModuleType) -> None:
    assert value(run(toy.Make, 7)) == 7


def test_lists_of_artifacts_arrive_in_their_order(
    run: Run, toy: ModuleType, number: Callable[[int], Handle]
) -> None:
    assert value(run(toy.Add, [number(1), number(20), number(300)], more=4000)) == 4321
    assert value(run(toy.Add, [None, number(1), None])) == 1
    assert value(run(toy.Add, (number(5),))) == 5
    assert value(run(toy.Add, [])) == 0


def test_the_users_error_comes_back_as_it_was_with_the_users_line(
    run: Run, toy: ModuleType, number: Callable[[int], Handle]
) -> None:
    failed = failure(run, toy.Fail, number(42))
    assert type(failed.error) is toy.MineError
    assert str(failed.error) == "no good"
    assert failed.error.code == 42
    assert failed.where is not None
    assert failed.where.function == "Fail"
    assert failed.where.text == 'raise MineError("no good", number.value)'
    assert Path(toy.__file__ or "").name in failed.where.file
    lines = Path(toy.__file__ or "").read_text().splitlines()
    assert lines[failed.where.line - 1].strip() == failed.where.text
    assert "MineError: no good" in failed.trace
    assert "Traceback" in failed.trace


def test_an_error_in_a_library_names_the_users_line_that_led_there(
    run: Run, toy: ModuleType
) -> None:
    failed = failure(run, toy.FailInALibrary, "{")
    assert type(failed.error).__name__ == "JSONDecodeError"
    assert failed.where is not None
    assert failed.where.text == "return Number(json.loads(text))"
    assert "decoder.py" in failed.trace


def test_an_error_of_dure_keeps_its_parts(run: Run, toy: ModuleType) -> None:
    error = failure(run, toy.FailAsDure).error
    assert type(error) is DataError
    assert (error.what, error.expected, error.got, error.fix) == (
        "bad data",
        "good data",
        "bad",
        "mend it",
    )


def test_leaving_the_interpreter_is_a_failure_with_its_line(run: Run, toy: ModuleType) -> None:
    failed = failure(run, toy.Leave)
    assert type(failed.error) is SystemExit
    assert failed.error.code == 3
    assert failed.where is not None
    assert failed.where.text == "sys.exit(status)"


@pytest.mark.parametrize(
    ("name", "got"), [("Nothing", "None (is a 'return' missing?)"), ("Other", "str")]
)
def test_something_else_than_the_annotation_says_is_refused(
    name: str, got: str, run: Run, toy: ModuleType
) -> None:
    error = failure(run, getattr(toy, name)).error
    assert isinstance(error, StepError)
    assert (error.step, error.expected, error.got) == (name, "a Number", got)


def test_progress_arrives(run: Run, toy: ModuleType) -> None:
    told: list[tuple[Any, ...]] = []

    def progress(
        done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
    ) -> None:
        told.append((done, total, unit, str(note)))

    run(toy.Report, progress=progress)
    assert told == [
        (0, 3, "epochs", "loss 0"),
        (1, 3, "epochs", "loss 1"),
        (2, 3, "epochs", "loss 2"),
        (7, 8, "rows", "a"),
        (1.5, None, "rows", ""),
    ]


def test_a_component_called_inside_a_step_is_a_plain_function(run: Run, toy: ModuleType) -> None:
    assert value(run(toy.Outer, 1)) == 2


def test_a_full_disk_is_a_failure_in_words_and_leaves_nothing(
    run: Run, toy: ModuleType, staging: Path
) -> None:
    error = failure(run, toy.Full).error
    assert isinstance(error, StoreError)
    assert "the disk is full" in str(error)
    assert list(staging.iterdir()) == []


def test_the_users_functions_travel_with_what_they_reach(run: Run, toy: ModuleType) -> None:
    offset = 100
    assert value(run(toy.Apply, toy.scale, 2)) == 6
    assert value(run(toy.Apply, lambda x: x + offset, 2)) == 102


# --- in a child -----------------------------------------------------------------------------------


def test_what_the_child_prints_goes_to_standard_error_and_breaks_nothing(
    toy: ModuleType, staging: Path, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[Any] = []
    folder = run_child(call(toy.Print), staging, progress=lambda *a, **k: told.append(a))
    assert value(store.adopt(folder, "Number")) == 5
    assert told == []
    out, err = capfd.readouterr()
    assert out == ""
    for text in ("from print", "from the file descriptor", "from a child", '{"done": true}'):
        assert text in err


def test_the_child_has_nothing_to_read(toy: ModuleType, staging: Path, store: Store) -> None:
    assert value(store.adopt(run_child(call(toy.AskForInput), staging), "Number")) == 0


def test_a_large_error_comes_back_whole(toy: ModuleType, staging: Path) -> None:
    with pytest.raises(Failed) as caught:
        run_child(call(toy.Big), staging)
    assert str(caught.value.error) == "x" * 300_000


def test_an_error_that_holds_what_cannot_travel_comes_back_without_it(
    toy: ModuleType, staging: Path
) -> None:
    with pytest.raises(Failed) as caught:
        run_child(call(toy.FailStubbornly), staging)
    assert type(caught.value.error) is toy.StubbornError
    assert str(caught.value.error) == "cannot travel"
    assert not hasattr(caught.value.error, "lock")
    assert caught.value.where is not None
    assert caught.value.where.function == "FailStubbornly"


def test_an_error_that_cannot_be_made_again_comes_back_as_its_text(
    toy: ModuleType, staging: Path
) -> None:
    with pytest.raises(Failed) as caught:
        run_child(call(toy.FailStrangely), staging)
    assert type(caught.value.error) is RuntimeError
    assert str(caught.value.error) == "StrangeError: code 3"


def test_a_setting_that_cannot_travel_is_refused_before_a_process_starts(
    toy: ModuleType, staging: Path
) -> None:
    made = call(toy.Apply, toy.scale, 2)
    made.arguments["function"] = threading.Lock()
    before = psutil.Process().children()
    with pytest.raises(Failed) as caught:
        run_child(made, staging)
    assert isinstance(caught.value.error, DureError)
    assert "step 'Apply' has a timeout" in caught.value.error.what
    assert "cannot pickle" in (caught.value.error.got or "")
    assert psutil.Process().children() == before
    assert list(staging.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "argument", "words"),
    [
        ("Exit", 7, "it ended with exit status 7"),
        ("Exit", 0, "it ended with exit status 0"),
        ("Kill", signal.SIGKILL, "killed by SIGKILL; the kernel does this when memory runs out"),
        ("Kill", signal.SIGSEGV, "killed by SIGSEGV"),
    ],
)
def test_a_process_that_dies_is_explained(
    name: str, argument: int, words: str, toy: ModuleType, staging: Path
) -> None:
    with pytest.raises(Failed) as caught:
        run_child(call(getattr(toy, name), int(argument)), staging)
    error = caught.value.error
    assert isinstance(error, StepError)
    assert error.what == "the process of step 'Toy' died"
    assert words in (error.got or "")
    assert list(staging.iterdir()) == []


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not any(map(alive, pids))


def pids_in(path: Path) -> list[int]:
    deadline = time.monotonic() + 20
    while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return [int(word) for word in path.read_text().split()]


def test_a_timeout_kills_the_child_and_its_children(
    toy: ModuleType, staging: Path, tmp_path: Path
) -> None:
    where = tmp_path / "pids"
    started = time.monotonic()
    with pytest.raises(Failed) as caught:
        run_child(call(toy.Hang, str(where)), staging, timeout=1.5)
    error = caught.value.error
    assert isinstance(error, StepTimeoutError)
    assert error.step == "Toy"
    assert error.expected == "at most 1.5 s"
    assert 1.5 <= float((error.got or "").split()[0]) < 10
    assert time.monotonic() - started < 10
    pids = pids_in(where)
    assert len(pids) == 2
    assert gone(pids)
    assert list(staging.iterdir()) == []


def test_a_process_that_the_step_left_behind_is_not_waited_for(
    toy: ModuleType, staging: Path, store: Store, tmp_path: Path
) -> None:
    where = tmp_path / "pid"
    started = time.monotonic()
    folder = run_child(call(toy.LeaveBehind, str(where)), staging)
    assert value(store.adopt(folder, "Number")) == 4
    assert time.monotonic() - started < 10
    for pid in pids_in(where):
        os.kill(pid, signal.SIGKILL)


def test_killing_from_another_thread_ends_the_attempt(
    toy: ModuleType, staging: Path, tmp_path: Path
) -> None:
    where, child, failures = tmp_path / "pids", Child("Toy", 60), []

    def work() -> None:
        try:
            child.attempt(call(toy.Hang, str(where)), {}, staging, silent)
        except Failed as failed:
            failures.append(failed.error)

    thread = threading.Thread(target=work)
    thread.start()
    pids = pids_in(where)
    child.kill()
    thread.join(10)
    assert not thread.is_alive()
    assert "SIGKILL" in (failures[0].got or "")
    assert gone(pids)
    child.kill()  # once more does nothing


def test_a_child_that_was_killed_before_it_started_does_not_live(
    toy: ModuleType, staging: Path, tmp_path: Path
) -> None:
    child = Child("Toy", 60)
    child.kill()
    started = time.monotonic()
    with pytest.raises(Failed):
        child.attempt(call(toy.Hang, str(tmp_path / "pids")), {}, staging, silent)
    assert time.monotonic() - started < 10


def test_an_interruption_while_waiting_kills_the_child(toy: ModuleType, staging: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        run_child(call(toy.Report), staging, progress=interrupt)
    assert psutil.Process().children() == before
    assert list(staging.iterdir()) == []


PARENT = """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    import {module} as toy
    from dure.progress import silent
    from dure.runner.attempt import Child
    from dure.runner.call import take_apart
    made = take_apart(toy.Hang, (sys.argv[2],), {{}}, None)
    Child("Toy", 60).attempt(made, {{}}, Path(sys.argv[3]), silent)
"""


def test_when_the_run_is_killed_its_children_die_with_it(toy: ModuleType, tmp_path: Path) -> None:
    where, staging = tmp_path / "pids", tmp_path / "staging"
    script = textwrap.dedent(PARENT).format(module=toy.__name__)
    folder = str(Path(toy.__file__ or "").parent)
    parent = subprocess.Popen([sys.executable, "-c", script, folder, str(where), str(staging)])
    try:
        pids = pids_in(where)
        assert all(map(alive, pids))
    finally:
        parent.kill()
        parent.wait()
    assert gone(pids)


def test_errors_and_classes_of_a_script_keep_their_type(tmp_path: Path) -> None:
    script = """
        from pathlib import Path
        from typing import Any
        from dure.artifact import Artifact
        from dure.progress import silent
        from dure.runner.attempt import Child, Failed
        from dure.runner.call import take_apart
        from dure.runner.component import component

        class Mine(Exception):
            pass

        class Number(Artifact):
            def save(self, directory): pass
            @classmethod
            def load(cls, directory): return cls()

        @component
        def Fail(x: int) -> Number:
            raise Mine(f"no {x}")

        if __name__ == "__main__":
            try:
                Child("Fail", 30).attempt(take_apart(Fail, (3,), {}, None), {}, Path("s"), silent)
            except Failed as failed:
                print(type(failed.error) is Mine, failed.error, failed.where)
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        *["True", "no", "3"],
        *["script.py,", "line", "20,", "in", "Fail", "raise", 'Mine(f"no', '{x}")'],
    ]


# --- the user's line ------------------------------------------------------------------------------


def test_an_error_that_passed_no_line_of_the_users_names_none() -> None:
    assert user_line(ValueError()) is None


def test_a_line_reads_as_a_place_with_its_text() -> None:
    assert str(Where("a.py", 3, "f", "x = 1")) == "a.py, line 3, in f\n            x = 1"
    assert str(Where("a.py", 3, "f", "")) == "a.py, line 3, in f"


def test_the_innermost_of_the_users_lines_is_named() -> None:
    def outer() -> None:
        inner()

    def inner() -> None:
        np.zeros(1).reshape(3)  # raises in a library

    with pytest.raises(ValueError, match="reshape") as caught:
        outer()
    where = user_line(caught.value)
    assert where is not None
    assert where.function == "inner"
    assert where.text.startswith("np.zeros(1)")
