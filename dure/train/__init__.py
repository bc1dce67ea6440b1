"""FIT: one Keras fit on transformed rows, and the model that serves raw ones.

Importing this package loads neither Keras nor TensorFlow, Polars or NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.train.model import Model

if TYPE_CHECKING:
    from dure.train.trainer import train

__all__ = ["Model", "train"]


def __getattr__(name: str) -> object:
    if name == "train":
        from dure.train.trainer import train

        return train
    raise AttributeError(f"module 'dure.train' has no attribute '{name}'")
