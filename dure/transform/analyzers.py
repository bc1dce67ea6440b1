"""The functions that a preprocess function calls on symbolic columns.

Each makes a layer, and learns nothing yet: the state comes from full passes over the train
split after preprocess has returned. A missing value is never learned from.
"""

from __future__ import annotations

from typing import Any

from dure.errors import TransformError


def scale_to_z_score(x: Any) -> Any:
    """Scale numbers to mean 0 and standard deviation 1.

    Parameters
    ----------
    x : keras.KerasTensor
        Numbers of shape ``(rows, k)``; the ``k`` share one mean.

    Returns
    -------
    keras.KerasTensor
        float32 of the same shape: ``(x - mean) / std`` with the population's standard deviation
        (ddof 0). A missing value becomes 0.0, as does every value of a constant column.

    Raises
    ------
    TransformError
        If ``x`` is no symbolic tensor of numbers; later, if all values are missing or one is
        infinite.
    """
    tensor = _numbers("scale_to_z_score", x)
    from dure.transform.layers import ZScore

    return ZScore()(tensor)


def scale_to_0_1(x: Any) -> Any:
    """Scale numbers so that the smallest in the train split is 0 and the largest 1.

    Parameters
    ----------
    x : keras.KerasTensor
        Numbers of shape ``(rows, k)``; the ``k`` share one range.

    Returns
    -------
    keras.KerasTensor
        float32 of the same shape: ``(x - min) / (max - min)``, not clipped. A missing value
        becomes 0.5, as does every value of a constant column.

    Raises
    ------
    TransformError
        As for `scale_to_z_score`.
    """
    tensor = _numbers("scale_to_0_1", x)
    from dure.transform.layers import UnitRange

    return UnitRange()(tensor)


def bucketize(x: Any, num_buckets: int) -> Any:
    """Turn numbers into the ids of equally filled buckets.

    Parameters
    ----------
    x : keras.KerasTensor
        Numbers of shape ``(rows, k)``; the ``k`` share one set of buckets.
    num_buckets : int
        How many buckets, at least 2. Their ``num_buckets - 1`` boundaries are the exact
        quantiles ``i / num_buckets`` of the train split, interpolated linearly (numpy's default).

    Returns
    -------
    keras.KerasTensor
        int64 of the same shape: how many boundaries are at or below the value, from 0 to
        ``num_buckets - 1``; ``num_buckets`` for a missing value. There are ``num_buckets + 1``
        ids in all.

    Raises
    ------
    TransformError
        If ``x`` is no symbolic tensor of numbers or ``num_buckets`` is below 2; later, if no
        value is finite.
    """
    tensor = _numbers("bucketize", x)
    _check_int("bucketize", "num_buckets", num_buckets, at_least=2)
    from dure.transform.layers import Bucketize

    return Bucketize(num_buckets)(tensor)


def compute_and_apply_vocabulary(
    x: Any,
    top_k: int | None = None,
    num_oov_buckets: int = 0,
    frequency_threshold: int = 1,
    default_value: int = -1,
) -> Any:
    """Turn strings into their ranks by frequency.

    Parameters
    ----------
    x : keras.KerasTensor
        Strings, or integers that are always there, of shape ``(rows, k)``; the ``k`` share one
        vocabulary.
    top_k : int, optional
        Keep only this many of the most frequent values.
    num_oov_buckets : int
        How many ids there are for values outside of the vocabulary; a hash chooses among them.
    frequency_threshold : int
        Keep only values that occur at least this often in the train split.
    default_value : int
        The id of every value outside of the vocabulary when ``num_oov_buckets`` is 0.

    Returns
    -------
    keras.KerasTensor
        int64 of the same shape. Ids ``0 … n - 1`` are the vocabulary's, the most frequent value
        first, equally frequent ones in reverse lexicographic order (tf.Transform's rule); then
        come the ids of the OOV buckets. A missing string is outside of the vocabulary.

    Raises
    ------
    TransformError
        If ``x`` holds floats or an argument is out of range; later, if no value is left.
    """
    name = "compute_and_apply_vocabulary"
    tensor, of = _symbolic(name, x)
    if not (tensor.dtype == "string" or "int" in tensor.dtype):
        raise TransformError(
            f"{name} takes strings, not {of}",
            expected="a string column, or an integer column without missing values",
            got=str(tensor.dtype),
            fix="use bucketize or scale_to_z_score for numbers. An integer column that may be "
            "missing arrives as float32, which cannot hold every integer: store it as strings, "
            "or give it presence 1.0 in the schema",
        )
    if top_k is not None:
        _check_int(name, "top_k", top_k, at_least=1)
    _check_int(name, "num_oov_buckets", num_oov_buckets, at_least=0)
    _check_int(name, "frequency_threshold", frequency_threshold, at_least=1)
    _check_int(name, "default_value", default_value, at_least=-1)
    from dure.transform.layers import Vocabulary

    return Vocabulary(
        top_k=top_k,
        num_oov_buckets=num_oov_buckets,
        frequency_threshold=frequency_threshold,
        default_value=default_value,
    )(tensor)


def _numbers(function: str, x: Any) -> Any:
    tensor, of = _symbolic(function, x)
    if tensor.dtype in ("string", "bool"):
        raise TransformError(
            f"{function} takes numbers, not {of}",
            expected="a float or integer tensor",
            got=str(tensor.dtype),
            fix="use compute_and_apply_vocabulary for strings"
            if tensor.dtype == "string"
            else "use keras.ops.cast(x, 'float32') first, or the tensor as it is",
        )
    return tensor


def _symbolic(function: str, x: Any) -> tuple[Any, str]:
    """Return ``x`` and a phrase that names it, or raise where it is no symbolic tensor."""
    from dure.transform._keras import load_keras

    keras = load_keras(f"dure.transform.{function}")
    if not isinstance(x, keras.KerasTensor):
        raise TransformError(
            f"{function} takes a column, or what Keras computes from columns",
            expected="a symbolic tensor, such as x['age'] inside preprocess",
            got=f"{type(x).__name__}: {x!r:.60}",
            fix="call it inside the preprocess function that Transform is given",
        )
    from dure.transform.walk import phrase

    return x, phrase(x)


def _check_int(function: str, argument: str, value: object, *, at_least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise TransformError(
            f"{function}: {argument} is out of range",
            expected=f"an integer of at least {at_least}",
            got=repr(value),
        )
