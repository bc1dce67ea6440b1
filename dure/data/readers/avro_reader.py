"""Avro object container files, block by block.

The container is cut here, which gives each block's offset and its own count of records, and each
block is decompressed. What is in them is decoded by Polars if it knows all types of the schema,
else by fastavro (extra ``avro``), which takes some twenty times as long.

The format: Apache Avro specification, "Object Container Files".
"""

from __future__ import annotations

import bz2
import io
import json
import lzma
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.avro_types import NoTypeError, polars_reads, type_of_schema
from dure.data.readers.slices import FAULTS, batches_of
from dure.errors import DataError, MissingExtraError

_MAGIC = b"Obj\x01"
_SYNC = 16
_LARGEST = 1 << 31  # bytes of a block


def read_avro(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of an Avro file.

    Maps become lists of ``struct[key, value]``; a union of several types becomes a struct with a
    field for each (`dure.data.readers.avro_types` has the table). Memory is bounded by ``batch_bytes``
    or by the largest block that was written, whichever is more.

    Parameters
    ----------
    location : Location
        The file.
    options : ReadOptions
        ``batch_bytes`` counts.

    Raises
    ------
    DataError
        It is no Avro file, breaks off, or a block is damaged; the message has its byte offset.
    MissingExtraError
        A package for its types or its compression is not installed.
    """
    with location.open() as stream:
        file = _File(stream, location)
        waiting: list[_Block] = []
        given = False
        for block in file.blocks():
            waiting.append(block)
            if sum(len(each.data) for each in waiting) >= options.batch_bytes:
                yield from batches_of(file.decoded(waiting), options.batch_bytes)
                waiting, given = [], True
        if waiting or not given:
            yield from batches_of(file.decoded(waiting), options.batch_bytes)


@dataclass(frozen=True)
class _Block:
    offset: int
    records: int
    data: bytes  # decompressed


class _File:
    """A container: its header, its blocks, and what decodes them."""

    def __init__(self, stream: BinaryIO, location: Location) -> None:
        self._stream, self._location, self._at = stream, location, 0
        if self._take(len(_MAGIC)) != _MAGIC:
            raise self._no_avro("other bytes at its beginning")
        try:
            meta = self._metadata()
            self._sync = self._exactly(_SYNC)
            self._schema = json.loads(meta["avro.schema"])
        except (EOFError, KeyError, ValueError) as error:
            raise self._no_avro(f"a header that is not whole: {error}") from error
        self._codec = meta.get("avro.codec", b"null").decode(errors="replace")
        self._header = _header(meta["avro.schema"], self._sync)
        self._fast = _is_record(self._schema) and polars_reads(self._schema)

    def blocks(self) -> Iterator[_Block]:
        """Yield the blocks, decompressed."""
        while True:
            offset = self._at
            try:
                records = self._long(end_is_fine=True)
                if records is None:
                    return
                data = self._body(records)
                yield _Block(offset, records, _decompressed(data, self._codec, self._location))
            except EOFError as error:
                raise DataError(
                    f"'{self._location.url}' breaks off in the block at byte {offset:,}",
                    expected="a whole block, with a marker at its end",
                    got=f"{self._at - offset:,} bytes of it",
                    fix="write or copy the file again",
                ) from error
            except (ValueError, zlib.error, OSError, lzma.LZMAError) as error:
                raise self._damaged(offset, error) from error

    def _body(self, records: int) -> bytes:
        """Return the data of a block, whose number of records was read before."""
        size = self._long() or 0
        if records < 0 or not 0 <= size < _LARGEST:
            raise ValueError(f"{records:,} records in {size:,} bytes")
        data = self._exactly(size)
        if self._exactly(_SYNC) != self._sync:
            raise ValueError("no marker at its end")
        return data

    def decoded(self, blocks: list[_Block]) -> pl.DataFrame:
        """Return the records of some blocks."""
        if self._fast and blocks:
            try:
                frame = pl.read_avro(io.BytesIO(self._container(blocks)))
            except FAULTS:
                frame = pl.DataFrame()  # fastavro says in which block it is
            if frame.height == sum(block.records for block in blocks):
                return frame
        return self._slowly(blocks)

    def _slowly(self, blocks: list[_Block]) -> pl.DataFrame:
        fastavro = _fastavro(self._location)
        try:
            schema = fastavro.schema.expand_schema(self._schema)
            fields = schema["fields"] if _is_record(schema) else [{"name": "value", "type": schema}]
            types = {field["name"]: type_of_schema(field["type"]) for field in fields}
        except (NoTypeError, KeyError, fastavro.schema.SchemaParseException) as error:
            raise DataError(
                f"'{self._location.url}' has a schema that is no table",
                expected="a schema of Avro whose records do not hold themselves",
                got=f"{error}",
                fix="write the rows without that field, or as JSON text",
            ) from error
        frames = [self._records(block, types, fastavro) for block in blocks]
        empty = pl.DataFrame(schema={name: dtype for name, (dtype, _) in types.items()})
        return pl.concat(frames) if frames else empty

    def _records(self, block: _Block, types: dict[str, Any], fastavro: Any) -> pl.DataFrame:
        try:
            reader = fastavro.reader(
                io.BytesIO(self._container([block])),
                return_record_name=True,
                return_record_name_override=True,
            )
            records = list(reader)
        except Exception as error:
            # Which one comes depends on what the damaged bytes happen to mean.
            raise self._damaged(block.offset, error) from error
        if not _is_record(self._schema):
            records = [{"value": record} for record in records]
        columns = []
        for name, (dtype, convert) in types.items():
            values = [record[name] for record in records]
            if convert is not None:
                values = [None if value is None else convert(value) for value in values]
            columns.append(pl.Series(name, values, dtype))
        return pl.DataFrame(columns)

    def _container(self, blocks: list[_Block]) -> bytes:
        """Return some blocks as a file of their own, without compression."""
        parts = [self._header]
        for block in blocks:
            parts += [_varint(block.records), _varint(len(block.data)), block.data, self._sync]
        return b"".join(parts)

    def _metadata(self) -> dict[str, bytes]:
        meta: dict[str, bytes] = {}
        while count := self._long():
            if count < 0:
                self._long()  # the size of the entries, which nothing needs
            for _ in range(abs(count)):
                key = self._exactly(self._length()).decode()
                meta[key] = self._exactly(self._length())
        return meta

    def _length(self) -> int:
        length = self._long() or 0
        if not 0 <= length < _LARGEST:
            raise ValueError(f"a length of {length:,}")
        return length

    def _long(self, *, end_is_fine: bool = False) -> int | None:
        """Return a number in Avro's zigzag coding of variable length."""
        value = shift = 0
        while True:
            byte = self._take(1)
            if not byte and end_is_fine and not shift:
                return None
            if not byte:
                raise EOFError("the file ends within a number")
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._at += len(data)
        return data

    def _exactly(self, size: int) -> bytes:
        data = self._take(size)
        if len(data) < size:
            raise EOFError(f"{size:,} bytes should follow, and {len(data):,} do")
        return data

    def _no_avro(self, got: str) -> DataError:
        return DataError(
            f"'{self._location.url}' cannot be read as Avro",
            expected="an Avro object container file, which begins with 'Obj' and the byte 1",
            got=got,
            fix="write or copy the file again; if it is of another format, say which: format=…",
        )

    def _damaged(self, offset: int, error: Exception) -> DataError | MissingExtraError:
        if isinstance(error, DataError | MissingExtraError):
            return error
        return DataError(
            f"'{self._location.url}': the block at byte {offset:,} is damaged",
            expected="a block of whole records that fit the schema",
            got=f"{type(error).__name__}: {error}",
            fix="write or copy the file again",
        )


def _is_record(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") in ("record", "error")


def _header(schema: bytes, sync: bytes) -> bytes:
    """Return the header of a container that is not compressed."""
    entry = _varint(len("avro.schema")) + b"avro.schema" + _varint(len(schema)) + schema
    return _MAGIC + _varint(1) + entry + _varint(0) + sync


def _varint(value: int) -> bytes:
    value, out = value << 1, bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _decompressed(data: bytes, codec: str, location: Location) -> bytes:
    if codec == "null":
        return data
    if codec == "deflate":
        return zlib.decompress(data, -zlib.MAX_WBITS)
    if codec == "bzip2":
        return bz2.decompress(data)
    if codec == "xz":
        return lzma.decompress(data)
    if codec == "snappy":
        return _snappy(data, location)
    if codec == "zstandard":
        arrow = _pyarrow(location, codec)
        return bytes(arrow.CompressedInputStream(arrow.BufferReader(data), "zstd").read())
    raise DataError(
        f"'{location.url}' is compressed in an unknown way",
        expected="null, deflate, snappy, bzip2, xz or zstandard",
        got=codec,
        fix="write it with one of these",
    )


def _snappy(data: bytes, location: Location) -> bytes:
    arrow = _pyarrow(location, "snappy")
    packed, check = data[:-4], data[-4:]
    size = shift = 0
    for byte in packed[:5]:  # the length comes first
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    plain = bytes(arrow.decompress(packed, size, codec="snappy", asbytes=True))
    if struct.pack(">I", zlib.crc32(plain)) != check:
        raise ValueError("its checksum is another one")
    return plain


def _pyarrow(location: Location, codec: str) -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtraError(
            "pyarrow", extra="avro", purpose=f"'{location.url}', which {codec} compresses,"
        ) from error
    return pa


def _fastavro(location: Location) -> Any:
    try:
        import fastavro
        import fastavro.schema
    except ImportError as error:
        raise MissingExtraError(
            "fastavro", extra="avro", purpose=f"'{location.url}', with types that it has,"
        ) from error
    return fastavro
