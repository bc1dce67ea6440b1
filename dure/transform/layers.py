"""The analyzers as Keras layers. Importing this module imports Keras.

Each layer can be called on symbolic columns before it has any state: it says what comes out
(`compute_output_spec`) without running. `learn` then takes the column's values and sets the
state, and from there on the layer is an ordinary one that is saved in ``.keras`` files and
exported in SavedModels.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from keras import ops

from dure.errors import TransformError
from dure.transform import analysis

_PACKAGE = "dure"


class Analyzer(keras.layers.Layer):  # type: ignore[misc] # Keras ships no types
    """A layer whose state comes from a full pass over the values that reach it.

    Parameters
    ----------
    function : str
        The name of the function that users call, for messages.
    name : str, optional
        The layer's name.
    """

    function = "analyzer"

    def __init__(self, *, name: str | None = None, dtype: Any = None) -> None:
        # A global mixed-precision policy must not reach the data: float32 whatever comes.
        del dtype
        super().__init__(name=name, trainable=False, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again, without its state."""
        return {"name": self.name}

    @property
    def size(self) -> int | None:
        """How many ids come out, or None where numbers come out."""
        return None

    @property
    def terms(self) -> tuple[str, ...] | None:
        """The string of each id, or None where ids stand for no strings."""
        return None

    def learn(self, values: pl.Series, of: str) -> None:
        """Set the state from ``values``, with null for missing; ``of`` names them in messages."""
        raise NotImplementedError

    def summary(self) -> dict[str, Any]:
        """Return the state as JSON-ready values, short enough to read."""
        raise NotImplementedError

    def _nothing(self, values: pl.Series, of: str) -> TransformError:
        return TransformError(
            f"{self.function} of {of}: there is nothing to learn from",
            expected="at least one value that is not missing",
            got=f"{len(values):,} rows, all missing",
            fix=f"leave {of} out of preprocess, or give data that has it",
        )


class _Scaler(Analyzer):
    """Numbers in, float32 out, by two numbers that are learned."""

    names = ("first", "second")

    def build(self, input_shape: Any) -> None:
        """Make room for the two numbers."""
        del input_shape
        self.first, self.second = (
            self.add_weight(shape=(), dtype="float32", trainable=False, name=name)
            for name in self.names
        )
        self.built = True

    def compute_output_spec(self, values: Any) -> Any:
        """Return the spec: the shape that came in, as float32."""
        return keras.KerasTensor(values.shape, dtype="float32")

    def _moments(self, values: pl.Series, of: str) -> analysis.Moments:
        found = analysis.moments(values)
        if found is None:
            raise self._nothing(values, of)
        if math.isinf(found.min) or math.isinf(found.max):
            raise TransformError(
                f"{self.function} of {of}: a value is infinite, so there is no scale",
                expected="finite values, or missing ones",
                got=f"values from {found.min} to {found.max}",
                fix="replace the infinite values in the data, or use bucketize",
            )
        return found

    def summary(self) -> dict[str, Any]:
        """Return the two numbers."""
        return {
            self.names[0]: float(self.first.numpy()),
            self.names[1]: float(self.second.numpy()),
        }


@keras.saving.register_keras_serializable(package=_PACKAGE)
class ZScore(_Scaler):
    """``(v - mean) / std``; 0 for a missing value, and everywhere when std is 0."""

    function = "scale_to_z_score"
    names = ("mean", "std")

    def learn(self, values: pl.Series, of: str) -> None:
        """Learn mean and population standard deviation."""
        found = self._moments(values, of)
        self.first.assign(np.float32(found.mean))
        self.second.assign(np.float32(found.std))

    def call(self, values: Any) -> Any:
        """Return the scores, float32, of the shape that came in."""
        values = ops.cast(values, "float32")
        flat = ops.equal(self.second, 0.0)
        scores = (values - self.first) / ops.where(flat, 1.0, self.second)
        return ops.where(ops.logical_or(flat, ops.isnan(values)), 0.0, scores)


