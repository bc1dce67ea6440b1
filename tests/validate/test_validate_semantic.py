"""What values mean: times, addresses, images, embeddings, natural language."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dure.data import Examples
from dure.schema import Column, Embedding, Image, NaturalLanguage, Schema, Time, Token
from dure.statistics import ColumnStatistics, SplitStatistics, Statistics, describe
from dure.statistics.model import Level, Semantic
from dure.validate import Anomalies, validate


def kinds(found: Anomalies) -> list[tuple[str, str]]:
    return [(one.kind, one.detail) for one in found]


def check(values: list[Any], column: Column, dtype: Any = None) -> Anomalies:
    examples = Examples.from_frames({"train": pl.DataFrame({"x": pl.Series(values, dtype=dtype)})})
    schema = Schema({"x": column})
    return validate(describe(examples), schema, examples=examples)


def by_hand(column: ColumnStatistics, expected: Column) -> Anomalies:
    split = SplitStatistics(column.rows, {"x": column})
    return validate(Statistics({"train": split}), Schema({"x": expected}))


# --- times --------------------------------------------------------------------------------------


def test_texts_have_the_format_of_their_time() -> None:
    column = Column("string", semantic=Time(format="%Y-%m-%d"))
    assert not check(["2024-01-31", "2024-02-29", None], column).anomalies
    found = check(["2024-01-31", "2023-02-29", "31.01.2024"], column)
    (one,) = (one for one in found if one.kind == "not_time")
    assert one.got == "'2023-02-29' (1 row), '31.01.2024' (1 row)"
    assert [each.row for each in one.evidence] == [1, 2]


@pytest.mark.parametrize(
    ("values", "time", "expected"),
    [
        (["2024-01-31"], Time("%Y-%m-%d", min="2024-01-31", max="2024-01-31"), []),
        (["2024-01-30"], Time("%Y-%m-%d", min="2024-01-31"), ["min"]),
        (["2024-02-01"], Time("%Y-%m-%d", max="2024-01-31"), ["max"]),
        (["2024-01-31 23:59"], Time("%Y-%m-%d %H:%M", max="2024-01-31T12:00"), ["max"]),
        (["23:59"], Time("%H:%M", of_day=True, max="12:00"), ["max"]),
        # Beyond TFDV's cliff of 2030 lies no cliff.
        ([4102444800], Time("unix_s", min="2099-12-31", max="2100-01-01"), []),
        ([4102444801], Time("unix_s", max="2100-01-01"), ["max"]),
        ([19723], Time("unix_days", min="2024-01-01"), []),
        ([19722], Time("unix_days", min="2024-01-01"), ["min"]),
    ],
)
def test_times_within_their_bounds(values: list[Any], time: Time, expected: list[str]) -> None:
    kind = "int" if isinstance(values[0], int) else "string"
    found = [one for one in check(values, Column(kind, semantic=time)) if "time" in one.kind]
    assert [one.detail for one in found] == expected


# --- forms and what else values look like ------------------------------------------------------------


@pytest.mark.parametrize(
    ("semantic", "good", "bad"),
    [
        ("email", "kim@example.org", "kim at example.org"),
        ("url", "https://example.org/a?b=1", "example.org/a"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
    ],
)
def test_texts_of_a_form(semantic: str, good: str, bad: str) -> None:
    column = Column("string", semantic=semantic)
    assert "semantic_changed" not in [one.kind for one in check([good] * 3, column)]
    found = [one for one in check([good, bad], column) if bad in one.got]
    assert [(one.kind, one.severity) for one in found] == [("semantic_changed", "warning")]


def test_values_that_look_like_something_else() -> None:
    seen = Semantic("url", 0.98, 500)
    column = ColumnStatistics("x", "string", 500, 0, 500, semantic=seen, values=())
    (one,) = by_hand(column, Column("string", semantic="natural_language"))
    assert (one.kind, one.tfdv) == ("semantic_changed", "SEMANTIC_DOMAIN_UPDATE")
    assert one.reason == "98 % of the values look like url"
    assert not by_hand(column, Column("string", semantic="category")).anomalies
    same = dataclasses.replace(column, semantic=Semantic("natural_language", 1.0, 500))
    assert not by_hand(same, Column("string", semantic="natural_language")).anomalies


# --- images and embeddings ------------------------------------------------------------------------


IMAGES = [b"\xff\xd8\xff\xe0...", b"\x89PNG\r\n\x1a\n...", b"GIF89a...", b"BM......"]


def test_the_share_of_images() -> None:
    column = Column("bytes", semantic=Image(supported=0.9))
    assert "too_few_images" not in [one.kind for one in check(IMAGES, column)]
    found = [one for one in check([*IMAGES, b"<svg/>"], column) if one.kind == "too_few_images"]
    assert [each.row for each in found[0].evidence] == [4]
    assert found[0].value == pytest.approx(0.8)


def test_the_share_of_images_is_in_the_statistics_too() -> None:
    seen = Semantic("image", 0.8, 500)
    column = ColumnStatistics("x", "bytes", 500, 0, semantic=seen, max_length=900)
    found = by_hand(column, Column("bytes", semantic=Image(supported=0.9, max_bytes=800)))
    assert kinds(found) == [("image_too_large", ""), ("too_few_images", "")]
    unknown = dataclasses.replace(column, semantic=None)
    (one,) = by_hand(unknown, Column("bytes", semantic=Image(supported=0.9)))
    assert (one.kind, one.tfdv) == ("statistics_missing", "STATS_NOT_AVAILABLE")


@pytest.mark.parametrize(("low", "high", "ok"), [(3, 3, True), (3, 4, False), (2, 2, False)])
def test_every_vector_has_the_size_of_the_embedding(low: int, high: int, ok: bool) -> None:
    level = Level(5, 0, low, high, 5 * high)
    column = ColumnStatistics("x", "list[float]", 5, 0, 5, total=5 * high, levels=(level,))
    found = by_hand(column, Column("list[float]", semantic=Embedding(size=3)))
    assert kinds(found) == ([] if ok else [("embedding_size", "")])


# --- natural language -----------------------------------------------------------------------------


SENTENCES = [["a", "b", "a"], ["a"], ["b", "c", "PAD", "PAD"]]


def sentences(language: NaturalLanguage, values: list[Any] = SENTENCES) -> list[tuple[str, str]]:
    examples = Examples.from_frames({"train": pl.DataFrame({"x": values})})
    kind = examples.columns["x"]
    level = Level(len(values), 0, 1, 4, 8)
    levels = (level,) if kind.startswith("list") else ()
    column = ColumnStatistics("x", kind, len(values), 0, 4, total=8, levels=levels)
    statistics = Statistics({"train": SplitStatistics(len(values), {"x": column})})
    schema = Schema({"x": Column(kind, semantic=language)})
    return kinds(validate(statistics, schema, examples=examples))


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (Token("a", per_sequence=(0, 2), share=(0.5, 0.7)), []),
        (Token("a", per_sequence=(1, 2)), ["token_too_seldom"]),
        (Token("a", per_sequence=(0, 1)), ["token_too_often"]),
        (Token("a", share=(0.7, 1)), ["token_in_too_few"]),
        (Token("a", share=(0, 0.6)), ["token_in_too_many"]),
    ],
)
def test_how_often_a_token_comes(token: Token, expected: list[str]) -> None:
    assert sentences(NaturalLanguage(tokens=(token,))) == [(kind, "a") for kind in expected]


def test_sequences_of_numbers_and_texts_are_cut_in_the_same_way() -> None:
    token = NaturalLanguage(tokens=(Token(1, per_sequence=(0, 1)),))
    assert sentences(token, [[1, 2, 1], [1]]) == [("token_too_often", "1")]
    words = NaturalLanguage(tokens=(Token("a", per_sequence=(0, 1)),))
    assert sentences(words, ["a b  a", "a"]) == [("token_too_often", "a")]


def test_the_length_of_sequences_without_padding() -> None:
    assert sentences(NaturalLanguage(length=(1, 4))) == []
    assert sentences(NaturalLanguage(length=(2, 3))) == [
        ("sequence_length", "min"),
        ("sequence_length", "max"),
    ]
    assert sentences(NaturalLanguage(length=(1, 3), length_excluded=("PAD",))) == []


def test_the_vocabulary_covers_the_tokens(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.txt"
    file.write_text("a\nb\n<unk>\n")
    # a and b are 5 of the 6 tokens that are no padding.
    enough = NaturalLanguage(vocabulary=str(file), coverage=5 / 6, excluded=("PAD",))
    assert sentences(enough) == []
    more = NaturalLanguage(vocabulary=str(file), coverage=0.9, excluded=("PAD",))
    assert sentences(more) == [("coverage_too_low", "")]
    unknown = NaturalLanguage(vocabulary=str(file), coverage=0.1, unknown=("a", "b"))
    assert sentences(unknown) == [("coverage_too_low", "")]
    gone = NaturalLanguage(vocabulary=str(tmp_path / "gone"), coverage=0.9)
    assert sentences(gone) == [("statistics_missing", "natural_language")]


def test_the_mean_length_of_a_token() -> None:
    assert sentences(NaturalLanguage(token_length=1.0)) == []
    assert sentences(NaturalLanguage(token_length=2.0)) == [("tokens_too_short", "")]


def test_sequences_are_not_in_statistics() -> None:
    column = ColumnStatistics("x", "string", 5, 0, 5, values=())
    (one,) = by_hand(column, Column("string", semantic=NaturalLanguage(length=(1, 2))))
    assert one.kind == "statistics_missing"
    assert not by_hand(column, Column("string", semantic=NaturalLanguage())).anomalies
