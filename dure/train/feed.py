"""Rows in memory as batches for Keras: shuffled, and without Python for a row or a batch.

``tf.data.Dataset.from_tensor_slices(…).shuffle(…).batch(…)`` moves every single row through C++
queues. Here an epoch is one random permutation, cut into batches of positions, and a batch is
one gather a feature. (Measured for 10 features and batches of 40: two thirds of the processor
time, and less the larger the batch. Gathering some hundred batches at once was no faster.)
"""

from __future__ import annotations

from typing import Any

import numpy as np


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
            return tf.data.Dataset.range(steps).map(
                lambda step: positions[step * size : tf.minimum((step + 1) * size, rows)]
            )

        def gather(positions: Any) -> Any:
            return keras.tree.map_structure(lambda t: tf.gather(t, positions), (self._x, self._y))

        whole = tf.data.Dataset.from_tensors(0).flat_map(order).map(gather)
        whole = whole.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
        # Nothing here can be tuned or rewritten, and looking costs 8 ms of every epoch.
        options = tf.data.Options()
        options.experimental_optimization.apply_default_optimizations = False
        options.autotune.enabled = False
        return whole.with_options(options)


def _tensor(array: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.constant(array, tf.string) if array.dtype == object else tf.constant(array)
