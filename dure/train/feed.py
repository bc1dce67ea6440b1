"""Rows in memory as batches for Keras: shuffled, and without Python for a row or a batch.

``tf.data.Dataset.from_tensor_slices(…).shuffle(…).batch(…)`` moves every single row through C++
queues. Here an epoch is one random permutation. A chunk of it, worth some hundred batches, is
gathered at once, one gather a feature, and a batch is a slice of the chunk.
"""

from __future__ import annotations

from typing import Any

import numpy as np


_CHUNK = 256  # batches gathered at once: few enough that their copy is small beside the data


class Batches:
    """Batches of one epoch after the other.

    Parameters
    ----------
    x : structure of numpy.ndarray
        Arrays of shape ``(rows, …)``, in the structure that the model takes.
    y : numpy.ndarray
        The label, shape ``(rows, 1)``.
    batch_size : int
        Rows of a batch; the last of an epoch may be smaller.
    seed : int or None
        Seed of the permutations; None keeps the rows in order.

    Attributes
    ----------
    epoch : tf.Variable
        The number of the epoch that the next iteration over a dataset gives; int64.
    """

    def __init__(self, x: Any, y: np.ndarray, *, batch_size: int, seed: int | None) -> None:
        import keras
        import tensorflow as tf

        self._x = keras.tree.map_structure(_tensor, x)
        self._y = tf.constant(y)
        self._batch_size = batch_size
        self._seed = seed
        self.rows = len(y)
        self.steps = -(-self.rows // batch_size)
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)

    def dataset(self, steps: int | None = None) -> Any:
        """Return one epoch, or its first ``steps`` batches, as a ``tf.data.Dataset``.

        Iterating twice with the same `epoch` gives the same batches; the permutation is a
        function of seed and epoch alone.
        """
        import keras
        import tensorflow as tf

        steps = self.steps if steps is None else steps
        rows, size = self.rows, self._batch_size

        def order(_: Any) -> Any:
            positions = tf.range(rows, dtype=tf.int64)
            if self._seed is not None:
                key = tf.stack([tf.constant(self._seed, tf.int64), self.epoch])
                positions = tf.random.experimental.stateless_shuffle(positions, seed=key)
            return tf.data.Dataset.range(0, rows, size * _CHUNK).map(
                lambda start: positions[start : tf.minimum(start + size * _CHUNK, rows)]
            )

        def cut(positions: Any) -> Any:
            full = tf.shape(positions)[0] // size
            taken = keras.tree.map_structure(lambda t: tf.gather(t, positions), (self._x, self._y))
            even = keras.tree.map_structure(
                lambda t: tf.reshape(t[: full * size], [full, size, *t.shape[1:]]), taken
            )
            rest = keras.tree.map_structure(lambda t: t[full * size :], taken)
            left = tf.cast(tf.shape(positions)[0] > full * size, tf.int64)
            return tf.data.Dataset.from_tensor_slices(even).concatenate(
                tf.data.Dataset.from_tensors(rest).take(left)
            )

        whole = tf.data.Dataset.from_tensors(0).flat_map(order).flat_map(cut).take(steps)
        return whole.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


def _tensor(array: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.constant(array, tf.string) if array.dtype == object else tf.constant(array)
