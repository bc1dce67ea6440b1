"""DESCRIBE: exact counts, moments, quantiles and distinct values of each column of each split.

>>> from dure.statistics import describe
>>> print(describe(examples))  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.statistics.compute import describe
    from dure.statistics.statistics import (
        QUANTILES,
        ColumnStatistics,
        Histogram,
        SplitStatistics,
        Statistics,
    )

__all__ = [
    "QUANTILES",
    "ColumnStatistics",
    "Histogram",
    "SplitStatistics",
    "Statistics",
    "describe",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        home = "compute" if name == "describe" else "statistics"
        return getattr(importlib.import_module(f"dure.statistics.{home}"), name)
    raise AttributeError(f"module 'dure.statistics' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
