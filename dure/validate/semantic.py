"""What values mean: times, images, addresses, embeddings.

Natural language is in `dure.validate.language`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dure.errors import SchemaError
from dure.schema.semantics import Embedding, Image, Time
from dure.validate.finding import Bad, Finding, Look
from dure.validate.values import flat, values_of
from dure.validate.words import count, exact, listed, rows, share

if TYPE_CHECKING:
    import polars as pl

_PATTERNS = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "url": r"^[A-Za-z][A-Za-z0-9+.-]*://\S+$",
    "uuid": r"^\{?[0-9A-Fa-f]{8}-?([0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}\}?$",
}
_TICKS = {"unix_days": 86400.0, "unix_s": 1.0, "unix_ms": 1e-3, "unix_us": 1e-6, "unix_ns": 1e-9}
# The first bytes of a JPEG, PNG, GIF and BMP.
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM")


def check_time(name: str, expected: Time) -> None:
    """Raise unless the bounds of a time can be read.

    Raises
    ------
    SchemaError
        Names the column and the bound.
    """
    read = dt.time.fromisoformat if expected.of_day else dt.datetime.fromisoformat
    for field in ("min", "max"):
        bound = getattr(expected, field)
        try:
            if bound is not None:
                read(bound)
        except ValueError as error:
            raise SchemaError(
                f"column {name!r}: time: {field} is no {'time of day' if expected.of_day else 'time'}",
                expected="ISO 8601, such as " + ("12:30" if expected.of_day else "2024-01-31"),
                got=repr(bound),
            ) from error


def semantic(look: Look) -> Iterator[Finding]:
    """Yield what contradicts the meaning of the column."""
    expected = look.expected.semantic
    if expected is None:
        return
    yield from _changed(look)
    if isinstance(expected, Time):
        yield from _time(look, expected)
    elif isinstance(expected, Image):
        yield from _image(look, expected)
    elif isinstance(expected, Embedding):
        yield from _embedding(look, expected)
    elif expected in _PATTERNS and look.found.element == "string":
        yield from _pattern(look, str(expected))


def _changed(look: Look) -> Iterator[Finding]:
    seen, kind = look.found.semantic, look.expected.semantic_kind
    # What a category or an identifier is depends on the number of rows.
    soft = ("category", "id")
    if seen is None or seen.kind == kind or seen.kind in soft or kind in (*soft, "embedding"):
        return
    yield Finding(
        "semantic_changed",
        f"{share(seen.share)} of the values look like {seen.kind.replace('_', ' ')}",
        f"semantic {kind}",
        f"semantic {seen.kind}, seen in {count(seen.checked, 'value')}",
        "repair the data, or change semantic in the schema",
    )


def _pattern(look: Look, kind: str) -> Iterator[Finding]:
    values = values_of(look)
    if values is None:
        yield _unknown(f"whether every text is of the form of {kind}")
        return
    wrong = values.where(_no_match(_PATTERNS[kind]))
    if wrong:
        yield Finding(
            "semantic_changed",
            f"{count(len(wrong), 'text')} in {rows(sum(n for _, n in wrong))} have not the form of {kind}",
            f"semantic {kind}",
            listed(wrong),
            "repair the data, or change semantic in the schema",
            bad=Bad(lambda: _no_match(_PATTERNS[kind])),
        )


def _no_match(pattern: str) -> pl.Expr:
    import polars as pl

    return ~pl.col("value").str.contains(pattern)


# --- times --------------------------------------------------------------------------------------


def _time(look: Look, expected: Time) -> Iterator[Finding]:
    if look.found.element == "string" and expected.format and "%" in expected.format:
        values = values_of(look)
        if values is None:
            yield _unknown(f"whether every text has the format {expected.format}")
            return
        wrong = values.where(_unread(expected))
        if wrong:
            yield Finding(
                "not_time",
                f"{count(len(wrong), 'text')} in {rows(sum(n for _, n in wrong))} cannot be read as a time",
                f"texts of the format {expected.format}",
                listed(wrong),
                "repair the data, or change the format in the schema",
                bad=Bad(lambda: _unread(expected)),
            )
    if expected.min is not None or expected.max is not None:
        yield from _time_bounds(look, expected)


def _time_bounds(look: Look, expected: Time) -> Iterator[Finding]:
    values = values_of(look)
    if values is None or (look.found.element == "string" and not expected.format):
        yield _unknown("whether every time is within its bounds")
        return
    for name, bound in (("min", expected.min), ("max", expected.max)):
        if bound is None:
            continue
        wrong = values.where(_past(expected, look.found.element, name, bound))
        if not wrong:
            continue
        before = "before" if name == "min" else "after"
        yield Finding(
            "time_outside",
            f"{count(len(wrong), 'time')} in {rows(sum(n for _, n in wrong))} {'is' if len(wrong) == 1 else 'are'} {before} {bound}",
            f"times {'from' if name == 'min' else 'up to'} {bound}",
            listed(wrong),
            f"repair the data, or change {name} in the schema",
            detail=name,
            bad=_bad_time(expected, look.found.element, name, bound),
        )


def _bad_time(expected: Time, element: str, name: str, bound: str) -> Bad:
    return Bad(lambda: _past(expected, element, name, bound))


def _read(expected: Time) -> pl.Expr:
    import polars as pl

    layout = expected.format or ""
    clock = any(code in layout for code in ("%H", "%I", "%T", "%s", "%R"))
    kind = pl.Time() if expected.of_day else pl.Datetime("us") if clock else pl.Date()
    return pl.col("value").str.strptime(kind, layout, strict=False)


def _unread(expected: Time) -> pl.Expr:
    return _read(expected).is_null()


def _past(expected: Time, element: str, name: str, bound: str) -> pl.Expr:
    import polars as pl

    if expected.of_day:
        limit: object = dt.time.fromisoformat(bound)
        read = _read(expected)
    elif element == "string":
        at = dt.datetime.fromisoformat(bound)
        limit, read = at.replace(tzinfo=None), _read(expected).cast(pl.Datetime("us"))
    else:
        at = dt.datetime.fromisoformat(bound).replace(tzinfo=dt.UTC)
        limit = at.timestamp()
        read = pl.col("value").cast(pl.Float64) * _TICKS.get(expected.format or "unix_s", 1.0)
    return read < pl.lit(limit) if name == "min" else read > pl.lit(limit)


# --- images and embeddings ----------------------------------------------------------------------


def _image(look: Look, expected: Image) -> Iterator[Finding]:
    found = look.found
    largest = expected.max_bytes
    if largest is not None and found.max_length is not None and found.max_length > largest:
        yield Finding(
            "image_too_large",
            f"the largest has {count(found.max_length, 'byte')}",
            f"at most {count(largest, 'byte')}",
            f"a largest of {count(found.max_length, 'byte')}",
            f"make the images smaller, or raise max_bytes in the schema to {found.max_length}",
            bad=Bad(lambda: _size() > largest),
        )
    if expected.supported is not None:
        yield from _supported(look, expected.supported)


def _size() -> pl.Expr:
    import polars as pl

    return pl.col("value").bin.size()


def _supported(look: Look, least: float) -> Iterator[Finding]:
    part = _image_share(look)
    if part is None:
        yield _unknown("how many values are images")
    elif part < least - 1e-12:
        yield Finding(
            "too_few_images",
            f"{share(part)} of the values are BMP, GIF, JPEG or PNG images",
            f"at least {share(least)} of them",
            f"{share(part)} of {count(look.found.number_of_values, 'value')}",
            "repair the data, or lower supported in the schema",
            bad=Bad(_no_image) if look.found.element == "bytes" else None,
            value=part,
        )


def _image_share(look: Look) -> float | None:
    found = look.found
    if look.examples is not None and found.element == "bytes":
        import polars as pl

        answer = (
            flat(look.examples, look.split, found.path)
            .filter(pl.col("value").is_not_null())
            .select((~_no_image()).mean())
            .collect(engine="streaming")
            .item()
        )
        return None if answer is None else float(answer)
    if found.semantic is not None and found.semantic.kind == "image":
        return found.semantic.share
    return None


def _no_image() -> pl.Expr:
    import polars as pl

    return ~pl.any_horizontal(*(pl.col("value").bin.starts_with(magic) for magic in _MAGIC))


def _embedding(look: Look, expected: Embedding) -> Iterator[Finding]:
    levels = look.found.levels
    size = expected.size
    if size is None:
        return
    low, high = (levels[-1].min, levels[-1].max) if levels else (1, 1)
    if (low, high) != (size, size):
        yield Finding(
            "embedding_size",
            f"vectors have {low:,} numbers"
            if low == high
            else f"vectors have {low:,} to {high:,} numbers",
            f"{exact(size)} numbers in each vector",
            f"type {look.found.type}, {low:,} to {high:,} numbers",
            "make all vectors with one model, or change size in the schema",
            bad=Bad(lambda: _list_size() != size, "rows") if len(levels) == 1 else None,
        )


def _list_size() -> pl.Expr:
    import polars as pl

    return pl.col("value").list.len()


def _unknown(what: str) -> Finding:
    return Finding(
        "statistics_missing",
        f"the statistics do not tell {what}",
        "a full table of values, or the examples",
        "neither",
        "give the examples beside the statistics",
        detail="semantic",
    )
