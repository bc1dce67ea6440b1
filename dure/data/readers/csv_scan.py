"""Where the records of CSV text lie, found without a CSV parser.

Polars fills a short row with nulls and says nothing, reads a second column ``a`` as
``a_duplicated_0``, and names no line when it fails. So the structure is found here first: one
pass over the bytes with NumPy gives the place and the number of fields of each record, and an
independent count of the rows.

The grammar is RFC 4180: a field is plain, or in quotes; in a quoted field a quote is written
twice, and delimiters and line ends are text. Given that, a byte lies inside quotes exactly when
an odd number of quotes comes before it. A file that keeps the grammar has one reading, on which
Polars, Python's ``csv`` module and this scan agree; one that does not is refused with its line.

Notation: offsets are bytes from the start of the data. Time is O(bytes); memory is O(records).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEWLINE, _RETURN = ord("\n"), ord("\r")
_PIECE = 1 << 18  # what is looked at in one go stays in the processor's cache

Offsets = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


class QuoteError(ValueError):
    """A quote stands where the grammar has no place for one.

    Attributes
    ----------
    offset : int
        Where the quote is.
    opened : int or None
        Where the quoted field opened that this quote closes, if it closes one.
    """

    def __init__(self, reason: str, offset: int, opened: int | None = None) -> None:
        super().__init__(reason)
        self.offset = offset
        self.opened = opened


@dataclass(frozen=True)
class Records:
    """Some records of a file, one after the other.

    Parameters
    ----------
    starts, ends : ndarray of int64, shape (records,)
        Each record is ``data[start:end]``, without its line end.
    fields : ndarray of int64, shape (records,)
        How many fields each has; a blank line has 1.
    consumed : int
        Where the first record starts that is not among these.
    error : QuoteError or None
        What is wrong with that record, if it is not only cut off.
    """

    starts: Offsets
    ends: Offsets
    fields: Offsets
    consumed: int
    error: QuoteError | None = None

    @property
    def blank(self) -> Flags:
        """Which records are blank lines."""
        blank: Flags = self.starts >= self.ends
        return blank

    def __getitem__(self, some: slice) -> Records:
        return Records(
            self.starts[some], self.ends[some], self.fields[some], self.consumed, self.error
        )

    def __len__(self) -> int:
        return len(self.starts)


def line_of(data: bytes, offset: int) -> int:
    """Return the physical line, counted from 1, on which ``offset`` lies."""
    return data.count(b"\n", 0, offset) + 1


def scan(
    data: bytes,
    delimiter: str = ",",
    quote: str | None = '"',
    *,
    final: bool = True,
    piece: int = _PIECE,
) -> Records:
    r"""Return the whole records of ``data``, up to the first one that is wrong.

    Parameters
    ----------
    data : bytes
        Text from the start of a record on. Lines end in ``\n`` or ``\r\n``.
    delimiter : str
        One ASCII character.
    quote : str or None
        One ASCII character that encloses fields, or None: no character does.
    final : bool
        The text ends with the data, so that its last line needs no end.
    piece : int
        How many bytes are looked at in one go; only time depends on it.
    """
    return _Scanner(data, delimiter, quote, final).run(piece)


class _Scanner:
    def __init__(self, data: bytes, delimiter: str, quote: str | None, final: bool) -> None:
        self.data, self.final = data, final
        self.whole: Bytes = np.frombuffer(data, dtype=np.uint8)
        self.comma, self.quote = ord(delimiter), ord(quote) if quote else None
        self.quoted, self.opened, self.begun = False, 0, 0
        self.line_ends: list[Offsets] = []
        self.counts: list[Offsets] = []
        self.error: QuoteError | None = None

    def run(self, piece: int) -> Records:
        for first in range(0, len(self.data), piece):
            delimiters, line_ends = self._structure(first, min(first + piece, len(self.data)))
            if self.error is not None:
                # What comes before the wrong quote is right; what comes after it may be anything.
                line_ends = line_ends[line_ends < self.error.offset]
            if len(line_ends):
                before = np.searchsorted(delimiters, line_ends)
                self.line_ends.append(line_ends)
                self.counts.append(np.diff(before, prepend=-self.begun) + 1)
                self.begun = len(delimiters) - int(before[-1])
            else:
                self.begun += len(delimiters)
            if self.error is not None:
                break
        return self._records()

    def _structure(self, first: int, last: int) -> tuple[Offsets, Offsets]:
        """Return where delimiters and line ends are that count, in ``data[first:last]``."""
        part = self.whole[first:last]
        has_quotes = self.quote is not None and self.data.find(self.quote, first, last) >= 0
        if not has_quotes:
            if self.quoted:
                return np.empty(0, np.int64), np.empty(0, np.int64)
            delimiters = np.flatnonzero(part == self.comma)
            line_ends = np.flatnonzero(part == _NEWLINE)
            return delimiters + first, line_ends + first
        places = np.flatnonzero((part == self.comma) | (part == _NEWLINE) | (part == self.quote))
        kinds = part[places]
        places += first
        is_quote = kinds == self.quote
        inside = _parity_before(is_quote, self.quoted)
        self._check_quotes(places[is_quote], inside[is_quote])
        opening = places[is_quote & ~inside]
        self.opened = int(opening[-1]) if len(opening) else self.opened
        self.quoted ^= bool(is_quote.sum() % 2)
        return places[(kinds == self.comma) & ~inside], places[(kinds == _NEWLINE) & ~inside]

    def _check_quotes(self, places: Offsets, closing: Flags) -> None:
        whole, last = self.whole, len(self.whole) - 1
        before = whole[np.maximum(places - 1, 0)]
        after = whole[np.minimum(places + 1, last)]
        then = whole[np.minimum(places + 2, last)]
        doubled_before, doubled_after = before == self.quote, after == self.quote
        starts = (places == 0) | (before == self.comma) | (before == _NEWLINE)
        line_end = (after == _NEWLINE) | ((after == _RETURN) & (then == _NEWLINE))
        closes_well = (places == last) | (after == self.comma) | line_end | doubled_after
        wrong = np.where(closing, ~closes_well, ~(starts | doubled_before))
        if not self.final:
            wrong &= places < last - 1  # the bytes that decide are still to come
        if not wrong.any():
            return
        index = int(np.argmax(wrong))
        offset = int(places[index])
        if not closing[index]:
            reason = "a quote stands within a field that is not quoted"
            self.error = QuoteError(reason, offset)
        else:
            since = int(places[index - 1]) if index else self.opened
            self.error = QuoteError("text follows the quote that closes a field", offset, since)

    def _records(self) -> Records:
        line_ends = np.concatenate([np.empty(0, np.int64), *self.line_ends])
        fields = np.concatenate([np.empty(0, np.int64), *self.counts])
        starts = np.concatenate([np.zeros(1, np.int64), line_ends + 1])
        rest = int(starts[-1])
        if self.final and self.error is None and rest < len(self.data):
            if self.quoted:
                self.error = QuoteError("a quoted field is never closed", self.opened)
            else:
                line_ends = np.append(line_ends, len(self.data))
                fields = np.append(fields, self.begun + 1)
                starts, rest = np.append(starts, len(self.data)), len(self.data)
        starts = starts[:-1]
        returns = (line_ends > starts) & (self.whole[np.maximum(line_ends - 1, 0)] == _RETURN)
        return Records(starts, line_ends - returns, fields, rest, self.error)


def _parity_before(is_quote: Flags, quoted: bool) -> Flags:
    # A count that wraps at 256 has the same parity, and takes an eighth of the memory.
    ones = is_quote.view(np.uint8)
    before = np.cumsum(ones, dtype=np.uint8) - ones + np.uint8(quoted)
    odd: Flags = (before & 1).view(np.bool_)
    return odd
