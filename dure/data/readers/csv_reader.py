"""CSV, block after block: every row is typed, or named.

`csv_scan` finds the records of a block, Polars cuts them into fields, and the two have to agree
on how many rows there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.location import Location
from dure.data.readers.csv_layout import (
    Dialect,
    checked_names,
    count_fields,
    header_names,
    short,
    wrong_fields,
    wrong_quote,
)
from dure.data.readers.csv_scan import Flags, Offsets, Records, line_of, scan
from dure.data.readers.csv_values import Values
from dure.data.readers.encoding import (
    Utf8Stream,
    encoding_name,
    first_invalid,
    guess_encoding,
    looks_wide,
    not_text,
)
from dure.errors import DataError, UsageError

_LONGEST = 1 << 30
_FIRST = 1 << 20  # types are inferred from less than a block, which is the slower way to read
_SLICE = 50_000  # rows
_TEXT = 1000  # characters of a refused row that are kept


def read_csv(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a CSV or TSV file.

    Parameters
    ----------
    location : Location
        The file. Its first record that is not blank names the columns, unless ``options.header``
        does. In a file of several columns a blank line is no record; in a file of one column it
        is a record with an empty field.
    options : ReadOptions
        ``delimiter``, ``quote``, ``header``, ``encoding``, ``strip``, ``null_values``, ``types``,
        ``on_bad_rows`` and ``batch_bytes`` count. A null token counts also with one space on
        either side of it, as in files that write ``", "`` between fields. What has leading
        zeros and no other text is a whole number: give ``types={"zip": "string"}`` to keep them.

    Yields
    ------
    Batch
        Columns of ``Int64``, ``Float64``, ``Boolean`` or ``String``, and ``Null`` where a batch
        has no value; the types are those that fit the batch and what came before it in the file,
        so that a later batch may have another type. ``found`` counts records in the bytes.

    Raises
    ------
    DataError
        The file is empty, has no rows, is no text in its encoding, names a column twice, breaks
        off, or has whole numbers beyond 64 bits. If ``on_bad_rows`` is ``"fail"``: a row has too
        many or too few fields, a quote out of place, or a value that is not of the given type.
    UsageError
        An option is wrong.

    Notes
    -----
    About half of ``batch_bytes`` of text is read in one go; a longer record is read whole, up to
    1 GiB. Where a quote is out of place and rows are quarantined, the record up to the end of
    that line is refused and reading goes on with the next line.
    """
    if isinstance(options.null_values, str):
        raise UsageError(
            "null_values is one text",
            expected='a sequence of texts, such as ("", "NA")',
            got=f"null_values={options.null_values!r}",
            fix=f"null_values=({options.null_values!r},)",
        )
    yield from _Reading(location, options).batches()


