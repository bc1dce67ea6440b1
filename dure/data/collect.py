r"""From readers to parts: batch after batch, in bounded memory, with every row accounted for.

::

    reader -> Batch -> Columns.take -> Splitter.positions -> Sinks.add -> Part
                  \-> Quarantine.add

The source is read once. It is read again, once, if it showed that its first rows were read in a
wrong way: a column of a text format that began with numbers and is text, or, in formats whose
rows name their columns, a column that turned up later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import polars as pl
import polars.selectors as cs
from numpy.typing import NDArray

from dure.data.batch import Batch, ReadOptions
from dure.data.examples import FileRows
from dure.data.formats import FORMATS
from dure.data.merging import Columns, no_rows
from dure.data.parts import Part
from dure.data.quarantine import Quarantine
from dure.data.sinks import Sinks
from dure.data.types import check_fields
from dure.data.workspace import Workspace
from dure.draw import counted
from dure.errors import DataError
from dure.progress import Progress, silent

_FEW = 4  # up to so many splits, as many filters are faster than one sort


class Splitter(Protocol):
    """Says which split each row belongs to. It may remember what it has seen."""

    names: list[str]
    drops: Sequence[str]  # columns that the rows don't need any more once they are split

    def positions(self, frame: pl.DataFrame) -> NDArray[np.int64] | None:
        """Return the position in ``names`` of the split of each row; None: all in the first."""


@dataclass(frozen=True)
class Input:
    """One file, database or frame.

    Parameters
    ----------
    name : str
        Its name, without its folder.
    where : str
        What to call it in messages.
    kind : str
        The name of its format.
    read : callable of (ReadOptions) -> iterator of Batch
        Reads it, from the start each time.
    split : str, optional
        The split that all of it belongs to.
    """

    name: str
    where: str
    kind: str
    read: Callable[[ReadOptions], Iterator[Batch]]
    split: str | None = None


@dataclass(frozen=True)
class Collected:
    """What was collected.

    Parameters
    ----------
    parts : dict of str to tuple of Part
        The rows of each split.
    columns : dict of str to polars.DataType
        The final types.
    files : tuple of FileRows
        What became of the rows of each input.
    remarks : tuple of str
        The first rows that were refused.
    refused : frame, or lazy frame, or None
        All of them.
    """

    parts: dict[str, tuple[Part, ...]]
    columns: dict[str, pl.DataType]
    files: tuple[FileRows, ...]
    remarks: tuple[str, ...]
    refused: pl.DataFrame | pl.LazyFrame | None


@dataclass
class Collector:
    """The settings of collecting; see `collect`."""

    label: str
    options: ReadOptions
    workspace: Workspace
    memory: int
    max_bad_rows: float
    progress: Progress = silent

    def collect(self, inputs: Sequence[Input], splitter: Callable[[], Splitter]) -> Collected:
        """Read all inputs, in their order, and return their rows by split.

        Parameters
        ----------
        inputs : sequence of Input
            What to read.
        splitter : callable of () -> Splitter
            Makes a splitter, which has seen nothing yet.

        Raises
        ------
        DataError
            There are no rows, rows were lost, columns differ or have no common type, or too many
            rows cannot be read.
        StoreError
            The rows cannot be written.
        """
        forms = [FORMATS.get(each.kind) for each in inputs]
        columns = Columns(
            text=all(form is not None and form.text for form in forms),
            keyed=all(form is not None and form.keyed for form in forms),
        )
        done = self._pass(inputs, splitter(), columns)
        if done is None:
            # Columns known by now are known from the first row on; a text that had been read as
            # numbers is read as it stands.
            texts = dict.fromkeys(columns.texts, "string")
            self.options = replace(self.options, types={**self.options.types, **texts})
            columns = columns.again()
            done = self._pass(inputs, splitter(), columns)
        if done is None:
            raise DataError(
                f"'{self.label}' changed while it was read",
                expected="the same columns and values each time it is read",
                got=f"other values in the column {', '.join(columns.texts + columns.late)}",
                fix="see what writes there, and run again",
            )
        return done

    def _pass(
        self, inputs: Sequence[Input], splitter: Splitter, columns: Columns
    ) -> Collected | None:
        """Read all once. None: it has to be read again, with what ``columns`` knows now."""
        sinks = Sinks(self.workspace, self.memory)
        fails = self.options.on_bad_rows != "quarantine"
        quarantine = Quarantine(self.workspace, self.max_bad_rows, fails=fails)
        sinks.open(splitter.names)
        files = []
        for number, each in enumerate(inputs):
            count = _Count(each)
            for batch in each.read(self.options):
                count.add(batch)
                quarantine.add(batch.refused)
                if batch.frame.width:
                    frame = columns.take(batch.frame, each.where)
                    if columns.stale:
                        sinks.clear()
                    elif frame.height:
                        distribute(frame, each.split, splitter, sinks)
                note = f"{each.name}, {counted(count.kept, 'row')}"
                self.progress(number, len(inputs), unit="files", note=note)
            files.append(count.checked())
            self.progress(number + 1, len(inputs), unit="files", note=each.name)
        if columns.stale:
            return None
        kept, refused = sum(file.kept for file in files), quarantine.rows
        refusals = quarantine.finish(kept + refused)
        if not kept:
            raise no_rows(self.label, refused)
        _check_sum(sinks.rows, kept)
        types = {name: t for name, t in columns.types.items() if name not in splitter.drops}
        check_fields(types)
        return Collected(
            sinks.finish(types), types, tuple(files), tuple(quarantine.remarks), refusals
        )


def distribute(frame: pl.DataFrame, split: str | None, splitter: Splitter, sinks: Sinks) -> None:
    """Add the rows of a frame to their splits, in the order that they have."""
    positions = None if split else splitter.positions(frame)
    if splitter.drops:
        frame = frame.drop(cs.by_name(*splitter.drops))
    if positions is None:
        sinks.add(split or splitter.names[0], frame)
        return
    counts = np.bincount(positions, minlength=len(splitter.names))
    present = np.flatnonzero(counts)
    if len(present) == 1:
        sinks.add(splitter.names[present[0]], frame)
    elif len(present) <= _FEW:
        for position in present:
            sinks.add(splitter.names[position], frame.filter(pl.Series(positions == position)))
    else:
        ordered = frame[np.argsort(positions, kind="stable")]
        starts = np.cumsum(counts) - counts
        for position in present:
            some = ordered.slice(int(starts[position]), int(counts[position]))
            sinks.add(splitter.names[position], some)


class _Count:
    """Counts the rows of one input in two ways."""

    def __init__(self, each: Input) -> None:
        self._input = each
        self._found: int | None = 0
        self.kept = self.refused = 0

    def add(self, batch: Batch) -> None:
        self.kept += batch.frame.height
        self.refused += len(batch.refused)
        if batch.found is None:
            self._found = None  # no second count of the whole
        elif self._found is not None:
            self._found += batch.found

    def checked(self) -> FileRows:
        rows = self.kept + self.refused
        if self._found is not None and self._found != rows:
            raise DataError(
                f"{self._input.where}: rows were lost or made while reading",
                expected=f"{counted(self._found, 'row')}, as the file has by a second count",
                got=f"{counted(self.kept, 'row')} read and {self.refused:,} refused",
                fix="please report this file: it is a fault of Dure, not of the data",
            )
        return FileRows(self._input.name, rows, self.kept, self.refused)


def _check_sum(rows: dict[str, int], kept: int) -> None:
    if sum(rows.values()) != kept:
        raise DataError(
            "rows were lost or made while they were split",
            expected=f"{counted(kept, 'row')}, as were read",
            got=", ".join(f"{split}: {count:,}" for split, count in rows.items()),
            fix="please report it: it is a fault of Dure, not of the data",
        )
