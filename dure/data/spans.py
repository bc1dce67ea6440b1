"""Spans and versions: which of the files that a pattern means are read.

A span is a number: a day, an hour, whatever part of the data came at once. A version is another
go at the same span. Both stand in the names of files or folders, as TFX has them:

================ ==========================================================================
in a pattern     what it matches
================ ==========================================================================
``{SPAN}``       the number of the span: digits
``{SPAN:4}``     the same, with so many digits: ``0012``
``{YYYY}``,      a date; the span is the number of days from 1970-01-01 to it. All three stand
``{MM}``,        once each, in any order, and without ``{SPAN}``
``{DD}``
``{VERSION}``    the number of the version: digits; needs a span
``{VERSION:2}``  the same, with so many digits
================ ==========================================================================

The rest is a pattern as anywhere: ``"trips/day-{SPAN}/v{VERSION}/*.csv"``. Unless `Spans` says
otherwise, the latest span is read, in its latest version.
"""

from __future__ import annotations

import datetime as dt
import glob
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dure.data import remote
from dure.data.location import scheme_of, shown
from dure.errors import DataError, UsageError

_SPEC = re.compile(r"\{(SPAN|VERSION)(?::([^{}]*))?\}|\{(YYYY|MM|DD)\}")
_DATE = ("YYYY", "MM", "DD")
_EPOCH = dt.date(1970, 1, 1)
_PLAIN = {"*": "[^/]*", "?": "[^/]", "**": ".*"}


@dataclass(frozen=True)
class Spans:
    """Which spans are read. The default is the latest.

    Parameters
    ----------
    first, last : int, optional
        Only spans from ``first`` to ``last``, both included. Days since 1970-01-01, where spans
        are dates: `span_of`.
    newest : int, optional
        Only so many numbers up to the latest of those. Where the data begins later, fewer.
    version : int, optional
        This version of each; default: the latest of each.
    gaps : bool
        A span in the range that is not there is left out. Default: it is an error.

    Examples
    --------
    >>> Spans(first=3, last=5)       # a static range
    Spans(first=3, last=5, newest=None, version=None, gaps=False)
    >>> Spans(newest=7).newest       # a rolling range
    7
    """

    first: int | None = None
    last: int | None = None
    newest: int | None = None
    version: int | None = None
    gaps: bool = False

    def __post_init__(self) -> None:
        if self.newest is not None and self.newest < 1:
            raise UsageError("newest is wrong", expected="at least 1", got=f"{self.newest}")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise UsageError(
                "the range of spans is empty",
                expected="a first span that is not after the last",
                got=f"first={self.first}, last={self.last}",
            )


@dataclass(frozen=True)
class Resolved:
    """What patterns mean.

    Parameters
    ----------
    sources : tuple of tuple of str
        For each pattern, the sources of its spans, oldest first.
    spans : tuple of int
        The spans; empty: the patterns have none.
    version : int or None
        The version of the last span.
    """

    sources: tuple[tuple[str, ...], ...]
    spans: tuple[int, ...] = ()
    version: int | None = None


def span_of(date: dt.date | str) -> int:
    """Return the span of a date: days since 1970-01-01.

    >>> span_of("2017-01-01")
    17167
    """
    day = dt.date.fromisoformat(date) if isinstance(date, str) else date
    return (day - _EPOCH).days


def has_spans(pattern: str) -> bool:
    """Return whether a pattern has a ``{SPAN}``, a date or a ``{VERSION}`` in it."""
    return _SPEC.search(pattern) is not None


def resolve(patterns: Sequence[str], which: int | Spans | None = None) -> Resolved:
    """Return what to read.

    Parameters
    ----------
    patterns : sequence of str
        Paths or URLs, for example one for each split. Either all have spans or none has; those
        of all have to be the same, and so have the versions.
    which : int or Spans, optional
        One span, or a range; default: the latest.

    Raises
    ------
    UsageError
        A pattern has its marks wrong.
    DataError
        Nothing matches, a span or a version is not there, or patterns disagree.
    """
    marked = [pattern for pattern in patterns if has_spans(pattern)]
    if not marked:
        if which is not None:
            raise UsageError(
                "a span is asked for, and the source has none",
                expected='a source with spans, such as "trips/{SPAN}/*.csv"',
                got=", ".join(map(repr, patterns)),
            )
        return Resolved(tuple((pattern,) for pattern in patterns))
    if len(marked) < len(patterns):
        plain = next(pattern for pattern in patterns if not has_spans(pattern))
        raise UsageError(
            "some sources have spans and some have none",
            expected="spans in all or none",
            got=f"'{shown_pattern(marked[0])}' and '{shown_pattern(plain)}'",
        )
    which = Spans(which, which) if isinstance(which, int) else which or Spans()
    found = [_found(pattern) for pattern in patterns]
    chosen = [_chosen(p, each, which) for p, each in zip(patterns, found, strict=True)]
    for pattern, other in zip(patterns[1:], chosen[1:], strict=True):
        _check_same(patterns[0], chosen[0], pattern, other)
    sources = tuple(
        tuple(_filled(pattern, each[span][version]) for span, version in chosen[0])
        for pattern, each in zip(patterns, found, strict=True)
    )
    spans = tuple(span for span, _ in chosen[0])
    return Resolved(sources, spans, chosen[0][-1][1])


