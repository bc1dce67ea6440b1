"""Natural language: its vocabulary, its tokens, the length of its sequences.

Statistics do not keep sequences, so that these are counted in the examples, in one streaming
pass. A sequence is a list of texts or whole numbers; a column of texts is cut at white space.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dure.draw import number
from dure.schema.semantics import NaturalLanguage, Token
from dure.validate.finding import Bad, Finding, Look
from dure.validate.values import as_texts, flat
from dure.validate.words import count, share

if TYPE_CHECKING:
    import polars as pl


def language(look: Look) -> Iterator[Finding]:
    """Yield which expectations of a natural language column are not met."""
    expected = look.expected.semantic
    if not isinstance(expected, NaturalLanguage) or not _asks(expected):
        return
    if look.examples is None or look.split not in look.examples.splits:
        yield _unknown(
            "sequences are not kept in statistics", "give the examples beside the statistics"
        )
        return
    seen = _count(look, expected)
    for index, token in enumerate(expected.tokens):
        yield from _token(token, index, seen)
    yield from _length(look, expected, seen)
    yield from _words(expected, seen)


def _asks(expected: NaturalLanguage) -> bool:
    return bool(expected.tokens or expected.length or expected.coverage or expected.token_length)


def _count(look: Look, expected: NaturalLanguage) -> dict[str, Any]:
    """Return what one pass over the sequences tells."""
    import polars as pl

    assert look.examples is not None  # asked before
    sequences = flat(look.examples, look.split, look.found.path, whole=True).filter(
        pl.col("value").is_not_null()
    )
    wanted: list[pl.Expr] = [pl.len().alias("sequences")]
    for index, token in enumerate(expected.tokens):
        times = _sequence(look).list.count_matches(_as(look, token.value))
        wanted += [
            times.min().alias(f"least {index}"),
            times.max().alias(f"most {index}"),
            (times > 0).sum().alias(f"having {index}"),
        ]
    size = _size(look, expected.length_excluded)
    wanted += [size.min().alias("shortest"), size.max().alias("longest")]
    seen = sequences.select(wanted).collect(engine="streaming").row(0, named=True)
    if expected.coverage is not None or expected.token_length is not None:
        seen.update(_vocabulary(look, expected, sequences))
    return seen


def _sequence(look: Look) -> pl.Expr:
    import polars as pl

    value = pl.col("value")
    if look.found.levels:
        return value
    return value.str.split(" ").list.eval(pl.element().filter(pl.element() != ""))


def _as(look: Look, token: str | int) -> str | int:
    return int(token) if look.found.element == "int" else str(token)


def _size(look: Look, excluded: tuple[str | int, ...]) -> pl.Expr:
    size = _sequence(look).list.len().cast(int)
    for token in excluded:
        size = size - _sequence(look).list.count_matches(_as(look, token)).cast(int)
    return size


def _vocabulary(look: Look, expected: NaturalLanguage, sequences: pl.LazyFrame) -> dict[str, Any]:
    import polars as pl

    tokens = sequences.select(_sequence(look).alias("token")).explode("token").drop_nulls()
    left_out = [_as(look, token) for token in expected.excluded]
    counts = (
        tokens.filter(~pl.col("token").is_in(left_out))
        .group_by("token")
        .agg(pl.len().alias("times"))
        .collect(engine="streaming")
    )
    total = int(counts["times"].sum())
    seen: dict[str, Any] = {"tokens": total, "mean": None, "covered": None}
    known = _known(expected)
    if total and counts["token"].dtype == pl.String:
        lengths = counts["token"].str.len_chars() * counts["times"]
        seen["mean"] = float(lengths.sum()) / total
    if total and known is not None:
        unknown = {str(token) for token in expected.unknown}
        held = counts.filter(as_texts(counts["token"]).is_in(list(known - unknown)))
        seen["covered"] = int(held["times"].sum()) / total
    return seen


def _known(expected: NaturalLanguage) -> set[str] | None:
    if expected.vocabulary is None or not Path(expected.vocabulary).is_file():
        return None
    return set(Path(expected.vocabulary).read_text(encoding="utf-8").splitlines())


def _token(token: Token, index: int, seen: dict[str, Any]) -> Iterator[Finding]:
    name = repr(token.value)
    total = seen["sequences"]
    if not total:
        return
    low, high = token.per_sequence or (None, None)
    least, most = seen[f"least {index}"], seen[f"most {index}"]
    if low is not None and least < low:
        yield _about(
            token,
            "token_too_seldom",
            f"a sequence has {name} {count(least, 'time')}",
            f"at least {low:g} in each",
        )
    if high is not None and most > high:
        yield _about(
            token,
            "token_too_often",
            f"a sequence has {name} {count(most, 'time')}",
            f"at most {high:g} in each",
        )
    low, high = token.share or (None, None)
    part = seen[f"having {index}"] / total
    if low is not None and part < low:
        yield _about(
            token,
            "token_in_too_few",
            f"{share(part)} of the sequences have {name}",
            f"at least {share(low)} of them",
        )
    if high is not None and part > high:
        yield _about(token, "token_in_too_many", f"{share(part)} of the sequences have {name}", f"at most {share(high)} of them")  # fmt: skip


def _about(token: Token, kind: str, reason: str, expected: str) -> Finding:
    return Finding(
        kind,
        reason,
        expected,
        reason,
        "repair how the sequences are made, or change tokens in the schema",
        detail=str(token.value),
    )


def _length(look: Look, expected: NaturalLanguage, seen: dict[str, Any]) -> Iterator[Finding]:
    low, high = expected.length or (None, None)
    if not seen["sequences"]:
        return
    shortest, longest = seen["shortest"], seen["longest"]
    size = _size(look, expected.length_excluded)
    if low is not None and shortest < low:
        yield Finding(
            "sequence_length",
            f"the shortest sequence has {count(shortest, 'token')}",
            f"at least {count(low, 'token')}",
            f"a shortest of {count(shortest, 'token')}",
            "repair how the sequences are made, or change length in the schema",
            detail="min",
            bad=Bad(lambda: size < low, "rows"),
        )
    if high is not None and longest > high:
        yield Finding(
            "sequence_length",
            f"the longest sequence has {count(longest, 'token')}",
            f"at most {count(high, 'token')}",
            f"a longest of {count(longest, 'token')}",
            "repair how the sequences are made, or change length in the schema",
            detail="max",
            bad=Bad(lambda: size > high, "rows"),
        )


def _words(expected: NaturalLanguage, seen: dict[str, Any]) -> Iterator[Finding]:
    if expected.coverage is not None:
        covered = seen["covered"]
        if covered is None:
            yield _unknown(
                f"the vocabulary {expected.vocabulary!r} cannot be read",
                "give the path of a file with one token a line",
            )
        elif covered < expected.coverage:
            yield Finding(
                "coverage_too_low",
                f"{share(covered)} of the tokens are in the vocabulary",
                f"at least {share(expected.coverage)}",
                f"{share(covered)} of {count(seen['tokens'], 'token')}",
                "make the vocabulary from newer data, or lower coverage in the schema",
                value=covered,
            )
    mean = seen.get("mean")
    if expected.token_length is not None and mean is not None and mean < expected.token_length:
        yield Finding(
            "tokens_too_short",
            f"a token has {number(mean)} letters on average",
            f"at least {number(expected.token_length)}",
            f"{number(mean)} over {count(seen['tokens'], 'token')}",
            "repair how the tokens are made, or lower token_length in the schema",
            value=mean,
        )


def _unknown(what: str, fix: str) -> Finding:
    return Finding(
        "statistics_missing",
        what,
        "sequences and a vocabulary",
        what,
        fix,
        detail="natural_language",
    )
