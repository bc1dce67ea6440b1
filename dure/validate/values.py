"""Every distinct value of a column with its rows: from the statistics, or else from the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dure.validate.finding import Look

if TYPE_CHECKING:
    import polars as pl

    from dure.data.examples import Examples


@dataclass(frozen=True, eq=False)
class Values:
    """All distinct values of a column.

    Parameters
    ----------
    table : polars.DataFrame
        Columns ``value`` and ``count``; nulls are not in it.
    """

    table: pl.DataFrame

    def where(self, condition: pl.Expr) -> list[tuple[str, int]]:
        """Return the values, as text, that meet a condition on ``value``, the most frequent first."""
        import polars as pl

        found = self.table.filter(condition).sort(["count", "value"], descending=[True, False])
        texts = as_texts(found["value"]).to_list()
        return list(zip(texts, found["count"].cast(pl.Int64).to_list(), strict=True))


def as_texts(values: pl.Series) -> pl.Series:
    """Return values as text; in bytes, what is not UTF-8 is written with a backslash."""
    import polars as pl

    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError:  # of such bytes, even where the cast is not strict
        texts = [None if one is None else one.decode("utf-8", "backslashreplace") for one in values]
        return pl.Series(values.name, texts, dtype=pl.String)


def values_of(look: Look) -> Values | None:
    """Return every distinct value of the column of ``look``, or None where nothing tells them.

    The statistics know them where they have a full table; otherwise the examples are read, which
    takes memory for the distinct values only.
    """
    import polars as pl

    from dure.validate.samples import value_table

    found = look.found
    if found.values is not None and not found.exactness.counts and found.element == "string":
        return _table([value for value, _ in found.values], [times for _, times in found.values])
    table = value_table(look.statistics, look.split, found.name)
    if table is not None and table[1]:
        return Values(table[0])
    if look.examples is None or look.split not in look.examples.splits:
        return None
    counts = (
        flat(look.examples, look.split, found.path)
        .filter(pl.col("value").is_not_null())
        .group_by("value")
        .agg(pl.len().alias("count"))
        .collect(engine="streaming")
    )
    return Values(counts)


def _table(values: Sequence[str], counts: Sequence[int]) -> Values:
    import polars as pl

    schema = {"value": pl.String, "count": pl.Int64}
    return Values(pl.DataFrame({"value": list(values), "count": list(counts)}, schema=schema))


def flat(
    examples: Examples, split: str, path: Sequence[str], *, whole: bool = False
) -> pl.LazyFrame:
    """Return the values of a column, one a line.

    Parameters
    ----------
    examples : Examples
    split : str
    path : sequence of str
        The column, and the fields of structs in it.
    whole : bool
        Leave the lists of the last field as they are: a line a row.

    Returns
    -------
    polars.LazyFrame
        ``row``, its number in the split from 0, and ``value``.
    """
    import polars as pl

    from dure.data.naming import field_of, named

    frame = examples.scan(split).select(named(path[0]).alias("value")).with_row_index("row")
    for depth in range(len(path)):
        last = depth == len(path) - 1
        while isinstance(frame.collect_schema()["value"], pl.List) and not (last and whole):
            frame = frame.explode("value")
        if not last:
            kind = frame.collect_schema()["value"]
            assert isinstance(kind, pl.Struct)  # the path says so
            inner = field_of(pl.col("value"), kind, path[depth + 1])
            frame = frame.with_columns(inner.alias("value"))
    return frame
