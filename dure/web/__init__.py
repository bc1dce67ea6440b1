"""SEE IT: the report of a run as one page that opens offline, and the same as JSON.

`report` (writes both), `sections` (what the page says of each step), `graph` (the picture of the
steps), `layout` (where its boxes are).
"""

from __future__ import annotations

from dure.web.report import write_report

__all__ = ["write_report"]
