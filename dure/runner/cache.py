"""What makes a step's key, where results are found by it, and why one was or was not.

::

    <root>/cache/keys/<2>/<key>.json            a result: which artifact the key led to
    <root>/cache/steps/<pipeline>/<step>.json   the last result of a step, to compare with

The index is plain files, apart from the lineage database, so that a database that is away costs
the record of a run and never the work of it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dure.artifact import Artifact
from dure.runner.encode import digest_of, encode
from dure.runner.store import Store, Stored, read_json, write_json

FORMAT = 1
"""Version of the key's construction; a new one makes every step run again."""


@dataclass(frozen=True)
class KeyParts:
    """Everything that a step's result depends on.

    Parameters
    ----------
    component : str
        Dotted name of the component's function.
    settings : mapping of str to (digest, text)
        Each setting's digest, and the setting as people read it.
    inputs : mapping of str to str
        ``Type:digest`` of each input artifact, by parameter.
    code : mapping of str to str
        Digest of each definition of the user's that the step reaches, by name.
    packages : mapping of str to str
        Version of each package that the component declares, and of Python.
    """

    component: str
    settings: Mapping[str, tuple[str, str]]
    inputs: Mapping[str, str]
    code: Mapping[str, str]
    packages: Mapping[str, str]

    @property
    def key(self) -> str:
        """The cache key: the digest of all parts."""
        settings = {name: digest for name, (digest, _) in self.settings.items()}
        parts = (FORMAT, self.component, settings, self.inputs, self.code, self.packages)
        return digest_of(encode(parts))

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> KeyParts:
        """Return the parts that `to_dict` wrote."""
        settings = {name: (digest, text) for name, (digest, text) in record["settings"].items()}
        return cls(**{**record, "settings": settings})


def differences(old: KeyParts, new: KeyParts) -> list[str]:
    """Return in words what differs between two keys' parts, most telling first.

    >>> old = KeyParts("c", {"epochs": ("a", "5")}, {}, {}, {})
    >>> differences(old, KeyParts("c", {"epochs": ("b", "10")}, {}, {}, {}))
    ['setting epochs changed: 5 → 10']
    """
    found: list[str] = []
    if old.component != new.component:
        found.append(f"component changed: {old.component} → {new.component}")
    for name in sorted(old.settings.keys() | new.settings.keys()):
        before, after = old.settings.get(name), new.settings.get(name)
        if before and after and before[0] != after[0]:
            found.append(_setting_changed(name, before[1], after[1]))
        elif before is None and after and name not in old.inputs:
            found.append(f"setting {name} is new: {after[1]}")
        elif after is None and before and name not in new.inputs:
            found.append(f"setting {name} is gone (it was {before[1]})")
    found += _changed("input", old.inputs, new.inputs, show=False)
    found += _changed("code", old.code, new.code, show=False)
    found += _changed("package", old.packages, new.packages, show=True)
    return found


def _setting_changed(name: str, before: str, after: str) -> str:
    if before == after:
        return f"setting {name}: the content of {after} changed"
    return f"setting {name} changed: {before} → {after}"


def _changed(what: str, old: Mapping[str, str], new: Mapping[str, str], *, show: bool) -> list[str]:
    found = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            found.append(f"{what} {name} is new")
        elif name not in new:
            found.append(f"{what} {name} is gone")
        elif old[name] != new[name]:
            values = f": {old[name]} → {new[name]}" if show else ""
            found.append(f"{what} {name} changed{values}")
    return found


@dataclass(frozen=True)
class Found:
    """A result that can be reused."""

    stored: Stored
    run: str
    execution: str
    summary: str


@dataclass(frozen=True)
class Answer:
    """What the cache says about a step.

    Parameters
    ----------
    found : Found or None
        The result to reuse, or None where the step has to run.
    reasons : tuple of str
        Why, in words.
    """

    found: Found | None
    reasons: tuple[str, ...]


