"""How far one piece of work is, shown as a step of a run is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dure.progress import Progress
from dure.runner.events import StepProgressed, StepStarted
from dure.terminal.display import display


@contextmanager
def progress_of(name: str) -> Iterator[Progress]:
    """Show what the function in ``as`` is told: a bar in a terminal, now and then a line in a pipe.

    Parameters
    ----------
    name : str
        What the work is called, such as ``"reading"``.
    """
    with display() as shown:
        shown(StepStarted(name, ()))

        def report(
            done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
        ) -> None:
            shown(StepProgressed(name, done, total, unit, note))

        yield report
