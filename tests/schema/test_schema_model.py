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
from dure.schema import (
    Column,
    Dataset,
    Embedding,
    Expression,
    Image,
    NaturalLanguage,
    Override,
    Rule,
    Schema,
    Sparse,
    Time,
    Token,
    Weighted,
    dummy,
)

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


whole = st.integers(0, 2**53)
maybe_text = st.none() | text
texts = st.lists(text, max_size=3).map(tuple)


def pairs(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[float | None, ...]]:
    both = st.tuples(numbers, numbers).map(sorted).map(tuple)
    return both | st.tuples(numbers, st.none()) | st.tuples(st.none(), numbers)


tokens = st.lists(text | st.integers(), max_size=2).map(tuple)
meanings = (
    st.sampled_from(["url", "email", "uuid", "category", "id", "mid"])
    | st.builds(
        Time,
        st.none() | st.sampled_from(["%Y-%m-%d", "unix_s"]),
        st.none() | st.just("2024-01-01"),
        st.none(),
        st.booleans(),
    )
    | st.builds(
        NaturalLanguage,
        vocabulary=maybe_text,
        coverage=st.none() | share,
        excluded=tokens,
        tokens=st.lists(
            st.builds(
                Token,
                text | st.integers(),
                st.none() | pairs(whole),
                st.none() | pairs(share),
            ),
            max_size=2,
        ).map(tuple),
        length=st.none() | pairs(whole),
        length_excluded=tokens,
    )
    | st.builds(Image, st.none() | share, st.none() | whole)
    | st.builds(Embedding, st.none() | whole, maybe_text)
)
overrides = st.builds(
    Override,
    st.sampled_from(["error", "warning", "off"]),
    st.none() | st.just("2026-12-31"),
    maybe_text,
    maybe_text,
)
severities = st.dictionaries(text, overrides, max_size=2)
comparators = st.none() | st.just("auto") | st.dictionaries(text, st.floats(0, 1e9), max_size=2)


@st.composite
def columns(draw: st.DrawFn, names: list[str]) -> Column:
    """Any column; its shared domain is one of ``names``."""
    kind = draw(st.sampled_from(["int", "float", "string", "bool", "bytes", "struct"]))
    depth = draw(st.integers(0, 2))
    fields: dict[str, object] = {"presence": draw(share)}
    if depth and draw(st.booleans()):
        fields["values"] = tuple(draw(pairs(whole)) for _ in range(depth))
    elif draw(st.booleans()):
        fields["shape"] = tuple(draw(st.lists(whole, max_size=2)))
    fields |= draw(st.sampled_from([of_texts, of_numbers]))(draw, kind, names)
    rest = {
        "min_rows": st.none() | whole,
        "unique": st.booleans(),
        "distinct": st.none() | pairs(whole),
        "semantic": st.none() | meanings,
        "drift": comparators,
        "skew": comparators,
        "stage": st.none() | st.sampled_from(["production", "deprecated"]),
        "in_environment": texts,
        "not_in_environment": texts,
        "severity": severities,
        "tags": texts,
        "comment": maybe_text,
        "tfx": maybe_text,
    }
    chosen = draw(st.lists(st.sampled_from(list(rest)), max_size=4, unique=True))
    fields |= {name: draw(rest[name]) for name in chosen}
    return Column("list[" * depth + kind + "]" * depth, **fields)  # type: ignore[arg-type]


def of_texts(draw: st.DrawFn, kind: str, names: list[str]) -> dict[str, object]:
    if kind != "string":
        return {}
    fields: dict[str, object] = {
        "regex": draw(maybe_text),
        "length": draw(st.none() | pairs(whole)),
        "balance": draw(st.dictionaries(text, pairs(share), max_size=2)),
    }
    if names and draw(st.booleans()):
        fields["domain_name"] = draw(st.sampled_from(names))
    elif draw(st.booleans()):
        fields["domain"] = tuple(draw(st.lists(text, min_size=1, max_size=4)))
    else:
        return fields | {"holds": "bool", "true_value": draw(maybe_text)}
    return fields | {"domain_share": draw(share)}


