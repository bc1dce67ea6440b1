"""Writes lineage down without ever stopping a run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dure.errors import DureError, LineageError
from dure.lineage import clean
from dure.lineage.encoding import dumps
from dure.lineage.records import Change, ChangeError
from dure.lineage.spool import Entry, Spool

if TYPE_CHECKING:
    from dure.lineage.store import Lineage

# A run waits so long for a database, once; after that it writes to the spool.
_PATIENCE = 5.0


def _nothing(problem: str) -> None:
    """Tell no one."""


class Recorder:
    """Records changes in a lineage database, or in a file when that is not possible.

    `record` and `interrupt` never raise. The first change that the database does not take, and
    all after it, go to the spool; the next recorder of the same spool, or `flush`, delivers them.
    Safe to use from any thread.

    Parameters
    ----------
    url : str or path
        The database, as `Lineage.open` takes it. It is opened at the first change.
    spool : str or path
        The file for what the database does not take.
    on_problem : callable, optional
        Told in words what went wrong: once when the spool begins to be used, and whenever
        something is lost or put aside.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        spool: str | os.PathLike[str],
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self._url = url
        self._spool = Spool(Path(spool), self._aside)
        self._tell = on_problem or _nothing
        self._lineage: Lineage | None = None
        self._spooling = False
        self._delivered = 0
        self._guard = threading.RLock()

    def record(self, change: Change) -> None:
        """Write a change to the database, or else to the spool."""
        self._keep(lambda: {"change": change.to_dict()}, str(change))

    def interrupt(self, run: str) -> None:
        """Mark a run whose process died, and its running steps, as FAILED."""
        moment = time.time()
        self._keep(lambda: {"interrupt": {"run": run, "at": moment}}, f"the end of run {run!r}")

    def flush(self) -> int:
        """Deliver what the spool holds; never raises.

        Returns
        -------
        int
            How many changes were delivered. What was not is kept, and told.
        """
        delivered, error = self._flush()
        if error is not None:
            self._say(f"lineage waits in {self._spool.path}: {_words(error)}")
        return delivered

    def close(self) -> None:
        """Try once more to deliver what is in the spool, and close the database; never raises."""
        with self._guard:
            if self._spooling:
                self._flush()  # what fails here was told when the spool began to be used
            if self._lineage is not None:
                self._lineage.close()
                self._lineage = None

    def _flush(self) -> tuple[int, Exception | None]:
        with self._guard:
            before = self._delivered
            try:
                self._deliver()
                # The database is back: what comes now may go to it again.
                self._spooling = False
                problem = None
            except Exception as error:  # noqa: BLE001 - recording must never stop a run
                problem = error
            return self._delivered - before, problem

    def _keep(self, entry: Callable[[], Entry], what: str) -> None:
        with self._guard:
            try:
                if not self._spooling and self._written(entry()):
                    return
                self._spool.append(entry())
            except Exception as error:  # noqa: BLE001 - recording must never stop a run
                self._say(f"lineage was lost: {what}: {_words(error)}")

    def _written(self, entry: Entry) -> bool:
        try:
            # In order: this change may rest on what is waiting.
            self._deliver()
            reason = self._send(entry)
        except Exception as error:  # noqa: BLE001 - recording must never stop a run
            self._spooling = True
            self._say(f"lineage is kept in {self._spool.path} and written later: {_words(error)}")
            return False
        if reason is not None:
            self._spool.set_aside(dumps(entry), reason)
        return True

    def _aside(self, reason: str) -> None:
        self._say(f"lineage was put aside in {self._spool.broken}: {reason}")

    def _say(self, problem: str) -> None:
        with suppress(Exception):  # a listener that fails must not stop the run either
            self._tell(problem)

    def _deliver(self) -> None:
        self._spool.deliver(self._send_waiting)

    def _send_waiting(self, entry: Entry) -> str | None:
        reason = self._send(entry)
        self._delivered += reason is None
        return reason

    def _send(self, entry: Entry) -> str | None:
        """Write an entry; return the reason when it can never be written."""
        try:
            change, interrupted = _read(entry)
        except LineageError as error:
            return _words(error)
        lineage = self._open()
        try:
            if change is not None:
                lineage.apply(change)
            if interrupted is not None:
                lineage.interrupt(*interrupted)
        except ChangeError as error:
            return _words(error)
        return None

    def _open(self) -> Lineage:
        if self._lineage is None:
            from dure.lineage.store import Lineage

            self._lineage = Lineage.open(self._url, timeout=_PATIENCE)
        return self._lineage


def _read(entry: Entry) -> tuple[Change | None, tuple[str, float] | None]:
    if set(entry) == {"change"}:
        return Change.from_dict(entry["change"]), None
    mark = entry.get("interrupt")
    if set(entry) == {"interrupt"} and isinstance(mark, dict) and set(mark) == {"run", "at"}:
        run = clean.text(mark["run"], "the name of a run")
        return None, (run, clean.seconds(mark["at"], f"the end of run {run!r}"))
    raise LineageError("this is no entry of a spool", got=f"{entry!r:.200}")


def _words(error: Exception) -> str:
    """Return an error in one line."""
    if isinstance(error, DureError):
        return "; ".join(part for part in (error.what, error.got, error.fix) if part)
    return f"{type(error).__name__}: {error}"
