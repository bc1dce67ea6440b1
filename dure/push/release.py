"""`push`: copy a model into a new version folder, so that a server sees it whole or not at all.

The copy is made in a hidden folder beside the versions, written through to the disk, and renamed
into place. A lock file is held meanwhile: two pushes into one folder come one after the other, and
a hidden folder that is found while holding the lock was left by a push that was killed.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dure.errors import PushError
from dure.gate import Gate
from dure.progress import Progress, silent
from dure.push.pushed import PushedModel, digests

_LOCK = ".dure-push.lock"
_STAGING = ".dure-push-"
_LARGEST = (1 << 63) - 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def push(
    model_directory: str | os.PathLike[str],
    *,
    to: str | os.PathLike[str],
    gate: Gate | None,
    example: Mapping[str, Any] | None = None,
    wait_seconds: float = 600.0,
    progress: Progress = silent,
) -> PushedModel:
    """Release a SavedModel as the next version in ``to``.

    Parameters
    ----------
    model_directory : str or path
        A SavedModel: a folder with ``saved_model.pb``.
    to : str or path
        The folder that holds the versions of this model; made if it is not there. The new version
        is one more than the highest number among its folders, or 1.
    gate : Gate or None
        The verdict about the model. One that fails stops the push. None, and one that was
        skipped, let it through; the record says so.
    example : mapping, optional
        One instance that clients may ask, JSON-ready; shown with the result.
    wait_seconds : float
        How long to wait for another push into the same folder.
    progress : Progress
        Told how many bytes are copied.

    Returns
    -------
    PushedModel
        Which version it became.

    Raises
    ------
    PushError
        The gate fails; the model is no SavedModel; the target cannot be written, or is full. No
        new version is to be seen then.
    """
    source, target = Path(model_directory), Path(to)
    _check_gate(gate, target)
    _check_model(source)
    files = _files(source)
    with _explained(target, sum(size for _, size in files)):
        target.mkdir(parents=True, exist_ok=True)
        with _locked(target, wait_seconds):
            _sweep(target)
            version = _publish(source, files, target, progress)
    return PushedModel(
        name=target.resolve().name,
        version=version,
        path=(target / str(version)).as_posix(),
        verdict=gate,
        example=example,
        files=digests(target / str(version)),
    )


def _check_gate(gate: Gate | None, target: Path) -> None:
    if gate is not None and gate.status == "fail":
        raise PushError(
            f"the model is not released to {target}: its gate failed",
            expected="a gate that passes",
            got="; ".join(gate.reasons),
            fix="improve the model, or change the threshold that it misses",
        )


def _check_model(source: Path) -> None:
    if (source / "saved_model.pb").is_file():
        return
    if not source.is_dir():
        got = "a file" if source.exists() else "no such folder"
    else:
        names = sorted(child.name for child in source.iterdir())
        got = f"a folder with {', '.join(names[:5])}" if names else "an empty folder"
    raise PushError(
        f"no model to release in {source}",
        expected="a SavedModel: a folder with saved_model.pb in it",
        got=got,
        fix="give the folder that model.export(folder) wrote",
    )


def _files(source: Path) -> list[tuple[Path, int]]:
    """Return every file below ``source``, relative to it, with its size in bytes."""
    return [
        (path.relative_to(source), path.stat().st_size)
        for path in sorted(source.rglob("*"))
        if path.is_file()
    ]


@contextmanager
def _locked(target: Path, seconds: float) -> Iterator[None]:
    try:
        with FileLock(target / _LOCK, timeout=seconds):
            yield
    except Timeout as error:
        raise PushError(
            f"another push into {target} is under way",
            expected=f"it to end within {seconds:g} s",
            got="it goes on",
            fix="wait for it, or end that process; what it left is then cleaned up",
        ) from error


def _sweep(target: Path) -> None:
    """Remove what killed pushes left; the lock is held, so nobody is at work on it."""
    for child in target.iterdir():
        if child.name.startswith(_STAGING) and child.is_dir():
            shutil.rmtree(child, ignore_errors=True)


def _publish(source: Path, files: list[tuple[Path, int]], target: Path, progress: Progress) -> int:
    staging = target / f"{_STAGING}{os.getpid()}-{secrets.token_hex(4)}"
    staging.mkdir()
    try:
        _copy(source, files, staging, progress)
        version = _next_version(target)
        while not _rename(staging, target / str(version)):
            version += 1
        for folder in (target, target.parent):
            _flush(folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return version


def _copy(source: Path, files: list[tuple[Path, int]], staging: Path, progress: Progress) -> None:
    done, total = 0, sum(size for _, size in files)
    # Loaders look for these two also where they are empty.
    empty = [staging / name for name in ("variables", "assets") if (source / name).is_dir()]
    for folder in empty:
        folder.mkdir()
    for name, size in files:
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, path)
        _flush(path)
        done += size
        progress(done, total, unit="bytes", note=name.as_posix())
    for folder in (staging, *(path for path in staging.rglob("*") if path.is_dir())):
        _flush(folder)


def _next_version(target: Path) -> int:
    names = (child.name for child in target.iterdir())
    taken = [int(name) for name in names if name.isascii() and name.isdigit()]
    return max((number for number in taken if number <= _LARGEST), default=0) + 1


def _rename(staging: Path, place: Path) -> bool:
    """Move the copy into place; False if a program that takes no lock was there first."""
    try:
        # rename() onto an empty folder succeeds, and would take a number that another claims.
        if place.exists():
            return False
        staging.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    return True


def _flush(path: Path) -> None:
    """Write a file or a folder's entries through to the disk."""
    if os.name == "nt" and path.is_dir():  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(target: Path, needed: int) -> Iterator[None]:
    """Turn what the system refuses into a `PushError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise PushError(
                f"no room for the model in {target}",
                expected=f"{_megabytes(needed)} free",
                got=f"{_free(target)} free ({error.strerror})",
                fix="remove versions that are no longer needed, or push to another disk",
            ) from error
        raise PushError(
            f"the model cannot be copied into {target}",
            expected="a model that this user may read, and a folder that this user may write to",
            got=str(error),
            fix="check the path and its permissions, or push to another folder",
        ) from error


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _free(target: Path) -> str:
    try:
        return _megabytes(shutil.disk_usage(target).free)
    except OSError:
        return "too little"
