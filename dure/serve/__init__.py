"""ANSWER: serve the highest version of a model to TensorFlow Serving's REST clients.

`serve` watches a folder of versions and answers; `load` gives one version as a `Servable`, which
answers without a network. Starting takes half a second: TensorFlow's shared library is loaded, its
Python package is not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dure.serve.runner import Servable, Signature, TensorInfo, load
    from dure.serve.server import serve
    from dure.serve.status import Code, RequestError

__all__ = ["Code", "RequestError", "Servable", "Signature", "TensorInfo", "load", "serve"]

_HOME = {
    "Code": "status",
    "RequestError": "status",
    "Servable": "runner",
    "Signature": "runner",
    "TensorInfo": "runner",
    "load": "runner",
    "serve": "server",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
