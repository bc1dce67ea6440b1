"""Arrow files, Arrow streams and Feather, record batch by record batch.

An Arrow file has an index at its end, and Polars reads slices of it. An Arrow stream has none:
messages are cut out of the bytes as they come, and Polars makes a frame of some of them at a time.
(The beginning of a file is a stream as well if pyarrow wrote it, but not if Polars did.)

A message: ``FFFFFFFF``, the length of its head (int32; before Arrow 0.15 this came first), the
head (a flatbuffer ``Message``), the body. See the Arrow columnar format, "IPC streaming format".
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.local_copy import local_file
from dure.data.readers.slices import batches_of, scanned, without_maps
from dure.errors import DataError, MissingExtraError

_FILE_MAGIC = b"ARROW1\0\0"
_WHOLE = "a whole Arrow file, which begins and ends with ARROW1"
_FEATHER_1 = b"FEA1"
_CONTINUES = b"\xff\xff\xff\xff"
_END = _CONTINUES + b"\0\0\0\0"
_SCHEMA, _DICTIONARY, _RECORDS = 1, 2, 3
_MAX_HEAD = 1 << 28


def read_arrow(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of an Arrow file, an Arrow stream or a Feather file.

    Memory is bounded by ``batch_bytes`` or by the largest record batch that was written,
    whichever is more: a record batch cannot be read in parts. Feather of version 1 needs the
    extra ``arrow`` and is read as a whole.

    Parameters
    ----------
    location : Location
        The file.
    options : ReadOptions
        ``batch_bytes`` counts.

    Raises
    ------
    DataError
        It is none of these, is cut off, or has a type that Polars cannot hold.
    MissingExtraError
        It is Feather of version 1, and pyarrow is not installed.
    """
    with location.open() as stream:
        begin = stream.read(len(_FILE_MAGIC))
        if begin != _FILE_MAGIC and not begin.startswith(_FEATHER_1):
            messages = _messages(_Stream(stream, begin), location)
            yield from _batches(messages, location, options.batch_bytes)
            return
    if begin == _FILE_MAGIC:
        with local_file(location) as path:
            scan = pl.scan_ipc(path, glob=False, hive_partitioning=False)
            yield from scanned(scan, location, "Arrow", _WHOLE, options)
    else:
        yield from batches_of(_feather_1(location), options.batch_bytes)


