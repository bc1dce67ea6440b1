"""Data whose changes are known: what has to be found, and what must not be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dure.statistics import describe
from dure.validate import drift

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ADULT = [
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "country"),
    "income",
]


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    return path


def adult() -> pl.DataFrame:
    lines = real("tabular/adult/adult.data").read_text().splitlines()
    rows = [line.split(", ") for line in lines if line.strip()]
    frame = pl.DataFrame(rows, schema=ADULT, orient="row")
    numbers = [name for name in ADULT if frame[name].str.contains(r"^\d+$").all()]
    return frame.with_columns(pl.col(numbers).cast(pl.Int64)).with_columns(
        pl.col(pl.String).replace("?", None)
    )


def test_the_change_point_of_elec2_is_found() -> None:
    frame = pl.read_csv(real("drift/elec2/elec2.csv"))
    report = drift(describe(frame[:17424]), describe(frame[17424:]))
    assert {"vicprice", "vicdemand", "transfer"} <= set(report.columns)
    # The day of the week and the time of day cannot drift.
    assert not {"day", "period"} & set(report.columns)


def test_a_year_of_bike_sharing_differs_from_the_next() -> None:
    archive = zipfile.ZipFile(real("drift/bike_sharing/bike_sharing_dataset.zip"))
    frame = pl.read_csv(io.BytesIO(archive.read("hour.csv")))
    years = [describe(frame.filter(pl.col("yr") == year)) for year in (0, 1)]
    report = drift(*years)
    assert {"cnt", "registered", "casual", "yr", "dteday"} <= set(report.columns)
    assert not {"hr", "weekday", "holiday", "workingday"} & set(report.columns)


def test_one_changed_cell_of_the_penguins_is_no_drift() -> None:
    labelled, skewed = (
        describe(pl.read_csv(real(f"tfx/penguin/{name}/penguins_processed.csv")))
        for name in ("labelled", "skewed")
    )
    report = drift(labelled, skewed)
    assert not report.drifted
    (changed,) = (one for one in report if one.value)
    assert changed.column == "culmen_length_mm"


def test_the_official_test_set_of_adult_is_no_drift_but_its_labels_are() -> None:
    lines = real("tabular/adult/adult.test").read_text().splitlines()[1:]
    rows = [line.split(", ") for line in lines if line.strip()]
    train = adult()
    test = pl.DataFrame(rows, schema=ADULT, orient="row").with_columns(
        pl.col(pl.String).replace("?", None)
    )
    test = test.with_columns(
        pl.col(name).cast(pl.Int64) for name in ADULT if train[name].dtype == pl.Int64
    )
    report = drift(describe(train), describe(test))
    assert report.columns == ("income",)


def _alarms(splits: range) -> list[int]:
    frame = adult()
    half = frame.height // 2
    found = []
    for seed in splits:
        order = np.random.default_rng(seed).permutation(frame.height)
        report = drift(
            describe(frame[order[:half]]), describe(frame[order[half : 2 * half]]), draws=40
        )
        if report.drifted:
            found.append(seed)
    return found


def test_at_least_95_of_100_random_halves_of_adult_raise_no_alarm() -> None:
    alarms = _alarms(range(100))
    assert len(alarms) <= 5, f"alarms in the splits {alarms}"
