"""RELEASE: put a model where a server picks it up, as a new version, whole or not at all.

`push` copies a SavedModel into a new numbered folder; `PushedModel` says which one it became.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dure.push.pushed import PushedModel
    from dure.push.release import push

__all__ = ["PushedModel", "push"]

_HOME = {"PushedModel": "pushed", "push": "release"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
