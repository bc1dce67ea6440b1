"""COLLECT: read tables, split them by a stable hash, and keep them as `Examples`.

>>> from dure.data import make_examples
>>> examples = make_examples("trips.csv", splits={"train": 2, "eval": 1})  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.data.examples import Examples
    from dure.data.make import make_examples
    from dure.data.reader import read
    from dure.data.split import assign, row_hashes

__all__ = ["Examples", "assign", "make_examples", "read", "row_hashes"]

_HOME = {
    "Examples": "examples",
    "assign": "split",
    "make_examples": "make",
    "read": "reader",
    "row_hashes": "split",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"dure.data.{_HOME[name]}"), name)
    raise AttributeError(f"module 'dure.data' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
