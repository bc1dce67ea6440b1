"""Fixed thresholds of a schema, as TFDV has them, and what is compared without any."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon

from dure.data import Examples
from dure.errors import SchemaError
from dure.schema import Column, Dataset, Schema
from dure.statistics import Statistics, describe
from dure.validate import Anomalies, validate


def texts(**counts: int) -> Statistics:
    values = [name for name, times in counts.items() for _ in range(times)]
    return describe(pl.DataFrame({"x": values}))


def numbers(values: Any) -> Statistics:
    return describe(pl.DataFrame({"x": values}))


def check(
    new: Statistics, old: Statistics, column: Column, *, which: str = "previous", **dataset: Any
) -> Anomalies:
    schema = Schema({"x": column}, Dataset(**dataset))
    return validate(new, schema, **{which: old})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "value", "tfdv"),
    [
        ("l_infinity", 0.3, "COMPARATOR_L_INFTY_HIGH"),
        ("normalised_difference", 30 / 200, "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH"),
        (
            "jensen_shannon",
            jensenshannon([8, 2], [5, 5], 2) ** 2,
            "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
        ),
    ],
)
@pytest.mark.parametrize(("which", "kind"), [("previous", "drift"), ("serving", "skew")])
def test_a_threshold_decides_alone(
    metric: str, value: float, tfdv: str, which: str, kind: str
) -> None:
    new, old = texts(a=80, b=20), texts(a=50, b=50)
    above = check(new, old, Column("string", **{kind: {metric: value - 1e-4}}), which=which)  # type: ignore[arg-type]
    (one,) = above
    assert (one.kind, one.severity, one.tfdv) == (kind, "error", tfdv)
    assert one.value == pytest.approx(value, abs=1e-5)
    assert one.id == f"train/x/{kind}/{metric}"
    below = check(new, old, Column("string", **{kind: {metric: value + 1e-4}}), which=which)  # type: ignore[arg-type]
    assert not below.anomalies
    (report,) = below.reports  # recorded all the same
    (compared,) = report
    assert compared.value == pytest.approx(value, abs=1e-5)
    assert compared.threshold == pytest.approx(value + 1e-4)
    assert compared.shape is not None


def test_several_metrics_of_one_column() -> None:
    column = Column("string", drift={"l_infinity": 0.1, "jensen_shannon": 0.5, "psi": 0.1})
    found = check(texts(a=80, b=20), texts(a=50, b=50), column)
    assert [one.detail for one in found] == ["l_infinity", "psi"]
    assert len(found.reports[0].comparisons) == 3


def test_jensen_shannon_of_numbers_is_over_tfdvs_histograms() -> None:
    # Ten equal bins of 0 to 10 and of 5 to 15: the halves that do not meet are half of each.
    new, old = numbers([i / 10 for i in range(50, 151)]), numbers([i / 10 for i in range(101)])
    (one,) = check(new, old, Column("float", drift={"jensen_shannon": 0.1}))
    assert one.value == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "metric"),
    [
        ("float", "l_infinity"),
        ("int", "normalised_difference"),
        ("float", "chi_square"),
        ("string", "wasserstein"),
        ("bool", "kolmogorov_smirnov"),
        ("bytes", "jensen_shannon"),
    ],
)
def test_a_comparison_that_does_not_fit_the_type_is_refused(kind: str, metric: str) -> None:
    # TFDV takes the wrong one, which is 0 for ever.
    schema = Schema({"x": Column(kind, drift={metric: 0.1})})
    with pytest.raises(SchemaError, match=f"{metric} does not fit the type {kind}") as caught:
        validate(numbers([1.0]), schema, previous=numbers([1.0]))
    assert "one of" in str(caught.value.expected)


def test_an_unknown_metric_names_the_nearest() -> None:
    schema = Schema({"x": Column("float", skew={"wasserstien": 0.1})})
    with pytest.raises(SchemaError, match="unknown metric") as caught:
        validate(numbers([1.0]), schema, serving=numbers([1.0]))
    assert "did you mean 'wasserstein'" in str(caught.value.fix)


def test_whole_numbers_that_are_names_are_categories() -> None:
    column = Column("int", semantic="category", drift={"l_infinity": 0.1})
    (one,) = check(numbers([1] * 8 + [7] * 2), numbers([1] * 5 + [7] * 5), column)
    assert one.value == pytest.approx(0.3)


def test_names_that_are_numbers_are_categories_without_a_threshold_too() -> None:
    new, old = numbers([1] * 1500 + [7] * 500), numbers([1] * 1000 + [7] * 1000)
    (one,) = check(new, old, Column("int", semantic="category"))
    assert one.detail == "jensen_shannon"
    (one,) = check(new, old, Column("int"))
    assert one.detail == "wasserstein"


def test_a_default_for_all_columns_speaks_of_those_that_it_fits() -> None:
    old = describe(pl.DataFrame({"x": ["a", "b"] * 20, "y": [1.0, 2.0] * 20}))
    new = describe(pl.DataFrame({"x": ["a"] * 40, "y": [1.0, 2.0] * 20}))
    schema = Schema(
        {"x": Column("string"), "y": Column("float")}, Dataset(drift={"l_infinity": 0.1})
    )
    (one,) = validate(new, schema, previous=old)
    assert one.column == "x"


def test_the_other_data_lacks_what_is_asked() -> None:
    new = describe(pl.DataFrame({"x": ["a"], "y": ["b"]}))
    old = describe(pl.DataFrame({"x": pl.Series([None], dtype=pl.String)}))
    asked = {name: Column("string", drift={"l_infinity": 0.1}) for name in "xy"}
    found = validate(new, Schema(asked), previous=old)
    assert [(one.column, one.kind, one.tfdv) for one in found] == [
        ("x", "baseline_missing", "COMPARATOR_CONTROL_DATA_MISSING"),
        ("y", "baseline_missing", "COMPARATOR_CONTROL_DATA_MISSING"),
    ]
    # Nobody asked, so nothing is missing; and without other data at all, as in TFDV.
    plain = Schema({name: Column("string") for name in "xy"})
    assert not validate(new, plain, previous=old).anomalies
    assert not validate(new, Schema(asked)).anomalies


def test_that_nothing_could_be_compared_is_a_warning() -> None:
    new, old = describe(pl.DataFrame({"x": ["a"]})), describe(pl.DataFrame({"y": ["b"]}))
    plain = Schema({"x": Column("string")})
    for found in (validate(new, plain, previous=old), validate(new, plain, serving=old)):
        (one,) = found.anomalies
        assert (one.kind, one.severity, one.column) == ("baseline_missing", "warning", None)
        assert "nothing was compared" in one.reason
        assert one.got == "columns y"
        assert not found.errors
    # What is left out on purpose is not missed, and an error says it already.
    left_out = Schema({"x": Column("string", drift={})})
    assert not validate(new, left_out, previous=old).anomalies
    asked = Schema({"x": Column("string", drift={"l_infinity": 0.1})})
    assert [one.column for one in validate(new, asked, previous=old)] == ["x"]


def test_a_split_that_the_other_data_lacks() -> None:
    frame = pl.DataFrame({"x": ["a", "b"]})
    two = describe(Examples.from_frames({"a": frame, "b": frame}))
    column = Column("string", drift={"l_infinity": 0.1})
    (one,) = check(describe(frame), two, column)
    assert "no split to compare with 'train'" in one.reason


def shifted() -> tuple[Statistics, Statistics]:
    generator = np.random.default_rng(0)
    return numbers(generator.normal(1, 1, 2000)), numbers(generator.normal(0, 1, 2000))


def test_what_nobody_asked_for_is_compared_and_is_a_warning() -> None:
    (one,) = check(*shifted(), Column("float"))
    assert (one.kind, one.severity, one.tfdv) == ("drift", "warning", None)
    assert one.low is not None
    assert one.high is not None
    assert one.low < 1 < one.high
    assert "95 %" in one.got


def test_auto_is_asked_for_and_closes_the_gate() -> None:
    found = check(*shifted(), Column("float", drift="auto"))
    assert found.gate.status == "fail"
    (failed,) = found.gate.checks
    assert failed.value == pytest.approx(1, abs=0.1)
    assert failed.low is not None
    assert check(*shifted(), Column("float"), drift="auto").gate.status == "fail"


def test_an_empty_comparison_is_none() -> None:
    found = check(*shifted(), Column("float", drift={}), drift="auto")
    assert not found.anomalies
    assert not found.reports[0].comparisons


def test_a_severity_speaks_of_drift_too() -> None:
    found = check(*shifted(), Column("float", drift="auto", severity={"drift": "warning"}))
    assert found.gate.status == "pass"


def test_drift_and_skew_are_told_apart() -> None:
    new, old = shifted()
    schema = Schema({"x": Column("float")})
    found = validate(new, schema, previous=old, serving=new)
    assert [report.kind for report in found.reports] == ["drift", "skew"]
    assert [one.kind for one in found] == ["drift"]
