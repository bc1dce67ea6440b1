"""How a schema looks: one line, a table in a terminal, a table on a page, a frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from dure import draw
from dure.schema.bounds import Bounds
from dure.schema.column import Column
from dure.schema.dataset import Dataset
from dure.schema.override import Override
from dure.statistics.text import fit

if TYPE_CHECKING:
    import polars as pl

    from dure.schema.model import Schema

_SHOWN = 100  # values of a domain that a page lists


def summary(schema: Schema) -> str:
    """Return, for example, ``"7 columns, 3 domains"``."""
    domains = sum(column.domain is not None for column in schema.columns.values())
    parts = [count(len(schema.columns), "column"), count(domains, "domain")]
    for number, noun in (
        (len(schema.dataset.expressions), "expression"),
        (len(schema.dataset.rules), "rule"),
    ):
        if number:
            parts.append(count(number, noun))
    return ", ".join(parts)


def text(schema: Schema) -> str:
    """Return a table of the columns, at most 80 characters wide, and what holds for the whole."""
    lines = [f"{'column':<24} {'type':<12} {'presence':>8}  expected"]
    for full_name, column in schema.columns.items():
        # Cut first: fitting looks at the text again for each letter that it takes away.
        name = fit(full_name[:80], 24)
        row = f"{name} {fit(column.type, 12)} {column.presence:>8.2f}  {values(column)[:160]}"
        lines.append(fit(row[:220], 80).rstrip())
    lines += [fit(f"{name}: {what}"[:220], 80).rstrip() for name, what in whole(schema.dataset)]
    return "\n".join(lines)


def html(schema: Schema) -> Markup:
    """Return a table of the columns, and one of what holds for the whole."""
    rows = [
        (name, column.type, f"{column.presence:.2f}", values(column, _SHOWN))
        for name, column in schema.columns.items()
    ]
    table = draw.table(("column", "type", "presence", "expected"), rows, numeric=(2,))
    others = list(whole(schema.dataset))
    return table + draw.table(("of the whole", "expected"), others) if others else table


def frame(schema: Schema) -> pl.DataFrame:
    """Return a row a column, with what is expected of it; see `Schema.frame`."""
    import polars as pl

    texts = {"column": pl.String, "type": pl.String}
    numbers = {"presence": pl.Float64, "min": pl.Float64, "max": pl.Float64}
    lists = {"domain": pl.List(pl.String)}
    rest = {"domain_share": pl.Float64, "stage": pl.String, "other": pl.String}
    rows = [
        {
            "column": name,
            "type": column.type,
            "presence": column.presence,
            "min": column.min,
            "max": column.max,
            "domain": None if column.domain is None else list(column.domain),
            "domain_share": None if column.domain is None else column.domain_share,
            "stage": column.stage,
            "other": ", ".join(_others(column)) or None,
        }
        for name, column in schema.columns.items()
    ]
    return pl.DataFrame(rows, schema={**texts, **numbers, **lists, **rest})


def values(column: Column, shown: int = 20) -> str:
    """Return what is expected of a column beside type and presence, in a few words."""
    parts = [*_main(column, shown), *_others(column)]
    return ", ".join(parts) or "any"


def _main(column: Column, shown: int) -> Iterator[str]:
    if column.domain is not None:
        share = f"{column.domain_share * 100:g} % in: " if column.domain_share != 1.0 else ""
        rest = len(column.domain) - shown
        more = f" and {rest:,} more" if rest > 0 else ""
        yield f"{share}{', '.join(column.domain[:shown])}{more}"
    if column.min is not None:
        yield f"≥ {exact(column.min)}"
    if column.max is not None:
        yield f"≤ {exact(column.max)}"


def _others(column: Column) -> Iterator[str]:
    yield from _of_values(column)
    for name in ("mean", "std"):
        if getattr(column, name) is not None:
            yield f"{name} {span(getattr(column, name))}"
    yield from (f"quantile {at:g} {span(pair)}" for at, pair in column.quantiles.items())
    yield from (f"share of {value!r} {span(pair)}" for value, pair in column.balance.items())
    for name in ("drift", "skew"):
        if getattr(column, name) is not None:
            yield f"{name} {compared(getattr(column, name))}"
    if column.stage is not None:
        yield column.stage
    for name, words in (("in", column.in_environment), ("not in", column.not_in_environment)):
        if words:
            yield f"{name} {' and '.join(words)}"
    yield from (f"{kind}: {severity(one)}" for kind, one in column.severity.items())
    yield from (f"#{tag}" for tag in column.tags)


def _of_values(column: Column) -> Iterator[str]:
    if column.min_rows and (column.min_rows > 1 or not column.presence):
        yield f"in {count(column.min_rows, 'row')} or more"
    for level in column.values or ():
        yield f"{span(level)} values"
    if column.shape is not None:
        yield f"shape {' × '.join(map(str, column.shape)) or 'scalar'}"
    if column.holds is not None:
        words = [one for one in (column.true_value, column.false_value) if one is not None]
        yield f"holds {column.holds}" + (f" ({' / '.join(map(repr, words))})" if words else "")
    for name in ("nan", "inf"):
        share = getattr(column, name)
        if share is not None:
            yield f"no {name}" if share == 0 else f"{name} in ≤ {share * 100:g} %"
    yield from _of_texts(column)


def _of_texts(column: Column) -> Iterator[str]:
    if column.unique:
        yield "unique"
    if column.distinct is not None:
        yield f"{span(column.distinct)} distinct"
    if column.regex is not None:
        yield f"like {column.regex}"
    if column.length is not None:
        yield f"length {span(column.length)}"
    if column.semantic is not None:
        yield described(column.semantic)


def whole(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield what is expected of the data as a whole: its name, and what it is in words."""
    if dataset.environments:
        yield "environments", ", ".join(dataset.environments)
    for name in ("rows", "rows_to_previous_span", "rows_to_previous_version"):
        if getattr(dataset, name) is not None:
            yield name.replace("_", " "), span(getattr(dataset, name))
    for name in ("drift", "skew"):
        if getattr(dataset, name) is not None:
            yield name, compared(getattr(dataset, name))
    yield from ((kind, severity(override)) for kind, override in dataset.severity.items())
    yield from _named(dataset)
    yield from dataset.metadata.items()


