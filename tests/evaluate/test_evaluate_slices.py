"""Slices: which rows, in which order, and that their numbers are those of the rows alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import EvaluationError
from dure.evaluate import Evaluation, evaluate
from dure.evaluate.slicing import parts

SCORES = np.linspace(0.05, 0.95, 12)
LABELS = np.array([0, 1] * 6)


def sliced(values: object, **options: int) -> Evaluation:
    return evaluate(SCORES, LABELS, task="binary", slices={"c": values}, **options)  # type: ignore[dict-item]


def test_overall_comes_first_then_the_largest() -> None:
    result = sliced(["b"] * 3 + ["a"] * 6 + ["c"] * 3)
    assert [one.name for one in result.slices] == ["overall", "c = a", "c = b", "c = c"]
    assert [one.rows for one in result.slices] == [12, 6, 3, 3]


def test_a_slice_has_the_numbers_of_its_rows_alone() -> None:
    values = np.array(["x"] * 8 + ["y"] * 4)
    result = sliced(values)
    for one in result.slices[1:]:
        rows = values == one.value
        alone = evaluate(SCORES[rows], LABELS[rows], task="binary")
        assert one.metrics == alone.overall.metrics


@given(values=st.lists(st.none() | st.integers(0, 3) | st.text(max_size=2), max_size=40))
def test_slices_part_the_rows(values: list[object]) -> None:
    made, left_out = parts({"c": values}, len(values), 100)
    assert sorted(row for part in made for row in part.rows) == list(range(len(values)))
    assert not left_out
    for part in made:
        assert all(values[row] == part.value for row in part.rows)


def test_missing_values_are_one_slice() -> None:
    result = sliced([None, float("nan"), np.nan, *[1.5] * 9])
    assert [(one.value, one.label, one.rows) for one in result.slices[1:]] == [
        (1.5, "1.5", 9),
        (None, "(missing)", 3),
    ]


def test_true_and_1_are_two_values() -> None:
    made, _ = parts({"c": [True, 1, 1.0, "1"]}, 4, 10)
    assert sorted(type(part.value).__name__ for part in made) == ["bool", "float", "int", "str"]


@pytest.mark.parametrize("container", [list, tuple, np.array, pl.Series])
def test_columns_of_any_kind_give_plain_values(container: type) -> None:
    result = sliced(container([1] * 7 + [2] * 5))
    assert [one.value for one in result.slices[1:]] == [1, 2]
    assert all(type(one.value) is int for one in result.slices[1:])


def test_the_smallest_slices_beyond_the_most_are_counted() -> None:
    result = sliced(["a"] * 6 + ["b"] * 3 + ["c"] * 2 + ["d"], max_slices=2)
    assert [one.label for one in result.slices] == ["overall", "a", "b"]
    assert result.left_out == {"c": {"slices": 2, "rows": 3}}
    assert "2 smallest slices, 3 rows" in result.text()


def test_slices_with_few_rows_are_flagged() -> None:
    result = sliced(["a"] * 8 + ["b"] * 4, small_slice=5)
    assert [one.small for one in result.slices] == [False, False, True]
    assert "(1 of 2 slices)" in result.text()


def test_a_slice_with_one_class_says_why_it_has_no_auc() -> None:
    result = sliced(LABELS)
    assert [one.metrics["auc"].note for one in result.slices[1:]] == [
        "not defined: no row has a positive label",
        "not defined: no row has a negative label",
    ]
    assert all(one.metrics["loss"].defined for one in result.slices[1:])


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(EvaluationError, match="'c' has a wrong length") as caught:
        sliced([1, 2, 3])
    assert "12 values" in str(caught.value)


def test_a_string_is_no_column() -> None:
    with pytest.raises(EvaluationError, match="is one string"):
        sliced("abcdefghijkl")


def test_progress_counts_the_slices() -> None:
    heard: list[tuple[float, float | None]] = []

    def listen(done: float, total: float | None = None, *, unit: str = "", note: str = "") -> None:
        assert unit == "slices"
        heard.append((done, total))

    evaluate(SCORES, LABELS, task="binary", slices={"c": [1, 2] * 6}, progress=listen)
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_values_of_other_kinds_become_plain_ones() -> None:
    from datetime import date

    values = [np.int64(1), np.True_, float("inf"), b"\xff", date(2026, 1, 2)]
    made, _ = parts({"c": values}, 5, 10)
    assert [repr(part.value) for part in made] == [
        "1",
        "'2026-01-02'",
        "True",
        "'inf'",
        "'\ufffd'",
    ]