class Cache:
    """Looks results up by key. Safe for many threads and processes of one machine."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._root = store.root / "cache"

    def ask(self, pipeline: str, step: str, parts: KeyParts, kind: type[Artifact]) -> Answer:
        """Return the result for ``parts``, checked to exist and to hash right, or why not."""
        record = _read(self._key_path(parts.key))
        if record is None:
            return Answer(None, self._why_missing(pipeline, step, parts))
        found = self._found(record)
        if found.stored.type != kind.__name__:
            return Answer(None, (f"it makes a {kind.__name__} now, not a {found.stored.type}",))
        with contextlib.suppress(OSError):
            os.utime(found.stored.path)  # in use: a collection beside this run leaves it alone
        problem = self._problem(found.stored, kind)
        if problem is not None:
            return Answer(None, (f"the result of run {found.run} is not usable: {problem}",))
        return Answer(found, (f"nothing changed since run {found.run}",))

    def _problem(self, stored: Stored, kind: type[Artifact]) -> str | None:
        problem = self._store.problem(stored)
        if problem is not None or kind.problem is Artifact.problem:
            return problem
        try:
            return kind.load(stored.path).problem()
        except Exception as error:  # noqa: BLE001 - a user's artifact may raise anything
            return f"it could not be asked ({type(error).__name__}: {error})"

    def last(self, pipeline: str, step: str) -> Found | None:
        """Return the last result of a step, whatever its key, if it is still whole."""
        record = _read(self._step_path(pipeline, step))
        if record is None:
            return None
        found = self._found(record)
        return found if self._store.problem(found.stored) is None else None

    def put(self, pipeline: str, step: str, parts: KeyParts, found: Found) -> None:
        """Remember a result under its key, and as the last one of its step."""
        record = {
            "format": FORMAT,
            "type": found.stored.type,
            "digest": found.stored.digest,
            "run": found.run,
            "execution": found.execution,
            "summary": found.summary,
            "parts": parts.to_dict(),
        }
        write_json(self._key_path(parts.key), record)
        write_json(self._step_path(pipeline, step), record)

    def touch(self, pipeline: str, step: str, parts: KeyParts) -> None:
        """Make the reused result under ``parts`` the last one of a step."""
        record = _read(self._key_path(parts.key))
        if record is not None and record != read_json(self._step_path(pipeline, step)):
            write_json(self._step_path(pipeline, step), record)

    def forget(self, gone: Collection[Stored]) -> None:
        """Drop every entry that leads to one of the artifacts in ``gone``."""
        names = {(stored.type, stored.digest) for stored in gone}
        for path in sorted(self._root.glob("*/*/*.json")):
            record = _read(path)
            if record is not None and (record["type"], record["digest"]) in names:
                path.unlink(missing_ok=True)

    def _why_missing(self, pipeline: str, step: str, parts: KeyParts) -> tuple[str, ...]:
        record = _read(self._step_path(pipeline, step))
        if record is None:
            return ("it has not run before",)
        if record["format"] != FORMAT:
            return ("this version of Dure makes keys in another way",)
        changed = differences(KeyParts.from_dict(record["parts"]), parts)
        return tuple(changed) or ("its entry in the cache is gone",)

    def _found(self, record: Mapping[str, Any]) -> Found:
        stored = self._store.locate(record["type"], record["digest"])
        return Found(stored, record["run"], record["execution"], record["summary"])

    def _key_path(self, key: str) -> Path:
        return self._root / "keys" / key[:2] / f"{key}.json"

    def _step_path(self, pipeline: str, step: str) -> Path:
        return self._root / "steps" / _file_name(pipeline) / f"{_file_name(step)}.json"


_FIELDS = frozenset({"format", "type", "digest", "run", "execution", "summary", "parts"})


def _read(path: Path) -> dict[str, Any] | None:
    """Return an entry of the index, or None where there is none, or none that makes sense."""
    record = read_json(path)
    return record if isinstance(record, dict) and record.keys() >= _FIELDS else None


def _file_name(name: str) -> str:
    """Return a name as a file can have it: of letters that are safe, and not too long."""
    safe = quote(name, safe="", errors="surrogatepass")
    if len(safe) <= 100 and safe.strip("."):
        return safe
    return f"{safe[:60]}~{digest_of(encode(name))}"


@functools.cache
def package_version(name: str) -> str:
    """Return the version of an installed package, or "not installed"."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of ``packages``, and of Python, whose bytecode the key reads."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: package_version(name) for name in packages}}
