"""Mutual information with a label, against scikit-learn and closed forms."""

from __future__ import annotations

from math import log

import numpy as np
import polars as pl
import pytest
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score

from dure.errors import UsageError
from dure.statistics.aggregates.information import (
    InformationOptions,
    LabelInformation,
    kraskov,
    label_information,
    ross,
)

RNG = np.random.default_rng(0)


def test_categories_are_those_of_scikit_learn() -> None:
    x = RNG.integers(0, 6, 800)
    y = np.where(RNG.random(800) < 0.5, x % 3, RNG.integers(0, 3, 800))
    found = label_information(pl.DataFrame({"x": x, "y": y}), "y")["x"]
    assert found["mutual_information"] == pytest.approx(mutual_info_score(x, y) / log(2))
    assert found["adjusted"] == pytest.approx(adjusted_mutual_info_score(x, y))
    assert found["rows"] == 800


@pytest.mark.parametrize("neighbours", [1, 3, 7])
def test_two_columns_of_numbers_are_those_of_scikit_learn(neighbours: int) -> None:
    x = RNG.normal(size=700)
    y = x + RNG.normal(size=700)
    # scikit-learn divides by the standard deviations as well, and adds noise of its own.
    want = mutual_info_regression(x[:, None], y, n_neighbors=neighbours, random_state=0)[0]
    assert kraskov(x / x.std(), y / y.std(), neighbours) == pytest.approx(want, abs=1e-3)


@pytest.mark.parametrize("neighbours", [1, 3, 7])
def test_numbers_with_categories_are_those_of_scikit_learn(neighbours: int) -> None:
    codes = RNG.integers(0, 3, 700)
    x = codes + RNG.normal(size=700)
    want = mutual_info_classif(x[:, None], codes, n_neighbors=neighbours, random_state=0)[0]
    assert ross(x / x.std(), codes, neighbours) == pytest.approx(want, abs=1e-3)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_normal_numbers_have_the_information_of_the_closed_form(correlation: float) -> None:
    x = RNG.normal(size=5000)
    y = correlation * x + np.sqrt(1 - correlation**2) * RNG.normal(size=5000)
    options = InformationOptions("neighbours")
    found = label_information(pl.DataFrame({"x": x, "y": y}), "y", options)["x"]
    want = -0.5 * np.log2(1 - correlation**2)
    assert found["mutual_information"] == pytest.approx(want, abs=0.06)


def test_a_seed_gives_the_same_numbers_again() -> None:
    frame = pl.DataFrame({"x": RNG.integers(0, 9, 500), "y": RNG.normal(size=500)})

    def of(seed: int) -> dict:
        options = InformationOptions("neighbours", partitions=4, seed=seed)
        return label_information(frame, "y", options)

    assert of(0) == of(0)
    assert of(0) != of(1)


def test_partitions_say_how_steady_the_numbers_are() -> None:
    x = RNG.integers(0, 4, 1000)
    y = np.where(RNG.random(1000) < 0.3, x, RNG.integers(0, 4, 1000))
    options = InformationOptions(partitions=5, seed=3)
    found = label_information(pl.DataFrame({"x": x, "y": y}), "y", options)["x"]["partitions"]
    order = np.random.default_rng(3).permutation(1000)
    want = [adjusted_mutual_info_score(x[order[i::5]], y[order[i::5]]) for i in range(5)]
    assert found == pytest.approx(
        {
            "min": min(want),
            "max": max(want),
            "mean": np.mean(want),
            "median": np.median(want),
            "std": np.std(want),
            "number": 5,
        }
    )


def test_missing_and_infinite_values_are_left_out() -> None:
    frame = pl.DataFrame(
        {"x": [None, np.inf, np.nan, *RNG.normal(size=50)], "y": [1.0, *RNG.normal(size=52)]}
    )
    found = label_information(frame, "y", InformationOptions("neighbours"))["x"]
    assert found["rows"] == 50


def test_too_few_rows_have_no_information() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    options = InformationOptions("neighbours")
    assert label_information(frame, "y", options)["x"]["mutual_information"] is None
    assert ross(np.array([1.0, 2.0]), np.array([0, 1])) is None
    empty = label_information(frame.clear(), "y")["x"]
    assert empty == {"mutual_information": None, "adjusted": None, "rows": 0}


def test_a_wrong_label_or_estimator_is_an_error() -> None:
    with pytest.raises(UsageError, match="no column 'y'"):
        LabelInformation({"x": "int"}, "y")
    with pytest.raises(UsageError, match="no such estimator"):
        LabelInformation({"x": "int"}, "x", InformationOptions("guess"))  # type: ignore[arg-type]
