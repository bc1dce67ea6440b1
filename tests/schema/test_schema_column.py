"""What a column may expect, and what is refused."""

from __future__ import annotations

import math

import pytest

from dure.errors import SchemaError
from dure.schema import Column


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "str"}, ["unknown type", "int, float, string, bool", "did you mean 'string'"]),
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
