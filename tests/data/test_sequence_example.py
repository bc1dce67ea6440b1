"""tf.SequenceExample as columns: steps, lists of steps, and what is missing."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure import quiet
from dure.data.readers.tf_canonical import varint
from dure.data.readers.tf_example import Parser
from dure.data.readers.tfrecord import Block
from dure.data.readers.tfrecord_reader import _Gathered
from dure.errors import DataError

with quiet.start():
    tf = pytest.importorskip("tensorflow")

KINDS = {"tokens": "bytes_list", "scores": "float_list", "ids": "int64_list"}


def block_of(records):
    sizes = np.array([len(record) for record in records], np.int64)
    stops = np.cumsum(sizes)
    return Block(b"".join(records), stops - sizes, stops, np.arange(len(records)), 0)


def feature(kind, values):
    made = tf.train.Feature()
    if values is not None:
        getattr(made, kind).value.extend(values)
        getattr(made, kind).SetInParent()
    return made


def record(lists, **context):
    message = tf.train.SequenceExample()
    for name, values in context.items():
        message.context.feature[name].CopyFrom(feature("int64_list", values))
    for name, steps in lists.items():
        made = message.feature_lists.feature_list[name]
        made.feature.extend(feature(KINDS[name], values) for values in steps)
    return message.SerializeToString()


def frame_of(records):
    found = Parser().parse(block_of(records))
    assert not found.refused
    return found.frame


def test_steps_of_one_value_are_lists_of_values():
    frame = frame_of([record({"tokens": [[b"a"], [b"b"]], "ids": [[1]]}, n=[7]), record({}, n=[8])])
    assert frame.to_dict(as_series=False) == {
        "n": [7, 8],
        "ids": [[1], None],
        "tokens": [["a", "b"], None],
    }
    assert frame.schema["ids"] == pl.List(pl.Int64)


def test_steps_of_several_values_are_lists_of_lists():
    frame = frame_of([record({"scores": [[1.5], [2.5, 3.5]]}), record({"scores": [[4.5]]})])
    assert frame["scores"].to_list() == [[[1.5], [2.5, 3.5]], [[4.5]]]


def test_a_list_without_steps_is_empty_and_an_absent_one_null():
    frame = frame_of(
        [record({"ids": []}), record({"tokens": [[b"x"]]}), record({"ids": [[1], [2]]})]
    )
    assert frame["ids"].to_list() == [[], None, [1, 2]]


def test_a_step_without_value_or_kind_is_an_empty_list():
    frame = frame_of([record({"ids": [[1], [], None, [2]]})])
    assert frame["ids"].to_list() == [[[1], [], [], [2]]]


def test_lists_without_any_value_have_no_type():
    assert frame_of([record({"ids": []}, n=[1])]).schema["ids"] == pl.List(pl.Null)
    frame = frame_of([record({"ids": [[], None]}, n=[1])])
    assert frame["ids"].to_list() == [[[], []]]


def test_the_type_does_not_depend_on_where_blocks_are_cut():
    records = [
        record({"ids": []}),
        record({"ids": [[1], [2]]}),
        record({}),
        record({"ids": [[], None]}),
        record({"ids": [[3, 4]]}),
    ]
    together = frame_of(records)
    parser, gathered = Parser(), _Gathered()
    for each in records:
        block = block_of([each])
        gathered.add(block, parser.parse(block), [])
    apart = gathered.batch("a").frame
    assert apart.to_dict(as_series=False) == together.to_dict(as_series=False)
    assert apart.schema == together.schema
    assert together["ids"].to_list() == [[], [[1], [2]], None, [[], []], [[3, 4]]]


def test_a_name_of_context_and_lists_is_refused():
    with pytest.raises(DataError, match="'ids' is the name of a feature of the context and of"):
        frame_of([record({"ids": [[1]]}, ids=[1])])


def test_a_kind_that_changes_inside_a_list_is_refused():
    odd = tf.train.SequenceExample.FromString(record({"ids": [[1], [2]]}))
    odd.feature_lists.feature_list["ids"].feature[1].float_list.value.append(1.0)
    found = Parser().parse(block_of([record({"ids": [[5]]}), odd.SerializeToString()]))
    assert found.refused == {
        1: "feature 'ids' is a list of floats here, and of int64s in records before"
    }
    assert found.frame["ids"].to_list() == [[5]]


def test_records_written_in_another_form_are_read_alike():
    usual = record({"ids": [[1, 2], [3]], "tokens": [[b"a"]]}, n=[9])
    message = tf.train.SequenceExample.FromString(usual)
    context = message.context.SerializeToString()
    lists = message.feature_lists.SerializeToString()
    odd = b"".join(
        [
            b"\x12" + varint(len(lists)) + lists,  # lists before the context
            b"\x0a" + varint(len(context)) + context,
            b"\x58\x01",  # field 11, which nobody knows
        ]
    )
    assert frame_of([usual, odd] * 30).unique().height == 1


step = st.one_of(st.none(), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.lists(step, max_size=4)), min_size=1, max_size=6),
    st.sampled_from([1, 20]),
)
def test_any_lists_come_back(rows, times):
    records = [record({} if steps is None else {"ids": steps}, n=[1]) for steps in rows] * times
    frame = frame_of(records)
    if all(steps is None for steps in rows):
        assert frame.columns == ["n"]
        return
    one_each = all(each is not None and len(each) == 1 for steps in rows if steps for each in steps)
    wanted = [
        None if steps is None else [each[0] if one_each else (each or []) for each in steps]
        for steps in rows
    ]
    assert frame["ids"].to_list() == wanted * times
