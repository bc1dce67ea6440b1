r"""Mutual information of columns with a label: by categories, or by nearest neighbours.

Both work on the rows of a `RowSample`: exact up to 65,536 rows, and beyond on more than 32,768
rows at regular distances (the nearest neighbours on at most 10,000 of them, again at regular
distances).

**By categories** (``"categories"``): the mutual information of the tables of `crosses`, in bits,
and as a share of the mean entropy adjusted for chance: scikit-learn's
`adjusted_mutual_info_score`.

**By nearest neighbours** (``"neighbours"``), for columns of numbers: Kraskov, Stögbauer and
Grassberger, "Estimating mutual information", Physical Review E 69, 2004, formula 8, between two
columns of numbers, and Ross, "Mutual information between discrete and continuous data sets", PLOS
ONE 9, 2014, between one and categories. Equal numbers are told apart by noise of 1e-10 standard
deviations from a stated seed.

**Partitions**: the rows are dealt into parts by a stated seed, and min, max, mean, median and
standard deviation over the parts say how steady the numbers are: TFDV's partitioned statistics,
which deals without a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import digamma

from dure.data.naming import named, pick, unnamed
from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.aggregates.association import adjusted_share, contingency, mutual_information
from dure.statistics.aggregates.crosses import NUMBERS, categories
from dure.statistics.aggregates.row_sample import (
    RowSample,
    add_rows,
    empty_rows,
    merge_rows,
    pack_rows,
    unpack_rows,
)
from dure.statistics.packing import pack, unpack

MOST_NEIGHBOURS_ROWS = 10_000
NOISE = 1e-10
_VERSION = 1
_TYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "string": pl.String(),
    "bool": pl.Boolean(),
}

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Estimator = Literal["categories", "neighbours"]


@dataclass(frozen=True)
class InformationOptions:
    """How mutual information is estimated.

    Parameters
    ----------
    estimator : {"categories", "neighbours"}
        See the module.
    neighbours : int
        k of the estimators by nearest neighbours.
    partitions : int
        Into how many parts rows are dealt; 0: the numbers of all rows only.
    seed : int
        Of the noise and of the dealing.
    """

    estimator: Estimator = "categories"
    neighbours: int = 3
    partitions: int = 0
    seed: int = 0


_DEFAULTS = InformationOptions()


class LabelInformation(Aggregate[RowSample]):
    """Mutual information of columns with a label.

    Parameters
    ----------
    columns : mapping of str to str
        The types of the columns and of the label: int, float, string or bool.
    label : str
        One of them.
    options : InformationOptions
        How it is estimated.

    Notes
    -----
    The result has by the name of each column ``mutual_information`` in bits, ``adjusted`` (by
    categories only), ``rows`` (that were used), and ``partitions`` with ``min``, ``max``,
    ``mean``, ``median``, ``std`` and ``number`` of ``adjusted`` (by categories) or of
    ``mutual_information`` (by neighbours). A column without two common categories or with fewer
    rows than neighbours has None.
    """

    name = "mutual_information"
    place = "split"

    def __init__(
        self,
        columns: Mapping[str, str],
        label: str,
        options: InformationOptions = _DEFAULTS,
    ) -> None:
        if label not in columns:
            raise UsageError(f"there is no column '{label}' for a label")
        if options.estimator not in ("categories", "neighbours"):
            raise UsageError(
                "there is no such estimator of mutual information",
                expected="categories or neighbours",
                got=options.estimator,
            )
        self.kinds, self.label, self.options = dict(columns), label, options
        self.columns = tuple(columns)

    def init(self) -> RowSample:
        """Return the state of no rows."""
        return empty_rows(self._schema())

    def update(self, state: RowSample, frame: pl.DataFrame) -> RowSample:
        """Add the rows of a shard."""
        return add_rows(state, pick(frame, self.columns))

    def merge(self, first: RowSample, second: RowSample) -> RowSample:
        """Return the rows of both."""
        return merge_rows(first, second)

    def finish(self, state: RowSample) -> dict[str, dict[str, Any]]:
        """Return the information of each column with the label."""
        frame = state.frame.filter(unnamed(state.frame[self.label]).is_not_null())
        names = [name for name in self.columns if name != self.label]
        return {name: self._column(pick(frame, (name, self.label))) for name in names}

    def dump(self, state: RowSample) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, *pack_rows(state))

    def load(self, data: bytes) -> RowSample:
        """Return the state that `dump` wrote."""
        return unpack_rows(*unpack(_VERSION, data, self.name), self._schema())

    def _schema(self) -> dict[str, pl.DataType]:
        return {name: _TYPES[kind] for name, kind in self.kinds.items()}

    def _column(self, frame: pl.DataFrame) -> dict[str, Any]:
        name, label = frame.columns
        frame = frame.drop_nulls()
        by_neighbours = self.options.estimator == "neighbours"
        if by_neighbours:
            frame = _finite(frame)
            frame = frame.gather_every(max(1, -(-frame.height // MOST_NEIGHBOURS_ROWS)))
        parts = self._parts(frame)
        found: dict[str, Any] = self._estimate(frame, name, label)
        found["rows"] = frame.height
        if parts:
            key = "mutual_information" if by_neighbours else "adjusted"
            every = [self._estimate(part, name, label)[key] for part in parts]
            found["partitions"] = _spread([one for one in every if one is not None])
        return found

    def _parts(self, frame: pl.DataFrame) -> list[pl.DataFrame]:
        count = self.options.partitions
        order = np.random.default_rng(self.options.seed).permutation(frame.height)
        return [frame[np.sort(order[i::count])] for i in range(count)]

    def _estimate(self, frame: pl.DataFrame, name: str, label: str) -> dict[str, float | None]:
        kinds = self.kinds[name], self.kinds[label]
        if self.options.estimator == "categories":
            if not frame.height:
                return {"mutual_information": None, "adjusted": None}
            one = categories(unnamed(frame[name]), kinds[0]).to_numpy()
            two = categories(unnamed(frame[label]), kinds[1]).to_numpy()
            table = contingency(one, two)
            bits = mutual_information(table) / log(2)
            return {"mutual_information": bits, "adjusted": adjusted_share(table, by="mean")}
        nats = self._neighbours(unnamed(frame[name]), unnamed(frame[label]), *kinds)
        return {"mutual_information": None if nats is None else nats / log(2)}

    def _neighbours(self, one: pl.Series, two: pl.Series, kind: str, other: str) -> float | None:
        k, noise = self.options.neighbours, np.random.default_rng(self.options.seed)
        if len(one) <= k:
            return None
        if kind not in NUMBERS and other not in NUMBERS:
            table = contingency(categories(one, kind).to_numpy(), categories(two, other).to_numpy())
            return mutual_information(table)
        if kind in NUMBERS and other in NUMBERS:
            return kraskov(_blurred(one, noise), _blurred(two, noise), k)
        numbers, texts = (one, two) if kind in NUMBERS else (two, one)
        codes = categories(texts, other if kind in NUMBERS else kind).to_numpy()
        return ross(_blurred(numbers, noise), codes, k)


def kraskov(first: Floats, second: Floats, neighbours: int = 3) -> float:
    """Return the mutual information of two arrays of numbers in nats, at least 0.

    Parameters
    ----------
    first, second : ndarray of float64, shape (n,)
        Finite, and no two values equal; n more than ``neighbours``.
    neighbours : int
        k. More: less variance, more bias.
    """
    both = np.stack([first, second], axis=1)
    radius = KDTree(both).query(both, k=neighbours + 1, p=np.inf)[0][:, -1]
    # The neighbours strictly nearer than the k-th.
    radius = np.nextafter(radius, 0)
    near = digamma(_within(first, radius)) + digamma(_within(second, radius))
    found = digamma(len(first)) + digamma(neighbours) - np.mean(near)
    return max(0.0, float(found))


def ross(numbers: Floats, codes: Codes, neighbours: int = 3) -> float | None:
    """Return the mutual information of numbers with categories in nats, at least 0.

    Categories with a single row say nothing and are left out; None if all are such.
    """
    counts = np.bincount(codes)[codes]
    some = counts > 1
    numbers, codes, counts = numbers[some], codes[some], counts[some]
    if not len(numbers):
        return None
    radius, k_of = np.zeros(len(numbers)), np.zeros(len(numbers))
    for code in np.unique(codes):
        here = codes == code
        values = numbers[here, None]
        k = min(neighbours, len(values) - 1)
        radius[here] = np.nextafter(KDTree(values).query(values, k=k + 1)[0][:, -1], 0)
        k_of[here] = k
    near = digamma(_within(numbers, radius))
    found = (
        digamma(len(numbers))
        + np.mean(digamma(k_of))
        - np.mean(digamma(counts.astype(np.float64)))
        - np.mean(near)
    )
    return max(0.0, float(found))


def _within(values: Floats, radius: Floats) -> Floats:
    """Return how many values are at most ``radius`` away from each, itself included."""
    order = np.sort(values)
    last = len(order) - 1
    high = np.searchsorted(order, values + radius, side="right")
    low = np.searchsorted(order, values - radius, side="left")
    # The sums above are rounded, and the k-th neighbour lies just outside: compare distances.
    for _ in range(2):
        high -= order[np.maximum(high - 1, 0)] - values > radius
        low += values - order[np.minimum(low, last)] > radius
    high += (high <= last) & (order[np.minimum(high, last)] - values <= radius)
    low -= (low > 0) & (values - order[np.maximum(low - 1, 0)] <= radius)
    return (high - low).astype(np.float64)


def _blurred(column: pl.Series, noise: np.random.Generator) -> Floats:
    """Return numbers by their standard deviation, with noise that makes no two equal."""
    values = column.cast(pl.Float64).to_numpy().copy()
    spread = float(values.std())
    values = (values - values.mean()) / (spread or 1.0)
    scale = NOISE * max(1.0, float(np.mean(np.abs(values))))
    return np.asarray(values + scale * noise.standard_normal(len(values)), np.float64)


def _finite(frame: pl.DataFrame) -> pl.DataFrame:
    floats = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    return (
        frame.filter(pl.all_horizontal(named(name).is_finite() for name in floats))
        if floats
        else frame
    )


def _spread(values: list[float]) -> dict[str, float | int] | None:
    if not values:
        return None
    some = np.array(values)
    return {
        "min": float(some.min()),
        "max": float(some.max()),
        "mean": float(some.mean()),
        "median": float(np.median(some)),
        "std": float(some.std()),
        "number": len(some),
    }


def label_information(
    frame: pl.DataFrame,
    label: str,
    options: InformationOptions = _DEFAULTS,
) -> dict[str, dict[str, Any]]:
    """Return the mutual information of the columns of a frame with ``label``; see the class.

    Columns of other types than int, float, string and bool are left out.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": ["a", "b"] * 50, "y": [0, 1] * 50})
    >>> label_information(frame, "y")["x"]["adjusted"]
    1.0
    """
    names = {dtype: name for name, dtype in _TYPES.items()}
    kinds = {name: names[dtype] for name, dtype in frame.schema.items() if dtype in names}
    one = LabelInformation(kinds, label, options)
    return one.finish(one.update(one.init(), frame))
