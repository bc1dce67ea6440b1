"""Conditions across columns that have to be true in each row, as SQL in the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.validate.finding import Finding
from dure.validate.words import count, rows, share

if TYPE_CHECKING:
    from dure.data.examples import Examples
    from dure.schema.dataset import Expression

EVIDENCE = 5


def expression(
    name: str, wanted: Expression, split: str, examples: Examples | None
) -> Iterator[Finding]:
    """Yield that an expression is not true in enough rows.

    A row in which it is null, because a value is missing, is not counted.

    Parameters
    ----------
    name : str
        What the expression is called.
    wanted : Expression
    split : str
    examples : Examples or None
        Without rows, it cannot be told.
    """
    import polars as pl

    if examples is None or split not in examples.splits:
        yield Finding(
            "statistics_missing",
            f"whether {wanted.expression!r} is true cannot be told from statistics",
            "the examples",
            "none",
            "give the examples beside the statistics",
            detail=name,
        )
        return
    try:
        condition = pl.sql_expr(wanted.expression)
        seen = (
            examples.scan(split)
            .with_row_index("\0row")
            .select(
                condition.cast(pl.Boolean).count().alias("asked"),
                condition.cast(pl.Boolean).sum().alias("true"),
                pl.col("\0row").filter(condition.not_()).head(EVIDENCE).implode().alias("rows"),
            )
            .collect(engine="streaming")
            .row(0, named=True)
        )
    except pl.exceptions.PolarsError as error:
        yield Finding(
            "expression_failed",
            f"the expression cannot be computed: {str(error).splitlines()[0]}",
            f"{wanted.expression} over the columns {', '.join(list(examples.columns)[:20])}",
            "an error",
            "change the expression in the schema: names of columns, and their types",
            detail=name,
        )
        return
    asked, true = int(seen["asked"]), int(seen["true"] or 0)
    if not asked or true >= wanted.share * asked - 1e-9 * asked:
        return
    why = f" ({wanted.comment})" if wanted.comment else ""
    part = "in every row" if wanted.share == 1 else f"in at least {share(wanted.share)} of the rows"
    yield Finding(
        "expression_failed",
        f"{wanted.expression} is not true in {rows(asked - true)} of {asked:,}{why}",
        f"{wanted.expression} {part}",
        f"true in {share(true / asked)} of {count(asked, 'row')} that have the values",
        "repair the data, or change the expression in the schema",
        detail=name,
        rows=tuple(int(row) for row in seen["rows"]),
        value=true / asked,
    )
