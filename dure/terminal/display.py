"""What a run looks like in a terminal: a line a step as it ends, bars for what is under way.

In a pipe, or where standard error is no terminal, the same lines come without bars, and long
work says how far it is every few seconds. All of it goes to standard error, so that standard
output holds results alone.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Self, TextIO

from dure.draw import duration
from dure.runner.events import (
    Event,
    Remarked,
    StepEnded,
    StepProgressed,
    StepRetried,
    StepStarted,
)
from dure.terminal.text import NAME_WIDTH

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


_MARKS = {"COMPLETE": "✓", "CACHED": "=", "FAILED": "✗", "CANCELED": "✗", "SKIPPED": "-"}
_STYLES = {
    "COMPLETE": "green",
    "CACHED": "cyan",
    "FAILED": "red",
    "CANCELED": "red",
    "SKIPPED": "dim",
}
_PAUSE = 5.0


def ended_lines(event: StepEnded, width: int) -> list[str]:
    """Return the lines for a step that is over: what it made, and why it ran or did not."""
    did = {
        "COMPLETE": f"ran {duration(event.seconds)}",
        "CACHED": "reused",
        "FAILED": "failed",
        "CANCELED": "interrupted",
        "SKIPPED": "not run",
    }[event.state]
    mark = _MARKS[event.state]
    head = f"{mark} {event.step:<{NAME_WIDTH}} {did:<12} "
    # What went wrong is told in full at the end of the run.
    lines = [head + event.summary if event.state in ("COMPLETE", "CACHED") else head.rstrip()]
    shown = [] if event.state in ("FAILED", "CANCELED") else [*event.reasons[:3]]
    if len(event.reasons) > 3:
        shown.append(f"and {len(event.reasons) - 3} more (dure why)")
    indent = " " * (NAME_WIDTH + 3)
    lines += [indent + reason for reason in shown]
    return [piece for line in lines for piece in _wrap(line, width)]


def _wrap(line: str, width: int) -> list[str]:
    indent = " " * (NAME_WIDTH + 3)
    return textwrap.wrap(line, width, subsequent_indent=indent, drop_whitespace=True) or [line]


class PlainDisplay:
    """Writes lines; for pipes, logs and continuous integration.

    Parameters
    ----------
    stream : file
        Where to. Default standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._said: dict[str, float] = {}
        self._begun: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, StepStarted):
            self._begun[event.step] = self._said[event.step] = time.monotonic()
        elif isinstance(event, StepProgressed):
            self._progress(event)
        elif isinstance(event, StepRetried):
            self._write(retry_line(event))
        elif isinstance(event, StepEnded):
            for line in ended_lines(event, 100):
                self._write(line)
        elif isinstance(event, Remarked):
            self._write(f"note: {event.text}")

    def _progress(self, event: StepProgressed) -> None:
        now = time.monotonic()
        if now - self._said.get(event.step, now) < _PAUSE:
            return
        self._said[event.step] = now
        line = f"… {event.step:<{NAME_WIDTH}} {event.done:,.0f}"
        if event.total:
            spent = now - self._begun.get(event.step, now)
            left = spent * (event.total - event.done) / event.done if event.done else 0.0
            line += f" of {event.total:,.0f} {event.unit}, {duration(left)} left"
        else:
            line += f" {event.unit}"
        self._write(f"{line}  {event.note}".rstrip())

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def retry_line(event: StepRetried) -> str:
    """Return the line for an attempt that failed and is repeated."""
    return (
        f"! {event.step:<{NAME_WIDTH}} attempt {event.attempt} of {event.of + 1} failed; "
        f"again in {event.pause:g} s: {event.reason}"
    )


class LiveDisplay:
    """Writes the same lines, with a bar below for every step that says how far it is."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        # A descriptor of its own: standard error is held back while TensorFlow starts.
        self._stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        self._console = Console(file=self._stream, highlight=False, soft_wrap=True)
        self._bars: Bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[amount]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()
        self._stream.close()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, StepStarted):
            self._tasks[event.step] = self._bars.add_task(
                event.step, total=None, amount="", note=""
            )
        elif isinstance(event, StepProgressed) and event.step in self._tasks:
            total = f" of {event.total:,.0f}" if event.total else ""
            self._bars.update(
                self._tasks[event.step],
                completed=event.done,
                total=event.total,
                amount=f"{event.done:,.0f}{total} {event.unit}",
                note=event.note,
            )
        elif isinstance(event, StepRetried):
            self._print(retry_line(event), "yellow")
        elif isinstance(event, StepEnded):
            self._end(event)
        elif isinstance(event, Remarked):
            self._print(f"note: {event.text}", "yellow")

    def _end(self, event: StepEnded) -> None:
        task = self._tasks.pop(event.step, None)
        if task is not None:
            self._bars.remove_task(task)
        first, *rest = ended_lines(event, min(100, shutil.get_terminal_size().columns - 1))
        self._print(first, _STYLES[event.state])
        for line in rest:
            self._print(line, "dim")

    def _print(self, line: str, style: str) -> None:
        from rich.text import Text

        self._console.print(Text(line, style=style))


def display() -> PlainDisplay | LiveDisplay:
    """Return the display that fits where standard error goes."""
    return LiveDisplay() if sys.stderr.isatty() else PlainDisplay()
