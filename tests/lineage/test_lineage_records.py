"""Records check themselves, and come back from JSON."""

import json
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import LineageError
from dure.lineage import (
    ArtifactRecord,
    Change,
    ChangeError,
    ContextRecord,
    EventRecord,
    ExecutionRecord,
    clean,
    kinds,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)
properties = st.dictionaries(st.text(), json_values, max_size=4)
words = st.text(st.characters(), min_size=1)
moments = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def changes(draw):
    uid = draw(words)
    made = ArtifactRecord(
        draw(words.filter(lambda word: ":" not in word)),
        draw(words),
        draw(st.text()),
        created=draw(moments),
        properties=draw(properties),
    )
    return Change(
        contexts=(ContextRecord("run", draw(words), "RUNNING", draw(moments), draw(properties)),),
        artifacts=(made,),
        executions=(
            ExecutionRecord(uid, "T", "s", "r", "FAILED", draw(moments), None, draw(words)),
        ),
        events=(EventRecord(uid, made.uid, "OUTPUT", draw(words)),),
    )


@given(changes())
def test_a_change_comes_back_from_its_json(change):
    line = json.dumps(change.to_dict(), allow_nan=False)
    assert Change.from_dict(json.loads(line)) == change
    line.encode()


@given(changes())
def test_a_record_made_from_a_record_is_the_same(change):
    """Cleaning what is clean changes nothing."""
    for record in (*change.contexts, *change.artifacts, *change.executions, *change.events):
        assert type(record).from_dict(record.to_dict()) == record


@given(changes())
def test_a_change_can_be_sent_to_another_process(change):
    assert pickle.loads(pickle.dumps(change)) == change


@given(words, words)
def test_the_same_type_and_content_is_the_same_artifact(type_, digest):
    one, other = (ArtifactRecord("T", digest, uri, created=0) for uri in ("a", "b"))
    assert one.uid == other.uid == f"T:{clean.text(digest, 'x')}"


@given(st.text(st.characters(), min_size=1))
def test_text_can_be_kept_by_every_database(value):
    kept = clean.text(value, "it")
    assert "\0" not in kept
    kept.encode("utf-8")
    if "\0" not in value and not any(0xD800 <= ord(letter) < 0xE000 for letter in value):
        assert kept == value


def test_numbers_that_json_does_not_know_become_words():
    kept = clean.properties({"a": [math.nan, math.inf, -math.inf, -0.0]}, "it")
    assert kept == {"a": ["NaN", "Infinity", "-Infinity", 0.0]}


def test_numpy_scalars_and_tuples_become_plain_values():
    given_ = {"a": (np.float32(0.5), np.int64(3), np.bool_(True), np.array(2), np.float64("nan"))}
    kept = clean.properties(given_, "it")
    assert kept == {"a": [0.5, 3, True, 2, "NaN"]}
    assert [type(value) for value in kept["a"]] == [float, int, bool, int, str]
    assert clean.properties({"a": Fraction(1, 4)}, "it") == {"a": 0.25}


def test_a_record_does_not_change_with_what_it_was_made_from():
    given_ = {"a": [1]}
    record = ArtifactRecord("T", "d", "u", properties=given_)
    given_["a"].append(2)
    assert record.properties == {"a": [1]}


def test_records_can_be_members_of_a_set():
    one, other = (ArtifactRecord("T", "d", "u", created=1, properties={"a": []}) for _ in range(2))
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    ("made", "parts"),
    [
        (lambda: ArtifactRecord("", "d", "u"), ["artifact's type is empty", "a name"]),
        (lambda: ArtifactRecord("A:B", "d", "u"), ["holds a colon", "'A:B'", "leave the colon"]),
        (lambda: ArtifactRecord("A", 3, "u"), ["digest of a A is not text", "3 (int)"]),
        (lambda: ArtifactRecord("A", "d", "u", state="GONE"), ["LIVE, DELETED", "'GONE'"]),
        (lambda: ArtifactRecord("A", "d", "u", created=math.nan), ["not a moment", "nan (float)"]),
        (lambda: ArtifactRecord("A", "d", "u", created="now"), ["finite number", "'now' (str)"]),
        (
            lambda: ArtifactRecord("A", "d", "u", properties={"a": [object]}),
            ["the properties of a A['a'][0] cannot be kept", "<class 'object'>", "str()"],
        ),
        (lambda: ArtifactRecord("A", "d", "u", properties={1: 2}), ["a key of", "1 (int)"]),
        (lambda: ArtifactRecord("A", "d", "u", properties=[]), ["a mapping of strings", "[]"]),
        (lambda: ArtifactRecord("A", "d", "u", properties={"a": b"x"}), ["cannot be kept", "b'x'"]),
        (
            lambda: ExecutionRecord("e", "T", "s", "", "FAILED", 0),
            ["run of execution 'e' is empty"],
        ),
        (lambda: ExecutionRecord("e", "T", "s", "r", "DONE", 0), ["'DONE'", "SKIPPED"]),
        (lambda: EventRecord("e", "nocolon", "INPUT", "x"), ["'nocolon'", "ArtifactRecord.uid"]),
        (lambda: EventRecord("e", "T:", "INPUT", "x"), ["names no artifact"]),
        (lambda: EventRecord("e", "T:d", "READ", "x"), ["INPUT, OUTPUT", "'READ'"]),
        (lambda: ContextRecord("team", "n", "s", 0), ["pipeline, run", "'team'"]),
        (lambda: Change(artifacts=(EventRecord("e", "T:d", "INPUT", "x"),)), ["ArtifactRecord"]),
        (lambda: Change.from_dict({"other": []}), ["this is no Change", "another version"]),
        (lambda: Change.from_dict({"events": {}}), ["this is no Change"]),
        (lambda: Change.from_dict([]), ["this is no Change"]),
        (lambda: Change.from_dict({"events": [{"kind": 1}]}), ["this is no EventRecord"]),
        (lambda: Change.from_dict({"events": [3]}), ["this is no EventRecord"]),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_words(made, parts):
    with pytest.raises(LineageError) as caught:
        made()
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    assert caught.value.expected
    assert caught.value.got
    assert caught.value.fix


def test_properties_that_hold_themselves_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(LineageError, match="cannot be kept as JSON") as caught:
        ArtifactRecord("A", "d", "u", properties={"a": endless})
    assert caught.value.expected == "at most 64 levels"


def test_two_artifacts_in_one_role_are_refused():
    events = [EventRecord("e", f"T:{digest}", "INPUT", "models") for digest in "ab"]
    with pytest.raises(ChangeError) as caught:
        Change(events=tuple(events))
    assert "two INPUT artifacts in the role 'models'" in str(caught.value)
    assert "T:a and T:b" in str(caught.value)
    assert "models[0]" in str(caught.value)
    assert len(Change(events=(events[0], events[0])).events) == 2


kind = st.sampled_from(["INT", "DOUBLE", "STRING", "BOOLEAN", "STRUCT"])


@given(kind, kind, kind)
def test_kinds_meet_in_the_same_kind_whatever_the_order(one, two, three):
    assert kinds.join(one, two) == kinds.join(two, one)
    assert kinds.join(one, kinds.join(two, three)) == kinds.join(kinds.join(one, two), three)
    assert kinds.join(one, one) == one
