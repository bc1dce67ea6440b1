"""FIT: one Keras fit on transformed rows, and the model that serves raw ones.

Importing this package loads neither Keras nor TensorFlow nor Polars.
"""

from dure.train.model import Model
from dure.train.trainer import train

__all__ = ["Model", "train"]
