"""The framing of TFRecord files: records with checksums, read in blocks and written.

One record is, in little-endian order::

    uint64  length
    uint32  masked CRC-32C of the 8 bytes above
    byte    data[length]
    uint32  masked CRC-32C of the data

Source: ``tensorflow/core/lib/io/record_writer.h``. The mask is that of LevelDB's log format.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, cast

import google_crc32c
import numpy as np

from dure.data.compressed import Checked, decompressed
from dure.errors import DataError

HEADER = 12  # bytes before the data of a record
FOOTER = 4
_CHUNK = 1 << 24  # no more is asked for at once, whatever a length says
_GZIP = b"\x1f\x8b\x08"
_MASK = 0xA282EAD8

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Broken:
    """A record whose bytes are not what was written.

    Parameters
    ----------
    record : int
        Its number in the file, from 0.
    offset : int
        The byte, after decompression, at which the record begins.
    reason : str
        What is wrong with it.
    """

    record: int
    offset: int
    reason: str


@dataclass(frozen=True)
class Block:
    """Some records of one file, one after another.

    Parameters
    ----------
    data : bytes
        The bytes in which they lie.
    starts, stops : int64 arrays of shape (records,)
        Where the data of each begins and ends in ``data``. Records in ``broken`` are not here.
    numbers : int64 array of shape (records,)
        The number of each in the file, from 0.
    base : int
        The byte of the file, after decompression, that ``data`` begins with.
    broken : tuple of Broken
        The records whose data does not fit its checksum.
    header : int
        How many bytes stand before the data of a record.
    """

    data: bytes
    starts: Ints
    stops: Ints
    numbers: Ints
    base: int
    broken: tuple[Broken, ...] = ()
    header: int = HEADER


def read_blocks(stream: BinaryIO, name: str, *, block_bytes: int) -> Iterator[Block]:
    """Yield the records of a TFRecord file in blocks.

    Parameters
    ----------
    stream : binary file
        What is read; gzip is recognised by its first bytes.
    name : str
        What to call it in messages.
    block_bytes : int
        About how many bytes one block has; a longer record is a block of its own.

    Raises
    ------
    DataError
        The file ends in the middle of a record, or a length does not fit its checksum: where the
        next record begins is then unknown, so nothing after it is read.
    """
    stream, rest = plain(stream, name)
    base = count = 0
    ended = False
    want = block_bytes
    while not ended:
        rest, ended = _fill(stream, rest, max(want, len(rest) + 1))
        at, starts, want = _hop(rest, name, base, count, block_bytes)
        if starts.size:
            yield _checked(rest, starts, base, count)
            count += starts.size
        base += at
        rest = rest[at:]
    if rest:
        raise _cut_off(rest, name, base, count)


def is_framed(head: bytes) -> bool:
    """Say whether ``head`` begins with a length and the checksum that belongs to it."""
    return len(head) >= HEADER and masked_crc(head[:8]) == int.from_bytes(head[8:12], "little")


def framed(data: bytes) -> bytes:
    """Return ``data`` as one record.

    >>> len(framed(b"abc"))
    19
    """
    length = struct.pack("<Q", len(data))
    return b"".join(
        (
            length,
            struct.pack("<I", masked_crc(length)),
            data,
            struct.pack("<I", masked_crc(data)),
        )
    )


def masked_crc(data: bytes) -> int:
    """Return the masked CRC-32C of ``data``.

    >>> hex(masked_crc(bytes(8)))
    '0x7980329'
    """
    crc = int(google_crc32c.value(data))
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def masked_crcs(lengths: Ints) -> Any:
    """Return the masked CRC-32C of each length as 8 bytes: a uint32 array."""
    # A CRC is linear over GF(2): that of 8 bytes is that of 8 zeros, with what each byte that is
    # not zero changes. Lengths are small, so most of the bytes need not be looked at.
    crc = np.full(lengths.shape, _zeros(), np.uint32)
    left, place = lengths.astype(np.uint64), 0
    while left.any():
        crc ^= _changes(place).take((left & np.uint64(0xFF)).astype(np.intp))
        left, place = left >> np.uint64(8), place + 1
    return mask(crc)


def mask(crc: Any) -> Any:
    """Return the masked form of an array of checksums (uint32)."""
    turned = crc >> np.uint32(15) | crc << np.uint32(17)
    return turned + np.uint32(_MASK)  # modulo 2^32: arrays wrap around


def crcs(data: bytes, starts: Ints, stops: Ints) -> Any:
    """Return the CRC-32C of each part of ``data``: a uint32 array."""
    value = google_crc32c.value
    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    return np.array([value(data[start:stop]) for start, stop in pairs], np.uint32)


def little_endian(data: bytes, dtype: str) -> Any:
    """Return ``data`` as an array whose item ``i`` is the number that begins at byte ``i``.

    It copies nothing: neighbours overlap. ``data`` must be at least as long as one number.
    """
    size = np.dtype(dtype).itemsize
    return np.ndarray((max(len(data) - size + 1, 0),), dtype=dtype, buffer=data, strides=(1,))


@cache
def _zeros() -> int:
    return int(google_crc32c.value(bytes(8)))


@cache
def _changes(place: int) -> Any:
    """Return by how much each value of byte ``place`` of 8 changes their CRC."""
    values = [
        google_crc32c.value(bytes(place) + bytes([byte]) + bytes(7 - place)) ^ _zeros()
        for byte in range(256)
    ]
    return np.array(values, np.uint32)


def plain(stream: BinaryIO, name: str) -> tuple[BinaryIO, bytes]:
    """Return a stream of what is not compressed, and what was already read of it.

    gzip is recognised by its first bytes. The length of a record may look like them; the
    checksum after it then says that it is a length.
    """
    head = stream.read(HEADER)
    if not head.startswith(_GZIP) or is_framed(head):
        return stream, head
    inside = Checked(decompressed(again(head, stream), ".gz", name), name, ".gz")
    return cast("BinaryIO", io.BufferedReader(inside, 1 << 20)), b""


def again(head: bytes, stream: BinaryIO) -> BinaryIO:
    """Return a stream that begins with ``head``, which was read from ``stream`` before."""
    return cast("BinaryIO", _Again(head, stream))


class _Again(io.RawIOBase):
    """A stream of which the beginning was read, from its beginning."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            size = len(self._head) if size < 0 else size  # as much as is there: like a pipe
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)


