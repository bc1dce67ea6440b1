"""What differs from the schema: one finding, and all of them as an artifact with a gate."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import StoreError
from dure.gate import Check, Gate
from dure.statistics.text import columns_wide

Severity = Literal["error", "warning"]
FILE = "anomalies.json"
VERSION = 1


@dataclass(frozen=True)
class Anomaly:
    """One thing in the data that is not as the schema expects.

    Parameters
    ----------
    split : str
        Where it is.
    column : str or None
        The column; None for the split as a whole.
    kind : str
        ``"empty_split"``, ``"missing_column"``, ``"new_column"``, ``"type_changed"``,
        ``"whole_numbers"``, ``"no_values"``, ``"too_few_values"``, ``"unexpected_values"``,
        ``"unchecked_values"``, ``"below_min"``, ``"above_max"``, ``"nan"`` or ``"infinity"``.
    severity : {"error", "warning"}
        An error closes the gate; a warning does not.
    reason : str
        What it is, in words, with its numbers.
    expected, got : str
        What the schema says, and what the data has.
    fix : str
        What can be done.
    """

    split: str
    column: str | None
    kind: str
    severity: Severity
    reason: str
    expected: str
    got: str
    fix: str


@dataclass(frozen=True, repr=False)
class Anomalies(Artifact):
    """All that differs from the schema; iterating gives each `Anomaly`.

    Parameters
    ----------
    anomalies : tuple of Anomaly
        In the order of the splits, then of the columns.
    rows : mapping of str to int
        The splits that were checked, and their rows.
    """

    anomalies: tuple[Anomaly, ...]
    rows: dict[str, int]

    def __iter__(self) -> Iterator[Anomaly]:
        return iter(self.anomalies)

    @property
    def errors(self) -> tuple[Anomaly, ...]:
        """What closes the gate."""
        return tuple(one for one in self.anomalies if one.severity == "error")

    @property
    def warnings(self) -> tuple[Anomaly, ...]:
        """What is only said."""
        return tuple(one for one in self.anomalies if one.severity == "warning")

    @property
    def gate(self) -> Gate:
        """One check for each error, which fails; one for each split without errors, which passes."""
        checks = []
        for split, rows in self.rows.items():
            errors = [one for one in self.errors if one.split == split]
            checks += [
                Check(
                    f"{split}: {one.column or 'rows'}: {one.kind}",
                    "fail",
                    f"{one.reason} (got {one.got})",
                )
                for one in errors
            ]
            if not errors:
                warnings = sum(one.split == split for one in self.warnings)
                reason = f"split {split!r} fits the schema: {_count(warnings, 'warning')}"
                checks.append(Check(f"{split}: fits the schema", "pass", reason, count=rows))
        return Gate(tuple(checks))

    def save(self, directory: Path) -> None:
        """Write ``anomalies.json``."""
        record = {
            "version": VERSION,
            # A list: sorting keys would lose the order of the splits.
            "splits": [{"name": name, "rows": rows} for name, rows in self.rows.items()],
            "anomalies": [asdict(one) for one in self.anomalies],
            "gate": self.gate.to_dict(),
        }
        text = json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        (Path(directory) / FILE).write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the anomalies that `save` wrote.

        Raises
        ------
        StoreError
            When the file is not there, not whole, or of a newer version.
        """
        path = Path(directory) / FILE
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if record["version"] != VERSION:
                raise ValueError(f"version {record['version']!r}")  # noqa: TRY301 # becomes a StoreError
            return cls(
                tuple(Anomaly(**one) for one in record["anomalies"]),
                {split["name"]: split["rows"] for split in record["splits"]},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path}: no whole list of anomalies is there",
                expected=f"the file that Dure wrote, version {VERSION}",
                got=f"{type(error).__name__}: {error}",
                fix="check the data again",
            ) from error

    def summary(self) -> str:
        """Return, for example, ``"1 error, 2 warnings in 344 rows of 2 splits"``."""
        found = f"{_count(len(self.errors), 'error')}, {_count(len(self.warnings), 'warning')}"
        rows = _count(sum(self.rows.values()), "row")
        return f"{found} in {rows} of {_count(len(self.rows), 'split')}"

    def text(self) -> str:
        """Return the anomalies one below the other, errors first, at most 80 columns wide."""
        lines = [self.summary()]
        for splits, one in _merged(self.errors + self.warnings):
            where = one.column if one.column is not None else "(all columns)"
            shown = "".join(c if c.isprintable() else "·" for c in where)
            lines += ["", *_wrap(f"{shown} [{splits}]: {one.reason}", f"{one.severity}: ")]
            for name, part in (("expected", one.expected), ("got", one.got), ("to do", one.fix)):
                lines += _wrap(part, f"  {name + ':':<10}")
        return "\n".join(lines)

    def html(self) -> Markup:
        """Return a table of the anomalies, errors first."""
        if not self.anomalies:
            good = draw.badge("no anomalies", "pass")
            return Markup("<p>{} {}</p>").format(good, self.summary())
        rows = [
            (
                draw.badge(one.severity, "fail" if one.severity == "error" else "warn"),
                splits,
                one.column if one.column is not None else "(all)",
                one.reason,
                one.expected,
                one.got,
                one.fix,
            )
            for splits, one in _merged(self.errors + self.warnings)
        ]
        headers = ("severity", "split", "column", "what", "expected", "got", "to do")
        return Markup("<p>{}</p>").format(self.summary()) + draw.table(headers, rows)


def _merged(anomalies: tuple[Anomaly, ...]) -> list[tuple[str, Anomaly]]:
    """Return each finding once, with the splits that have it."""
    groups: dict[tuple[Any, ...], list[Anomaly]] = {}
    for one in anomalies:
        groups.setdefault(astuple(one)[1:], []).append(one)
    return [(", ".join(one.split for one in group), group[0]) for group in groups.values()]


def _wrap(text: str, first: str) -> list[str]:
    # A space that does not break keeps "0.3 %" on one line. East Asian letters take two columns,
    # and textwrap counts letters: a mark after each makes it two. One column is kept free, since a
    # line may end between letter and mark.
    marked = "".join(c + "\0" * (columns_wide(c) - 1) for c in text.replace(" %", "\u00a0%"))
    lines = textwrap.wrap(marked, 79, initial_indent=first, subsequent_indent=" " * 12)
    return [line.replace("\0", "").replace("\u00a0%", " %") for line in lines]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
