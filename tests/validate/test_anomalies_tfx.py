"""TFDV's anomalies.pbtxt: written, read back, and read whatever it is."""

from __future__ import annotations

import builtins
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples
from dure.errors import DataError, MissingExtraError, UsageError
from dure.schema import Column, Dataset, Schema
from dure.statistics import describe
from dure.validate import Anomalies, validate
from dure.validate.kinds import KINDS
from dure.validate.tfx import from_pbtxt, from_proto, to_pbtxt, to_proto

pytest.importorskip("tensorflow_metadata", reason="the extra tfx is not installed")

NEW = pl.DataFrame({"x": ["a"] * 8 + ["z"] * 2, "n": [1, 99] * 5, "more": [True] * 10})
OLD = pl.DataFrame({"x": ["a"] * 10, "n": [1, 2] * 5, "more": [True] * 10})
SCHEMA = Schema(
    {
        "x": Column("string", domain=("a",), drift={"l_infinity": 0.1, "jensen_shannon": 0.9}),
        "n": Column("int", max=10, regex=None, unique=True),
        "gone": Column("int", 1.0),
    },
    Dataset(rows=(11, None)),
)


@pytest.fixture(scope="module")
def found() -> Anomalies:
    return validate(describe(NEW), SCHEMA, previous=describe(OLD))


def test_each_column_is_one_anomaly_with_its_reasons(found: Anomalies) -> None:
    message = to_proto(found, "train")
    assert set(message.anomaly_info) == {"x", "n", "gone", "more"}
    info = message.anomaly_info["n"]
    types = info.DESCRIPTOR.file.message_types_by_name["AnomalyInfo"].enum_types_by_name["Type"]
    names = [types.values_by_number[reason.type].name for reason in info.reason]
    assert names == ["INT_TYPE_BIG_INT", "CUSTOM_VALIDATION"]  # uniqueness of numbers is ours
    assert info.severity == 2
    assert info.short_description == "Multiple errors"
    assert list(info.path.step) == ["n"]
    assert message.anomaly_info["more"].severity == 1
    assert message.dataset_anomaly_info.reason[0].short_description == "too_few_rows"
    assert not message.data_missing


def test_distances_are_written_also_below_their_thresholds(found: Anomalies) -> None:
    message = to_proto(found, "train")
    (info,) = (one for one in message.drift_skew_info if one.path.step == ["x"])
    measured = [(one.type, round(one.value, 3), one.threshold) for one in info.drift_measurements]
    assert measured[0] == (1, 0.2, 0.1)
    assert measured[1][0] == 2
    assert not info.skew_measurements


def test_what_was_written_is_read_back(found: Anomalies) -> None:
    back = from_pbtxt(to_pbtxt(found, "train"), rows=10)
    key = {(one.column, one.kind, one.tfdv): one for one in found}
    assert {(one.column, one.kind, one.tfdv) for one in back} == set(key)
    for one in back:
        wrote = key[one.column, one.kind, one.tfdv]
        assert (one.reason, one.expected, one.got, one.fix) == (
            wrote.reason,
            wrote.expected,
            wrote.got,
            wrote.fix,
        )
    (report,) = back.reports
    assert [(one.column, one.metric, one.verdict) for one in report] == [
        ("x", "l_infinity", "differs"),
        ("x", "jensen_shannon", "same"),
    ]
    assert back.gate.status == "fail"


def test_a_file_of_tfdv_is_read() -> None:
    text = """
    anomaly_info {
      key: "payment_type"
      value {
        description: "Examples contain values missing from the schema: Prcard (<1%). "
        severity: ERROR
        short_description: "Unexpected string values"
        reason {
          type: ENUM_TYPE_UNEXPECTED_STRING_VALUES
          short_description: "Unexpected string values"
          description: "Examples contain values missing from the schema: Prcard (<1%). "
        }
        path { step: "payment_type" }
      }
    }
    drift_skew_info {
      path { step: "company" }
      skew_measurements { type: L_INFTY value: 0.02 threshold: 0.01 }
    }
    """
    found = from_pbtxt(text.encode(), split="serving")
    (one,) = found
    assert (one.split, one.column, one.kind) == ("serving", "payment_type", "unexpected_values")
    assert one.reason.startswith("Examples contain values missing from the schema: Prcard")
    (compared,) = found.reports[0]
    assert (found.reports[0].kind, compared.verdict) == ("skew", "differs")


def test_fields_of_structs_have_a_path_of_several_steps() -> None:
    frame = pl.DataFrame({"s": [{"n": 99}]})
    statistics = describe(Examples.from_frames({"train": frame}))
    schema = Schema({"s": Column("struct"), "s.n": Column("int", max=10)})
    message = to_proto(validate(statistics, schema), "train", statistics=statistics)
    assert list(message.anomaly_info["s.n"].path.step) == ["s", "n"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.tfdv])
def test_every_name_of_tfdv_is_one_of_its_enum(kind: Any) -> None:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    assert set(kind.tfdv) <= set(anomalies_pb2.AnomalyInfo.Type.keys())


def test_every_type_is_read_as_some_kind() -> None:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    message = anomalies_pb2.Anomalies()
    for name, number in anomalies_pb2.AnomalyInfo.Type.items():
        message.anomaly_info[name].reason.add(type=number, description=name)
    found = {one.column: one for one in from_proto(message)}
    assert set(found) == set(anomalies_pb2.AnomalyInfo.Type.keys())
    assert found["FLOAT_TYPE_HAS_NAN"].kind == "nan"
    assert all(one.kind in KINDS for one in found.values())


def test_an_unknown_split_is_refused(found: Anomalies) -> None:
    with pytest.raises(UsageError, match="no split 'eval'"):
        to_proto(found, "eval")


@pytest.mark.parametrize(
    "text", ["anomaly_info {", "x: 1", "severity: ERROR", b"\xff\xfe", "anomaly_info: 3", "\0"]
)
def test_what_is_no_such_text_is_refused(text: str | bytes) -> None:
    with pytest.raises(DataError, match="no text of TFDV's anomalies"):
        from_pbtxt(text)


WORDS = st.sampled_from(
    [
        *("anomaly_info", "{", "}", ":", "key", "value", "reason", "type", "NLP_WRONG_LOCATION"),
        *('"a"', '"\\377"', "1", "-1", "nan", "1e999", "severity", "ERROR", "drift_skew_info"),
        *("path", "step", "skew_measurements", "threshold", "data_missing", "true", "<", ">", "#"),
    ]
)


@given(st.text() | st.binary() | st.lists(WORDS, max_size=30).map(" ".join))
def test_whatever_is_read_is_anomalies_or_a_clear_error(text: str | bytes) -> None:
    try:
        found = from_pbtxt(text)
    except DataError:
        return
    assert isinstance(found, Anomalies)
    to_proto(found, "train")


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, found: Anomalies) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("tensorflow_metadata"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match="tensorflow-metadata"):
        to_proto(found, "train")
