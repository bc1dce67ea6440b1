"""JSON Lines: one object a line, in blocks of whole lines.

Polars parses a block with the columns that are known from the blocks before. What it read is
compared with the bytes by counting (`json_tokens`); where a count differs, or Polars refuses, it
looks at the whole block for new columns; and if that does not help, the lines are read one by one
(`json_rows`), which names those that are wrong.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast

import numpy as np
import polars as pl

from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.location import Location
from dure.data.readers.json_rows import Columns, FaultError, read_lines
from dure.data.readers.json_tokens import (
    has_half_characters,
    may_be_rounded,
    nulls_are_known,
    of_frame,
    of_text,
    wide_columns,
)
from dure.data.readers.slices import FAULTS
from dure.data.types import dtype_of
from dure.errors import DataError, UsageError

_GROWTH = 8
_LEAST = 1 << 16  # bytes of a block
_LONGEST = 1 << 30  # bytes of a line
_CELL = 8
_NEWLINE = 10
_TEXT = 1000


def read_jsonl(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a file of JSON Lines.

    Blank lines are no rows; a key that a line lacks is missing in its row; ``NaN``,
    ``Infinity`` and ``-Infinity`` are read, though JSON has none of them. Columns stand in the
    order in which their keys appear; a batch has those that have appeared by then. The first
    value of a column that is not null says its type: another is a bad row, but that whole
    numbers become float if a float comes.

    Parameters
    ----------
    location : Location
        The file.
    options : ReadOptions
        ``types``, ``encoding``, ``on_bad_rows`` and ``batch_bytes`` count.

    Raises
    ------
    DataError
        It is a JSON array or another format, a line is longer than 1 GiB, or, unless bad rows
        are set aside, a line is no row.
    """
    with location.open() as stream:
        lines = _Lines(_as_utf8(stream, options.encoding, location), location, options)
        while block := lines.next_block():
            for piece, ends in lines.pieces(block):
                yield lines.batch(piece, ends)
        if not lines.at:
            yield Batch(pl.DataFrame(), found=0)


