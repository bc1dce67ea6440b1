"""What the values of a column mean, by the rules of one module for each kind.

A kind is given where at least 80 % of the values fit, of the distinct ones too, over at least 100
values (TFDV's thresholds; both are parameters). The kinds are tried in this order, and the first
that fits is given; a column that fits none has none, since a wrong kind is worse than none.

====== ================================================================== =====================
type   kinds, in order                                                    rules
====== ================================================================== =====================
string uuid, email, url, time, (whole numbers as below), id, category,    `semantic_text`,
       natural_language                                                   `semantic_time`
int    time, id, category                                                 `time_numbers`,
                                                                          `semantic_codes`
float  as int, where at least 95 % are whole numbers                      the same
bytes  image                                                              `images`
====== ================================================================== =====================

Of each column a sample of 2,048 distinct values is kept (`value_sample`), which does not depend on
the order of rows. So a column with fewer is judged by all of its values, and in one with more a
share has a standard error of at most 1.1 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.aggregates import semantic_codes as codes
from dure.statistics.aggregates import semantic_text as text
from dure.statistics.aggregates.semantic_time import (
    Span,
    join_spans,
    number_span,
    span_details,
    span_of,
    text_details,
    text_formats,
)
from dure.statistics.aggregates.time_formats import NOT_A_TIME, parse
from dure.statistics.aggregates.time_numbers import UNITS, name_words, times_of, unit_of
from dure.statistics.aggregates.value_sample import (
    ValueSample,
    empty_sample,
    merge_samples,
    sample_of,
)
from dure.statistics.model import Semantic
from dure.statistics.packing import pack, unpack

MIN_VALUES = 100
MIN_SHARE = 0.8
WHOLE_SHARE = 0.95
_VERSION = 1
_EXACT_FLOAT = 2.0**53

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]
KINDS: Mapping[str, pl.DataType] = {"string": pl.String(), "int": pl.Int64(), "float": pl.Int64()}


@dataclass
class SemanticState:
    """A sample of the values, and what cannot be known from a sample.

    Parameters
    ----------
    sample : ValueSample
        Of texts, or of whole numbers.
    others : int
        Values of a float column that are no whole numbers.
    low, high : int or None
        The smallest and the largest whole number.
    spans : dict of str to Span
        Of the times of each format that a shard showed; empty while the sample is everything.
    """

    sample: ValueSample
    others: int = 0
    low: int | None = None
    high: int | None = None
    spans: dict[str, Span] = field(default_factory=dict)


class SemanticType(Aggregate[SemanticState]):
    """What the values of a text or number column mean.

    Parameters
    ----------
    column : str
        The column, or the dotted path of a field. Its name helps to tell times from other
        numbers.
    kind : str
        The type of its values: ``"string"``, ``"int"`` or ``"float"``.
    min_values : int
        Fewer values than this have no kind.
    min_share : float
        The share of values, and of distinct values, that have to fit.
    """

    name = "semantic"
    place = "semantic"
    reads = "values"

    def __init__(
        self,
        column: str,
        kind: str,
        min_values: int = MIN_VALUES,
        min_share: float = MIN_SHARE,
    ) -> None:
        if kind not in KINDS:
            raise UsageError(
                f"column '{column}' has no type whose meaning can be found out",
                expected=", ".join(KINDS),
                got=kind,
            )
        self.columns = (column,)
        self.kind = kind
        self.min_values = min_values
        self.min_share = min_share

    def init(self) -> SemanticState:
        """Return the state of no values."""
        return SemanticState(empty_sample(KINDS[self.kind]))

    def update(self, state: SemanticState, frame: pl.DataFrame) -> SemanticState:
        """Add the distinct values of a shard with their counts."""
        if not frame.height:
            return state
        values, counts = frame["value"], frame["count"].cast(pl.Int64).to_numpy()
        if self.kind != "string":
            return self.update_numbers(state, values.to_numpy(), counts)
        part = self.init()
        part.sample = sample_of(values, counts)
        if part.sample.cut:
            _text_spans(part, values)
        return self.merge(state, part)

    def update_numbers(
        self, state: SemanticState, values: NDArray[Any], counts: NDArray[np.int64]
    ) -> SemanticState:
        """Add the distinct numbers of a shard with their counts."""
        numbers, part = values, SemanticState(state.sample)
        if self.kind == "float":
            numbers, counts = _whole(part, values, counts)
            if not len(numbers):  # most columns of floats: nothing else is to be known
                state.others += part.others
                return state
        part.sample = empty_sample(KINDS[self.kind])
        if len(numbers):
            part.low, part.high = int(numbers[0]), int(numbers[-1])
            part.sample = sample_of(pl.Series(numbers), counts)
            if part.sample.cut:
                _number_spans(part, numbers, counts, self.columns[0])
        return self.merge(state, part)

    def merge(self, first: SemanticState, second: SemanticState) -> SemanticState:
        """Return the state of the values of both."""
        if not second.sample.total:
            first.others += second.others
            return first
        sample = merge_samples(first.sample, second.sample)
        spans: dict[str, Span] = {}
        if sample.cut:
            # As long as a sample is everything, what it knows is left to the end.
            for state in (first, second):
                for form, span in self._spans(state).items():
                    spans[form] = join_spans(spans.get(form), span) or span
        return SemanticState(
            sample,
            first.others + second.others,
            min((v for v in (first.low, second.low) if v is not None), default=None),
            max((v for v in (first.high, second.high) if v is not None), default=None),
            spans,
        )

    def _spans(self, state: SemanticState) -> dict[str, Span]:
        """Return the spans of a state; of one whose sample is everything, from that."""
        sample = state.sample
        if sample.cut or not sample.total:
            return state.spans
        part = self.init()
        part.sample = sample
        if self.kind == "string":
            _text_spans(part, sample.values)
        else:
            order = np.argsort(sample.values.to_numpy())
            numbers = sample.values.to_numpy()[order]
            _number_spans(part, numbers, sample.counts[order], self.columns[0])
        return part.spans

    def finish(self, state: SemanticState) -> Semantic | None:
        """Return what the values mean, or None if no kind fits."""
        sample = state.sample
        if self.kind == "string":
            filled = sample.values.str.strip_chars() != ""
            counts = sample.counts[filled.to_numpy()]
            return self._enough(counts) and _text_kind(
                self, state, sample.values.filter(filled), counts
            )
        if state.others > (1 - WHOLE_SHARE) * (state.others + sample.total):
            return None
        order = np.argsort(sample.values.to_numpy())
        numbers, counts = sample.values.to_numpy()[order], sample.counts[order]
        return self._enough(counts) and _number_kind(self, state, numbers, counts)

    def dump(self, state: SemanticState) -> bytes:
        """Return the state as bytes."""
        sample = state.sample
        record = {
            "values": sample.values.to_list(),
            "total": sample.total,
            "cut": sample.cut,
            "others": state.others,
            "range": [state.low, state.high],
            "spans": [
                [form, one.first, one.last, list(one.steps.items()), one.differences]
                for form, one in sorted(state.spans.items())
            ],
        }
        return pack(_VERSION, record, {"hashes": sample.hashes, "counts": sample.counts})

    def load(self, data: bytes) -> SemanticState:
        """Return the state that `dump` wrote."""
        record, arrays = unpack(_VERSION, data, self.name)
        values = pl.Series("value", record["values"], KINDS[self.kind])
        total, cut = int(record["total"]), bool(record["cut"])
        sample = ValueSample(arrays["hashes"], values, arrays["counts"], total, cut)
        spans = {
            form: Span(first, last, {int(k): n for k, n in steps}, differences)
            for form, first, last, steps, differences in record["spans"]
        }
        low, high = record["range"]
        return SemanticState(sample, record["others"], low, high, spans)

    def _enough(self, counts: Whole) -> Any:
        return True if counts.sum() >= self.min_values else None


def semantic_type(
    column: pl.Series, *, min_values: int = MIN_VALUES, min_share: float = MIN_SHARE
) -> Semantic | None:
    """Return what the values of a column mean, or None if no kind fits.

    Parameters
    ----------
    column : polars.Series
        Of text, numbers or bytes; its name helps.
    min_values, min_share : int, float
        As of `SemanticType`.

    Examples
    --------
    >>> days = pl.Series("day", [f"2024-01-{1 + i % 31:02}" for i in range(100)])
    >>> semantic_type(days).details["format"]
    '%Y-%m-%d'
    """
    from dure.statistics.aggregates.images import ImageType

    if column.dtype == pl.Binary:
        image = ImageType(column.name, min_values=min_values, min_share=min_share)
        return image.finish(image.update(image.init(), column.to_frame()))
    kind = {pl.String: "string", pl.Int64: "int", pl.Float64: "float"}.get(type(column.dtype), "")
    one = SemanticType(column.name, kind, min_values, min_share)
    counts = column.drop_nulls().value_counts(name="count")
    counts = counts.rename({column.name: "value"}).sort("value")
    return one.finish(one.update(one.init(), counts))


def _text_spans(part: SemanticState, values: pl.Series) -> None:
    """Remember the first and last time of all texts of a shard, in each format it shows."""
    for form, _ in text_formats(part.sample.values):
        span = span_of([parse(values, form)])
        if span is not None:
            part.spans[form] = span


def _whole(part: SemanticState, values: Floats, counts: Whole) -> tuple[Whole, Whole]:
    """Return the whole numbers with their counts, and count the others."""
    whole = np.rint(values) == values
    if not whole.any():
        part.others = int(counts.sum())
        return np.zeros(0, np.int64), counts[:0]
    whole &= np.abs(values) < _EXACT_FLOAT
    part.others = int(counts[~whole].sum())
    return values[whole].astype(np.int64), counts[whole]


def _number_spans(part: SemanticState, values: Whole, counts: Whole, name: str) -> None:
    """Remember the same of numbers, in the unit that they have in this shard."""
    unit = unit_of(values, counts, name)
    span = None if unit is None else number_span(values, unit[0])
    if unit is not None and span is not None:
        part.spans[unit[0]] = span


def _number_kind(
    one: SemanticType, state: SemanticState, numbers: Whole, counts: Whole
) -> Semantic | None:
    unit = unit_of(numbers, counts, one.columns[0])
    if unit is None:
        return _counted(one, state, numbers, counts)
    (form, share), cut = unit, state.sample.cut
    span = state.spans.get(form) if cut else number_span(numbers, form)
    found = {"format": form, **span_details(span, form, zoned=form in UNITS, exact=not cut)}
    return Semantic("time", share, int(counts.sum()), found)


def _counted(
    one: SemanticType, state: SemanticState, numbers: Whole, times: Whole
) -> Semantic | None:
    """Return whether whole numbers are keys or codes, by how often they are there."""
    sample, checked = state.sample, int(times.sum())
    # The share of distinct values among all is the same in the sample: its counts are exact.
    share = len(numbers) / checked
    total = sample.total
    low = int(numbers[0]) if state.low is None else state.low
    high = int(numbers[-1]) if state.high is None else state.high
    unique = len(numbers) if not sample.cut else round(share * total)
    if codes.is_key(low, high, unique, total if sample.cut else checked):
        found = {"unique": share, "sequential": codes.is_sequence(low, high, unique)}
        return Semantic("id", share, checked, found)
    if sample.cut or state.others:
        return None
    reason = codes.code_reason(numbers, times, name_words(one.columns[0]))
    if reason is not None:
        return Semantic("category", 1.0, checked, {"values": len(numbers), "because": reason})
    return None


def _text_kind(
    one: SemanticType, state: SemanticState, texts: pl.Series, counts: Whole
) -> Semantic | None:
    checked = int(counts.sum())
    for kind, pattern, details in (
        ("uuid", text.UUID, text.uuid_details),
        ("email", text.EMAIL, text.email_details),
        ("url", text.URL, text.url_details),
    ):
        fit = text.fits(texts, pattern)
        share = int(counts[fit].sum()) / checked
        if min(share, fit.mean()) >= one.min_share:
            return Semantic(
                kind, share, checked, details(texts.filter(pl.Series(fit)), counts[fit])
            )
    return (
        _text_time(one, state, texts, counts)
        or _text_counted(one, state, texts, counts)
        or _language(one, texts, counts)
    )


def _text_time(
    one: SemanticType, state: SemanticState, texts: pl.Series, counts: Whole
) -> Semantic | None:
    read = text_formats(texts)
    fit = np.zeros(len(texts), bool)
    for _, times in read:
        fit |= times != NOT_A_TIME
    share = int(counts[fit].sum() / counts.sum() * 1e15) / 1e15
    if not read or min(share, fit.mean()) < one.min_share:
        return None
    found = text_details(texts, counts, read)
    span = _all_times(state, texts, read) if state.sample.cut else span_of(t for _, t in read)
    zoned = bool(found["zones"])
    found.update(span_details(span, read[0][0], zoned=zoned, exact=not state.sample.cut))
    return Semantic("time", share, int(counts.sum()), found)


def _all_times(
    state: SemanticState, texts: pl.Series, read: list[tuple[str, Whole]]
) -> Span | None:
    """Return the span over all shards, of the formats that no earlier format reads as well."""
    span: Span | None = None
    for form, times in read:
        if np.array_equal(parse(texts, form), times):
            span = join_spans(span, state.spans.get(form))
    return span


def _text_numbers(
    one: SemanticType, state: SemanticState, numbers: pl.Series, counts: Whole
) -> Semantic | None:
    """Return the kind of whole numbers that are written as texts; null where a text is none."""
    whole = numbers.is_not_null()
    table = pl.DataFrame({"value": numbers, "count": counts}).filter(whole).sort("value")
    values, times = table["value"].to_numpy(), table["count"].to_numpy()
    part = int(times.sum()) / int(counts.sum())
    unit = unit_of(values, times, one.columns[0])
    if unit is None:
        found = _counted(one, state, values, times)
        return found and Semantic(found.kind, part * found.share, found.checked, found.details)
    span = span_of([times_of(values, unit[0])])
    exact = not state.sample.cut
    details = span_details(span, unit[0], zoned=unit[0] in UNITS, exact=exact)
    return Semantic("time", part * unit[1], int(counts.sum()), {"format": unit[0], **details})


def _text_counted(
    one: SemanticType, state: SemanticState, texts: pl.Series, counts: Whole
) -> Semantic | None:
    """Return whether texts are keys or categories, by how often they are there."""
    checked = int(counts.sum())
    numbers = text.whole_numbers(texts)
    if int(counts[numbers.is_not_null().to_numpy()].sum()) >= WHOLE_SHARE * checked:
        return _text_numbers(one, state, numbers, counts)
    unique = len(texts) / checked
    fit = text.key_fits(texts)
    if unique >= codes.KEY_SHARE and fit.mean() >= one.min_share:
        return Semantic("id", unique, checked, {"unique": unique, "sequential": False})
    amounts = int(counts[text.fits(texts, text.AMOUNT)].sum())
    few = not state.sample.cut and codes.are_categories(len(texts), checked)
    if few and amounts < 0.5 * checked:  # else these are numbers that could not be read as such
        return Semantic("category", 1.0, checked, {"values": len(texts), "because": "few values"})
    return None


def _language(one: SemanticType, texts: pl.Series, counts: Whole) -> Semantic | None:
    written, shown = text.language_fits(texts)
    share = int(counts[written].sum()) / int(counts.sum())
    if min(share, written.mean()) < one.min_share or shown.mean() < 0.5:
        return None
    some = texts.filter(pl.Series(written))
    found = text.language_details(some, counts[written])
    return Semantic("natural_language", share, int(counts.sum()), found)
