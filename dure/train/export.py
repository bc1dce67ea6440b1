"""The SavedModel: raw columns in, the trained model's outputs out, in one graph."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dure.transform import TransformGraph
from dure.transform._keras import known_warnings


def arrange(model: Any, tensors: dict[str, Any]) -> Any:
    """Return ``tensors``, given by feature name, in the structure that ``model`` takes.

    Lists become tuples: tf.data would stack a list of tensors into one tensor.
    """
    import keras

    # A Sequential model that was never called has no `input`; it has one of its `inputs`.
    structure = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    arranged = keras.tree.map_structure(lambda tensor: tensors[tensor.name], structure)
    return keras.tree.lists_to_tuples(arranged)


def feature_names(model: Any) -> list[str]:
    """Return the features that ``model`` takes, in its order."""
    return [tensor.name for tensor in model.inputs]


def named_outputs(result: Any) -> dict[str, Any]:
    """Return the model's outputs by name: its own keys, or ``output_0`` as Keras names one."""
    import keras

    if isinstance(result, dict):
        return result
    return {f"output_{i}": tensor for i, tensor in enumerate(keras.tree.flatten(result))}


def export(graph: TransformGraph, model: Any, directory: Path) -> dict[str, dict[str, Any]]:
    """Write a SavedModel with ``serving_default`` on raw columns.

    Only the part of the graph that the model's features need is in it: neither the label's
    columns nor those of features that the model does not use. Of the model, the variables and
    lookup tables are stored, and no optimizer.

    Parameters
    ----------
    graph : TransformGraph
        What makes the features.
    model : keras.Model
        The trained model.
    directory : pathlib.Path
        Where to write; it is made.

    Returns
    -------
    dict
        The signature: ``inputs`` and ``outputs``, each by name.
    """
    import tensorflow as tf

    names = feature_names(model)
    prepare = graph.submodel(names)
    columns = graph.raw_inputs(names)
    specs = {
        column.served_name: tf.TensorSpec(
            [None], tf.as_dtype(column.dtype), name=column.served_name
        )
        for column in columns.values()
    }

    def serve(raw: dict[str, Any]) -> dict[str, Any]:
        result = model(arrange(model, prepare(raw)), training=False)
        return {
            name: tf.identity(tensor, name=name) for name, tensor in named_outputs(result).items()
        }

    module = tf.Module()
    module.serve = tf.function(serve, input_signature=[specs], autograph=False)
    module.variables_used = [v.value for v in (*prepare.variables, *model.variables)]
    module.resources_used = [*_resources(prepare), *_resources(model)]
    with _quiet(), known_warnings():
        tf.saved_model.save(module, str(directory), signatures={"serving_default": module.serve})
    concrete = module.serve.get_concrete_function()
    return {
        "inputs": {
            column.served_name: {"column": column.name, "type": column.type, "dtype": column.dtype}
            for column in columns.values()
        },
        "outputs": {
            name: {"dtype": spec.dtype.name, "shape": [None, *spec.shape.as_list()[1:]]}
            for name, spec in concrete.structured_outputs.items()
        },
    }


def _resources(model: Any) -> list[Any]:
    """Return what the layers hold that is no variable, such as lookup tables."""
    import tensorflow as tf

    kind = tf.saved_model.experimental.TrackableResource
    layers = model._flatten_layers(include_self=False, recursive=True)  # noqa: SLF001 - no public walk reaches layers in layers
    return [value for layer in layers for value in vars(layer).values() if isinstance(value, kind)]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back "Assets written to" and remarks on names."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
