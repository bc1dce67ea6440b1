"""Lines of JSON, read one by one: slowly, and with a reason for each that cannot be a row."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import polars as pl

from dure.data.types import type_of

_EXACT = 1 << 53
_NAMES = {list: "an array", str: "a string", bool: "a truth value", type(None): "null"}


@dataclass
class Columns:
    """What is known of the columns from the lines before.

    Parameters
    ----------
    types : dict of str to polars.DataType
        Their types, in the order in which they appeared.
    wide : set of str
        The int columns that have numbers beyond 2^53.
    given : mapping of str to polars.DataType
        The types that the user gave.
    """

    types: dict[str, pl.DataType] = field(default_factory=dict)
    wide: set[str] = field(default_factory=set)
    given: Mapping[str, pl.DataType] = field(default_factory=dict)

    def add(self, types: Mapping[str, pl.DataType]) -> None:
        """Take in the types of more rows.

        Raises
        ------
        FaultError
            They do not fit what is known.
        """
        merged = {name: self._merged(name, dtype) for name, dtype in types.items()}
        self.types.update(merged)

    def _merged(self, name: str, dtype: pl.DataType) -> pl.DataType:
        given = self.given.get(name, pl.Null())
        both = merge(self.types.get(name, given), dtype, name)
        if name in self.given and both != given:
            raise FaultError(
                f"column '{name}' is to be {type_of(given)}, and here is {type_of(dtype)}",
                expected=f"{type_of(given)}, as types={{…}} says",
                got=type_of(dtype),
            )
        if name in self.wide and both == pl.Float64():
            raise FaultError(
                f"column '{name}' has whole numbers beyond 2^53 before, which would be rounded "
                "if it became float",
                expected="int",
                got="float",
                fix=_give_type(name, "float"),
            )
        return both


class FaultError(Exception):
    """Why a line is no row: the parts of a message."""

    def __init__(
        self, reason: str, *, expected: str, got: str, fix: str = "", byte: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.expected, self.got, self.fix = reason, expected, got, fix
        self.byte = byte


Refuse = Callable[[int, int, bytes, FaultError], None]


def read_lines(block: bytes, columns: Columns, refuse: Refuse) -> pl.DataFrame:
    """Return the rows of some lines, and add their types to ``columns``.

    Parameters
    ----------
    block : bytes
        Lines of JSON.
    columns : Columns
        What is known of the columns; the earliest value of a column decides what others must be.
    refuse : callable
        Is told of each line that is no row: its index from 0, its place in ``block``, its
        bytes, and why. It may raise.
    """
    decode = _decoder(columns)
    rows: list[dict[str, Any]] = []
    lines: list[bytes] = []
    odd = bool(columns.given)
    at = 0
    for index, line in enumerate(block.split(b"\n")):
        if line.strip():
            try:
                value, strange = decode(line)
                rows.append(_row(value, columns))
                lines.append(line)
                odd |= strange
            except FaultError as fault:
                refuse(index, at, line, fault)
        at += len(line) + 1
    if odd or not lines or not columns.types:
        return _frame(rows, columns.types)
    return pl.read_ndjson(io.BytesIO(b"\n".join(lines)), schema=columns.types)


def merge(first: pl.DataType, second: pl.DataType, path: str) -> pl.DataType:
    """Return the type for values of both types; int and float are float.

    Raises
    ------
    FaultError
        There is none.
    """
    if first == second or isinstance(second, pl.Null):
        return first
    if isinstance(first, pl.Null):
        return second
    if isinstance(first, pl.List) and isinstance(second, pl.List):
        return pl.List(merge(_made(first.inner), _made(second.inner), f"{path}[]"))
    if isinstance(first, pl.Struct) and isinstance(second, pl.Struct):
        fields = {each.name: _made(each.dtype) for each in first.fields}
        for each in second.fields:
            before = fields.get(each.name, pl.Null())
            fields[each.name] = merge(before, _made(each.dtype), f"{path}.{each.name}")
        return pl.Struct(fields)
    if {first, second} == {pl.Int64(), pl.Float64()}:
        return pl.Float64()
    raise FaultError(
        f"column '{path}' is {type_of(first)}, and here {type_of(second)}",
        expected=f"{type_of(first)}, as in the rows before",
        got=type_of(second),
        fix=_give_type(path, "string"),
    )


def _row(value: object, columns: Columns) -> dict[str, Any]:
    if not isinstance(value, dict):
        name = _NAMES.get(type(value), "a number")
        raise FaultError(
            f"it is {name}, and no object",
            expected="one JSON object in each line: {…}",
            got=name,
            fix="write each row as an object with the names of the columns",
        )
    row = {
        name: _as_given(each, columns.given[name], name) if name in columns.given else each
        for name, each in value.items()
    }
    types = {name: _type(each, name) for name, each in row.items()}
    columns.add(types)
    for name, each in row.items():
        if type(each) is int and not -_EXACT <= each <= _EXACT and name not in columns.given:
            _note_wide(name, each, columns)
    return row


def _note_wide(name: str, value: int, columns: Columns) -> None:
    if columns.types[name] == pl.Int64():
        columns.wide.add(name)
    elif int(float(value)) != value:
        raise FaultError(
            f"column '{name}' is float, which would round the whole number {value}",
            expected="a number that a float holds exactly, as 64 bits",
            got=str(value),
            fix=_give_type(name, "float"),
        )


def _type(value: object, path: str) -> pl.DataType:
    """Return the type of a value that the decoder made."""
    if value is None:
        return pl.Null()
    if isinstance(value, str):
        return pl.String()
    if isinstance(value, bool):
        return pl.Boolean()
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise FaultError(
                f"column '{path}': the whole number {_short(value)} does not fit in 64 bits",
                expected="a number from -2^63 to 2^63 - 1",
                got=_short(value),
                fix=_give_type(path, "string"),
            )
        return pl.Int64()
    if isinstance(value, float):
        return pl.Float64()
    if isinstance(value, bytes):
        return pl.Binary()
    if isinstance(value, list):
        inner: pl.DataType = pl.Null()
        for each in value:
            inner = merge(inner, _type(each, f"{path}[]"), f"{path}[]")
        return pl.List(inner)
    assert isinstance(value, dict)
    return pl.Struct({name: _type(each, f"{path}.{name}") for name, each in value.items()})


class _Int(int):
    text: str


class _Float(float):
    text: str


def _int(text: str) -> _Int:
    value = _Int(text)
    value.text = text
    return value


def _float(text: str) -> _Float:
    value = _Float(text)
    if math.isinf(value):
        raise FaultError(
            f"{_short(text)} is too large for a float",
            expected="a number up to 1.8e308",
            got=_short(text),
            fix="write a smaller number, or Infinity",
        )
    value.text = text
    return value


def _as_given(value: Any, dtype: pl.DataType, name: str) -> Any:
    """Return a value as the type that the user gave for its column, if it may become that."""
    if isinstance(value, bool):
        return str(value).lower() if dtype == pl.String() else value
    if isinstance(value, _Int | _Float) and dtype == pl.String():
        return value.text
    if isinstance(value, int) and dtype == pl.Float64():
        try:
            return float(value)
        except OverflowError as error:
            raise FaultError(
                f"column '{name}': {_short(value)} is too large for a float",
                expected="a number up to 1.8e308",
                got=_short(value),
            ) from error
    if isinstance(value, str) and dtype == pl.Binary():
        return value.encode()
    return value


def _decoder(columns: Columns) -> Callable[[bytes], tuple[object, bool]]:
    """Return the function that makes of a line its value, and whether Polars reads it otherwise."""
    strange = False

    def constant(name: str) -> float:
        nonlocal strange
        strange = True
        return float(name.replace("Infinity", "inf"))

    texts = pl.String() in columns.given.values()
    decoder = json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=constant,
        parse_int=_int if texts else None,
        parse_float=_float,
    )

    def decode(line: bytes) -> tuple[object, bool]:
        nonlocal strange
        strange = False
        try:
            text = line.decode()
            value = decoder.decode(text)
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            _explain(error, line)
        if b"\\u" in line and b"\\ud" in line.lower():
            _check_characters(value)
        return value, strange

    return decode


def _explain(error: Exception, line: bytes) -> NoReturn:
    if isinstance(error, UnicodeDecodeError):
        byte = f"byte 0x{line[error.start]:02x}"
        raise FaultError(
            f"it is not UTF-8: {byte}",
            expected="text in UTF-8",
            got=byte,
            fix="save the file as UTF-8, or name its encoding: encoding=…",
            byte=error.start,
        ) from error
    if isinstance(error, RecursionError):
        said = "objects or arrays that are too deep in each other"
    elif isinstance(error, json.JSONDecodeError):
        said = f"{error.msg} at character {error.pos + 1}"
    else:
        said = str(error)  # a number with thousands of digits
    raise FaultError(
        f"it is no JSON: {said}",
        expected="one JSON object in each line: {…}",
        got=said,
        fix="repair the line; an object that goes over several lines has to be put into one",
    ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        value = {}
        for name, each in pairs:
            if name in value and each is not None:
                raise FaultError(
                    f"the key '{name}' stands twice in one object",
                    expected="each key once",
                    got=f"{_short(value[name])} and {_short(each)}",
                    fix="keep one of them",
                )
            value.setdefault(name, each)
    return value


def _check_characters(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise FaultError(
            f"{half} is half of a character",
            expected="a surrogate pair: two \\u… that are one character together",
            got=f"{half} alone",
            fix="repair the text; something cut it in the middle of a character",
        ) from error


def _frame(rows: list[dict[str, Any]], types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    if not types:
        return pl.DataFrame(height=len(rows)) if rows else pl.DataFrame()
    return pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in rows], dtype) for name, dtype in types.items()]
    )


def _short(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:  # Python does not write out a number with thousands of digits
        return "a number with thousands of digits"
    return text if len(text) <= 60 else f"{text[:60]}…"


def _give_type(path: str, kind: str) -> str:
    if "." in path or "[" in path:
        return 'make it one type before, or set the rows aside: on_bad_rows="quarantine"'
    return f"make it one type before, or give it: types={{{path!r}: '{kind}'}}"


def _made(dtype: object) -> pl.DataType:
    if isinstance(dtype, pl.DataType):
        return dtype
    assert isinstance(dtype, type)
    made = dtype()
    assert isinstance(made, pl.DataType)
    return made