class _Lines:
    """The state of reading one file."""

    def __init__(self, stream: BinaryIO, location: Location, options: ReadOptions) -> None:
        self.stream, self.location, self.options = stream, location, options
        given = {name: dtype_of(kind) for name, kind in options.types.items()}
        self.columns = Columns(given=given)
        self.at = 0  # bytes before the block
        self.line = 1  # of the block's first line
        self.size = _LEAST
        self.refused: list[Refused] = []

    def next_block(self) -> bytes:
        """Return whole lines of about the size that is wanted; nothing at the end."""
        if self.at:
            block = self._whole_lines(self.stream.read(self.size))
        else:
            # The first line with keys, which shows about how many columns there are.
            block = line = self._whole_lines(b"")
            while line and line.translate(None, b" \t\r\n") in (b"", b"{}"):
                line = self.stream.readline(_LONGEST)
                block += line
        if block and not self.at:
            _check_start(block, self.location)
            if block.startswith(codecs.BOM_UTF8):
                # Spaces instead: so the places of bytes stay what they are.
                block = b"   " + block[3:]
        return block

    def _whole_lines(self, block: bytes) -> bytes:
        if not block.endswith(b"\n") and (block or not self.at):
            block += self.stream.readline(_LONGEST)
            if len(block) >= _LONGEST and not block.endswith(b"\n"):
                line = self.line + block.count(b"\n")
                raise DataError(
                    f"'{self.location.url}', line {line:,}: it is too long",
                    expected="lines of at most 1 GiB",
                    got="more than that before a line end",
                    fix="check what wrote the file: each row has to end its line",
                )
        return block

    def pieces(self, block: bytes) -> Iterator[tuple[bytes, np.ndarray]]:
        """Yield a block in pieces whose frames are not much larger than a batch should be.

        With each come the places of its line ends.

        A short line may be a wide row: its keys are few, and its columns all that there are.
        """
        ends = _line_ends(block)
        first = start = 0
        while first < len(ends):
            last = first
            width = max(1, len(self.columns.types))
            first += max(1, 2 * self.options.batch_bytes // (_CELL * width))
            end = int(ends[first - 1]) + 1 if first < len(ends) else len(block)
            piece = block[start:end] if start or end < len(block) else block
            yield piece, ends[last:first] - start
            start = end

    def batch(self, block: bytes, ends: np.ndarray) -> Batch:
        """Return the rows of a block, whose lines have their ends at ``ends``."""
        found = len(ends) - _blank(block, ends)
        self.refused = []
        frame = self._fast(block, found)
        if frame is None:
            frame = read_lines(block, self.columns, self._refuse)
        self.at += len(block)
        self.line += len(ends)
        self.size = max(_LEAST, min(self.options.batch_bytes // 2, self.size * _GROWTH))
        return Batch(frame, tuple(self.refused), found)

    def _fast(self, block: bytes, found: int) -> pl.DataFrame | None:
        """Return what Polars reads if that is all there is, else None."""
        if has_half_characters(block):
            return None
        types = self.columns.types
        tokens = of_text(block)
        if tokens is None:
            return None
        for schema in (types, None) if types else (None,):
            if schema is not None and not nulls_are_known(block, tokens, types):
                continue
            frame = _parsed(block, schema)
            if frame is None or frame.height != found or of_frame(frame) != tokens:
                continue
            wide = wide_columns(frame) - set(self.columns.given)
            if may_be_rounded(block, frame) or any(types.get(n) == pl.Float64 for n in wide):
                return None
            try:
                self.columns.add(frame.schema)
            except FaultError:
                return None
            self.columns.wide |= wide
            return _as_given(frame, self.columns.given)
        return None

    def _refuse(self, index: int, at: int, line: bytes, fault: FaultError) -> None:
        place = f"line {self.line + index:,}"
        if fault.byte is not None:
            place += f", byte {self.at + at + fault.byte:,}"
        if self.options.on_bad_rows != "quarantine":
            raise DataError(
                f"'{self.location.url}', {place}: {fault.reason}",
                expected=fault.expected,
                got=fault.got,
                fix=fault.fix or 'repair it, or set bad rows aside: on_bad_rows="quarantine"',
            ) from fault
        text = line[: 4 * _TEXT].decode(errors="replace")[:_TEXT].rstrip("\r")
        self.refused.append(Refused(self.location.name, place, fault.reason, text))


def _parsed(block: bytes, schema: Mapping[str, pl.DataType] | None) -> pl.DataFrame | None:
    try:
        if schema is not None:
            return pl.read_ndjson(block, schema=schema)
        return pl.read_ndjson(block, infer_schema_length=None)
    except FAULTS:
        return None  # the caller reads the lines one by one, which says what is wrong


def _as_given(frame: pl.DataFrame, given: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return frame.with_columns(
        frame[name].cast(dtype) for name, dtype in given.items() if name in frame.columns
    )


def _blank(block: bytes, ends: np.ndarray) -> int:
    """Return how many lines of a block are blank."""
    starts = np.concatenate(([0], ends[:-1] + 1))
    first = np.frombuffer(block, np.uint8).take(starts, mode="clip")
    blank = int(np.count_nonzero(starts == ends))
    for index in np.flatnonzero(np.isin(first, (9, 11, 12, 13, 32)) & (starts < ends)):
        blank += not block[starts[index] : ends[index]].strip()
    return blank


def _line_ends(block: bytes) -> np.ndarray:
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _NEWLINE)
    return ends if block.endswith(b"\n") else np.append(ends, len(block))


def _check_start(block: bytes, location: Location) -> None:
    """Raise if the first bytes of a file show that it is something else."""
    head = block[:1024].removeprefix(codecs.BOM_UTF8).lstrip()
    if head.startswith(b"[") and (len(head) == 1 or head[1:].lstrip()[:1] in (b"{", b"")):
        raise DataError(
            f"'{location.url}' is one JSON array, and not JSON Lines",
            expected="one JSON object in each line: {…}",
            got="a file that begins with [",
            fix=f"write each object into a line: jq -c '.[]' {location.name} > rows.jsonl",
        )
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(
            f"'{location.url}' is UTF-16",
            expected="UTF-8, which JSON is written in",
            got="a byte order mark of UTF-16",
            fix='encoding="utf-16"',
        )


class _Recoded(io.RawIOBase):
    """A stream of another encoding, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str, location: Location) -> None:
        super().__init__()
        self._stream, self._location, self._encoding = stream, location, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._left, self._at = b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = b"\0"
        while data and not self._left:
            data = self._stream.read(_LEAST)
            try:
                self._left = self._decoder.decode(data, final=not data).encode()
            except UnicodeError as error:
                raise DataError(
                    f"'{self._location.url}' is not in the encoding {self._encoding}",
                    expected=f"text in {self._encoding}",
                    got=f"after byte {self._at:,}: {error}",
                    fix="name the encoding that it has: encoding=…",
                ) from error
            self._at += len(data)
        size = min(len(view), len(self._left))
        view[:size], self._left = self._left[:size], self._left[size:]
        return size


def _as_utf8(stream: BinaryIO, encoding: str, location: Location) -> BinaryIO:
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise UsageError(
            f"there is no encoding '{encoding}'",
            expected="the name of a text encoding, such as utf-8, utf-16, cp949 or cp1252",
            got=f"encoding={encoding!r}",
        ) from error
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return stream
    return cast("BinaryIO", io.BufferedReader(_Recoded(stream, name, location), 1 << 20))
