"""How long work says how far it is, without knowing who listens.

A stage takes a `Progress` function as an argument and calls it now and then; the runner passes
one that draws, a test passes one that collects, and the default listens to nothing.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A function that is told how far a piece of work is.

    Safe to call from any thread; never raises; cheap enough to call a thousand times a second.
    """

    def __call__(
        self, done: float, total: float | None = None, *, unit: str = "rows", note: str = ""
    ) -> None:
        """Take one report.

        Parameters
        ----------
        done : float
            How much is done, in ``unit``.
        total : float, optional
            How much there is in all, in ``unit``; None when it is not known.
        unit : str
            What is counted: ``"rows"``, ``"epochs"``, ``"trials"``, ...
        note : str
            A short remark, such as ``"loss 0.31"``.
        """


def silent(done: float, total: float | None = None, *, unit: str = "rows", note: str = "") -> None:
    """Listen to nothing."""