class _Reading:
    """The state of reading one file."""

    def __init__(self, location: Location, options: ReadOptions) -> None:
        self.location, self.options = location, options
        self.where = f"'{location.url}'"
        self.dialect = Dialect.of(location, options)
        self.lenient = options.on_bad_rows == "quarantine"
        self.block = max(1, options.batch_bytes // 2)
        self.size = min(self.block, _FIRST)
        self.names: tuple[str, ...] = ()
        self.values: Values | None = None
        self.lines, self.offset = 0, 0  # before the block
        self.rows = 0
        self.large: dict[str, tuple[int, str]] = {}  # column -> line, whole number beyond 64 bits
        if options.header is not None:
            given = f"header={list(options.header)!r}"
            self._name(checked_names(list(options.header) or [""], self.where, given))

    def batches(self) -> Iterator[Batch]:
        encoding_name(self.options.encoding)
        with self.location.open() as raw:
            stream = Utf8Stream(raw, self.where, self.options.encoding, mark=self.lenient)
            self.offset = stream.skipped
            self._check_start(stream.sample)
            data, more, final = b"", True, False
            while True:
                if not final and (more or len(data) < self.size):
                    chunk = stream.read(max(self.size, len(data)) if more else self.size)
                    data, final = data + chunk if data else chunk, stream.ended
                if not data:
                    break
                found = scan(data, self.dialect.delimiter, self.dialect.quote, final=final)
                found, used = self._settle(data, found, final)
                more = not used
                if more:
                    self._check_length(data)
                    continue
                for some in self._without_header(data, found):
                    batch = self._batch(data, some)
                    if batch is not None:
                        yield batch
                        self.size = self.block
                self.lines += data.count(b"\n", 0, used)
                self.offset += used
                data = data[used:]
        self._check_end()

    def _name(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.values = Values(names, self.dialect, self.options, self.where)

    def _settle(self, data: bytes, found: Records, final: bool) -> tuple[Records, int]:
        """Return what can be done with now, whole records and one with an error, and its bytes."""
        if found.error is None:
            return found, found.consumed
        if not self.lenient:
            return found, len(data)  # it will be an error
        end = data.find(b"\n", found.error.offset) + 1
        if end or final:
            return found, end or len(data)
        return replace(found, error=None), found.consumed  # the rest of the line is to come

    def _without_header(self, data: bytes, found: Records) -> Iterator[Records]:
        """Yield the rows of a block, after taking the names from its first record if need be."""
        if self.values is None:
            head = int(np.argmin(found.blank)) if len(found) else 0
            if not len(found) or found.blank[head]:
                if found.error is not None:
                    raise self._wrong_quote(data, found)
                return
            start, end = int(found.starts[head]), int(found.ends[head])
            at = first_invalid(data, start, end)
            if at >= 0:
                raise self._not_text(data, at)
            self._name(header_names(data[start:end], self.where, self.dialect))
            found = found[slice(head + 1, None)]
        # A refused row takes more memory than one that is kept: so not too many in one batch.
        at, step = 0, _SLICE if self.lenient else len(found)
        while at + step < len(found):
            some = found[slice(at, at + step)]
            at += step
            yield replace(some, consumed=int(found.starts[at]), error=None)
        yield found[slice(at, None)]

    def _batch(self, data: bytes, found: Records) -> Batch | None:
        """Return the rows that there are; None if there are none."""
        invalid = self._invalid(data, found)
        width = len(self.names)
        blank = found.blank if width > 1 else np.zeros(len(found), dtype=bool)
        uneven = (found.fields != width) & ~blank
        if not self.lenient and uneven.any():
            index = int(np.argmax(uneven))
            start, end = int(found.starts[index]), int(found.ends[index])
            place = self._place(data, start)
            count = int(found.fields[index])
            raise wrong_fields(data[start:end], place, count, self.names, self.dialect)
        kept = ~(blank | uneven | invalid)
        refused = {
            index: "the bytes are not text in its encoding"
            if invalid[index]
            else f"{count_fields(int(found.fields[index]))} instead of {width}"
            for index in np.flatnonzero(uneven | invalid).tolist()
        }
        if found.error is not None and not self.lenient:
            raise self._wrong_quote(data, found)
        rows = np.flatnonzero(kept)
        frame = self._frame(data, found, kept, rows, refused)
        count = len(found) - int(blank.sum())
        self.rows += count
        remarks = self._refused(data, found, refused)
        if found.error is not None and self.lenient:
            remarks.append(self._broken(data, found))
            self.rows, count = self.rows + 1, count + 1
        return Batch(frame, tuple(remarks), count) if count else None

    def _frame(
        self, data: bytes, found: Records, kept: Flags, rows: Offsets, refused: dict[int, str]
    ) -> pl.DataFrame:
        """Return the rows that are kept, typed; add to ``refused`` those that don't fit."""
        if not len(rows):
            return pl.DataFrame()
        assert self.values is not None
        frame, misfits = self.values.read(_text_of(data, found, kept), len(rows))
        if misfits and not self.lenient:
            first = min(misfits, key=lambda misfit: misfit.row)
            raise first.error(self._place(data, int(found.starts[rows[first.row]])))
        for misfit in misfits:
            refused.setdefault(int(rows[misfit.row]), f"{misfit}: {short(misfit.text)!r}")
        for name, (row, text) in self.values.large.items():
            line = self.lines + line_of(data, int(found.starts[rows[row]]))
            self.large.setdefault(name, (line, text))
        self._forget_large(frame)
        if misfits:
            fits = np.ones(frame.height, dtype=bool)
            fits[[misfit.row for misfit in misfits]] = False
            frame = frame.filter(pl.Series(fits))
        return frame

    def _forget_large(self, frame: pl.DataFrame) -> None:
        """Forget large numbers of columns that turned out to be no whole numbers."""
        assert self.values is not None
        for name in list(self.large):
            whole = frame.schema[name] in (pl.Int64, pl.Null) or name in self.values.large
            if not whole:
                del self.large[name]

    def _invalid(self, data: bytes, found: Records) -> Flags:
        """Return which records are no UTF-8; if rows may not be refused, that is an error."""
        invalid = np.zeros(len(found), dtype=bool)
        if data.isascii():
            return invalid
        start = int(found.starts[0]) if len(found) else found.consumed
        at = first_invalid(data, start, found.consumed)
        while at >= 0:
            if not self.lenient:
                raise self._not_text(data, at)
            index = int(np.searchsorted(found.starts, at, side="right")) - 1
            invalid[index] = True
            if index + 1 == len(found):
                break
            at = first_invalid(data, int(found.starts[index + 1]), found.consumed)
        return invalid

    def _wrong_quote(self, data: bytes, found: Records) -> DataError:
        """Return what is wrong with the record after ``found``: its bytes, or else a quote."""
        assert found.error is not None
        end = data.find(b"\n", found.error.offset)
        at = first_invalid(data, found.consumed, end if end >= 0 else len(data))
        if 0 <= at < len(data) - 4:  # a character may be cut off by the end of the block
            return self._not_text(data, at)
        return wrong_quote(data, self.lines, self.where, found.error, self.dialect)

    def _broken(self, data: bytes, found: Records) -> Refused:
        assert found.error is not None
        end = data.find(b"\n", found.error.offset)
        record = data[found.consumed : end if end >= 0 else len(data)].rstrip(b"\r")
        line = self.lines + line_of(data, found.consumed)
        return self._remark(line, str(found.error), record)

    def _refused(self, data: bytes, found: Records, refused: dict[int, str]) -> list[Refused]:
        if not refused:
            return []
        line_ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
        lines = np.searchsorted(line_ends, found.starts) + self.lines + 1
        return [
            self._remark(
                int(lines[index]),
                refused[index],
                data[int(found.starts[index]) : int(found.ends[index])],
            )
            for index in sorted(refused)
        ]

    def _remark(self, line: int, reason: str, record: bytes) -> Refused:
        text = record[: 4 * _TEXT].decode("utf-8", errors="replace")[:_TEXT]
        return Refused(self.location.name, f"line {line}", reason, text)

    def _place(self, data: bytes, offset: int) -> str:
        return f"{self.where}, line {self.lines + line_of(data, offset)}"

    def _not_text(self, data: bytes, at: int) -> DataError:
        line = self.lines + line_of(data, at)
        offset = self.offset + at
        return not_text(data, at, self.where, line, offset, self.options.encoding)

    def _check_start(self, sample: bytes) -> None:
        plain = encoding_name(self.options.encoding) in ("utf-8", "utf-8-sig")
        if not plain or not looks_wide(sample):
            return
        at = sample.index(0)
        raise DataError(
            f"{self.where}, line {line_of(sample, at)}: the bytes are not text in UTF-8",
            expected=f"text in {self.options.encoding}",
            got=f"a byte 0x00 at byte offset {self.offset + at}, and many more",
            fix=f'read it with encoding="{guess_encoding(sample, "utf-8")}"',
        )

    def _check_length(self, data: bytes) -> None:
        if len(data) >= _LONGEST:
            raise DataError(
                f"{self.where}, line {self.lines + 1}: a record is too long",
                expected=f"records of at most {_LONGEST:,} bytes",
                got="more than that; a quote that is never closed looks like that",
                fix="close the quote, or read with quote=None if quotes are text",
            )

    def _check_end(self) -> None:
        if self.values is None:
            raise DataError(
                f"{self.where} is empty",
                expected="a header line and at least one row",
                got=f"{self.location.size()} bytes",
                fix="check what wrote the file",
            )
        if not self.rows:
            raise DataError(
                f"{self.where} has a header and no rows"
                if self.options.header is None
                else f"{self.where} has no rows",
                expected="at least one row after the header",
                got=f"the columns {short(', '.join(self.names))} and nothing else",
                fix="check what wrote the file; does its first line name the columns?",
            )
        if self.large:
            name, (line, text) = next(iter(self.large.items()))
            raise DataError(
                f"{self.where}, line {line}: column '{name}' has a whole number that does not "
                "fit in 64 bits",
                expected="numbers from -2^63 to 2^63 - 1",
                got=text.strip(),
                fix=f"types={{{name!r}: 'string'}} keeps every digit; 'float' rounds",
            )


def _text_of(data: bytes, found: Records, kept: Flags) -> bytes:
    """Return the records that are kept, without a gap."""
    nexts = np.append(found.starts[1:], found.consumed)
    edges = np.flatnonzero(np.diff(kept, prepend=False, append=False))
    begins, ends = found.starts[edges[0::2]], nexts[edges[1::2] - 1]
    if len(begins) == 1 and begins[0] == 0 and ends[0] == len(data):
        return data
    return b"".join(
        data[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)
    )
