"""Versions of a schema, with who changed it, why and when.

On disk, in one folder::

    schemas/
    ├── 1.yaml          each version as a schema file of its own
    ├── 2.yaml
    └── history.jsonl   one line a version: number, who, why, when, the digest of its file

A version is never changed. Both files are put in place whole: first the schema, then the log, so
that a crash between the two leaves a file that no line speaks of, and that the next version replaces.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dure.errors import StoreError
from dure.schema.model import Schema

LOG = "history.jsonl"


@dataclass(frozen=True)
class Version:
    """One version of a schema.

    Parameters
    ----------
    number : int
        From 1.
    who, why : str
        Who made it, and for what reason.
    when : str
        As the caller gave it, such as ``"2026-11-25T16:35:00Z"``.
    digest : str
        SHA-256 of its file, in hexadecimal digits.
    changes : tuple of str
        What is different from the version before, in words.
    """

    number: int
    who: str
    why: str
    when: str
    digest: str
    changes: tuple[str, ...] = ()


class SchemaHistory:
    """The versions of a schema in one folder.

    One writer at a time: `append` takes no lock.

    Parameters
    ----------
    directory : path
        The folder; made by the first `append`.

    Examples
    --------
    >>> history = SchemaHistory("schemas")  # doctest: +SKIP
    >>> history.append(schema, who="Ada", why="a new depot", when="2026-11-25")  # doctest: +SKIP
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def append(self, schema: Schema, *, who: str, why: str, when: str) -> Version:
        """Add a version and return it; the last one, if the schema is the same.

        Parameters
        ----------
        schema : Schema
            What is expected from now on.
        who, why : str
            Who changed it, and for what reason.
        when : str
            The time, as text. It comes from the caller, so that the same calls write the same bytes.

        Raises
        ------
        StoreError
            When the history so far is damaged, or cannot be written.
        """
        versions = self.versions()
        text = schema.yaml()
        digest = _digest(text)
        if versions and versions[-1].digest == digest:
            return versions[-1]
        before = self.read(versions[-1].number) if versions else None
        version = Version(
            number=len(versions) + 1,
            who=who,
            why=why,
            when=when,
            digest=digest,
            changes=before.diff(schema) if before is not None else (),
        )
        lines = [json.dumps(asdict(one), ensure_ascii=False) for one in (*versions, version)]
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            _put(self._file(version.number), text)
            _put(self.directory / LOG, "\n".join(lines) + "\n")
        except OSError as error:
            raise StoreError(
                f"{self.directory}: a version of the schema cannot be written", got=str(error)
            ) from error
        return version

    def versions(self) -> tuple[Version, ...]:
        """Return all versions, the oldest first.

        Raises
        ------
        StoreError
            When the log is damaged: names file and line.
        """
        path = self.directory / LOG
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: cannot be read", got=str(error)) from error
        return tuple(_versions(text, path))

    def latest(self) -> Schema | None:
        """Return the newest schema, or None where there is none yet."""
        versions = self.versions()
        return self.read(versions[-1].number) if versions else None

    def read(self, number: int) -> Schema:
        """Return the schema of one version.

        Raises
        ------
        StoreError
            When there is no such version, or its file was changed.
        """
        version = self._version(number)
        path = self._file(number)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{path}: cannot be read", got=str(error)) from error
        if _digest(text) != version.digest:
            raise StoreError(
                f"{path}: is not what version {number} was",
                expected=f"a file with the digest {version.digest[:12]}…",
                got=f"{_digest(text)[:12]}…",
                fix="put the file back as it was, and append what is in it as a new version",
            )
        return Schema.read(path)

    def diff(self, old: int, new: int) -> tuple[str, ...]:
        """Return what is different in version ``new``, one readable line a change."""
        return self.read(old).diff(self.read(new))

    def restore(self, number: int, *, who: str, when: str, why: str | None = None) -> Version:
        """Make an old version the newest again, as a version of its own."""
        return self.append(
            self.read(number), who=who, why=why or f"version {number} again", when=when
        )

    def text(self) -> str:
        """Return the versions and their changes, one below the other."""
        lines = []
        for one in self.versions():
            lines.append(f"{one.number}  {one.when}  {one.who}: {one.why}")
            lines += [f"     {change}" for change in one.changes]
        return "\n".join(lines) or "no version yet"

    def _version(self, number: int) -> Version:
        versions = self.versions()
        if not 1 <= number <= len(versions):
            raise StoreError(
                f"{self.directory}: there is no version {number} of the schema",
                expected=f"1 to {len(versions)}" if versions else "a first version: append it",
                got=str(number),
            )
        return versions[number - 1]

    def _file(self, number: int) -> Path:
        return self.directory / f"{number}.yaml"


def _versions(text: str, path: Path) -> Iterator[Version]:
    lines = text.split("\n")
    if lines[-1]:
        raise _damaged(path, len(lines), "the last line has no end: it was not written whole")
    for number, line in enumerate(lines[:-1], 1):
        try:
            record: dict[str, Any] = json.loads(line)
            yield _version(record, number)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(path, number, f"{type(error).__name__}: {error}") from error


def _version(record: dict[str, Any], number: int) -> Version:
    if record["number"] != number:
        raise ValueError(f"number {record['number']!r}")
    if not all(isinstance(record[key], str) for key in ("who", "why", "when", "digest")):
        raise TypeError("who, why, when or digest is no text")
    if not isinstance(record["changes"], list):
        raise TypeError("changes is no list")
    words = {key: record[key] for key in ("number", "who", "why", "when", "digest")}
    return Version(**words, changes=tuple(map(str, record["changes"])))


def _damaged(path: Path, line: int, got: str) -> StoreError:
    return StoreError(
        f"{path}:{line}: the history of the schema is damaged",
        expected=f"a JSON object with number {line}, who, why, when, digest and changes",
        got=got,
        fix="put the file back from Git or a backup; the schemas themselves are beside it",
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _put(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole, or as it was."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
