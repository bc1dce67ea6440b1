"""From what a user names, a file, a folder or a pattern, to the files that are meant."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dure.errors import DataError

Kind = Literal["csv", "parquet"]

_KINDS: dict[str, Kind] = {".csv": "csv", ".parquet": "parquet"}
_EXPECTED = "a file that ends in .csv or .parquet, a folder of such files, or a pattern"


@dataclass(frozen=True)
class Files:
    """The files that a source means.

    Parameters
    ----------
    kind : {"csv", "parquet"}
        The one format that all of them have.
    paths : tuple of Path
        At least one, in the order of their names.
    label : str
        The last part of what the user named. It goes into artifacts, and the same data in
        another folder has to give the same artifact; so it is no whole path.
    """

    kind: Kind
    paths: tuple[Path, ...]
    label: str


def find_files(source: str | os.PathLike[str]) -> Files:
    """Return the files that ``source`` means.

    Parameters
    ----------
    source : str or path
        A file, a folder (its files, not those of its sub-folders) or a pattern with ``*``,
        ``?``, ``[...]`` or ``**``. A path that exists is never taken for a pattern.

    Raises
    ------
    DataError
        Nothing is there, it cannot be looked into, or its formats are unknown or mixed.
    """
    path = Path(source)
    try:
        if path.is_dir():
            paths = _of_folder(path)
        elif path.exists():
            paths = [path]
        elif glob.has_magic(str(source)):
            paths = _of_pattern(str(source))
        else:
            raise _missing(path)
    except PermissionError as error:
        raise no_permission(path, error) from error
    return Files(_one_kind(paths), tuple(paths), path.name or "data")


def no_permission(path: Path, error: OSError) -> DataError:
    """Return the error that says that ``path`` may not be read."""
    return DataError(
        f"no permission to read '{error.filename or path}'",
        expected="a file or folder that the current user may read",
        got=f"{error.strerror or error}",
        fix=f"check it with: ls -ld '{error.filename or path}'",
    )


def _of_folder(folder: Path) -> list[Path]:
    inside = sorted(folder.iterdir())
    paths = [p for p in inside if p.suffix.lower() in _KINDS and not _hidden(p) and p.is_file()]
    if not paths:
        deeper = any(p.is_dir() for p in inside)
        raise DataError(
            f"the folder '{folder}' has no data files",
            expected="files that end in .csv or .parquet directly in it",
            got=f"{len(inside)} entries: {', '.join(p.name for p in inside[:5]) or 'none'}",
            fix=f"name the sub-folders with a pattern: '{folder}/**/*.parquet'"
            if deeper
            else "name the folder that has the data files",
        )
    return paths


def _of_pattern(pattern: str) -> list[Path]:
    # Path.glob takes no absolute pattern, and which part of one is a folder is glob's to know.
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - see above
    paths = sorted(path for path in map(Path, found) if path.is_file())
    if not paths:
        raise DataError(
            f"no file matches the pattern '{pattern}'",
            expected="at least one file",
            got=f"none, looking from the folder '{Path.cwd()}'",
            fix=f"try the pattern in a shell: ls {pattern}",
        )
    return paths


def _one_kind(paths: list[Path]) -> Kind:
    kinds: dict[Kind, Path] = {}
    for path in paths:
        kind = _KINDS.get(path.suffix.lower())
        if kind is None:
            raise DataError(
                f"cannot tell the format of '{path}'",
                expected=_EXPECTED,
                got=f"the ending '{path.suffix}'" if path.suffix else "no ending",
                fix="rename the file, or read it yourself and pass a polars DataFrame",
            )
        kinds.setdefault(kind, path)
    if len(kinds) > 1:
        raise DataError(
            "CSV and Parquet files are mixed in one source",
            expected="files of one format",
            got=" and ".join(f"'{path}'" for path in kinds.values()),
            fix="name one format with a pattern such as 'folder/*.parquet'",
        )
    return next(iter(kinds))


def _missing(path: Path) -> DataError:
    parent = path.parent
    near = sorted(p.name for p in parent.iterdir() if not _hidden(p)) if parent.is_dir() else []
    got = (
        f"nothing; the folder '{parent}' has {', '.join(near[:8]) or 'no files'}"
        if parent.is_dir()
        else f"nothing; the folder '{parent}' is not there either"
    )
    return DataError(
        f"there is no file or folder '{path}'",
        expected=_EXPECTED,
        got=got,
        fix=f"check the path; relative paths start at '{Path.cwd()}'",
    )


def _hidden(path: Path) -> bool:
    return path.name.startswith((".", "_"))
