"""Walks over the symbolic graph that preprocess built, from tensors back to raw columns.

The one place that reads Keras's private record of which operation made which tensor
(``_keras_history``, ``_inbound_nodes``): public functions for it recurse without a memory, and
take exponential time on a graph that uses a tensor twice in each of many layers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def parents(tensor: Any) -> tuple[Any, list[Any]]:
    """Return the operation that made ``tensor``, and the tensors that it made it from."""
    history = getattr(tensor, "_keras_history", None)
    if history is None:
        return None, []
    operation, node_index, _ = history
    nodes = operation._inbound_nodes if operation is not None else []  # noqa: SLF001 - see above
    if not nodes or nodes[node_index].is_input:
        return operation, []
    return operation, list(nodes[node_index].input_tensors)


def ancestors(tensors: Iterable[Any]) -> list[Any]:
    """Return ``tensors`` and all that they are made from, each once, makers before made."""
    order: list[Any] = []
    seen: set[int] = set()
    stack = [(tensor, False) for tensor in reversed(list(tensors))]
    while stack:
        tensor, done = stack.pop()
        if done:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            stack.append((tensor, True))
            stack.extend((parent, False) for parent in reversed(parents(tensor)[1]))
    return order


def sources(tensor: Any) -> list[Any]:
    """Return the input tensors that ``tensor`` is made from, in the order in which it uses them."""
    return [found for found in ancestors([tensor]) if is_input(found)]


def is_input(tensor: Any) -> bool:
    """Return whether ``tensor`` is a ``keras.Input``."""
    operation, above = parents(tensor)
    return operation is not None and not above and type(operation).__name__ == "InputLayer"


def phrase(tensor: Any) -> str:
    """Return how to call ``tensor`` in a message: by the raw columns that it comes from."""
    names = [getattr(found, "dure_column", found.name) for found in sources(tensor)]
    if not names:
        return "a tensor that comes from no column"
    listing = ", ".join(f"'{name}'" for name in names[:4]) + (", …" if len(names) > 4 else "")
    direct = getattr(tensor, "dure_column", None) is not None
    return f"column {listing}" if direct else f"a tensor computed from {listing}"
