"""What differs from the schema: one finding, and all of them as an artifact with a gate."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from markupsafe import Markup

from dure.artifact import Artifact
from dure.errors import StoreError, UsageError, nearest
from dure.gate import Check, Gate
from dure.validate.examples import Evidence
from dure.validate.kinds import Severity
from dure.validate.report import DriftReport
from dure.validate.words import count

__all__ = ["Anomalies", "Anomaly", "Evidence", "Severity"]

FILE = "anomalies.json"
VERSION = 2


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
        One of `dure.validate.kinds.KINDS`, such as ``"unexpected_values"``.
    severity : {"error", "warning"}
        An error closes the gate; a warning does not.
    reason : str
        What it is, in words, with its numbers.
    expected, got : str
        What the schema says, and what the data has.
    fix : str
        What can be done.
    detail : str
        What tells two of one kind in one column apart, such as a quantile or a slice.
    tfdv : str or None
        What TFDV calls it, such as ``"ENUM_TYPE_UNEXPECTED_STRING_VALUES"``.
    evidence : tuple of Evidence
        The first rows that show it, where the examples were given.
    override : str
        Why the severity is not the usual one, if it is not.
    until : str or None
        The last day of that, ``"2026-12-31"``; None: no end.
    value, low, high : float or None
        The number that was judged, where there is one, and the ends of its 95 % interval.
    """

    split: str
    column: str | None
    kind: str
    severity: Severity
    reason: str
    expected: str
    got: str
    fix: str
    detail: str = ""
    tfdv: str | None = None
    evidence: tuple[Evidence, ...] = ()
    override: str = ""
    until: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def id(self) -> str:
        """A short name that stays the same from run to run, such as
        ``"train/company/unexpected_values"``.

        A slash within a name is written ``%2F``, and a per cent sign ``%25``; the split as a whole
        has ``*`` for its column.
        """
        column = "*" if self.column is None else _plain(self.column)
        parts = [_plain(self.split), column, self.kind]
        return "/".join([*parts, _plain(self.detail)] if self.detail else parts)


def _plain(name: str) -> str:
    return name.replace("%", "%25").replace("/", "%2F")


@dataclass(frozen=True, repr=False)
class Anomalies(Artifact):
    """All that differs from the schema; iterating gives each `Anomaly`.

    Parameters
    ----------
    anomalies : tuple of Anomaly
        In the order of the splits, then of the columns.
    rows : mapping of str to int
        The splits that were checked, and their rows.
    reports : tuple of DriftReport
        The comparisons with other data, also those that found nothing.
    suppressed : tuple of Anomaly
        What the schema says not to report, with its reason.
    """

    anomalies: tuple[Anomaly, ...]
    rows: dict[str, int]
    reports: tuple[DriftReport, ...] = ()
    suppressed: tuple[Anomaly, ...] = ()

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

    def find(self, name: str) -> Anomaly:
        """Return the anomaly with an id.

        Raises
        ------
        UsageError
            There is none, or the id stands for several.
        """
        found = [one for one in (*self.anomalies, *self.suppressed) if one.id == name]
        if not found:
            raise UsageError(
                f"there is no anomaly {name!r}",
                got="" if self.anomalies else "nothing was found",
                fix=nearest(name, [one.id for one in self.anomalies]) if self.anomalies else None,
            )
        return found[0]

    @property
    def gate(self) -> Gate:
        """One check for each error, which fails; one for each split without errors, which passes."""
        checks = []
        for split, rows in self.rows.items():
            errors = [one for one in self.errors if one.split == split]
            checks += [self._failed(one, rows) for one in errors]
            if not errors:
                warnings = sum(one.split == split for one in self.warnings)
                reason = f"split {split!r} fits the schema: {count(warnings, 'warning')}"
                checks.append(Check(f"{split}: fits the schema", "pass", reason, count=rows))
        return Gate(tuple(checks))

    def _failed(self, one: Anomaly, rows: int) -> Check:
        name = f"{one.split}: {one.column or 'rows'}: {one.kind}"
        name += f" ({one.detail})" if one.detail else ""
        reason = f"{one.reason} (got {one.got})"
        return Check(name, "fail", reason, one.value, one.low, one.high, rows)

    def problem(self) -> str | None:
        """Return that a severity that the schema gives until a day has ended, so check again."""
        today = dt.datetime.now().date().isoformat()  # a day of the reader's calendar
        ended = [
            one.until
            for one in (*self.anomalies, *self.suppressed)
            if one.until is not None and one.until < today
        ]
        return f"a severity in the schema held until {min(ended)}" if ended else None

    def save(self, directory: Path) -> None:
        """Write ``anomalies.json``."""
        (Path(directory) / FILE).write_text(self.json(), encoding="utf-8", newline="\n")

    def json(self) -> str:
        """Return all of it as JSON, as it is on disk."""
        record = {
            "version": VERSION,
            # A list: sorting keys would lose the order of the splits.
            "splits": [{"name": name, "rows": rows} for name, rows in self.rows.items()],
            "anomalies": [{"id": one.id, **asdict(one)} for one in self.anomalies],
            "suppressed": [{"id": one.id, **asdict(one)} for one in self.suppressed],
            "reports": [report.to_dict() for report in self.reports],
            "gate": self.gate.to_dict(),
        }
        text = json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        return text + "\n"

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the anomalies that `save` wrote; also those of version 1.

        Raises
        ------
        StoreError
            When the file is not there, not whole, or of a newer version.
        """
        path = Path(directory) / FILE
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if record["version"] not in (1, VERSION):
                raise ValueError(f"version {record['version']!r}")  # noqa: TRY301 # becomes a StoreError
            return cls(
                tuple(_anomaly(one) for one in record["anomalies"]),
                {split["name"]: split["rows"] for split in record["splits"]},
                tuple(DriftReport.from_dict(one) for one in record.get("reports", ())),
                tuple(_anomaly(one) for one in record.get("suppressed", ())),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path}: no whole list of anomalies is there",
                expected=f"the file that Dure wrote, version {VERSION} or 1",
                got=f"{type(error).__name__}: {error}",
                fix="check the data again",
            ) from error

    def summary(self) -> str:
        """Return, for example, ``"1 error, 2 warnings in 344 rows of 2 splits"``."""
        found = f"{count(len(self.errors), 'error')}, {count(len(self.warnings), 'warning')}"
        quiet = f", {len(self.suppressed):,} suppressed" if self.suppressed else ""
        rows = count(sum(self.rows.values()), "row")
        return f"{found}{quiet} in {rows} of {count(len(self.rows), 'split')}"

    def text(self) -> str:
        """Return the anomalies one below the other, errors first, at most 80 columns wide."""
        from dure.validate.show import anomalies_text

        return anomalies_text(self)

    def html(self) -> Markup:
        """Return a table of the anomalies, errors first, and of what was compared."""
        from dure.validate.show import anomalies_html

        return anomalies_html(self)


def _anomaly(record: dict[str, Any]) -> Anomaly:
    rest = {key: value for key, value in record.items() if key not in ("id", "evidence")}
    return Anomaly(**rest, evidence=tuple(Evidence(**one) for one in record.get("evidence", ())))
