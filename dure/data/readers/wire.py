"""Protocol buffers in bulk: the wire format of many messages read at once, with NumPy.

All messages of a block are walked in step: the first field of each, then the second of each, and
so on, so that one call of NumPy moves on thousands of messages. Where few are left they are walked
one by one. What comes out are positions in the bytes of the block; nothing is copied.

Notation: a *span* is a pair of arrays ``start, stop`` of positions; ``tag`` is the byte that begins
a field, ``number << 3 | wire type``; wire type 2 is "length, then bytes".

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dure.data.readers.tfrecord import Ints, little_endian

_FEW = 24  # messages for which a step of NumPy costs as much as a loop in Python
_STOPS = np.uint64(0x8080808080808080)
_TOO_LONG = np.int64(1) << 40  # further than any block: a varint that does not end

Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Wire:
    """The bytes of a block, seen as numbers that begin at any byte.

    Parameters
    ----------
    data : bytes
        The block. 16 zeros are put after it, so that words may be read at its end.

    Attributes
    ----------
    u1, f4, u8 : arrays
        Item ``i`` is the byte, float32 or uint64 that begins at byte ``i``.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data + bytes(16)
        self.u1 = np.frombuffer(self.data, np.uint8)
        self.f4 = little_endian(self.data, "<f4")
        self.u8 = little_endian(self.data, "<u8")

    def varints(self, at: Ints) -> tuple[Ints, Ints]:
        """Return the varint that begins at each position, and the position after it.

        One that does not end after 10 bytes has a position after it that lies behind any block.
        """
        first = self.u1.take(at)
        values = first.astype(np.int64)
        after = at + 1
        longer = first > 0x7F
        if longer.any():
            where = np.flatnonzero(longer)
            values[where], size = self._long(at[where])
            after[where] += size - 1
        return values, after

    def _long(self, at: Ints) -> tuple[Ints, Ints]:
        word = self.u8[at]
        stops = ~word & _STOPS
        lowest = stops & -stops  # the stop bit of the last byte, or 0: it is longer than 8 bytes
        kept = word & (lowest ^ (lowest - np.uint64(1)))  # all up to that bit
        values = _squeezed(kept)
        # A power of two is exact as a float64, whose exponent is the place of its bit.
        place = (lowest.astype(np.float64).view(np.int64) >> 52) - 1023
        size = (place >> 3) + 1
        for index in np.flatnonzero(lowest == 0).tolist():
            values[index], size[index] = self._longest(int(at[index]))
        return values.view(np.int64), size

    def _longest(self, at: int) -> tuple[np.uint64, np.int64]:
        value = 0
        for size, byte in enumerate(self.data[at : at + 10]):
            value |= (byte & 0x7F) << 7 * size
            if byte < 0x80:
                return np.uint64(value & (1 << 64) - 1), np.int64(size + 1)
        return np.uint64(0), _TOO_LONG

    def packed(self, start: Ints, stop: Ints) -> tuple[Ints, Ints, Mask]:
        """Return the varints that fill each span: values, how many in each, and which are bad."""
        flat = self.gathered(start, stop)
        ends = flat < 0x80
        last = np.flatnonzero(ends)
        bad = np.zeros(start.size, np.bool_)
        sizes = stop - start
        bounds = np.concatenate(([0], np.cumsum(sizes)))
        counts = np.diff(np.searchsorted(last, bounds))
        full = sizes > 0
        bad[full] = self.u1[stop[full] - 1] > 0x7F
        if bad.any():
            return last, counts, bad
        begin = np.concatenate(([0], last[:-1] + 1)) if last.size else last
        wide = last - begin > 9
        if wide.any():
            bad[np.searchsorted(bounds, last[wide], side="right") - 1] = True
        values, _ = Wire(flat.tobytes()).varints(begin.astype(np.int64))
        return values, counts, bad

    def gathered(self, start: Ints, stop: Ints) -> Any:
        """Return the bytes of all spans, one after the other: a uint8 array."""
        sizes = stop - start
        total = int(sizes.sum())
        if total > 128 * start.size:
            pairs = zip(start.tolist(), stop.tolist(), strict=True)
            return np.frombuffer(b"".join(self.data[a:b] for a, b in pairs), np.uint8)
        shift = np.repeat(start - (np.cumsum(sizes) - sizes), sizes)
        return self.u1.take(shift + np.arange(total))


