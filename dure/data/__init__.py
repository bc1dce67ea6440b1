"""COLLECT: read tables, split them by a stable hash, and keep them as `Examples`.

>>> from dure.data import make_examples
>>> examples = make_examples("trips.csv", splits={"train": 2, "eval": 1})  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.data.examples import Examples
    from dure.data.formats import register
    from dure.data.hashing import row_hashes
    from dure.data.leakage import Leakage, find_leakage
    from dure.data.make import make_examples
    from dure.data.parts import Part
    from dure.data.reader import read
    from dure.data.readers.tfrecord_writer import write_tfrecord
    from dure.data.spans import Spans, span_of
    from dure.data.split import assign
    from dure.data.split_by import SplitBy, by_column, by_group, by_hash, by_strata, by_time

__all__ = [
    "Examples",
    "Leakage",
    "Part",
    "Spans",
    "SplitBy",
    "assign",
    "by_column",
    "by_group",
    "by_hash",
    "by_strata",
    "by_time",
    "find_leakage",
    "make_examples",
    "read",
    "register",
    "row_hashes",
    "span_of",
    "write_tfrecord",
]

_HOME = {
    "Examples": "examples",
    "Leakage": "leakage",
    "Part": "parts",
    "Spans": "spans",
    "SplitBy": "split_by",
    "assign": "split",
    "by_column": "split_by",
    "by_group": "split_by",
    "by_hash": "split_by",
    "by_strata": "split_by",
    "by_time": "split_by",
    "find_leakage": "leakage",
    "make_examples": "make",
    "read": "reader",
    "register": "formats",
    "row_hashes": "hashing",
    "span_of": "spans",
    "write_tfrecord": "readers.tfrecord_writer",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"dure.data.{_HOME[name]}"), name)
    raise AttributeError(f"module 'dure.data' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