def _named(dataset: Dataset) -> Iterator[tuple[str, str]]:
    for name, one in dataset.expressions.items():
        share = "" if one.share == 1 else f" in {one.share * 100:g} % of the rows"
        yield name, f"{one.expression}{share}"
    for name, rule in dataset.rules.items():
        yield name, rule.function
    for name, sparse in dataset.sparse.items():
        yield name, f"sparse: {sparse.values} at {', '.join(sparse.indices)}"
    for name, weighted in dataset.weighted.items():
        yield name, f"weighted: {weighted.values} by {weighted.weights}"


def span(pair: Bounds) -> str:
    """Return bounds in words: ``"1 to 3"``, ``"≥ 1"``."""
    low, high = (None if bound is None else exact(bound) for bound in pair)
    if low is None:
        return "any number of" if high is None else f"≤ {high}"
    if high is None:
        return f"≥ {low}"
    return low if low == high else f"{low} to {high}"


def exact(bound: float) -> str:
    """Return a bound with all its digits: a rounded one would shut out what is allowed."""
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:,.15g}"


def compared(value: str | Mapping[str, float]) -> str:
    """Return thresholds in words."""
    if isinstance(value, str):
        return value
    return " and ".join(f"{name} ≤ {limit:g}" for name, limit in value.items()) or "not compared"


def severity(one: Override) -> str:
    """Return what an anomaly counts as, in words."""
    until = f" until {one.until}" if one.until else ""
    owner = f" ({one.owner})" if one.owner else ""
    return f"{one.severity}{until}{owner}"


def described(semantic: Any) -> str:
    """Return a meaning with its settings."""
    if isinstance(semantic, str):
        return semantic
    settings = [
        f"{key} {span(value) if key == 'length' else value}"
        for key, value in vars(semantic).items()
        if value not in (None, (), False)
    ]
    return f"{semantic.kind}: {', '.join(settings)}" if settings else str(semantic.kind)


def count(number: int, noun: str) -> str:
    """Return ``"1 column"`` or ``"2 columns"``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
