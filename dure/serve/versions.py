"""Which versions there are, which one answers, and how one takes over from another.

A version is a folder whose name is a whole number. The highest one that loads answers. A new one
is loaded whole while the old one goes on answering; then one assignment makes it the latest, and
the old one is given back when the last request that holds it is done. No request waits for any of
that, and none is lost.

Threads: `Versions.poll` and `Versions.close` are called by one thread; everything else by any.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from dure.errors import DureError, MissingExtraError
from dure.serve import runner
from dure.serve.runner import Servable
from dure.serve.status import Code, RequestError

_LARGEST = (1 << 63) - 1


def _nothing(text: str) -> None:
    """Listen to nothing."""


class Handle:
    """A version that is loaded, and how many requests hold it."""

    def __init__(self, version: int, servable: Servable, freed: Callable[[int], None]) -> None:
        self.version = version
        self.servable = servable
        self._freed = freed
        self._lock = threading.Lock()
        self._users = 0
        self._retired = False

    def acquire(self) -> bool:
        """Hold the version for a request; False if it has been retired."""
        with self._lock:
            if self._retired:
                return False
            self._users += 1
            return True

    def release(self) -> None:
        """Let go of it; the last one out of a retired version closes it."""
        with self._lock:
            self._users -= 1
            last = self._retired and not self._users
        if last:
            self._close()

    def retire(self) -> None:
        """Take no new requests, and close when the ones under way are done. Called once."""
        with self._lock:
            self._retired = True
            last = not self._users
        if last:
            self._close()

    def _close(self) -> None:
        self.servable.close()
        self._freed(self.version)


@dataclass(frozen=True)
class Table:
    """Where requests go; never changed, only replaced.

    Parameters
    ----------
    handles : mapping of int to Handle
        By version.
    """

    handles: Mapping[int, Handle] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def latest(self) -> int | None:
        """The highest version that answers."""
        return max(self.handles, default=None)


@dataclass(frozen=True)
class State:
    """What is known of one version: TensorFlow Serving's state, and the error if there is one."""

    name: str
    code: Code = Code.OK
    message: str = ""


class Versions:
    """The versions of one model.

    Parameters
    ----------
    name : str
        The name of the model, for messages.
    folder : Path
        Where the versions are.
    load : callable, optional
        Makes a `Servable` from the folder of a version.
    say : callable, optional
        Is told in words what happens.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        load: Callable[[Path], Servable] = runner.load,
        say: Callable[[str], None] = _nothing,
    ) -> None:
        self.name = name
        self.folder = folder
        self._load = load
        self._say = say
        self._table = Table()
        self._lock = threading.Lock()
        self._states: dict[int, State] = {}
        self._failed: dict[int, object] = {}
        self._last_words = ""

    # --- for requests -----------------------------------------------------------------------------

    @contextmanager
    def use(self, version: int | None = None) -> Iterator[Handle]:
        """Hold a version while a request is answered.

        Parameters
        ----------
        version : int, optional
            Which one; None for the highest that answers.

        Raises
        ------
        RequestError
            NOT_FOUND, if it does not answer.
        """
        handle = self._acquire(version)
        try:
            yield handle
        finally:
            handle.release()

    def _acquire(self, version: int | None) -> Handle:
        while True:
            table = self._table
            wanted = table.latest if version is None else version
            handle = None if wanted is None else table.handles.get(wanted)
            if handle is None:
                asked = f"Latest({self.name})" if version is None else self._specific(version)
                raise RequestError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
            # A handle is retired only after the table was replaced, so looking again ends.
            if handle.acquire():
                return handle

    def _specific(self, version: int) -> str:
        return f"Specific({self.name}, {version})"

    @property
    def latest(self) -> int | None:
        """The version that answers when none is asked for."""
        return self._table.latest

    def states(self) -> list[tuple[int, State]]:
        """Return every version that was ever seen, the highest first."""
        with self._lock:
            return sorted(self._states.items(), reverse=True)

    # --- for the thread that keeps watch ----------------------------------------------------------

    def poll(self) -> None:
        """Look at the folder once, and make the highest version that loads the one that answers.

        Raises
        ------
        MissingExtraError
            A package is missing that the model needs; waiting will not help.
        """
        found = _scan(self.folder)
        if found is None:
            self._tell(f"{self.folder} is gone or cannot be read; what is loaded goes on answering")
            return
        self._forget_failures(found)
        for version in sorted(found, reverse=True):
            if version == self.latest:
                return
            if version not in self._failed and self._take_over(version, found[version]):
                return
        if not found:
            self._publish(None)
            self._tell(
                f"waiting for a version in {self.folder}: "
                f"a folder named by a number, such as {self.folder / '1'}"
            )

    def close(self) -> None:
        """Answer nothing any more, and give everything back once it is no longer held."""
        self._publish(None)

    def _forget_failures(self, found: Mapping[int, Path]) -> None:
        for version, stamp in list(self._failed.items()):
            if version not in found or _stamp(found[version]) != stamp:
                del self._failed[version]

    def _take_over(self, version: int, folder: Path) -> bool:
        stamp = _stamp(folder)
        self._set(version, State("LOADING"))
        try:
            servable = self._load(folder)
        except MissingExtraError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a bad model does, the old one goes on
            self._failed[version] = stamp
            self._set(version, State("END", _code(error), str(error)))
            old = self.latest
            after = "nothing answers" if old is None else f"version {old} goes on answering"
            self._tell(f"version {version} cannot be loaded, {after}\n{error}")
            return False
        self._publish(Handle(version, servable, lambda number: self._set(number, State("END"))))
        self._set(version, State("AVAILABLE"))
        self._tell(f"version {version} answers")
        return True

    def _publish(self, handle: Handle | None) -> None:
        old = self._table
        self._table = Table(MappingProxyType({} if handle is None else {handle.version: handle}))
        for version, retired in old.handles.items():
            self._set(version, State("UNLOADING"))
            retired.retire()

    def _set(self, version: int, state: State) -> None:
        with self._lock:
            self._states[version] = state

    def _tell(self, words: str) -> None:
        # The same thing is found at every poll; it is news once.
        if words != self._last_words:
            self._last_words = words
            self._say(f"{self.name}: {words}")


def _code(error: Exception) -> Code:
    if isinstance(error, RequestError):
        return error.code
    cause = error.__cause__
    if isinstance(cause, RequestError):
        return cause.code
    return Code.INVALID_ARGUMENT if isinstance(error, DureError) else Code.UNKNOWN


def _scan(folder: Path) -> dict[int, Path] | None:
    found: dict[int, Path] = {}
    try:
        for child in sorted(folder.iterdir()):
            name = child.name
            if name.isascii() and name.isdigit() and int(name) <= _LARGEST and child.is_dir():
                found.setdefault(int(name), child)
    except OSError:
        return None
    return found


def _stamp(folder: Path) -> object:
    """Return something that changes when the files of a version do."""
    try:
        return sorted(
            (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
            for path in (folder, *folder.rglob("*"))
            for status in [path.stat()]
        )
    except OSError:
        return None
