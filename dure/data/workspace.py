"""The folder that collected rows are written to until they are saved, and how they get there.

It goes when the `Examples` that own it go, when the interpreter ends, or when collecting fails.
A process that is killed cannot remove its own: the next that makes a folder in the same place
does, because the kernel has let go of the lock on it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import weakref
from pathlib import Path

from filelock import FileLock, Timeout

from dure.errors import StoreError

_PREFIX = "dure-examples-"


class Workspace:
    """A folder of this process, which is made when it is first needed.

    Parameters
    ----------
    parent : Path, optional
        Where it is made; best on the file system on which the examples will be saved. Default:
        the folder for temporary files, ``$TMPDIR``.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._path: Path | None = None
        self._finalizer: weakref.finalize[..., Workspace] | None = None

    def folder(self) -> Path:
        """Return the folder.

        Raises
        ------
        StoreError
            It cannot be made.
        """
        if self._path is None:
            parent = self._parent or Path(tempfile.gettempdir())
            path = parent / f"{_PREFIX}{uuid.uuid4().hex}"
            try:
                parent.mkdir(parents=True, exist_ok=True)
                sweep(parent)
                # It may be released by whatever thread collects the garbage.
                lock = FileLock(f"{path}.lock", thread_local=False)
                lock.acquire()
                path.mkdir()
            except OSError as error:
                raise _unwritable(parent, error) from error
            self._path = path
            self._finalizer = weakref.finalize(self, _remove, path, lock, os.getpid())
        return self._path

    def remove(self) -> None:
        """Remove the folder now."""
        if self._finalizer is not None:
            self._finalizer()

    def __reduce__(self) -> tuple[type[Workspace], tuple[Path | None]]:
        return Workspace, (self._parent,)


def sweep(parent: Path) -> None:
    """Remove the folders in ``parent`` whose processes were killed."""
    for path in parent.glob(f"{_PREFIX}*.lock"):
        lock = FileLock(path, timeout=0)
        try:
            with lock:
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
        except (Timeout, OSError):
            continue  # its owner is alive, or another user


def place(source: Path, target: Path, *, link: bool) -> None:
    """Have the file ``source`` also at ``target``, by a link where that may be.

    Raises
    ------
    StoreError
        It cannot be written there, as when the disk is full; nothing is left at ``target``.
    """
    if link:
        try:
            target.hardlink_to(source)
        except OSError:
            pass  # another file system, or one without links: copied below
        else:
            return
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise _unwritable(target.parent, error) from error


def _remove(path: Path, lock: FileLock, owner: int) -> None:
    if os.getpid() != owner:
        return  # a fork has a copy of this object, but the folder is not its own
    shutil.rmtree(path, ignore_errors=True)
    lock.release()
    Path(lock.lock_file).unlink(missing_ok=True)


def _unwritable(where: Path, error: OSError) -> StoreError:
    return StoreError(
        f"rows cannot be written to '{where}'",
        expected="a folder with room in which this user may write",
        got=error.strerror or str(error),
        fix="free some space, or set TMPDIR to another folder",
    )
