"""DESCRIBE: exact counts, moments, quantiles and distinct values of each column of each split.

>>> from dure.statistics import describe
>>> print(describe(examples))  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.data.slicing import SliceSpec
    from dure.statistics.aggregate import Aggregate
    from dure.statistics.compute import describe
    from dure.statistics.model import (
        QUANTILES,
        ColumnStatistics,
        Exactness,
        Histogram,
        SplitStatistics,
    )
    from dure.statistics.options import StatisticsOptions
    from dure.statistics.statistics import Statistics

_HOMES = {
    "QUANTILES": "dure.statistics.model",
    "Aggregate": "dure.statistics.aggregate",
    "ColumnStatistics": "dure.statistics.model",
    "Exactness": "dure.statistics.model",
    "Histogram": "dure.statistics.model",
    "SliceSpec": "dure.data.slicing",
    "SplitStatistics": "dure.statistics.model",
    "Statistics": "dure.statistics.statistics",
    "StatisticsOptions": "dure.statistics.options",
    "describe": "dure.statistics.compute",
}

__all__ = [
    "QUANTILES",
    "Aggregate",
    "ColumnStatistics",
    "Exactness",
    "Histogram",
    "SliceSpec",
    "SplitStatistics",
    "Statistics",
    "StatisticsOptions",
    "describe",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'dure.statistics' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
