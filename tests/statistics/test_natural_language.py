"""Statistics of words and tokens, against plain Python."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import UsageError
from dure.statistics.aggregates.natural_language import (
    LanguageOptions,
    NaturalLanguage,
    WeightedNaturalLanguage,
    language_statistics,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
TOKENS = st.lists(st.lists(st.sampled_from(["a", "b", "cc", "ddd"]), max_size=8), max_size=30)


@settings(deadline=None)
@given(TOKENS)
def test_counts_and_lengths_are_those_of_plain_python(rows: list[list[str]]) -> None:
    column = pl.Series("x", rows, pl.List(pl.String))
    found = language_statistics(column, LanguageOptions(vocabulary=("a", "cc")))
    flat = [token for row in rows for token in row]
    counts = sorted(Counter(flat).items(), key=lambda pair: (-pair[1], pair[0]))
    assert found["sequences"] == len(rows)
    assert found["tokens"] == len(flat)
    assert found["top_tokens"] == [list(pair) for pair in counts]
    assert found["ranks"] == [n for _, n in counts]
    lengths = Counter(len(row) for row in rows)
    assert found["sequence_lengths"] == {str(n): lengths[n] for n in sorted(lengths)}
    if flat:
        known = sum(token in ("a", "cc") for token in flat) / len(flat)
        assert found["feature_coverage"] == pytest.approx(known)
        assert found["avg_token_length"] == pytest.approx(np.mean([len(t) for t in flat]))
        deciles = np.quantile([len(t) for t in flat], np.arange(11) / 10)
        assert found["token_length_deciles"] == pytest.approx(deciles)
    if rows:
        assert found["min_sequence_length"] == min(map(len, rows))
        assert found["max_sequence_length"] == max(map(len, rows))


def test_texts_are_cut_into_words_by_unicode() -> None:
    column = pl.Series("x", ["It's 2 o'clock, über-cool!", "사과를 샀다。", "", "…", None])
    found = language_statistics(column)
    assert found["top_tokens"] == [
        *(["2", 1], ["It's", 1], ["cool", 1], ["o'clock", 1], ["über", 1]),
        *(["사과를", 1], ["샀다", 1]),
    ]
    assert found["sequences"] == 4
    assert found["sequence_lengths"] == {"0": 2, "2": 1, "5": 1}


def test_tokens_that_are_left_out_count_nowhere_they_should_not() -> None:
    column = pl.Series("x", [["<pad>", "a", "<unk>", "zz"]])
    options = LanguageOptions(
        vocabulary=("<pad>", "a", "<unk>"),
        excluded=("<pad>",),
        out_of_vocabulary=("<unk>",),
        not_counted=("<pad>",),
    )
    found = language_statistics(column, options)
    assert found["feature_coverage"] == pytest.approx(1 / 3)
    assert found["sequence_lengths"] == {"3": 1}
    assert found["avg_token_length"] == pytest.approx((1 + 5 + 2) / 3)


def test_numbers_are_tokens_of_the_vocabulary() -> None:
    column = pl.Series("x", [[0, 1, 1, 7], [], [None, 1]], pl.List(pl.Int64))
    found = language_statistics(column, LanguageOptions(vocabulary=("zero", "one")))
    assert found["top_tokens"] == [["one", 3], ["7", 1], ["zero", 1]]
    assert found["feature_coverage"] == pytest.approx(4 / 5)
    plain = language_statistics(column)
    assert plain["top_tokens"] == [["1", 3], ["0", 1], ["7", 1]]
    assert plain["feature_coverage"] is None


def test_single_tokens_have_frequencies_and_positions() -> None:
    column = pl.Series("x", [["a", "b"], ["b"] * 4, ["a", "c", "c", "b"]])
    found = language_statistics(column, LanguageOptions(report=("b", "none")))
    assert found["token_statistics"] == {
        "b": {
            "frequency": 6,
            "fraction_of_sequences": 1.0,
            "per_sequence_min_frequency": 1,
            "per_sequence_avg_frequency": 2.0,
            "per_sequence_max_frequency": 4,
            # at 1/2; 0, 1/4, 1/2, 3/4; and 3/4 of the way
            "positions": [1, 0, 1, 0, 0, 2, 0, 2, 0, 0],
        }
    }


def test_sequences_worth_a_look_are_reported() -> None:
    column = pl.Series("x", [" ".join(["w"] * n) for n in range(1, 9)] + ["zz zz"])
    found = language_statistics(column, LanguageOptions(vocabulary=("w",)))["reported_sequences"]
    assert [len(text.split()) for text in found["longest"]] == [8, 7, 6, 5, 4]
    assert found["shortest"] == ["w", "w w", "zz zz", "w w w", "w w w w"]
    assert found["least_covered"][0] == "zz zz"


def test_sequences_in_the_wrong_place_are_counted() -> None:
    column = pl.Series("x", ["To: you", "From: me", "To: all"])
    found = language_statistics(column, LanguageOptions(location="^To:"))
    assert found["location_misses"] == 1


def test_weights_weigh_sequences() -> None:
    frame = pl.DataFrame({"x": ["a bb", "a", "ccc"], "w": [2.0, None, 0.5]})
    one = WeightedNaturalLanguage("x", "w", LanguageOptions(vocabulary=("a",)))
    found = one.finish(one.update(one.init(), frame))["weighted"]
    assert found == {
        "sequences": 2.5,
        "feature_coverage": pytest.approx(2 / 4.5),
        "avg_token_length": pytest.approx((2 * 3 + 0.5 * 3) / 4.5),
        "sequence_lengths": {"1": 0.5, "2": 2.0},
    }


def test_more_tokens_than_fit_are_kept_by_frequency_with_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dure.statistics.aggregates.natural_language.MAX_TOKENS", 3)
    one = NaturalLanguage("x")
    state = one.init()
    rows = ["a a a a b b b c c d", "a b c e e", "a f"]
    for row in rows:
        state = one.update(state, pl.DataFrame({"x": [row]}))
    found = one.finish(state)
    exact = Counter(token for row in rows for token in row.split())
    assert found["unique_tokens"] == 3
    assert found["tokens"] == sum(exact.values())
    for token, count in found["top_tokens"]:
        assert exact[token] - found["tokens_error"] <= count <= exact[token]


def test_a_column_without_words_is_an_error() -> None:
    with pytest.raises(UsageError, match="no texts or tokens"):
        language_statistics(pl.Series("x", [1.5]))


def test_words_of_reviews_are_those_of_a_regular_expression() -> None:
    path = SHARED / "tfx/imdb/imdb_small_with_labels.txt"
    if not path.exists():
        pytest.skip("the reviews are not there")
    column = pl.read_csv(path)["text"]
    found = language_statistics(column)
    words = Counter(
        word for text in column for word in re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text)
    )
    assert found["tokens"] == sum(words.values())
    assert found["unique_tokens"] == len(words)
