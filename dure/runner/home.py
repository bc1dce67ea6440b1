"""Where a project's artifacts and records are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folder of a project's artifacts, cache and runs, and the URL of its lineage.

    Parameters
    ----------
    root : Path
        The folder.
    lineage : str
        A path of an SQLite file or a ``postgresql://`` URL.
    """

    root: Path
    lineage: str

    @classmethod
    def find(cls, root: str | os.PathLike[str] | None = None) -> Home:
        """Return the home: ``root``, or $DURE_HOME, or ``.dure`` in the current folder.

        The lineage is at $DURE_LINEAGE where that is set, and in ``lineage.db`` in the folder
        otherwise.
        """
        folder = Path(root or os.environ.get("DURE_HOME") or ".dure").absolute()
        return cls(folder, os.environ.get("DURE_LINEAGE") or str(folder / "lineage.db"))

    @property
    def spool(self) -> Path:
        """The file that keeps what the lineage database could not take."""
        return self.root / "lineage.spool"

    def run_folder(self, run: str) -> Path:
        """Return the folder of a run's report."""
        return self.root / "runs" / run
