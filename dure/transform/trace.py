"""The one call of the user's preprocess, on symbolic columns, and the Keras model that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dure.errors import TransformError, nearest
from dure.transform._keras import load_keras
from dure.transform.columns import RawColumn, check_served_names
from dure.transform.user_code import user_code
from dure.transform.walk import ancestors, parents, phrase, sources

Preprocess = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Trace:
    """What preprocess made of symbolic columns.

    Parameters
    ----------
    inputs : dict of str to keras.KerasTensor
        By raw column: the input of each that a feature needs, shape ``(None,)``.
    outputs : dict of str to keras.KerasTensor
        The features, shape ``(None, …)``.
    needs : dict of str to tuple of str
        The raw columns that each feature needs.
    """

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    needs: dict[str, tuple[str, ...]]


def trace(preprocess: Preprocess, columns: Mapping[str, RawColumn]) -> Trace:
    """Call ``preprocess`` once on symbolic columns, and check what it returns.

    Raises
    ------
    TransformError
        If preprocess raises, asks for a column that is not there, or returns anything but a
        dict of symbolic tensors with one row for each row that came in.
    """
    keras = load_keras("Transform")
    raw: dict[str, Any] = {}
    handed = _Columns()
    for name, column in columns.items():
        raw[name] = keras.Input(shape=(), dtype=column.dtype, name=column.served_name)
        raw[name].dure_column = name
        handed[name] = keras.ops.expand_dims(raw[name], -1)
        handed[name].dure_column = name
    outputs = _call(preprocess, handed)
    _check_outputs(outputs, keras)
    by_tensor = {id(tensor): name for name, tensor in raw.items()}
    needs = {
        name: tuple(by_tensor[id(found)] for found in sources(tensor) if id(found) in by_tensor)
        for name, tensor in outputs.items()
    }
    used = {column for needed in needs.values() for column in needed}
    check_served_names(columns[name] for name in raw if name in used)
    _name_operations(outputs)
    return Trace({n: t for n, t in raw.items() if n in used}, outputs, needs)


class _Columns(dict[str, Any]):
    """The columns that preprocess is handed: a dict that names the nearest column."""

    def __missing__(self, name: object) -> Any:
        raise TransformError(
            f"preprocess asks for column {name!r}, which is not there",
            expected="a column of the schema",
            got=repr(name),
            fix=nearest(str(name), self),
        )


def _call(preprocess: Preprocess, handed: dict[str, Any]) -> dict[str, Any]:
    name = getattr(preprocess, "__name__", "preprocess")
    with user_code(
        name,
        TransformError,
        expected="Keras layers and keras.ops on symbolic tensors",
        fix="x holds symbolic columns, not data: use keras.ops in place of numpy or tf",
    ):
        returned = preprocess(handed)
    if not isinstance(returned, Mapping):
        raise TransformError(
            f"{name} returned no dict",
            expected="a dict of feature names to symbolic tensors",
            got=f"{type(returned).__name__}: {returned!r:.60}",
            fix='end it with return {"name": tensor, …}',
        )
    if not returned:
        raise TransformError(
            f"{name} returned an empty dict",
            expected="at least one feature",
            fix='end it with return {"name": tensor, …}',
        )
    return dict(returned)


def _check_outputs(outputs: dict[str, Any], keras: Any) -> None:
    for name, tensor in outputs.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise TransformError(
                "preprocess returned a feature name that Keras does not take",
                expected="a string without '/'",
                got=repr(name),
            )
        if not isinstance(tensor, keras.KerasTensor):
            raise TransformError(
                f"feature '{name}' is no symbolic tensor",
                expected="what Keras layers and keras.ops make of the columns",
                got=f"{type(tensor).__name__}: {tensor!r:.60}",
                fix="a constant says nothing about a row: leave it out"
                if tensor is not None
                else "the function that makes it returns None",
            )
        _check_shape(name, tensor)


def _check_shape(name: str, tensor: Any) -> None:
    shape = tuple(tensor.shape)
    found = sources(tensor)
    if not found or any(not hasattr(source, "dure_column") for source in found):
        raise TransformError(
            f"feature '{name}' does not come from the columns alone",
            expected="a tensor computed from the columns in x, and from nothing else",
            got=f"shape {shape}",
        )
    if len(shape) < 2 or shape[0] is not None:
        rank_one = shape == (None,)
        raise TransformError(
            f"feature '{name}' does not keep the rows apart ({phrase(tensor)})",
            expected="shape (rows, k): one row out for each row in",
            got=f"shape {tuple('rows' if d is None else d for d in shape)}".replace("'", ""),
            fix="keras.ops.expand_dims(feature, -1)"
            if rank_one
            else "compute along axis 1 (within a row), or use an analyzer such as "
            "scale_to_z_score for what is learned over all rows",
        )
    if None in shape[1:]:
        raise TransformError(
            f"feature '{name}' has no fixed shape",
            expected="(rows, k) with k known beforehand",
            got=str(shape),
            fix="keras.ops.reshape(feature, (-1, k))",
        )


def _name_operations(outputs: Mapping[str, Any]) -> None:
    """Give the operations names that hang on this graph alone.

    Keras counts layers over the life of a process ("dense_7"), so a second call of the same
    preprocess would be saved as other bytes.
    """
    counts: dict[str, int] = {}
    named: set[int] = set()
    for tensor in ancestors(outputs.values()):
        operation, above = parents(tensor)
        if operation is None or not above or id(operation) in named:
            continue
        named.add(id(operation))
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(operation).__name__).lower()
        base = re.sub(r"_\d+$", "", operation.name)
        if base.replace("_", "") != kind.replace("_", ""):
            continue  # the user's own name
        index = counts[kind] = counts.get(kind, -1) + 1
        operation.name = f"{kind}.{index}"  # no column is served under a name with a dot
