"""The one place where Keras and TensorFlow are imported for the first time: on their backend, without noise."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from dure import quiet
from dure.errors import DureError, MissingExtraError, TransformError


def load_keras(purpose: str, *, error: type[DureError] = TransformError) -> Any:
    """Import Keras on its TensorFlow backend, and return the module.

    Parameters
    ----------
    purpose : str
        What it is needed for, for the message when it is not installed: ``"Transform"``.
    error : type of DureError
        What to raise where Keras runs on another backend.

    Raises
    ------
    MissingExtraError
        If keras or tensorflow is not installed.
    DureError
        If the environment, or a ``keras`` that is loaded already, names another backend.
    """
    chosen = os.environ.get("KERAS_BACKEND", "tensorflow")
    if chosen != "tensorflow":
        raise _other_backend(purpose, chosen, error)
    if "keras" not in sys.modules or "tensorflow" not in sys.modules:
        _start(purpose)
    keras: Any = sys.modules["keras"]
    if keras.backend.backend() != "tensorflow":
        raise _other_backend(purpose, keras.backend.backend(), error)
    return keras


def _start(purpose: str) -> None:
    for package in ("tensorflow", "keras"):
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra="tensorflow", purpose=purpose)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with quiet.start():
        importlib.import_module("tensorflow")
        importlib.import_module("keras")


def load_tensorflow(purpose: str, *, error: type[DureError] = TransformError) -> ModuleType:
    """Import TensorFlow after the same rules as `load_keras`, and return the module."""
    load_keras(purpose, error=error)
    return sys.modules["tensorflow"]


@contextlib.contextmanager
def known_warnings() -> Iterator[None]:
    """Let pass what Keras and TensorFlow themselves do in an old way when they save a model."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array__ implementation doesn't", DeprecationWarning)
        yield


def _other_backend(purpose: str, backend: str, error: type[DureError]) -> DureError:
    return error(
        f"{purpose} runs on Keras's TensorFlow backend",
        expected="KERAS_BACKEND=tensorflow, or KERAS_BACKEND not set",
        got=f"KERAS_BACKEND={backend}",
        fix="set the environment variable KERAS_BACKEND=tensorflow before Keras is imported",
    )
