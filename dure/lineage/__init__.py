"""THE MEMORY: what made what, in ML Metadata's model, on SQLite or PostgreSQL.

An *execution* of a step reads and writes *artifacts*; an *event* says which, and in what role;
a *context* (a run, a pipeline) holds executions and artifacts together. `Recorder` writes it
down without ever stopping a run; `Lineage` answers which data, code and settings made a model,
and what they touched.

Examples
--------
>>> from dure.lineage import ArtifactRecord
>>> ArtifactRecord("Model", "9f2c", "store/9f2c", created=0.0).uid
'Model:9f2c'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.lineage.records import (
    ArtifactRecord,
    Change,
    ChangeError,
    ContextRecord,
    EventRecord,
    ExecutionRecord,
)

if TYPE_CHECKING:
    from dure.lineage.graph import Edge
    from dure.lineage.recorder import Recorder
    from dure.lineage.store import Lineage

__all__ = [
    "ArtifactRecord",
    "Change",
    "ChangeError",
    "ContextRecord",
    "Edge",
    "EventRecord",
    "ExecutionRecord",
    "Lineage",
    "Recorder",
]

# SQLAlchemy takes a quarter of a second to import: only what needs it may load it.
_LATER = {"Edge": "graph", "Lineage": "store", "Recorder": "recorder"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
