"""tf.Example as columns: what the parser makes of bytes is what protocol buffers make of them."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure import quiet
from dure.data.readers.tf_canonical import Unreadable, canonical, varint
from dure.data.readers.tf_example import Parser
from dure.data.readers.tfrecord import Block

with quiet.start():
    tf = pytest.importorskip("tensorflow")


def block_of(records):
    sizes = np.array([len(record) for record in records], np.int64)
    stops = np.cumsum(sizes)
    return Block(b"".join(records), stops - sizes, stops, np.arange(len(records)), 0)


def parsed(records, **options):
    return Parser(**options).parse(block_of(records))


def example(**features):
    made = {}
    for name, (kind, values) in features.items():
        feature = tf.train.Feature()
        if kind:
            getattr(feature, kind).value.extend(values)
            getattr(feature, kind).SetInParent()
        made[name] = feature
    message = tf.train.Example(features=tf.train.Features(feature=made))
    return message.SerializeToString()


def values_of(message):
    """What protocol buffers find: name -> values, without those that have none."""
    found = {}
    for name, feature in message.features.feature.items():
        kind = feature.WhichOneof("kind")
        if kind and getattr(feature, kind).value:
            found[name] = (kind, list(getattr(feature, kind).value))
    return found


def expected_column(rows, name):
    """The documented rule: null where there is nothing, values, or lists if any has several."""
    column = [row[name][1] if name in row else None for row in rows]
    if any(values is not None and len(values) > 1 for values in column):
        return column
    return [None if values is None else values[0] for values in column]


def as_bytes(column):
    if isinstance(column, list):
        return [as_bytes(each) for each in column]
    return column.encode() if isinstance(column, str) else column


ints = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(width=32, allow_nan=False)
KINDS = {"a": ("bytes_list", st.binary(max_size=20)), "b": ("float_list", floats)}
KINDS |= {"a long name of a feature": ("int64_list", ints), "a long namf of a feature": KINDS["b"]}
KINDS |= {"": ("int64_list", ints), "é" * 70: ("bytes_list", st.binary(max_size=200))}


@st.composite
def feature_maps(draw):
    made = {}
    for name in draw(st.lists(st.sampled_from(sorted(KINDS)), unique=True)):
        kind, values = KINDS[name]
        kind = draw(st.sampled_from([kind, kind, kind, None]))
        made[name] = (kind, draw(st.lists(values, max_size=draw(st.sampled_from([1, 4])))))
    return made


def check(messages, frame):
    rows = [values_of(message) for message in messages]
    assert frame.height == len(rows)
    for name in {name for row in rows for name in row}:
        # repr: NaN is equal to NaN, and -0.0 is not 0.0
        assert repr(as_bytes(frame[name].to_list())) == repr(expected_column(rows, name)), name


@settings(max_examples=150, deadline=None)
@given(st.lists(feature_maps(), min_size=1, max_size=5), st.sampled_from([1, 40]))
def test_any_examples_come_back(maps, times):
    records = [example(**features) for features in maps] * times
    messages = [tf.train.Example.FromString(record) for record in records]
    found = parsed(records)
    assert not found.refused
    if any(message.features.feature for message in messages):
        check(messages, found.frame)


def delimited(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


@st.composite
def odd_examples(draw):
    """Records in every form that the wire format allows."""
    unknown = st.sampled_from(
        [
            b"",
            b"",
            delimited(9, b"??"),
            b"\x78\x05",
            b"\x5d1234",
            b"\x59" + b"8" * 8,
            b"\x5b\x08\x01\x5c",
        ]
    )

    def number_list(tag, each, packed, wire):
        body = b""
        for _ in range(draw(st.integers(0, 3))):
            if draw(st.booleans()):
                body += delimited(1, b"".join(draw(st.lists(packed, max_size=3))))
            else:
                body += bytes([8 | wire]) + draw(packed)
            body += draw(unknown)
        return delimited(tag, body)

    def feature(name):
        kind = KINDS[name][0]
        if kind == "bytes_list":
            texts = draw(st.lists(st.binary(max_size=9), max_size=3))
            return delimited(1, b"".join(delimited(1, text) + draw(unknown) for text in texts))
        if kind == "float_list":
            packed = floats.map(lambda value: np.float32(value).tobytes())
            return number_list(2, floats, packed, 5)
        packed = ints.map(lambda value: varint(value & 2**64 - 1))
        return number_list(3, ints, packed, 0)

    def entry():
        name = draw(st.sampled_from(sorted(KINDS)))
        # No unknown field here: Python's protocol buffers then drop the entry, those of C++ don't.
        parts = [delimited(1, name.encode()), delimited(2, feature(name))]
        if draw(st.booleans()):
            parts.append(delimited(2, feature(name)))
        return delimited(1, b"".join(draw(st.permutations(parts))))

    pieces = [
        delimited(1, b"".join(entry() for _ in range(draw(st.integers(0, 3)))) + draw(unknown))
        for _ in range(draw(st.integers(0, 2)))
    ]
    return b"".join([*pieces, draw(unknown)])


@settings(max_examples=200, deadline=None)
@given(st.lists(odd_examples(), min_size=1, max_size=4), st.sampled_from([1, 30]))
def test_records_in_any_form_are_read_as_protocol_buffers_read_them(records, times):
    records = [*records, example(sure=("int64_list", [1]))] * times
    messages = [tf.train.Example.FromString(record) for record in records]
    found = parsed(records)
    assert not found.refused
    check(messages, found.frame)


@settings(max_examples=200, deadline=None)
@given(feature_maps(), st.data())
def test_changed_bytes_are_read_as_protocol_buffers_read_them_or_refused(features, data):
    record = bytearray(example(**features, sure=("int64_list", [1, 2])))
    for _ in range(data.draw(st.integers(1, 3))):
        record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    good = [example(other=("float_list", [1.0]))] * data.draw(st.sampled_from([1, 30]))
    found = parsed([*good, bytes(record)], lists=False)
    try:
        message = tf.train.Example.FromString(bytes(record))
    except Exception:  # noqa: BLE001 - whatever protobuf calls it
        assert list(found.refused) == [len(good)]
        assert found.refused[len(good)]
        return
    if found.refused:  # stricter only where a kind changed, or protobuf would lose a field
        reason = found.refused[len(good)]
        assert "is a list of" in reason or "has the wire type" in reason
        return
    check([*[tf.train.Example.FromString(each) for each in good], message], found.frame)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=40))
def test_any_bytes_are_rows_or_refused(records):
    found = parsed([*records, example(a=("int64_list", [1]))])
    assert found.frame.height + len(found.refused) == len(records) + 1


def test_one_value_in_each_record_is_a_column_of_values_and_several_are_lists():
    frame = parsed(
        [
            example(one=("int64_list", [1]), many=("float_list", [1.5])),
            example(one=("int64_list", [-2]), many=("float_list", [2.5, 3.5])),
        ]
    ).frame
    assert frame["one"].to_list() == [1, -2]
    assert frame["many"].to_list() == [[1.5], [2.5, 3.5]]
    assert frame.schema == {"many": pl.List(pl.Float64), "one": pl.Int64}


def test_absent_without_a_kind_and_with_an_empty_list_are_all_null():
    records = [
        example(a=("bytes_list", [b"x"]), n=("int64_list", [1])),
        example(n=("int64_list", [2])),
        example(a=(None, []), n=("int64_list", [3])),
        example(a=("bytes_list", []), n=("int64_list", [4])),
    ]
    assert parsed(records).frame["a"].to_list() == ["x", None, None, None]
    lists = [*records, example(a=("bytes_list", [b"y", b"z"]))]
    assert parsed(lists).frame["a"].to_list() == [["x"], None, None, None, ["y", "z"]]


def test_a_feature_without_any_value_has_no_type():
    frame = parsed([example(a=(None, []), n=("int64_list", [1]))]).frame
    assert frame.schema["a"] == pl.Null


def test_bytes_are_text_where_all_of_them_are():
    text = parsed([example(a=("bytes_list", ["서울".encode()])), example(a=("bytes_list", [b""]))])
    assert text.frame["a"].to_list() == ["서울", ""]
    raw = parsed([example(a=("bytes_list", [b"ok"])), example(a=("bytes_list", [b"\xff"]))])
    assert raw.frame["a"].to_list() == [b"ok", b"\xff"]
    assert raw.frame.schema["a"] == pl.Binary


def test_floats_keep_every_bit_and_nan_and_infinities():
    numbers = [0.1, float("inf"), -0.0, 1e-45, 3.4e38]
    frame = parsed([example(a=("float_list", [number])) for number in numbers]).frame
    assert frame["a"].to_list() == [float(np.float32(number)) for number in numbers]
    signalling = delimited(2, delimited(1, b"\x01\x00\x80\x7f"))
    entry = delimited(1, delimited(1, b"a") + delimited(2, signalling))
    nans = parsed([delimited(1, entry), example(a=("float_list", [float("nan")]))])
    assert nans.frame["a"].is_nan().all()


def test_a_feature_that_changes_its_kind_is_refused_with_both_kinds():
    records = [example(a=("int64_list", [1]))] * 3 + [example(a=("bytes_list", [b"x"]))]
    found = parsed(records)
    assert found.frame["a"].to_list() == [1, 1, 1]
    assert found.refused == {
        3: "feature 'a' is a list of bytes here, and of int64s in records before"
    }


def test_the_kind_is_remembered_from_block_to_block():
    parser = Parser()
    parser.parse(block_of([example(a=("int64_list", [1]), b=("int64_list", [1]))]))
    found = parser.parse(
        block_of([example(a=("float_list", [1.0])), example(a=("int64_list", [2]))])
    )
    assert list(found.refused) == [0]
    assert found.frame.to_dict(as_series=False) == {"a": [2], "b": [None]}


def test_a_refused_record_decides_neither_names_nor_kinds():
    broken = example(a=("bytes_list", [b"x"]), z=("bytes_list", [b"x"])) + b"\x0a\x05"
    found = parsed([broken] + [example(a=("int64_list", [7]))] * 30)
    assert list(found.refused) == [0]
    assert found.frame.to_dict(as_series=False) == {"a": [7] * 30}


def test_the_last_of_two_entries_of_one_name_counts():
    first, second = example(a=("int64_list", [1])), example(a=("int64_list", [2]))
    both = delimited(1, first[2:] + second[2:])
    assert parsed([both, first]).frame["a"].to_list() == [2, 1]


def test_one_record_of_a_hundred_thousand_values_among_small_ones():
    long = example(a=("bytes_list", [b"%d" % value for value in range(100_000)]))
    frame = parsed([example(a=("bytes_list", [b"x"])), long] + [example()] * 40).frame
    assert frame["a"][0].to_list() == ["x"]
    assert frame["a"][1].to_list() == [str(value) for value in range(100_000)]
    assert frame["a"].null_count() == 40


def test_numbers_that_are_not_packed_are_read_alike():
    def record(number):
        floats = delimited(2, delimited(2, b"\x0d" + np.float32(number).tobytes()))
        ints = delimited(2, delimited(3, b"\x08" + varint(number)))
        entries = [delimited(1, b"a") + floats, delimited(1, b"b") + ints]
        return delimited(1, b"".join(delimited(1, entry) for entry in entries))

    frame = parsed([record(number) for number in range(0, 3000, 100)]).frame
    assert frame["a"].to_list() == [float(number) for number in range(0, 3000, 100)]
    assert frame["b"].to_list() == list(range(0, 3000, 100))


def test_thousands_of_features_in_any_order():
    names = [f"feature number {number} of many" for number in range(3000)]
    records = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(3000).tolist()
        entries = [example(**{names[i]: ("int64_list", [i])})[2:] for i in order]
        records.append(delimited(1, b"".join(entries)))
    frame = parsed(records).frame
    assert frame.width == 3000
    assert frame.row(2) == tuple(int(name.split()[2]) for name in frame.columns)


def test_reasons_say_what_is_wrong():
    for record, reason in [
        (b"\x0a\x7f", "field 1 needs 127 bytes more than there are"),
        (b"\x0a", "it breaks off in the middle of a number"),
        (b"\x08\x01", "'features' has the wire type 0 instead of 2"),
        (b"\xff" * 11, "a number takes more than 10 bytes"),
        (b"\x00", "a field has the number 0"),
        (delimited(1, delimited(1, delimited(1, b"\xff"))), "name of a feature is no UTF-8"),
    ]:
        with pytest.raises(Unreadable, match=reason):
            canonical(record, lists=True)


def test_a_replaced_name_that_is_no_text_is_refused_as_protocol_buffers_refuse_it():
    # An entry of a map with two names: the second counts, and the first is no UTF-8.
    entry = b"\n\x01\xff" + b"\n\x01b" + b"\x12\x05\x1a\x03\n\x01\x07"
    feature = b"\n" + bytes([len(entry)]) + entry
    record = b"\n" + bytes([len(feature)]) + feature
    with pytest.raises(Exception, match="UTF-8"):
        tf.train.Example.FromString(record)
    found = parsed([example(other=("float_list", [1.0])), record], lists=False)
    assert list(found.refused) == [1]
    assert "no UTF-8" in str(found.refused[1])
