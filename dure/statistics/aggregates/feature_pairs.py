"""TFDV's statistics of sparse and weighted features: columns that only mean something together.

A *sparse feature* is a column of values with one or more columns of indices, as TensorFlow's
SparseTensor; a *weighted feature* a column of values with one of weights. Both are whole in a row
if the lists have the same length. A single value is a list of one, a null has length 0.

``min_length_diff`` and ``max_length_diff`` are, over the rows that have both, the smallest and the
largest length of the indices (weights) less that of the values; 0 and 0 where all is well.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from dure.data.naming import unnamed
from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.packing import pack, unpack

_VERSION = 1
State = dict[str, Any]


class PairedLengths(Aggregate[State]):
    """How the lengths of companion columns differ from those of a column of values.

    Parameters
    ----------
    name : str
        Of the feature.
    value : str
        The column of values.
    companions : tuple of str
        The columns of indices, or the one of weights.
    """

    place = "split"

    def __init__(self, name: str, value: str, companions: tuple[str, ...]) -> None:
        if not companions:
            raise UsageError(
                f"the feature '{name}' needs a column beside that of its values",
                expected="columns of indices, or one of weights",
            )
        self.name = name
        self.value, self.companions = value, companions
        self.columns = tuple(dict.fromkeys((value, *companions)))

    def init(self) -> State:
        """Return the state of no rows."""
        return {"missing_value": 0, "companions": [[0, None, None] for _ in self.companions]}

    def update(self, state: State, frame: pl.DataFrame) -> State:
        """Add the rows of a shard."""
        lengths = {name: _length(unnamed(frame[name])) for name in self.columns}
        value = lengths[self.value]
        some = pl.DataFrame([lengths[name].alias(name) for name in dict.fromkeys(self.companions)])
        any_companion = some.max_horizontal() > 0
        part: State = {"missing_value": int((any_companion & (value == 0)).sum())}
        part["companions"] = []
        for name in self.companions:
            missing = int(((value > 0) & (lengths[name] == 0)).sum())
            differences = (lengths[name] - value).filter((lengths[name] > 0) & (value > 0))
            part["companions"].append([missing, differences.min(), differences.max()])
        return self.merge(state, part)

    def merge(self, first: State, second: State) -> State:
        """Return the counts of both."""
        pairs = zip(first["companions"], second["companions"], strict=True)
        return {
            "missing_value": first["missing_value"] + second["missing_value"],
            "companions": [
                [
                    one[0] + two[0],
                    min((x for x in (one[1], two[1]) if x is not None), default=None),
                    max((x for x in (one[2], two[2]) if x is not None), default=None),
                ]
                for one, two in pairs
            ],
        }

    def dump(self, state: State) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> State:
        """Return the state that `dump` wrote."""
        record: State = unpack(_VERSION, data, self.name)[0]
        return record


class SparseFeature(PairedLengths):
    """A column of values with columns of indices.

    The result has ``missing_value`` (rows with an index but no value), and by the name of each
    index column ``missing_index`` (rows with a value but not that index), ``min_length_diff`` and
    ``max_length_diff``.
    """

    def finish(self, state: State) -> dict[str, Any]:
        """Return the counts by TFDV's names."""
        found: dict[str, Any] = {"missing_value": state["missing_value"]}
        for key, at in (("missing_index", 0), ("min_length_diff", 1), ("max_length_diff", 2)):
            found[key] = {
                name: one[at] or 0
                for name, one in zip(self.companions, state["companions"], strict=True)
            }
        return found


class WeightedFeature(PairedLengths):
    """A column of values with one of weights.

    The result has ``missing_value`` (rows with weights but no values), ``missing_weight`` (the
    other way round), ``min_weight_length_diff`` and ``max_weight_length_diff``.
    """

    def __init__(self, name: str, value: str, weight: str) -> None:
        super().__init__(name, value, (weight,))

    def finish(self, state: State) -> dict[str, Any]:
        """Return the counts by TFDV's names."""
        missing, low, high = state["companions"][0]
        return {
            "missing_value": state["missing_value"],
            "missing_weight": missing,
            "min_weight_length_diff": low or 0,
            "max_weight_length_diff": high or 0,
        }


def sparse_feature(frame: pl.DataFrame, value: str, indices: tuple[str, ...]) -> dict[str, Any]:
    """Return the statistics of a sparse feature of one frame; see `SparseFeature`.

    Examples
    --------
    >>> frame = pl.DataFrame({"v": [[1.0, 2.0], None], "i": [[0], [3]]})
    >>> sparse_feature(frame, "v", ("i",))["min_length_diff"]
    {'i': -1}
    """
    one = SparseFeature("sparse", value, indices)
    return one.finish(one.update(one.init(), frame))


def weighted_feature(frame: pl.DataFrame, value: str, weight: str) -> dict[str, Any]:
    """Return the statistics of a weighted feature of one frame; see `WeightedFeature`."""
    one = WeightedFeature("weighted", value, weight)
    return one.finish(one.update(one.init(), frame))


def _length(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.List):
        return column.list.len().cast(pl.Int64).fill_null(0)
    return column.is_not_null().cast(pl.Int64)