def query_of_span(query: str, span: int) -> str:
    """Return a query for one span, a day, in which TFX's marks are replaced by what they mean.

    ``@span_begin_timestamp`` and ``@span_end_timestamp`` are seconds since 1970 in UTC, from
    the start of the day to the start of the next; ``@span_yyyymmdd_utc`` is ``'20170101'``, a
    text in SQL.

    >>> query_of_span("SELECT * FROM t WHERE d = @span_yyyymmdd_utc", 17167)
    "SELECT * FROM t WHERE d = '20170101'"
    """
    day = _EPOCH + dt.timedelta(days=span)
    for mark, text in (
        ("@span_begin_timestamp", str(span * 86_400)),
        ("@span_end_timestamp", str((span + 1) * 86_400)),
        ("@span_yyyymmdd_utc", f"'{day:%Y%m%d}'"),
    ):
        query = query.replace(mark, text)
    return query


def shown_pattern(pattern: str) -> str:
    """Return a pattern as it may be shown."""
    return shown(pattern) if scheme_of(pattern) else pattern


_Tokens = Mapping[str, str]  # what stands in a name in place of each mark
_Found = dict[int, dict[int | None, _Tokens]]  # by span and version


def _found(pattern: str) -> _Found:
    """Return every span and version of a pattern that is there."""
    _check_marks(pattern)
    regex = re.compile(_regex(_plain(pattern)))
    found: _Found = {}
    for name in matching(pattern):
        match = regex.fullmatch(name)
        if match is None:
            continue
        tokens = match.groupdict()
        span = _span(tokens, name)
        version = int(tokens["VERSION"]) if "VERSION" in tokens else None
        known = found.setdefault(span, {}).setdefault(version, tokens)
        if known != tokens:
            raise DataError(
                f"a span of '{shown_pattern(pattern)}' is written in two ways",
                expected="one way for each span and version",
                got=f"{', '.join(known.values())} and {', '.join(tokens.values())}",
                fix="say how many digits a number has, such as {SPAN:4}",
            )
    if not found:
        raise DataError(
            f"no file or folder matches '{shown_pattern(pattern)}'",
            expected="at least one, with digits for each mark",
            got="none",
            fix="check the pattern; numbers with leading zeros have a width, such as {SPAN:4}",
        )
    return found


def _chosen(pattern: str, found: _Found, which: Spans) -> list[tuple[int, int | None]]:
    low = which.first if which.first is not None else min(found)
    high = which.last if which.last is not None else max(found)
    inside = [span for span in sorted(found) if low <= span <= high]
    if not inside:
        raise _no_span(pattern, found, [low] if low == high else [low, high])
    if which.newest is not None:
        # From where the data begins, if that is later.
        low, high = max(inside[-1] - which.newest + 1, inside[0]), inside[-1]
    elif which.first is None and which.last is None:
        low = high
    spans = [span for span in inside if low <= span <= high]
    if not which.gaps and len(spans) < high - low + 1:
        gone = (span for span in range(low, high + 1) if span not in found)
        raise _no_span(pattern, found, list(itertools.islice(gone, 9)))
    return [(span, _version(pattern, span, found[span], which.version)) for span in spans]


def _no_span(pattern: str, found: _Found, wanted: Sequence[int]) -> DataError:
    return DataError(
        f"'{shown_pattern(pattern)}' has no span {_numbers(wanted)}",
        expected="each of the spans that are asked for",
        got=f"spans {_numbers(sorted(found))}",
        fix="ask for spans that are there; Spans(…, gaps=True) leaves out what is not",
    )


def _version(
    pattern: str, span: int, versions: Mapping[int | None, _Tokens], wanted: int | None
) -> int | None:
    if wanted is None:
        return max(versions, key=lambda version: -1 if version is None else version)
    if wanted not in versions:
        numbers = sorted(version for version in versions if version is not None)
        raise DataError(
            f"'{shown_pattern(pattern)}' has no version {wanted} of span {span}",
            expected=f"version {wanted}",
            got=f"versions {_numbers(numbers)}" if numbers else "a pattern without {VERSION}",
        )
    return wanted


