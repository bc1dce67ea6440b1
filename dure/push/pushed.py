"""`PushedModel`: the record of one release."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.gate import Gate

_FILE = "pushed.json"


@dataclass(frozen=True, repr=False)
class PushedModel(Artifact):
    """A model that was released as a version.

    The record has no gate of its own (`gate` is None): it is there only if the model was let
    through. The verdict that let it through is in `verdict`.

    Parameters
    ----------
    name : str
        The name of the model: the name of the folder that holds its versions.
    version : int
        The version it became, 1 or more.
    path : str
        Where it is: the target as it was given, and the version.
    verdict : Gate, optional
        The gate that it passed, or that was skipped; None where there was none.
    example : mapping, optional
        One instance, JSON-ready, that its clients may ask; for the command line that is shown.
    files : mapping of str to str
        SHA-256 of each file that was released, by its path in the version's folder.
    """

    name: str
    version: int
    path: str
    verdict: Gate | None = None
    example: Mapping[str, Any] | None = None
    files: Mapping[str, str] = field(default_factory=dict)

    def problem(self) -> str | None:
        """Return why this release no longer stands, or None where it does.

        It stands while its files are where they were released to, unchanged, and no later
        version was released beside them: a server answers with the highest.
        """
        folder = Path(self.path)
        if not folder.is_dir():
            return f"{self.path} is gone"
        later = [int(item.name) for item in folder.parent.iterdir() if item.name.isdecimal()]
        if max(later, default=0) > self.version:
            return f"version {max(later)} was released after it"
        if digests(folder) != dict(self.files):
            return f"the files in {self.path} have changed since they were released"
        return None

    def save(self, directory: Path) -> None:
        """Write ``pushed.json`` into an empty directory that exists."""
        record = {
            "name": self.name,
            "version": self.version,
            "path": self.path,
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "example": None if self.example is None else dict(self.example),
            "files": dict(self.files),
        }
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
        (directory / _FILE).write_text(f"{text}\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the value that `save` wrote into ``directory``."""
        record = json.loads((directory / _FILE).read_text(encoding="utf-8"))
        verdict = record["verdict"]
        return cls(
            name=record["name"],
            version=record["version"],
            path=record["path"],
            verdict=None if verdict is None else Gate.from_dict(verdict),
            example=record["example"],
            files=record["files"],
        )

    def summary(self) -> str:
        """Return the version, its place and the gate in one line."""
        return f"{self.name} version {self.version} in {self.path}, {self._verdict_words()}"

    def text(self) -> str:
        """Return the record, and how to serve the model and ask it."""
        lines = [f"{self.name}, version {self.version}", f"  in    {self.path}"]
        lines.append(f"  gate  {self._verdict_words()}")
        if self.verdict is not None:
            lines += [f"        {reason}" for reason in self.verdict.reasons]
        return "\n".join([*lines, "", *self._commands()])

    def html(self) -> Markup:
        """Return the record, and how to serve the model and ask it, as HTML."""
        status = "skip" if self.verdict is None else self.verdict.status
        reasons = () if self.verdict is None else self.verdict.reasons
        table = draw.facts(
            {
                "model": self.name,
                "version": self.version,
                "folder": Markup("<code>{}</code>").format(self.path),
                "gate": draw.badge(self._verdict_words(), status),
            }
        )
        listing = Markup("").join(Markup("<p>{}</p>").format(reason) for reason in reasons)
        return Markup("{}{}<h3>Serve it, and ask it</h3><pre>{}</pre>").format(
            table, listing, "\n".join(self._commands())
        )

    def _verdict_words(self) -> str:
        if self.verdict is None:
            return "no gate"
        return {"pass": "gate passed", "skip": "gate skipped"}.get(
            self.verdict.status, f"gate {self.verdict.status}"
        )

    def _commands(self) -> tuple[str, str]:
        url = f"http://127.0.0.1:8501/v1/models/{quote(self.name, safe='')}"
        serve = f"dure serve {shlex.quote(str(Path(self.path).parent))}"
        if self.example is None:
            return serve, f"curl {shlex.quote(url)}/metadata"
        body = json.dumps({"instances": [dict(self.example)]}, ensure_ascii=False)
        return serve, f"curl {shlex.quote(url)}:predict \\\n    -d {shlex.quote(body)}"


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder, in hexadecimal, by its path in it."""
    found = {}
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(folder).as_posix()] = digest
    return found
