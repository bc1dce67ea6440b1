"""The semantic type ``"time"``: what is known of a column of times.

Details
-------
``format``
    The strptime format of most values, or ``"unix_seconds"``, ``"unix_milliseconds"``,
    ``"unix_microseconds"``, ``"unix_nanoseconds"``, ``"unix_days"``.
``formats``
    The share of the values of each format, where there are several.
``ambiguous``
    Formats that fit just as well, such as ``"%d/%m/%Y"`` beside ``"%m/%d/%Y"``; only where so.
``zones``
    The zones that are written in the values; empty: none is.
``first``, ``last``
    ISO 8601; with ``+00:00`` where the zone is known, in UTC.
``step``, ``step_share``
    The most frequent difference between neighbouring times in seconds, and which share of the
    differences it is.
``gaps``, ``largest_gap``
    How many differences are more than 1.5 steps, and the largest difference in seconds.
``exact``
    Whether all distinct values were looked at. If not, ``first`` and ``last`` are still those of
    all values with a format that the sample of a shard showed, and differences are those between
    neighbours within one shard.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.statistics.aggregates.time_formats import NOT_A_TIME, candidates, parse, zones
from dure.statistics.aggregates.time_numbers import times_of

Times = NDArray[np.int64]
_PROBE = 128
_EPOCH = dt.datetime(1970, 1, 1)
_STEPS = 64
_ENOUGH = 0.5


@dataclass
class Span:
    """First and last of some times, and the differences between neighbours.

    Parameters
    ----------
    first, last : int
        Microseconds since 1970.
    steps : dict of int to int
        How often each of the 64 most frequent differences occurs.
    differences : int
        How many differences there are.
    """

    first: int
    last: int
    steps: dict[int, int] = field(default_factory=dict)
    differences: int = 0


def span_of(times: Iterable[Times]) -> Span | None:
    """Return the span of times in microseconds, or None where there is none."""
    every = np.unique(np.concatenate([np.zeros(0, np.int64), *times]))
    every = every[every != NOT_A_TIME]
    if not len(every):
        return None
    steps, counts = np.unique(np.diff(every), return_counts=True)
    kept = _most(dict(zip(steps.tolist(), counts.tolist(), strict=True)))
    return Span(int(every[0]), int(every[-1]), kept, len(every) - 1)


def join_spans(first: Span | None, second: Span | None) -> Span | None:
    """Return the span of the times of both."""
    if first is None or second is None:
        return first or second
    steps = Counter(first.steps)
    steps.update(second.steps)
    return Span(
        min(first.first, second.first),
        max(first.last, second.last),
        _most(dict(steps)),
        first.differences + second.differences,
    )


def _most(steps: Mapping[int, int]) -> dict[int, int]:
    """Keep the largest difference, since it is the largest gap, and the most frequent ones."""
    if len(steps) <= _STEPS:
        return dict(sorted(steps.items()))
    kept = sorted(steps, key=lambda step: (-steps[step], step))[: _STEPS - 1]
    return {step: steps[step] for step in sorted({*kept, max(steps)})}


def text_formats(texts: pl.Series) -> list[tuple[str, Times]]:
    """Return the formats that texts have, best first, with the times of those not yet read.

    Parameters
    ----------
    texts : polars.Series of String
        Distinct values in an order that has nothing to do with them; the formats are those that
        the first 128 show. Without nulls.

    Returns
    -------
    list of (str, ndarray of int64)
        A format and the times of all texts in microseconds, `NOT_A_TIME` where a text has none or
        an earlier format fits it. Empty where less than half of the first texts are times.
    """
    probe = texts.head(_PROBE).to_list()
    votes: Counter[str] = Counter()
    some = 0
    for text in probe:
        forms = candidates(text)
        some += bool(forms)
        votes.update(forms)
    if some < _ENOUGH * max(len(probe), 1):
        return []
    read = {form: parse(texts, form) for form in votes}
    # A tie keeps the order of `candidates`, in which the month comes before the day.
    best = sorted(votes, key=lambda form: -int((read[form] != NOT_A_TIME).sum()))
    found, left = [], np.ones(len(texts), bool)
    for form in best:
        times = np.where(left, read[form], NOT_A_TIME)
        if (times != NOT_A_TIME).any():
            found.append((form, times))
            left &= times == NOT_A_TIME
    return found


def alternatives(texts: pl.Series, form: str) -> list[str]:
    """Return the other formats that read every text that ``form`` reads."""
    reads = parse(texts, form) != NOT_A_TIME
    some = texts.filter(pl.Series(reads))
    others = {one for text in some.head(_PROBE).to_list() for one in candidates(text)} - {form}
    return sorted(one for one in others if bool((parse(some, one) != NOT_A_TIME).all()))


def text_details(
    texts: pl.Series, counts: NDArray[np.int64], read: list[tuple[str, Times]]
) -> dict[str, Any]:
    """Return the format, shares of formats and zones of texts."""
    total = int(counts.sum())
    shares = {form: int(counts[times != NOT_A_TIME].sum()) / total for form, times in read}
    main = read[0][0]
    found: dict[str, Any] = {"format": main}
    if len(shares) > 1:
        found["formats"] = shares
    others = alternatives(texts, main)
    if others:
        found["ambiguous"] = others
    named = {zone for form, times in read for zone in zones(_those(texts, times), form)}
    found["zones"] = sorted(named)
    return found


def _those(texts: pl.Series, times: Times) -> pl.Series:
    return texts.filter(pl.Series(times != NOT_A_TIME))


def number_span(values: NDArray[np.int64], form: str) -> Span | None:
    """Return the span of numbers of one unit or format."""
    return span_of([times_of(values, form)])


def span_details(span: Span | None, form: str, *, zoned: bool, exact: bool) -> dict[str, Any]:
    """Return first, last, step and gaps as JSON values."""
    found: dict[str, Any] = {"exact": exact}
    if span is None:
        return found
    clock = "%d" not in form and "%Y" not in form and not form.startswith("unix")
    found["first"] = iso(span.first, zoned=zoned, clock=clock)
    found["last"] = iso(span.last, zoned=zoned, clock=clock)
    if span.differences:
        step = min(span.steps, key=lambda one: (-span.steps[one], one))
        found["step"] = step / 1e6
        found["step_share"] = span.steps[step] / span.differences
        longer = sum(n for one, n in span.steps.items() if one > 1.5 * step)
        shorter = sum(n for one, n in span.steps.items() if one <= 1.5 * step)
        # What was not kept is counted as a gap only where the step is the rule.
        lost = span.differences - longer - shorter
        found["gaps"] = longer + (lost if found["step_share"] >= _ENOUGH else 0)
        found["largest_gap"] = max(span.steps) / 1e6
    return found


def iso(microseconds: int, *, zoned: bool, clock: bool) -> str:
    """Return a time as ISO 8601 text; only the time of day if ``clock``."""
    when = _EPOCH + dt.timedelta(microseconds=microseconds)
    if clock:
        return when.time().isoformat()
    midnight = when.time() == dt.time() and not zoned
    return when.date().isoformat() if midnight else when.isoformat() + "+00:00" * zoned
