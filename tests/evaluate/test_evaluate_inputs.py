"""What is refused, and that the message says what, expected, got and what to do."""

from __future__ import annotations

import numpy as np
import pytest

from dure.errors import EvaluationError
from dure.evaluate import evaluate

HALF = [0.5, 0.6]


@pytest.mark.parametrize(
    ("scores", "labels", "task", "words"),
    [
        (HALF, [0, 1], "binari", ["unknown task", "'binari'", "did you mean 'binary'"]),
        ([], [], "binary", ["no rows", "at least one row"]),
        (np.empty((0, 3)), [], "multiclass", ["no rows"]),
        (np.ones((4, 2)), [0, 1, 0, 1], "binary", ["shape", "(rows,) or (rows, 1)", "(4, 2)"]),
        (HALF, [0, 1], "multiclass", ["shape", "(rows, classes)", "(2,)"]),
        (np.ones((2, 1)), [0, 1], "multiclass", ["shape", "(2, 1)"]),
        (HALF, [[0, 1]], "binary", ["labels have a wrong shape", "(1, 2)"]),
        (HALF, [0, 1, 1], "binary", ["differ in length", "2 scores, 3 labels"]),
        ([0.1, np.nan, np.inf], [0, 1, 1], "binary", ["2 of 3 rows", "NaN in 1 rows", "row 1"]),
        ([0.1, 0.2], [0, np.nan], "binary", ["labels are not finite in 1 of 2 rows"]),
        ([-3.0, 5.0], [0, 1], "binary", ["not probabilities", "-3 to 5", "sigmoid"]),
        ([[2.0, 3.0]] * 2, [0, 1], "multiclass", ["not probabilities", "softmax"]),
        ([[0.2, 0.2], [0.5, 0.5]], [0, 1], "multiclass", ["1 of 2 rows", "0.4 at row 0"]),
        (HALF, [0, 2], "binary", ["1 of 2 rows", "0 to 1", "2 (1 rows)"]),
        ([[0.5, 0.5]] * 3, [-1, -1, 1], "multiclass", ["2 of 3 rows", "-1 (2 rows)"]),
        ([[0.5, 0.5]] * 2, [0.5, 1], "multiclass", ["1 of 2 rows", "0.5 (1 rows)"]),
        (HALF, [1, 1], "binary", ["all 2 labels are the same class", "class 1 in every row"]),
        ([[0.5, 0.5]], [0], "multiclass", ["all 1 labels", "two classes"]),
        (["a", "b"], [0, 1], "binary", ["scores are not an array of numbers"]),
        (HALF, ["no", "yes"], "binary", ["labels are not an array", "class ids, not names"]),
        (HALF, [[0], [1, 2]], "binary", ["labels are not an array"]),
        ([1.0, np.inf], [0.0, 1.0], "regression", ["infinity in 1; first at row 1"]),
    ],
)
def test_bad_input_is_refused_in_words(
    scores: object, labels: object, task: str, words: list[str]
) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(scores, labels, task=task)  # type: ignore[arg-type]
    for word in words:
        assert word in str(caught.value)


def test_the_only_class_is_named() -> None:
    with pytest.raises(EvaluationError, match=r"class 0 \(stays\) in every row"):
        evaluate(HALF, [0, 0], task="binary", classes=["stays", "leaves"])


def test_names_of_classes_have_to_fit() -> None:
    with pytest.raises(EvaluationError, match="names of the classes"):
        evaluate([[0.5, 0.5]] * 2, [0, 1], task="multiclass", classes=["a", "b", "c"])


@pytest.mark.parametrize("option", ["max_slices", "small_slice", "seed"])
@pytest.mark.parametrize("value", [-1, 1.5, True])
def test_options_have_to_be_counts(option: str, value: object) -> None:
    with pytest.raises(EvaluationError, match=option):
        evaluate(HALF, [0, 1], task="binary", **{option: value})  # type: ignore[arg-type]


def test_rounding_of_float32_is_no_error() -> None:
    scores = np.random.default_rng(0).dirichlet(np.ones(1000), size=5).astype(np.float32)
    evaluate(scores, [0, 1, 2, 3, 4], task="multiclass")
    evaluate(np.array([1 + 1e-7, -1e-7]), [1, 0], task="binary")


def test_the_callers_arrays_are_left_as_they_are() -> None:
    scores, labels = np.array([1 + 1e-7, 0.2]), np.array([1, 0])
    evaluate(scores, labels, task="binary")
    assert scores[0] == 1 + 1e-7
    assert labels.tolist() == [1, 0]
