"""TensorFlow's C interface, called through ctypes: tensors in, tensors out, nothing leaked.

``import tensorflow`` takes seconds and half a gigabyte for Python code that a server never calls;
the shared library inside the same package starts in half a second. The interface is TensorFlow's
stable one (``tensorflow/c/c_api.h``). The package itself is not imported, only found.

Ownership: every ``TF_*`` object that a function here makes is freed by the same function, or is
handed over as the docstring says. Pointers never leave this package.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dure.errors import MissingExtraError, ServingError
from dure.serve.runner import DTYPES, NUMPY_DTYPES
from dure.serve.status import Code, RequestError

_STRING = 7
_STRING_BYTES = 24  # sizeof(TF_TString)
_NUMBERS = {name: number for number, name in DTYPES.items()}


class Output(ctypes.Structure):
    """``TF_Output``: one output of one operation of a graph."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


class Buffer(ctypes.Structure):
    """``TF_Buffer``: bytes that TensorFlow owns."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


# Functions that may take long let other Python threads run meanwhile (CDLL); the others are a few
# loads and stores, cheaper than handing the interpreter over and back (PyDLL).
_LONG: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        (c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p),
    ),
    "TF_SessionRun": (
        None,
        (
            *(c_void_p, c_void_p),
            *(POINTER(Output), POINTER(c_void_p), c_int),
            *(POINTER(Output), POINTER(c_void_p), c_int),
            *(c_void_p, c_int, c_void_p, c_void_p),
        ),
    ),
    "TF_CloseSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteGraph": (None, (c_void_p,)),
}
_SHORT: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_NewStatus": (c_void_p, ()),
    "TF_DeleteStatus": (None, (c_void_p,)),
    "TF_GetCode": (c_int, (c_void_p,)),
    "TF_Message": (c_char_p, (c_void_p,)),
    "TF_NewGraph": (c_void_p, ()),
    "TF_NewSessionOptions": (c_void_p, ()),
    "TF_DeleteSessionOptions": (None, (c_void_p,)),
    "TF_NewBuffer": (POINTER(Buffer), ()),
    "TF_DeleteBuffer": (None, (POINTER(Buffer),)),
    "TF_GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "TF_OperationNumOutputs": (c_int, (c_void_p,)),
    "TF_AllocateTensor": (c_void_p, (c_int, POINTER(c_int64), c_int, c_size_t)),
    "TF_DeleteTensor": (None, (c_void_p,)),
    "TF_TensorType": (c_int, (c_void_p,)),
    "TF_NumDims": (c_int, (c_void_p,)),
    "TF_Dim": (c_int64, (c_void_p, c_int)),
    "TF_TensorByteSize": (c_size_t, (c_void_p,)),
    "TF_TensorData": (c_void_p, (c_void_p,)),
    "TF_StringInit": (None, (c_void_p,)),
    "TF_StringCopy": (None, (c_void_p, c_char_p, c_size_t)),
    "TF_StringGetDataPointer": (c_void_p, (c_void_p,)),
    "TF_StringGetSize": (c_size_t, (c_void_p,)),
    "TF_StringDealloc": (None, (c_void_p,)),
}


class Library:
    """The functions of the shared library, by their C names, with their types."""

    def __init__(self, path: Path) -> None:
        long, short = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
        for source, table in ((long, _LONG), (short, _SHORT)):
            for name, (result, arguments) in table.items():
                function = getattr(source, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        # Only reached for a name that is in neither table; it tells mypy that the others exist.
        raise AttributeError(name)


@cache
def library() -> Library:
    """Return TensorFlow's shared library, loaded on the first call.

    Raises
    ------
    MissingExtraError
        TensorFlow is not installed.
    ServingError
        TensorFlow is installed, but its shared library is not where it should be, or does not
        load.
    """
    folder = _package_folder()
    suffix = {"darwin": "2.dylib", "win32": "dll"}.get(sys.platform, "so.2")
    path = folder / f"libtensorflow_cc.{suffix}"
    # What goes wrong comes back as a status; what it logs beside it is about missing GPU drivers.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _silent_stderr():
            return Library(path)
    except (OSError, AttributeError) as error:
        raise ServingError(
            f"TensorFlow's shared library cannot be loaded: {path}",
            expected="the library that the packages tensorflow and tensorflow-cpu carry",
            got=str(error),
            fix="install TensorFlow again: pip install --force-reinstall tensorflow",
        ) from error


@contextmanager
def _silent_stderr() -> Iterator[None]:
    # Static constructors of the library print banners before any log level can be set, straight
    # to file descriptor 2. Errors do not get lost: a failing load raises with its own message.
    try:
        kept = os.dup(2)
    except OSError:  # started without a stderr
        yield
        return
    try:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 2)
        os.close(sink)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _package_folder() -> Path:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("tensorflow", extra="tensorflow", purpose="serving a SavedModel")
    return Path(next(iter(spec.submodule_search_locations)))


@contextmanager
def checked() -> Iterator[c_void_p]:
    """Give a ``TF_Status`` to a call, and raise what it says afterwards.

    Raises
    ------
    RequestError
        With the code and the message of the status, when it is not OK.
    """
    tf = library()
    status = tf.TF_NewStatus()
    try:
        yield status
        code = tf.TF_GetCode(status)
        if code:
            message = tf.TF_Message(status) or b""
            raise RequestError(Code(code), message.decode("utf-8", "replace"))
    finally:
        tf.TF_DeleteStatus(status)


def run(
    session: int,
    feeds: Sequence[Output],
    values: Sequence[npt.NDArray[Any]],
    fetches: Sequence[Output],
) -> list[npt.NDArray[Any]]:
    """Run a session once; safe from many threads.

    Parameters
    ----------
    session : int
        A ``TF_Session *``, which stays the caller's.
    feeds : sequence of Output
        Where the values go.
    values : sequence of ndarray
        One for each feed, of a type in `NUMPY_DTYPES`; strings as `bytes` objects.
    fetches : sequence of Output
        What to compute.

    Returns
    -------
    list of ndarray
        One for each fetch, each a copy that Python owns.

    Raises
    ------
    RequestError
        TensorFlow refuses the values, or fails on them, or a result has a type that JSON cannot
        carry.
    """
    tf = library()
    results = (c_void_p * len(fetches))()
    tensors: list[int] = []
    try:
        for value in values:
            tensors.append(new_tensor(value))  # noqa: PERF401 - what is made is freed even if one fails
        with checked() as status:
            tf.TF_SessionRun(
                *(session, None),
                *((Output * len(feeds))(*feeds), (c_void_p * len(tensors))(*tensors), len(feeds)),
                *((Output * len(fetches))(*fetches), results, len(fetches)),
                *(None, 0, None, status),
            )
        return [read_tensor(pointer) for pointer in results if pointer]
    finally:
        for pointer in results:
            if pointer:
                tf.TF_DeleteTensor(pointer)
        # After the results: a result may share the memory of an input.
        for pointer in tensors:
            delete_tensor(pointer)


def new_tensor(value: npt.NDArray[Any]) -> int:
    """Return a new ``TF_Tensor *`` with a copy of ``value``; free it with `delete_tensor`."""
    tf = library()
    number = _tensorflow_dtype(value.dtype)
    dims = (c_int64 * value.ndim)(*value.shape)
    size = _STRING_BYTES * value.size if number == _STRING else value.nbytes
    tensor = tf.TF_AllocateTensor(number, dims, value.ndim, size)
    if not tensor:
        raise RequestError(Code.RESOURCE_EXHAUSTED, f"No memory for a tensor of {size} bytes")
    data = tf.TF_TensorData(tensor)
    if number == _STRING:
        _write_strings(data, value)
    elif size:
        whole = np.ascontiguousarray(value)
        ctypes.memmove(data, whole.ctypes.data, size)
    return int(tensor)


def _write_strings(data: int, value: npt.NDArray[Any]) -> None:
    tf = library()
    places = range(data or 0, (data or 0) + _STRING_BYTES * value.size, _STRING_BYTES)
    # All are made valid first, so that the tensor can be freed whatever happens then.
    for place in places:
        tf.TF_StringInit(place)
    for place, text in zip(places, value.flat, strict=True):
        tf.TF_StringCopy(place, text, len(text))


def delete_tensor(tensor: int) -> None:
    """Free a tensor that `new_tensor` made."""
    tf = library()
    if tf.TF_TensorType(tensor) == _STRING:
        # TF_DeleteTensor frees the array of strings, not the long strings in it.
        data = tf.TF_TensorData(tensor) or 0
        for place in range(data, data + tf.TF_TensorByteSize(tensor), _STRING_BYTES):
            tf.TF_StringDealloc(place)
    tf.TF_DeleteTensor(tensor)


def read_tensor(tensor: int) -> npt.NDArray[Any]:
    """Return a copy of what a ``TF_Tensor *`` holds; the tensor stays the caller's."""
    tf = library()
    name = DTYPES.get(tf.TF_TensorType(tensor), "unknown")
    shape = tuple(tf.TF_Dim(tensor, axis) for axis in range(tf.TF_NumDims(tensor)))
    if name not in NUMPY_DTYPES:
        raise RequestError(
            Code.INVALID_ARGUMENT, f"Failed to write JSON value for tensor type: {name}"
        )
    value = np.empty(shape, NUMPY_DTYPES[name])
    data, size = tf.TF_TensorData(tensor), tf.TF_TensorByteSize(tensor)
    if name == "string":
        places = range(data or 0, (data or 0) + _STRING_BYTES * value.size, _STRING_BYTES)
        flat = value.reshape(-1)  # a view: `value` is contiguous
        for index, place in enumerate(places):
            flat[index] = ctypes.string_at(
                tf.TF_StringGetDataPointer(place), tf.TF_StringGetSize(place)
            )
    elif size:
        if size != value.nbytes:
            raise RequestError(Code.INTERNAL, f"A tensor of {value.nbytes} bytes has {size}")
        ctypes.memmove(value.ctypes.data, data, size)
    return value


def _tensorflow_dtype(dtype: np.dtype[Any]) -> int:
    for name, known in NUMPY_DTYPES.items():
        if known == dtype:
            return _NUMBERS[name]
    raise RequestError(Code.UNIMPLEMENTED, f"No tensor of type {dtype} can be made")
