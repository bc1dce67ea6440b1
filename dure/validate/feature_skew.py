"""The same examples in two data sets, compared cell by cell: feature-level example skew.

Statistics of training and serving data can agree where no single row does. With identifiers, each
row of one side is joined to its row of the other, and every column is compared.

Notation
--------
A *pair* is a row of the base and a row of the test data with the same identifiers. Of a column, a
pair *matches* where both have equal values, *mismatches* where both have values that differ, and is
*base only* or *test only* where one of the two is missing. Where both are missing it does not count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import DataError, StoreError, UsageError, nearest
from dure.validate.words import count, cut, share

if TYPE_CHECKING:
    import polars as pl

    from dure.data.examples import Examples

Duplicates = Literal["fail", "drop", "all"]
FILE = "example_diff.json"
VERSION = 1
PARTITION_ROWS = 2_000_000
_ROW = "\0row"
_LABELS = ("base_only", "test_only", "mismatch")


@dataclass(frozen=True)
class ColumnDiff:
    """One column over all pairs.

    Parameters
    ----------
    column : str
    base, test : int
        Pairs with a value on that side.
    match, mismatch, base_only, test_only : int
        See the notation of the module.
    confusion : tuple of (base value, test value, pairs)
        Which values stand for which, the most frequent first, if it was asked for.
    """

    column: str
    base: int
    test: int
    match: int
    mismatch: int
    base_only: int
    test_only: int
    confusion: tuple[tuple[str | None, str | None, int], ...] = ()

    @property
    def diff(self) -> int:
        """Pairs that differ in any way."""
        return self.mismatch + self.base_only + self.test_only


@dataclass(frozen=True)
class DifferentPair:
    """One pair that differs, to be looked at.

    Parameters
    ----------
    column : str
    kind : {"mismatch", "base_only", "test_only"}
    identifiers : tuple of str
        As text.
    base_row, test_row : int
        Where the rows are in their data, from 0.
    base, test : str or None
        The values, as text.
    """

    column: str
    kind: str
    identifiers: tuple[str, ...]
    base_row: int
    test_row: int
    base: str | None
    test: str | None


@dataclass(frozen=True, repr=False)
class ExampleDifferences(Artifact):
    """What differs between the same examples of two data sets. On disk: ``example_diff.json``.

    Parameters
    ----------
    by : tuple of str
        The identifiers.
    columns : tuple of ColumnDiff
        In the order of the base data.
    samples : tuple of DifferentPair
        The first pairs that differ, of each column and kind.
    counts : mapping of str to int
        ``base`` and ``test`` (rows), ``base_without_id``, ``test_without_id`` (an identifier is
        missing), ``base_only``, ``test_only`` (identifiers that the other side lacks), ``both``
        (identifiers of both), ``pairs``, ``duplicates`` (identifiers that come more than once on a
        side).
    """

    by: tuple[str, ...]
    columns: tuple[ColumnDiff, ...]
    samples: tuple[DifferentPair, ...]
    counts: dict[str, int]

    def __iter__(self) -> Iterator[ColumnDiff]:
        return iter(self.columns)

    @property
    def different(self) -> tuple[ColumnDiff, ...]:
        """The columns with a pair that differs, the most different first."""
        return tuple(sorted((one for one in self.columns if one.diff), key=lambda one: -one.diff))

    def save(self, directory: Path) -> None:
        """Write ``example_diff.json``."""
        record = {"version": VERSION, **asdict(self)}
        text = json.dumps(record, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
        (Path(directory) / FILE).write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return what `save` wrote.

        Raises
        ------
        StoreError
            When the file is not there or not whole.
        """
        path = Path(directory) / FILE
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if record["version"] != VERSION:
                raise ValueError(f"version {record['version']!r}")  # noqa: TRY301 # becomes a StoreError
            return cls(
                tuple(record["by"]),
                tuple(
                    ColumnDiff(**{**one, "confusion": tuple(tuple(c) for c in one["confusion"])})
                    for one in record["columns"]
                ),
                tuple(
                    DifferentPair(**{**one, "identifiers": tuple(one["identifiers"])})
                    for one in record["samples"]
                ),
                dict(record["counts"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path}: no whole comparison of examples is there",
                expected=f"the file that Dure wrote, version {VERSION}",
                got=f"{type(error).__name__}: {error}",
                fix="compare the examples again",
            ) from error

    def summary(self) -> str:
        """Return, for example, ``"2 of 5 columns differ in 334 pairs"``."""
        return f"{len(self.different)} of {count(len(self.columns), 'column')} differ in {count(self.counts['pairs'], 'pair')}"

    def text(self) -> str:
        """Return the columns that differ, at most 80 columns wide."""
        from dure.statistics.text import fit

        lines = [
            self.summary(),
            ", ".join(
                f"{key} {self.counts[key]:,}" for key in ("base_only", "test_only", "duplicates")
            ),
        ]
        if self.different:
            lines += [
                "",
                f"{'column':<24} {'match':>10} {'mismatch':>10} {'base only':>10} {'test only':>10}",
            ]
        for one in self.different:
            lines.append(
                f"{fit(one.column[:80], 24)} {one.match:>10,} {one.mismatch:>10,} "
                f"{one.base_only:>10,} {one.test_only:>10,}"
            )
        for pair in self.samples[:10]:
            where = ", ".join(
                f"{a}={cut(b, 20)}" for a, b in zip(self.by, pair.identifiers, strict=True)
            )
            lines.append(
                fit(
                    f"  {where}: {pair.column}: {_shown(pair.base)} → {_shown(pair.test)}"[:160], 80
                ).rstrip()
            )
        return "\n".join(lines)

    def html(self) -> Markup:
        """Return tables of the counts, the columns and some pairs."""
        rows = [
            (one.column, one.match, one.mismatch, one.base_only, one.test_only, _diff_share(one))
            for one in self.columns
        ]
        pairs = [
            (
                ", ".join(one.identifiers),
                one.column,
                one.kind,
                one.base_row,
                one.test_row,
                _shown(one.base),
                _shown(one.test),
            )
            for one in self.samples
        ]
        return Markup("").join(
            [
                Markup("<p>{}</p>").format(self.summary()),
                draw.facts({key: f"{value:,}" for key, value in self.counts.items()}),
                draw.table(("column", "match", "mismatch", "base only", "test only", "differ"), rows, numeric=(1, 2, 3, 4, 5)),
                Markup("<h3>Pairs that differ</h3>"),
                draw.table(("identifiers", "column", "kind", "base row", "test row", "base", "test"), pairs, numeric=(3, 4)),
            ]
        )  # fmt: skip


def _diff_share(one: ColumnDiff) -> str:
    total = one.match + one.diff
    return share(one.diff / total) if total else "–"


def _shown(value: str | None) -> str:
    return "–" if value is None else cut(value, 30)


def example_diff(
    base: Examples | pl.DataFrame | pl.LazyFrame,
    test: Examples | pl.DataFrame | pl.LazyFrame,
    *,
    by: Sequence[str],
    columns: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    decimals: int | None = None,
    duplicates: Duplicates = "fail",
    confusion: Sequence[str] = (),
    samples: int = 5,
    split: str = "train",
    partitions: int | None = None,
) -> ExampleDifferences:
    """Return which cells differ between the same examples of two data sets.

    Parameters
    ----------
    base, test : Examples, polars.DataFrame or polars.LazyFrame
        The data, such as training and serving.
    by : sequence of str
        The columns that together identify a row. A row without one of them has no partner.
    columns, ignore : sequence of str
        What is compared, and what is not; default all columns of both.
    decimals : int, optional
        Floats are rounded to so many decimals first.
    duplicates : {"fail", "drop", "all"}
        Where identifiers come more than once on a side: refuse, leave them all out, or take every
        pair of them.
    confusion : sequence of str
        Columns whose pairs of values are counted.
    samples : int, default 5
        How many pairs of each column and kind are kept to be looked at: those that come first.
    split : str
        Of Examples.
    partitions : int, optional
        Into how many parts the data is cut by a hash of the identifiers, so that one part of both
        sides is in memory at a time; default one for each 2,000,000 rows. The data is read once for
        each. The result does not depend on it.

    Raises
    ------
    UsageError
        A column is not there, or an option is unknown.
    DataError
        Identifiers are not unique and ``duplicates`` is ``"fail"``, or a column has types that
        cannot be compared.
    """
    import polars as pl

    lazies = [_lazy(data, split) for data in (base, test)]
    schemas = [lazy.collect_schema() for lazy in lazies]
    _check(by, columns, ignore, confusion, schemas, duplicates)
    chosen = [
        name
        for name in schemas[0].names()
        if name in schemas[1]
        and name not in by
        and name not in ignore
        and (columns is None or name in columns)
    ]
    types = {name: _common(name, schemas[0][name], schemas[1][name]) for name in (*by, *chosen)}
    # Row numbers before anything is filtered: they are what a person looks up.
    sides = [
        lazy.with_row_index(_ROW).select(
            _ROW, *(_plain(name, kind, decimals) for name, kind in types.items())
        )
        for lazy in lazies
    ]
    heights = [int(lazy.select(pl.len()).collect(engine="streaming").item()) for lazy in lazies]
    parts = partitions or max(1, math.ceil(max(heights) / PARTITION_ROWS))
    total = _Total(tuple(by), chosen, tuple(confusion), samples)
    total.counts["base"], total.counts["test"] = heights
    for part in range(parts):
        total.add([_part(side, by, part, parts) for side in sides], duplicates)
    for name, side in (("base", sides[0]), ("test", sides[1])):
        gone = pl.any_horizontal(pl.col(_safe(one)).is_null() for one in by)
        total.counts[f"{name}_without_id"] = int(
            side.select(gone.sum()).collect(engine="streaming").item() or 0
        )
    return total.result()


def _lazy(data: Examples | pl.DataFrame | pl.LazyFrame, split: str) -> pl.LazyFrame:
    import polars as pl

    if isinstance(data, pl.DataFrame):
        return data.lazy()
    return data if isinstance(data, pl.LazyFrame) else data.scan(split)


def _check(
    by: Sequence[str],
    columns: Sequence[str] | None,
    ignore: Sequence[str],
    confusion: Sequence[str],
    schemas: Sequence[Mapping[str, Any]],
    duplicates: str,
) -> None:
    if not by or isinstance(by, str):
        raise UsageError(
            "by names no identifiers", expected='columns, such as by=["id"]', got=repr(by)
        )
    if duplicates not in ("fail", "drop", "all"):
        raise UsageError(
            f"duplicates: {duplicates!r} is unknown",
            fix=nearest(duplicates, ("fail", "drop", "all")),
        )
    for name in (*by, *(columns or ()), *ignore, *confusion):
        for side, schema in zip(("base", "test"), schemas, strict=True):
            if name not in schema:
                raise UsageError(
                    f"there is no column {name!r} in the {side} data",
                    got=name,
                    fix=nearest(name, schema),
                )


def _common(name: str, first: pl.DataType, second: pl.DataType) -> pl.DataType:
    import polars as pl

    if first == second:
        return first
    if first.is_numeric() and second.is_numeric():
        return pl.Float64()
    raise DataError(
        f"column {name!r} has types that cannot be compared",
        expected="the same type on both sides",
        got=f"{first} in the base data, {second} in the test data",
        fix=f"cast one of them, or leave it out with ignore=[{name!r}]",
    )


def _plain(name: str, kind: pl.DataType, decimals: int | None) -> pl.Expr:
    from dure.data.naming import named

    column = named(name).cast(kind).alias(_safe(name))
    if decimals is not None and kind.is_float():
        # -0.0 is 0.0, and 1e-20 rounded is one of the two.
        return column.round(decimals) + 0.0
    return column


def _safe(name: str) -> str:
    """Return the name of a column in here: never one that Polars takes for a pattern."""
    from dure.data.naming import is_pattern

    return f"\0{name}" if is_pattern(name) else name


def _part(side: pl.LazyFrame, by: Sequence[str], part: int, parts: int) -> pl.DataFrame:
    import polars as pl

    there = side.filter(pl.all_horizontal(pl.col(_safe(one)).is_not_null() for one in by))
    if parts > 1:
        there = there.filter(pl.struct(map(_safe, by)).hash(seed=0) % parts == part)
    return there.collect(engine="streaming")


class _Total:
    """What the parts add up to."""

    def __init__(
        self, by: tuple[str, ...], columns: list[str], confusion: tuple[str, ...], samples: int
    ) -> None:
        self.by, self.columns, self.confusion, self.samples = by, columns, confusion, samples
        self.keys = [_safe(name) for name in by]
        names = (
            "base",
            "test",
            "base_without_id",
            "test_without_id",
            "base_only",
            "test_only",
            "both",
            "pairs",
            "duplicates",
        )
        self.counts = dict.fromkeys(names, 0)
        self.of = {name: dict.fromkeys(("base", "test", "match", *_LABELS), 0) for name in columns}
        self.values: dict[str, dict[tuple[str | None, str | None], int]] = {
            name: {} for name in confusion
        }
        self.pairs: dict[tuple[str, str], list[DifferentPair]] = {}

    def add(self, sides: list[pl.DataFrame], duplicates: Duplicates) -> None:
        """Add one part of both sides."""
        import polars as pl

        by = self.keys
        ids = [side.group_by(by).agg(pl.len().alias("\0n")) for side in sides]
        twice = pl.concat([one.filter(pl.col("\0n") > 1).select(by) for one in ids]).unique()
        self.counts["duplicates"] += twice.height
        if twice.height and duplicates == "fail":
            self._refuse(twice)
        if twice.height and duplicates == "drop":
            sides = [side.join(twice, on=by, how="anti") for side in sides]
            ids = [one.join(twice, on=by, how="anti") for one in ids]
        both = ids[0].join(ids[1], on=by, how="semi").height
        self.counts["both"] += both
        self.counts["base_only"] += ids[0].height - both
        self.counts["test_only"] += ids[1].height - both
        joined = sides[0].join(sides[1], on=by, how="inner", suffix="\0test")
        self.counts["pairs"] += joined.height
        for name in self.columns:
            self._column(name, joined)

    def _refuse(self, twice: pl.DataFrame) -> None:
        example = ", ".join(
            f"{k}={v!r}" for k, v in zip(self.by, twice.sort(self.keys).row(0), strict=True)
        )
        raise DataError(
            "identifiers are not unique, so that it is not known which rows belong together",
            expected=f"{', '.join(self.by)} at most once on each side",
            got=f"{count(twice.height, 'identifier')} more often, such as {example}",
            fix='name more columns in by, or set duplicates="drop" or "all"',
        )

    def _column(self, name: str, joined: pl.DataFrame) -> None:
        import polars as pl

        a, b = pl.col(_safe(name)), pl.col(f"{_safe(name)}\0test")
        flags = joined.select(
            (a.is_not_null() & b.is_not_null() & a.eq_missing(b)).alias("match"),
            (a.is_not_null() & b.is_not_null() & a.ne_missing(b)).alias("mismatch"),
            (a.is_not_null() & b.is_null()).alias("base_only"),
            (a.is_null() & b.is_not_null()).alias("test_only"),
            a.is_not_null().alias("base"),
            b.is_not_null().alias("test"),
        )
        for key, amount in flags.sum().row(0, named=True).items():
            self.of[name][key] += int(amount or 0)
        for kind in _LABELS:
            if flags[kind].any():
                self._sample(name, kind, joined.filter(flags[kind]))
        if name in self.values:
            self._count_values(name, joined)

    def _sample(self, name: str, kind: str, different: pl.DataFrame) -> None:
        rows = (_ROW, f"{_ROW}\0test")
        first = different.select(*rows, *self.keys, _safe(name), f"{_safe(name)}\0test").bottom_k(
            self.samples, by=list(rows)
        )
        kept = self.pairs.setdefault((name, kind), [])
        for row in first.rows():
            identifiers = tuple(str(value) for value in row[2:-2])
            kept.append(
                DifferentPair(
                    name, kind, identifiers, row[0], row[1], _text(row[-2]), _text(row[-1])
                )
            )
        kept.sort(key=lambda one: (one.base_row, one.test_row))
        del kept[self.samples :]

    def _count_values(self, name: str, joined: pl.DataFrame) -> None:
        import polars as pl

        found = joined.group_by(_safe(name), f"{_safe(name)}\0test").agg(pl.len().alias("\0n"))
        counts = self.values[name]
        for a, b, amount in found.rows():
            key = (_text(a), _text(b))
            counts[key] = counts.get(key, 0) + amount

    def result(self) -> ExampleDifferences:
        """Return all of it."""
        return ExampleDifferences(
            self.by,
            tuple(
                ColumnDiff(name, **self.of[name], confusion=self._confusion(name))
                for name in self.columns
            ),
            tuple(
                pair
                for name in self.columns
                for kind in _LABELS
                for pair in self.pairs.get((name, kind), ())
            ),
            self.counts,
        )

    def _confusion(self, name: str) -> tuple[tuple[str | None, str | None, int], ...]:
        counts = self.values.get(name, {})
        # None sorts before text.
        ordered = sorted(
            counts.items(),
            key=lambda one: (-one[1], one[0][0] or "", one[0][1] or "", one[0][0] is None),
        )
        return tuple((a, b, amount) for (a, b), amount in ordered)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
