"""Statistics in TFDV's files: TFX's own golden file, and what comes back of what was written."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dure.errors import DataError, MissingExtraError
from dure.statistics import describe
from dure.statistics.model import QUANTILES
from dure.statistics.tfx import read_tfdv, to_proto, write_tfdv

pytest.importorskip("tensorflow_metadata", reason="the extra 'tfx' is not installed")

SHARED = Path(__file__).parents[2].parent / "shared/data/tfx"
FRAME = pl.DataFrame(
    {
        "int": [1, 2, 3, 4, 5, 0, 0, 9, 10, 11],
        "float": [1.5, math.nan, math.inf, 2.0, 3.0, -4.0, 0.0, 0.0, 1e3, None],
        "text": ["a", "a", "b", "b", "b", "c", "", "", None, "é"],
        "bool": [True, False] * 5,
        "list": [[1], [1, 2], [], None, [3], [4], [5, 6, 7], [8], [9], [10]],
    }
)


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def test_tfx_golden_statistics_are_read() -> None:
    statistics = read_tfdv(shared("testdata/statistics_gen"))
    assert {name: split.rows for name, split in statistics.splits.items()} == {
        "eval": 4966,
        "train": 10036,
    }
    fare = statistics.splits["train"].columns["fare"]
    assert fare.type == "float"
    assert fare.max == pytest.approx(700.07, abs=1e-3)
    assert fare.zeros == 20
    company = statistics.splits["train"].columns["company"]
    assert company.top is not None
    assert company.top[0] == ("Taxi Affiliation Services", 3483)


@pytest.mark.parametrize("name", ["a.pb", "a.pbtxt", "a.tfrecord", "folder"])
def test_what_was_written_comes_back(tmp_path: Path, name: str) -> None:
    made = describe(FRAME)
    write_tfdv(made, tmp_path / name)
    (split,) = read_tfdv(tmp_path / name).splits.values()
    assert split.rows == 10
    for column, before in made.splits["train"].columns.items():
        after = split.columns[column]
        assert (after.count, after.missing) == (before.count, before.missing)
        if before.element in ("int", "float"):
            assert after.type == before.type
            assert (after.zeros, after.nan) == (before.zeros, before.nan)
            assert (after.min, after.max) == (before.min, before.max)
            assert after.median == before.median
        if before.element == "string":
            assert (after.unique, after.top) == (before.unique, before.top)


def test_numbers_stand_where_tfdv_has_them() -> None:
    features = {one.path.step[0]: one for one in to_proto(describe(FRAME)).datasets[0].features}
    numbers = features["int"].num_stats
    values = FRAME["int"].to_numpy()
    assert numbers.mean == values.mean()
    assert numbers.std_dev == pytest.approx(values.std())
    assert numbers.median == np.median(values)
    assert (numbers.min, numbers.max, numbers.num_zeros) == (0, 11, 2)
    standard, quantiles = numbers.histograms
    assert [one.sample_count for one in standard.buckets] == list(np.histogram(values, bins=10)[0])
    assert len(quantiles.buckets) == 10
    # As TFDV: infinity is an extreme and has a bucket of its own, and there is no mean over it.
    floats = features["float"].num_stats
    assert (floats.min, floats.max) == (-4, math.inf)
    assert math.isnan(floats.mean)
    assert floats.histograms[0].num_nan == 1
    assert floats.histograms[0].buckets[-1].low_value == math.inf
    common = features["list"].num_stats.common_stats
    assert (common.num_non_missing, common.num_missing) == (9, 1)
    assert (common.min_num_values, common.max_num_values, common.tot_num_values) == (0, 3, 11)
    truth = features["bool"].num_stats
    assert (truth.mean, truth.num_zeros, truth.median) == (0.5, 5, 0.5)


def test_slices_become_data_sets_and_come_back(tmp_path: Path) -> None:
    from dure.data.slicing import SliceSpec
    from dure.statistics.options import StatisticsOptions

    frame = pl.DataFrame({"a": [1, 2, 3, 4], "b": ["x", "x", "y", "y"]})
    made = describe(frame, options=StatisticsOptions(slices=(SliceSpec(("b",)),)))
    write_tfdv(made, tmp_path / "folder")
    split = read_tfdv(tmp_path / "folder").splits["train"]
    assert {name: part.rows for name, part in split.slices.items()} == {"b=x": 2, "b=y": 2}
    assert split.slices["b=y"].columns["a"].min == 3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pb", b"\xff\xff\xff", "holds no statistics"),
        ("a.pb", b"", "at least one data set"),
        ("a.pbtxt", b"datasets {\n  rows: 1\n}", "2:3"),
        ("a.pbtxt", b"\xff", "holds no statistics"),
        ("a.tfrecord", b"not a record at all", "a.tfrecord"),
    ],
)
def test_a_file_that_holds_none_is_named_with_the_place(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_tfdv(tmp_path / name)
    assert said in str(caught.value)
    with pytest.raises(DataError, match="there is no file"):
        read_tfdv(tmp_path / "nowhere.pb")
    with pytest.raises(DataError, match="has no statistics of TFX"):
        read_tfdv(tmp_path)


def test_quantiles_between_deciles_are_interpolated() -> None:
    column = read_tfdv(shared("testdata/statistics_gen")).splits["train"].columns["trip_start_hour"]
    assert column.quantiles is not None
    assert list(column.quantiles) == sorted(column.quantiles)
    assert column.quantiles[QUANTILES.index(0.5)] == column.median == 15
    assert column.exactness.quantiles == 0.01


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_metadata.proto.v0", None)
    with pytest.raises(MissingExtraError, match=r"dure\[tfx\]"):
        to_proto(describe(FRAME))
