"""Reads the signatures out of a serialized MetaGraphDef, without TensorFlow or protobuf.

A message is a sequence of (key, value) pairs; ``key = number << 3 | wire type``, in which the wire
type 0 is a varint, 1 is 8 bytes, 2 is a length and that many bytes, 5 is 4 bytes
(https://protobuf.dev/programming-guides/encoding). Only the fields that a signature needs are
looked at; the graph, which is nearly all of the file, is stepped over.
"""

from __future__ import annotations

from collections.abc import Iterator

from dure.serve.runner import DTYPES, Signature, TensorInfo

# Field numbers of tensorflow/core/protobuf/meta_graph.proto and framework/tensor_shape.proto.
_SIGNATURE_DEF, _OBJECT_GRAPH_DEF = 5, 7
_KEY, _VALUE = 1, 2
_INPUTS, _OUTPUTS, _METHOD_NAME = 1, 2, 3
_NAME, _DTYPE, _TENSOR_SHAPE = 1, 2, 3
_DIM, _UNKNOWN_RANK, _SIZE = 2, 3, 1


class ProtobufError(ValueError):
    """The bytes are not the message that they should be."""


def signatures(meta_graph: bytes) -> dict[str, Signature]:
    """Return the signatures of a model by name, in the order of the names.

    Parameters
    ----------
    meta_graph : bytes
        A serialized ``tensorflow.MetaGraphDef``.

    Raises
    ------
    ProtobufError
        The bytes are cut off or are something else.
    """
    found = {}
    for number, value in _fields(meta_graph):
        if number == _SIGNATURE_DEF:
            name, body = _entry(value)
            found[name] = _signature(body)
    return dict(sorted(found.items()))


def has_objects(meta_graph: bytes) -> bool:
    """Return whether the model was saved by TensorFlow 2, which always writes variables."""
    return any(number == _OBJECT_GRAPH_DEF for number, _ in _fields(meta_graph))


def _signature(message: bytes) -> Signature:
    inputs: dict[str, TensorInfo] = {}
    outputs: dict[str, TensorInfo] = {}
    method = ""
    for number, value in _fields(message):
        if number in (_INPUTS, _OUTPUTS):
            name, body = _entry(value)
            (inputs if number == _INPUTS else outputs)[name] = _tensor_info(body)
        elif number == _METHOD_NAME:
            method = _text(value)
    return Signature(dict(sorted(inputs.items())), dict(sorted(outputs.items())), method)


def _tensor_info(message: bytes) -> TensorInfo:
    tensor, dtype, shape, has_shape = "", 0, None, False
    for number, value in _fields(message):
        if number == _NAME:
            tensor = _text(value)
        elif number == _DTYPE:
            dtype = _number(value)
        elif number == _TENSOR_SHAPE:
            shape, has_shape = _shape(value), True
    return TensorInfo(tensor, DTYPES.get(dtype, f"type {dtype}"), shape, has_shape)


def _shape(message: bytes | int) -> tuple[int, ...] | None:
    sizes = []
    for number, value in _fields(_bytes(message)):
        if number == _DIM:
            size = dict(_fields(_bytes(value))).get(_SIZE, 0)
            # int64 is written as a varint of its two's complement.
            sizes.append(_number(size) - (1 << 64) * (_number(size) >> 63))
        elif number == _UNKNOWN_RANK and value:
            return None
    return tuple(sizes)


def _entry(value: bytes | int) -> tuple[str, bytes]:
    parts = dict(_fields(_bytes(value)))
    return _text(parts.get(_KEY, b"")), _bytes(parts.get(_VALUE, b""))


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a number where a message should be")
    return value


def _number(value: bytes | int) -> int:
    if not isinstance(value, int):
        raise ProtobufError("bytes where a number should be")
    return value


def _text(value: bytes | int) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    view, position = memoryview(message), 0
    while position < len(view):
        key, position = _varint(view, position)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _varint(view, position)
            yield number, value
            continue
        if wire == 2:
            length, position = _varint(view, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ProtobufError(f"wire type {wire}")
        if position + length > len(view):
            raise ProtobufError("cut off")
        yield number, bytes(view[position : position + length])
        position += length


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            raise ProtobufError("cut off")
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ProtobufError("a number of more than ten bytes")