class _Stream:
    """A stream of which some bytes were read before, and which knows where it is."""

    def __init__(self, stream: BinaryIO, begun: bytes) -> None:
        self._stream, self._begun = stream, begun
        self.at = 0

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, or what there is up to the end."""
        data, self._begun = self._begun[:size], self._begun[size:]
        if len(data) < size:
            rest = self._stream.read(size - len(data))
            data = data + rest if data else rest
        self.at += len(data)
        return data


@dataclass(frozen=True)
class _Message:
    kind: int
    raw: bytes
    rows: int  # of a record batch
    key: int  # of a dictionary
    is_delta: bool
    offset: int


def _batches(messages: Iterator[_Message], location: Location, size: int) -> Iterator[Batch]:
    """Yield a batch for each few record batches that are about ``size`` together."""
    schema, dictionaries = b"", dict[int, bytes]()
    waiting: list[_Message] = []
    given = False
    for message in messages:
        if message.kind == _SCHEMA:
            schema = message.raw
        elif message.kind == _DICTIONARY:
            # What waits was written with the dictionary as it was before.
            yield from _decoded(schema, dictionaries, waiting, location, size)
            given, waiting = given or bool(waiting), []
            before = dictionaries.get(message.key, b"") if message.is_delta else b""
            dictionaries[message.key] = before + message.raw
        elif message.kind == _RECORDS:
            waiting.append(message)
            if sum(len(each.raw) for each in waiting) >= size:
                yield from _decoded(schema, dictionaries, waiting, location, size)
                given, waiting = True, []
    if waiting or not given:
        yield from _decoded(schema, dictionaries, waiting, location, size, empty=True)


def _decoded(
    schema: bytes,
    dictionaries: dict[int, bytes],
    records: list[_Message],
    location: Location,
    size: int,
    *,
    empty: bool = False,
) -> Iterator[Batch]:
    if not records and not empty:
        return
    parts = [schema, *dictionaries.values(), *(each.raw for each in records), _END]
    try:
        frame = without_maps(pl.read_ipc_stream(io.BytesIO(b"".join(parts))))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        where = f", byte {records[0].offset:,}" if records else ""
        raise DataError(
            f"'{location.url}'{where}: a record batch cannot be read",
            expected="Arrow data of types that Polars has",
            got=next(iter(str(error).splitlines()), type(error).__name__)[:300],
            fix="write the file again; if it is whole, write the column as a plain type",
        ) from error
    expected = sum(each.rows for each in records)
    if frame.height != expected:
        raise DataError(
            f"'{location.url}': rows were lost or made while reading",
            expected=f"{expected:,} rows, as the heads of the record batches say",
            got=f"{frame.height:,}",
        )
    yield from batches_of(frame, size)


def _messages(stream: _Stream, location: Location) -> Iterator[_Message]:
    """Yield the messages of a stream up to its end mark."""
    first = True
    while True:
        offset = stream.at
        mark = stream.read(4)
        if not mark and not first:
            return  # a stream may end without a mark
        start = mark if mark == _CONTINUES else b""
        if start:
            mark = stream.read(4)
        length = int.from_bytes(mark, "little", signed=True)
        if len(mark) == 4 and not length and not first:
            return
        if len(mark) < 4 or not 8 <= length <= _MAX_HEAD:
            raise _no_arrow(location, offset, first=first)
        head = stream.read(length)
        try:
            message, body_length = _parsed(head, offset)
        except (struct.error, ValueError) as error:
            raise _no_arrow(location, offset, first=first) from error
        if first and message.kind != _SCHEMA:
            raise _no_arrow(location, offset, first=True)
        body = stream.read(body_length)
        if len(head) < length or len(body) < body_length:
            raise _no_arrow(location, offset, first=False)
        yield replace(message, raw=b"".join([start, mark, head, body]))
        first = False


def _parsed(head: bytes, offset: int) -> tuple[_Message, int]:
    """Return what the flatbuffer of a message says, without its bytes, and the body's length."""
    root = _number(head, 0, "<I")
    kind = _field(head, root, 1, "<B")
    table_at = _place(head, root, 2)
    body = _field(head, root, 3, "<q")
    if kind > 5 or table_at is None or body < 0:
        raise ValueError("no message")
    table = table_at + _number(head, table_at, "<I")
    rows = _field(head, table, 0, "<q") if kind == _RECORDS else 0
    key = _field(head, table, 0, "<q") if kind == _DICTIONARY else 0
    is_delta = bool(_field(head, table, 2, "<B")) if kind == _DICTIONARY else False
    return _Message(kind, b"", rows, key, is_delta, offset), body


def _place(data: bytes, table: int, field: int) -> int | None:
    """Return where field number ``field`` of a flatbuffer's table stands, or None: its default."""
    vtable = table - _number(data, table, "<i")
    if vtable < 0 or 4 + 2 * field >= _number(data, vtable, "<H"):
        return None
    inside = _number(data, vtable + 4 + 2 * field, "<H")
    return table + inside if inside else None


def _field(data: bytes, table: int, field: int, form: str) -> int:
    place = _place(data, table, field)
    return 0 if place is None else _number(data, place, form)


def _number(data: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from(form, data, at)[0])


def _no_arrow(location: Location, offset: int, *, first: bool) -> DataError:
    if first:
        return DataError(
            f"'{location.url}' cannot be read as Arrow",
            expected="an Arrow file (begins with ARROW1), an Arrow stream, or Feather",
            got=f"{location.size():,} bytes that begin in another way",
            fix="if it is of another format, say which: format=…",
        )
    return DataError(
        f"'{location.url}' breaks off, or is damaged, at byte {offset:,}",
        expected="a whole message of Arrow",
        got="fewer bytes, or bytes that are no message",
        fix="write or copy the file again",
    )


def _feather_1(location: Location) -> pl.DataFrame:
    try:
        import pyarrow as pa
        from pyarrow import feather
    except ImportError as error:
        raise MissingExtraError(
            "pyarrow", extra="arrow", purpose=f"'{location.url}' is Feather of version 1, which"
        ) from error
    try:
        # pyarrow warns that it will not read version 1 for ever; nothing is to be done here.
        with local_file(location) as path, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            table = feather.read_table(path, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"'{location.url}' cannot be read as Feather of version 1",
            expected="a whole file, and a pyarrow that still reads this version",
            got=f"{error}",
            fix="write it anew with version 2 (what pyarrow and pandas write by default), or Parquet",
        ) from error
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return without_maps(frame)