def _fill(stream: BinaryIO, rest: bytes, want: int) -> tuple[bytes, bool]:
    """Return at least ``want`` bytes, of which ``rest`` are the first, or all that are left."""
    pieces, have = [rest], len(rest)
    while have < want:
        piece = stream.read(min(want - have, _CHUNK))
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
        have += len(piece)
    return b"".join(pieces), False


def _hop(data: bytes, name: str, base: int, count: int, block_bytes: int) -> tuple[int, Ints, int]:
    """Return where the whole records end, where each begins, and how many bytes are needed next."""
    unpack = struct.Struct("<Q").unpack_from
    at, end, starts = 0, len(data) - HEADER, []
    while at <= end:
        (length,) = unpack(data, at)
        after = at + HEADER + length + FOOTER
        if after > len(data):
            break
        starts.append(at)
        at = after
    found = np.array(starts, np.int64)
    if found.size:
        _check_lengths(data, found, name, base, count)
    want = block_bytes
    if at <= end:  # a length whose record is not all there yet: is it to be believed?
        _check_lengths(data, np.array([at], np.int64), name, base, count + len(starts))
        want = max(want, after - at)
    return at, found, want


def _check_lengths(data: bytes, starts: Ints, name: str, base: int, count: int) -> None:
    lengths = little_endian(data, "<u8")[starts]
    wrong = masked_crcs(lengths) != little_endian(data, "<u4")[starts + 8]
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    offset = base + int(starts[first])
    record = count + first
    raise DataError(
        f"'{name}', record {record:,} at byte {offset:,}: its length does not fit its checksum",
        expected="the length of a record, and the CRC-32C of it",
        got=f"a length of {int(lengths[first]):,} bytes, with another checksum",
        fix="write or copy the file again; what follows cannot be found"
        if record
        else "check that this is a TFRecord file; if it is, write or copy it again",
    )


def _checked(data: bytes, starts: Ints, base: int, count: int) -> Block:
    lengths = little_endian(data, "<u8")[starts].astype(np.int64)
    begin = starts + HEADER
    stops = begin + lengths
    wrong = mask(crcs(data, begin, stops)) != little_endian(data, "<u4")[stops]
    numbers = np.arange(count, count + starts.size, dtype=np.int64)
    if not wrong.any():
        return Block(data, begin, stops, numbers, base)
    broken = tuple(
        Broken(
            count + index,
            base + int(starts[index]),
            f"its {int(lengths[index]):,} bytes do not fit their checksum (CRC-32C)",
        )
        for index in np.flatnonzero(wrong).tolist()
    )
    good = ~wrong
    return Block(data, begin[good], stops[good], numbers[good], base, broken)


def _cut_off(rest: bytes, name: str, base: int, count: int) -> DataError:
    if len(rest) < HEADER:
        expected = f"the {HEADER} bytes with which a record begins"
    else:
        length = int.from_bytes(rest[:8], "little")
        expected = f"a record of {length:,} bytes, {HEADER + length + FOOTER:,} with its frame"
    return DataError(
        f"'{name}' is cut off in record {count:,} at byte {base:,}",
        expected=expected,
        got=f"{len(rest):,} bytes, then the end of the file",
        fix="write or copy the file again"
        if count
        else "check that this is a TFRecord file; if it is, write or copy it again",
    )
