"""PREPARE: full-pass analyzers, and the one Keras graph that they fill.

A ``preprocess`` function takes symbolic columns and returns features. It becomes a Keras model
once; the analyzers in it are layers whose state comes from full passes over the data in Polars.
The same graph makes the training features and sits inside the served model.

Importing this package loads neither Keras nor TensorFlow nor Polars.
"""

from dure.transform.analyzers import (
    bucketize,
    compute_and_apply_vocabulary,
    scale_to_0_1,
    scale_to_z_score,
)
from dure.transform.columns import RawColumn
from dure.transform.features import Feature, Features
from dure.transform.fitting import fit
from dure.transform.graph import TransformGraph

__all__ = [
    "Feature",
    "Features",
    "RawColumn",
    "TransformGraph",
    "bucketize",
    "compute_and_apply_vocabulary",
    "fit",
    "scale_to_0_1",
    "scale_to_z_score",
]
