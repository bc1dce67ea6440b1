r"""Statistics of language: what TFDV's NaturalLanguageStatistics has, of texts and of tokens.

A column of texts is cut into words by Unicode: runs of letters and digits, with an apostrophe
between them (``[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*``); nothing is folded to lower case. A column
of lists of texts or of whole numbers is taken as tokens already. A row that is not null is one
sequence.

Everything is exact but the list of tokens, which keeps the 100,000 most frequent: with more, a
token is counted too low by at most ``tokens_error``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import unnamed
from dure.errors import UsageError
from dure.statistics.aggregate import Aggregate
from dure.statistics.packing import pack, unpack

WORD = r"[\p{L}\p{N}]+(?:['’][\p{L}\p{N}]+)*"
MAX_TOKENS = 100_000
RANKS = 1000
TOP = 20
REPORTED = 5
POSITIONS = 10
_SHOWN = 200
_REPORTS = ("longest", "shortest", "least_covered")
_VERSION = 1
_AT = tuple(i / 10 for i in range(11))

Floats = NDArray[np.float64]
State = dict[str, Any]
T = TypeVar("T", int, float)


@dataclass(frozen=True)
class LanguageOptions:
    """What is known of the tokens of a column.

    Parameters
    ----------
    vocabulary : tuple of str, optional
        The known tokens. In a column of whole numbers, the token of each number from 0.
    excluded : tuple of str
        Tokens that count neither for coverage nor for lengths of tokens, such as padding.
    out_of_vocabulary : tuple of str
        Tokens that are in the vocabulary and mean that something is not.
    not_counted : tuple of str
        Tokens that do not add to the length of a sequence.
    report : tuple of str
        Tokens to describe one by one.
    location : str, optional
        A regular expression (Rust's syntax) that each text should match; the others are counted as
        ``location_misses``. Tokens are joined by spaces.
    """

    vocabulary: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    out_of_vocabulary: tuple[str, ...] = ()
    not_counted: tuple[str, ...] = ()
    report: tuple[str, ...] = ()
    location: str | None = None


_DEFAULTS = LanguageOptions()


class NaturalLanguage(Aggregate[State]):
    """Lengths, coverage, ranks and positions of the tokens of a column.

    Parameters
    ----------
    column : str
        A column of ``string``, ``list[string]`` or ``list[int]``.
    options : LanguageOptions
        What is known of its tokens.
    weight : str, optional
        A number column that says how much each row counts; a missing weight is 0.

    Notes
    -----
    The result has ``sequences``, ``tokens``, ``unique_tokens``, ``tokens_error``,
    ``feature_coverage`` (share of the tokens that are known; None without a vocabulary),
    ``avg_token_length`` in characters, ``token_lengths`` and ``sequence_lengths`` (counts by
    length), their deciles as ``token_length_deciles`` and ``sequence_length_deciles``,
    ``min_sequence_length``, ``max_sequence_length``, ``location_misses``, ``top_tokens``,
    ``ranks`` (the counts of the 1,000 most frequent tokens in falling order),
    ``reported_sequences`` (5 each of the longest, the shortest, and those with the least
    coverage, as their first 200 characters), ``token_statistics`` of the tokens in
    ``options.report``, and ``weighted``.
    """

    name = "natural_language"

    def __init__(
        self,
        column: str,
        options: LanguageOptions = _DEFAULTS,
        weight: str | None = None,
    ) -> None:
        self.columns = (column,)
        self.options = options
        self.weight = weight
        if weight is not None:
            self.columns = (column, weight)

    def init(self) -> State:
        """Return the state of no sequences."""
        return {
            "sequences": 0,
            "tokens": {},
            "dropped": 0,
            "misses": 0,
            "known": 0,
            "measured": 0,
            "token_lengths": {},
            "sequence_lengths": {},
            "reported": {key: [] for key in _REPORTS},
            "each": {},
            "weighted": [0.0] * 4,
            "weighted_lengths": {},
        }

    def update(self, state: State, frame: pl.DataFrame) -> State:
        """Add the sequences of a shard."""
        column = unnamed(frame[self.columns[0]])
        there = column.is_not_null()
        if not there.any():
            return state
        column = column.filter(there)
        weights = np.ones(len(column))
        if self.weight is not None:
            given = unnamed(frame[self.weight]).filter(there).cast(pl.Float64).fill_null(0.0)
            weights = given.to_numpy()
        tokens = self._tokens(column)
        return self.merge(state, self._describe(column, tokens, weights))

    def _tokens(self, column: pl.Series) -> pl.Series:
        """Return the tokens of each sequence, as lists of texts without nulls."""
        if column.dtype == pl.String:
            return column.str.extract_all(WORD)
        if column.dtype == pl.List(pl.String):
            return column.list.drop_nulls()
        if column.dtype != pl.List(pl.Int64):
            raise UsageError(
                f"column '{self.columns[0]}' has no texts or tokens",
                expected="string, list[string] or list[int]",
                got=str(column.dtype),
            )
        column = column.list.drop_nulls()
        words = self.options.vocabulary
        if words is None:
            return column.cast(pl.List(pl.String))
        item = pl.element()
        named = item.replace_strict(
            list(range(len(words))),
            list(words),
            default=item.cast(pl.String),
            return_dtype=pl.String,
        )
        return column.list.eval(named)

    def _describe(self, column: pl.Series, tokens: pl.Series, weights: Floats) -> State:
        options = self.options
        part = self.init()
        counts = tokens.list.len().to_numpy().astype(np.int64)
        rows = np.repeat(np.arange(len(tokens)), counts)
        flat = tokens.filter(pl.Series(counts > 0)).explode()
        measured = ~_among(flat, options.excluded)
        lengths = flat.str.len_chars().to_numpy().astype(np.int64)
        known = np.zeros(len(flat), bool)
        if options.vocabulary is not None:
            known = _among(flat, options.vocabulary) & ~_among(flat, options.out_of_vocabulary)
        counted = np.bincount(
            rows, weights=~_among(flat, options.not_counted), minlength=len(tokens)
        ).astype(np.int64)
        part["sequences"] = len(tokens)
        part["tokens"] = _table(flat)
        part["known"], part["measured"] = int((known & measured).sum()), int(measured.sum())
        part["token_lengths"] = _tally(lengths[measured])
        part["sequence_lengths"] = _tally(counted)
        part["misses"] = self._misses(column)
        part["reported"] = self._reported(column, rows, counted, known & measured, measured)
        part["each"] = {one: _token(flat, rows, counts, one) for one in options.report}
        self._weigh(part, weights, rows, lengths, known & measured, measured, counted)
        return part

    def _weigh(
        self,
        part: State,
        weights: Floats,
        rows: NDArray[np.int64],
        lengths: NDArray[np.int64],
        known: NDArray[np.bool_],
        measured: NDArray[np.bool_],
        counted: NDArray[np.int64],
    ) -> None:
        if self.weight is None:
            return
        each = weights[rows]
        part["weighted"] = [
            float(weights.sum()),
            float(each[measured].sum()),
            float(each[known].sum()),
            float((each * lengths)[measured].sum()),
        ]
        sums = np.bincount(counted, weights=weights)
        part["weighted_lengths"] = {str(n): float(sums[n]) for n in np.flatnonzero(sums)}

    def _misses(self, column: pl.Series) -> int:
        if self.options.location is None:
            return 0
        if column.dtype != pl.String:
            column = self._tokens(column).list.join(" ")
        return int((~column.str.contains(self.options.location)).sum())

    def _reported(
        self,
        column: pl.Series,
        rows: NDArray[np.int64],
        counted: NDArray[np.int64],
        known: NDArray[np.bool_],
        measured: NDArray[np.bool_],
    ) -> dict[str, list[list[Any]]]:
        found = {
            "longest": _extreme(-counted, column),
            "shortest": _extreme(counted, column),
            "least_covered": [],
        }
        if self.options.vocabulary is not None:
            of_row = np.bincount(rows, weights=measured, minlength=len(column))
            known_of_row = np.bincount(rows, weights=known, minlength=len(column))
            share = np.where(of_row > 0, known_of_row / np.maximum(of_row, 1), 1.0)
            found["least_covered"] = _extreme(share, column)
        return found

    def merge(self, first: State, second: State) -> State:
        """Return the state of the sequences of both."""
        merged: State = {
            key: first[key] + second[key] for key in ("sequences", "misses", "known", "measured")
        }
        for key in ("token_lengths", "sequence_lengths", "weighted_lengths"):
            merged[key] = _added(first[key], second[key])
        merged["weighted"] = [
            a + b for a, b in zip(first["weighted"], second["weighted"], strict=True)
        ]
        tokens, dropped = _added(first["tokens"], second["tokens"]), 0
        if len(tokens) > MAX_TOKENS:
            by = sorted(tokens, key=lambda token: (-tokens[token], token))
            dropped = tokens[by[MAX_TOKENS]]
            tokens = {token: tokens[token] for token in sorted(by[:MAX_TOKENS])}
        merged["tokens"] = tokens
        merged["dropped"] = first["dropped"] + second["dropped"] + dropped
        merged["reported"] = {
            key: sorted(first["reported"][key] + second["reported"][key])[:REPORTED]
            for key in first["reported"]
        }
        merged["each"] = {
            token: _joined(first["each"].get(token), second["each"].get(token))
            for token in self.options.report
        }
        return merged

    def finish(self, state: State) -> dict[str, Any]:
        """Return the statistics."""
        tokens = sorted(state["tokens"].items(), key=lambda pair: (-pair[1], pair[0]))
        lengths = _numbers(state["token_lengths"])
        sequences = _numbers(state["sequence_lengths"])
        total = sum(length * n for length, n in lengths)
        covered = self.options.vocabulary is not None and state["measured"]
        found: dict[str, Any] = {
            "sequences": state["sequences"],
            "tokens": sum(n for _, n in tokens) if not state["dropped"] else state["measured"],
            "unique_tokens": len(tokens),
            "tokens_error": state["dropped"],
            "feature_coverage": state["known"] / state["measured"] if covered else None,
            "avg_token_length": total / state["measured"] if state["measured"] else None,
            "token_lengths": {str(length): n for length, n in lengths},
            "token_length_deciles": _deciles(lengths),
            "sequence_lengths": {str(length): n for length, n in sequences},
            "sequence_length_deciles": _deciles(sequences),
            "min_sequence_length": sequences[0][0] if sequences else None,
            "max_sequence_length": sequences[-1][0] if sequences else None,
            "location_misses": state["misses"],
            "top_tokens": [list(pair) for pair in tokens[:TOP]],
            "ranks": [n for _, n in tokens[:RANKS]],
            "reported_sequences": {
                key: [text for _, text in state["reported"][key]] for key in _REPORTS
            },
            "token_statistics": {
                token: _finished(state["each"][token], state)
                for token in self.options.report
                if state["each"].get(token)
            },
        }
        if self.weight is not None:
            found["weighted"] = self._weighted(state)
        return found

    def _weighted(self, state: State) -> dict[str, Any]:
        sequences, measured, known, length = state["weighted"]
        covered = self.options.vocabulary is not None and measured
        return {
            "sequences": sequences,
            "feature_coverage": known / measured if covered else None,
            "avg_token_length": length / measured if measured else None,
            "sequence_lengths": {
                str(length): n for length, n in _numbers(state["weighted_lengths"])
            },
        }

    def dump(self, state: State) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> State:
        """Return the state that `dump` wrote."""
        record: State = unpack(_VERSION, data, self.name)[0]
        return record


class WeightedNaturalLanguage(NaturalLanguage):
    """The same beside a column of weights; the result is the split's, by the column's name."""

    place = "split"

    def __init__(self, column: str, weight: str, options: LanguageOptions) -> None:
        super().__init__(column, options, weight)
        self.name = f"natural_language of {column}"


def language_statistics(
    column: pl.Series,
    options: LanguageOptions = _DEFAULTS,
) -> dict[str, Any]:
    """Return the statistics of the tokens of one column; see `NaturalLanguage`.

    Examples
    --------
    >>> language_statistics(pl.Series("s", ["a cat", "a dog"]))["top_tokens"]
    [['a', 2], ['cat', 1], ['dog', 1]]
    """
    one = NaturalLanguage(column.name, options)
    return one.finish(one.update(one.init(), column.to_frame()))


def _among(tokens: pl.Series, known: Iterable[str]) -> NDArray[np.bool_]:
    wanted = sorted(set(known))
    if not wanted:
        return np.zeros(len(tokens), bool)
    return tokens.is_in(wanted).to_numpy()


def _table(tokens: pl.Series) -> dict[str, int]:
    counts = tokens.alias("token").value_counts(name="count").sort("token")
    return {str(token): int(n) for token, n in counts.rows()}


def _tally(lengths: NDArray[np.int64]) -> dict[str, int]:
    """Return how often each length occurs; keys as JSON has them."""
    counts = np.bincount(lengths)
    return {str(n): int(counts[n]) for n in np.flatnonzero(counts)}


def _added(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, n in second.items():
        merged[key] = merged.get(key, 0) + n
    return merged


def _numbers(tally: Mapping[str, T]) -> list[tuple[int, T]]:
    return sorted((int(length), n) for length, n in tally.items())


def _deciles(pairs: list[tuple[int, int]]) -> list[float] | None:
    """Return the 0 %, 10 % ... 100 % quantiles, linear between neighbours as in NumPy."""
    if not pairs:
        return None
    values = np.array([length for length, _ in pairs])
    until = np.cumsum([n for _, n in pairs])
    at = (until[-1] - 1) * np.array(_AT)
    low = values[np.searchsorted(until, np.floor(at), side="right")]
    high = values[np.searchsorted(until, np.ceil(at), side="right")]
    return [float(x) for x in low + (high - low) * (at - np.floor(at))]


def _extreme(by: NDArray[Any], column: pl.Series) -> list[list[Any]]:
    """Return the 5 sequences with the smallest ``by``, ties by their text."""
    bound = np.partition(by, REPORTED - 1)[REPORTED - 1] if len(by) > REPORTED else by.max()
    rows = np.flatnonzero(by <= bound)
    some = column.gather(rows)
    texts = some if some.dtype == pl.String else some.cast(pl.List(pl.String)).list.join(" ")
    pairs = zip(by[rows].tolist(), texts.str.slice(0, _SHOWN).to_list(), strict=True)
    return [[value, text] for value, text in sorted(pairs)[:REPORTED]]


def _token(
    flat: pl.Series, rows: NDArray[np.int64], counts: NDArray[np.int64], token: str
) -> dict[str, Any] | None:
    """Return how often a token occurs, in how many sequences, and where in them."""
    here = (flat == token).to_numpy()
    if not here.any():
        return None
    of_row = np.bincount(rows[here])
    of_row = of_row[of_row > 0]
    starts = np.cumsum(counts) - counts
    place = (np.flatnonzero(here) - starts[rows[here]]) / counts[rows[here]]
    bins = np.bincount((place * POSITIONS).astype(np.int64), minlength=POSITIONS)
    return {
        "count": int(here.sum()),
        "sequences": len(of_row),
        "min": int(of_row.min()),
        "max": int(of_row.max()),
        "positions": bins.tolist(),
    }


def _joined(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> Any:
    if not first or not second:
        return first or second
    pairs = zip(first["positions"], second["positions"], strict=True)
    return {
        "count": first["count"] + second["count"],
        "sequences": first["sequences"] + second["sequences"],
        "min": min(first["min"], second["min"]),
        "max": max(first["max"], second["max"]),
        "positions": [a + b for a, b in pairs],
    }


def _finished(one: Mapping[str, Any], state: State) -> dict[str, Any]:
    return {
        "frequency": one["count"],
        "fraction_of_sequences": one["sequences"] / state["sequences"],
        "per_sequence_min_frequency": one["min"],
        "per_sequence_avg_frequency": one["count"] / one["sequences"],
        "per_sequence_max_frequency": one["max"],
        "positions": one["positions"],
    }
