"""TFRecord files of tf.Example as batches: real files, and bad ones."""

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.tf_example_encoder import encode
from dure.data.readers.tfrecord import masked_crc
from dure.data.readers.tfrecord_reader import read_tfrecord
from dure.errors import DataError

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "tfx"
ROWS = pl.DataFrame(
    {"fare": [1.5, 2.5, None], "company": ["a", None, "서울"], "n": [[1], [2, 3], None]}
)


def batches(path, **options):
    return list(read_tfrecord(Location.of_path(Path(path)), ReadOptions(**options)))


def read(*paths, **options):
    found = [batch for path in paths for batch in batches(path, **options)]
    for batch in found:
        assert batch.found == batch.frame.height + len(batch.refused)
    return pl.concat([batch.frame for batch in found], how="diagonal_relaxed")


def shared(pattern):
    paths = sorted(DATA.glob(pattern))
    if not paths:
        pytest.skip("the shared data is not beside this checkout")
    return paths


def framed(data):
    head = len(data).to_bytes(8, "little")
    ends = [masked_crc(each).to_bytes(4, "little") for each in (head, data)]
    return head + ends[0] + data + ends[1]


def test_tfx_taxi_files_have_their_known_rows_and_the_values_of_the_csv():
    train = read(*shared("testdata/csv_example_gen/Split-train/*.gz"))
    evaluated = read(*shared("testdata/csv_example_gen/Split-eval/*.gz"))
    assert (train.height, evaluated.height) == (9909, 5091)
    assert train.width == 18
    # TFX read 15,000 of the 15,002 rows of this file.
    csv = pl.read_csv(shared("chicago_taxi/data.csv")[0], infer_schema_length=None)
    both = pl.concat([train, evaluated], how="vertical_relaxed")
    known = set(csv.select("trip_start_timestamp", "trip_seconds", "payment_type").iter_rows())
    assert (
        set(both.select("trip_start_timestamp", "trip_seconds", "payment_type").iter_rows())
        <= known
    )
    assert both["company"].null_count() == pytest.approx(5140, abs=2)
    assert both["trip_miles"].max() == pytest.approx(1710)


def test_external_examples_are_all_there():
    frame = read(*shared("testdata/external/tfrecord/*.gz"))
    assert frame.height == 15_000
    assert frame.width == 18


def test_sequence_examples_of_tfx_are_all_there():
    frame = read(*shared("testdata/tfrecord_sequence/*/*.gz"))
    assert frame.height == 15_000
    assert frame.schema == {"f": pl.Float64, "i": pl.Int64, "s": pl.List(pl.String)}


def test_mnist_examples_are_the_digits_of_mnist():
    frame = read(*shared("mnist_tfrecord/mnist.tfrecord"))
    images = np.rint((frame["image_floats"].list.to_array(784).to_numpy() + 0.5) * 255)
    with np.load(shared("../mnist/mnist.npz")[0]) as mnist:
        known = {image.tobytes() for image in mnist["x_train"].astype(np.uint8)}
    assert frame.height == 1000
    assert all(image.astype(np.uint8).tobytes() in known for image in images)


def test_every_file_is_read_as_tensorflow_reads_it():
    from dure import quiet

    with quiet.start():
        tf = pytest.importorskip("tensorflow")
    path = shared("testdata/external/tfrecord/*.gz")[0]
    frame = read(path)
    spec = {
        name: tf.io.RaggedFeature(
            {"String": tf.string, "Int64": tf.int64}.get(str(kind), tf.float32)
        )
        for name, kind in frame.schema.items()
    }
    records = tf.data.TFRecordDataset(str(path), "GZIP").batch(10_000)
    (theirs,) = records.map(lambda batch: tf.io.parse_example(batch, spec))
    for name, ragged in theirs.items():
        lists = [values[0] if values else None for values in ragged.to_list()]
        lists = [each.decode() if isinstance(each, bytes) else each for each in lists]
        assert frame[name].to_list() == lists


def test_gzip_is_read_under_any_name(tmp_path):
    data = encode(ROWS)
    (tmp_path / "a.tfrecord").write_bytes(gzip.compress(data))
    (tmp_path / "b.tfrecord.gz").write_bytes(gzip.compress(data))
    (tmp_path / "c.tfrecord").write_bytes(data)
    for name in ("a.tfrecord", "b.tfrecord.gz", "c.tfrecord"):
        assert read(tmp_path / name).select(ROWS.columns).equals(ROWS)


