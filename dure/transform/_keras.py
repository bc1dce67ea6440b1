"""The one place where Keras and TensorFlow are imported for the first time: on their backend, without noise."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from dure.errors import DureError, MissingExtraError, TransformError

# What TensorFlow says about itself at start: remarks and warnings in absl's form, the line
# before them, a continuation, and the complaint that a machine without a GPU has no GPU.
_NOISE = re.compile(
    r"^(?:[IW]\d{4} \d\d:\d\d:\d\d"
    r"|WARNING: All log messages before absl::InitializeLog"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] "
    r"|To enable the following instructions"
    r"|E\d{4} .*(?:cuInit|Unable to register cu))"
)

# Two threads that turned the same file descriptor at once would restore it in the wrong order.
_STARTING = threading.Lock()


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
    with _STARTING:
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
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _quiet_start():
        tensorflow = importlib.import_module("tensorflow")
        importlib.import_module("keras")
        tensorflow.config.list_physical_devices()  # looks for GPUs, and says so


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


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Hold back what is written to the process's standard error, then let all but noise through.

    TF_CPP_MIN_LOG_LEVEL does not reach what is logged before absl is set up, so the file
    descriptor itself is turned for the seconds of the import.
    """
    with tempfile.TemporaryFile() as held:
        try:
            saved = os.dup(2)
        except OSError:  # no standard error at all, so there is nothing to hold back
            yield
            return
        try:
            sys.stderr.flush()
            os.dup2(held.fileno(), 2)
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not _NOISE.match(line):
                    sys.stderr.write(line)
