"""What every aggregate beside the statistics of columns promises, whatever it computes."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dure.errors import DataError, UsageError
from dure.statistics import describe
from dure.statistics.aggregate import Aggregate
from dure.statistics.aggregates.chosen import aggregates
from dure.statistics.aggregates.crosses import Crosses
from dure.statistics.aggregates.feature_pairs import SparseFeature, WeightedFeature
from dure.statistics.aggregates.images import ImageStatistics, ImageType
from dure.statistics.aggregates.information import InformationOptions, LabelInformation
from dure.statistics.aggregates.lift import Lifts
from dure.statistics.aggregates.natural_language import (
    LanguageOptions,
    NaturalLanguage,
    WeightedNaturalLanguage,
)
from dure.statistics.aggregates.order import Order
from dure.statistics.aggregates.semantic import SemanticType
from dure.statistics.aggregates.sentinels import Sentinels
from dure.statistics.aggregates.sequences import AlignedSequences, SequenceLengths
from dure.statistics.options import StatisticsOptions
from dure.statistics.packing import pack, unpack

ROWS = 240


def png(index: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (2 + index % 3, 3), (index % 256, 0, 9)).save(file, "PNG")
    return file.getvalue()


def make_frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=ROWS)
    return pl.DataFrame(
        {
            "int": rng.integers(-1, 6, ROWS),
            "float": np.where(rng.random(ROWS) < 0.1, np.nan, numbers),
            "text": [["a", "b", "NA", None][i] for i in rng.integers(0, 4, ROWS)],
            "bool": rng.random(ROWS) < 0.5,
            "y": numbers * 3,
            "w": rng.integers(0, 8, ROWS) / 4,
            "day": [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(ROWS)],
            "clock": np.arange(ROWS) * 3600 + 1_700_000_000,
            "words": [["the cat sat", "on", "", "the mat is red"][i % 4] for i in range(ROWS)],
            "image": [png(i) if i % 5 else b"none" for i in range(ROWS)],
            "v": [[1.0] * (i % 4) for i in range(ROWS)],
            "i": [[1] * (i % 3) if i % 7 else None for i in range(ROWS)],
        }
    ).with_columns(pl.col("int").cast(pl.Int64), pl.col("clock").cast(pl.Int64))


FRAME = make_frame()
SINGLE = {"int": "int", "float": "float", "text": "string", "bool": "bool"}
MAKERS: dict[str, Callable[[], Aggregate[Any]]] = {
    "semantic text": lambda: SemanticType("day", "string"),
    "semantic int": lambda: SemanticType("clock", "int"),
    "semantic float": lambda: SemanticType("float", "float"),
    "sentinels text": lambda: Sentinels("text", "string"),
    "sentinels int": lambda: Sentinels("int", "int"),
    "sentinels float": lambda: Sentinels("float", "float", (0.5,)),
    "order": lambda: Order("clock"),
    "no order": lambda: Order("int"),
    "lengths": lambda: SequenceLengths("v"),
    "aligned": lambda: AlignedSequences(("v", "i")),
    "sparse": lambda: SparseFeature("s", "v", ("i",)),
    "weighted": lambda: WeightedFeature("s", "v", "i"),
    "language": lambda: NaturalLanguage(
        "words", LanguageOptions(vocabulary=("the", "cat"), report=("the",), location="^the")
    ),
    "tokens": lambda: NaturalLanguage("i", LanguageOptions(vocabulary=("zero", "one"))),
    "weighted language": lambda: WeightedNaturalLanguage("words", "w", LanguageOptions()),
    "image type": lambda: ImageType("image"),
    "images": lambda: ImageStatistics("image", decode=True),
    "crosses": lambda: Crosses(SINGLE),
    "lift": lambda: Lifts(("text", "int", "bool", "i"), "y", "w"),
    "lift of categories": lambda: Lifts(("text", "bool"), "int"),
    "information": lambda: LabelInformation({**SINGLE, "y": "float"}, "y"),
    "neighbours": lambda: LabelInformation(
        {**SINGLE, "y": "float"}, "y", InformationOptions("neighbours", partitions=3)
    ),
}
EVERY = pytest.mark.parametrize("name", MAKERS)


def shard(one: Aggregate[Any], frame: pl.DataFrame) -> pl.DataFrame:
    """Return what `describe` would give an aggregate of these rows."""
    if one.reads == "rows":
        return frame.select(one.columns)
    counts = frame[one.columns[0]].drop_nulls().alias("value").value_counts(name="count")
    return counts.sort("value")


def state_of(one: Aggregate[Any], *frames: pl.DataFrame) -> Any:
    state = one.init()
    for frame in frames:
        state = one.merge(state, one.update(one.init(), shard(one, frame)))
    return state


def near(first: Any, second: Any) -> None:
    """Compare results; floats only up to rounding, since sums have an order."""
    assert type(first) is type(second)
    if isinstance(first, float):
        assert first == pytest.approx(second, rel=1e-9, abs=1e-12, nan_ok=True)
    elif isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            near(first[key], second[key])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, two in zip(first, second, strict=True):
            near(one, two)
    elif hasattr(first, "__dataclass_fields__"):
        for key in first.__dataclass_fields__:
            near(getattr(first, key), getattr(second, key))
    else:
        assert first == second


@EVERY
@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=4))
def test_shards_put_together_give_what_all_rows_give(name: str, cuts: list[int]) -> None:
    one = MAKERS[name]()
    at = [0, *sorted(cuts), ROWS]
    parts = [FRAME[a:b] for a, b in pairwise(at)]
    near(one.finish(state_of(one, *parts)), one.finish(state_of(one, FRAME)))


@EVERY
def test_a_state_survives_the_way_through_bytes(name: str) -> None:
    one = MAKERS[name]()
    state = state_of(one, FRAME[:100], FRAME[100:])
    data = one.dump(state)
    loaded = MAKERS[name]().load(data)
    assert one.dump(loaded) == data
    near(one.finish(loaded), one.finish(state_of(one, FRAME[:100], FRAME[100:])))
    more = one.merge(one.load(data), one.update(one.init(), shard(one, FRAME[:50])))
    near(one.finish(more), one.finish(state_of(one, FRAME[:100], FRAME[100:], FRAME[:50])))


@EVERY
def test_the_same_shards_give_the_same_bytes(name: str) -> None:
    parts = [FRAME[a : a + 60] for a in range(0, ROWS, 60)]
    first = MAKERS[name]()
    data = first.dump(state_of(first, *parts))
    for _ in range(3):
        again = MAKERS[name]()
        assert again.dump(state_of(again, *parts)) == data


@EVERY
def test_an_empty_shard_changes_nothing(name: str) -> None:
    one = MAKERS[name]()
    data = one.dump(state_of(one, FRAME))
    assert one.dump(state_of(one, FRAME[:0], FRAME, FRAME[:0])) == data
    assert one.dump(one.merge(one.init(), state_of(one, FRAME))) == data
    assert one.dump(one.load(one.dump(one.init()))) == one.dump(one.init())


@EVERY
def test_no_rows_have_a_result(name: str) -> None:
    one = MAKERS[name]()
    one.finish(one.init())
    one.finish(state_of(one, FRAME[:0]))
    one.finish(state_of(one, FRAME[:1]))


@EVERY
def test_merging_leaves_the_second_state_alone(name: str) -> None:
    one = MAKERS[name]()
    second = state_of(one, FRAME[100:])
    data = one.dump(second)
    one.merge(state_of(one, FRAME[:100]), second)
    assert one.dump(second) == data


def test_packed_values_keep_every_bit() -> None:
    record = {"b": [1e-320, 0.1, float("inf")], "a": "ü\n"}
    arrays = {"x": np.array([[1.5, np.nan]]), "n": np.array([2**63 - 1])}
    found, back = unpack(1, pack(1, record, arrays), "x")
    assert found == record
    assert all(np.array_equal(back[k], arrays[k], equal_nan=True) for k in arrays)
    with pytest.raises(DataError, match="another version"):
        unpack(2, pack(1, record), "x")


def test_options_turn_aggregates_on() -> None:
    kinds = {**SINGLE, "y": "float", "words": "string", "image": "bytes", "v": "list[float]"}
    plain = aggregates(kinds, StatisticsOptions(semantic=False))
    assert plain == []
    every = aggregates(
        {**kinds, "i": "list[int]"},
        StatisticsOptions(
            label="y",
            crosses=True,
            natural_language=("words",),
            images=("image",),
            sparse={"s": ("v", "i")},
            weighted_features={"t": ("v", "i")},
            settings={"mutual_information": {"partitions": 2}, "lift": {"top": 1}},
        ),
    )
    assert {type(one) for one in every} == {
        *(SemanticType, ImageType, Sentinels, Order, SequenceLengths, AlignedSequences),
        *(NaturalLanguage, ImageStatistics, Crosses, Lifts, LabelInformation),
        *(SparseFeature, WeightedFeature),
    }
    keys = [(one.place, one.columns, one.name) for one in every]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (StatisticsOptions(label="no"), "the label names a column that is not there"),
        (StatisticsOptions(natural_language=("int",)), "type does not fit"),
        (StatisticsOptions(images=("int",)), "holds no images"),
        (StatisticsOptions(sparse={"s": ("int", "no")}), "sparse feature 's'"),
        (StatisticsOptions(label="int", settings={"lift": {"tops": 1}}), "no setting 'tops'"),
        (StatisticsOptions(settings={"lif": {}}), "(?s)no settings of 'lif'.*did you mean 'lift'"),
        (StatisticsOptions(settings={"lift": {"tops": 1}}), "no setting 'tops'"),
        (StatisticsOptions(settings={"sentinels": {"extras": []}}), "did you mean 'extra'"),
        (StatisticsOptions(settings={"crosses": {"column": []}}), "did you mean 'columns'"),
        (StatisticsOptions(settings={"lift": 3}), "settings of 'lift' have no names"),
    ],
)
def test_a_wrong_option_is_named(options: StatisticsOptions, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        aggregates(SINGLE, options)


def test_too_many_columns_to_compare_is_an_error() -> None:
    with pytest.raises(UsageError, match="too many columns"):
        Crosses({f"c{i}": "int" for i in range(201)})


def test_describe_finds_out_what_values_mean() -> None:
    columns = describe(FRAME).splits["train"].columns
    kinds = {name: one.semantic.kind for name, one in columns.items() if one.semantic}
    assert kinds["day"] == kinds["clock"] == "time"
    assert kinds["image"] == "image"
    assert columns["clock"].custom["order"] == {"direction": "up", "strict": True}
    assert columns["text"].custom["sentinels"]["values"].keys() == {"NA"}


@given(
    st.lists(st.floats() | st.integers(-1, 5).map(float) | st.sampled_from([-999.0, 1e20])),
    st.sampled_from([Sentinels("x", "float", (0.5,)), SemanticType("x", "float")]),
)
def test_numbers_as_arrays_give_the_state_that_a_frame_gives(
    values: list[float], one: Aggregate[Any]
) -> None:
    counted = pl.DataFrame({"value": pl.Series(values, dtype=pl.Float64)}).group_by("value")
    frame = counted.agg(pl.len().cast(pl.Int64).alias("count")).sort("value")
    arrays = frame["value"].to_numpy(), frame["count"].to_numpy()
    one_way = one.update(one.init(), frame)
    other = one.update_numbers(one.init(), *arrays)
    assert one.dump(one_way) == one.dump(other)


@given(st.lists(st.none() | st.floats() | st.integers(0, 3).map(float), max_size=12))
def test_order_is_that_of_each_number_with_the_next(values: list[float | None]) -> None:
    one = Order("x")
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)})
    kept = [value for value in values if value is not None and value == value]
    pairs = list(pairwise(kept))
    up, down = all(a <= b for a, b in pairs), all(a >= b for a, b in pairs)
    expected = None
    if up != down:
        strict = all(a != b for a, b in pairs)
        expected = {"direction": "up" if up else "down", "strict": strict}
    assert one.finish(one.update(one.init(), frame)) == expected