def test_a_remote_file_is_read(tmp_path):
    import fsspec

    with fsspec.open("memory://bucket/a.tfrecord.gz", "wb") as file:
        file.write(gzip.compress(encode(ROWS)))
    (batch,) = read_tfrecord(Location.of_url("memory://bucket/a.tfrecord.gz"), ReadOptions())
    assert batch.frame.select(ROWS.columns).equals(ROWS)


def test_an_empty_file_has_no_batches(tmp_path):
    (tmp_path / "a.tfrecord").write_bytes(b"")
    assert batches(tmp_path / "a.tfrecord") == []


def test_batches_are_cut_by_size_and_have_the_same_types(tmp_path):
    frame = pl.DataFrame(
        {"n": [[i] if i % 7 else [i, i] for i in range(5000)], "late": [None] * 4000 + [1] * 1000}
    )
    (tmp_path / "a.tfrecord").write_bytes(encode(frame))
    found = batches(tmp_path / "a.tfrecord", batch_bytes=20_000)
    assert len(found) >= 5
    assert {batch.frame.schema["n"] for batch in found} == {pl.List(pl.Int64)}
    assert pl.concat([batch.frame for batch in found], how="diagonal_relaxed")["n"].equals(
        frame["n"]
    )


def broken(tmp_path):
    records = [
        framed(bytes([0x0A, 0])),
        bytearray(framed(encode(ROWS[:1])[12:-4])),
        framed(b"\x0a\x7fxx"),
    ]
    records[1][15] ^= 1
    good = encode(ROWS)
    path = tmp_path / "a.tfrecord"
    path.write_bytes(good + b"".join(map(bytes, records)) + good)
    return path, len(good), len(records[1])


def test_a_bad_record_stops_the_reading_with_its_place(tmp_path):
    path, good, _ = broken(tmp_path)
    with pytest.raises(DataError) as caught:
        batches(path)
    text = str(caught.value)
    assert f"a.tfrecord', record 4, byte {good + 18:,}: the record cannot be read" in text
    assert "do not fit their checksum (CRC-32C)" in text
    assert 'on_bad_rows="quarantine"' in text


def test_or_is_set_aside_and_the_others_are_read(tmp_path):
    path, good, size = broken(tmp_path)
    (batch,) = batches(path, on_bad_rows="quarantine")
    assert batch.found == 9
    assert batch.frame["company"].to_list() == ["a", None, "서울", None, "a", None, "서울"]
    assert [(each.file, each.place) for each in batch.refused] == [
        ("a.tfrecord", f"record 4, byte {good + 18:,}"),
        ("a.tfrecord", f"record 5, byte {good + 18 + size:,}"),
    ]
    assert batch.refused[1].reason == "field 1 needs 125 bytes more than there are"


def test_what_follows_a_broken_length_is_not_trusted_even_in_quarantine(tmp_path):
    data = bytearray(encode(ROWS))
    data[8] ^= 1
    (tmp_path / "a.tfrecord").write_bytes(bytes(data))
    with pytest.raises(DataError, match="record 0 at byte 0: its length does not fit"):
        batches(tmp_path / "a.tfrecord", on_bad_rows="quarantine")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_bytes_give_rows_refusals_or_an_error(tmp_path_factory, data):
    whole = bytearray(encode(ROWS) * 2)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.getbasetemp() / "fuzz.tfrecord"
    path.write_bytes(bytes(whole))
    try:
        found = batches(path, on_bad_rows="quarantine")
    except DataError as error:
        found = error
    if isinstance(found, DataError):
        assert "fuzz.tfrecord" in str(found)
        assert "byte" in str(found)
        return
    rows = sum(batch.frame.height + len(batch.refused) for batch in found)
    assert rows == sum(batch.found for batch in found)


def test_memory_is_bounded_by_the_size_of_a_batch(tmp_path):
    path = tmp_path / "a.tfrecord"
    rows = pl.DataFrame({f"feature {i}": np.arange(2000.0) for i in range(20)})
    with path.open("wb") as file:
        for _ in range(50):
            file.write(encode(rows))
    tracemalloc.start()
    count = 0
    for batch in read_tfrecord(Location.of_path(path), ReadOptions(batch_bytes=1 << 22)):
        count += batch.frame.height
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert path.stat().st_size > 45 << 20
    assert peak < 32 << 20  # without what Polars holds, which is the batch
