"""The names of features, and which of them stands at a place in a block."""

from __future__ import annotations

import numpy as np

from dure.data.readers.tfrecord import Ints
from dure.data.readers.wire import Wire
from dure.errors import DataError

LIMIT = 65_535
_BY_HAND = 256  # names looked up in Python before the table is made anew
_MIXES = tuple(
    np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
)
_KEEP = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)


class Names:
    """The names that were met so far, each with a number.

    Attributes
    ----------
    known : set of str
        Those of features of records that could be read.
    kinds : dict of str to int
        The tag of the list in which a feature has its values, once one was seen.
    """

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.kinds: dict[str, int] = {}
        self._numbers: dict[bytes, int] = {}
        self._names: list[str] = []
        self._raw: list[bytes] = []
        self._hashes = self._order = self._sizes = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, number: int) -> str:
        return self._names[number]

    def ids(self, wire: Wire, start: Ints, size: Ints) -> Ints:
        """Return the number of the name at each place; -1: it is no UTF-8.

        Parameters
        ----------
        wire : Wire
            The block.
        start, size : int64 arrays of shape (places,)
            Where each name begins, and how many bytes it has.
        """
        found = np.full(start.size, -1, np.int64)
        left = np.arange(start.size)
        while left.size:
            if self._names:
                found[left] = self._look_up(wire, start[left], size[left])
                left = left[found[left] < 0]
            by_hand, left = left[:_BY_HAND], left[_BY_HAND:]
            for index in by_hand.tolist():
                at = int(start[index])
                found[index] = self._number(wire.data[at : at + int(size[index])])
            self._make_table()
        return found

    def _number(self, raw: bytes) -> int:
        number = self._numbers.get(raw)
        if number is not None:
            return number
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            return -1
        if len(self._names) == LIMIT:
            raise DataError(
                f"there are more than {LIMIT:,} features",
                expected="records that have the same features",
                got=f"one more: {name!r}",
                fix="if the names are data, write them as values of one feature",
            )
        self._numbers[raw] = len(self._names)
        self._names.append(name)
        self._raw.append(raw)
        return len(self._names) - 1

    def _make_table(self) -> None:
        if len(self._order) == len(self._raw):
            return
        wire = Wire(b"".join(self._raw))
        self._sizes = np.array([len(raw) for raw in self._raw], np.int64)
        start = np.cumsum(self._sizes) - self._sizes
        hashes = _hashes(wire, start, self._sizes)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def _look_up(self, wire: Wire, start: Ints, size: Ints) -> Ints:
        hashes = _hashes(wire, start, size)
        place = np.searchsorted(self._hashes, hashes)
        place[place == self._hashes.size] = 0
        found = self._order.take(place)
        same = (self._hashes.take(place) == hashes) & (self._sizes.take(found) == size)
        found[~same] = -1
        for number in np.flatnonzero(self._sizes > 16).tolist():
            self._check_middle(wire, start, found, number)
        return found

    def _check_middle(self, wire: Wire, start: Ints, found: Ints, number: int) -> None:
        """Unset places of long names whose bytes between the first and last 8 differ."""
        raw = self._raw[number]
        where = np.flatnonzero(found == number)
        for at in range(8, len(raw) - 8, 8):
            word = np.uint64(int.from_bytes(raw[at : at + 8], "little"))
            found[where[wire.u8[start[where] + at] != word]] = -1


def _hashes(wire: Wire, start: Ints, size: Ints) -> Ints:
    """Return a number for each name that depends on its size, its first and its last 8 bytes."""
    keep = _KEEP.take(np.minimum(size, 8))
    first = wire.u8[start] & keep
    last = wire.u8[start + np.maximum(size - 8, 0)] & keep
    mixed = (first + size.view(np.uint64)) * _MIXES[0]
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed + last) * _MIXES[1]
    mixed ^= mixed >> np.uint64(32)
    found: Ints = mixed.view(np.int64)
    return found
