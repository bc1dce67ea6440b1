"""Records of any protocol buffer, by its descriptor."""

import gzip

import polars as pl
import pytest

from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.tf_canonical import varint
from dure.data.readers.tfrecord import masked_crc
from dure.data.readers.tfrecord_reader import read_tfrecord
from dure.errors import DataError, DureError, UsageError

pb = pytest.importorskip("google.protobuf.descriptor_pb2")


def framed(data):
    head = len(data).to_bytes(8, "little")
    ends = [masked_crc(each).to_bytes(4, "little") for each in (head, data)]
    return head + ends[0] + data + ends[1]


T = pb.FieldDescriptorProto


def field(number, name, kind, *, label=T.LABEL_OPTIONAL, of=None, **more):
    return T(name=name, number=number, type=kind, label=label, type_name=of, **more)


def trips():
    """taxi.Trip, as protoc would describe it."""
    many = T.LABEL_REPEATED
    entry = pb.DescriptorProto(
        name="TagsEntry",
        field=[field(1, "key", T.TYPE_STRING), field(2, "value", T.TYPE_INT32)],
        options=pb.MessageOptions(map_entry=True),
    )
    stop = pb.DescriptorProto(
        name="Stop", field=[field(1, "name", T.TYPE_STRING), field(2, "at", T.TYPE_DOUBLE)]
    )
    kind = pb.EnumDescriptorProto(
        name="Pay", value=[{"name": "CASH", "number": 0}, {"name": "CARD", "number": 3}]
    )
    trip = pb.DescriptorProto(
        name="Trip",
        nested_type=[entry, stop],
        enum_type=[kind],
        oneof_decl=[{"name": "who"}, {"name": "_tip"}],
        field=[
            field(1, "id", T.TYPE_UINT64),
            field(2, "fare", T.TYPE_FLOAT),
            field(3, "flag", T.TYPE_BOOL),
            field(4, "pay", T.TYPE_ENUM, of=".taxi.Trip.Pay"),
            field(5, "raw", T.TYPE_BYTES),
            field(6, "from", T.TYPE_MESSAGE, of=".taxi.Trip.Stop"),
            field(7, "stops", T.TYPE_MESSAGE, label=many, of=".taxi.Trip.Stop"),
            field(8, "tags", T.TYPE_MESSAGE, label=many, of=".taxi.Trip.TagsEntry"),
            field(9, "driver", T.TYPE_STRING, oneof_index=0),
            field(10, "robot", T.TYPE_INT32, oneof_index=0),
            field(11, "tip", T.TYPE_DOUBLE, oneof_index=1, proto3_optional=True),
            field(12, "codes", T.TYPE_SINT64, label=many),
            field(13, "at", T.TYPE_MESSAGE, of=".google.protobuf.Timestamp"),
        ],
    )
    loop = pb.DescriptorProto(
        name="Loop", field=[field(1, "inner", T.TYPE_MESSAGE, of=".taxi.Loop")]
    )
    file = pb.FileDescriptorProto(
        name="taxi.proto",
        package="taxi",
        syntax="proto3",
        message_type=[trip, loop],
        dependency=["google/protobuf/timestamp.proto"],
    )
    from google.protobuf import timestamp_pb2

    stamp = pb.FileDescriptorProto.FromString(timestamp_pb2.DESCRIPTOR.serialized_pb)
    return pb.FileDescriptorSet(file=[stamp, file])


@pytest.fixture
def described(tmp_path):
    path = tmp_path / "taxi.desc"
    path.write_bytes(trips().SerializeToString())
    return path


def message_class(name="taxi.Trip"):
    from google.protobuf import descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    for file in trips().file:
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def full():
    trip = message_class()(id=2**63 - 1, fare=1.5, flag=True, pay=3, raw=b"\xff", driver="ann")
    getattr(trip, "from").name = "A"
    trip.stops.add(name="B", at=2.5)
    trip.stops.add()
    trip.tags["z"] = 1
    trip.tags["a"] = -2
    trip.tip = 0.0
    trip.codes.extend([-1, 2**62])
    trip.at.seconds = 5
    return trip


FULL = {
    "id": 2**63 - 1,
    "fare": 1.5,
    "flag": True,
    "pay": "CARD",
    "raw": b"\xff",
    "from": {"name": "A", "at": 0.0},
    "stops": [{"name": "B", "at": 2.5}, {"name": "", "at": 0.0}],
    "tags": [{"key": "a", "value": -2}, {"key": "z", "value": 1}],
    "driver": "ann",
    "robot": None,
    "tip": 0.0,
    "codes": [-1, 2**62],
    "at": {"seconds": 5, "nanos": 0},
}
EMPTY = {
    "id": 0, "fare": 0.0, "flag": False, "pay": "CASH", "raw": b"", "from": None, "stops": [],
    "tags": [], "driver": None, "robot": None, "tip": None, "codes": [], "at": None,
}  # fmt: skip


