"""A Keras graph over raw rows, in batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dure.errors import TransformError
from dure.progress import Progress, silent
from dure.transform._keras import load_tensorflow
from dure.transform.columns import RawColumn, convert

if TYPE_CHECKING:
    import polars as pl

BATCH = 8192


def run(
    model: Any,
    frame: pl.DataFrame,
    columns: Mapping[str, RawColumn],
    *,
    done: int = 0,
    total: int | None = None,
    progress: Progress = silent,
) -> dict[str, np.ndarray]:
    """Return what ``model`` makes of the rows of ``frame``.

    Parameters
    ----------
    model : keras.Model
        Takes a dict of raw columns by served name, each of shape ``(rows,)``; returns a dict of tensors.
    frame : polars.DataFrame
        Raw rows, any number.
    columns : mapping of str to RawColumn
        The columns that the model takes.
    done, total : int
        Rows before these, and in all, for ``progress``.

    Returns
    -------
    dict of str to numpy.ndarray
        One array of shape ``(rows, …)`` an output; strings as objects of type str.

    Raises
    ------
    TransformError
        If an output has another number of rows than came in.
    """
    function = traced_function(model, columns)
    rows = frame.height
    out: dict[str, np.ndarray] = {}
    for start in range(0, max(rows, 1), BATCH):
        batch = frame.slice(start, BATCH)
        for name, array in _call(function, batch, columns).items():
            _check_rows(name, array, batch.height)
            if name not in out:
                out[name] = np.empty((rows, *array.shape[1:]), array.dtype)
            out[name][start : start + batch.height] = array
        progress(done + start + batch.height, total or rows)
    return {name: _texts(array) for name, array in out.items()}


def traced_function(model: Any, columns: Mapping[str, RawColumn]) -> Any:
    """Return ``model`` as one TensorFlow function that is traced once, for any number of rows."""
    tf: Any = load_tensorflow("Transform")
    signature = {
        column.served_name: tf.TensorSpec(
            [None], tf.as_dtype(column.dtype), name=column.served_name
        )
        for column in columns.values()
    }
    return tf.function(model, input_signature=[signature], autograph=False)


def check_rows_apart(
    model: Any, frame: pl.DataFrame, columns: Mapping[str, RawColumn], *, rows: int = 32
) -> None:
    """Raise where a row's features hang on the rows beside it, or on chance.

    Such a graph gives one answer in training and another in a request of one row. The first
    rows are run as one batch and in two parts; the parts must be the same.

    Raises
    ------
    TransformError
        If they are not.
    """
    head = frame.head(rows)
    if head.height < 2:
        return
    function = traced_function(model, columns)
    whole = _call(function, head, columns)
    for name, array in whole.items():
        _check_rows(name, array, head.height)
    for start, stop in ((0, 1), (1, head.height)):
        part = _call(function, head.slice(start, stop - start), columns)
        for name, array in part.items():
            if not _same(array, whole[name][start:stop]):
                raise TransformError(
                    f"feature '{name}' of a row depends on the other rows in its batch, or on "
                    "chance",
                    expected="the same features for a row alone and among others",
                    fix="use an analyzer such as scale_to_z_score for what is learned over all "
                    "rows, and keep random layers in the model",
                )


def _call(
    function: Any, frame: pl.DataFrame, columns: Mapping[str, RawColumn]
) -> dict[str, np.ndarray]:
    tf: Any = load_tensorflow("Transform")
    feeds = convert(frame, columns)
    try:
        return {name: tensor.numpy() for name, tensor in function(feeds).items()}
    except tf.errors.OpError as error:
        raise TransformError(
            "the graph of preprocess failed on the data",
            expected=f"an answer for {frame.height} rows",
            got=str(error.message).split("\n")[0][:300],
            fix="look for a reshape, split or lookup in preprocess that does not fit each row",
        ) from error


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f":
        # Vectorised kernels round differently in a batch's tail: a few units in the last place.
        return bool(np.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True))
    return bool(np.array_equal(one, other))


def _check_rows(name: str, array: np.ndarray, rows: int) -> None:
    if array.ndim == 0 or array.shape[0] != rows:
        raise TransformError(
            f"feature '{name}' changes the number of rows",
            expected=f"{rows} rows out for {rows} rows in",
            got=f"{array.shape[0] if array.ndim else 1} rows",
            fix="reshape within a row only: keras.ops.reshape(t, (-1, k)) with k values a row",
        )


def _texts(array: np.ndarray) -> np.ndarray:
    if array.dtype != object:
        return array
    texts = [value.decode("utf-8", errors="replace") for value in array.reshape(-1)]
    decoded = np.empty(len(texts), object)
    decoded[:] = texts
    return decoded.reshape(array.shape)
