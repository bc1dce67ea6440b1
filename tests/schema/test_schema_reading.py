"""Files that people write: what is understood, and what the errors say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dure.errors import SchemaError
from dure.schema import (
    Column,
    Dataset,
    Expression,
    NaturalLanguage,
    Override,
    Rule,
    Schema,
)


def read(tmp_path: Path, text: str) -> Schema:
    path = tmp_path / "schema.yaml"
    path.write_text(text, encoding="utf-8")
    return Schema.read(path)


def test_text_needs_no_quotes_where_only_text_can_be(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        """
columns:
  on:
    type: string
    domain: [yes, NO, 007, 1.0, "a, b", 2024-01-01]
""",
    )
    assert schema.columns == {
        "on": Column("string", domain=("yes", "NO", "007", "1.0", "a, b", "2024-01-01"))
    }


def test_numbers_may_be_written_as_people_do(tmp_path: Path) -> None:
    schema = read(tmp_path, "columns:\n  a: {type: float, presence: 1, min: -1e-3, max: +.5E2}\n")
    assert schema.columns["a"] == Column("float", presence=1, min=-0.001, max=50.0)


def test_null_means_no_expectation(tmp_path: Path) -> None:
    schema = read(tmp_path, "columns:\n  a: {type: int, min: null, max: ~, presence: null}\n")
    assert schema.columns["a"] == Column("int")


def test_an_anchor_shares_a_domain(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        "columns:\n  a: {type: string, domain: &d [x, y]}\n  b: {type: string, domain: *d}\n",
    )
    assert schema.columns["b"].domain == ("x", "y")


def test_a_byte_order_mark_is_no_name(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffcolumns: {a: {type: int}}").columns == {"a": Column("int")}


def test_columns_may_be_none(tmp_path: Path) -> None:
    assert read(tmp_path, "columns: {}").columns == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["schema.yaml: is empty"]),
        ("# only a comment", ["is empty"]),
        ("a: [1, 2\nb: 3", ["schema.yaml:2", "is not YAML", "got: "]),
        ("columns:\n\ta: 1", ["schema.yaml:2: is not YAML"]),
        ("- a\n- b", [":1: the file is not a mapping", "got:      a list"]),
        ("just text", ["the file is not a mapping", "'just text'"]),
        ("version: 1", ["there are no columns", "version"]),
        ("version: 3\ncolumns: {}", [":1: this schema has a version", "version: 2", "'3'"]),
        ("columnz: {}", [":1: the file has an unknown entry", "did you mean 'columns'"]),
        ("columns: [a]", [":1: columns is not a mapping"]),
        ("columns:\n  a:\n", [":2: column 'a' is not a mapping", "nothing"]),
        ("columns:\n  a: int\n", [":2: column 'a' is not a mapping", "'int'"]),
        ("columns:\n  a:\n    presence: 1\n", [":3: column 'a' has no type", "presence"]),
        ("columns:\n  a: {type: str}\n", [":2: column 'a': unknown type", "'str'", "'string'"]),
        ("columns:\n  a: {type: [int]}\n", ["column 'a': type has a value that is not text"]),
        (
            "columns:\n  a:\n    type: int\n    presnce: 1\n",
            [":4: column 'a' has an unknown entry", "did you mean 'presence'"],
        ),
        (
            "columns:\n  a: {type: int}\n  b: {type: int}\n  a: {type: int}\n",
            [":4: columns has the entry 'a' twice"],
        ),
        ("columns:\n  a: {type: int, type: int}\n", ["column 'a' has the entry 'type' twice"]),
        (
            "columns:\n  a:\n    type: int\n    presence: 90%\n",
            [":4: column 'a': presence is not a number", "0.95", "'90%'"],
        ),
        ("columns:\n  a:\n    type: int\n    min:\n", [":4: column 'a': min is not a number"]),
        ("columns:\n  a: {type: float, max: .inf}\n", ["max is not a number", "'.inf'"]),
        ("columns:\n  a: {type: float, max: nan}\n", ["max is not a number"]),
        ("columns:\n  a: {type: float, max: 1_000}\n", ["max is not a number"]),
        ("columns:\n  a: {type: int, presence: 3}\n", ["column 'a': presence is not a share"]),
        ("columns:\n  a: {type: string, domain: x}\n", ["domain is not a list", "'x'"]),
        ("columns:\n  a: {type: string, domain: }\n", ["domain is not a list", "nothing"]),
        ("columns:\n  a: {type: string, domain: []}\n", ["column 'a': the domain is not a list"]),
        (
            "columns:\n  a:\n    type: string\n    domain:\n    - x\n    -\n",
            [":6: column 'a': domain has a value that is not text", "quotes"],
        ),
        ("columns:\n  a: {type: string, domain: [[x]]}\n", ["not text", "a list"]),
        ("columns:\n  [a, b]: {type: int}\n", ["a name in columns is not text"]),
        ("columns: &a\n  b: *a\n", ["column 'b'"]),
        ("a: !!python/object:os.system {}", ["unknown entry"]),
        ("[" * 5000, ["schema.yaml"]),
        (
            "columns:\n  a:\n    type: int\n    mean: [2, 1]\n",
            [":4: column 'a': mean: the lowest is greater", "swap"],
        ),
        ("columns:\n  a: {type: int, mean: [1]}\n", ["mean is not a pair of bounds", "[0, null]"]),
        ("columns:\n  a: {type: int, mean: [1, x]}\n", ["mean is not a number", "'x'"]),
        ("columns:\n  a: {type: int, unique: maybe}\n", ["unique is not true or false"]),
        ("columns:\n  a: {type: 'list[int]', shape: 3}\n", ["shape is not a list", "[28, 28]"]),
        ("columns:\n  a: {type: int, quantiles: {x: [1, 2]}}\n", ["quantiles is not a number"]),
        ("columns:\n  a: {type: int, quantiles: [1]}\n", ["quantiles is not a mapping"]),
        ("columns:\n  a: {type: int, drift: never}\n", ["drift is neither 'auto'"]),
        ("columns:\n  a: {type: int, drift: {psi: x}}\n", ["drift: 'psi' is not a number"]),
        (
            "columns:\n  a:\n    type: int\n    severity:\n      nan: bad\n",
            [":5: column 'a': severity: 'nan': unknown severity", "'bad'"],
        ),
        (
            "columns:\n  a: {type: int, severity: {nan: {until: 2026-01-01}}}\n",
            ["'nan' has no severity"],
        ),
        ("columns:\n  a: {type: int, semantic: {format: x}}\n", ["has no kind that has settings"]),
        ("columns:\n  a: {type: int, semantic: {kind: url}}\n", ["has no kind that has settings"]),
        (
            "columns:\n  a: {type: int, semantic: {kind: time, formt: x}}\n",
            ["semantic has an unknown entry", "did you mean 'format'"],
        ),
        ("columns:\n  a: {type: string, domain: pay}\n", ["nor the name of one of the domains"]),
        (
            "domains: {pays: [x]}\ncolumns:\n  a:\n    type: string\n    domain: pay\n",
            [":5: column 'a': domain", "did you mean 'pays'"],
        ),
        ("domains: {pay: []}\ncolumns: {}\n", ["the domain is not a list of strings"]),
        ("rows: few\ncolumns: {}\n", [":1: rows is not a number"]),
        ("rules: {r: module}\ncolumns: {}\n", ["rules: 'r': a rule does not name a function"]),
        ("expressions: {e: {share: 1}}\ncolumns: {}\n", ["'e' has no expression"]),
        ("expressions: {e: ''}\ncolumns: {}\n", ["expression is not text"]),
        ("weighted: {w: {values: a}}\ncolumns: {}\n", ["'w' has no weights"]),
        ("environments: training\ncolumns: {}\n", ["environments is not a list"]),
    ],
)
def test_errors_name_file_line_column_expected_and_got(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    with pytest.raises(SchemaError) as caught:
        read(tmp_path, text)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="no such schema file") as caught:
        Schema.read(tmp_path / "none.yaml")
    assert "infer(statistics).write(path)" in str(caught.value)


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_bytes("columns: {ä: {type: int}}".encode("latin-1"))
    with pytest.raises(SchemaError, match="is not UTF-8") as caught:
        Schema.read(path)
    assert "byte 0xe4 at position 10" in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text("columns: {}")
    path.chmod(0)
    with pytest.raises(SchemaError, match="cannot be read"):
        Schema.read(path)


def test_the_slow_parser_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    from dure.schema import nodes

    monkeypatch.setattr(nodes, "_LOADER", yaml.SafeLoader)
    test_errors_name_file_line_column_expected_and_got(
        tmp_path, "columns:\n  a:\n    type: int\n    presnce: 1\n", [":4: column 'a'"]
    )
    test_errors_name_file_line_column_expected_and_got(tmp_path, "a: [1, 2", ["is not YAML"])
    test_errors_name_file_line_column_expected_and_got(tmp_path, "[" * 5000, ["too deep"])


def test_a_file_of_version_1_still_reads(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        """
version: 1
columns:
  island:
    type: string
    presence: 1.0
    domain_share: 0.97
    domain:
    - Biscoe
  mass:
    type: int
    presence: 0.9
    min: 2000
