"""Public data whose facts are known, read with Python's csv module as the second opinion."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dure.data import Examples, make_examples, read
from dure.statistics import QUANTILES, ColumnStatistics, describe

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the data {name} is not there")
    return path


def columns_of(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def check(column: ColumnStatistics, texts: list[str]) -> None:
    known = [text for text in texts if text not in ("", "NA")]
    assert column.count == len(known)
    assert column.missing == len(texts) - len(known)
    if column.type == "string":
        counts = Counter(known)
        assert column.unique == len(counts)
        assert column.top is not None
        assert dict(column.top).items() <= counts.items()
        assert [n for _, n in column.top] == [n for _, n in counts.most_common(20)]
        return
    numbers = np.array(known, dtype=np.float64)
    assert column.unique == len(np.unique(numbers))
    if not len(numbers):
        return
    assert column.mean == pytest.approx(numbers.mean(), rel=1e-12)
    assert column.std == pytest.approx(numbers.std(), rel=1e-9, abs=1e-9)
    assert (column.min, column.max) == (numbers.min(), numbers.max())
    assert column.zeros == int((numbers == 0).sum())
    assert column.quantiles == pytest.approx(np.quantile(numbers, QUANTILES).tolist(), rel=1e-12)
    assert column.histogram is not None
    bins = np.array(column.histogram.edges)
    assert list(column.histogram.counts) == np.histogram(numbers, bins=bins)[0].tolist()


def test_chicago_taxi_has_its_known_facts() -> None:
    path = shared("tfx/chicago_taxi/data.csv")
    split = describe(read(path)).splits["train"]
    columns = split.columns
    assert (split.rows, len(columns)) == (15_002, 18)
    assert sum(column.missing for column in columns.values()) == 25_867
    assert columns["company"].missing == 5_140
    assert columns["dropoff_census_tract"].missing == 4_241
    assert columns["pickup_census_tract"].missing == 15_001
    assert columns["trip_miles"].max == 1710
    assert columns["fare"].max == 700.07
    assert columns["trip_seconds"].zeros == 484
    assert columns["payment_type"].values == (
        ("Cash", 9909),
        ("Credit Card", 4975),
        ("No Charge", 81),
        ("Unknown", 29),
        ("Dispute", 4),
        ("Pcard", 3),
        ("Prcard", 1),
    )
    for name, texts in columns_of(path).items():
        check(columns[name], texts)


def test_the_splits_of_chicago_taxi_add_up() -> None:
    path = shared("tfx/chicago_taxi/data.csv")
    examples = make_examples(path)
    whole = describe(read(path)).splits["train"]
    splits = describe(examples).splits
    assert sum(split.rows for split in splits.values()) == 15_002
    for name, column in whole.columns.items():
        parts = [split.columns[name] for split in splits.values()]
        assert sum(part.count for part in parts) == column.count
        assert sum((part.zeros or 0) for part in parts) == (column.zeros or 0)
        if column.values is not None:
            added: Counter[str] = Counter()
            for part in parts:
                added.update(dict(part.values or ()))
            assert added == dict(column.values)
    # Two thirds, within five standard deviations of a binomial count; equal rows move together,
    # but there are few of them.
    assert abs(splits["train"].rows - 10_001) < 5 * 58


def test_titanic_has_its_known_facts() -> None:
    path = shared("tabular/titanic/train.csv")
    split = describe(read(path)).splits["train"]
    columns = split.columns
    assert (split.rows, len(columns)) == (891, 12)
    assert [columns[name].missing for name in ("Age", "Cabin", "Embarked")] == [177, 687, 2]
    assert columns["Survived"].mean == pytest.approx(0.3838, abs=5e-5)
    assert columns["Name"].unique == 891
    for name, texts in columns_of(path).items():
        check(columns[name], texts)


def test_adult_has_its_known_facts(tmp_path: Path) -> None:
    names = [
        *("age", "workclass", "fnlwgt", "education", "education_num", "marital", "occupation"),
        *("relationship", "race", "sex", "gain", "loss", "hours", "country", "income"),
    ]
    body = shared("tabular/adult/adult.data").read_bytes()
    path = tmp_path / "adult.csv"
    path.write_bytes(",".join(names).encode() + b"\n" + body)
    split = describe(read(path, null_values=[" ?"])).splits["train"]
    columns = split.columns
    assert split.rows == 32_561
    assert [columns[n].missing for n in ("workclass", "occupation", "country")] == [1836, 1843, 583]
    assert columns["age"].type == "int"
    assert columns["income"].values is not None
    assert dict(columns["income"].values)[" >50K"] / 32_561 == pytest.approx(0.2408, abs=5e-5)


def test_equal_rows_of_adult_share_a_split(tmp_path: Path) -> None:
    path = tmp_path / "adult.csv"
    body = shared("tabular/adult/adult.data").read_bytes()
    path.write_bytes(",".join(f"c{i}" for i in range(15)).encode() + b"\n" + body)
    examples = make_examples(path, splits={"train": 8, "eval": 1, "test": 1})
    rows = {split: set(examples.frame(split).rows()) for split in examples.splits}
    assert not rows["train"] & rows["eval"]
    assert not rows["train"] & rows["test"]
    assert not rows["eval"] & rows["test"]
    assert sum(map(len, rows.values())) == 32_561 - 24


def test_wine_quality_has_its_known_facts(tmp_path: Path) -> None:
    """The wine file is parted by semicolons; its 240 repeated rows stay with their twins."""
    body = shared("tabular/wine_quality/winequality-red.csv").read_bytes()
    path = tmp_path / "wine.csv"
    path.write_bytes(body.removeprefix(b"#"))  # which stands before the first quote
    examples = make_examples(path, delimiter=";")
    assert sum(examples.rows.values()) == 1_599
    assert len(examples.columns) == 12
    distinct = sum(len(set(examples.frame(split).rows())) for split in examples.splits)
    assert distinct == 1_599 - 240
    (tmp_path / "saved").mkdir()
    examples.save(tmp_path / "saved")
    assert describe(Examples.load(tmp_path / "saved")) == describe(examples)
    quality = read(path, delimiter=";")["quality"]
    assert (quality.min(), quality.max()) == (3, 8)
