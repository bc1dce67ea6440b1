"""TFDV's schemas come back as they were; text that is none is refused with its line."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import MissingExtraError, SchemaError
from dure.schema import (
    Column,
    Dataset,
    Embedding,
    Expression,
    Image,
    NaturalLanguage,
    Override,
    Schema,
    Sparse,
    Time,
    Token,
    Weighted,
)
from dure.schema.tfx import from_proto, parse, read_pbtxt, to_proto, untranslated, write_pbtxt

pb2 = pytest.importorskip("tensorflow_metadata.proto.v0.schema_pb2")
DATA = Path(__file__).parents[2].parent / "shared" / "data"
FILES = [
    "tfx/chicago_taxi/schema.pbtxt",
    "tfx/penguin/schema/raw/schema.pbtxt",
    "tfx/penguin/schema/user_provided/schema.pbtxt",
    "tfx/testdata/penguin/schema/schema.pbtxt",
    "tfx/testdata/schema_gen/schema.pbtxt",
    "tfx/testdata/schema_gen_sequence/schema.pbtxt",
    "tfx/testdata/transform_metadata/schema.pbtxt",
    "tfx/testdata/transform_transformed_metadata/schema.pbtxt",
]


def in_order(message: Any) -> Any:
    """Return a schema with its domains in the order of their names, which means nothing."""
    copy = type(message)()
    copy.CopyFrom(message)
    copy.ClearField("string_domain")
    copy.string_domain.extend(sorted(message.string_domain, key=lambda one: one.name))
    return copy


def comes_back(message: Any, tmp_path: Path) -> Schema:
    """Return the schema of a message, which is the same there and back, also through a file."""
    schema = from_proto(message)
    schema.write(tmp_path / "schema.yaml")
    assert Schema.read(tmp_path) == schema
    assert in_order(to_proto(Schema.read(tmp_path))) == in_order(message)
    return schema


@pytest.mark.parametrize("name", FILES)
def test_real_schemas_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    path = DATA / name
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    schema = read_pbtxt(path)
    expected = parse(path.read_text(encoding="utf-8"))
    assert comes_back(expected, tmp_path) == schema == read_pbtxt(path.parent)
    write_pbtxt(schema, tmp_path / "schema.pbtxt")
    assert in_order(parse((tmp_path / "schema.pbtxt").read_text("utf-8"))) == in_order(expected)


def test_the_taxi_schema_reads_as_people_would_write_it() -> None:
    path = DATA / FILES[0]
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    schema = read_pbtxt(path)
    assert schema.columns["fare"] == Column("float", 1.0, min_rows=1)
    assert schema.columns["pickup_census_tract"] == Column("list[int]", min_rows=0)
    assert schema.domain("payment_type") is not None
    assert schema.dataset == Dataset()


SAID = """
feature { name: "label" type: INT bool_domain {} not_in_environment: "SERVING" }
feature {
  name: "city" type: BYTES domain: "place" presence { min_fraction: 0.9 min_count: 3 }
  value_count { min: 1 max: 1 }
  distribution_constraints { min_domain_mass: 0.95 }
  annotation { tag: "pii" comment: "asked of" comment: "the driver" }
  drift_comparator { infinity_norm { threshold: 0.01 } }
  skew_comparator { jensen_shannon_divergence { threshold: 0.2 source { type: QUANTILES } } }
  unique_constraints { min: 1 max: 9 }
  lifecycle_stage: BETA
}
feature { name: "town" type: BYTES domain: "place" value_count { min: 1 max: 1 } }
feature { name: "code" type: BYTES int_domain { min: 1 max: 99 } }
feature { name: "share" type: FLOAT float_domain { min: 0.1 disallow_nan: true name: "s" } }
feature { name: "flag" type: BYTES bool_domain { true_value: "y" false_value: "" } }
feature { name: "grid" type: FLOAT value_counts { value_count { min: 2 } value_count { max: 3 } } }
feature { name: "image" type: BYTES image_domain { minimum_supported_image_fraction: 0.9 } }
feature { name: "vector" type: FLOAT shape { dim { size: 8 } }
          float_domain { is_embedding: true embedding_dim: 8 embedding_type: "text" } }