def _check_same(
    one: str,
    first: Sequence[tuple[int, int | None]],
    other: str,
    second: Sequence[tuple[int, int | None]],
) -> None:
    if first == second:
        return
    a = next((each for each in first if each not in second), None)
    b = next((each for each in second if each not in first), None)
    raise DataError(
        "the splits have different spans or versions",
        expected="the same in all of them",
        got=f"{_said(a)} of '{shown_pattern(one)}', {_said(b)} of '{shown_pattern(other)}'",
        fix="complete the data, or name a span that all of them have: span=…",
    )


def _said(one: tuple[int, int | None] | None) -> str:
    if one is None:
        return "no other span"
    return f"span {one[0]}" + ("" if one[1] is None else f" version {one[1]}")


def _check_marks(pattern: str) -> None:
    marks = [match[1] or match[3] for match in _SPEC.finditer(pattern)]
    dates = [mark for mark in marks if mark in _DATE]
    widths = [match[2] for match in _SPEC.finditer(pattern) if match[2] is not None]
    wrong = None
    if dates and "SPAN" in marks:
        wrong = "both {SPAN} and a date"
    elif dates and sorted(dates) != sorted(_DATE):
        wrong = "a date that is not {YYYY}, {MM} and {DD}, once each"
    elif marks.count("SPAN") > 1 or marks.count("VERSION") > 1:
        wrong = "a mark twice"
    elif "VERSION" in marks and not dates and "SPAN" not in marks:
        wrong = "{VERSION} without a span"
    elif any(not re.fullmatch("[1-9][0-9]*", width) for width in widths):
        wrong = "a width that is no whole number above 0"
    if wrong:
        raise UsageError(
            f"'{shown_pattern(pattern)}' has {wrong}",
            expected="{SPAN} or {YYYY}, {MM} and {DD}, with {VERSION} or without",
            got=", ".join(match[0] for match in _SPEC.finditer(pattern)),
        )


def _span(tokens: _Tokens, name: str) -> int:
    if "SPAN" in tokens:
        return int(tokens["SPAN"])
    try:
        return span_of(dt.date(int(tokens["YYYY"]), int(tokens["MM"]), int(tokens["DD"])))
    except ValueError as error:
        raise DataError(
            f"'{name}' has no date where the pattern has one",
            expected="a year, a month and a day",
            got="-".join(tokens[mark] for mark in _DATE),
            fix="rename it, or make the pattern narrower",
        ) from error


def _digits(match: re.Match[str]) -> str | None:
    """Return the width of a mark, as text; None: any."""
    return {"YYYY": "4", "MM": "2", "DD": "2"}.get(match[3] or "", match[2])


def _regex(pattern: str) -> str:
    """Return the regular expression of names that match a pattern."""
    pieces, at = [], 0
    for match in _SPEC.finditer(pattern):
        width = _digits(match)
        number = f"[0-9]{{{width}}}" if width else "[0-9]+"
        pieces += [_regex_of_glob(pattern[at : match.start()])]
        pieces += [f"(?P<{match[1] or match[3]}>{number})"]
        at = match.end()
    return "".join([*pieces, _regex_of_glob(pattern[at:])])


def _regex_of_glob(text: str) -> str:
    tokens = re.findall(r"\*\*|[*?]|\[[^\]]+\]|.", text, re.DOTALL)
    return "".join(
        _PLAIN.get(token) or (token.replace("[!", "[^") if len(token) > 1 else re.escape(token))
        for token in tokens
    )


def matching(pattern: str) -> list[str]:
    """Return what is there that a pattern may mean, of any span: paths or URLs, sorted.

    Raises
    ------
    DataError
        The place behind a URL cannot be looked into.
    """
    wide = _SPEC.sub(lambda match: "[0-9]" * int(_digits(match) or 0) or "*", pattern)
    if not scheme_of(pattern):
        return sorted(glob.glob(wide, recursive=True))  # noqa: PTH207 - takes absolute patterns
    system, inside = remote.filesystem(wide)
    try:
        system.invalidate_cache()
        names = [str(system.unstrip_protocol(name)) for name in system.glob(inside)]
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise remote.remote_error(shown_pattern(pattern), error) from remote.cause(pattern, error)
    # As the user writes it: file systems have several names for one scheme.
    prefix = wide.partition("://")[0]
    return sorted(_plain(f"{prefix}://{name.partition('://')[2]}") for name in names)


def _plain(name: str) -> str:
    """Return a URL with two slashes only, as ``memory://a`` and ``memory:///a`` are the same."""
    prefix, mark, rest = name.partition("://")
    return f"{prefix}{mark}{rest.lstrip('/')}" if mark else name


def _filled(pattern: str, tokens: _Tokens) -> str:
    return _SPEC.sub(lambda match: tokens[match[1] or match[3]], pattern)


def _numbers(numbers: Sequence[int]) -> str:
    some = ", ".join(map(str, numbers[:8]))
    return some + (", …" if len(numbers) > 8 else "")