def of_numbers(draw: st.DrawFn, kind: str, names: list[str]) -> dict[str, object]:
    if kind not in ("int", "float", "string"):
        return {}
    low, high = sorted([draw(number), draw(number)])
    fields = {
        "min": draw(st.sampled_from([None, low])),
        "max": draw(st.sampled_from([None, high])),
        "mean": draw(st.none() | pairs(number)),
        "quantiles": draw(st.dictionaries(share, pairs(number), max_size=2)),
    }
    if kind == "string":
        fields["holds"] = "float"
    if kind != "int":
        fields["nan"] = draw(st.none() | share)
    return fields


datasets = st.builds(
    Dataset,
    environments=texts,
    rows=st.none() | pairs(whole),
    rows_to_previous_span=st.none() | pairs(st.floats(0, 1e6)),
    drift=comparators,
    severity=severities,
    domains=st.dictionaries(text, st.lists(text, min_size=1, max_size=3), max_size=2),
    expressions=st.dictionaries(
        text,
        st.builds(Expression, st.sampled_from(["a < b", "a: 'b'"]), share, overrides),
        max_size=2,
    ),
    rules=st.dictionaries(
        text,
        st.builds(
            Rule,
            st.just("package.module:function"),
            st.dictionaries(
                text,
                st.recursive(
                    st.none() | st.booleans() | number | text,
                    lambda inner: (
                        st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2)
                    ),
                    max_leaves=4,
                ),
                max_size=2,
            ),
        ),
        max_size=2,
    ),
    sparse=st.dictionaries(
        text,
        st.builds(Sparse, st.just("v"), texts, st.none() | st.just((2, 3)), st.booleans()),
        max_size=1,
    ),
    weighted=st.dictionaries(text, st.just(Weighted("v", "w", "beta")), max_size=1),
    metadata=st.dictionaries(text, text, max_size=2),
    tfx=maybe_text,
)


@st.composite
def any_schema(draw: st.DrawFn) -> Schema:
    dataset = draw(datasets)
    each = columns(list(dataset.domains))
    return Schema(draw(st.dictionaries(text, each, max_size=4)), dataset)


schemas = any_schema()

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
        values = None if column.domain is None else list(column.domain)
        expected = values if column.domain_name is None else column.domain_name
        assert record["columns"][name].get("domain") == expected
        assert record["columns"][name]["presence"] == column.presence


