"""TFRecord files that Dure writes, read by TensorFlow and by Dure."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure import quiet
from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.tf_example_encoder import encode
from dure.data.readers.tfrecord_reader import read_tfrecord
from dure.data.readers.tfrecord_writer import write_tfrecord
from dure.errors import DataError, UsageError

with quiet.start():
    tf = pytest.importorskip("tensorflow")


def read(*paths):
    batches = [b for path in paths for b in read_tfrecord(Location.of_path(path), ReadOptions())]
    return pl.concat([batch.frame for batch in batches])


def messages(path, compression=""):
    records = tf.data.TFRecordDataset(str(path), compression).as_numpy_iterator()
    return [tf.train.Example.FromString(record) for record in records]


FRAME = pl.DataFrame(
    {
        "count": [1, -1, None, 2**62],
        "fare": [2.5, None, float("inf"), 0.1],
        "flag": [True, False, None, True],
        "company": ["Yellow", "", "서울", None],
        "raw": [b"\xff", b"", None, b"x" * 300],
        "many": [[1, 2], [], None, [2**63 - 1, -(2**63)]],
        "words": [["a", "bb" * 100], None, [], [""]],
        "real": [[0.5], [1.0, 2.0, 3.0], None, []],
        "a" * 130: [1, 2, 3, None],
    }
)


def test_tensorflow_finds_what_was_written(tmp_path):
    (path,) = write_tfrecord(FRAME, tmp_path / "a.tfrecord")
    found = messages(path)
    kinds = {"count": "int64", "fare": "float", "flag": "int64", "company": "bytes", "raw": "bytes"}
    kinds |= {"many": "int64", "words": "bytes", "real": "float", "a" * 130: "int64"}
    assert len(found) == FRAME.height
    for message, row in zip(found, FRAME.to_dicts(), strict=True):
        features = message.features.feature
        assert set(features) == {name for name, value in row.items() if value is not None}
        for name, feature in features.items():
            assert feature.WhichOneof("kind") == f"{kinds[name]}_list"
            values = list(getattr(feature, f"{kinds[name]}_list").value)
            wanted = row[name] if isinstance(row[name], list) else [row[name]]
            wanted = [value.encode() if isinstance(value, str) else value for value in wanted]
            if kinds[name] == "float":
                wanted = [float(np.float32(value)) for value in wanted]
            assert values == wanted


def test_the_bytes_are_those_that_protocol_buffers_write(tmp_path):
    (path,) = write_tfrecord(FRAME, tmp_path / "a.tfrecord")
    theirs = tmp_path / "theirs.tfrecord"
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for message in messages(path):
            writer.write(message.SerializeToString(deterministic=True))
    assert path.read_bytes() == theirs.read_bytes()


def test_parse_example_reads_it_in_tf_data(tmp_path):
    frame = pl.DataFrame(
        {"fare": [1.5, 2.5, 3.5], "company": ["a", "b", None], "n": [[1], [2, 3], []]}
    )
    paths = write_tfrecord(frame, tmp_path / "out", compression="gzip", shards=2)
    spec = {
        "fare": tf.io.FixedLenFeature([], tf.float32),
        "company": tf.io.FixedLenFeature([], tf.string, ""),
        "n": tf.io.RaggedFeature(tf.int64),
    }
    data = tf.data.TFRecordDataset([str(path) for path in paths], "GZIP").batch(3)
    (batch,) = data.map(lambda records: tf.io.parse_example(records, spec))
    assert batch["fare"].numpy().tolist() == [1.5, 2.5, 3.5]
    assert batch["company"].numpy().tolist() == [b"a", b"b", b""]
    assert batch["n"].to_list() == [[1], [2, 3], []]


scalars = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
texts = st.one_of(st.none(), st.text(max_size=200))
reals = st.one_of(st.none(), st.floats(width=32, allow_nan=False))


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(1, 40))
def test_what_is_written_comes_back(data, rows):
    def column(values):
        return data.draw(st.lists(values, min_size=rows, max_size=rows))

    some = st.one_of(st.none(), st.lists(st.integers(-5, 300), min_size=1, max_size=5))
    frame = pl.DataFrame(
        {"a": column(scalars), "b": column(texts), "c": column(reals), "d": column(some)},
        schema={"a": pl.Int64, "b": pl.String, "c": pl.Float64, "d": pl.List(pl.Int64)},
    ).with_columns(sure=pl.lit(1, pl.Int64))
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write_tfrecord(frame, Path(folder) / "a.tfrecord")
        back = read(path)
    for name, series in back.to_dict().items():
        wanted = frame[name].to_list()
        if name == "d" and series.dtype == pl.Int64:  # no list had more than one value
            wanted = [None if each is None else each[0] for each in wanted]
        assert series.to_list() == wanted


def test_the_same_rows_give_the_same_bytes(tmp_path):
    first = write_tfrecord(FRAME, tmp_path / "a", compression="gzip")[0].read_bytes()
    mixed = FRAME.select(reversed(FRAME.columns))
    assert write_tfrecord(mixed, tmp_path / "b", compression="gzip")[0].read_bytes() == first
    assert gzip.decompress(first) == encode(FRAME.with_columns(pl.col("flag").cast(pl.Int64)))


def test_files_in_a_folder_have_the_names_of_tfx_and_the_rows_in_order(tmp_path):
    frame = pl.DataFrame({"n": range(10)})
    paths = write_tfrecord(frame, tmp_path / "train", compression="gzip", shards=3)
    assert [path.name for path in paths] == [f"data_tfrecord-0000{i}-of-00003.gz" for i in range(3)]
    assert [read(path).height for path in paths] == [3, 3, 4]
    assert read(*paths)["n"].to_list() == list(range(10))


def test_parts_are_a_file_each(tmp_path):
    parts = (pl.DataFrame({"n": [start, start + 1]}) for start in (0, 2))
    paths = write_tfrecord(parts, tmp_path / "train")
    assert [read(path)["n"].to_list() for path in paths] == [[0, 1], [2, 3]]
    (one,) = write_tfrecord(
        [pl.DataFrame({"n": [7]}), pl.DataFrame({"n": [8]})], tmp_path / "a.tfrecord.gz"
    )
    assert [m.features.feature["n"].int64_list.value[0] for m in messages(one, "GZIP")] == [7, 8]


def test_no_rows_are_an_empty_file(tmp_path):
    (path,) = write_tfrecord(
        pl.DataFrame({"n": pl.Series([], dtype=pl.Int64)}), tmp_path / "a.tfrecord"
    )
    assert path.read_bytes() == b""


def test_other_types_become_standard_ones_first(tmp_path):
    frame = pl.DataFrame(
        {"day": pl.Series(["2024-02-29"]).str.to_date(), "small": pl.Series([3], dtype=pl.UInt8)}
    )
    (path,) = write_tfrecord(frame, tmp_path / "a.tfrecord")
    assert read(path).to_dicts() == [{"day": "2024-02-29", "small": 3}]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([{"x": 1}], "cannot be written as tf.Example"),
        ([[[1]]], "cannot be written as tf.Example"),
        ([[1], [2, None]], "has a list with a null in it, in row 1"),
        ([1e39], "a number that tf.Example has no place for"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path, values, reason):
    for name in ("a.tfrecord", "folder"):
        with pytest.raises(DataError, match=reason):
            write_tfrecord(pl.DataFrame({"bad": values}), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_stands_there_whole_or_as_it_was(tmp_path):
    def parts():
        yield pl.DataFrame({"n": [1]})
        raise KeyboardInterrupt

    (path,) = write_tfrecord(pl.DataFrame({"n": [0]}), tmp_path / "a.tfrecord")
    before = path.read_bytes()
    for name in ("a.tfrecord", "folder"):
        with pytest.raises(KeyboardInterrupt):
            write_tfrecord(parts(), tmp_path / name)
    assert [each.name for each in tmp_path.iterdir()] == ["a.tfrecord"]
    assert path.read_bytes() == before


def test_parts_with_other_columns_are_refused(tmp_path):
    with pytest.raises(DataError, match="columns of part 1 differ"):
        write_tfrecord([pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})], tmp_path / "x")


def test_wrong_arguments_are_refused(tmp_path):
    frame = pl.DataFrame({"a": [1]})
    (tmp_path / "there").mkdir()
    for name, options in [
        ("there", {}),
        ("a.tfrecord", {"compression": "gzip"}),
        ("a.tfrecord", {"shards": 2}),
        ("x", {"shards": 0}),
        ("x", {"compression": "zip"}),
    ]:
        with pytest.raises(UsageError):
            write_tfrecord(frame, tmp_path / name, **options)
