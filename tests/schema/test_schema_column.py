"""What a column may expect, and what is refused."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

import pytest

from dure.errors import SchemaError
from dure.schema import Column, Embedding, Image, NaturalLanguage, Override, Time, Token
from dure.schema.column import STAGES


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"type": "str"},
            ["unknown type", "int, float, string, bool, bytes", "did you mean 'string'"],
        ),
        ({"type": "int", "presence": 1.1}, ["presence", "0 to 1", "1.1"]),
        ({"type": "int", "presence": -0.1}, ["presence"]),
        ({"type": "int", "presence": math.nan}, ["presence", "nan"]),
        ({"type": "int", "presence": True}, ["presence", "True"]),
        ({"type": "int", "presence": "all"}, ["presence", "'all'"]),
        ({"type": "string", "domain": ("a",), "domain_share": 2}, ["domain_share"]),
        ({"type": "string", "domain_share": 0.5}, ["domain_share without a domain"]),
        ({"type": "int", "domain": ("1",)}, ["domain is for string columns", "type int"]),
        ({"type": "string", "domain": ()}, ["at least one string"]),
        ({"type": "string", "domain": "abc"}, ["not a list", "'abc'"]),
        ({"type": "string", "domain": ("a", 1)}, ["not a list of strings", "1"]),
        ({"type": "string", "min": 0}, ["min is for number columns", "type string"]),
        ({"type": "bool", "max": 0}, ["max is for number columns"]),
        ({"type": "float", "min": math.nan}, ["min is not a finite number", "nan"]),
        ({"type": "float", "max": math.inf}, ["max is not a finite number", "inf"]),
        ({"type": "int", "max": 10**400}, ["max is not a finite number"]),
        ({"type": "float", "min": True}, ["min is not a finite number"]),
        ({"type": "float", "min": 2, "max": 1}, ["min is greater than max", "min 2, max 1"]),
        ({"type": "list[str]"}, ["unknown type", "'list[str]'", "did you mean 'string'"]),
        ({"type": "list[int"}, ["unknown type"]),
        ({"type": 3}, ["unknown type", "3"]),
        ({"type": "int", "min_rows": -1}, ["min_rows is not a whole number"]),
        ({"type": "int", "values": (1, 2)}, ["one pair for each level", "0 for the type int"]),
        ({"type": "list[int]", "values": (2, 1)}, ["lowest is greater", "swap"]),
        ({"type": "list[int]", "values": (None, None)}, ["values has no bound"]),
        ({"type": "list[int]", "values": (0.5, 2)}, ["values", "whole number", "0.5"]),
        ({"type": "list[int]", "values": (1, 2), "shape": (2,)}, ["exclude each other"]),
        ({"type": "list[int]", "shape": (-1,)}, ["a size in shape"]),
        ({"type": "float", "holds": "int"}, ["cannot hold 'int'", "bool"]),
        ({"type": "bool", "holds": "bool"}, ["cannot hold 'bool'", "leave it out"]),
        ({"type": "string", "true_value": "y"}, ["true_value is for string columns that hold"]),
        (
            {"type": "string", "holds": "bool", "true_value": "y", "false_value": "y"},
            ["the same text", "'y'"],
        ),
        ({"type": "int", "nan": 0}, ["nan is for float columns"]),
        ({"type": "float", "nan": 1.5}, ["nan is not a share"]),
        ({"type": "float", "inf": True}, ["inf is not a share"]),
        ({"type": "int", "unique": 1}, ["unique is not true or false"]),
        ({"type": "int", "distinct": (-1, 2)}, ["distinct has a bound out of range", "at least 0"]),
        ({"type": "int", "regex": "a"}, ["regex is for string columns"]),
        ({"type": "int", "length": (1, 2)}, ["length is for string and bytes columns"]),
        ({"type": "int", "semantic": "tiem"}, ["unknown semantic", "did you mean 'time'"]),
        ({"type": "string", "mean": (0, 1)}, ["mean is for number columns"]),
        ({"type": "int", "std": (-1, 1)}, ["std has a bound out of range"]),
        ({"type": "int", "mean": 3, "quantiles": {2: (0, 1)}}, ["a quantile is not a share"]),
        ({"type": "int", "quantiles": {"a": (0, 1)}}, ["quantiles is not a mapping"]),
        ({"type": "string", "balance": {"a": (0, 2)}}, ["balance of 'a'", "at most 1"]),
        ({"type": "float", "balance": {"a": (0, 1)}}, ["balance is for categories"]),
        ({"type": "int", "drift": "automatic"}, ["drift is neither 'auto' nor thresholds"]),
        ({"type": "int", "skew": {"psi": math.nan}}, ["threshold of psi is not a number"]),
        ({"type": "int", "stage": "prod"}, ["unknown stage", "did you mean 'production'"]),
        ({"type": "int", "in_environment": "training"}, ["in_environment is not a list of texts"]),
        (
            {"type": "int", "severity": {"nan": "fatal"}},
            ["unknown severity", "error, warning, off"],
        ),
        ({"type": "int", "comment": 3}, ["comment is not text"]),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    fields: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(SchemaError) as caught:
        Column(**fields)  # type: ignore[arg-type]
    for word in words:
        assert word in str(caught.value)


def test_what_is_left_out_is_not_expected() -> None:
    assert Column("float") == Column("float", 0.0, None, 1.0, None, None)


def test_a_domain_lists_each_value_once_in_the_given_order() -> None:
    assert Column("string", domain=("b", "a", "b")).domain == ("b", "a")


def test_bounds_may_touch() -> None:
    assert Column("int", min=3, max=3).min == 3


def test_one_number_stands_for_both_bounds() -> None:
    assert Column("list[int]", values=3).values == ((3, 3),)  # type: ignore[arg-type]
    assert Column("int", distinct=2).distinct == (2, 2)  # type: ignore[arg-type]


def test_a_level_of_lists_may_be_free_beside_another() -> None:
    assert Column("list[list[int]]", values=((1, None), (None, None))).depth == 2


def test_a_struct_is_just_a_struct() -> None:
    column = Column("list[struct[a: int, b: list[string]]]")
    assert (column.type, column.element, column.depth) == ("list[struct]", "struct", 1)


@pytest.mark.parametrize(
    ("expected", "got", "fits"),
    [
        ("int", "int", True),
        ("float", "int", True),
        ("int", "float", False),
        ("bytes", "string", True),
        ("string", "bytes", False),
        ("list[int]", "int", True),
        ("int", "list[int]", False),
        ("list[float]", "list[int]", True),
        ("list[list[int]]", "int", False),
        ("struct", "struct[a: int]", True),
        ("list[struct]", "struct[a: list[int]]", True),
    ],
)
def test_a_type_accepts_what_is_a_case_of_it(expected: str, got: str, fits: bool) -> None:
    assert Column(expected).accepts(got) == fits


@pytest.mark.parametrize(
    ("fields", "environment", "inside"),
    [
        ({}, None, True),
        ({}, "training", True),
        ({}, "other", False),
        ({"not_in_environment": ("training",)}, "training", False),
        ({"not_in_environment": ("training",)}, None, True),
        ({"in_environment": ("other",)}, "other", True),
        ({"in_environment": ("other",)}, "training", True),
        (
            {"in_environment": ("training",), "not_in_environment": ("training",)},
            "training",
            True,
        ),
    ],
)
def test_environments_are_tfdvs(
    fields: dict[str, tuple[str]], environment: str, inside: bool
) -> None:
    column = Column("int", **fields)  # type: ignore[arg-type]
    assert column.is_in(environment, ("training", "serving")) == inside


def test_only_columns_in_use_are_checked() -> None:
    stages = {stage: Column("int", stage=stage).checked for stage in STAGES}
    assert [stage for stage, checked in stages.items() if checked] == [
        "beta",
        "production",
        "validation_derived",
    ]
    assert Column("int").checked


def test_a_meaning_has_a_name_with_and_without_settings() -> None:
    assert Column("string", semantic="url").semantic_kind == "url"
    assert Column("string", semantic="time").semantic == Time()
    assert Column("string", semantic=Time("%Y")).semantic_kind == "time"
    assert Column("string").semantic_kind is None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Time("yyyy"), ["format is unknown", "unix_s"]),
        (lambda: Time(min=3), ["min is not text"]),  # type: ignore[arg-type]
        (lambda: Token(True), ["a token has no value"]),
        (lambda: Token("a", share=(0, 2)), ["share has a bound out of range"]),
        (lambda: NaturalLanguage(coverage=2), ["coverage is not a share"]),
        (lambda: NaturalLanguage(excluded="abc"), ["excluded is not a list"]),  # type: ignore[arg-type]
        (lambda: NaturalLanguage(tokens=("a",)), ["tokens is not a list of Token"]),  # type: ignore[arg-type]
        (lambda: Image(max_bytes=-1), ["max_bytes is not a whole number"]),
        (lambda: Embedding(size=-1), ["size is not a whole number"]),
        (lambda: Override("error", until="soon"), ["until is no date", "2026-12-31"]),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    make: Callable[[], object], words: list[str]
) -> None:
    with pytest.raises(SchemaError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


def test_a_severity_ends_after_its_last_day() -> None:
    override = Override("warning", until="2026-02-28")
    assert override.holds(dt.date(2026, 2, 28))
    assert not override.holds(dt.date(2026, 3, 1))
    assert Override("off").holds(dt.date(9999, 1, 1))