feature { name: "day" type: BYTES time_domain { string_format: "%Y-%m-%d" } }
feature { name: "second" type: INT time_domain { integer_format: UNIX_SECONDS } }
feature { name: "clock" type: INT time_of_day_domain { integer_format: PACKED_64_NANOS } }
feature { name: "page" type: BYTES url_domain {} }
feature {
  name: "words" type: INT natural_language_domain {
    vocabulary: "v" coverage { min_coverage: 0.8 excluded_int_tokens: 0 oov_string_tokens: "?" }
    token_constraints { int_value: 7 min_per_sequence: 1 max_fraction_of_sequences: 0.5 }
    sequence_length_constraints { excluded_int_value: 0 max_sequence_length: 9 } } }
feature {
  name: "trip" type: STRUCT value_count { min: 1 max: 1 } struct_domain {
    feature { name: "way" type: BYTES string_domain { name: "w" value: "a" } }
    feature { name: "stop" type: STRUCT struct_domain { feature { name: "id" type: INT } } } } }
sparse_feature { name: "sparse" index_feature { name: "i" } value_feature { name: "v" }
                 dense_shape { dim { size: 10 } } is_sorted: true type: FLOAT }
weighted_feature { name: "weighted" feature { step: "trip" step: "way" }
                   weight_feature { step: "share" } lifecycle_stage: ALPHA }
string_domain { name: "place" value: "b" value: "a" is_categorical: CATEGORICAL_YES }
default_environment: "TRAINING" default_environment: "SERVING"
dataset_constraints { min_examples_count: 5 num_examples_drift_comparator {
  min_fraction_threshold: 0.5 max_fraction_threshold: 2 } }
"""


def test_everything_that_both_can_say_is_said(tmp_path: Path) -> None:
    schema = comes_back(parse(SAID), tmp_path)
    one = schema.columns
    assert one["label"] == Column("list[int]", holds="bool", not_in_environment=("SERVING",))
    assert one["city"].domain == one["town"].domain == ("b", "a")
    assert (one["city"].presence, one["city"].min_rows, one["city"].domain_share) == (0.9, 3, 0.95)
    assert (one["city"].tags, one["city"].comment) == (("pii",), "asked of\nthe driver")
    assert (one["city"].drift, one["city"].skew) == ({"l_infinity": 0.01}, {"jensen_shannon": 0.2})
    assert (one["city"].distinct, one["city"].stage) == ((1, 9), "beta")
    assert (one["code"].holds, one["code"].min, one["code"].max) == ("int", 1, 99)
    # The number of 32 bits, in as few digits as say it.
    assert (one["share"].min, one["share"].nan) == (0.1, 0)
    assert (one["flag"].true_value, one["flag"].false_value) == ("y", "")
    assert (one["grid"].type, one["grid"].values) == ("list[list[float]]", ((2, None), (None, 3)))
    assert one["image"] == Column("list[bytes]", semantic=Image(0.9))
    assert one["vector"] == Column("list[float]", shape=(8,), semantic=Embedding(8, "text"))
    assert one["day"].semantic == Time("%Y-%m-%d")
    assert one["second"].semantic == Time("unix_s")
    assert one["clock"].semantic == Time("packed_ns", of_day=True)
    assert one["page"].semantic == "url"
    assert one["words"].semantic == NaturalLanguage(
        vocabulary="v",
        coverage=0.8,
        excluded=(0,),
        unknown=("?",),
        tokens=(Token(7, (1, None), (None, 0.5)),),
        length=(None, 9),
        length_excluded=(0,),
    )
    assert one["trip.way"].domain == ("a",)
    assert one["trip.stop.id"] == Column("list[int]")
    assert schema.dataset.sparse["sparse"] == Sparse("v", ("i",), (10,), True, None, "type: FLOAT")
    assert schema.dataset.weighted == {"weighted": Weighted("trip.way", "share", "alpha")}
    assert schema.dataset.environments == ("TRAINING", "SERVING")
    assert schema.dataset.rows == (5, None)
    assert schema.dataset.rows_to_previous_span == (0.5, 2)


NOT_SAID = """
feature { name: "a" type: INT deprecated: true group_presence { required: true } }
feature { name: "b" type: FLOAT shape { dim { name: "n" size: 2 } } float_domain {} }
feature { name: "c" type: BYTES domain: "nowhere" lifecycle_stage: UNKNOWN_STAGE }
feature { name: "d" type: INT float_domain { min: 1 } presence { min_fraction: 0 } }
feature { name: "e" type: FLOAT float_domain { min: -inf } value_count {} annotation {} }
feature { name: "f" type: BYTES string_domain { name: "none" }
          sequence_metadata { joint_group: "g" } drift_comparator { infinity_norm {} } }
