"""Records of any protocol buffer whose descriptor is given, as nested columns.

The descriptor comes from a file that protoc writes::

    protoc --include_imports --descriptor_set_out=trips.pb trips.proto

=========================== ==========================================================
in the message              column
=========================== ==========================================================
int32 … sint64, fixed64     int; a uint64 from 2^63 on is refused
float, double, bool         float, bool
string, bytes               string, bytes
enum                        string: the name, or the number of a value without a name
message, group              struct; null where it is not set
repeated                    list; empty where there are none
map                         list of struct[key, value], by key
optional, oneof, proto2     null where it is not set
other fields of proto3      0, false or "" where they are not set: the format can't tell
=========================== ==========================================================

Timestamps, wrappers and the other well-known types are messages like any others. Fields that the
descriptor does not know, and extensions, are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from dure.data.readers.tf_example import Parsed
from dure.data.readers.tfrecord import HEADER, Block, again, is_framed, plain, read_blocks
from dure.errors import DataError, MissingExtraError, UsageError, nearest

_CHUNK = 1 << 24


class Messages:
    """Reads records of one message type.

    Parameters
    ----------
    message : str
        ``"path/of/descriptor_set.pb:package.Message"``.

    Raises
    ------
    MissingExtraError
        protobuf is not installed.
    UsageError
        The file is no descriptor set, or has no such message.
    DataError
        The message contains itself, so that no type fits it.
    """

    def __init__(self, message: str) -> None:
        path, _, name = message.rpartition(":")
        self._class = _message_class(path, name)
        self._schema = _struct_of(self._class.DESCRIPTOR, ())

    def parse(self, block: Block) -> Parsed:
        """Return the records of a block as columns: one for each field of the message."""
        from google.protobuf.message import DecodeError

        rows: list[dict[str, Any]] = []
        refused: dict[int, str] = {}
        pairs = zip(block.starts.tolist(), block.stops.tolist(), strict=True)
        for index, (start, stop) in enumerate(pairs):
            try:
                rows.append(_row(self._class.FromString(block.data[start:stop])))
            except DecodeError as error:
                refused[index] = f"it is no {self._class.DESCRIPTOR.full_name}: {error}"
            except _TooLargeError as error:
                refused[index] = str(error)
        frame = pl.DataFrame(rows, schema={f.name: f.dtype for f in self._schema.fields})
        return Parsed(frame, refused)


def read_messages(stream: BinaryIO, name: str, *, block_bytes: int) -> Iterator[Block]:
    """Yield the records of a TFRecord file, or messages that each begin with their length.

    Which of the two it is, the first 12 bytes say: those of a TFRecord have a checksum.

    Raises
    ------
    DataError
        As `read_blocks`; or a length is broken, or the file ends in the middle of a message.
    """
    stream, head = plain(stream, name)
    while len(head) < HEADER and (more := stream.read(HEADER - len(head))):
        head += more
    if is_framed(head):
        yield from read_blocks(again(head, stream), name, block_bytes=block_bytes)
        return
    yield from _delimited(stream, head, name, block_bytes)


def _delimited(stream: BinaryIO, rest: bytes, name: str, block_bytes: int) -> Iterator[Block]:
    base = count = 0
    ended = False
    while not ended:
        piece = stream.read(min(max(block_bytes, len(rest)), _CHUNK))
        ended = not piece
        rest += piece
        at = 0
        starts: list[int] = []
        stops: list[int] = []
        while at < len(rest):
            length, begin = _length(rest, at, name, base, count + len(starts))
            if begin == 0 or begin + length > len(rest):
                break
            starts.append(begin)
            stops.append(begin + length)
            at = begin + length
        if starts:
            numbers = np.arange(count, count + len(starts), dtype=np.int64)
            begins, ends = np.array(starts, np.int64), np.array(stops, np.int64)
            yield Block(rest, begins, ends, numbers, base, header=0)
            count += len(starts)
        base, rest = base + at, rest[at:]
    if rest:
        raise DataError(
            f"'{name}' is cut off in message {count:,} at byte {base:,}",
            expected="a length, and a message of that many bytes",
            got=f"{len(rest):,} bytes, then the end of the file",
            fix="check that this is a TFRecord file or one of messages with their lengths",
        )


def _length(data: bytes, at: int, name: str, base: int, count: int) -> tuple[int, int]:
    """Return the varint at ``at`` and where it ends; 0: it does not end in ``data``."""
    value = 0
    for index, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80 and value < 1 << 31:
            return value, at + index + 1
    if len(data) - at < 5:
        return 0, 0
    raise DataError(
        f"'{name}', message {count:,} at byte {base + at:,}: its length is none",
        expected="a length below 2 GiB, which is the limit of protocol buffers",
        got=f"the bytes {data[at : at + 5].hex(' ')}",
        fix="check that this is a TFRecord file or one of messages with their lengths",
    )


def _message_class(path: str, name: str) -> Any:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingExtraError(
            "protobuf", extra="tfx", purpose="reading protocol buffers"
        ) from error
    pool = descriptor_pool.DescriptorPool()
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(Path(path).read_bytes())
        for file in files.file:
            pool.AddSerializedFile(file.SerializeToString())
        known = [full for file in files.file for full in _names(file.package, file.message_type)]
        if name not in known:
            raise UsageError(
                f"'{path}' has no message '{name}'",
                expected="the full name of a message, with its package",
                got=repr(name),
                fix=nearest(name, known),
            )
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    except (OSError, DecodeError, TypeError, KeyError) as error:
        raise UsageError(
            f"'{path}' cannot be read as a descriptor set",
            expected="a file of protoc --include_imports --descriptor_set_out=FILE.pb",
            got=f"{type(error).__name__}: {error}",
            fix="write it with protoc, and with --include_imports",
        ) from error


def _names(prefix: str, messages: Any) -> Iterator[str]:
    for message in messages:
        full = f"{prefix}.{message.name}" if prefix else message.name
        yield full
        yield from _names(full, message.nested_type)


class _TooLargeError(Exception):
    """A whole number that does not fit."""


def _repeated(field: Any) -> bool:
    # `label` is deprecated from protobuf 6.31 on, and `is_repeated` is not there before.
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return bool(field.label == field.LABEL_REPEATED)


def _map_entry(field: Any) -> bool:
    kind = field.message_type
    return kind is not None and bool(kind.GetOptions().map_entry)


def _struct_of(descriptor: Any, above: tuple[str, ...]) -> pl.Struct:
    if descriptor.full_name in above:
        raise DataError(
            f"the message '{descriptor.full_name}' contains itself",
            expected="a message of which a column can be made: its depth must be known",
            got=" in ".join(reversed([*above, descriptor.full_name])),
            fix="read a message that is not recursive, or flatten it where it is written",
        )
    inside = (*above, descriptor.full_name)
    return pl.Struct([pl.Field(f.name, _dtype(f, inside)) for f in descriptor.fields])


def _dtype(field: Any, above: tuple[str, ...]) -> pl.DataType:
    types: dict[int, pl.DataType] = {
        field.CPPTYPE_DOUBLE: pl.Float64(),
        field.CPPTYPE_FLOAT: pl.Float64(),
        field.CPPTYPE_BOOL: pl.Boolean(),
        field.CPPTYPE_ENUM: pl.String(),
    }
    if field.cpp_type == field.CPPTYPE_MESSAGE:
        found: pl.DataType = _struct_of(field.message_type, above)
    elif field.cpp_type == field.CPPTYPE_STRING:
        found = pl.Binary() if field.type == field.TYPE_BYTES else pl.String()
    else:
        found = types.get(field.cpp_type, pl.Int64())
    return pl.List(found) if _repeated(field) else found


def _row(message: Any) -> dict[str, Any]:
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields}


def _field(message: Any, field: Any) -> Any:
    if _map_entry(field):
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        found = getattr(message, field.name)
        return [
            {"key": _value(each, key), "value": _value(found[each], value)}
            for each in sorted(found)
        ]
    if _repeated(field):
        return [_value(each, field) for each in getattr(message, field.name)]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value(getattr(message, field.name), field)


def _value(value: Any, field: Any) -> Any:
    if field.cpp_type == field.CPPTYPE_MESSAGE:
        return _row(value)
    if field.cpp_type == field.CPPTYPE_ENUM:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if field.cpp_type == field.CPPTYPE_UINT64 and value >= 1 << 63:
        raise _TooLargeError(
            f"field '{field.full_name}' is {value}, which does not fit in 64 bits with a sign"
        )
    return value
