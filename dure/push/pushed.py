"""`PushedModel`: the record of one release."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

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
    """

    name: str
    version: int
    path: str
    verdict: Gate | None = None
    example: Mapping[str, Any] | None = None

    def save(self, directory: Path) -> None:
        """Write ``pushed.json`` into an empty directory that exists."""
        record = {
            "name": self.name,
            "version": self.version,
            "path": self.path,
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "example": None if self.example is None else dict(self.example),
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
        return "\n".join([*lines, "", *(f"  {command}" for command in self._commands())])

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
        from urllib.parse import quote

        url = f"http://127.0.0.1:8501/v1/models/{quote(self.name, safe='')}"
        serve = f"dure serve {shlex.quote(str(Path(self.path).parent))}"
        if self.example is None:
            return serve, f"curl {shlex.quote(url)}/metadata"
        body = json.dumps({"instances": [dict(self.example)]}, ensure_ascii=False)
        return serve, f"curl {shlex.quote(url)}:predict -d {shlex.quote(body)}"
