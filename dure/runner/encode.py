"""One unambiguous byte string for every setting.

Each value becomes ``tag, length, payload``; a container's payload is its encoded items. Because
the tag names the type and the length fences the payload, two different values never share an
encoding: ``1``, ``"1"``, ``1.0`` and ``True`` differ, and so do ``{"a": "bc"}`` and
``{"ab": "c"}``. What has no order (dict, set) is sorted by encoding. The construction is the
length-prefixed ("netstring") one of Bernstein, https://cr.yp.to/proto/netstrings.txt, with types.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import hashlib
import pathlib
import pickle
import re
import struct
import types
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from dure.errors import FingerprintError

# What stands for a function, class or module; the caller decides, and notes what was reached.
Refer = Callable[[Any], bytes]

DIGEST_LENGTH = 32
"""Hexadecimal digits of a digest: 128 bits of SHA-256."""


def digest_of(data: bytes) -> str:
    """Return the digest of ``data``: the first 128 bits of its SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()[:DIGEST_LENGTH]


def frame(tag: str, payload: bytes) -> bytes:
    """Return ``tag`` and the length of ``payload`` before ``payload``."""
    return b"%s:%d:%s" % (tag.encode(), len(payload), payload)


def encode(value: Any, refer: Refer | None = None) -> bytes:
    """Return the bytes that stand for ``value`` and for no other value.

    Parameters
    ----------
    value : object
        None, bool, int, float, complex, str, bytes, date, time, timedelta, decimal, fraction,
        UUID, path, range, slice, regular expression, enum member, NumPy scalar or array, list,
        tuple, dict, set, dataclass instance, `functools.partial`, function, class, module, or
        anything that pickles.
    refer : callable, optional
        Returns the bytes that stand for a function, class or module.

    Raises
    ------
    FingerprintError
        If the value is of none of these kinds.
    """
    simple = _encode_scalar(value)
    if simple is not None:
        return simple
    refer = refer or _refuse
    return (
        _encode_container(value, refer)
        or _encode_code(value, refer)
        or _encode_array(value)
        or _encode_object(value, refer)
    )


def _encode_scalar(value: Any) -> bytes | None:
    kind = type(value)
    if value is None or value is Ellipsis or value is NotImplemented:
        return frame("constant", repr(value).encode())
    if kind is bool or kind is int:
        return frame(kind.__name__, str(value).encode())
    if kind is float:
        # The bits, so that -0.0 is not 0.0 and every NaN is itself.
        return frame("float", struct.pack(">d", value))
    if kind is complex:
        return frame("complex", struct.pack(">dd", value.real, value.imag))
    if kind is str:
        return frame("str", value.encode("utf-8", "surrogatepass"))
    if kind in (bytes, bytearray):
        return frame(kind.__name__, bytes(value))
    if isinstance(value, _BY_REPR):
        return frame(kind.__name__, repr(value).encode())
    if isinstance(value, pathlib.PurePath):
        return frame("path", value.as_posix().encode("utf-8", "surrogatepass"))
    return None


_BY_REPR = (
    dt.date,
    dt.time,
    dt.timedelta,
    dt.timezone,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    range,
)


def _encode_container(value: Any, refer: Refer) -> bytes | None:
    kind = type(value)
    if kind in (list, tuple):
        return frame(kind.__name__, b"".join(encode(item, refer) for item in value))
    if kind in (set, frozenset):
        return frame(kind.__name__, b"".join(sorted(encode(item, refer) for item in value)))
    if isinstance(value, slice):
        return frame("slice", encode((value.start, value.stop, value.step), refer))
    if isinstance(value, dict | types.MappingProxyType):
        items = sorted(encode(k, refer) + encode(v, refer) for k, v in value.items())
        return frame("dict", _kind_name(kind, dict) + b"".join(items))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return frame("named", refer(kind) + b"".join(encode(item, refer) for item in value))
    return None


def _kind_name(kind: type, plain: type) -> bytes:
    return b"" if kind is plain else frame("kind", f"{kind.__module__}.{kind.__name__}".encode())


def _encode_code(value: Any, refer: Refer) -> bytes | None:
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
        return frame("code", refer(value))
    if isinstance(value, types.MethodType):
        return frame("method", encode(value.__self__, refer) + refer(value.__func__))
    if isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        return frame("partial", b"".join(encode(part, refer) for part in parts))
    if isinstance(value, enum.Enum):
        return frame("enum", refer(type(value)) + encode(value.name))
    if isinstance(value, re.Pattern):
        return frame("regex", encode((value.pattern, value.flags)))
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return frame("dataclass", refer(type(value)) + encode(fields, refer))
    return None


def _encode_array(value: Any) -> bytes | None:
    """Return NumPy arrays and scalars by dtype, shape and content, without importing NumPy."""
    if not type(value).__module__.startswith("numpy") or not hasattr(value, "dtype"):
        return None
    if value.dtype == object:
        return frame("array", encode((value.shape, value.tolist())))
    content = value.tobytes()
    return frame("array", encode((value.dtype.str, value.shape)) + frame("data", content))


def _encode_object(value: Any, refer: Refer) -> bytes:
    """Return any other object: what it is made from where it says so, else its pickle."""
    kind = type(value)
    config = getattr(value, "get_config", None)
    try:
        if callable(config) and kind.__module__.split(".")[0] == "keras":
            return frame("config", refer(kind) + encode(config(), refer))
        if hasattr(value, "__wrapped__"):
            return frame("wrapped", encode(value.__wrapped__, refer))
        reduced = pickle.dumps(value, protocol=4)
    except FingerprintError:
        raise
    except Exception as error:
        raise FingerprintError(
            f"a value of type {kind.__module__}.{kind.__qualname__} has no digest",
            expected="a plain value (number, string, list, dict, dataclass, path, function, ...) "
            "or something that pickles",
            got=f"{type(error).__name__}: {error}",
            fix="pass what it is made from instead, and make it inside the step",
        ) from error
    return frame("pickle", refer(kind) + reduced)


def _refuse(value: Any) -> bytes:
    raise FingerprintError(
        f"{value!r} is code, and this place takes plain values only",
        expected="a plain value",
        got=type(value).__name__,
    )


def short(value: Any, limit: int = 60) -> str:
    """Return ``value`` as one short line for people; the digest, not this, tells values apart."""
    if isinstance(value, types.FunctionType | type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Mapping) or len(text := repr(value)) > limit:
        text = " ".join(repr(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
