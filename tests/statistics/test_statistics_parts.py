"""Statistics that are cut into parts and put together: the same bytes, however it is done."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.data import Examples
from dure.data.slicing import SliceSpec
from dure.errors import StoreError, UsageError
from dure.statistics import Statistics, describe
from dure.statistics.numbers import NumberState
from dure.statistics.options import StatisticsOptions
from dure.statistics.texts import TextState

WEIGHED = StatisticsOptions(weight="w", slices=(SliceSpec(("s",)), SliceSpec(where="i > 0")))
SCHEMA = {
    "i": pl.Int64,
    "f": pl.Float64,
    "s": pl.String,
    "b": pl.Boolean,
    "x": pl.Binary,
    "l": pl.List(pl.Int64),
    "t": pl.Struct({"a": pl.Float64, "b": pl.List(pl.String)}),
    "w": pl.Float64,
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "i": st.none() | st.integers(-(2**63), 2**63 - 1),
            "f": st.none() | st.floats(),
            "s": st.none() | st.sampled_from(["a", "b", "", " ", "서울"]),
            "b": st.none() | st.booleans(),
            "x": st.none() | st.binary(max_size=3),
            "l": st.none() | st.lists(st.none() | st.integers(0, 5), max_size=3),
            "t": st.none()
            | st.fixed_dictionaries(
                {"a": st.none() | st.floats(), "b": st.none() | st.lists(st.text(max_size=2))}
            ),
            "w": st.none() | st.floats(0, 1e6),
        }
    ),
    min_size=2,
    max_size=12,
)


def saved(statistics: Statistics, folder: Path) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True, parents=True)
    statistics.save(folder)
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.*")}


@settings(deadline=None, max_examples=25)
@given(ROWS, st.data())
def test_merging_gives_the_same_bytes_as_describing_both(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], data: st.DataObject
) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    cut = data.draw(st.integers(1, len(rows) - 1))
    whole = describe(frame, options=WEIGHED)
    first, second = (describe(part, options=WEIGHED) for part in (frame[:cut], frame[cut:]))
    before = saved(first, tmp_path_factory.mktemp("first"))
    folder = tmp_path_factory.mktemp("all")
    expected = saved(whole, folder / "whole")
    assert saved(first.merge(second), folder / "merged") == expected
    more = describe(frame[cut:], options=WEIGHED, previous=first)
    assert saved(more, folder / "more") == expected
    assert saved(first, tmp_path_factory.mktemp("again")) == before  # nothing was changed
    loaded = Statistics.load(folder / "whole")
    assert loaded == whole
    assert saved(loaded, folder / "loaded") == expected


@settings(deadline=None, max_examples=25)
@given(ROWS, st.data())
def test_without_what_is_about_order_any_order_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]], data: st.DataObject
) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA)
    cut = data.draw(st.integers(1, len(rows) - 1))
    options = replace(WEIGHED, semantic=False)
    folder = tmp_path_factory.mktemp("all")
    expected = saved(describe(frame, options=options), folder / "whole")
    first, second = (describe(part, options=options) for part in (frame[:cut], frame[cut:]))
    assert saved(second.merge(first), folder / "turned") == expected
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    assert saved(describe(shuffled, options=options), folder / "shuffled") == expected


def test_what_was_saved_can_be_gone_on_with(tmp_path: Path) -> None:
    days = [pl.DataFrame({"x": [0.1 * i + d for i in range(50)]}) for d in range(3)]
    statistics = describe(days[0])
    for day, frame in enumerate(days[1:]):
        folder = tmp_path / str(day)
        folder.mkdir()
        statistics.save(folder)
        statistics = describe(frame, previous=Statistics.load(folder))
    assert statistics == describe(pl.concat(days))


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200),
    st.lists(st.integers(0, 200), max_size=4),
    st.integers(1, 30),
    st.booleans(),
)
def test_a_table_that_is_too_long_does_not_depend_on_how_it_was_cut(
    values: list[float], cuts: list[int], limit: int, whole: bool
) -> None:
    array = np.array(values)
    if whole:
        array = np.clip(array, -(2.0**62), 2.0**62).astype(np.int64)
    limit += 4094  # as many keys as there are powers of two: a table always fits
    array = np.concatenate([array, np.arange(1, 4200, dtype=array.dtype) * 3])
    rng = np.random.default_rng(len(values))
    rng.shuffle(array)
    once = NumberState(whole, limit)
    once.update(array)
    merged = NumberState(whole, limit)
    for part in np.split(array, sorted(cuts)):
        one = NumberState(whole, limit)
        one.update(part)
        merged.merge(one)
    for state in (once, merged):
        state.compact()
    assert not once.exact or len(np.unique(array)) <= limit
    assert (once.shift, once.table.keys.tolist()) == (merged.shift, merged.table.keys.tolist())
    assert once.table.counts.tolist() == merged.table.counts.tolist()
    assert len(once.table) <= limit
    if once.summary is not None:
        assert merged.summary is not None
        assert once.summary.sums == merged.summary.sums
        assert (once.summary.registers == merged.summary.registers).all()
        assert once.summary.sums.first == merged.summary.sums.first


@pytest.mark.parametrize("make", [np.random.Generator.normal, np.random.Generator.lognormal])
@pytest.mark.parametrize("whole", [False, True])
def test_beyond_the_limit_errors_stay_within_the_bound(
    monkeypatch: pytest.MonkeyPatch, make: object, whole: bool
) -> None:
    monkeypatch.setattr("dure.statistics.numbers._MOST", 1 << 12)
    values = make(np.random.default_rng(2), size=100_000) * 1e4  # type: ignore[operator]
    values = values.round().astype(np.int64) if whole else values
    column = describe(pl.DataFrame({"x": values})).splits["train"].columns["x"]
    bound = column.exactness.quantiles
    assert 0 < bound < 0.01
    assert column.quantiles is not None
    from dure.statistics import QUANTILES

    # The neighbours of the rank, between which a quantile lies.
    for method, slack in (("lower", -1), ("higher", 1)):
        exact = np.quantile(values, QUANTILES, method=method)
        edge = exact + slack * bound * np.abs(exact)
        assert (slack * (edge - np.array(column.quantiles)) >= -1e-9 * np.abs(exact)).all()
    assert (column.min, column.max) == (values.min(), values.max())
    assert column.mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-9)
    assert column.std == pytest.approx(values.std(), rel=1e-12)
    assert (column.zeros, column.negative) == ((values == 0).sum(), (values < 0).sum())
    assert column.exactness.unique == pytest.approx(1.04 / 128)
    assert column.exactness.moments == bound
    assert not column.exactness
    distinct = len(np.unique(values))
    assert column.unique == pytest.approx(distinct, rel=5 * column.exactness.unique)


def test_texts_beyond_the_limit_keep_the_frequent_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dure.statistics.columns.texts.limits_for", lambda columns: (100, 1 << 20))
    rng = np.random.default_rng(4)
    texts = [f"t{int(n)}" for n in rng.zipf(1.3, 20_000) if n < 10**9]
    column = describe(pl.DataFrame({"x": texts})).splits["train"].columns["x"]
    exact = pl.Series(texts).value_counts()
    counts = dict(exact.iter_rows())
    lost = column.exactness.counts
    assert 0 < lost <= len(texts) / 100
    assert column.values is None
    assert column.entropy is None
    assert column.top is not None
    for text, count in column.top:
        assert counts[text] - lost <= count <= counts[text]
    kept = {text for text, _ in column.top}
    assert {text for text, n in counts.items() if n > lost + column.top[-1][1]} <= kept
    assert column.unique == pytest.approx(len(counts), rel=5 * column.exactness.unique)
    assert column.max_length == max(map(len, texts))


@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=2), min_size=1, max_size=80),
    st.lists(st.integers(0, 80), max_size=5),
)
def test_texts_that_were_dropped_were_rare(texts: list[str], cuts: list[int]) -> None:
    state = TextState((5, 1 << 20))
    bounds = [0, *sorted(min(c, len(texts)) for c in cuts), len(texts)]
    for start, stop in itertools.pairwise(bounds):
        one = TextState((5, 1 << 20))
        one.update(pl.Series(texts[start:stop], dtype=pl.String))
        state.merge(one)
    state.compact()
    kept = {} if state.table is None else dict(state.table.select("value", "count").iter_rows())
    assert len(kept) <= 5
    for text in set(texts):
        assert texts.count(text) - state.lost <= kept.get(text, 0) <= texts.count(text)
    assert state.lost * 6 <= len(texts)


def test_parts_of_a_split_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame(
        {"x": np.random.default_rng(5).normal(size=3000), "s": [f"s{i % 700}" for i in range(3000)]}
    )
    whole = describe(frame)
    monkeypatch.setattr("dure.data.parts.part_rows", lambda columns: 1024)
    examples = Examples.from_frames({"train": frame})
    assert len(examples.parts("train")) == 3
    told: list[tuple[float, float | None]] = []
    assert (
        describe(
            examples,
            progress=lambda done, total=None, *, unit="rows", note="": told.append((done, total)),
        )
        == whole
    )
    assert told == [(1024, 3000), (2048, 3000), (3000, 3000)]


def test_all_values_are_kept_with_their_counts(tmp_path: Path) -> None:
    texts = [f"t{i:05}" for i in range(5000)] + ["t00007"] * 3
    frame = pl.DataFrame({"s": texts, "i": [i % 3 for i in range(5003)], "b": [True] * 5003})
    describe(frame).save(tmp_path)
    statistics = Statistics.load(tmp_path)
    counts, complete = statistics.counts("train", "s")
    assert complete
    assert counts.height == 5000
    assert counts.row(0) == ("t00007", 4)
    assert counts["count"].sum() == 5003
    assert statistics.counts("train", "i")[0].rows() == [(0, 1668), (1, 1668), (2, 1667)]
    assert statistics.counts("train", "b")[0].rows() == [(False, 0), (True, 5003)]
    with pytest.raises(UsageError, match="no column 'z'"):
        statistics.counts("train", "z")


def test_other_columns_or_options_cannot_be_put_together() -> None:
    ints, floats = pl.DataFrame({"x": [1]}), pl.DataFrame({"x": [1.5]})
    with pytest.raises(UsageError, match="another column 'x'"):
        describe(ints).merge(describe(floats))
    with pytest.raises(UsageError, match="another column 'xs'") as caught:
        describe(pl.DataFrame({"xs": [1]}), previous=describe(ints))
    assert (caught.value.expected, caught.value.got) == ("type int", "no such column")
    assert caught.value.fix is not None
    assert "did you mean 'x'" in caught.value.fix
    weighed = describe(ints, options=StatisticsOptions(weight="x"))
    with pytest.raises(UsageError, match="other options"):
        describe(ints).merge(weighed)
    alone = Statistics(describe(ints).splits)
    with pytest.raises(UsageError, match="without the tables"):
        alone.merge(describe(ints))


def test_splits_of_two_data_sets_stand_side_by_side() -> None:
    first = describe(pl.DataFrame({"x": [1.0, 2.0]}), split="train")
    second = describe(pl.DataFrame({"x": [5.0, math.nan]}), split="eval")
    both = first.merge(second)
    assert list(both.splits) == ["train", "eval"]
    edges = {split.columns["x"].histogram.edges for split in both.splits.values()}  # type: ignore[union-attr]
    assert len(edges) == 1


@pytest.mark.parametrize("name", ["state.json", "numbers.parquet", "sketches.parquet"])
def test_a_damaged_state_is_an_error(tmp_path: Path, name: str) -> None:
    describe(pl.DataFrame({"x": [1]})).save(tmp_path)
    (tmp_path / "states" / "train" / name).write_bytes(b"x")
    statistics = Statistics.load(tmp_path)
    with pytest.raises(StoreError, match="does not hold the state"):
        statistics.counts("train", "x")
