"""Rows that could not be read: counted, kept in a table, and limited."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from dure.data.batch import Refused
from dure.data.parts import cannot_write, write_part
from dure.data.workspace import Workspace
from dure.draw import counted
from dure.errors import DataError, StoreError, UsageError

COLUMNS = {"file": pl.String(), "place": pl.String(), "reason": pl.String(), "text": pl.String()}
_REMARKS = 20
_CHUNK = 10_000


def open_quarantine(path: Path, rows: int) -> pl.DataFrame:
    """Return the quarantine that was saved with so many rows.

    Raises
    ------
    StoreError
        The file is gone or not whole.
    """
    try:
        frame = pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise _not_saved(path, rows, said) from error
    if frame.height != rows:
        raise _not_saved(path, rows, counted(frame.height, "row"))
    return frame


def _not_saved(path: Path, rows: int, got: str) -> StoreError:
    return StoreError(
        f"'{path}' is not the quarantine that was saved",
        expected=f"a Parquet file of {counted(rows, 'row')}",
        got=got,
        fix="make the examples again",
    )


def save_quarantine(rows: pl.DataFrame | pl.LazyFrame, path: Path) -> None:
    """Write the quarantine as Parquet, from files without having all of it in memory.

    Raises
    ------
    StoreError
        It cannot be written; nothing is left at ``path``.
    """
    if isinstance(rows, pl.DataFrame):
        write_part(rows, path)
        return
    try:
        rows.sink_parquet(path, compression="zstd", row_group_size=_CHUNK, maintain_order=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        path.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


class Quarantine:
    """Takes what was refused, in order, and fails when it is too much.

    Parameters
    ----------
    workspace : Workspace
        Where rows are written that are too many for memory.
    limit : int or float
        At most so many rows (an int), or such a share of all rows (a float from 0 to 1).
    fails : bool
        Any refused row is an error.
    """

    def __init__(self, workspace: Workspace, limit: float, *, fails: bool) -> None:
        self._workspace = workspace
        self._limit = limit
        self._fails = fails
        self._recent: list[Refused] = []
        self._files: list[Path] = []
        self.rows = 0
        self.remarks: list[str] = []

    def add(self, refused: Sequence[Refused]) -> None:
        """Take some rows.

        Raises
        ------
        DataError
            No row may be refused, or more were than a count allows.
        """
        if not refused:
            return
        if self._fails:
            first = refused[0]
            raise DataError(
                f"{first.file}, {first.place}: {first.reason}",
                expected="rows that can be read",
                got=first.text[:200] or "a row that cannot",
                fix='repair it, or set bad rows aside: on_bad_rows="quarantine"',
            )
        self.rows += len(refused)
        self.remarks += [str(one) for one in refused[: _REMARKS - len(self.remarks)]]
        self._recent += refused
        if len(self._recent) >= _CHUNK:
            self._write()
        if isinstance(self._limit, int) and self.rows > self._limit:
            raise self._too_many(f"{counted(self.rows, 'row')} so far")

    def finish(self, total: int) -> pl.DataFrame | pl.LazyFrame | None:
        """Return all refused rows, of ``total`` rows in all; None: there are none.

        Raises
        ------
        DataError
            They are more than the limit allows.
        """
        if self._limit_share is not None and self.rows > self._limit_share * total:
            raise self._too_many(f"{self.rows:,} of {counted(total, 'row')}")
        if not self.rows:
            return None
        if not self._files:
            return _frame(self._recent)
        self._write()
        return pl.scan_parquet(self._files, glob=False, hive_partitioning=False)

    @property
    def _limit_share(self) -> float | None:
        return None if isinstance(self._limit, int) else self._limit

    def _write(self) -> None:
        if self._recent:
            path = self._workspace.folder() / f"refused-{len(self._files):05}.parquet"
            write_part(_frame(self._recent), path)
            self._files.append(path)
            self._recent = []

    def _too_many(self, got: str) -> DataError:
        return DataError(
            "too many rows cannot be read",
            expected=f"at most max_bad_rows={self._limit}",
            got=f"{got} were set aside; the first: {'; '.join(self.remarks[:3])}",
            fix="repair the source, or raise max_bad_rows",
        )


def check_limit(on_bad_rows: object, limit: object) -> None:
    """Raise `UsageError` unless both say what becomes of bad rows."""
    if on_bad_rows not in ("fail", "quarantine"):
        raise UsageError(
            "on_bad_rows is wrong",
            expected='"fail" or "quarantine"',
            got=f"on_bad_rows={on_bad_rows!r}",
        )
    number = isinstance(limit, int | float) and not isinstance(limit, bool) and limit >= 0
    if not number or (isinstance(limit, float) and limit > 1):
        raise UsageError(
            "max_bad_rows is wrong",
            expected="a count, such as 100, or a share from 0.0 to 1.0",
            got=f"max_bad_rows={limit!r}",
        )


def _frame(refused: Sequence[Refused]) -> pl.DataFrame:
    columns = {name: [getattr(row, name) for row in refused] for name in COLUMNS}
    return pl.DataFrame(columns, schema=COLUMNS)
