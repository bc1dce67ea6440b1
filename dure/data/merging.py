"""The columns of a source, as they become known batch after batch."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from dure.data.naming import pick
from dure.data.types import check_same_columns, standard, two_types, type_of, without_null
from dure.data.unite import as_types, common
from dure.errors import DataError


class Columns:
    """Makes one table of batches: the same columns, in one order, with types that fit all.

    Parameters
    ----------
    text : bool
        The source is text, in which types are a matter of reading: a column of numbers in which
        something else turns up is text, and has to be read again as such.
    keyed : bool
        Rows name their columns, so that batches may have different ones.
    """

    def __init__(self, *, text: bool, keyed: bool) -> None:
        self._text = text
        self._may_differ = keyed
        self._seen: dict[str, tuple[pl.DataType, str]] = {}  # type of values, where first found
        self._declared: dict[str, pl.DataType | None] = {}  # of columns without values so far
        self._names: list[str] = []
        self._where = ""
        self._rows = 0
        self.texts: list[str] = []
        """Columns that turned out to be text after they had been read as something else."""
        self.late: list[str] = []
        """Columns that turned up after the first rows."""

    @property
    def stale(self) -> bool:
        """Whether what was taken before would be read in another way now."""
        return bool(self.texts or self.late)

    @property
    def types(self) -> dict[str, pl.DataType]:
        """The type of each column, as far as it is known."""
        return {
            name: self._seen[name][0]
            if name in self._seen
            else without_null(self._declared.get(name) or pl.Null())
            for name in self._names
        }

    def again(self) -> Columns:
        """Return what a second reading of the same source starts with."""
        fresh = Columns(text=self._text, keyed=self._may_differ)
        fresh._names, fresh._where = list(self._names), self._where
        fresh._declared = dict(self.types)
        return fresh

    def take(self, frame: pl.DataFrame, where: str) -> pl.DataFrame:
        """Return a batch with the columns and types known by now, its own included.

        Parameters
        ----------
        frame : polars.DataFrame
            The batch, with any types.
        where : str
            Its file, for messages.

        Raises
        ------
        DataError
            Columns differ from those of another file, have types that nothing fits, or hold
            what is no standard type.
        """
        frame = standard(frame, where)
        self._take_names(frame, where)
        for column in frame.get_columns():
            known = self._seen.get(column.name)
            if known is not None and known[0] == column.dtype:
                continue
            if column.null_count() == len(column):
                self._declare(column)
            else:
                self._see(column, where)
        self._rows += frame.height
        # What turned out to be text comes again with the second reading; here it has no values.
        if self.texts:
            frame = pick(frame, [name for name in frame.columns if name not in self.texts])
        return as_types(frame, self.types)

    def _take_names(self, frame: pl.DataFrame, where: str) -> None:
        if not self._names:
            self._names, self._where = frame.columns, where
        elif self._may_differ:
            known = set(self._names)
            new = [name for name in frame.columns if name not in known]
            self._names += new
            self.late += new if self._rows else []
        else:
            check_same_columns(self._names, frame.columns, self._where, where)

    def _declare(self, column: pl.Series) -> None:
        known = self._declared.get(column.name, pl.Null())
        both = None if known is None else common(known, column.dtype)
        self._declared[column.name] = both

    def _see(self, column: pl.Series, where: str) -> None:
        name = column.name
        if name not in self._seen:
            self._seen[name] = (column.dtype, where)
            return
        known, first = self._seen[name]
        both = common(known, column.dtype)
        if both is None:
            if not self._text:
                raise two_types(name, _places(known, first, column.dtype, where))
            if name not in self.texts:
                self.texts.append(name)
            both = pl.String()
        self._seen[name] = (both, first)


def _places(first: pl.DataType, one: str, second: pl.DataType, other: str) -> Mapping[str, str]:
    if one == other:
        return {type_of(first): one, type_of(second): f"later rows of {other}"}
    return {type_of(first): one, type_of(second): other}


def no_rows(label: str, refused: int) -> DataError:
    """Return the error for a source that gave no row."""
    if refused:
        return DataError(
            f"the only row of '{label}' was refused"
            if refused == 1
            else f"all {refused:,} rows of '{label}' were refused",
            expected="at least one row that can be read",
            got="none",
            fix="look at a row: the delimiter, the quote or the encoding may be another",
        )
    return DataError(
        f"'{label}' is empty",
        expected="at least one row",
        got="none",
        fix="check what wrote it, and that the pattern or the query means what it should",
    )