feature { name: "g" type: BYTES time_domain { string_format: "yyyy" } annotation { comment: "a\\nb" } }
feature { name: "h" type: BYTES audio_domain {} validation_derived_source { deriver_name: "x" } }
feature { name: "i" type: STRUCT struct_domain { sparse_feature { name: "s" } } }
feature { name: "j" type: INT int_domain { is_categorical: false } unique_constraints {} }
string_domain { name: "empty" }
float_domain { name: "x" min: 1 }
represent_variable_length_as_ragged: true
annotation { tag: "t" }
dataset_constraints {}
tensor_representation_group { key: "" value { tensor_representation {
  key: "f" value { varlen_sparse_tensor { column_name: "f" } } } } }
weighted_feature { name: "w" feature { step: "a.b" } weight_feature { step: "d" } }
"""


def test_what_has_no_word_here_is_kept_as_it_was(tmp_path: Path) -> None:
    schema = comes_back(parse(NOT_SAID), tmp_path)
    assert schema.columns["a"].stage == "deprecated"
    kept = parse("feature { " + str(schema.columns["b"].tfx) + " }").feature[0]
    assert (
        kept == parse('feature { shape { dim { size: 2 name: "n" } } float_domain {} }').feature[0]
    )
    assert "tensor_representation_group" in str(schema.dataset.tfx)


def test_what_is_edited_here_goes_before_what_was_kept() -> None:
    schema = from_proto(parse(NOT_SAID)).edit("c", domain=("a", "b"))
    feature = next(one for one in to_proto(schema).feature if one.name == "c")
    assert feature.domain == "c"
    narrow = from_proto(parse('feature { name: "a" type: INT int_domain { min: 1 } }'))
    assert to_proto(narrow.edit("a", min=0)).feature[0].int_domain.min == 0


def test_what_tfdv_has_no_word_for_is_listed() -> None:
    schema = Schema(
        {
            "a": Column("string", regex="x", severity={"nan": Override("off")}, unique=True),
            "b": Column("float", nan=0.1, mean=(0, 1), drift="auto", min=0),
            "c": Column("int", semantic="id", min=0.5),
            "d": Column("string", semantic=Time(min="2024-01-01")),
            "e": Column("int", 1.0, min=1, max=3),
        },
        Dataset(expressions={"x": Expression("a < b")}),
    )
    assert untranslated(schema) == (
        "'a': regex",
        "'a': unique",
        "'a': severity",
        "'b': mean",
        "'b': nan above 0",
        "'b': drift",
        "'c': semantic id",
        "'c': a bound of whole numbers that is none",
        "'d': min and max of a time",
        "expressions",
    )
    assert to_proto(schema).feature[4].int_domain.max == 3


def test_a_name_that_is_taken_gets_a_number() -> None:
    schema = Schema(
        {"way": Column("string", domain=("a",)), "to": Column("string", domain_name="way")},
        Dataset(domains={"way": ("b",)}),
    )
    message = to_proto(schema)
    assert [one.domain for one in message.feature] == ["way2", "way"]
    assert {one.name: list(one.value) for one in message.string_domain} == {
        "way2": ["a"],
        "way": ["b"],
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feature {\n  name: 3\n}", ["schema.pbtxt:2: is no schema of TFDV"]),
        ("feature {\n  nam: 'a'\n}", ["schema.pbtxt:2:", "nam"]),
        ("feature {", ["schema.pbtxt:1:"]),
        ("feature { type: INT }", ["schema.pbtxt: a feature has no name"]),
        ("feature { name: 'a' }", ["feature 'a' has no type", "BYTES, INT, FLOAT or STRUCT"]),
        ("feature { name: 'a' type: INT } feature { name: 'a' type: INT }", ["'a' comes twice"]),
        (
            "feature { name: 'a' type: INT presence { min_fraction: 2 } }",
            ["feature 'a': presence is not a share"],
        ),
        (
            "feature { name: 'a' type: INT value_count { min: 2 max: 1 } }",
            ["feature 'a': values: the lowest is greater"],
        ),
        ("string_domain { name: 'd' value: 'a' }" * 2, ["domain 'd' comes twice"]),
        ("weighted_feature { name: 'w' }", ["weighted feature 'w': values is not text"]),
        ("sparse_feature { name: 's' }", ["sparse feature 's': values is not text"]),
        ("feature { name: '\\377' type: INT }", ["schema.pbtxt"]),
        ("feature { name: '\\i' type: INT }", ["schema.pbtxt: is no schema", "invalid escape"]),
    ],
)
def test_text_that_is_no_schema_is_refused_with_its_place(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    path = tmp_path / "schema.pbtxt"
    path.write_text(text)
    with pytest.raises(SchemaError) as caught:
        read_pbtxt(path)
    for word in words:
        assert word in str(caught.value)


def test_files_that_are_not_there_or_no_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"schema\.pbtxt: cannot be read"):
        read_pbtxt(tmp_path)
    (tmp_path / "schema.pbtxt").write_bytes(b"\xff")
    with pytest.raises(SchemaError, match="is not UTF-8 text"):
        read_pbtxt(tmp_path)


def test_kept_text_that_was_spoilt_is_named() -> None:
    with pytest.raises(SchemaError, match="column 'a': tfx is not protocol buffer text"):
        to_proto(Schema({"a": Column("int", tfx="what")}))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.startswith("tensorflow_metadata"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="tensorflow-metadata") as caught:
        parse("")
    assert "dure[tfx]" in str(caught.value)


# --- fuzz ---------------------------------------------------------------------------------------

words = sorted(
    set(SAID.split() + NOT_SAID.split()) | {"{", "}", "'", '"', "inf", "nan", "-1", "\\"}
)


@settings(max_examples=300, deadline=None)
@given(pieces=st.lists(st.sampled_from(words) | st.text(max_size=3), max_size=25))
def test_any_text_is_a_schema_or_a_schema_error(pieces: list[str]) -> None:
    try:
        schema = from_proto(parse(" ".join(pieces)))
    except SchemaError:
        return
    to_proto(schema)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_spoilt_schema_is_a_schema_or_a_schema_error(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([SAID, NOT_SAID]))
    place = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 12))
    spoilt = text[:place] + data.draw(st.text(max_size=3)) + text[place + cut :]
    try:
        schema = from_proto(parse(spoilt))
    except SchemaError:
        return
    to_proto(schema)


def test_a_text_nested_without_end_is_refused() -> None:
    deep = "feature { name: 'a' type: STRUCT struct_domain { " * 3000
    with pytest.raises(SchemaError):
        parse(deep)


def messages(descriptor: Any, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Return any value of a message, as a mapping: at most a few levels deep."""
    fields = {}
    for field in descriptor.fields:
        if field.name in ("extra_metadata", "tensor_representation_group") or (
            field.message_type is not None and depth > 2
        ):
            continue
        one = value(field, depth)
        # A value twice in a domain, which TFDV refuses, is there once here.
        once = field.cpp_type == field.CPPTYPE_STRING
        fields[field.name] = st.lists(one, max_size=2, unique=once) if field.is_repeated else one
    return st.fixed_dictionaries({}, optional=fields) if depth < 2 else few(fields)


