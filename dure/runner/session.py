"""The run that answers components called outside a pipeline: in a script or a notebook."""

from __future__ import annotations

import atexit
import sys
import threading
from pathlib import Path

from dure.runner.events import Event, Remarked, StepEnded, StepRetried
from dure.runner.home import Home
from dure.runner.run import Run

_lock = threading.Lock()
_sessions: dict[Home, Run] = {}


def session() -> Run:
    """Return the run of this process for the current home, beginning it at the first call."""
    home = Home.find()
    with _lock:
        if home not in _sessions:
            run = Run(_name(), home, listener=_print, interactive=True)
            run.__enter__()
            atexit.register(run.__exit__, None, None, None)
            _sessions[home] = run
        return _sessions[home]


def _name() -> str:
    """Return the script's name, or "interactive" where there is no script."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(main).stem if main else "interactive"


def _print(event: Event) -> None:
    """Say in one line what each call did, on standard error, where results do not go."""
    if isinstance(event, StepEnded):
        reason = "; ".join(event.reasons)
        did = "reused" if event.state == "CACHED" else f"ran in {event.seconds:.1f} s"
        if event.state in ("COMPLETE", "CACHED"):
            _say(f"{event.step}: {did} ({reason}): {event.summary}")
    elif isinstance(event, StepRetried):
        text = f"{event.step}: attempt {event.attempt} failed ({event.reason})"
        _say(f"{text}; again in {event.pause:g} s")
    elif isinstance(event, Remarked):
        _say(f"note: {event.text}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
