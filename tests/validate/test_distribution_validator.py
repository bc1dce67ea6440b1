"""The data against a baseline alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import dure
from dure.schema import Dataset, Schema
from dure.statistics import describe
from dure.validate import validate_distribution


def numbers(start: int) -> dure.Statistics:
    return describe(pl.DataFrame({"a": [start + i % 50 for i in range(1000)]}))


def test_another_distribution_is_an_error_and_the_same_is_none() -> None:
    assert validate_distribution(numbers(0), numbers(0)).anomalies == ()
    found = validate_distribution(numbers(30), numbers(0))
    assert [(one.column, one.severity) for one in found] == [("a", "error")]
    assert found.gate.status == "fail"
    assert len(found.reports[0].drifted) == 1


def test_the_schema_says_what_is_an_error() -> None:
    lenient = Schema({}, Dataset(drift={}))
    assert validate_distribution(numbers(30), numbers(0), lenient).errors == ()


def test_a_schema_file_of_ones_own_is_a_component(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    describe_me = pl.DataFrame({"a": [1, 2, 3] * 10})
    from dure.schema import infer

    infer(describe(describe_me)).write(tmp_path / "mine.yaml")
    taken = dure.ImportSchemaGen.function(tmp_path / "mine.yaml")
    assert taken.columns["a"].type == "int"
