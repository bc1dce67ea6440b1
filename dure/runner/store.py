"""Where artifacts live: one folder each, named by its content, whole or not there.

::

    <root>/artifacts/<Type>/<digest>/   the files of an artifact
    <root>/staging/<run>/               what a run is writing; held by a lock while it lives
    <root>/cache/                       see `dure.runner.cache`

An artifact is written into staging and renamed into place. A process that dies leaves nothing
but its staging folder, which the next run removes, because the kernel has let go of the lock.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dure.artifact import Artifact
from dure.errors import DureError, StoreError
from dure.runner.encode import DIGEST_LENGTH, frame


@dataclass(frozen=True)
class Stored:
    """An artifact in the store.

    Parameters
    ----------
    type : str
        Name of the artifact's class.
    digest : str
        Digest of its files, 32 hexadecimal digits.
    path : Path
        Folder of its files.
    """

    type: str
    digest: str
    path: Path

    @property
    def uid(self) -> str:
        """``"Type:digest"``, the artifact's name everywhere."""
        return f"{self.type}:{self.digest}"


def digest_folder(folder: Path) -> str:
    """Return the digest of a folder: of the names, kinds and bytes of everything in it.

    Raises
    ------
    StoreError
        If it holds a symbolic link or a special file, whose content is elsewhere.
    """
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda item: item.relative_to(folder).parts):
        name = path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise StoreError(
                f"{path} cannot be part of an artifact",
                expected="ordinary files and folders",
                got="a symbolic link" if path.is_symlink() else "a special file",
                fix="write a copy of what it points to",
            )
        if path.is_dir():
            whole.update(frame("folder", name))
        else:
            whole.update(frame("file", name) + frame("bytes", digest_file(path)))
    return whole.hexdigest()[:DIGEST_LENGTH]


def digest_file(path: Path) -> bytes:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


class Store:
    """The folder of all artifacts. Safe for many threads and processes of one machine.

    Parameters
    ----------
    root : Path
        The folder; made when first written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def locate(self, kind: str, digest: str) -> Stored:
        """Return where the artifact ``kind:digest`` is, or would be."""
        return Stored(kind, digest, self.root / "artifacts" / kind / digest)

    def publish(self, value: Artifact, staging: Path) -> Stored:
        """Save ``value`` under ``staging`` and rename it into place.

        Raises
        ------
        StoreError
            If the disk is full or the folder cannot be written; nothing is left behind.
        """
        folder = staging / uuid.uuid4().hex
        try:
            with writing(f"a {type(value).__name__}", folder):
                folder.mkdir(parents=True)
                value.save(folder)
            return self.adopt(folder, type(value).__name__)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def adopt(self, folder: Path, kind: str) -> Stored:
        """Rename a finished folder into place and return where it is now."""
        stored = self.locate(kind, digest_folder(folder))
        with writing(f"a {kind}", stored.path):
            stored.path.parent.mkdir(parents=True, exist_ok=True)
            # Another process may put its own between any two lines of this.
            for _ in range(_TRIES):
                try:
                    folder.rename(stored.path)
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
                    if self.problem(stored) is None:
                        break  # the equal artifact is there already
                    _take_away(stored.path, folder.with_name(uuid.uuid4().hex))
                else:
                    break
            else:
                raise StoreError(f"{stored.path} is being damaged as often as it is written")
        return stored

    def problem(self, stored: Stored) -> str | None:
        """Return what is wrong with an artifact on disk, or None where it is whole."""
        try:
            if not stored.path.is_dir():
                return "its files are gone"
            actual = digest_folder(stored.path)
        except (OSError, StoreError) as error:
            return f"its files cannot be read ({error})"
        return None if actual == stored.digest else "its files have changed since they were written"

    def all(self) -> Iterator[Stored]:
        """Yield every artifact, by type and digest."""
        for folder in sorted((self.root / "artifacts").glob("*/*")):
            if folder.is_dir():
                yield Stored(folder.parent.name, folder.name, folder)

    def remove(self, stored: Stored) -> None:
        """Delete an artifact's files: out of sight by one rename first, then file by file."""
        grave = self.root / "staging" / f"removed-{uuid.uuid4().hex}"
        with writing("the removal of an artifact", grave):
            grave.parent.mkdir(parents=True, exist_ok=True)
            _take_away(stored.path, grave)

    @contextmanager
    def staging(self, owner: str) -> Iterator[Path]:
        """Give ``owner`` a folder to write in, which is removed at the end, whatever happens."""
        from filelock import FileLock

        folder = self.root / "staging" / owner
        with writing("a staging folder", folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder.with_name(f"{owner}.lock"))
            lock.acquire()
        try:
            # Made under the lock: a folder without one is a dead owner's, for `sweep`.
            with writing("a staging folder", folder):
                folder.mkdir(exist_ok=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)

    def in_use(self) -> bool:
        """Return whether a run is under way: whether anyone alive holds a staging folder."""
        from filelock import FileLock, Timeout

        for lock in (self.root / "staging").glob("*.lock"):
            try:
                FileLock(lock, timeout=0).acquire().lock.release()
            except Timeout:
                return True
        return False

    def sweep(self, mourn: Callable[[str], None] | None = None) -> list[str]:
        """Remove the staging folders whose owners are dead and return the owners' names.

        Parameters
        ----------
        mourn : callable, optional
            Told each owner's name before its folder goes, so that a process that dies here
            leaves the folder for the next, and no death is forgotten.
        """
        from filelock import FileLock, Timeout

        swept: list[str] = []
        root = self.root / "staging"
        for folder in sorted(root.glob("*")) if root.is_dir() else ():
            if folder.suffix == ".lock" or not folder.is_dir():
                continue
            lock = FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0)
            try:
                with lock:
                    if mourn is not None:
                        mourn(folder.name)
                    shutil.rmtree(folder, ignore_errors=True)
            except Timeout:
                continue  # its owner is alive
            Path(lock.lock_file).unlink(missing_ok=True)
            swept.append(folder.name)
        return swept


def _take_away(path: Path, grave: Path) -> None:
    """Put a folder out of sight by one rename, then delete it file by file."""
    with suppress(FileNotFoundError):  # somebody else took it
        path.rename(grave)
    # What is left after a failure is in staging, for `sweep`.
    shutil.rmtree(grave, ignore_errors=True)


_TRIES = 10

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


@contextmanager
def writing(what: str, where: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into a `StoreError` that says what to do."""
    try:
        yield
    except DureError:
        raise
    except Exception as error:
        if _is_full(error):
            raise StoreError(
                f"the disk is full: {what} could not be written to {where}",
                got=str(error),
                fix="free some space ('dure gc --dry-run' shows what nothing refers to) and run "
                "again: finished steps are reused",
            ) from error
        if isinstance(error, OSError) and error.errno in _REFUSED:
            raise StoreError(
                f"{what} could not be written to {where}",
                expected="a folder in which this user may write",
                got=str(error),
                fix="set DURE_HOME to such a folder, or change the permissions",
            ) from error
        raise


def _is_full(error: Exception) -> bool:
    """Return whether the disk is full; libraries not written in Python say so in words alone."""
    if getattr(error, "errno", None) in _FULL:
        return True
    return any(os.strerror(code) in str(error) for code in _FULL)


def write_json(path: Path, record: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    with writing("a record", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
        try:
            fresh.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Return what `write_json` wrote, or None where there is nothing or nothing readable."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError):
        return None
