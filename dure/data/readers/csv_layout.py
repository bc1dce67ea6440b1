"""How a CSV file is written, what its header says, and what to say of records that don't fit."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.csv_scan import QuoteError, line_of
from dure.errors import DataError, UsageError

_SHOWN = 60
_TABBED = (".tsv", ".tab")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Parameters
    ----------
    delimiter : str
        One ASCII character that parts the fields.
    quote : str or None
        One ASCII character that encloses fields, or None: a quote is text like any other.
    strip : bool
        Spaces and tabs around values and names are no part of them.
    """

    delimiter: str = ","
    quote: str | None = '"'
    strip: bool = False

    def __post_init__(self) -> None:
        if not _fits(self.delimiter) or self.delimiter == self.quote:
            raise UsageError(
                "the delimiter of a CSV file is wrong",
                expected="one ASCII character that is no quote and no line end",
                got=f"delimiter={self.delimiter!r}",
                fix='use delimiter="," or ";" or "\\t"',
            )
        if self.quote is not None and not _fits(self.quote):
            raise UsageError(
                "the quote of a CSV file is wrong",
                expected="one ASCII character that is no line end, or None",
                got=f"quote={self.quote!r}",
                fix="use quote='\"', or quote=None where a quote is text",
            )

    @classmethod
    def of(cls, location: Location, options: ReadOptions) -> Dialect:
        """Return the dialect that the options say, or the ending of the name."""
        if options.delimiter is not None:
            return cls(options.delimiter, options.quote, options.strip)
        tabbed = options.format == "tsv" or (options.format is None and location.suffix in _TABBED)
        return cls("\t" if tabbed else ",", options.quote, options.strip)


def _fits(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in "\r\n"


def header_names(record: bytes, where: str, dialect: Dialect) -> tuple[str, ...]:
    """Return the names of the columns that a header line has.

    Raises
    ------
    DataError
        A name is missing, or there twice.
    """
    text = record.decode("utf-8")
    try:
        lines = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            quoting=csv.QUOTE_NONE if dialect.quote is None else csv.QUOTE_MINIMAL,
        )
        names, more = next(lines, []), next(lines, None)
    except csv.Error as error:
        raise DataError(
            f"{where}: the header line cannot be read",
            expected="the names of the columns",
            got=f"{error}: {short(text)}",
            fix="check that the first line names the columns",
        ) from error
    if not names or more is not None:
        raise DataError(
            f"{where}: the header line has a line end of another kind in it",
            expected="lines that all end in \\n, or \\r\\n, or \\r",
            got=short(text),
            fix="check what wrote the file",
        )
    return checked_names([n.strip(" \t") for n in names] if dialect.strip else names, where, text)


def checked_names(names: Sequence[str], where: str, text: str) -> tuple[str, ...]:
    """Return the names, each of which has to be there, and once."""
    if "" in names:
        raise DataError(
            f"{where}: column {list(names).index('') + 1} has no name",
            expected="a name for each column in the header line",
            got=short(text),
            fix="name it in the header; pandas leaves its index without a name: index=False",
        )
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        places = [str(position) for position, other in enumerate(names, 1) if other == name]
        raise DataError(
            f"{where}: {times} columns have the name '{name}'",
            expected="each column name once",
            got=f"'{name}' as columns {' and '.join(places)}",
            fix="rename one of them in the header line",
        )
    return tuple(names)


def wrong_fields(
    record: bytes, place: str, found: int, names: tuple[str, ...], dialect: Dialect
) -> DataError:
    """Return the error for a record with too few or too many fields."""
    many = found > len(names)
    others = [d for d in ",;\t|" if d != dialect.delimiter and d in names[0]]
    fix = 'correct the row, or read with on_bad_rows="quarantine" to set it aside and count it'
    if len(names) == 1 and others:
        fix = f"the header has {others[0]!r} in it: read with delimiter={others[0]!r}"
    return DataError(
        f"{place}: the row has too {'many' if many else 'few'} fields",
        expected=f"{count_fields(len(names))}, as in the header: {short(', '.join(names))}",
        got=f"{count_fields(found)}: {shown_bytes(record)}",
        fix=fix,
    )


def wrong_quote(
    data: bytes, before: int, where: str, error: QuoteError, dialect: Dialect
) -> DataError:
    """Return the error for a quote out of place; ``before`` lines come before ``data``."""
    begin = data.rfind(b"\n", 0, error.offset) + 1
    end = data.find(b"\n", error.offset)
    line = data[begin : end if end >= 0 else len(data)].rstrip(b"\r")
    since = ""
    if error.opened is not None:
        since = f" (it opened on line {before + line_of(data, error.opened)})"
    return DataError(
        f"{where}, line {before + line_of(data, error.offset)}: {error}{since}",
        expected='a field with a quote in it written as "a ""b"" c"'.replace(
            '"', dialect.quote or '"'
        ),
        got=shown_bytes(line),
        fix="quote the whole field, double the quotes in it, leave no space before or after it; "
        "or read with quote=None if quotes are text",
    )


def count_fields(count: int) -> str:
    """Return a number of fields in words."""
    return "1 field" if count == 1 else f"{count} fields"


def shown_bytes(record: bytes) -> str:
    """Return the start of a record for a message, whatever its bytes are."""
    return short(record[: 4 * _SHOWN].decode("utf-8", errors="replace"))


def short(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
