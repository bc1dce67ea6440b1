"""Kinds of texts and numbers that are no times, on made and on real data."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import UsageError
from dure.statistics.aggregates.semantic import SemanticType, semantic_type
from dure.statistics.aggregates.semantic_codes import code_reason, is_key, von_neumann
from dure.statistics.aggregates.semantic_text import (
    EMAIL,
    URL,
    UUID,
    fits,
    language_fits,
    language_of,
)
from dure.statistics.aggregates.value_sample import empty_sample, merge_samples, sample_of

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NOTHING = "nothing"


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the data {name} is not there")
    return path


def kind_of(column: pl.Series) -> str:
    found = semantic_type(column)
    return NOTHING if found is None else found.kind


def kinds_of(frame: pl.DataFrame) -> dict[str, str]:
    return {one.name: kind_of(one) for one in frame if one.dtype != pl.Boolean}


@settings(deadline=None)
@given(value=st.uuids())
def test_every_uuid_is_one_in_each_of_its_spellings(value: uuid.UUID) -> None:
    spelled = [str(value), str(value).upper(), value.urn, f"{{{value}}}"]
    assert fits(pl.Series(spelled), UUID).all()


def test_sums_of_32_digits_are_no_uuids() -> None:
    sums = [hashlib.md5(str(i).encode()).hexdigest() for i in range(500)]
    plain = [uuid.UUID(int=i, version=4).hex for i in range(500)]
    assert kind_of(pl.Series("x", sums)) == "id"
    assert kind_of(pl.Series("x", plain)) == "uuid"


@settings(deadline=None)
@given(value=st.emails())
def test_addresses_are_emails(value: str) -> None:
    assert fits(pl.Series([value]), EMAIL).all() or not value.split("@")[1].isascii()


@pytest.mark.parametrize(
    ("text", "pattern", "yes"),
    [
        ("a@b", EMAIL, False),
        ("a@b.xn--p1ai", EMAIL, True),
        ("a@b.xn--p1ai-", EMAIL, False),
        ("a@b.x1", EMAIL, False),
        ("www.example.xn--p1ai/x", URL, True),
        ("a b@c.de", EMAIL, False),
        ("@c.de", EMAIL, False),
        ("a@c..de", EMAIL, False),
        ("https://example.com/a?b=c#d", URL, True),
        ("HTTP://EXAMPLE.COM", URL, True),
        ("www.example.co.kr/x", URL, True),
        ("s3://bucket/key", URL, True),
        ("example.com", URL, False),
        ("http://", URL, False),
        ("https://a b", URL, False),
        ("note: this", URL, False),
    ],
)
def test_what_is_an_address_and_what_is_not(text: str, pattern: str, yes: bool) -> None:
    assert fits(pl.Series([text]), pattern).tolist() == [yes]


def test_details_name_hosts_domains_and_versions() -> None:
    urls = pl.Series("x", [f"https://{'ab'[i % 2]}.org/{i}" for i in range(100)])
    emails = pl.Series("x", [f"p{i}@{'ab'[i % 2]}.org" for i in range(100)])
    uuids = pl.Series("x", [str(uuid.UUID(int=i, version=4)) for i in range(100)])
    assert semantic_type(urls).details == {  # type: ignore[union-attr]
        "schemes": {"https": 100},
        "hosts": {"a.org": 50, "b.org": 50},
    }
    assert semantic_type(emails).details == {"domains": {"a.org": 50, "b.org": 50}}  # type: ignore[union-attr]
    assert semantic_type(uuids).details == {"versions": {"4": 100}}  # type: ignore[union-attr]


SENTENCES = {
    "English": "the house that we saw was not as old as this one {}",
    "German": "das Haus, das wir sahen, war nicht so alt wie der Turm und die Brücke {}",
    "French": "la maison que nous avons vue est dans une rue pas loin des champs {}",
    "Spanish": "la casa que vimos es una de las más viejas del pueblo y por eso se vende {}",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_sentences_are_language_and_which(language: str) -> None:
    texts = pl.Series("x", [SENTENCES[language].format(f"number {i}") for i in range(200)])
    found = semantic_type(texts)
    assert found is not None
    assert found.kind == "natural_language"
    assert found.details["language"] == language
    assert found.details["scripts"] == {"Latin": 1.0}


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("우리는 오늘 아침에 시장에 가서 사과를 샀다", "Hangul"),
        ("私たちは今朝市場へ行って林檎を買いました", "Hiragana"),
        ("сегодня утром мы ходили на рынок за яблоками", "Cyrillic"),
        ("ذهبنا هذا الصباح إلى السوق واشترينا تفاحا", "Arabic"),
    ],
)
def test_other_scripts_are_language_too(text: str, script: str) -> None:
    found = semantic_type(pl.Series("x", [f"{text} {i}" for i in range(200)]))
    assert found is not None
    assert found.kind == "natural_language"
    assert next(iter(found.details["scripts"])) == script


def test_names_and_addresses_are_no_language() -> None:
    people = ["Braund, Mr. Owen Harris", "Heikkinen, Miss. Laina Maria", "Allen, Mr. William Henry"]
    streets = ["1720 University Blvd", "101 Sivley Road North West", "One Hospital Drive South"]
    assert not language_fits(pl.Series(people))[0].any()
    assert not language_fits(pl.Series(streets))[0].any()


def test_a_text_without_small_words_has_no_language() -> None:
    assert language_of(pl.Series(["xx yy zz"] * 10)) is None


def test_few_texts_are_categories_and_many_are_not() -> None:
    assert kind_of(pl.Series("x", [f"v{i % 10}" for i in range(100)])) == "category"
    assert kind_of(pl.Series("x", [f"v{i % 11}" for i in range(100)])) == NOTHING
    assert kind_of(pl.Series("x", ["one"] * 200)) == NOTHING


def test_amounts_written_as_texts_are_no_categories() -> None:
    assert kind_of(pl.Series("x", [f"{i % 20}.5 %" for i in range(400)])) == NOTHING
    assert kind_of(pl.Series("x", [f"$1,{i % 20:03}" for i in range(400)])) == NOTHING
    assert kind_of(pl.Series("x", [f"0{i % 20:04}" for i in range(400)])) == "category"


def test_keys_are_all_different_and_numbered_or_long() -> None:
    rng = np.random.default_rng(0)
    assert kind_of(pl.Series("x", rng.permutation(1000))) == "id"
    assert kind_of(pl.Series("x", rng.integers(1 << 54, 1 << 62, 1000))) == "id"
    assert kind_of(pl.Series("x", [f"A-{i:05}" for i in range(1000)])) == "id"
    prices = rng.choice(10**6, 1000, replace=False)
    assert kind_of(pl.Series("x", prices)) == NOTHING
    assert kind_of(pl.Series("x", rng.normal(size=1000))) == NOTHING
    assert not is_key(-5, 994, 1000, 1000)


def test_smooth_amounts_are_no_codes_and_rough_ones_are() -> None:
    rng = np.random.default_rng(0)
    ages = np.clip(rng.normal(40, 15, 50_000).astype(np.int64), 0, 90)
    areas = rng.choice(78, 50_000, p=rng.dirichlet(np.full(78, 0.3)))
    none: frozenset[str] = frozenset()
    assert code_reason(*np.unique(ages, return_counts=True), none) is None
    values, counts = np.unique(areas, return_counts=True)
    assert (code_reason(values, counts, none) == "numbered through") == (
        counts.min() >= 0 and len(values) * 1.3 >= values[-1] - values[0] + 1 and values[0] < 2
    )


@settings(deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=2, max_size=50))
def test_the_ratio_of_von_neumann_is_that_of_its_definition(counts: list[int]) -> None:
    some = np.array(counts, np.float64)
    variance = some.var()
    want = 0.0 if variance == 0 else float(np.mean(np.diff(some) ** 2) / variance)
    assert von_neumann(np.array(counts)) == pytest.approx(want, rel=1e-9)


@settings(deadline=None)
@given(st.lists(st.integers(-50, 50), max_size=200), st.integers(1, 40), st.randoms())
def test_a_sample_of_values_is_the_same_however_shards_are_merged(
    values: list[int], size: int, random: object
) -> None:
    def of(some: list[int]):  # type: ignore[no-untyped-def]
        found, counts = np.unique(np.array(some, np.int64), return_counts=True)
        if not len(found):
            return empty_sample(pl.Int64(), size)
        return sample_of(pl.Series(found), counts, size)

    whole = of(values)
    third = len(values) // 3
    parts = [of(values[:third]), of(values[third : 2 * third]), of(values[2 * third :])]
    merged = merge_samples(merge_samples(parts[2], parts[0]), parts[1])
    assert merged.values.to_list() == whole.values.to_list()
    assert merged.counts.tolist() == whole.counts.tolist()
    assert merged.total == whole.total
    assert merged.cut == whole.cut
    exact = {v: values.count(v) for v in values}
    assert all(exact[v] == n for v, n in zip(merged.values, merged.counts, strict=True))
    if not whole.cut:
        assert whole.unique == len(exact)


def test_the_number_of_distinct_values_is_within_five_standard_errors() -> None:
    found = sample_of(pl.Series(np.arange(300_000) * 17), np.ones(300_000, np.int64))
    assert found.cut
    assert abs(found.unique / 300_000 - 1) < 5 / np.sqrt(2046)


def test_a_type_without_meaning_is_an_error() -> None:
    with pytest.raises(UsageError, match="no type whose meaning"):
        SemanticType("x", "bool")


def read(name: str) -> pl.DataFrame:
    return pl.read_csv(shared(name), infer_schema_length=None, null_values=["", "NA"])


def test_columns_of_the_taxi_trips() -> None:
    kinds = kinds_of(read("tfx/chicago_taxi/data.csv"))
    assert {name for name, kind in kinds.items() if kind == "time"} == {"trip_start_timestamp"}
    assert {name for name, kind in kinds.items() if kind == "category"} == {
        *("trip_start_month", "trip_start_hour", "trip_start_day", "payment_type", "company"),
        *("pickup_community_area", "dropoff_community_area", "dropoff_census_tract"),
    }
    assert set(kinds.values()) == {"time", "category", NOTHING}


def test_columns_of_the_titanic() -> None:
    kinds = kinds_of(read("tabular/titanic/train.csv"))
    assert kinds == {
        "PassengerId": "id",
        **dict.fromkeys(["Survived", "Pclass", "Sex", "SibSp", "Parch", "Embarked"], "category"),
        **dict.fromkeys(["Name", "Age", "Ticket", "Fare", "Cabin"], NOTHING),
    }


@pytest.mark.parametrize("name", ["clean", "dirty"])
def test_amounts_and_telephone_numbers_of_dirty_data_are_no_times(name: str) -> None:
    for data in ("hospital", "beers"):
        kinds = kinds_of(read(f"tabular/dirty/{data}/{name}.csv"))
        assert "time" not in kinds.values()
        assert "natural_language" not in kinds.values()
        assert kinds["index"] == "id"


def test_days_of_shared_bicycles() -> None:
    with zipfile.ZipFile(shared("drift/bike_sharing/bike_sharing_dataset.zip")) as file:
        frame = pl.read_csv(io.BytesIO(file.read("hour.csv")))
    kinds = kinds_of(frame)
    assert {name for name, kind in kinds.items() if kind == "time"} == {"dteday"}
    assert kinds["hr"] == "category"
    assert kinds["instant"] == "id"
    assert kinds["cnt"] == kinds["casual"] == kinds["registered"] == NOTHING
    found = semantic_type(frame["dteday"])
    assert found is not None
    assert (found.details["first"], found.details["last"]) == ("2011-01-01", "2012-12-31")
    assert (found.details["step"], found.details["gaps"]) == (86400, 0)


def test_reviews_of_films_are_english() -> None:
    found = semantic_type(pl.read_csv(shared("tfx/imdb/imdb_small_with_labels.txt"))["text"])
    assert found is not None
    assert (found.kind, found.details["language"]) == ("natural_language", "English")


def test_amounts_of_houses_and_diamonds_have_no_kind() -> None:
    housing = kinds_of(read("tabular/california_housing/housing.csv"))
    assert {n for n, kind in housing.items() if kind != NOTHING} == {"ocean_proximity"}
    diamonds = kinds_of(read("tabular/diamonds/diamonds.csv"))
    assert {n for n, kind in diamonds.items() if kind != NOTHING} == {"cut", "color", "clarity"}
