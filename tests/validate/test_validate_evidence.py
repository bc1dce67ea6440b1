"""Each anomaly names the first rows that show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples
from dure.schema import Column, Schema
from dure.statistics import describe
from dure.validate import Anomalies, validate

INF, NAN = float("inf"), float("nan")


def check(values: list[Any], column: Column, dtype: Any = None) -> Anomalies:
    examples = Examples.from_frames({"train": pl.DataFrame({"x": pl.Series(values, dtype=dtype)})})
    return validate(describe(examples), Schema({"x": column}), examples=examples)


CASES: list[tuple[list[Any], Column, str, list[int]]] = [
    (["a", None, "a", None], Column("string", 1.0), "too_few_values", [1, 3]),
    (["a", "z", "a", "y"], Column("string", domain=("a",)), "unexpected_values", [1, 3]),
    ([1, -5, 3], Column("int", min=0), "below_min", [1]),
    ([1.0, INF, 3.0, NAN], Column("float", max=2), "above_max", [1, 2]),
    ([1.0, NAN, 2.0], Column("float"), "nan", [1]),
    ([1.0, -INF, INF], Column("float"), "infinity", [1, 2]),
    (["1", "x"], Column("int"), "type_changed", [1]),
    (["1", "x"], Column("string", holds="int"), "not_int", [1]),
    (["ab", "a", "abc"], Column("string", length=(2, 2)), "too_short", [1]),
    (["ab", "a", "abc"], Column("string", length=(2, 2)), "too_long", [2]),
    (["ab", "b"], Column("string", regex="^a"), "no_match", [1]),
    (["a", "b", "a"], Column("string", unique=True), "not_unique", [0, 2]),
    ([7, 8, 8], Column("int", unique=True), "not_unique", [1, 2]),
    ([1, 2**53 + 1], Column("int"), "beyond_exact", [1]),
    ([0, 1, 3], Column("int", holds="bool"), "not_truth", [2]),
]


@pytest.mark.parametrize(("values", "column", "kind", "rows"), CASES)
def test_the_rows_that_show_it(
    values: list[Any], column: Column, kind: str, rows: list[int]
) -> None:
    (one,) = (one for one in check(values, column) if one.kind == kind)
    assert [each.row for each in one.evidence] == rows


def test_values_are_shown_and_cut() -> None:
    (one,) = check(["a", "z" * 200], Column("string", domain=("a",)))
    assert one.evidence[0].value.startswith("'zzz")
    assert len(one.evidence[0].value) <= 60


def test_only_the_first_five_rows_are_named() -> None:
    (one,) = check(["z"] * 100, Column("string", domain=("a",)))
    assert [each.row for each in one.evidence] == [0, 1, 2, 3, 4]


def test_without_examples_there_is_no_evidence() -> None:
    statistics = describe(pl.DataFrame({"x": ["z"]}))
    (one,) = validate(statistics, Schema({"x": Column("string", domain=("a",))}))
    assert one.evidence == ()


def test_entries_of_lists_and_fields_of_structs_are_found_in_their_rows() -> None:
    frame = pl.DataFrame(
        {"x": [["a"], ["a", "z"], [], None, ["y"]], "s": [{"n": i} for i in (1, 2, 99, 3, 98)]}
    )
    examples = Examples.from_frames({"train": frame})
    schema = Schema(
        {
            "x": Column("list[string]", domain=("a",), values=((None, 1),)),
            "s": Column("struct"),
            "s.n": Column("int", max=10),
        }
    )
    found = validate(describe(examples), schema, examples=examples)
    rows = {one.kind: [each.row for each in one.evidence] for one in found}
    assert rows == {"too_many_entries": [1], "unexpected_values": [1, 4], "above_max": [2, 4]}


def test_each_split_has_its_own_rows(tmp_path: Path) -> None:
    frames = {
        "train": pl.DataFrame({"x": ["a", "z"]}),
        "eval": pl.DataFrame({"x": ["z", "a", "z"]}),
    }
    Examples.from_frames(frames).save(tmp_path)
    examples = Examples.load(tmp_path)  # from disk, as in a pipeline
    schema = Schema({"x": Column("string", domain=("a",))})
    train, other = validate(describe(examples), schema, examples=examples)
    assert [each.row for each in train.evidence] == [1]
    assert [each.row for each in other.evidence] == [0, 2]


@given(st.lists(st.sampled_from([None, "a", "b", "z"]), min_size=1, max_size=30))
def test_evidence_is_what_a_loop_over_the_rows_finds(values: list[str | None]) -> None:
    found = check(values, Column("string", domain=("a", "b")), pl.String)
    expected = [row for row, value in enumerate(values) if value == "z"][:5]
    rows = [each.row for one in found if one.kind == "unexpected_values" for each in one.evidence]
    assert rows == expected


def test_bytes_that_are_not_utf8_are_shown_where_text_is_expected() -> None:
    examples = Examples.from_frames({"train": pl.DataFrame({"x": [b"a", None, b"\xff\x00", b"a"]})})
    (one,) = validate(describe(examples), Schema({"x": Column("string")}), examples=examples)
    assert one.kind == "invalid_text"
    assert [each.row for each in one.evidence] == [2]


def test_bytes_that_come_twice_are_found() -> None:
    rows = [b"\xff", b"a", b"\xff"]
    examples = Examples.from_frames({"train": pl.DataFrame({"x": rows})})
    expected = Schema({"x": Column("bytes", unique=True)})
    (one,) = validate(describe(examples), expected, examples=examples)
    assert one.got == r"'\\xff' (2 rows)"
    assert [each.row for each in one.evidence] == [0, 2]