@keras.saving.register_keras_serializable(package=_PACKAGE)
class UnitRange(_Scaler):
    """``(v - min) / (max - min)``; 0.5 for a missing value, and everywhere when min is max."""

    function = "scale_to_0_1"
    names = ("min", "max")

    def learn(self, values: pl.Series, of: str) -> None:
        """Learn the smallest and the largest value."""
        found = self._moments(values, of)
        self.first.assign(np.float32(found.min))
        self.second.assign(np.float32(found.max))

    def call(self, values: Any) -> Any:
        """Return the scaled values, float32, of the shape that came in."""
        values = ops.cast(values, "float32")
        width = self.second - self.first
        flat = ops.equal(width, 0.0)
        scaled = (values - self.first) / ops.where(flat, 1.0, width)
        return ops.where(ops.logical_or(flat, ops.isnan(values)), 0.5, scaled)


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Bucketize(Analyzer):
    """The number of boundaries at or below a value; ``num_buckets`` for a missing one."""

    function = "bucketize"

    def __init__(self, num_buckets: int, *, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_buckets = num_buckets

    @property
    def size(self) -> int:
        """One id a bucket, and one for missing values."""
        return self.num_buckets + 1

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "num_buckets": self.num_buckets}

    def build(self, input_shape: Any) -> None:
        """Make room for the boundaries."""
        del input_shape
        self.boundaries = self.add_weight(
            shape=(self.num_buckets - 1,), dtype="float32", trainable=False, name="boundaries"
        )
        self.built = True

    def compute_output_spec(self, values: Any) -> Any:
        """Return the spec: the shape that came in, as int64."""
        return keras.KerasTensor(values.shape, dtype="int64")

    def learn(self, values: pl.Series, of: str) -> None:
        """Learn the inner quantiles."""
        found = analysis.boundaries(values, self.num_buckets)
        if found is None:
            raise self._nothing(values, of)
        self.boundaries.assign(found.astype(np.float32))

    def call(self, values: Any) -> Any:
        """Return ids, int64, in ``[0, num_buckets]``, of the shape that came in."""
        values = ops.cast(values, "float32")
        missing = ops.isnan(values)
        flat = ops.reshape(ops.where(missing, 0.0, values), (-1,))
        ids = ops.searchsorted(self.boundaries, flat, side="right")
        ids = ops.reshape(ops.cast(ids, "int64"), ops.shape(values))
        return ops.where(missing, ops.cast(self.num_buckets, "int64"), ids)

    def summary(self) -> dict[str, Any]:
        """Return the boundaries."""
        return {"boundaries": [float(value) for value in self.boundaries.numpy()]}


@keras.saving.register_keras_serializable(package=_PACKAGE)
class Vocabulary(Analyzer):
    """The rank of a string in the vocabulary; see `dure.transform.compute_and_apply_vocabulary`."""

    function = "compute_and_apply_vocabulary"

    def __init__(
        self,
        *,
        top_k: int | None = None,
        num_oov_buckets: int = 0,
        frequency_threshold: int = 1,
        default_value: int = -1,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.top_k = top_k
        self.num_oov_buckets = num_oov_buckets
        self.frequency_threshold = frequency_threshold
        self.default_value = default_value
        self.vocabulary: list[str] = []
        self.table: Any = None

    @property
    def size(self) -> int:
        """One id a term and one an OOV bucket; or up to ``default_value``, if that is larger."""
        known = len(self.vocabulary)
        if self.num_oov_buckets:
            return known + self.num_oov_buckets
        return max(known, self.default_value + 1)

    @property
    def terms(self) -> tuple[str, ...]:
        """The vocabulary in the order of its ids."""
        return tuple(self.vocabulary)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "top_k": self.top_k,
            "num_oov_buckets": self.num_oov_buckets,
            "frequency_threshold": self.frequency_threshold,
            "default_value": self.default_value,
        }

    def compute_output_spec(self, values: Any) -> Any:
        """Return the spec: the shape that came in, as int64."""
        return keras.KerasTensor(values.shape, dtype="int64")

    def learn(self, values: pl.Series, of: str) -> None:
        """Learn the distinct strings by how often they occur."""
        texts = values if values.dtype == pl.String else values.cast(pl.String)
        terms, counts = analysis.vocabulary(
            texts, top_k=self.top_k, frequency_threshold=self.frequency_threshold
        )
        if not terms:
            if texts.null_count() == len(texts):
                raise self._nothing(values, of)
            raise TransformError(
                f"{self.function} of {of}: the vocabulary is empty",
                expected=f"a value that occurs at least {self.frequency_threshold} times",
                got="none",
                fix="lower frequency_threshold",
            )
        self._fill(terms)
        self.counts = counts

    def _fill(self, terms: list[str]) -> None:
        self.vocabulary = list(terms)
        with tf.init_scope():
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(
                    tf.constant(self.vocabulary, tf.string),
                    tf.range(len(self.vocabulary), dtype=tf.int64),
                ),
                default_value=-1 if self.num_oov_buckets else self.default_value,
            )

    def call(self, values: Any) -> Any:
        """Return ids, int64, of the shape that came in."""
        if values.dtype != tf.string:
            values = tf.strings.as_string(values)
        ids = self.table.lookup(values)
        if not self.num_oov_buckets:
            return ids
        # The hash that tf.Transform and Keras's StringLookup take for their OOV buckets.
        bucket = tf.strings.to_hash_bucket_fast(values, self.num_oov_buckets)
        return tf.where(ids < 0, bucket + len(self.vocabulary), ids)

    def save_assets(self, directory: str) -> None:
        """Write the vocabulary as JSON: a text file of lines could hold no line breaks."""
        text = json.dumps(self.vocabulary, ensure_ascii=False, indent=2)
        (Path(directory) / "vocabulary.json").write_text(text + "\n", encoding="utf-8")

    def load_assets(self, directory: str) -> None:
        """Read what `save_assets` wrote."""
        text = (Path(directory) / "vocabulary.json").read_text(encoding="utf-8")
        self._fill(json.loads(text))

    def summary(self) -> dict[str, Any]:
        """Return the size and the first terms."""
        return {"terms": len(self.vocabulary), "first": self.vocabulary[:10]}