@dataclass(frozen=True)
class Fields:
    """The fields of many messages.

    Parameters
    ----------
    owner : int64 array of shape (fields,)
        The message of each. Fields of one message are in their order; messages are mixed.
    tag : uint8 array of shape (fields,)
        What each begins with.
    start, stop : int64 arrays of shape (fields,)
        The span of the value of each.
    bad : bool array of shape (messages,)
        The messages with something else in them, or that are broken.
    """

    owner: Ints
    tag: Any
    start: Ints
    stop: Ints
    bad: Mask


def fields(wire: Wire, start: Ints, stop: Ints, tags: tuple[int, ...]) -> Fields:
    """Return the fields of messages that have only fields with these tags, of wire type 2.

    Parameters
    ----------
    wire : Wire
        The block.
    start, stop : int64 arrays of shape (messages,)
        The span of each message.
    tags : tuple of int
        What a field may begin with.
    """
    bad = np.zeros(start.size, np.bool_)
    known = np.zeros(256, np.bool_)
    known[list(tags)] = True
    found: list[tuple[Any, ...]] = []
    active = np.flatnonzero(start < stop)
    at, end = start[active], stop[active]
    while active.size > _FEW:
        tag = wire.u1.take(at)
        length, begin = wire.varints(at + 1)
        good = known.take(tag) & (length >= 0) & (length <= end - begin)
        if not good.all():
            bad[active[~good]] = True
            active, tag, begin = active[good], tag[good], begin[good]
            length, end = length[good], end[good]
        after = begin + length
        found.append((active, tag, begin, after))
        more = after < end
        if more.all():
            at = after
        else:
            active, at, end = active[more], after[more], end[more]
    found += _one_by_one(wire, active, at, end, known, bad)
    columns = zip(*found, strict=True) if found else ([np.zeros(0, np.int64)],) * 4
    owner, tag, begin, after = (np.concatenate(column) for column in columns)
    return Fields(owner, tag, begin, after, bad)


def _one_by_one(
    wire: Wire, active: Ints, at: Ints, end: Ints, known: Mask, bad: Mask
) -> list[tuple[Any, ...]]:
    rows: list[tuple[int, int, int, int]] = []
    data, allowed = wire.data, frozenset(np.flatnonzero(known).tolist())
    for message, begin, stop in zip(active.tolist(), at.tolist(), end.tolist(), strict=True):
        place = begin
        while place < stop:
            tag, length, place = data[place], data[place + 1], place + 2
            shift = 7
            while length >> shift and shift < 70:  # the last byte said that one more follows
                length = length & (1 << shift) - 1 | data[place] << shift
                place, shift = place + 1, shift + 7
            if tag not in allowed or length > stop - place:
                bad[message] = True
                break
            rows.append((message, tag, place, place + length))
            place += length
    if not rows:
        return []
    table = np.array(rows, np.int64)
    return [(table[:, 0], table[:, 1].astype(np.uint8), table[:, 2], table[:, 3])]


def _squeezed(x: Any) -> Any:
    """Return what the low 7 bits of each of 8 bytes make together: 56 bits."""
    x = x & np.uint64(0x7F7F7F7F7F7F7F7F)
    x = x & np.uint64(0x007F007F007F007F) | (x & np.uint64(0x7F007F007F007F00)) >> np.uint64(1)
    x = x & np.uint64(0x00003FFF00003FFF) | (x & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2)
    return x & np.uint64(0x000000000FFFFFFF) | (x & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4)
