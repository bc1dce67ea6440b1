"""The schema as an artifact: its file, its edits, its looks."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import SchemaError
from dure.schema import Column, Schema

# Everything that UTF-8 can hold, and what YAML takes for something else.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [
        "yes",
        "NO",
        "null",
        "~",
        "007",
        "1e3",
        "- a",
        "#",
        ": ",
        " a ",
        "\n",
        "",
        "é",
        "두레",
        "🐧",
        "\x85",
    ]
)
number = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
share = st.floats(0, 1)


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kind = draw(st.sampled_from(["int", "float", "string", "bool"]))
    fields: dict[str, object] = {"presence": draw(share)}
    if kind == "string" and draw(st.booleans()):
        fields["domain"] = tuple(draw(st.lists(text, min_size=1, max_size=4)))
        fields["domain_share"] = draw(share)
    if kind in ("int", "float"):
        low, high = sorted([draw(number), draw(number)])
        fields |= {"min": draw(st.sampled_from([None, low]))}
        fields |= {"max": draw(st.sampled_from([None, high]))}
    return Column(kind, **fields)  # type: ignore[arg-type]


schemas = st.dictionaries(text, columns(), max_size=4).map(Schema)

PENGUINS = Schema(
    {
        "species": Column("string", 1.0, ("Adelie", "Chinstrap", "Gentoo")),
        "body_mass_g": Column("int", 0.85, min=2000, max=8000),
        "island": Column("string", 1.0, ("Biscoe",), domain_share=0.97),
    }
)


@given(schema=schemas)
def test_any_schema_comes_back_from_its_file(
    schema: Schema, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("schema")
    schema.save(place)
    back = Schema.load(place)
    assert back == schema
    assert list(back.columns) == list(schema.columns)
    assert back.yaml() == schema.yaml()


@given(schema=schemas)
def test_the_file_means_the_same_to_any_yaml_reader(schema: Schema) -> None:
    record = yaml.safe_load(schema.yaml())
    assert list(record["columns"]) == list(schema.columns)
    for name, column in schema.columns.items():
        assert record["columns"][name].get("domain", None) == (
            None if column.domain is None else list(column.domain)
        )
        assert record["columns"][name]["presence"] == column.presence


def test_the_file_is_made_to_be_read() -> None:
    assert (
        PENGUINS.yaml().split("bound\n")[1]
        == """\
version: 1
columns:
  species:
    type: string
    presence: 1.0
    domain:
    - Adelie
    - Chinstrap
    - Gentoo
  body_mass_g:
    type: int
    presence: 0.85
    min: 2000
    max: 8000
  island:
    type: string
    presence: 1.0
    domain_share: 0.97
    domain:
    - Biscoe
"""
    )
    assert PENGUINS.yaml().startswith("# What this data is expected to look like.")


def test_read_takes_a_file_or_its_folder(tmp_path: Path) -> None:
    PENGUINS.write(tmp_path / "schema.yaml")
    assert Schema.read(tmp_path) == Schema.read(str(tmp_path / "schema.yaml")) == PENGUINS


def test_edit_makes_a_new_schema() -> None:
    edited = PENGUINS.edit("body_mass_g", max=9000)
    assert edited.columns["body_mass_g"].max == 9000
    assert PENGUINS.columns["body_mass_g"].max == 8000
    assert list(edited.columns) == list(PENGUINS.columns)


def test_edit_names_the_nearest_column_and_field() -> None:
    with pytest.raises(SchemaError, match="no column 'speces'") as caught:
        PENGUINS.edit("speces", presence=0.5)
    assert "did you mean 'species'" in str(caught.value)
    with pytest.raises(SchemaError, match="no expectation 'presnce'") as caught:
        PENGUINS.edit("species", presnce=0.5)
    assert "did you mean 'presence'" in str(caught.value)


def test_the_callers_mapping_can_change_afterwards() -> None:
    given_columns = {"a": Column("int")}
    schema = Schema(given_columns)
    given_columns.clear()
    assert list(schema.columns) == ["a"]


def test_it_looks_like_a_table_of_80_columns() -> None:
    wide = Schema({"두레" * 50: Column("string", 0.5, tuple(f"{i}번" for i in range(100)))})
    for line in (PENGUINS.text() + "\n" + wide.text()).splitlines():
        assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= 80
    assert "Adelie, Chinstrap, Gentoo" in PENGUINS.text()
    assert "≥ 2,000, ≤ 8,000" in PENGUINS.text()
    assert "97 % in: Biscoe" in PENGUINS.text()
    assert PENGUINS.summary() == "3 columns, 2 domains"


def test_a_page_escapes_names() -> None:
    html = str(Schema({"<b>": Column("string", 1.0, ("<i>",))}).html())
    assert "&lt;b&gt;" in html
    assert "<i>" not in html


def test_reading_a_schema_imports_nothing_heavy(tmp_path: Path) -> None:
    PENGUINS.save(tmp_path)
    code = f"""
import sys, pathlib
from dure.schema import Schema
one = Schema.load(pathlib.Path({str(tmp_path)!r}))
one.gate, one.summary(), one.text(), one.html()
print(sorted({{"numpy", "polars", "tensorflow", "keras"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
