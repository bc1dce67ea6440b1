"""States of aggregates as bytes: a number of the format, a line of JSON, and arrays as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import DataError

Arrays = Mapping[str, NDArray[Any]]


def pack(version: int, record: Any, arrays: Arrays | None = None) -> bytes:
    """Return ``record`` (JSON values) and ``arrays`` as bytes; the same values, the same bytes.

    Parameters
    ----------
    version : int
        The number of the format, which the bytes start with.
    record : JSON values
        Floats keep every bit; NaN and the infinities are allowed.
    arrays : mapping of str to ndarray of bool, integers or floats, optional
        Stored little endian.
    """
    plain = {
        name: np.ascontiguousarray(one, one.dtype.newbyteorder("<"))
        for name, one in sorted((arrays or {}).items())
    }
    kinds = [[name, one.dtype.str, list(one.shape)] for name, one in plain.items()]
    head = json.dumps([record, kinds], separators=(",", ":"), sort_keys=True)
    return b"\n".join(
        [str(version).encode(), head.encode(), b"".join(one.tobytes() for one in plain.values())]
    )


def unpack(version: int, data: bytes, what: str) -> tuple[Any, dict[str, NDArray[Any]]]:
    """Return what `pack` was given.

    Raises
    ------
    DataError
        The bytes are of another format.
    """
    found, _, rest = data.partition(b"\n")
    if found != str(version).encode():
        raise DataError(
            f"the state of {what} is of another version",
            expected=f"format {version}",
            got=f"format {found[:20].decode(errors='replace')}",
            fix="compute the statistics again from the data",
        )
    head, _, body = rest.partition(b"\n")
    record, kinds = json.loads(head)
    arrays, start = {}, 0
    for name, kind, shape in kinds:
        dtype = np.dtype(kind)
        size = int(np.prod(shape)) * dtype.itemsize
        piece = np.frombuffer(body[start : start + size], dtype).reshape(shape)
        arrays[name] = piece.astype(dtype.newbyteorder("="))
        start += size
    return record, arrays
