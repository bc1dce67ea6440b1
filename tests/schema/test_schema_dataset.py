"""What can be expected of the whole, what is refused, and what a diff says of it."""

from __future__ import annotations

from typing import Any

import pytest

from dure.errors import SchemaError
from dure.schema import (
    Column,
    Dataset,
    Expression,
    Image,
    Override,
    Rule,
    Schema,
    Sparse,
    Time,
    Weighted,
)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Expression(""), ["expression is not text"]),
        (lambda: Expression("a", share=2), ["share is not a share", "2"]),
        (lambda: Expression("a", severity="bad"), ["unknown severity"]),  # type: ignore[arg-type]
        (lambda: Expression("a", comment=" "), ["comment is not text"]),
        (lambda: Rule("module"), ["does not name a function", "package.module:function"]),
        (lambda: Rule("a-b:c"), ["does not name a function"]),
        (lambda: Rule("a:b", []), ["settings is not a mapping"]),  # type: ignore[arg-type]
        (lambda: Rule("a:b", {"x": object()}), ["that JSON does not have", "object"]),
        (lambda: Rule("a:b", {"x": float("nan")}), ["that JSON does not have"]),
        (lambda: Sparse("", ("a",)), ["values is not text"]),
        (lambda: Sparse("a", "b"), ["indices is not a list"]),  # type: ignore[arg-type]
        (lambda: Weighted("a", ""), ["weights is not text"]),
        (lambda: Dataset(rows=(2, 1)), ["rows: the lowest is greater"]),
        (lambda: Dataset(rows=(1.5, 2)), ["rows has a bound that is not a whole number"]),
        (lambda: Dataset(rows_to_previous_span=(-1, 2)), ["rows_to_previous_span", "at least 0"]),
        (lambda: Dataset(domains={"a": ()}), ["the domain is not a list of strings"]),
        (lambda: Dataset(drift="yes"), ["drift is neither 'auto'"]),
        (lambda: Dataset(environments="a"), ["environments is not a list"]),  # type: ignore[arg-type]
        (lambda: Dataset(metadata={"a": 1}), ["metadata is not a mapping of names to str"]),  # type: ignore[dict-item]
        (lambda: Dataset(rules={"a": "b:c"}), ["rules is not a mapping of names to Rule"]),  # type: ignore[dict-item]
    ],
)
def test_what_makes_no_sense_is_refused_in_words(make: Any, words: list[str]) -> None:
    with pytest.raises(SchemaError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


def test_a_word_stands_for_a_severity() -> None:
    assert Expression("a", severity="warning").severity == Override("warning")  # type: ignore[arg-type]
    assert Dataset(severity={"nan": "off"}).severity == {"nan": Override("off")}  # type: ignore[dict-item]


def test_settings_are_what_json_makes_of_them() -> None:
    assert Rule("a:b", {"x": (1, 2)}).settings == {"x": [1, 2]}


OLD = Schema(
    {
        "x": Column("float", quantiles={0.5: (0, 1)}, drift={"psi": 0.1}, tags=("a",)),
        "y": Column("list[int]", values=((1, 2),), severity={"nan": Override("off")}),
        "z": Column("string", semantic="url", drift="auto", balance={"a": (0, 1), "b": (0, 1)}),
    },
    Dataset(
        environments=("training",),
        rows=(10, None),
        domains={"way": ("a",), "gone": ("b",)},
        expressions={"small": Expression("a < b")},
        metadata={"a": "1", "b": "2"},
    ),
)
NEW = Schema(
    {
        "x": Column("float", quantiles={0.5: (0, 2), 0.9: (3, None)}, unique=True),
        "y": Column("list[int]", shape=(2,), severity={"nan": Override("error", owner="Ada")}),
        "z": Column("string", semantic=Time("%Y"), drift={}, balance={"b": (0, 1), "a": (0, 1)}),
    },
    Dataset(
        rows=(5, 20),
        domains={"way": ("a", "c"), "new": ("d",)},
        expressions={"small": Expression("a < b", share=0.9)},
        rules={"mine": Rule("a:b")},
        metadata={"b": "2", "a": "1"},
    ),
)


def test_each_change_is_one_line() -> None:
    assert OLD.diff(NEW) == (
        "'x': unique false → true",
        "'x': quantiles of 0.5: [0, 1] → [0, 2]",
        "'x': quantiles of 0.9: none → [3, none]",
        "'x': drift psi 0.1 → none",
        "'x': tags [a] → none",
        "'y': values [[1, 2]] → none",
        "'y': shape none → [2]",
        "'y': severity of 'nan': off → error, Ada",
        "'z': semantic url → format %Y, of_day false",
        "'z': balance listed in another order",
        "'z': drift auto → nothing",
        "environments [training] → none",
        "rows [10, none] → [5, 20]",
        "domain 'way' gains 'c'",
        "domain 'gone' removed: any value is allowed now (was 'b')",
        "domain 'new' added: 'd'",
        (
            "expressions of 'small': expression a < b, share 1, severity error "
            "→ expression a < b, share 0.9, severity error"
        ),
        "rules of 'mine': none → function a:b, settings nothing, severity error",
        "metadata listed in another order",
    )


def test_a_meaning_that_lost_its_settings_is_said() -> None:
    before = Schema({"x": Column("bytes", semantic=Image(0.9))})
    assert before.diff(before.edit("x", semantic=None)) == ("'x': semantic supported 0.9 → none",)
