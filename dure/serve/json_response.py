"""From arrays to the body of a reply, laid out as TensorFlow Serving lays it out, to the byte.

In row format the lists inside an instance stay on one line; in columnar format every list is
broken into lines. Names come in alphabetical order.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dure.serve.json_text import quote, to_bytes
from dure.serve.runner import NUMPY_DTYPES
from dure.serve.status import invalid

Array = npt.NDArray[Any]

_INDENT = "    "
_NAMES = {dtype: name for name, dtype in NUMPY_DTYPES.items()}


def encode(outputs: Mapping[str, Array], form: Literal["row", "columnar"]) -> bytes:
    """Return the body of a reply to a ``:predict`` request.

    Parameters
    ----------
    outputs : mapping of str to ndarray
        What the model answered; strings as `bytes` objects.
    form : {"row", "columnar"}
        The form of the request.

    Raises
    ------
    RequestError
        The outputs do not fit the form: in row format each needs the same size along its first
        axis.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    ordered = dict(sorted(outputs.items()))
    return to_bytes(_rows(ordered) if form == "row" else _columns(ordered))


def _rows(outputs: Mapping[str, Array]) -> str:
    count = _batch_size(outputs)
    named = len(outputs) > 1
    texts = {
        # Inside an instance a value stands below the document, the list and perhaps the object.
        name: [_nest(list(row), value.shape[1:], None) for row in _split(tokens, count)]
        for name, value in outputs.items()
        for tokens in [_tokens(name, value, 2 + named + value.ndim - 1)]
    }
    if not named:
        (rows,) = texts.values()
        body = ", ".join(rows)
    else:
        lines = [f"\n{_INDENT * 3}{quote(name)}: " for name in texts]
        objects = (
            ",".join(line + value for line, value in zip(lines, values, strict=True))
            for values in zip(*texts.values(), strict=True)
        )
        body = ",".join(f"\n{_INDENT * 2}{{{members}\n{_INDENT * 2}}}" for members in objects)
    end = f"\n{_INDENT}]" if count else "]"
    return f'{{\n{_INDENT}"predictions": [{body}{end}\n}}'


def _batch_size(outputs: Mapping[str, Array]) -> int:
    size: int | None = None
    for name, value in outputs.items():
        if not value.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size is not None and len(value) != size:
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {len(value)} expecting: {size}"
            )
        size = len(value)
    return size or 0


def _split(tokens: list[str], count: int) -> list[list[str]]:
    step = len(tokens) // count if count else 0
    return [tokens[number * step : (number + 1) * step] for number in range(count)]


def _columns(outputs: Mapping[str, Array]) -> str:
    named = len(outputs) > 1
    texts = {
        name: _nest(_tokens(name, value, 1 + named + value.ndim), value.shape, 1 + named)
        for name, value in outputs.items()
    }
    if not named:
        (body,) = texts.values()
    else:
        members = ",".join(f"\n{_INDENT * 2}{quote(name)}: {text}" for name, text in texts.items())
        body = f"{{{members}\n{_INDENT}}}"
    return f'{{\n{_INDENT}"outputs": {body}\n}}'


def _nest(tokens: list[str], shape: tuple[int, ...], depth: int | None) -> str:
    """Set the lists of a tensor around its values.

    Parameters
    ----------
    tokens : list of str
        The values as JSON, in C order.
    shape : tuple of int
        The shape of the tensor; ``()`` for one value.
    depth : int or None
        How deep the outermost list stands, if lists are broken into lines; None keeps them on one.
    """
    if 0 in shape:
        # No value says how many lists there are around none of them.
        whole = np.empty(shape[: shape.index(0)], object)
        whole.fill("[]")
        return _nest(list(whole.flat), whole.shape, depth)
    for axis in reversed(range(len(shape))):
        size = shape[axis]
        if depth is None:
            comma, start, end = ", ", "[", "]"
        else:
            inner, outer = _INDENT * (depth + axis + 1), _INDENT * (depth + axis)
            comma, start, end = f",\n{inner}", f"[\n{inner}", f"\n{outer}]"
        tokens = [
            start + comma.join(tokens[first : first + size]) + end
            for first in range(0, len(tokens), size)
        ]
    return tokens[0]


def _tokens(name: str, value: Array, depth: int) -> list[str]:
    """Return each value as JSON; ``depth`` is how deep they stand."""
    dtype = _NAMES.get(value.dtype)
    flat = value.reshape(-1)
    if dtype in ("float", "double"):
        return _decimals(flat)
    if dtype == "bool":
        return ["true" if item else "false" for item in flat.tolist()]
    if dtype == "string":
        if name.endswith("_bytes"):
            return [_base64(item, depth) for item in flat]
        return [quote(item.decode("utf-8", "surrogateescape")) for item in flat]
    if dtype is None:
        raise invalid(f"Failed to write JSON value for tensor type: {value.dtype}")
    return list(map(str, flat.tolist()))


def _base64(value: bytes, depth: int) -> str:
    inner, outer = _INDENT * (depth + 1), _INDENT * depth
    return f'{{\n{inner}"b64": "{base64.b64encode(value).decode("ascii")}"\n{outer}}}'


def _decimals(flat: Array) -> list[str]:
    """Return floats as six digits where these read back the same, else as all that matter."""
    values = flat.tolist()
    short = [f"{value:.6g}" for value in values]
    with np.errstate(over="ignore"):
        back = np.array([float(text) for text in short]).astype(flat.dtype)
    digits = 9 if flat.dtype == np.float32 else 17
    exact = (back == flat).tolist()
    return [
        _decimal(text if same else f"{value:.{digits}g}")
        for text, same, value in zip(short, exact, values, strict=True)
    ]


def _decimal(text: str) -> str:
    if text in ("nan", "inf", "-inf"):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[text]
    return text if "." in text or "e" in text else text + ".0"
