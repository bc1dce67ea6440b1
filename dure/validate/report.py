"""What a comparison of two data sets found: frozen values, read by gates, tables and pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["differs", "same", "not_compared"]
Kind = Literal["drift", "skew"]


@dataclass(frozen=True)
class Shape:
    """How both sides are spread over the same few cells, for people to look at.

    Parameters
    ----------
    labels : tuple of str
        What each cell holds: a value, or from where to where numbers go.
    first, second : tuple of float
        How many values of the baseline, and of the new data, it holds.
    """

    labels: tuple[str, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """One column compared with itself in other data.

    Parameters
    ----------
    column : str
        The column.
    split, baseline : str
        The split that is judged, and the split of the other data that it is compared with.
    verdict : {"differs", "same", "not_compared"}
        What came out.
    reason : str
        The verdict in words, with its numbers and with what more rows would change.
    of : {"values", "missing"}
        Whether values are compared, or how many are missing.
    slice : str or None
        The slice of both splits; None for all rows.
    metric, formula : str
        The distance and how it is computed. Empty where nothing was compared.
    choice : str
        Why this distance was taken.
    value : float or None
        The distance.
    low, high : float or None
        Ends of its 95 % interval.
    chance : float or None
        What it is on average where both sides have one distribution.
    smallest : float or None
        The smallest effect, ``value - chance``, that is worth an alarm.
    test : str
        Where the p-value comes from.
    p, adjusted : float or None
        How likely a difference as large is by chance; the same for all comparisons of the report
        together, by Benjamini and Hochberg.
    detectable : float or None
        The smallest difference that the test can tell from chance at these sizes, if it is the only
        one: D of Kolmogorov-Smirnov, Cohen's w of chi-square.
    threshold : float or None
        A fixed bound of the schema, which then decides alone, as in TFDV.
    worst : str or None
        The value whose share differs most.
    rows, baseline_rows : int
        Rows of both sides.
    values, baseline_values : float
        Values that were compared.
    exact : bool
        All values were known. Otherwise distances are from quantiles, histograms or the most
        frequent values.
    shape : Shape or None
        Both sides, to be drawn.
    """

    column: str
    split: str
    baseline: str
    verdict: Verdict
    reason: str
    of: Literal["values", "missing"] = "values"
    slice: str | None = None
    metric: str = ""
    formula: str = ""
    choice: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    smallest: float | None = None
    test: str = ""
    p: float | None = None
    adjusted: float | None = None
    detectable: float | None = None
    threshold: float | None = None
    worst: str | None = None
    rows: int = 0
    baseline_rows: int = 0
    values: float = 0.0
    baseline_values: float = 0.0
    exact: bool = True
    shape: Shape | None = None


@dataclass(frozen=True)
class DriftReport:
    """All columns of two data sets compared; iterating gives each `Comparison`.

    Parameters
    ----------
    kind : {"drift", "skew"}
        Against an earlier span, or training against serving.
    comparisons : tuple of Comparison
        In the order of the splits, their slices and columns.
    q : float
        At most this share of the alarms is false, on average.
    seed, draws : int
        Of the intervals and of what is to be expected by chance.
    """

    kind: Kind
    comparisons: tuple[Comparison, ...] = field(default=())
    q: float = 0.05
    seed: int = 0
    draws: int = 200

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.comparisons)

    @property
    def drifted(self) -> tuple[Comparison, ...]:
        """The comparisons that found a difference worth an alarm."""
        return tuple(one for one in self.comparisons if one.verdict == "differs")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that differ, in any split or slice, by values or by what is missing."""
        return tuple(dict.fromkeys(one.column for one in self.drifted))

    def summary(self) -> str:
        """Return, for example, ``"drift: 2 of 9 columns differ"``."""
        if not self.comparisons:
            return f"{self.kind}: nothing was compared: no split or column has its counterpart"
        total = len({one.column for one in self.comparisons})
        noun = "column differs" if total == 1 else "columns differ"
        return f"{self.kind}: {len(self.columns)} of {total} {noun}"

    def text(self) -> str:
        """Return a table with a line a comparison, at most 80 columns wide."""
        from dure.validate.show_drift import drift_text

        return drift_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> DriftReport:
        """Return the report that `to_dict` wrote, also after JSON made lists of its tuples."""
        rest = {key: value for key, value in record.items() if key != "comparisons"}
        return cls(comparisons=tuple(map(_comparison, record["comparisons"])), **rest)


def _comparison(record: Mapping[str, Any]) -> Comparison:
    shape = record.get("shape")
    known = None if shape is None else Shape(**{key: tuple(shape[key]) for key in shape})
    return Comparison(**{**record, "shape": known})
