"""Statistics of TFX's taxi data against the statistics that TFX keeps of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dure.data import read
from dure.statistics import ColumnStatistics, SplitStatistics, describe

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tfx"
proto = pytest.importorskip(
    "tensorflow_metadata.proto.v0.statistics_pb2", reason="the extra 'tfx' is not installed"
)


@pytest.fixture(scope="module")
def golden() -> dict[str, list[Any]]:
    """The features of train and eval by name."""
    features: dict[str, list[Any]] = {}
    for split in ("train", "eval"):
        path = SHARED / f"testdata/statistics_gen/Split-{split}/FeatureStats.pb"
        if not path.exists():
            pytest.skip("the statistics of TFX are not there")
        found = proto.DatasetFeatureStatisticsList.FromString(path.read_bytes())
        for feature in found.datasets[0].features:
            features.setdefault(feature.path.step[0], []).append(feature)
    return features


@pytest.fixture(scope="module")
def ours() -> SplitStatistics:
    path = SHARED / "chicago_taxi/data.csv"
    if not path.exists():
        pytest.skip("the taxi data are not there")
    return describe(read(path)).splits["train"]


def common(feature: Any) -> Any:
    return getattr(feature, feature.WhichOneof("stats")).common_stats


def test_rows_columns_and_missing_values_agree(
    golden: dict[str, list[Any]], ours: SplitStatistics
) -> None:
    assert set(golden) == set(ours.columns)
    for name, parts in golden.items():
        column = ours.columns[name]
        # The file is older than today's meaning of missing: empty lists count as present, so
        # the number of values tells how many are there.
        assert column.count == sum(common(part).tot_num_values for part in parts)
        assert column.rows == sum(
            common(part).num_non_missing + common(part).num_missing for part in parts
        )


def test_numbers_agree(golden: dict[str, list[Any]], ours: SplitStatistics) -> None:
    compared = 0
    for name, parts in golden.items():
        column = ours.columns[name]
        known = [p for p in parts if p.HasField("num_stats") and common(p).tot_num_values]
        if column.type not in ("int", "float") or not known:
            continue
        compared += 1
        total = sum(common(part).tot_num_values for part in known)
        stats = [part.num_stats for part in known]
        # TFX read the floats as float32.
        assert column.min == pytest.approx(min(part.min for part in stats), rel=1e-6)
        assert column.max == pytest.approx(max(part.max for part in stats), rel=1e-6)
        assert column.zeros == sum(part.num_zeros for part in stats)
        weights = [common(part).tot_num_values / total for part in known]
        mean = sum(w * part.mean for w, part in zip(weights, stats, strict=True))
        square = sum(
            w * (part.std_dev**2 + part.mean**2) for w, part in zip(weights, stats, strict=True)
        )
        assert column.mean == pytest.approx(mean, rel=1e-6)
        scale = max(abs(column.min or 0), abs(column.max or 0))
        assert column.std == pytest.approx((square - mean**2) ** 0.5, abs=1e-4 * scale)
        check_histograms(column, stats)
    assert compared >= 14


def check_histograms(column: ColumnStatistics, stats: list[Any]) -> None:
    """Ours of both splits agrees with theirs where their buckets have our edges."""
    assert column.equal is not None
    for part in stats:
        buckets = part.histograms[0].buckets
        edges = [buckets[0].low_value, *(bucket.high_value for bucket in buckets)]
        if edges != pytest.approx(column.equal.edges, rel=1e-6):
            return
    theirs = [sum(h.histograms[0].buckets[i].sample_count for h in stats) for i in range(10)]
    # A value on an edge may fall on either side in float32.
    assert theirs == pytest.approx(column.equal.counts, abs=0.005 * sum(theirs))


def test_texts_agree(golden: dict[str, list[Any]], ours: SplitStatistics) -> None:
    for name in ("company", "payment_type"):
        counts: Counter[str] = Counter()
        length = 0.0
        for part in golden[name]:
            stats = part.string_stats
            length += stats.avg_length * common(part).tot_num_values
            for bucket in stats.rank_histogram.buckets:
                counts[bucket.label] += int(bucket.sample_count)
        column = ours.columns[name]
        assert column.values is not None
        assert dict(column.values) == counts
        assert column.unique == len(counts)
        assert column.mean_length == pytest.approx(length / column.count, rel=1e-6)