""",
    )
    assert schema.columns == {
        "island": Column("string", 1.0, ("Biscoe",), 0.97),
        "mass": Column("int", 0.9, min=2000),
    }


def test_everything_has_a_short_form(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        """
domains: {way: [Cash, Card]}
expressions: {small: tip < 100}
rules: {mine: a.b:c}
rows: [10, ~]
columns:
  way: {type: string, domain: way, balance: {Cash: [0.4, 0.6]}}
  tip: {type: float, unique: yes, distinct: 3, quantiles: {.5: [1, 2]}, drift: auto}
  words: {type: "list[int]", values: 3, semantic: {kind: natural_language, excluded: [0, "1"]}}
  grid: {type: "list[list[float]]", values: [[1, 2], [3, null]], severity: {nan: off}}
""",
    )
    assert schema == Schema(
        {
            "way": Column("string", domain_name="way", balance={"Cash": (0.4, 0.6)}),
            "tip": Column(
                "float", unique=True, distinct=(3, 3), quantiles={0.5: (1, 2)}, drift="auto"
            ),
            "words": Column(
                "list[int]", values=((3, 3),), semantic=NaturalLanguage(excluded=(0, "1"))
            ),
            "grid": Column(
                "list[list[float]]", values=((1, 2), (3, None)), severity={"nan": Override("off")}
            ),
        },
        Dataset(
            domains={"way": ("Cash", "Card")},
            expressions={"small": Expression("tip < 100")},
            rules={"mine": Rule("a.b:c")},
            rows=(10, None),
        ),
    )


def test_thousands_of_columns_are_read_and_written(tmp_path: Path) -> None:
    schema = Schema({f"c{i}": Column("float", 1.0, min=0) for i in range(3000)})
    schema.write(tmp_path / "schema.yaml")
    assert Schema.read(tmp_path) == schema
