"""One unambiguous byte string for every setting.

Each value becomes ``tag, length, payload``; a container's payload is its encoded items. Because
the tag names the type and the length fences the payload, two different values never share an
encoding: ``1``, ``"1"``, ``1.0`` and ``True`` differ, and so do ``{"a": "bc"}`` and
``{"ab": "c"}``. A set, which has no order, is sorted by encoding; a dict keeps its order. The construction is the
length-prefixed ("netstring") one of Bernstein, https://cr.yp.to/proto/netstrings.txt, with types.

An object is taken apart as `pickle` would take it apart, but not pickled: a pickle names the
functions and classes in it without their content, writes a set in the order of its hashes, and
depends on which of two equal parts are one object.
"""

from __future__ import annotations

import copyreg
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import hashlib
import logging
import pathlib
import re
import struct
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from dure.errors import FingerprintError
from dure.runner.own import is_own, module_name

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
        anything that pickles. It may contain itself.
    refer : callable, optional
        Returns the bytes that stand for a function, class or module.

    Raises
    ------
    FingerprintError
        If the value is of none of these kinds.
    """
    try:
        return _Encoder(refer or _refuse).encode(value)
    except RecursionError as error:
        raise FingerprintError(
            f"a value of type {type(value).__qualname__} has no digest",
            expected="at most some hundred levels of lists in lists",
            got="more than the interpreter can follow",
        ) from error


def _encode_scalar(value: Any) -> bytes | None:
    kind = type(value)
    if value is None or value is Ellipsis or value is NotImplemented:
        return frame("constant", repr(value).encode())
    if kind is bool:
        return frame("bool", str(value).encode())
    if kind is int:
        return frame("int", hex(value).encode())  # str() refuses more than 4300 digits
    if kind is float:
        # The bits, so that -0.0 is not 0.0 and every NaN is itself.
        return frame("float", struct.pack(">d", value))
    if kind is complex:
        return frame("complex", struct.pack(">dd", value.real, value.imag))
    if kind is str:
        return frame("str", value.encode("utf-8", "surrogatepass"))
    if kind is bytes or kind is bytearray:
        return frame(kind.__name__, bytes(value))
    if kind in _BY_REPR:
        return frame(kind.__name__, repr(value).encode())
    if issubclass(kind, pathlib.PurePath) and kind.__module__.split(".")[0] == "pathlib":
        return frame(kind.__name__, value.as_posix().encode("utf-8", "surrogatepass"))
    return None


_BY_REPR = frozenset(
    {
        dt.date,
        dt.timedelta,
        dt.timezone,
        decimal.Decimal,
        fractions.Fraction,
        uuid.UUID,
        range,
    }
)


class _Encoder:
    """Encodes one value; knows which values it is inside of, so that a cycle ends."""

    def __init__(self, refer: Refer) -> None:
        self._refer = refer
        self._inside: dict[int, int] = {}

    def encode(self, value: Any) -> bytes:
        simple = _encode_scalar(value)
        if simple is not None:
            return simple
        if issubclass(type(value), types.ModuleType):
            # Before any isinstance(), which would look into a lazy module and so import it.
            return frame("code", self._refer(value))
        level = len(self._inside)
        above = self._inside.setdefault(id(value), level)
        if above != level:
            return frame("above", str(level - above).encode())
        try:
            return (
                self._container(value)
                or self._code(value)
                or self._declared(value)
                or self._array(value)
                or self._object(value)
            )
        finally:
            del self._inside[id(value)]

    def _all(self, values: Iterable[Any]) -> bytes:
        return b"".join(map(self.encode, values))

    def _sorted(self, values: Iterable[Any]) -> bytes:
        return b"".join(sorted(map(self.encode, values)))

    def _ref(self, code: Any) -> bytes:
        return frame("ref", self._refer(code))

    def _container(self, value: Any) -> bytes | None:
        kind = type(value)
        if kind is list or kind is tuple:
            return frame(kind.__name__, self._all(value))
        if kind is set or kind is frozenset:
            return frame(kind.__name__, self._sorted(value))
        if kind is dict or kind is types.MappingProxyType:
            # In their order: a step that goes over a dict may make something else of another.
            pairs = (self.encode(k) + self.encode(v) for k, v in value.items())
            return frame(kind.__name__, b"".join(pairs))
        if kind is slice:
            return frame("slice", self._all((value.start, value.stop, value.step)))
        if kind is dt.datetime or kind is dt.time:
            # Apart from its zone, whose repr may hold its address.
            return frame(kind.__name__, self._all((repr(value.replace(tzinfo=None)), value.tzinfo)))
        if isinstance(value, set | frozenset):
            return frame("set", self._ref(kind) + self._sorted(value) + self._state(value))
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return frame("named", self._ref(kind) + self._all(value))
        return None

    def _state(self, value: Any) -> bytes:
        return self.encode(getattr(value, "__dict__", None))

    def _code(self, value: Any) -> bytes | None:
        """Return what stands for functions, classes and modules, and for what binds them."""
        if isinstance(value, types.BuiltinMethodType):
            of = getattr(value, "__self__", None)
            if of is not None and not isinstance(of, types.ModuleType):
                return frame("method", self.encode(of) + self.encode(value.__name__))
            return frame("code", self._refer(value))
        if isinstance(value, type | types.FunctionType):
            return frame("code", self._refer(value))
        if isinstance(value, types.MethodType):
            return frame("method", self._all((value.__self__, value.__func__)))
        if isinstance(value, functools.partial):
            return frame("partial", self._all((value.func, value.args, value.keywords)))
        return None

    def _declared(self, value: Any) -> bytes | None:
        """Return enum members, patterns and dataclasses by what they say about themselves."""
        kind = type(value)
        if isinstance(value, enum.Enum):
            # Of a flag without a name of its own the number is all there is.
            name = value.name if value.name in kind.__members__ else value.value
            return frame("enum", self._ref(kind) + self.encode(name))
        if kind is re.Pattern:
            return frame("regex", self._all((value.pattern, value.flags)))
        if "__dataclass_fields__" in vars(kind) and not isinstance(value, dict | list | tuple):
            names = [field.name for field in dataclasses.fields(value)]
            held = {name: getattr(value, name) for name in names if hasattr(value, name)}
            held |= getattr(value, "__dict__", {})  # what __post_init__ and others have set beside
            return frame("dataclass", self._ref(kind) + self.encode(held))
        if isinstance(value, logging.Logger):
            return frame("logger", b"")  # named after its module, which may be __main__
        return None

    def _array(self, value: Any) -> bytes | None:
        """Return NumPy arrays and scalars by dtype, shape and content, without importing NumPy."""
        kind = type(value)
        if kind.__module__ != "numpy" or not hasattr(value, "tobytes"):
            return None
        start = self._all((kind.__name__, repr(value.dtype), value.shape))
        if value.dtype.hasobject or value.dtype.names:
            # The bytes are addresses, or hold gaps with anything in them.
            return frame("array", start + self.encode(value.tolist()))
        return frame("array", start + frame("data", value.tobytes()))

    def _object(self, value: Any) -> bytes:
        """Return any other object by what it would be made from again."""
        kind = type(value)
        try:
            if _is_keras(kind) and callable(getattr(value, "get_config", None)):
                return frame("keras", self._ref(kind) + self._all(_keras_parts(value)))
            if hasattr(value, "__wrapped__"):
                return frame("wrapped", self._ref(kind) + self._wrapped(value, kind))
            return frame("object", self._ref(kind) + self._reduced(value, kind))
        except (FingerprintError, RecursionError):
            raise
        except Exception as error:
            raise FingerprintError(
                f"a value of type {kind.__module__}.{kind.__qualname__} has no digest",
                expected="a plain value (number, string, list, dict, dataclass, path, function, "
                "...) or something that pickles",
                got=f"{type(error).__name__}: {error}",
                fix="pass what it is made from instead, and make it inside the step",
            ) from error

    def _wrapped(self, value: Any, kind: type) -> bytes:
        state = vars(value) if is_own(kind) else {}
        # The dunder names are copies of the wrapped function's.
        held = {name: item for name, item in state.items() if not name.startswith("__")}
        return self._all((value.__wrapped__, held))

    def _reduced(self, value: Any, kind: type) -> bytes:
        """Return what `pickle` would write; see "Pickling Class Instances" in Python's manual."""
        reducer = copyreg.dispatch_table.get(kind)
        made = reducer(value) if reducer is not None else value.__reduce_ex__(4)
        if isinstance(made, str):  # the name of a global
            module = module_name(getattr(value, "__module__", None) or kind.__module__, {})
            return self._all((module, made))
        function, arguments, state, items, pairs = (*made, None, None, None, None)[:5]
        whole = self._all((function, arguments, state, None if items is None else [*items]))
        if pairs is None:
            return whole
        return whole + frame("pairs", b"".join(self.encode(k) + self.encode(v) for k, v in pairs))


def _is_keras(kind: type) -> bool:
    return any(base.__module__.split(".")[0] == "keras" for base in kind.__mro__)


def _keras_parts(value: Any) -> tuple[Any, ...]:
    weights = getattr(value, "get_weights", None)
    return (value.get_config(), weights() if callable(weights) else None)


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
    if isinstance(value, pathlib.PurePath):
        value = str(value)  # which class of path it is says nothing to people
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything
        text = f"<{type(value).__name__}>"
    if "\n" in text:
        text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