def few(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.lists(st.sampled_from(sorted(fields) or [""]), max_size=2, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen if name})
    )


def value(field: Any, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type, depth + 1)
    if field.enum_type is not None:
        return st.sampled_from([one.number for one in field.enum_type.values])
    if field.cpp_type == field.CPPTYPE_STRING:
        return st.sampled_from(["a", "b", "%Y", ""])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return st.sampled_from([0.0, 0.25, 0.9, 1.0, float("inf")])
    return st.integers(0, 3)


def build(message: Any, fields: dict[str, Any]) -> Any:
    for name, given_value in fields.items():
        target = getattr(message, name)
        if isinstance(given_value, dict):
            target.SetInParent()
            build(target, given_value)
        elif isinstance(given_value, list):
            for one in given_value:
                if isinstance(one, dict):
                    build(target.add(), one)
                else:
                    target.append(one)
        else:
            setattr(message, name, given_value)
    return message


@settings(max_examples=300, deadline=None)
@given(fields=messages(pb2.Feature.DESCRIPTOR, 1))
def test_any_feature_comes_back_or_is_refused(fields: dict[str, Any]) -> None:
    message = pb2.Schema()
    build(message.feature.add(), {**fields, "name": "x", "type": fields.get("type") or 1})
    message.string_domain.add(name="a", value=["p", "q"])
    try:
        schema = from_proto(message)
    except SchemaError:
        return
    assert str(in_order(to_proto(schema))) == str(in_order(message))
