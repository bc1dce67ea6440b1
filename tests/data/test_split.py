"""The hash that assigns rows to splits, against a scalar reading of its definition."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import assign, make_examples, row_hashes
from dure.data.split import split_frame
from dure.errors import DataError, UsageError

MASK = 2**64 - 1
SAMPLE = pl.DataFrame(
    {
        "i": [1, -2, None, 2**53],
        "f": [0.5, math.nan, math.inf, -0.0],
        "s": ["cash", None, "", "카드"],
        "b": [True, False, None, True],
    }
)
GOLDEN = [888187097143997428, 1135765807198219922, 18327783118955377955, 12385764810080227488]
GOLDEN_S = [5155858703457914485, 5610571045757139801, 12338202351203546642, 8619437592307582330]


def mix(value: int) -> int:
    """Splitmix64's finaliser, from its paper, on Python's own integers."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def blake(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def bits(value: object) -> int:
    if value is None:
        return 0x9E3779B97F4A7C15
    if isinstance(value, str):
        return blake(value)
    assert isinstance(value, int | float)
    number = float(value)
    if math.isnan(number):
        return 0x7FF8000000000000
    return int(struct.unpack("<Q", struct.pack("<d", number or 0.0))[0])


def by_hand(row: dict[str, object]) -> int:
    return mix(sum(mix(bits(v) ^ mix(blake(c))) for c, v in row.items()) & MASK)


def hashes(frame: pl.DataFrame, columns: Sequence[str] | None = None) -> list[int]:
    return [int(value) for value in row_hashes(frame, columns)]


def test_golden_hashes_never_change() -> None:
    assert hashes(SAMPLE) == GOLDEN
    assert hashes(SAMPLE, ["s"]) == GOLDEN_S


def test_the_hash_is_the_one_of_its_definition() -> None:
    assert hashes(SAMPLE) == [by_hand(row) for row in SAMPLE.to_dicts()]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "i": st.none() | st.integers(-(2**63), 2**63 - 1),
                "f": st.none() | st.floats(),
                "s": st.none() | st.text(max_size=5),
                "b": st.none() | st.booleans(),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_row_hashes_by_the_definition(rows: list[dict[str, object]]) -> None:
    schema = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "b": pl.Boolean}
    assert hashes(pl.DataFrame(rows, schema=schema)) == [by_hand(row) for row in rows]


def test_the_order_of_columns_and_rows_is_irrelevant() -> None:
    assert hashes(SAMPLE.select("s", "b", "i", "f")) == hashes(SAMPLE)
    assert hashes(SAMPLE.reverse()) == hashes(SAMPLE)[::-1]


def test_a_column_that_becomes_float_keeps_its_hashes() -> None:
    wide = SAMPLE.with_columns(pl.col("i", "b").cast(pl.Float64))
    assert hashes(wide) == hashes(SAMPLE)


def test_a_value_under_another_name_hashes_otherwise() -> None:
    swapped = SAMPLE.rename({"i": "f", "f": "i"})
    assert not set(hashes(swapped)) & set(hashes(SAMPLE))


def test_missing_empty_nan_and_zero_are_four_things() -> None:
    frame = pl.DataFrame({"a": [0.0, math.nan, None], "b": ["", "", ""]})
    texts = pl.DataFrame({"a": ["", None], "b": ["", ""]})
    assert len({*hashes(frame), *hashes(texts)}) == 4


@pytest.mark.parametrize("ratios", [{"train": 2, "eval": 1}, {"a": 60, "b": 10, "c": 20}])
def test_rows_fall_into_splits_in_proportion(ratios: dict[str, float]) -> None:
    rows = 100_000
    frame = pl.DataFrame({"id": range(rows), "text": [f"row {i % 977}" for i in range(rows)]})
    counts = np.bincount(assign(row_hashes(frame), ratios), minlength=len(ratios))
    for count, ratio in zip(counts, ratios.values(), strict=True):
        share = ratio / sum(ratios.values())
        # Five standard deviations of a binomial count: one in 1.7 million.
        assert abs(count - rows * share) < 5 * math.sqrt(rows * share * (1 - share))


