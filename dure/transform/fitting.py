"""Fit: call preprocess, run the full passes, transform the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dure.errors import TransformError, nearest
from dure.progress import Progress, silent
from dure.transform._keras import load_keras
from dure.transform.columns import RawColumn, raw_columns
from dure.transform.features import Feature, Features
from dure.transform.graph import TransformGraph
from dure.transform.trace import Preprocess, Trace, trace
from dure.transform.walk import parents

if TYPE_CHECKING:
    import polars as pl

    from dure.data import Examples
    from dure.schema import Schema


def fit(
    examples: Examples,
    schema: Schema,
    preprocess: Preprocess,
    *,
    split: str = "train",
    materialize: bool = True,
    progress: Progress = silent,
) -> TransformGraph:
    """Make the graph of ``preprocess``, fill its analyzers, and transform every split.

    Parameters
    ----------
    examples : Examples
        The raw rows.
    schema : Schema
        Type and presence of each column: what decides how a column is fed (see
        `dure.transform.columns`).
    preprocess : callable
        Takes a dict of symbolic columns, each of shape ``(rows, 1)``; returns a dict of features,
        each of shape ``(rows, k)``. Called once.
    split : str
        The split that the analyzers learn from.
    materialize : bool
        Whether to transform the rows of every split, for `TransformGraph.arrays`.
    progress : Progress
        Told of passes, then of rows.

    Returns
    -------
    TransformGraph
        The filled graph.

    Raises
    ------
    TransformError
        If preprocess or an analyzer in it is wrong, or the split is not there or empty.
    DataError
        If the data does not fit the schema.
    """
    if split not in examples.splits:
        raise TransformError(
            f"the analyzers cannot learn from split '{split}', which is not there",
            expected="a split of the examples",
            got=repr(split),
            fix=nearest(split, examples.splits),
        )
    columns = {n: c for n, c in raw_columns(schema).items() if n in examples.columns}
    traced = trace(preprocess, columns)
    used = {name: columns[name] for name in traced.inputs}
    frame = examples.frame(split, list(used))
    if not frame.height:
        raise TransformError(
            f"split '{split}' has no rows to learn from",
            expected="at least one row",
            fix="give the split a larger share of the data",
        )
    from dure.transform.applying import check_rows_apart
    from dure.transform.learning import learn

    learned = learn(traced, frame, used, progress=progress)
    model = _model(traced, used)
    _check_storable(model)
    check_rows_apart(model, frame, used)
    example = {name: _first_value(frame, name) for name in used}
    return TransformGraph(
        features=_describe(traced),
        columns=used,
        needs=traced.needs,
        analyzers=learned,
        rows={name: examples.rows[name] for name in examples.splits},
        example=example,
        model=model,
        tables=_transform(model, examples, used, frame, split, progress) if materialize else None,
    )


def _model(traced: Trace, columns: dict[str, RawColumn]) -> Any:
    inputs = {column.served_name: traced.inputs[name] for name, column in columns.items()}
    try:
        return load_keras("Transform").Model(inputs, traced.outputs, name="transform")
    except ValueError as error:
        raise TransformError(
            "Keras cannot make one model of what preprocess returned",
            expected="layers with names of their own, which no column has",
            got=str(error).strip().splitlines()[0][:300],
            fix="rename the layer, or leave its name out",
        ) from error


def _transform(
    model: Any,
    examples: Examples,
    columns: dict[str, RawColumn],
    frame: pl.DataFrame,
    split: str,
    progress: Progress,
) -> dict[str, pl.DataFrame]:
    from dure.transform.applying import run
    from dure.transform.table import to_frame

    tables: dict[str, pl.DataFrame] = {}
    done, total = 0, sum(examples.rows[name] for name in examples.splits)
    for name in examples.splits:
        rows = frame if name == split else examples.frame(name, list(columns))
        arrays = run(model, rows, columns, done=done, total=total, progress=progress)
        tables[name] = to_frame(arrays)
        done += rows.height
    return tables


def _describe(traced: Trace) -> Features:
    from dure.transform.layers import Analyzer

    described = []
    for name, tensor in traced.outputs.items():
        operation, _ = parents(tensor)
        made_by = operation if isinstance(operation, Analyzer) else None
        described.append(
            Feature(
                name=name,
                dtype=tensor.dtype,
                shape=tuple(tensor.shape[1:]),
                size=made_by.size if made_by is not None else None,
                vocabulary=made_by.terms if made_by is not None else None,
            )
        )
    return Features(described)


def _check_storable(model: Any) -> None:
    """Raise where a layer of the user's could be saved but never loaded."""
    try:
        type(model).from_config(model.get_config())
    except Exception as error:
        raise TransformError(
            "preprocess uses something that cannot be stored",
            expected="Keras's own layers and operations, or layers of yours that are registered",
            got=f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}",
            fix="write a keras.layers.Layer with get_config, and put "
            "@keras.saving.register_keras_serializable() above it; a Lambda layer is never loaded",
        ) from error


def _first_value(frame: pl.DataFrame, column: str) -> Any:
    present = frame.get_column(column).drop_nulls()
    value = present[0] if len(present) else None
    return None if isinstance(value, float) and value != value else value
