"""Where the records of a CSV file lie, found without a CSV parser.

Polars fills a short row with nulls and says nothing, reads a second column ``a`` as
``a_duplicated_0``, and names no line when it fails. So the structure is found here first: one
pass over the bytes with NumPy gives the place and the number of fields of each record, and an
independent count of the rows.

The grammar is RFC 4180: a field is plain, or in quotes; in a quoted field a quote is written
twice, and delimiters and line ends are text. Given that, a byte lies inside quotes exactly when
an odd number of quotes comes before it. A file that keeps the grammar has one reading, on which
Polars, Python's ``csv`` module and this scan agree; one that does not is refused with its line.

Notation: offsets are bytes from the start of the data. Time and memory are O(bytes) and
O(block), not O(file).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUOTE, _NEWLINE, _RETURN = ord('"'), ord("\n"), ord("\r")
_BLOCK = 1 << 22

Offsets = NDArray[np.int64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Records:
    """Some records of a file, one after the other.

    Parameters
    ----------
    starts, ends : ndarray of int64, shape (records,)
        Each record is ``data[start:end]``, without its line end.
    fields : ndarray of int64, shape (records,)
        How many fields each has; a blank line has 1.
    """

    starts: Offsets
    ends: Offsets
    fields: Offsets

    @property
    def blank(self) -> Flags:
        """Which records are blank lines."""
        blank: Flags = self.starts >= self.ends
        return blank


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


def line_of(data: bytes, offset: int) -> int:
    """Return the physical line, counted from 1, on which ``offset`` lies."""
    return data.count(b"\n", 0, offset) + 1


def records(data: bytes, delimiter: str = ",", *, block: int = _BLOCK) -> Iterator[Records]:
    r"""Yield the records of ``data`` in their order, some at a time.

    Parameters
    ----------
    data : bytes
        The file. Lines end in ``\n`` or ``\r\n``; the last may have no end.
    delimiter : str
        One ASCII character.
    block : int
        How many bytes are looked at in one go; only memory depends on it.

    Raises
    ------
    QuoteError
        A quote opens within a plain field, closes before the end of its field, or is never
        closed.
    """
    whole = np.frombuffer(data, dtype=np.uint8)
    comma = ord(delimiter)
    quoted, begun, start = False, 0, 0  # what the next block must know of those before it
    opened = 0
    for first in range(0, len(data), block):
        piece = whole[first : first + block]
        places = np.flatnonzero((piece == comma) | (piece == _NEWLINE) | (piece == _QUOTE))
        kinds = piece[places]
        places += first
        is_quote = kinds == _QUOTE
        inside = _parity_before(is_quote, quoted)
        if is_quote.any():
            _check_quotes(whole, places[is_quote], inside[is_quote], comma, opened)
            opening = places[is_quote & ~inside]
            opened = int(opening[-1]) if len(opening) else opened
            quoted ^= bool(is_quote.sum() % 2)
        delimiters = np.cumsum((kinds == comma) & ~inside)
        at_end = (kinds == _NEWLINE) & ~inside
        line_ends = places[at_end]
        if len(line_ends):
            before = delimiters[at_end]
            counts = np.diff(before, prepend=-begun)
            yield _records(whole, np.append(start, line_ends[:-1] + 1), line_ends, counts + 1)
            start, begun = int(line_ends[-1]) + 1, int(delimiters[-1] - before[-1])
        elif len(delimiters):
            begun += int(delimiters[-1])
    if quoted:
        raise QuoteError("a quoted field is never closed", opened)
    if start < len(data):
        ends = np.array([len(data)], dtype=np.int64)
        yield _records(whole, np.array([start]), ends, np.array([begun + 1]))


def _parity_before(is_quote: Flags, quoted: bool) -> Flags:
    before: Offsets = np.cumsum(is_quote, dtype=np.int64) - is_quote + int(quoted)
    odd: Flags = before % 2 == 1
    return odd


def _records(whole: Bytes, starts: Offsets, line_ends: Offsets, fields: Offsets) -> Records:
    after_return = (line_ends > starts) & (whole[np.maximum(line_ends - 1, 0)] == _RETURN)
    return Records(starts, line_ends - after_return, fields)


def _check_quotes(whole: Bytes, places: Offsets, closing: Flags, comma: int, opened: int) -> None:
    last = len(whole) - 1
    before = whole[np.maximum(places - 1, 0)]
    after = whole[np.minimum(places + 1, last)]
    then = whole[np.minimum(places + 2, last)]
    doubled_before, doubled_after = before == _QUOTE, after == _QUOTE
    opens_well = (places == 0) | (before == comma) | (before == _NEWLINE) | doubled_before
    line_end = (after == _NEWLINE) | ((after == _RETURN) & (then == _NEWLINE))
    closes_well = (places == last) | (after == comma) | line_end | doubled_after
    wrong = np.flatnonzero(np.where(closing, ~closes_well, ~opens_well))
    if not len(wrong):
        return
    index = int(wrong[0])
    if not closing[index]:
        raise QuoteError("a quote stands within a field that is not quoted", int(places[index]))
    since = int(places[index - 1]) if index else opened
    raise QuoteError("text follows the quote that closes a field", int(places[index]), since)
