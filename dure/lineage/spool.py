r"""The file that keeps what the database could not take: one change a line, in JSON.

::

    <spool>           appended to, one line at a time, each on the disk before `append` returns
    <spool>.sending   what is being delivered; it stays until all of it is
    <spool>.broken    lines that can never be delivered, each kept with the reason
    <spool>.lock      held while a line is appended, or the file is moved to ``.sending``
    <spool>.flush     held while it is delivered

Delivery moves the file aside first, so that a run that must append never waits for a slow
database. A line that was delivered before a crash is delivered again, which changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dure.lineage.encoding import dumps

# Locks are held for one line; who waits longer meets a disk that hangs.
_PATIENCE = 10.0

Entry = dict[str, Any]


class Spool:
    """A log of entries that several processes may append to and deliver.

    Parameters
    ----------
    path : Path
        The file; it and its folder are made when something is appended.
    on_broken : callable, optional
        Told the reason of each line that is set aside.
    """

    def __init__(self, path: Path, on_broken: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._on_broken = on_broken
        self.sending = path.with_name(path.name + ".sending")
        self.broken = path.with_name(path.name + ".broken")

    def waiting(self) -> bool:
        """Return whether there is something to deliver; cheap."""
        return _size(self.path) > 0 or _size(self.sending) > 0

    def append(self, entry: Entry) -> None:
        """Add an entry; it is on the disk when this returns.

        Raises
        ------
        OSError
            When it cannot be written; nothing of it stays.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock("lock"):
            _append(self.path, dumps(entry).encode())

    def set_aside(self, line: str, reason: str) -> None:
        """Keep a line that can never be delivered, and why, in ``.broken``.

        Raises
        ------
        OSError
            When it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock("lock"):
            _append(self.broken, dumps({"line": line, "reason": reason}).encode())
        if self._on_broken is not None:
            self._on_broken(reason)

    def deliver(self, send: Callable[[Entry], str | None]) -> int:
        """Pass the entries on, in order, and forget them.

        Parameters
        ----------
        send : callable
            Takes an entry. It returns None when it was delivered, and the reason when it never
            can be; it raises when it cannot be delivered now.

        Returns
        -------
        int
            How many were delivered. None are while another process delivers.

        Raises
        ------
        OSError
            When the files cannot be read or written.
        Exception
            What ``send`` raised; every entry from there on is kept.
        """
        if not self.waiting():
            return 0
        from filelock import Timeout

        try:
            with self._lock("flush", patience=0.0):
                return self._deliver(send)
        except Timeout:
            return 0

    def _deliver(self, send: Callable[[Entry], str | None]) -> int:
        delivered = 0
        # First what a crash, or a database that went away, left over.
        while _size(self.sending) > 0 or self._take():
            for line in _lines(self.sending):
                reason = _send(line, send)
                if reason is None:
                    delivered += 1
                else:
                    self.set_aside(line.decode("utf-8", "replace"), reason)
            self.sending.unlink()
        return delivered

    def _take(self) -> bool:
        with self._lock("lock"):
            if _size(self.path) <= 0:
                return False
            self.path.replace(self.sending)
            return True

    def _lock(self, kind: str, patience: float = _PATIENCE) -> Any:
        from filelock import FileLock

        return FileLock(self.path.with_name(f"{self.path.name}.{kind}"), timeout=patience)


def _send(line: bytes, send: Callable[[Entry], str | None]) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError as error:
        return f"the line is torn: {error}"
    return send(entry) if isinstance(entry, dict) else "the line is no entry"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield line.rstrip(b"\n")


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        end = os.fstat(descriptor).st_size
        # A crash in the middle of a line must not swallow this one.
        torn = end > 0 and _last_byte(descriptor) != b"\n"
        data = (b"\n" if torn else b"") + line + b"\n"
        try:
            _write_all(descriptor, data)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def _last_byte(descriptor: int) -> bytes:
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1)


def _write_all(descriptor: int, data: bytes) -> None:
    # On a disk that is nearly full, the first write is short and the next one says why.
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
