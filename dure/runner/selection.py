"""Which steps of a run are run, reused or left out, as a pure function of the user's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Order = Literal["ask", "run", "last"]
"""``"ask"`` the cache; ``"run"`` whatever the cache holds; take the ``"last"`` result."""


@dataclass(frozen=True)
class Selection:
    """A partial run.

    Parameters
    ----------
    start : str, optional
        ``--from``: this step and all that depends on it run again; the others are taken as they
        were last.
    to : str, optional
        ``--to``: this step and what it needs; nothing else.
    only : str, optional
        ``--only``: this step alone runs; what it needs is taken as it was last.
    no_cache : frozenset of str
        ``--no-cache``: these steps run whatever the cache holds.
    """

    start: str | None = None
    to: str | None = None
    only: str | None = None
    no_cache: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every step that the user named."""
        named = {self.start, self.to, self.only} - {None}
        return frozenset(str(name) for name in named) | self.no_cache

    @property
    def on_demand(self) -> bool:
        """Whether steps wait until something asks for them."""
        return self.to is not None or self.only is not None

    @property
    def target(self) -> str | None:
        """The step that asks for the others."""
        return self.only or self.to

    def order(self, step: str, upstream: frozenset[str]) -> Order:
        """Return what to do with a step.

        Parameters
        ----------
        step : str
            Its name.
        upstream : frozenset of str
            The names of all steps that its inputs come from, directly or not.
        """
        if step in self.no_cache or step in (self.only, self.start):
            return "run"
        if self.only is not None:
            return "last"
        if self.start is not None:
            return "run" if self.start in upstream else "last"
        return "ask"
