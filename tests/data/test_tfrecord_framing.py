"""Records of TFRecord files: their lengths, checksums, and what is said of broken ones."""

import gzip
import io
import random
import struct

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.data.readers.tfrecord import is_framed, masked_crc, masked_crcs, read_blocks
from dure.errors import DataError


def framed(data):
    head = struct.pack("<Q", len(data))
    return b"".join(
        [head, struct.pack("<I", masked_crc(head)), data, struct.pack("<I", masked_crc(data))]
    )


def contents(data, block_bytes=1 << 16):
    found = []
    for block in read_blocks(io.BytesIO(data), "a.tfrecord", block_bytes=block_bytes):
        pairs = zip(block.starts.tolist(), block.stops.tolist(), strict=True)
        found += [block.data[start:stop] for start, stop in pairs]
    return found


def message(data, **options):
    with pytest.raises(DataError) as caught:
        contents(data, **options)
    return str(caught.value)


def test_the_mask_is_that_of_the_format():
    # rotate right by 15 bits, add a constant: record_writer.h
    crc = google_crc32c.value(b"123456789")
    assert crc == 0xE3069283  # the check value of CRC-32C
    turned = ((crc >> 15) | (crc << 17)) & 0xFFFFFFFF
    assert masked_crc(b"123456789") == (turned + 0xA282EAD8) % 2**32


@settings(deadline=None)  # the tables are made at the first call
@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_checksums_of_many_lengths_are_those_of_each(lengths):
    expected = [masked_crc(struct.pack("<Q", length)) for length in lengths]
    assert masked_crcs(np.array(lengths, np.int64)).tolist() == expected


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=30), st.integers(1, 2000))
def test_records_come_back_whatever_the_size_of_a_block(records, size):
    assert contents(b"".join(map(framed, records)), size) == records


def test_places_are_bytes_of_the_file():
    records = [bytes(size) for size in (3, 500, 0, 70, 900)]
    data = b"".join(map(framed, records))
    seen = []
    for block in read_blocks(io.BytesIO(data), "a", block_bytes=200):
        assert data[block.base : block.base + len(block.data)] == block.data
        seen += block.numbers.tolist()
    assert seen == [0, 1, 2, 3, 4]


def test_an_empty_file_has_no_records():
    assert contents(b"") == []
    assert contents(gzip.compress(b"")) == []


def test_gzip_is_recognised_by_its_bytes():
    records = [b"one", b"two" * 1000]
    assert contents(gzip.compress(b"".join(map(framed, records)))) == records


def test_a_length_that_looks_like_gzip_is_a_length():
    record = bytes(0x088B1F)
    data = framed(record)
    assert data.startswith(b"\x1f\x8b\x08")
    assert contents(data) == [record]


@pytest.mark.parametrize("cut", [1, 11, 12, 13, 18])
def test_a_file_that_is_cut_off_is_named_with_record_and_byte(cut):
    data = framed(b"first") + framed(b"abc")[:cut]
    text = message(data)
    assert "'a.tfrecord' is cut off in record 1 at byte 21" in text
    assert f"{cut} bytes, then the end of the file" in text


def test_a_gzip_that_is_cut_off_is_said_to_be():
    data = gzip.compress(random.Random(1).randbytes(1000).join([framed(b"x")] * 2))
    assert "is not a whole gzip file" in message(data[:-20])


@pytest.mark.parametrize("record", [0, 1, 7])
def test_a_broken_length_ends_the_file_with_its_place(record):
    data = bytearray(b"".join([framed(b"12345")] * 8))
    data[21 * record + 9] ^= 1
    text = message(bytes(data))
    assert f"record {record} at byte {21 * record}: its length does not fit its checksum" in text


def test_what_is_no_tfrecord_is_refused_at_once():
    text = message(b"trip_miles,fare\n1,2\n3,4\n")
    assert "record 0 at byte 0" in text
    assert "check that this is a TFRecord file" in text


def test_a_length_that_lies_takes_no_memory():
    head = struct.pack("<Q", 1 << 60)
    data = framed(b"a") + head + struct.pack("<I", masked_crc(head)) + b"little"
    text = message(data)
    assert "is cut off in record 1 at byte 17" in text
    assert "a record of 1,152,921,504,606,846,976 bytes" in text


def test_a_broken_record_is_set_aside_and_those_around_it_are_read():
    data = bytearray(b"".join(map(framed, [b"a", b"bb", b"ccc"])))
    data[17 + 12] ^= 8
    (block,) = read_blocks(io.BytesIO(bytes(data)), "a", block_bytes=1 << 10)
    assert block.numbers.tolist() == [0, 2]
    (broken,) = block.broken
    assert (broken.record, broken.offset) == (1, 17)
    assert broken.reason == "its 2 bytes do not fit their checksum (CRC-32C)"


def test_a_header_is_known_by_its_checksum():
    assert is_framed(framed(b"x"))
    assert not is_framed(b"")
    assert not is_framed(bytes(12))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_change_of_any_byte_is_missed(data):
    records = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
    whole = bytearray(b"".join(map(framed, records)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    try:
        found = list(read_blocks(io.BytesIO(bytes(whole)), "a", block_bytes=64))
    except DataError:
        return
    assert sum(len(block.broken) for block in found) == 1
    assert sum(block.starts.size for block in found) == len(records) - 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.lists(st.binary(max_size=30), max_size=4))
def test_any_bytes_are_records_or_an_error(tail, records):
    start = b"".join(map(framed, records))
    try:
        found = contents(start + tail)
    except DataError as error:
        found = error
    if isinstance(found, DataError):
        assert found.expected
        assert found.got
    else:
        assert found[: len(records)] == records
