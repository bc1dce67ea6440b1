"""By strata, time, column, pattern, or not at all: what each way of splitting promises."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dure.data import (
    SplitBy,
    by_column,
    by_group,
    by_hash,
    by_strata,
    by_time,
    make_examples,
    read,
    row_hashes,
)
from dure.data.times import Ranked, time_key, time_keys
from dure.data.workspace import Workspace
from dure.errors import DataError, UsageError

LABELS = pl.DataFrame(
    {"label": ["rare" if i % 50 == 7 else f"common {i % 3}" for i in range(9000)], "n": range(9000)}
)


def test_by_hash_and_by_group_are_what_a_list_of_columns_is() -> None:
    frame = pl.DataFrame({"user": [f"u{i % 40}" for i in range(400)], "n": range(400)})
    expected = make_examples(frame, split_by=["user"])
    for way in (by_hash("user"), by_group("user")):
        found = make_examples(frame, split_by=way)
        for split in expected.splits:
            assert_frame_equal(found.frame(split), expected.frame(split))
    assert make_examples(frame, split_by=by_hash()).rows == make_examples(frame).rows


def test_one_split_takes_all_rows_in_their_order() -> None:
    assert_frame_equal(make_examples(LABELS, splits={"all": 1}).frame("all"), LABELS)


def test_rows_stay_in_their_split_when_others_are_added() -> None:
    whole, half = make_examples(LABELS), make_examples(LABELS[:4000])
    for split in whole.splits:
        assert_frame_equal(whole.frame(split).filter(pl.col("n") < 4000), half.frame(split))


@pytest.mark.parametrize("splits", [{"train": 2, "eval": 1}, {"a": 0.8, "b": 0.1, "c": 0.1}])
def test_strata_have_the_same_shares(splits: dict[str, float]) -> None:
    examples = make_examples(LABELS, splits=splits, split_by=by_strata("label"))
    total = sum(splits.values())
    for (label,), rows in LABELS.group_by("label"):
        for split, share in splits.items():
            found = examples.frame(split).filter(label=label).height
            run = 3 if len(splits) == 2 else 10
            # Whole runs have exactly the shares; the last one may be cut off.
            assert abs(found - rows.height * share / total) < run


@given(
    labels=st.lists(st.sampled_from("abc"), min_size=10, max_size=200),
    shares=st.lists(st.integers(1, 5), min_size=2, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_each_run_of_a_stratum_has_exactly_the_shares(labels: list[str], shares: list[int]) -> None:
    from dure.data.splitters import StrataSplitter

    splitter = StrataSplitter({f"s{i}": share for i, share in enumerate(shares)}, ["label"])
    frame = pl.DataFrame({"label": labels})
    cut = len(labels) // 3
    found = np.concatenate([splitter.positions(frame[:cut]), splitter.positions(frame[cut:])])
    factor = math.gcd(*shares)
    run = sum(shares) // factor
    for label in set(labels):
        mine = found[np.array(labels) == label]
        for start in range(0, len(mine) - run + 1, run):
            counts = Counter(mine[start : start + run].tolist())
            assert [counts[i] for i in range(len(shares))] == [s // factor for s in shares]


def test_strata_do_not_change_when_rows_are_added_at_the_end_and_are_not_periodic() -> None:
    way = by_strata("label")
    whole, half = make_examples(LABELS, split_by=way), make_examples(LABELS[:4000], split_by=way)
    for split in whole.splits:
        assert_frame_equal(whole.frame(split).filter(pl.col("n") < 4000), half.frame(split))
    common = whole.frame("eval").filter(label="common 0")["n"] // 3 % 3
    # Each third row would be the same third row of all; drawn, each place comes about equally.
    counts = np.bincount(common.to_numpy())
    assert counts.min() > 0.8 * counts.max()


def test_shares_too_fine_to_deal_are_refused() -> None:
    with pytest.raises(UsageError, match="too fine"):
        make_examples(LABELS, splits={"a": 0.123457, "b": 1}, split_by=by_strata("label"))


DAYS = pl.DataFrame(
    {
        "day": [dt.date(2024, 1, 1) + dt.timedelta(days=(i * 37) % 100) for i in range(1000)],
        "second": [(i * 7919) % 1000 for i in range(1000)],
    }
)


def test_time_is_cut_where_one_says() -> None:
    way = by_time("day", ["2024-02-01", dt.date(2024, 3, 1)])
    examples = make_examples(DAYS, splits=["train", "eval", "test"], split_by=way)
    days = DAYS["day"].dt.to_string("iso")
    expected = {
        "train": days.filter(days < "2024-02-01"),
        "eval": days.filter((days >= "2024-02-01") & (days < "2024-03-01")),
        "test": days.filter(days >= "2024-03-01"),
    }
    for split, values in expected.items():
        assert examples.frame(split)["day"].to_list() == values.to_list()


def test_time_is_cut_into_shares_and_equal_times_stay_together(tmp_path: Path) -> None:
    DAYS.write_parquet(tmp_path / "days.parquet")
    for source in (DAYS, tmp_path / "days.parquet"):
        examples = make_examples(source, splits={"a": 8, "b": 1, "c": 1}, split_by=by_time("day"))
        assert examples.rows == {"a": 800, "b": 100, "c": 100}
        ends = [(f["day"].min(), f["day"].max()) for f in map(examples.frame, "abc")]
        assert ends[0][1] < ends[1][0] <= ends[1][1] < ends[2][0]  # type: ignore[operator]
    for share, rows in ((0.256, 260), (0.254, 250)):  # there are ten rows a day
        examples = make_examples(DAYS, splits={"a": share, "b": 1 - share}, split_by=by_time("day"))
        assert examples.rows == {"a": rows, "b": 1000 - rows}


@given(
    times=st.lists(st.floats(allow_nan=False, width=32), min_size=2, max_size=60),
    share=st.floats(0.05, 0.95),
)
@settings(max_examples=80, deadline=None)
def test_the_time_of_a_cut_is_the_nearest_that_there_is(times: list[float], share: float) -> None:
    for memory in (1 << 20, 8):
        ranked = Ranked(Workspace(), memory)
        for start in range(0, len(times), 7):
            ranked.add(np.array(times[start : start + 7]))
        wanted = min(round(share * len(times)), len(times) - 1)
        before = sum(time < ranked.cut(wanted) for time in times)
        # By brute force: every way to cut between two different times, and before the first.
        ways = {sum(time < cut for time in times) for cut in [*times, math.inf]}
        assert abs(before - wanted) == min(abs(way - wanted) for way in ways)


def test_times_are_read_in_each_iso_form() -> None:
    texts = [
        "2024-01-02",
        "2024-01-02T03:04:05",
        "2024-01-02 03:04:05.25",
        "2024-01-02T03:04:05+02:00",
        "2024-01-02T03:04:05Z",
        "1969-12-31",
    ]
    found = time_keys(pl.Series("t", texts))
    assert found.tolist() == [time_key(text) for text in texts]
    assert time_key("1969-12-31") == -86_400e6


@pytest.mark.parametrize(
    ("values", "got"),
    [
        (["2024-01-02", "02.01.2024"], "'02.01.2024'"),
        (["2024-01-02", None], "no value"),
        ([1.0, math.nan], "no value"),
        ([True, False], "Boolean"),
    ],
)
def test_rows_without_a_time_are_an_error(values: list[object], got: str) -> None:
    frame = pl.DataFrame({"t": values, "n": range(len(values))})
    with pytest.raises(DataError, match="column 't'") as caught:
        make_examples(frame, split_by=by_time("t"))
    assert got in str(caught.value)


def test_cuts_and_splits_have_to_fit() -> None:
    with pytest.raises(UsageError, match="do not part"):
        make_examples(
            DAYS, splits=["a", "b"], split_by=by_time("day", ["2024-01-05", "2024-02-01"])
        )
    with pytest.raises(UsageError, match="both cuts and shares"):
        make_examples(DAYS, splits={"a": 1, "b": 1}, split_by=by_time("day", ["2024-01-05"]))
    with pytest.raises(UsageError, match="do not rise"):
        by_time("day", ["2024-01-05", "2024-01-05"])
    with pytest.raises(UsageError, match="no point in time"):
        by_time("day", ["soon"])
    with pytest.raises(UsageError, match="no sequence"):
        by_time("day", "2024-01-05")
    with pytest.raises(UsageError, match="one split twice"):
        make_examples(DAYS, splits=["a", "a"], split_by=by_time("day", ["2024-01-05"]))
    with pytest.raises(DataError, match="split 'b' has no rows"):
        make_examples(DAYS, splits=["a", "b"], split_by=by_time("day", ["2025-01-05"]))


def test_a_column_names_the_splits_and_is_dropped() -> None:
    frame = pl.DataFrame({"split": ["train", "test", "train", "val"], "x": [1, 2, 3, 4]})
    examples = make_examples(frame, split_by=by_column("split"))
    assert examples.splits == ("train", "test", "val")  # as they come
    assert examples.columns == {"x": "int"}
    assert examples.frame("train")["x"].to_list() == [1, 3]
    ordered = make_examples(frame, splits=["val", "test", "train"], split_by=by_column("split"))
    assert ordered.rows == {"val": 1, "test": 1, "train": 2}
    folds = make_examples(
        frame.with_columns(split=pl.Series([0, 1, 0, 2])), split_by=by_column("split")
    )
    assert folds.rows == {"0": 2, "1": 1, "2": 1}


@pytest.mark.parametrize(
    ("values", "splits", "reason"),
    [
        (["train", None], None, "has no value"),
        (["train", "test"], ["train", "eval"], "'test'"),
        (["train", "a/b"], None, "cannot name a split"),
        ([0.5, 1.5], None, "cannot name splits"),
        ([f"s{i}" for i in range(1001)], None, "more than 1,000 values"),
    ],
)
def test_what_names_no_split_is_an_error(
    values: list[object], splits: list[str] | None, reason: str
) -> None:
    frame = pl.DataFrame({"split": values, "x": range(len(values))})
    with pytest.raises(DataError, match=reason):
        make_examples(frame, splits=splits, split_by=by_column("split"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "eval").mkdir()
    for index, name in enumerate(["train-1", "train-2", "eval/1"]):
        pl.DataFrame({"n": [10 * index, 10 * index + 1]}).write_parquet(
            tmp_path / f"{name}.parquet"
        )
    return tmp_path


def test_patterns_name_the_files_of_splits(folder: Path) -> None:
    patterns = {"train": "train-*.parquet", "eval": "eval/*"}
    whole = {name: str(folder / pattern) for name, pattern in patterns.items()}
    for examples in (
        make_examples(folder, splits=patterns),
        make_examples(None, splits=whole),
        make_examples(whole),
        make_examples({"train": sorted(folder.glob("train*")), "eval": folder / "eval"}),
    ):
        assert examples.frame("train")["n"].to_list() == [0, 1, 10, 11]
        assert examples.frame("eval")["n"].to_list() == [20, 21]
        assert [file.name for file in examples.files] == [
            "train-1.parquet",
            "train-2.parquet",
            "1.parquet",
        ]


def test_tables_may_be_splits_too() -> None:
    examples = make_examples(
        {"train": pl.DataFrame({"a": [1]}), "eval": pl.DataFrame({"a": [0.5]})}
    )
    assert examples.columns == {"a": "float"}
    assert examples.rows == {"train": 1, "eval": 1}
    columns = make_examples({"train": [1, 2], "eval": [3, 4]}, splits={"all": 1})  # a table
    assert columns.columns == {"train": "int", "eval": "int"}


def test_sources_of_splits_that_do_not_fit_are_refused(folder: Path) -> None:
    train = str(folder / "train-*.parquet")
    with pytest.raises(DataError, match="is read twice"):
        make_examples({"train": train, "eval": train})
    with pytest.raises(DataError, match="is read twice"):
        make_examples([train, str(folder / "train-1.parquet")])
    with pytest.raises(UsageError, match="nothing to split"):
        make_examples({"train": train}, split_by=["n"])
    with pytest.raises(UsageError, match="both the source and splits"):
        make_examples({"train": train}, splits={"train": 1})
    with pytest.raises(UsageError, match="there is no source"):
        make_examples(None)
    with pytest.raises(UsageError, match="tables in memory"):
        make_examples({"train": train, "eval": pl.DataFrame({"n": [1]})})
    with pytest.raises(UsageError, match="one of several splits"):
        read({"train": train})


def test_several_files_are_one_source(folder: Path) -> None:
    frame = read([folder / "train-2.parquet", folder / "train-1.parquet"])
    assert frame["n"].to_list() == [10, 11, 0, 1]  # in the order that was asked for


@pytest.mark.parametrize("way", [by_group, by_strata])
def test_a_way_without_columns_is_refused(way: object) -> None:
    with pytest.raises(UsageError, match="got no columns"):
        way()  # type: ignore[operator]


def test_a_way_is_data() -> None:
    way = by_time("day", [1, 2])
    assert way == SplitBy("time", ("day",), (1, 2))
    assert eval(repr(way), {"SplitBy": SplitBy}) == way
    assert len({way, by_time("day", [1, 2])}) == 1


def test_lists_structs_and_bytes_have_hashes_that_survive_wider_types() -> None:
    def same(one: pl.Series, other: pl.Series) -> bool:
        first, second = (
            row_hashes(one.alias("a").to_frame()),
            row_hashes(other.alias("a").to_frame()),
        )
        return bool((first == second).all())

    assert same(pl.Series([1, None, 3]), pl.Series([[1.0], None, [3.0]]))
    assert same(pl.Series(["x", "카"]), pl.Series([b"x", "카".encode()]))
    assert same(pl.Series([{"x": 1}]), pl.Series([{"x": 1, "new": None}]))
    assert same(pl.Series([None, None]), pl.Series([None, None], dtype=pl.List(pl.String)))
    lists = pl.Series([[], [1], [1, 2], [2, 1], [None, 1], None, [1, 1], [1, 1, 1]])
    assert len(set(row_hashes(lists.to_frame()).tolist())) == len(lists)
    # A list of one is its value, at each level, and so these share a split: no more than that.
    deep = pl.Series([[["a", "b"]], [["a"], ["b"]], [["b"], ["a"]], [["a"], ["a"]], [[], ["a"]]])
    assert len(set(row_hashes(deep.to_frame()).tolist())) == 4
    structs = pl.Series([{"x": 1, "y": 2}, {"x": 2, "y": 1}, {"x": None, "y": 1}, None])
    assert len(set(row_hashes(structs.to_frame()).tolist())) == len(structs)


@pytest.mark.parametrize("memory", [0, True, 1.5e9, "2 GB", 1 << 20])
def test_a_memory_that_is_none_is_refused(memory: object) -> None:
    with pytest.raises(UsageError, match="memory is wrong"):
        make_examples(LABELS, memory=memory)  # type: ignore[arg-type]
