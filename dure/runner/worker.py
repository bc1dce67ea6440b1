"""The process of an attempt that has a timeout: reads a job, writes a folder, says how it went.

The job comes as a pickle on standard input, which then stays open for as long as somebody waits
for the answer; progress and the outcome go out as JSON lines on what was standard output. What
the user's code prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from base64 import b64encode
from pathlib import Path
from typing import IO, Any


def main() -> int:
    """Run the job on standard input and return the exit status."""
    # Take the pipes away from print() and input() before any user code runs.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    jobs = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    lock = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        line = json.dumps(message, default=_plain) + "\n"
        with lock:
            out.write(line)
            out.flush()

    try:
        _run(jobs, say)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        say(_describe(error))
        return 1
    say({"done": True})
    return 0


def _plain(value: Any) -> Any:
    """Return a NumPy number as a plain one, and anything else as its text."""
    return value.item() if hasattr(value, "item") else str(value)


def _run(stream: IO[bytes], say: Any) -> None:
    import cloudpickle

    from dure.runner.attempt import invoke, work_folder
    from dure.runner.call import Call, handles_in
    from dure.runner.component import Component, Options
    from dure.runner.handle import value_of
    from dure.runner.lazy import lazily, settle
    from dure.runner.store import writing

    header = json.loads(stream.readline())
    sys.path[:] = header["path"]
    pickled = stream.read(header["size"])
    threading.Thread(target=_end_with_parent, args=(stream.fileno(),), daemon=True).start()
    with lazily():  # the modules of the user's functions are imported here
        job = cloudpickle.loads(pickled)
    settle(job["packages"])
    _check_code(job)
    values = {role: value_of(handle) for role, handle in handles_in(job["arguments"])}
    call = Call(
        Component(job["function"], Options(name=job["name"])), job["arguments"], {}, {}, {}, ()
    )

    def report(
        done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
    ) -> None:
        say({"progress": [done, total, unit, note]})

    folder = Path(job["folder"])
    made = invoke(call, values, report, work_folder(folder))
    with writing(f"a {type(made).__name__}", folder):
        made.save(folder)


def _check_code(job: dict[str, Any]) -> None:
    """Refuse to run other code than the key speaks of.

    Modules are imported here from their files, which may have been edited, or changed in memory,
    since the run imported them.
    """
    from dure.errors import StepError
    from dure.runner.code import Reached
    from dure.runner.encode import encode
    from dure.runner.handle import is_handle
    from dure.runner.own import is_own

    reached = Reached()
    if is_own(job["function"]):
        reached.refer(job["function"])
    for argument in job["arguments"].values():
        if callable(argument) and not is_handle(argument):
            encode(argument, reached.refer)
    changed = [
        name for name, digest in reached.parts.items() if job["code"].get(name, digest) != digest
    ]
    if changed:
        raise StepError(
            f"step '{job['name']}' has a timeout, so it runs in a process of its own, and the code "
            "there is not the code that this run has loaded",
            step=job["name"],
            expected="files that stay as they were when the run began",
            got="changed: " + ", ".join(sorted(changed)),
            fix="run again, so that both read the same files; or take the timeout away",
        )


def _end_with_parent(pipe: int) -> None:
    """Kill this process and all that it started when the one that waits for it is gone.

    A run that is killed cannot stop its children; the kernel closes its end of the pipe.
    """
    # Not through a buffer, whose lock the interpreter wants when it ends.
    while os.read(pipe, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def _describe(error: BaseException) -> dict[str, Any]:
    from dure.runner.attempt import user_line

    where = user_line(error)
    # An error whose __init__ takes more than its message does not pickle by itself; one that
    # holds a lock travels without what it holds; any other travels as its text.
    forms: tuple[Any, ...] = (
        error,
        (type(error), error.args, vars(error)),
        (type(error), error.args, {}),
    )
    pickled = next(filter(None, map(_packed, forms)), b"")
    return {
        "where": [where.file, where.line, where.function, where.text] if where else None,
        "pickle": b64encode(pickled).decode(),
        "text": f"{type(error).__name__}: {error}",
        "trace": "".join(traceback.format_exception(error)),
    }


def _packed(form: Any) -> bytes:
    """Return an error as bytes, or none where it would not arrive."""
    import cloudpickle

    from dure.runner.attempt import unpack_error

    try:
        pickled: bytes = cloudpickle.dumps(form)
        str(unpack_error(pickled))
    except Exception:  # noqa: BLE001 - a user's class may raise anything
        return b""
    return pickled


if __name__ == "__main__":
    sys.exit(main())