def read(path, message, **options):
    options = ReadOptions(message=message, **options)
    return list(read_tfrecord(Location.of_path(path), options))


def delimited(records):
    return b"".join(varint(len(record)) + record for record in records)


@pytest.mark.parametrize("write", [lambda rs: b"".join(map(framed, rs)), delimited])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_messages_become_nested_columns(tmp_path, described, write, pack):
    path = tmp_path / "trips.pb"
    path.write_bytes(pack(write([full().SerializeToString(), b""])))
    (batch,) = read(path, f"{described}:taxi.Trip")
    assert batch.frame.to_dicts() == [FULL, EMPTY]
    assert batch.frame.schema["codes"] == pl.List(pl.Int64)
    assert batch.found == 2


def test_an_unknown_number_of_an_enum_is_its_number(tmp_path, described):
    (tmp_path / "a").write_bytes(framed(message_class()(pay=77).SerializeToString()))
    (batch,) = read(tmp_path / "a", f"{described}:taxi.Trip")
    assert batch.frame["pay"].to_list() == ["77"]


def test_bad_messages_are_named_or_set_aside(tmp_path, described):
    path = tmp_path / "a.tfrecord"
    large = message_class()(id=2**63).SerializeToString()
    path.write_bytes(framed(b"") + framed(large) + framed(b"\x0a\x7f"))
    with pytest.raises(DataError) as caught:
        read(path, f"{described}:taxi.Trip")
    assert "record 1, byte 16: the record cannot be read" in str(caught.value)
    assert f"'taxi.Trip.id' is {2**63}, which does not fit" in str(caught.value)
    (batch,) = read(path, f"{described}:taxi.Trip", on_bad_rows="quarantine")
    assert (batch.frame.height, batch.found) == (1, 3)
    assert [each.place for each in batch.refused] == [
        "record 1, byte 16",
        f"record 2, byte {32 + len(large)}",
    ]
    assert batch.refused[1].reason.startswith("it is no taxi.Trip: ")


def test_many_messages_with_lengths_come_back_whatever_the_size_of_a_block(tmp_path, described):
    path = tmp_path / "a.pb"
    trips = [message_class()(id=number, raw=bytes(number % 300)) for number in range(500)]
    path.write_bytes(delimited(trip.SerializeToString() for trip in trips))
    batches = read(path, f"{described}:taxi.Trip", batch_bytes=4000)
    assert len(batches) > 5
    frame = pl.concat([batch.frame for batch in batches])
    assert frame["id"].to_list() == list(range(500))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (delimited([b"\x08\x01"]) + b"\x09abc", "is cut off in message 1 at byte 3"),
        (b"\xff" * 20, "message 0 at byte 0: its length is none"),
    ],
)
def test_broken_lengths_are_named(tmp_path, described, data, reason):
    (tmp_path / "a.pb").write_bytes(data)
    with pytest.raises(DataError, match=reason):
        read(tmp_path / "a.pb", f"{described}:taxi.Trip")


def test_what_is_no_descriptor_or_message_is_refused(tmp_path, described):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(framed(b""))
    with pytest.raises(UsageError, match=r"did you mean 'taxi\.Trip'") as caught:
        read(path, f"{described}:taxi.Tripp")
    assert "has no message 'taxi.Tripp'" in str(caught.value)
    for content in (b"\xff\xff", pb.FileDescriptorSet(file=[trips().file[1]]).SerializeToString()):
        described.write_bytes(content)
        with pytest.raises(UsageError, match="cannot be read as a descriptor set"):
            read(path, f"{described}:taxi.Trip")
    with pytest.raises(UsageError, match="cannot be read as a descriptor set"):
        read(path, f"{tmp_path}/none.pb:taxi.Trip")
    with pytest.raises(UsageError, match="protoc --include_imports"):
        read(path, "taxi.Trip")


def test_a_message_in_itself_is_refused(tmp_path, described):
    (tmp_path / "a").write_bytes(framed(b""))
    with pytest.raises(DataError, match=r"taxi\.Loop in taxi\.Loop"):
        read(tmp_path / "a", f"{described}:taxi.Loop")


def test_without_protobuf_the_extra_is_named(tmp_path, described, monkeypatch):
    (tmp_path / "a").write_bytes(framed(b""))
    monkeypatch.setitem(__import__("sys").modules, "google.protobuf", None)
    with pytest.raises(DureError, match="needs the package 'protobuf'"):
        read(tmp_path / "a", f"{described}:taxi.Trip")