def test_the_file_is_made_to_be_read() -> None:
    assert (
        PENGUINS.yaml()
        == """\
# What this data is expected to look like. Edit it: data that differs is reported.
#   type          int, float, string, bool, bytes, struct, or list[...] of one of these
#   presence      least share of rows that have a value, from 0 to 1
#   domain_share  least share of values that are in the domain; all of them if left out
#   domain        the values that a string column may have, or the name of one of the domains
#   min           smallest number that may come
#   max           largest number that may come
version: 2
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


TRIPS = Schema(
    {
        "payment": Column("string", 1.0, domain_name="ways", balance={"Cash": (0.4, 0.6)}),
        "refund": Column("string", domain_name="ways", severity={"nan": Override("off")}),
        "tip": Column("float", 1.0, nan=0, drift={"psi": 0.2}, not_in_environment=("serving",)),
        "trip": Column("struct"),
        "trip.start": Column("string", semantic=Time("%H:%M", of_day=True)),
        "trip.stops": Column("list[int]", values=((1, None),), stage="alpha", tags=("new",)),
    },
    Dataset(
        environments=("training", "serving"),
        rows=(1000, None),
        drift="auto",
        domains={"ways": ("Cash", "Card")},
        expressions={"tips are small": Expression("tip < 100", share=0.99)},
        rules={"no gaps": Rule("rules.time:no_gaps")},
    ),
)


def test_a_shared_domain_is_that_of_each_column_that_names_it() -> None:
    assert TRIPS.domain("payment") == TRIPS.domain("refund") == ("Cash", "Card")
    wider = TRIPS.set_domain("ways", ["Cash", "Card", "Voucher"])
    assert wider.domain("payment") == wider.domain("refund") == ("Cash", "Card", "Voucher")
    own = TRIPS.set_domain("refund", ["Cash"])
    assert (own.domain("refund"), own.domain("payment")) == (("Cash",), ("Cash", "Card"))
    assert own.columns["refund"].domain_name is None
    assert own.set_domain("refund", "ways") == TRIPS
    assert TRIPS.set_domain("refund", None).domain("refund") is None
    with pytest.raises(SchemaError, match="no column or domain 'wayz'") as caught:
        TRIPS.set_domain("wayz", ["a"])
    assert "did you mean 'ways'" in str(caught.value)


def test_a_domain_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(SchemaError, match="column 'a': there is no domain 'way'") as caught:
        Schema({"a": Column("string", domain_name="way")}, TRIPS.dataset)
    assert "did you mean 'ways'" in str(caught.value)


def test_the_file_of_a_large_schema_is_as_short_as_it_can_be() -> None:
    body = TRIPS.yaml().partition("version: 2\n")[2]
    assert (
        body
        == """\
environments: [training, serving]
rows: [1000, null]
drift: auto
domains:
  ways:
  - Cash
  - Card
expressions:
  tips are small:
    expression: tip < 100
    share: 0.99
rules:
  no gaps: rules.time:no_gaps
columns:
  payment:
    type: string
    presence: 1.0
    domain: ways
    balance:
      Cash: [0.4, 0.6]
  refund:
    type: string
    presence: 0.0
    domain: ways
    severity:
      nan: 'off'
  tip:
    type: float
    presence: 1.0
    nan: 0
    drift:
      psi: 0.2
    not_in_environment: [serving]
  trip:
    type: struct
    presence: 0.0
  trip.start:
    type: string
    presence: 0.0
    semantic:
      kind: time
      format: '%H:%M'
      of_day: true
  trip.stops:
    type: list[int]
    presence: 0.0
    values: [1, null]
    stage: alpha
    tags: [new]
"""
    )


def test_environments_choose_columns() -> None:
    assert "tip" in TRIPS.environment("training")
    assert "tip" not in TRIPS.environment("serving")
    assert TRIPS.environment(None) == TRIPS.columns
    with pytest.raises(SchemaError, match="no environment 'train'") as caught:
        TRIPS.environment("train")
    assert "did you mean 'training'" in str(caught.value)


def test_a_column_is_compared_by_its_own_thresholds_or_by_those_of_all() -> None:
    assert TRIPS.comparator("tip", "drift") == {"psi": 0.2}
    assert TRIPS.comparator("payment", "drift") == "auto"
    assert TRIPS.comparator("payment", "skew") is None
    assert TRIPS.edit("payment", drift={}).comparator("payment", "drift") == {}


def test_a_struct_goes_with_its_fields() -> None:
    assert list(TRIPS.without("trip", "tip").columns) == ["payment", "refund"]
    with pytest.raises(SchemaError, match="no column 'trp'"):
        TRIPS.without("trp")


def test_the_whole_can_be_edited() -> None:
    assert TRIPS.edit_dataset(rows=(1, 2)).dataset.rows == (1, 2)
    with pytest.raises(SchemaError, match="has no expectation 'row'") as caught:
        TRIPS.edit_dataset(row=1)
    assert "did you mean 'rows'" in str(caught.value)


def test_a_frame_has_a_row_a_column() -> None:
    frame = TRIPS.frame()
    assert frame["column"].to_list() == list(TRIPS.columns)
    assert frame.row(0, named=True)["domain"] == ["Cash", "Card"]
    assert frame.row(2, named=True)["other"] == "no nan, drift psi ≤ 0.2, not in serving"
    assert Schema({}).frame().columns == frame.columns


def test_what_is_new_is_in_the_table_of_80_columns() -> None:
    text = TRIPS.text()
    for part in (
        "time: format %H:%M, of_day True",
        "≥ 1 values, alpha, #new",
        "rows: ≥ 1,000",
        "drift: auto",
        "tips are small: tip < 100 in 99 % of the rows",
        "no gaps: rules.time:no_gaps",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80
    assert TRIPS.summary() == "6 columns, 2 domains, 1 expression, 1 rule"
    html = str(TRIPS.html())
    assert "share of &#39;Cash&#39; 0.4 to 0.6" in html


def test_a_dummy_has_names_alone() -> None:
    assert dummy(["a", "b.c"], "int").columns == {"a": Column("int"), "b.c": Column("int")}


def test_bounds_are_shown_with_all_their_digits() -> None:
    text = Schema({"x": Column("float", min=-124.35, max=123456.789)}).text()
    assert "≥ -124.35, ≤ 123,456.789" in text
