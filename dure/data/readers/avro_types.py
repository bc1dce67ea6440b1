"""The types of Avro as types of Polars, and the values that fastavro gives as values of those.

============================== ===============================================================
Avro                           here
============================== ===============================================================
int, long, float, double       numbers of 64 bits
string, uuid, enum             text
bytes, fixed                   bytes
date, time-…, (local-)timestamp-… dates, times, dates with times (UTC, or local)
decimal                        decimal; float where it has more than 38 digits
array                          list
map                            list of ``struct[key, value]``, in the order of the file
record                         struct
union of null and one type     that type, or no value
other union                    a struct with a field for each of its types, of which the one that
                               is meant has a value: Avro's own JSON encoding of unions
============================== ===============================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

Convert = Callable[[Any], Any]
_PLAIN: dict[str, pl.DataType] = {
    "null": pl.Null(),
    "boolean": pl.Boolean(),
    "int": pl.Int64(),
    "long": pl.Int64(),
    "float": pl.Float64(),
    "double": pl.Float64(),
    "bytes": pl.Binary(),
    "string": pl.String(),
    "enum": pl.String(),
    "fixed": pl.Binary(),
}
_LOGICAL: dict[tuple[str, str], pl.DataType] = {
    ("int", "date"): pl.Date(),
    ("int", "time-millis"): pl.Time(),
    ("long", "time-micros"): pl.Time(),
    ("long", "timestamp-millis"): pl.Datetime("ms", "UTC"),
    ("long", "timestamp-micros"): pl.Datetime("us", "UTC"),
    ("long", "local-timestamp-millis"): pl.Datetime("ms"),
    ("long", "local-timestamp-micros"): pl.Datetime("us"),
}
_DIGITS = 38  # of a decimal in Polars
# What Polars' own reader of Avro gives as it should (tests/data/test_avro_reader.py).
_POLARS_PLAIN = {"boolean", "int", "long", "float", "double", "bytes", "string"}
_POLARS_LOGICAL = {"date", "timestamp-millis", "timestamp-micros"}


class NoTypeError(Exception):
    """A schema has no counterpart; the text says why."""


def polars_reads(schema: Any) -> bool:
    """Return whether Polars reads values of an Avro schema itself, and rightly."""
    if isinstance(schema, str):
        return schema in _POLARS_PLAIN
    if isinstance(schema, list):
        others = [each for each in schema if each != "null"]
        return len(schema) == 2 and len(others) == 1 and polars_reads(others[0])
    kind = schema["type"]
    if "logicalType" in schema:
        return schema["logicalType"] in _POLARS_LOGICAL and kind in ("int", "long")
    if kind == "record":
        fields = schema["fields"]
        return bool(fields) and all(polars_reads(field["type"]) for field in fields)
    if kind == "array":
        return polars_reads(schema["items"])
    return isinstance(kind, str | dict | list) and kind != "record" and polars_reads(kind)


def type_of_schema(schema: Any) -> tuple[pl.DataType, Convert | None]:
    """Return the type for values of an Avro schema, and what makes them of fastavro's values.

    Parameters
    ----------
    schema : str, dict or list
        A schema in which `fastavro.schema.expand_schema` put definitions for names.

    Raises
    ------
    NoTypeError
        It holds itself, or is no schema.
    """
    if isinstance(schema, list):
        return _union(schema)
    if isinstance(schema, str):
        if schema not in _PLAIN:
            raise NoTypeError(f"the type '{schema}' is part of itself")
        return _PLAIN[schema], None
    kind = schema["type"]
    if isinstance(kind, dict | list):
        return type_of_schema(kind)
    maker = {"record": _record, "error": _record, "array": _array, "map": _map}.get(kind)
    if maker is not None:
        return maker(schema)
    return _scalar(schema, kind)


def _scalar(schema: dict[str, Any], kind: str) -> tuple[pl.DataType, Convert | None]:
    logical = schema.get("logicalType", "")
    if logical == "decimal" and kind in ("bytes", "fixed"):
        if schema.get("precision", 0) <= _DIGITS:
            return pl.Decimal(schema["precision"], schema.get("scale", 0)), None
        return pl.Float64(), float
    if logical == "uuid":
        return pl.String(), str
    return _LOGICAL.get((kind, logical)) or type_of_schema(kind)[0], None


def _record(schema: dict[str, Any]) -> tuple[pl.DataType, Convert | None]:
    fields = {each["name"]: type_of_schema(each["type"]) for each in schema["fields"]}
    dtype = pl.Struct({name: kind for name, (kind, _) in fields.items()})
    converts = {name: convert for name, (_, convert) in fields.items() if convert}
    if not converts:
        return dtype, None

    def convert(record: dict[str, Any]) -> dict[str, Any]:
        return record | {
            name: None if record[name] is None else made(record[name])
            for name, made in converts.items()
        }

    return dtype, convert


def _array(schema: dict[str, Any]) -> tuple[pl.DataType, Convert | None]:
    inner, convert = type_of_schema(schema["items"])
    if convert is None:
        return pl.List(inner), None
    return pl.List(inner), lambda values: [None if v is None else convert(v) for v in values]


def _map(schema: dict[str, Any]) -> tuple[pl.DataType, Convert | None]:
    inner, made = type_of_schema(schema["values"])

    def convert(values: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"key": key, "value": made(value) if made and value is not None else value}
            for key, value in values.items()
        ]

    return pl.List(pl.Struct({"key": pl.String(), "value": inner})), convert


def _union(schemas: list[Any]) -> tuple[pl.DataType, Convert | None]:
    branches = [each for each in schemas if each != "null"]
    if not branches:
        return pl.Null(), None
    types = [type_of_schema(each) for each in branches]
    dtypes = [dtype for dtype, _ in types]
    numbers = dtypes[0] in (pl.Int64(), pl.Float64()) and len(set(dtypes)) == 1
    if len(branches) == 1 or numbers:  # int and long, float and double
        return types[0]
    names = [_name(each) for each in branches]
    index = {name: place for place, name in enumerate(names)}

    def convert(tagged: Any) -> dict[str, Any]:
        name, value = tagged if isinstance(tagged, tuple) else (None, tagged)
        place = index[name] if name in index else _branch(value, dtypes)
        made = types[place][1]
        return {names[place]: made(value) if made else value}

    return pl.Struct(dict(zip(names, dtypes, strict=True))), convert


def _name(schema: Any) -> str:
    if isinstance(schema, str):
        return schema
    return str(schema.get("name", schema["type"]))


def _branch(value: Any, dtypes: list[pl.DataType]) -> int:
    """Return which type of a union a value has; fastavro tells it of named types only."""
    if isinstance(value, dict):  # a map: records come with their name
        return next(i for i, dtype in enumerate(dtypes) if isinstance(dtype, pl.List))
    kind = pl.Series([value]).dtype
    ways: tuple[Callable[[pl.DataType], bool], ...] = (
        lambda dtype: dtype == kind,
        lambda dtype: type(dtype) is type(kind),
        lambda dtype: dtype.is_float() and kind.is_integer(),
        lambda dtype: dtype == pl.String(),
    )
    for fits in ways:
        for place, dtype in enumerate(dtypes):
            if fits(dtype):
                return place
    raise NoTypeError(f"a value of the type {type(value).__name__} is in no part of its union")
