"""From the body of a ``:predict`` request to arrays, by TensorFlow Serving's rules.

The type of a tensor comes from the signature, its shape from the nesting of the lists, walked along
the first elements; sizes are not compared with those of the signature.

Two ways lead to an array. The fast one takes whole lists at once and gives up at anything unusual;
the exact one then goes value by value in TensorFlow Serving's order, and so finds the same first
error in the same words.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from dure.serve.json_text import debug, parse, string_value
from dure.serve.runner import NUMPY_DTYPES, Signature, TensorInfo
from dure.serve.status import Code, RequestError, invalid

DEFAULT_SIGNATURE = "serving_default"

Array = npt.NDArray[Any]
Infos = Mapping[str, TensorInfo]

# NumPy 1 stops at 32 axes, NumPy 2 at 64; TensorFlow at 254.
_MOST_AXES = 32
# Which whole numbers each type takes. int8, int16 and uint8 take any int32 and wrap around.
_INT32 = (-(1 << 31), (1 << 31) - 1)
_RANGES = {
    "int8": _INT32,
    "int16": _INT32,
    "int32": _INT32,
    "uint8": _INT32,
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}
_BLANKS = re.compile(rb"[ \t\n\v\f\r]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]*")


@dataclass(frozen=True)
class PredictRequest:
    """A ``:predict`` request, decoded.

    Parameters
    ----------
    signature : str
        The name of the signature.
    form : {"row", "columnar"}
        Whether it came as ``instances`` or as ``inputs``; the reply takes the same form.
    inputs : dict of str to ndarray
        One array for each input.
    """

    signature: str
    form: Literal["row", "columnar"]
    inputs: dict[str, Array]


def decode(body: bytes, find: Callable[[str], Signature]) -> PredictRequest:
    """Decode the body of a ``:predict`` request.

    Parameters
    ----------
    body : bytes
        The whole body.
    find : callable
        Returns the signature of a name, or raises `RequestError`. It is called once the body is
        known to be a JSON object.

    Raises
    ------
    RequestError
        The body is no request for the signature. Nothing else is raised, whatever the body is.
    """
    document = parse(body)
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {debug(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    name = name or DEFAULT_SIGNATURE
    infos = find(name).inputs
    if not infos:
        raise invalid(f"Failed to get input map for signature: {name}")
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {debug(document)} Not formatted correctly expecting only"
            " one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        return PredictRequest(name, "row", _rows(document, infos))
    if "inputs" in document:
        return PredictRequest(name, "columnar", _columns(document["inputs"], infos))
    raise invalid("Missing 'inputs' or 'instances' key")


# --- row format -----------------------------------------------------------------------------------


def _rows(document: dict[str, Any], infos: Infos) -> dict[str, Array]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(f"JSON Value: {debug(document)} Expecting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {debug(document)} No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    if _is_object(rows[0]):
        return _object_rows(rows, infos)
    name, info = next(iter(infos.items()))
    inputs = {name: _plain_rows(rows, info)}
    _check_all_sent(inputs, infos)
    return inputs


def _object_rows(rows: list[Any], infos: Infos) -> dict[str, Array]:
    names = infos.keys()
    if all(isinstance(row, dict) and row.keys() == names for row in rows):
        fast = {
            name: _fast([row[name] for row in rows], info.dtype) for name, info in infos.items()
        }
        if all(value is not None for value in fast.values()):
            return {name: value for name, value in fast.items() if value is not None}
    stacks = {name: _Stack(info.dtype) for name, info in infos.items()}
    for number, row in enumerate(rows):
        if not _is_object(row):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        for key, value in row.items():
            try:
                if key not in stacks:
                    raise invalid(f"JSON object: does not have named input: {key}")
                stacks[key].add(value)
            except RequestError as error:
                raise invalid(
                    f"Failed to process element: {number} key: {key} of 'instances' list. "
                    f"Error: {error}"
                ) from None
        if row.keys() != names:
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{debug(row)} keys must be equal to: {','.join(sorted(names))}"
            )
    return {name: stack.array() for name, stack in stacks.items()}


def _plain_rows(rows: list[Any], info: TensorInfo) -> Array:
    fast = _fast(rows, info.dtype)
    if fast is not None:
        return fast
    stack = _Stack(info.dtype)
    for number, row in enumerate(rows):
        if _is_object(row):
            raise invalid(f"Expecting value/list but got object at item {number} of input list")
        try:
            stack.add(row)
        except RequestError as error:
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. Error: {error}"
            ) from None
    return stack.array()


def _check_all_sent(inputs: Mapping[str, Array], infos: Infos) -> None:
    if len(inputs) == len(infos):
        return
    sent, wanted = sorted(inputs), sorted(infos)
    missing = [name for name in wanted if name not in inputs]
    raise invalid(
        f"input size does not match signature: {len(sent)}!={len(wanted)} "
        f"len({{{','.join(sent)}}}) != len({{{','.join(wanted)}}}). "
        f"Sent extra: {{}}. Missing but required: {{{','.join(missing)}}}."
    )


class _Stack:
    """The values of one input, row upon row; every row has the shape of the first."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.values: list[Any] = []
        self.shape: tuple[int, ...] = ()
        self.size = 0
        self.count = 0

    def add(self, value: Any) -> None:
        shape, before = _shape(value), len(self.values)
        _fill(value, 0, shape, self.dtype, self.values)
        size = len(self.values) - before
        if not self.count:
            self.shape, self.size = shape, size
        elif size != self.size:
            raise invalid(f"Expecting tensor size: {self.size} but got: {size}")
        elif shape != self.shape:
            raise invalid(f"Expecting shape {_brackets(self.shape)} but got: {_brackets(shape)}")
        self.count += 1

    def array(self) -> Array:
        return _array(self.values, (self.count, *self.shape), self.dtype)


