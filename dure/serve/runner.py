"""What the server asks of a model, whatever its format is.

A format is added by a class with `Servable`'s members and a line in `load`. The server knows
nothing else about models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dure.errors import ServingError

Tensors = Mapping[str, npt.NDArray[Any]]

# TensorFlow's DataType: the number in the protocol buffers -> the name in its messages.
DTYPES = {
    0: "INVALID",
    1: "float",
    2: "double",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "qint8",
    12: "quint8",
    13: "qint32",
    14: "bfloat16",
    15: "qint16",
    16: "quint16",
    17: "uint16",
    18: "complex128",
    19: "half",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
}

# The types that JSON requests and replies can carry. Strings are arrays of `bytes` objects.
NUMPY_DTYPES: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "int32": np.dtype(np.int32),
    "uint8": np.dtype(np.uint8),
    "int16": np.dtype(np.int16),
    "int8": np.dtype(np.int8),
    "string": np.dtype(object),
    "int64": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
    "uint32": np.dtype(np.uint32),
    "uint64": np.dtype(np.uint64),
}


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a signature.

    Parameters
    ----------
    tensor : str
        Its name in the graph, such as ``"serving_default_x:0"``; empty for a tensor that is not
        dense.
    dtype : str
        TensorFlow's name of its type, a value of `DTYPES`.
    shape : tuple of int or None
        Its sizes, -1 where one is open; None where the rank is open.
    has_shape : bool
        Whether the signature says anything about the shape.
    """

    tensor: str
    dtype: str
    shape: tuple[int, ...] | None = None
    has_shape: bool = True


@dataclass(frozen=True)
class Signature:
    """A function of the model, by the names that requests use.

    Parameters
    ----------
    inputs, outputs : mapping of str to TensorInfo
        By name, in the order of the names.
    method : str
        ``method_name`` of the SavedModel.
    """

    inputs: Mapping[str, TensorInfo] = field(default_factory=dict)
    outputs: Mapping[str, TensorInfo] = field(default_factory=dict)
    method: str = ""


class Servable(Protocol):
    """A model that is loaded and answers.

    `predict` may be called from many threads at once. `close` is called once, when no call of
    `predict` is under way and none will come.
    """

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """What can be asked of it, by name."""

    def predict(self, signature: str, inputs: Tensors) -> dict[str, npt.NDArray[Any]]:
        """Answer one request.

        Parameters
        ----------
        signature : str
            A key of `signatures`.
        inputs : mapping of str to ndarray
            One array for each input of the signature, of the type `NUMPY_DTYPES` says, of any
            shape. Arrays of strings hold `bytes`.

        Returns
        -------
        dict of str to ndarray
            One array for each output of the signature.

        Raises
        ------
        dure.serve.status.RequestError
            The model refuses the inputs, or fails on them.
        """

    def close(self) -> None:
        """Give the model's memory back."""


def load(directory: str | Path) -> Servable:
    """Load the model in ``directory``.

    Parameters
    ----------
    directory : str or Path
        One version: today, a SavedModel.

    Returns
    -------
    Servable
        Ready to answer. Whoever loads it closes it.

    Raises
    ------
    ServingError
        There is no model in the directory, or it cannot be loaded.
    MissingExtraError
        The model needs TensorFlow, which is not installed.
    """
    path = Path(directory)
    if any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt")):
        from dure.serve.savedmodel import SavedModel

        return SavedModel(path)
    raise ServingError(
        f"no model in {path}",
        expected="a SavedModel: a folder with saved_model.pb in it",
        got=_contents(path),
        fix="push one with dure.Pusher, or export it with model.export(folder)",
    )


def _contents(path: Path) -> str:
    if not path.is_dir():
        return "no such folder"
    names = sorted(child.name for child in path.iterdir())
    listing = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"a folder with {listing}" if names else "an empty folder"