def test_hashes_are_even_over_sixteen_parts_whatever_the_columns() -> None:
    rows = 64_000
    for frame in (
        pl.DataFrame({"a": range(rows)}),
        pl.DataFrame({"a": np.arange(rows) / 1024}),
        pl.DataFrame({"a": [str(i) for i in range(rows)]}),
        pl.DataFrame({"a": range(rows), "b": range(rows), "c": [1] * rows}),
    ):
        counts = np.bincount(row_hashes(frame) >> np.uint64(60), minlength=16)
        chi_square = float(((counts - rows / 16) ** 2 / (rows / 16)).sum())
        assert chi_square < 44.3  # scipy.stats.chi2.isf(1e-4, 15) is 44.26


def test_only_proportions_count() -> None:
    found = row_hashes(pl.DataFrame({"a": range(10_000)}))
    expected = assign(found, {"a": 6, "b": 1, "c": 2})
    for ratios in ((60, 10, 20), (0.6, 0.1, 0.2), (6e300, 1e300, 2e300), (6e-300, 1e-300, 2e-300)):
        assert (assign(found, dict(zip("abc", ratios, strict=True))) == expected).all()


def test_cuts_are_where_the_ratios_say() -> None:
    edge = np.uint64(2**63)  # u = 1/2 exactly
    found = np.array([0, edge - np.uint64(2048), edge, MASK], dtype=np.uint64)
    assert assign(found, {"a": 1, "b": 1}).tolist() == [0, 0, 1, 1]
    assert assign(found, {"a": 1}).tolist() == [0, 0, 0, 0]


def test_equal_rows_share_a_split_and_each_row_is_in_one() -> None:
    frame = pl.DataFrame({"a": [i % 50 for i in range(1000)], "row": ["x"] * 1000})
    parts = split_frame(frame, {"train": 1, "eval": 1})
    assert sum(part.height for part in parts.values()) == 1000
    assert not set(parts["train"]["a"]) & set(parts["eval"]["a"])


def test_split_by_keeps_groups_together_and_rows_in_order() -> None:
    frame = pl.DataFrame({"user": [f"u{i % 40}" for i in range(400)], "n": range(400)})
    parts = split_frame(frame, {"train": 2, "eval": 1}, ["user"])
    assert not set(parts["train"]["user"]) & set(parts["eval"]["user"])
    for part in parts.values():
        assert part["n"].to_list() == sorted(part["n"])
    assert sorted(parts["train"]["n"].to_list() + parts["eval"]["n"].to_list()) == list(range(400))


def test_more_columns_leave_a_split_by_column_as_it_was() -> None:
    frame = pl.DataFrame({"user": [f"u{i}" for i in range(100)]})
    wider = frame.with_columns(extra=pl.lit(1))
    assert (row_hashes(frame, ["user"]) == row_hashes(wider, ["user"])).all()


def test_a_split_without_rows_is_refused_with_the_counts() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3], "g": ["x"] * 3})
    with pytest.raises(DataError, match="has no rows") as caught:
        make_examples(frame, splits={"train": 1, "eval": 1}, split_by=["g"])
    assert "of 3 rows; rows that agree in g stay together" in str(caught.value)
    assert "from_frames" in str(caught.value)


@pytest.mark.parametrize(
    ("splits", "reason"),
    [
        ({}, "names no split"),
        ({"train": 0, "eval": 1}, "share of split 'train'"),
        ({"train": -1}, "share of split 'train'"),
        ({"train": math.nan}, "share of split 'train'"),
        ({"train": math.inf}, "share of split 'train'"),
        ({"train": "2", "eval": 1}, "both shares and patterns"),
        ({"train": "2"}, "the source is no folder"),
        ({"train": True}, "share of split 'train'"),
        ({"../train": 1}, "cannot name a split"),
        ({"": 1}, "cannot name a split"),
        ({1: 1}, "cannot name a split"),
        (["train"], "names no split"),
    ],
)
def test_wrong_splits_are_refused(splits: object, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        make_examples(SAMPLE, splits=splits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("split_by", "reason"),
    [
        (["usr"], "did you mean 'user'"),
        ("user", "split_by=\\['user'\\]"),
        ([], "split_by is wrong"),
    ],
)
def test_wrong_columns_to_split_by_are_refused(split_by: object, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_examples(pl.DataFrame({"user": [1, 2]}), split_by=split_by)  # type: ignore[arg-type]
    assert caught.match(reason) or reason in str(caught.value)
