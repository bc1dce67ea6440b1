"""The process of an attempt that has a timeout: reads a job, writes a folder, says how it went.

The job comes as a pickle on standard input; progress and the outcome go out as JSON lines on
what was standard output. What the user's code prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from base64 import b64encode
from pathlib import Path
from typing import IO, Any


def main() -> int:
    """Run the job on standard input and return the exit status."""
    # Take the pipe away from print() before any user code runs.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lock = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with lock:
            out.write(json.dumps(message) + "\n")
            out.flush()

    try:
        _run(sys.stdin.buffer, say)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        say(_describe(error))
        return 1
    say({"done": True})
    return 0


def _run(stream: IO[bytes], say: Any) -> None:
    import cloudpickle

    from dure.runner.attempt import invoke
    from dure.runner.call import Call
    from dure.runner.component import Component, Options
    from dure.runner.lazy import lazily

    sys.path[:] = json.loads(stream.readline())
    with lazily():  # the modules of the user's functions are imported here
        job = cloudpickle.loads(stream.read())
    values = {role: kind.load(Path(path)) for role, (kind, path) in job["inputs"].items()}
    component = Component(job["function"], Options(name=job["name"]))
    call = Call(component, _with_lists(job["arguments"], values), {}, {}, {}, ())

    def report(
        done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
    ) -> None:
        say({"progress": [done, total, unit, note]})

    invoke(call, {}, report).save(Path(job["folder"]))


def _with_lists(arguments: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return all arguments: ``examples[0]``, ``examples[1]`` become the list ``examples``."""
    whole = dict(arguments)
    for role, value in values.items():
        name, bracket, _ = role.partition("[")
        if bracket:
            whole.setdefault(name, []).append(value)
        else:
            whole[name] = value
    return whole


def _describe(error: BaseException) -> dict[str, Any]:
    import cloudpickle

    from dure.runner.attempt import user_line

    where = user_line(error)
    try:
        pickled = b64encode(cloudpickle.dumps(error)).decode()
    except Exception:  # noqa: BLE001 - an error that does not pickle travels as its text
        pickled = ""
    return {
        "where": [where.file, where.line, where.function, where.text] if where else None,
        "pickle": pickled,
        "text": f"{type(error).__name__}: {error}",
        "trace": "".join(traceback.format_exception(error)),
    }


if __name__ == "__main__":
    sys.exit(main())
