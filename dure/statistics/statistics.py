"""`Statistics`: what is known of each column of each split, as JSON and Parquet on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from markupsafe import Markup

from dure.artifact import Artifact
from dure.draw import counted
from dure.errors import StoreError, UsageError, nearest
from dure.statistics.model import (
    MAX_VALUES,
    QUANTILES,
    TOP,
    ColumnStatistics,
    Exactness,
    Histogram,
    SplitStatistics,
)
from dure.statistics.records import split_of, split_record

if TYPE_CHECKING:
    import polars as pl

    from dure.statistics.options import StatisticsOptions
    from dure.statistics.states import SplitState

__all__ = [
    "MAX_VALUES",
    "QUANTILES",
    "TOP",
    "ColumnStatistics",
    "Exactness",
    "Histogram",
    "SplitStatistics",
    "Statistics",
]

_FORMAT = 2
_FILE = "statistics.json"
_STATES = "states"


class Statistics(Artifact):
    """What is known of each column of each split.

    On disk: ``statistics.json``, and in ``states/SPLIT/`` the tables that it was made from, with
    which `merge` and ``describe(previous=...)`` go on; see `dure.statistics.storing`.

    Parameters
    ----------
    splits : mapping of str to SplitStatistics
        By name, in the order of the data; all with the same columns.
    options : StatisticsOptions, optional
        What was asked for.
    types : mapping of str to str, optional
        The types of all columns of the data.
    states : mapping of str to SplitState, optional
        What they were made from. None: they cannot be put together with others.
    """

    def __init__(
        self,
        splits: Mapping[str, SplitStatistics],
        *,
        options: StatisticsOptions | None = None,
        types: Mapping[str, str] | None = None,
        states: Mapping[str, SplitState] | None = None,
    ) -> None:
        self.splits = dict(splits)
        self._options = options
        self._record: Mapping[str, Any] = {}
        self._types = None if types is None else dict(types)
        self._states = None if states is None else dict(states)
        self._directory: Path | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistics) and self.splits == other.splits

    __hash__ = None  # type: ignore[assignment] # it holds dicts

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(next(iter(self.splits.values())).columns)

    @property
    def options(self) -> StatisticsOptions:
        """What was asked for."""
        from dure.statistics.options import StatisticsOptions

        if self._options is None:
            self._options = StatisticsOptions.from_dict(self._record)
        return self._options

    @property
    def types(self) -> dict[str, str]:
        """The types of all columns of the data, also of those that were not described."""
        if self._types is None:
            first = next(iter(self.splits.values()))
            return {n: c.type for n, c in first.columns.items() if len(c.path) == 1}
        return self._types

    def merge(self, other: Statistics) -> Statistics:
        """Return the statistics of the data of both, this being the earlier.

        They are those of the data described at once, to the bit, unless there are more distinct
        texts than were kept. Splits that only one of them has stand side by side.

        Raises
        ------
        UsageError
            They have other columns or options, or came without their states.
        """
        from dure.statistics.compute import merge

        return merge(self, other)

    def counts(self, split: str, column: str) -> tuple[pl.DataFrame, bool]:
        """Return how often each value of a column is there, and whether the table is complete.

        Parameters
        ----------
        split, column : str
            Of a column of texts or numbers, or of lists of them.

        Returns
        -------
        frame : polars.DataFrame
            Columns ``value`` and ``count``: texts by falling count, then by text; finite numbers
            rising. Of numbers beyond the limit, middles of bins: see `Exactness.quantiles`.
        complete : bool
            Whether every value is in it, with its exact count.

        Raises
        ------
        UsageError
            There is no such split or column, or it has no values of that kind.
        StoreError
            What is on disk is not what was saved.
        """
        from dure.statistics.values import counts_of

        if split not in self.splits:
            raise UsageError(f"there is no split '{split}'", fix=nearest(split, self.splits))
        if column not in self.splits[split].columns:
            known = self.splits[split].columns
            raise UsageError(f"there is no column '{column}'", fix=nearest(column, known))
        return counts_of(self.states()[split].all.columns[column])

    def has_counts(self, split: str, column: str) -> bool:
        """Return whether `counts` has a table of this column.

        It has none in statistics that came without states, and of bytes and structs.
        """
        from dure.statistics.values import has_counts

        if not self._has_states or split not in self.splits:
            return False
        known = self.splits[split].columns
        return column in known and has_counts(known[column])

    def states(self) -> Mapping[str, SplitState]:
        """Return what the statistics were made from; it must not be changed.

        Raises
        ------
        UsageError
            They came without: they were written by hand or by another tool.
        StoreError
            What is on disk is not what was saved.
        """
        if self._states is None:
            if self._directory is None:
                raise UsageError(
                    "these statistics came without the tables they were made from",
                    expected="statistics that `describe` made",
                    fix="describe the data again",
                )
            self._states = self._loaded(self._directory)
        return self._states

    def copy_states(self) -> dict[str, SplitState]:
        """Return the states anew, to be changed by whoever asks."""
        from dure.statistics.states import Plan
        from dure.statistics.storing import dumps, loads

        if self._states is None and self._directory is not None:
            return self._loaded(self._directory)
        aggregates = Plan(self.types, self.options).aggregates()
        return {
            name: loads(dumps(state, aggregates), aggregates)
            for name, state in self.states().items()
        }

    def save(self, directory: Path) -> None:
        """Write ``statistics.json`` and the states."""
        (directory / _FILE).write_text(self.json(), encoding="utf-8")
        if self._has_states:
            self._save_states(directory / _STATES)

    @property
    def _has_states(self) -> bool:
        return self._states is not None or self._directory is not None

    def json(self) -> str:
        """Return all numbers as JSON, as they are on disk."""
        record = {
            "format": _FORMAT,
            "options": self.options.to_dict(),
            # A list, since keys of objects are sorted and the order of columns counts.
            "types": [[name, kind] for name, kind in self.types.items()],
            "splits": [split_record(name, split) for name, split in self.splits.items()],
            "states": self._has_states,
        }
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1)
        return text + "\n"

    def _save_states(self, folder: Path) -> None:
        from dure.statistics.states import Plan
        from dure.statistics.storing import save

        aggregates = Plan(self.types, self.options).aggregates()
        folder.mkdir()
        for name, state in self.states().items():
            (folder / name).mkdir()
            save(state, aggregates, folder / name)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the statistics in ``directory``; states are read when they are asked for.

        Raises
        ------
        StoreError
            ``statistics.json`` is gone, or is not what `save` writes.
        """
        path = directory / _FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            found = cls({part["name"]: split_of(part) for part in _splits(record)})
            found._types = dict(record["types"])
            found._record = record["options"]
            found._directory = directory if record["states"] else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"'{path}' does not hold statistics",
                expected=f"the file that Dure wrote, format {_FORMAT}",
                got=f"{type(error).__name__}: {error}",
                fix="make the statistics again",
            ) from error
        return found

    def _loaded(self, directory: Path) -> dict[str, SplitState]:
        from dure.statistics.states import Plan
        from dure.statistics.storing import load

        aggregates = Plan(self.types, self.options).aggregates()
        return {name: load(directory / _STATES / name, aggregates) for name in self.splits}

    def summary(self) -> str:
        """Return rows and columns of the splits in one line."""
        rows = ", ".join(f"{name} {split.rows:,}" for name, split in self.splits.items())
        missing = sum(c.missing for split in self.splits.values() for c in split.columns.values())
        columns, values = counted(len(self.columns), "column"), counted(missing, "value")
        return f"{columns}, rows: {rows}, {values} missing"

    def text(self) -> str:
        """Return a table a split, with small bars, at most 80 columns wide."""
        from dure.statistics.text import statistics_text

        return statistics_text(self)

    def html(self) -> Markup:
        """Return a panel a column, with all splits side by side in it."""
        from dure.statistics.panels import statistics_html

        return statistics_html(self)

    def to_html(self, path: str | Path) -> Path:
        """Write a page with a table to sort, filter and compare, and return its path."""
        from dure.statistics.page import statistics_page

        target = Path(path)
        target.write_text(statistics_page(self), encoding="utf-8")
        return target


def _splits(record: dict[str, Any]) -> list[dict[str, Any]]:
    if record["format"] != _FORMAT:
        raise ValueError(f"format {record['format']}")
    splits: list[dict[str, Any]] = record["splits"]
    return splits
