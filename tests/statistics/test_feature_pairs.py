"""Columns that belong together, their lengths, their order, and values that mean none."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import UsageError
from dure.statistics.aggregates.feature_pairs import SparseFeature, sparse_feature, weighted_feature
from dure.statistics.aggregates.order import Order
from dure.statistics.aggregates.sentinels import Sentinels, count_empty
from dure.statistics.aggregates.sequences import AT, AlignedSequences, SequenceLengths

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
LIST = st.one_of(st.none(), st.lists(st.just(1), max_size=4))
SCHEMA = {"v": pl.List(pl.Int64), "i": pl.List(pl.Int64), "j": pl.List(pl.Int64)}


@settings(deadline=None)
@given(st.lists(st.tuples(LIST, LIST, LIST), min_size=1, max_size=30))
def test_sparse_features_are_counted_as_tfdv_counts_them(rows: list) -> None:
    found = sparse_feature(pl.DataFrame(rows, schema=SCHEMA, orient="row"), "v", ("i", "j"))
    lengths = [[len(one or ()) for one in row] for row in rows]
    assert found["missing_value"] == sum(v == 0 and (i > 0 or j > 0) for v, i, j in lengths)
    for at, name in ((1, "i"), (2, "j")):
        both = [row[at] - row[0] for row in lengths if row[0] and row[at]]
        assert found["missing_index"][name] == sum(r[0] > 0 and r[at] == 0 for r in lengths)
        assert found["min_length_diff"][name] == min(both, default=0)
        assert found["max_length_diff"][name] == max(both, default=0)


def test_weighted_features_are_counted_as_tfdv_counts_them() -> None:
    frame = pl.DataFrame(
        {"v": [["a", "b"], ["a"], None, []], "w": [[1.0], [1.0, 2.0, 3.0], [1.0], None]}
    )
    assert weighted_feature(frame, "v", "w") == {
        "missing_value": 1,
        "missing_weight": 0,
        "min_weight_length_diff": -1,
        "max_weight_length_diff": 2,
    }


def test_single_values_are_lists_of_one() -> None:
    frame = pl.DataFrame({"v": ["a", None, "c"], "w": [0.5, 1.0, None]})
    assert weighted_feature(frame, "v", "w") == {
        "missing_value": 1,
        "missing_weight": 1,
        "min_weight_length_diff": 0,
        "max_weight_length_diff": 0,
    }


def test_a_sparse_feature_needs_an_index() -> None:
    with pytest.raises(UsageError, match="needs a column beside"):
        SparseFeature("s", "v", ())


@settings(deadline=None)
@given(st.lists(LIST, max_size=60))
def test_lengths_of_lists_are_those_of_numpy(rows: list) -> None:
    one = SequenceLengths("v")
    frame = pl.DataFrame({"v": rows}, schema={"v": pl.List(pl.Int64)})
    (found,) = one.finish(one.update(one.init(), frame))
    lengths = [len(row) for row in rows if row is not None]
    assert found["lists"] == len(lengths)
    assert found["empty"] == lengths.count(0)
    if lengths:
        assert (found["min"], found["max"]) == (min(lengths), max(lengths))
        assert found["mean"] == pytest.approx(np.mean(lengths))
        want = np.quantile(lengths, AT, method="inverted_cdf")
        assert found["quantiles"] == pytest.approx(want)
        assert found["same"] == (len(set(lengths)) == 1)


def test_lists_in_lists_have_lengths_at_each_level() -> None:
    one = SequenceLengths("x", depth=2)
    frame = pl.DataFrame({"x": [[[1, 2], []], [], None, [None, [3]]]})
    outer, inner = one.finish(one.update(one.init(), frame))
    assert (outer["lists"], outer["empty"], outer["max"]) == (3, 1, 2)
    assert (inner["lists"], inner["empty"], inner["max"]) == (3, 1, 2)


def test_columns_with_lists_of_one_length_are_found() -> None:
    one = AlignedSequences(("a", "b", "c", "d"))
    frame = pl.DataFrame(
        {
            "a": [[1], [1, 2], None],
            "b": [[1.0], [1.0, 2.0], None],
            "c": [[1], [1], None],
            "d": [["x"], ["x", "y"], None],
        }
    )
    assert one.finish(one.update(one.init(), frame)) == [["a", "b", "d"]]
    assert one.finish(one.init()) == []


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=12), st.integers(0, 12))
def test_order_is_that_of_the_values(values: list[int | None], cut: int) -> None:
    one = Order("x")
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Int64})
    found = one.finish(one.update(one.update(one.init(), frame[:cut]), frame[cut:]))
    some = [value for value in values if value is not None]
    pairs = list(pairwise(some))
    up, down = all(a <= b for a, b in pairs), all(a >= b for a, b in pairs)
    if up == down:
        assert found is None
    else:
        strict = all(a != b for a, b in pairs)
        assert found == {"direction": "up" if up else "down", "strict": strict}


def sentinels(column: pl.Series, kind: str, *extra: str | float) -> dict | None:
    one = Sentinels("x", kind, extra)
    counts = column.drop_nulls().alias("value").value_counts(name="count").sort("value")
    found = one.finish(one.update(one.init(), counts))
    return None if found is None else dict(found)


def test_spellings_of_none_are_found_in_texts() -> None:
    texts = ["NA", "n/a", " unknown ", "?", "", "-", "null", "None", "na", "value", "nan bread"]
    found = sentinels(pl.Series([*texts, "NA"]), "string")
    assert found is not None
    assert found["values"] == {"NA": 2, **dict.fromkeys(sorted(texts[1:9]), 1)}
    assert found["share"] == pytest.approx(10 / 12)
    assert sentinels(pl.Series(["a", "9999"]), "string") is None


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ([*range(50), -999, -999], {"-999": 2}),
        ([*range(50), -1, -1], {"-1": 2}),
        ([*range(-50, 50), -1, -1], None),
        ([*range(50), 9999, 9999, 9999], {"9999": 3}),
        ([*range(0, 12000, 7), 9999, 9999], None),
        ([*range(50), -999], None),
        ([*range(90), 99, 99], None),
        ([99, 99], None),
        ([], None),
    ],
)
def test_numbers_that_stand_apart_are_found(values: list[int], want: dict | None) -> None:
    for dtype, kind in ((pl.Int64, "int"), (pl.Float64, "float")):
        found = sentinels(pl.Series(values, dtype=dtype), kind)
        assert (None if found is None else found["values"]) == want


def test_values_of_ones_own_always_count() -> None:
    assert sentinels(pl.Series([1.0, 7.0]), "float", 7.0) == {"values": {"7": 1}, "share": 0.5}
    assert sentinels(pl.Series(["a", "none of it"]), "string", "None of it") == {
        "values": {"none of it": 1},
        "share": 0.5,
    }


def test_empty_values_are_counted_as_tfdv_counts_them() -> None:
    frame = pl.DataFrame(
        {"n": [-1, 0, -1], "s": ["", "a", None], "l": [[], [-1, 2], None], "f": [1.0, 2.0, -1.0]}
    )
    assert count_empty(frame) == {
        "n": {"int_-1": 2},
        "s": {"empty_string": 1},
        "l": {"empty_list": 1, "int_-1": 1},
        "f": {},
    }


def test_question_marks_and_the_top_code_of_adult_are_found() -> None:
    path = SHARED / "tabular/adult/adult.data"
    if not path.exists():
        pytest.skip("the data of adult is not there")
    frame = pl.read_csv(path, has_header=False, infer_schema_length=None)
    jobs = sentinels(frame.to_series(1).str.strip_chars(), "string")
    assert jobs is not None
    assert jobs["values"] == {"?": 1836}
    gains = frame.to_series(10).drop_nulls().str.strip_chars().cast(pl.Int64)
    assert sentinels(gains, "int") == {
        "values": {"99999": int((gains == 99999).sum())},
        "share": pytest.approx(float((gains == 99999).mean())),  # type: ignore[arg-type]
    }
