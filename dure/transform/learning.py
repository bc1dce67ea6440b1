"""The full passes: every analyzer of a graph learns its state, those it rests on first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dure.progress import Progress, silent
from dure.transform.applying import run
from dure.transform.columns import RawColumn, normalised
from dure.transform.trace import Trace
from dure.transform.walk import ancestors, parents, phrase, sources

if TYPE_CHECKING:
    import polars as pl


def learn(
    traced: Trace,
    frame: pl.DataFrame,
    columns: Mapping[str, RawColumn],
    *,
    progress: Progress = silent,
) -> list[dict[str, Any]]:
    """Fill every analyzer that a feature rests on, and return what each learned.

    An analyzer of a raw column learns from the column itself. One of a derived tensor waits
    until the analyzers above it are filled; then the graph up to that tensor runs over the data,
    once for all that wait, and its values go through the same analysis.

    Parameters
    ----------
    traced : Trace
        The symbolic graph.
    frame : polars.DataFrame
        The raw columns of the train split.
    columns : mapping of str to RawColumn
        How each raw column is fed.

    Returns
    -------
    list of dict
        ``function``, ``of`` and ``state`` of each analyzer, in the order of the graph.
    """
    layers = _analyzers(traced)
    raw = {id(tensor): name for name, tensor in _handed(traced).items()}
    learned: list[dict[str, Any]] = []
    passes = 1 + max((level for _, _, level in layers), default=0)
    for level in range(passes):
        waiting = [(layer, tensor) for layer, tensor, at in layers if at == level]
        derived = [tensor for _, tensor in waiting if id(tensor) not in raw]
        values = _evaluate(derived, traced, frame, columns)
        for layer, tensor in waiting:
            if id(tensor) in raw:
                series = normalised(frame, columns[raw[id(tensor)]])
            else:
                series = values.pop(id(tensor))
            layer.learn(series, phrase(tensor))
            learned.append(
                {"function": layer.function, "of": phrase(tensor), "state": layer.summary()}
            )
        progress(level + 1, passes, unit="passes", note="analyzers")
    return learned


def _analyzers(traced: Trace) -> list[tuple[Any, Any, int]]:
    """Return each analyzer layer with its input and its level: 0 where no analyzer is above it."""
    from dure.transform.layers import Analyzer

    found: list[tuple[Any, Any, int]] = []
    depth: dict[int, int] = {}  # analyzers on the deepest way from a raw column to the tensor
    for tensor in ancestors(traced.outputs.values()):
        operation, above = parents(tensor)
        deepest = max((depth[id(parent)] for parent in above), default=0)
        depth[id(tensor)] = deepest
        if isinstance(operation, Analyzer):
            found.append((operation, above[0], deepest))
            depth[id(tensor)] = deepest + 1
    return found


def _handed(traced: Trace) -> dict[str, Any]:
    """Return the tensors of shape (rows, 1) that preprocess was handed, by column."""
    return {
        tensor.dure_column: tensor
        for tensor in ancestors(traced.outputs.values())
        if getattr(tensor, "dure_column", None) is not None and len(tensor.shape) == 2
    }


def _evaluate(
    tensors: list[Any], traced: Trace, frame: pl.DataFrame, columns: Mapping[str, RawColumn]
) -> dict[int, pl.Series]:
    """Return the values of symbolic tensors over the rows, each flattened to one series."""
    if not tensors:
        return {}
    import keras

    needed = {found.dure_column for tensor in tensors for found in sources(tensor)}
    feeds = {name: columns[name] for name in traced.inputs if name in needed}
    inputs = {column.served_name: traced.inputs[name] for name, column in feeds.items()}
    model = keras.Model(inputs, {str(index): tensor for index, tensor in enumerate(tensors)})
    arrays = run(model, frame, feeds)
    return {id(tensor): _series(arrays[str(index)]) for index, tensor in enumerate(tensors)}


def _series(array: np.ndarray) -> pl.Series:
    import polars as pl

    flat = array.reshape(-1)
    if flat.dtype == object:
        return pl.Series("values", flat.tolist(), dtype=pl.String).replace("", None)
    return pl.Series("values", flat)