# --- columnar format ------------------------------------------------------------------------------


def _columns(value: Any, infos: Infos) -> dict[str, Array]:
    if not _is_object(value):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        name, info = next(iter(infos.items()))
        return {name: _tensor(value, info)}
    inputs = {}
    for name, info in infos.items():
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        inputs[name] = _tensor(value[name], info)
    return inputs


def _tensor(value: Any, info: TensorInfo) -> Array:
    if isinstance(value, list):
        fast = _fast(value, info.dtype)
        if fast is not None:
            return fast
    shape, values = _shape(value), list[Any]()
    _fill(value, 0, shape, info.dtype, values)
    return _array(values, shape, info.dtype)


# --- the fast way ---------------------------------------------------------------------------------


def _fast(values: list[Any], dtype: str) -> Array | None:
    """Return a list as an array, or None where only the exact way will do."""
    shape, flat = _shape(values), values
    for size in shape[1:]:
        if set(map(type, flat)) != {list} or set(map(len, flat)) != {size}:
            return None
        flat = list(chain.from_iterable(flat))
    kinds = set(map(type, flat))
    if dtype in ("float", "double"):
        regular = kinds <= {int, float}
    elif dtype in _RANGES:
        low, high = _RANGES[dtype]
        regular = kinds == {int} and low <= min(flat) and max(flat) <= high
    else:
        # Strings go the exact way, which looks for lone surrogates and base64.
        regular = dtype == "bool" and kinds == {bool}
    return _array(flat, shape, dtype) if regular else None


# --- the exact way --------------------------------------------------------------------------------


def _shape(value: Any) -> tuple[int, ...]:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    if len(sizes) > _MOST_AXES:
        raise invalid(f"A tensor of {len(sizes)} dimensions; at most {_MOST_AXES} are supported")
    return tuple(sizes)


def _fill(value: Any, level: int, shape: tuple[int, ...], dtype: str, values: list[Any]) -> None:
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise invalid(
                f"JSON Value: {debug(value)} found at incorrect level: {level + 1}"
                f" in the JSON DOM. Expected at level: {rank}"
            )
        values.append(_value(value, dtype))
        return
    if level >= rank:
        raise invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level}"
            f" expected size: {shape[level]}"
        )
    for item in value:
        _fill(item, level + 1, shape, dtype, values)


def _value(value: Any, dtype: str) -> Any:
    if isinstance(value, dict):
        if dtype == "string":
            return _base64(value)
        raise _wrong_type(value, dtype)
    if dtype not in NUMPY_DTYPES:
        raise RequestError(
            Code.UNIMPLEMENTED, f"Conversion of JSON Value: {debug(value)} to type: {dtype}"
        )
    if not _fits(value, dtype):
        raise _wrong_type(value, dtype)
    return string_value(value) if dtype == "string" else value


def _fits(value: Any, dtype: str) -> bool:
    kind = type(value)
    if dtype in _RANGES:
        low, high = _RANGES[dtype]
        return kind is int and low <= value <= high
    kinds: dict[str, tuple[type, ...]] = {"string": (str,), "bool": (bool,)}
    return kind in kinds.get(dtype, (int, float))


def _wrong_type(value: Any, dtype: str) -> RequestError:
    return invalid(
        f"JSON Value: {debug(value)} Type: {_type_name(value)} is not of expected type: {dtype}"
    )


def _type_name(value: Any) -> str:
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "True" if value else "False"
    names: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: dict[str, Any]) -> bool:
    return len(value) == 1 and isinstance(value.get("b64"), str)


def _base64(value: dict[str, Any]) -> bytes:
    if not _is_base64(value):
        raise invalid(f"JSON Value: {debug(value)} not formatted correctly for base64 data")
    text = _BLANKS.sub(b"", string_value(value["b64"]))
    body = text.rstrip(b"=.")
    padding = -len(body) % 4
    if padding == 3 or len(text) - len(body) not in (0, padding) or not _BASE64.fullmatch(body):
        raise invalid("Unable to base64 decode")
    return binascii.a2b_base64(body + b"=" * padding)


def _array(values: list[Any], shape: tuple[int, ...], dtype: str) -> Array:
    if dtype not in NUMPY_DTYPES:
        # Reached with no values only: with one, the type was refused before.
        raise RequestError(Code.UNIMPLEMENTED, f"Conversion of an empty list to type: {dtype}")
    target = NUMPY_DTYPES[dtype]
    if dtype == "string":
        array = np.empty(len(values), target)
        array[:] = values
    elif dtype in _RANGES:
        array = np.array(values, np.uint64 if dtype == "uint64" else np.int64).astype(target)
    elif dtype == "bool":
        array = np.array(values, target)
    else:
        with np.errstate(over="ignore"):  # too big for a float is Infinity, as in C
            array = np.array(values, np.float64).astype(target)
    return array.reshape(shape)


def _brackets(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
