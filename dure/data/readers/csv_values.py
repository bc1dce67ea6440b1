"""The values of CSV rows, typed: what Polars reads of a block, and what blocks before it taught.

The first block is read as text and its types are inferred. From then on Polars is told the types,
so that numbers are parsed where they stand; only a block that does not fit is read as text again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from dure.data.batch import ReadOptions
from dure.data.naming import pick, unnamed
from dure.data.readers.csv_layout import Dialect
from dure.data.readers.infer import cast, check_types, infer, too_large
from dure.data.types import POLARS
from dure.errors import DataError

_KINDS = {pl.Int64: "int", pl.Float64: "float", pl.Boolean: "bool", pl.String: "string"}
_NUMBERS = ("int", "float")


@dataclass(frozen=True)
class Misfit:
    """A value that is not of the type that was given for its column."""

    row: int
    column: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"column '{self.column}' has a value that is no {self.kind}"

    def error(self, place: str) -> DataError:
        """Return the error that says so."""
        return DataError(
            f"{place}: {self}",
            expected=f"{self.kind} in each row, as types={{{self.column!r}: {self.kind!r}}} says",
            got=repr(self.text[:100]),
            fix="correct the value, name it in null_values, or give another type",
        )


class Values:
    """Reads blocks of rows, each as a frame of typed columns.

    Parameters
    ----------
    names : sequence of str
        The columns.
    dialect : Dialect
        How the rows are written.
    options : ReadOptions
        Its ``types`` and ``null_values``.
    where : str
        The file, for messages.
    """

    def __init__(
        self, names: Sequence[str], dialect: Dialect, options: ReadOptions, where: str
    ) -> None:
        check_types(names, options.types)
        self._names, self._dialect, self._where = list(names), dialect, where
        self._given = dict(options.types)
        self._known = dict(options.types)
        self._by_text: set[str] = set()  # numbers that Polars' CSV parser does not take
        self._empty_is_null = "" in options.null_values
        self._nulls = _with_spaces(options.null_values)
        self.large: dict[str, tuple[int, str]] = {}
        """By column, the row and the text of a whole number beyond 64 bits, of the last block."""

    def read(self, data: bytes, rows: int) -> tuple[pl.DataFrame, list[Misfit]]:
        """Return a block of rows as a frame, and what does not fit the given types (null there).

        Parameters
        ----------
        data : bytes
            Whole rows of UTF-8, each with as many fields as there are columns.
        rows : int
            How many there are, by another count.

        Raises
        ------
        DataError
            Polars counts another number of rows.
        """
        self.large = {}
        direct = {
            name: POLARS[kind]
            for name, kind in self._known.items()
            if kind in _NUMBERS and name not in self._by_text and self._empty_is_null
        }
        try:
            frame = self._parse(data, direct)
            failed: list[str] = []
        except pl.exceptions.PolarsError:
            frame, failed = self._salvage(data, direct)
        if frame.height != rows:
            raise DataError(
                f"{self._where}: rows were lost or made while reading",
                expected=f"{rows:,} rows, as counted in the bytes of the file",
                got=f"{frame.height:,} rows from the CSV parser",
                fix="please report this file: it is a fault of Dure or Polars, not of the data",
            )
        text = pick(frame, [n for n in self._names if n not in direct or n in failed])
        done, misfits = self._as_given(text)
        left = [n for n in text.columns if n not in done and self._known.get(n) != "string"]
        open_ = pick(text, left)
        before = {name: self._known.get(name) for name in failed}
        for name, column in infer(open_, self._known).items():
            done[name] = column
            self._learn(open_[name], column)
        self._by_text.update(n for n in failed if before[n] == self._known.get(n))
        return frame.with_columns(done.values()), misfits

    def _as_given(self, text: pl.DataFrame) -> tuple[dict[str, pl.Series], list[Misfit]]:
        given = {name: self._given[name] for name in text.columns if name in self._given}
        misfits = []
        for column in (frame := cast(text, given)):
            before = text[column.name]
            if column.null_count() > before.null_count():
                wrong = (unnamed(column).is_null() & unnamed(before).is_not_null()).arg_true()
                kind = given[column.name]
                misfits += [Misfit(row, column.name, kind, before[row]) for row in wrong]
        return {column.name: column for column in frame}, misfits

    def _learn(self, text: pl.Series, column: pl.Series) -> None:
        """Remember the type that a column turned out to have."""
        name, kind = column.name, _KINDS.get(type(column.dtype))
        if kind is None:
            return  # no values
        known = self._known.get(name)
        if kind == "float" and known != "float":
            row = too_large(text)
            if row is not None:
                # Whole numbers, not floats, unless a fraction follows: who reads the file knows.
                self.large[name] = row, text[row]
                self._known.pop(name, None)
                return
        mixed = known is not None and known != kind and "bool" in (known, kind)
        self._known[name] = "string" if mixed else kind

    def _parse(
        self, data: bytes, direct: Mapping[str, pl.DataType], *, lenient: bool = False
    ) -> pl.DataFrame:
        frame = pl.read_csv(
            data,
            has_header=False,
            schema={name: direct.get(name, pl.String()) for name in self._names},
            separator=self._dialect.delimiter,
            quote_char=self._dialect.quote,
            null_values=self._nulls if self._empty_is_null else None,
            ignore_errors=lenient,
        )
        if not self._empty_is_null:
            frame = frame.with_columns(pl.all().fill_null(""))
        elif not self._dialect.strip:
            return frame
        text = pl.col(pl.String)
        text = text.str.strip_chars(" \t") if self._dialect.strip else text
        return frame.with_columns(
            pl.when(text.is_in(self._nulls)).then(None).otherwise(text).name.keep()
        )

    def _salvage(
        self, data: bytes, direct: Mapping[str, pl.DataType]
    ) -> tuple[pl.DataFrame, list[str]]:
        """Return a frame in which columns that don't fit are text, and their names."""
        try:
            text = self._parse(data, {})
            if not direct:
                return text, []
            tried = self._parse(data, direct, lenient=True)
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{self._where} cannot be read as CSV",
                expected=f"fields parted by {self._dialect.delimiter!r}, with a header line",
                got=str(error).splitlines()[0],
            ) from error
        failed = [n for n in direct if tried[n].null_count() != text[n].null_count()]
        return tried.with_columns(text[name] for name in failed), failed


def _with_spaces(tokens: Sequence[str]) -> list[str]:
    """Return the tokens, and what they look like in a file that writes spaces between fields."""
    spaced = [
        f"{before}{t}{after}" for t in tokens if t for before in ("", " ") for after in ("", " ")
    ]
    return list(dict.fromkeys([*(t for t in tokens if not t), *spaced]))
