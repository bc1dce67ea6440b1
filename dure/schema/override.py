"""How bad one kind of anomaly is in one column, if it is not as bad as usual."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dure.errors import SchemaError, nearest

SEVERITIES = ("error", "warning", "off")


@dataclass(frozen=True)
class Override:
    """What an anomaly of one kind counts as.

    Parameters
    ----------
    severity : {"error", "warning", "off"}
        ``"off"``: it is not reported.
    until : str, optional
        The last day on which this holds, ``"2026-12-31"``; afterwards the usual severity is back.
    owner, reason : str, optional
        Who decided it, and why.
    """

    severity: str
    until: str | None = None
    owner: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise SchemaError(
                "unknown severity",
                expected=f"one of {', '.join(SEVERITIES)}",
                got=repr(self.severity),
                fix=nearest(str(self.severity), SEVERITIES),
            )
        for name in ("until", "owner", "reason"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise SchemaError(f"severity: {name} is not text", got=repr(value))
        if self.until is not None:
            try:
                dt.date.fromisoformat(self.until)
            except ValueError as error:
                raise SchemaError(
                    "severity: until is no date",
                    expected="such as 2026-12-31",
                    got=repr(self.until),
                ) from error

    def holds(self, today: dt.date) -> bool:
        """Return whether it is in force on the day ``today``."""
        return self.until is None or today <= dt.date.fromisoformat(self.until)
