"""`Statistics`: what is known of each column of each split, as one JSON file on disk.

Notation: a *value* is an entry that is not null. For numbers, moments, extremes, quantiles and
the histogram are over the *finite* values; NaN and infinities are values that are counted apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import StoreError

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
TOP = 20
MAX_VALUES = 1000

_FORMAT = 1
_FILE = "statistics.json"


@dataclass(frozen=True)
class Histogram:
    """How many finite values lie between edges.

    Parameters
    ----------
    edges : tuple of float, length bins + 1
        Not decreasing; the same in all splits. Bin ``i`` holds ``edges[i] <= x < edges[i + 1]``,
        the last one ``x == edges[-1]`` too. Inner bins are of one width; where outliers would
        squeeze all values into a few bins, the first or the last bin is wider and holds them.
    counts : tuple of int, length bins
        How many values each bin holds.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ColumnStatistics:
    """What is known of one column of one split.

    Parameters
    ----------
    name : str
        The column.
    type : {"int", "float", "string", "bool"}
        Its type.
    count : int
        Values: rows that are not null. NaN and infinities are values.
    missing : int
        Rows that are null.
    unique : int
        Distinct values, exact; all NaN are one.
    mean, std : float, optional
        Of the finite values of a number column; ``std`` divides by their count. None: there
        are no finite values.
    min, max : float or int, optional
        Smallest and largest finite value; exact integers in an int column.
    zeros : int, optional
        How many values are 0.
    nan, positive_inf, negative_inf : int, optional
        How many values are NaN, +inf, -inf. 0 in an int column.
    quantiles : tuple of float, optional
        At `QUANTILES`, linear between neighbours as in `numpy.quantile`.
    histogram : Histogram, optional
        Of the finite values.
    top : tuple of (str, int), optional
        The 20 most frequent texts of a string column with their counts; ties by text.
    values : tuple of (str, int), optional
        All distinct texts, in the same order, if there are at most 1,000; else None.
    min_length, mean_length, max_length : int, float, int, optional
        Of the texts, in characters. None: there are no values.
    true, false : int, optional
        How many values of a bool column are so.
    """

    name: str
    type: str
    count: int
    missing: int
    unique: int
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    zeros: int | None = None
    nan: int | None = None
    positive_inf: int | None = None
    negative_inf: int | None = None
    quantiles: tuple[float, ...] | None = None
    histogram: Histogram | None = None
    top: tuple[tuple[str, int], ...] | None = None
    values: tuple[tuple[str, int], ...] | None = None
    min_length: int | None = None
    mean_length: float | None = None
    max_length: int | None = None
    true: int | None = None
    false: int | None = None

    @property
    def rows(self) -> int:
        """How many rows there are, with or without a value."""
        return self.count + self.missing

    @property
    def inf(self) -> int:
        """How many values are infinite, of either sign."""
        return (self.positive_inf or 0) + (self.negative_inf or 0)

    @property
    def median(self) -> float | None:
        """The middle finite value, or None where there is none."""
        return self.quantiles[QUANTILES.index(0.5)] if self.quantiles else None


@dataclass(frozen=True)
class SplitStatistics:
    """What is known of one split.

    Parameters
    ----------
    rows : int
        How many rows it has.
    columns : dict of str to ColumnStatistics
        Its columns by name, in the order of the data.
    """

    rows: int
    columns: dict[str, ColumnStatistics]


class Statistics(Artifact):
    """What is known of each column of each split. On disk: ``statistics.json``.

    Parameters
    ----------
    splits : mapping of str to SplitStatistics
        By name, in the order of the data; all with the same columns.
    """

    def __init__(self, splits: Mapping[str, SplitStatistics]) -> None:
        self.splits = dict(splits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statistics) and self.splits == other.splits

    __hash__ = None  # type: ignore[assignment] # it holds dicts

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(next(iter(self.splits.values())).columns)

    def save(self, directory: Path) -> None:
        """Write ``statistics.json``."""
        record = {
            "format": _FORMAT,
            "splits": [
                {
                    "name": name,
                    "rows": split.rows,
                    "columns": [_to_record(column) for column in split.columns.values()],
                }
                for name, split in self.splits.items()
            ],
        }
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        (directory / _FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the statistics in ``directory``.

        Raises
        ------
        StoreError
            ``statistics.json`` is gone, or is not what `save` writes.
        """
        path = directory / _FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return cls({part["name"]: _split(part) for part in _splits(record)})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"'{path}' does not hold statistics",
                expected=f"the file that Dure wrote, format {_FORMAT}",
                got=f"{type(error).__name__}: {error}",
                fix="make the statistics again",
            ) from error

    def summary(self) -> str:
        """Return rows and columns of the splits in one line."""
        rows = ", ".join(f"{name} {split.rows:,}" for name, split in self.splits.items())
        missing = sum(c.missing for split in self.splits.values() for c in split.columns.values())
        return f"{len(self.columns)} columns, rows: {rows}, {missing:,} values missing"

    def text(self) -> str:
        """Return a table a split, with small bars, at most 80 columns wide."""
        from dure.statistics.text import statistics_text

        return statistics_text(self)

    def html(self) -> Markup:
        """Return a panel a column, with all splits side by side in it."""
        from dure.statistics.panels import statistics_html

        return statistics_html(self)

    def to_html(self, path: str | Path) -> Path:
        """Write a whole page that opens offline, and return its path."""
        target = Path(path)
        heading = Markup("<h1>Statistics</h1>")
        target.write_text(draw.page("Statistics", heading + self.html()), encoding="utf-8")
        return target


def _to_record(column: ColumnStatistics) -> dict[str, Any]:
    # What a type does not have is left out; what it has and could not be known is null.
    return {
        key: value
        for key, value in asdict(column).items()
        if key in _COMMON or key in _OF_TYPE[column.type]
    }


_NUMBER = {
    "mean",
    "std",
    "min",
    "max",
    "zeros",
    "nan",
    "positive_inf",
    "negative_inf",
    "quantiles",
    "histogram",
}
_COMMON = {"name", "type", "count", "missing", "unique"}
_OF_TYPE = {
    "int": _NUMBER,
    "float": _NUMBER,
    "string": {"top", "values", "min_length", "mean_length", "max_length"},
    "bool": {"true", "false"},
}


def _splits(record: dict[str, Any]) -> list[dict[str, Any]]:
    if record["format"] != _FORMAT:
        raise ValueError(f"format {record['format']}")
    splits: list[dict[str, Any]] = record["splits"]
    return splits


def _split(record: dict[str, Any]) -> SplitStatistics:
    columns = {column["name"]: _from_record(column) for column in record["columns"]}
    return SplitStatistics(record["rows"], columns)


def _from_record(record: dict[str, Any]) -> ColumnStatistics:
    known = {field.name for field in fields(ColumnStatistics)}
    values: dict[str, Any] = {key: _frozen(value) for key, value in record.items() if key in known}
    if values.get("histogram") is not None:
        values["histogram"] = Histogram(**{k: _frozen(v) for k, v in record["histogram"].items()})
    return ColumnStatistics(**values)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
