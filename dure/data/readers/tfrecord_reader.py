"""TFRecord files of tf.Example, tf.SequenceExample or other protocol buffers, as batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.readers.tf_example import Parsed, Parser
from dure.data.readers.tfrecord import Block, read_blocks
from dure.data.types import unite
from dure.errors import DataError, UsageError

if TYPE_CHECKING:
    from dure.data.location import Location
from dure.data.naming import named

_BLOCK = 1 << 20  # bytes parsed at once; what NumPy makes of them fits the cache of a processor
_EXAMPLE = "tf.train.Example"
_SEQUENCE = "tf.train.SequenceExample"


def read_tfrecord(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the records of a TFRecord file, or of one message after another.

    Parameters
    ----------
    location : Location
        The file, plain or gzip, whatever its name says.
    options : ReadOptions
        ``message`` says what a record is. None: tf.Example or tf.SequenceExample, which are told
        apart record by record. ``"tf.train.Example"``: what looks like feature lists is ignored.
        ``"descriptor_set.pb:package.Message"``: a message of that type (extra ``tfx``); the file
        may then also be messages that each begin with their length.

    Raises
    ------
    DataError
        The file is cut off, or a length does not fit its checksum; or, unless
        ``on_bad_rows="quarantine"``, the data of a record does not, or is no such message.

    Notes
    -----
    See `dure.data.readers.tf_example` for what becomes of features, `dure.data.readers.sequence_example` for
    feature lists, and `dure.data.readers.proto_messages` for other messages. An empty file has no records.
    """
    parse = _parser(options)
    blocks = _blocks(options)
    size = min(_BLOCK, max(options.batch_bytes // 8, 1))
    with location.open() as stream:
        gathered = _Gathered()
        for block in blocks(stream, location.url, block_bytes=size):
            refused = _broken(block, location)
            parsed = parse(block)
            refused += _refused(block, parsed, location)
            refused.sort(key=lambda each: each[0])
            if refused and options.on_bad_rows == "fail":
                raise _failure(location, refused[0][1], options)
            gathered.add(block, parsed, [each for _, each in refused])
            # A frame is about as large as the records that it comes from.
            if gathered.bytes >= options.batch_bytes:
                yield gathered.batch(location.url)
                gathered = _Gathered()
        if gathered.found:
            yield gathered.batch(location.url)


@dataclass
class _Gathered:
    """What becomes one batch."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    found: int = 0
    bytes: int = 0

    def add(self, block: Block, parsed: Parsed, refused: list[Refused]) -> None:
        self.frames.append(parsed.frame)
        self.refused += refused
        self.found += block.starts.size + len(block.broken)
        self.bytes += int((block.stops - block.starts).sum())

    def batch(self, name: str) -> Batch:
        filled = [frame for frame in self.frames if frame.height]
        if len(filled) > 1 and any(frame.schema != filled[0].schema for frame in filled[1:]):
            columns = list(dict.fromkeys(name for frame in filled for name in frame.columns))
            filled = [
                frame.select(
                    named(column) if column in frame.columns else pl.lit(None).alias(column)
                    for column in columns
                )
                for frame in filled
            ]
            filled = unite({f"{name}, part {at}": each for at, each in enumerate(filled)})
        frame = pl.concat(filled) if filled else pl.DataFrame()
        return Batch(frame, tuple(self.refused), self.found)


Parse = Callable[[Block], Parsed]


def _parser(options: ReadOptions) -> Parse:
    message = options.message
    if message in (None, _SEQUENCE):
        return Parser().parse
    if message == _EXAMPLE:
        return Parser(lists=False).parse
    if ":" not in str(message):
        raise UsageError(
            f"there is no message '{message}' that Dure knows",
            expected=f"{_EXAMPLE}, {_SEQUENCE}, or descriptor_set.pb:package.Message",
            got=f"message={message!r}",
            fix="write a descriptor set: protoc --include_imports --descriptor_set_out=FILE.pb",
        )
    from dure.data.readers.proto_messages import Messages

    return Messages(str(message)).parse


def _blocks(options: ReadOptions) -> Callable[..., Iterator[Block]]:
    if ":" not in (options.message or ""):
        return read_blocks
    from dure.data.readers.proto_messages import read_messages

    return read_messages


def _broken(block: Block, location: Location) -> list[tuple[int, Refused]]:
    return [
        (each.record, Refused(location.name, _place(each.record, each.offset), each.reason))
        for each in block.broken
    ]


def _refused(block: Block, parsed: Parsed, location: Location) -> list[tuple[int, Refused]]:
    found = []
    for index, reason in parsed.refused.items():
        number = int(block.numbers[index])
        start, stop = int(block.starts[index]), int(block.stops[index])
        offset = block.base + start - block.header
        text = _text(block.data[start : min(stop, start + 1000)])
        found.append((number, Refused(location.name, _place(number, offset), reason, text)))
    return found


def _text(data: bytes) -> str:
    """Return bytes as text, if that is what they are."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _place(record: int, offset: int) -> str:
    return f"record {record:,}, byte {offset:,}"


def _failure(location: Location, refused: Refused, options: ReadOptions) -> DataError:
    what = options.message or "tf.Example or tf.SequenceExample"
    return DataError(
        f"'{location.url}', {refused.place}: the record cannot be read",
        expected=f"a record of {what.rpartition(':')[2]}, as it was written",
        got=refused.reason,
        fix='write the file again; or on_bad_rows="quarantine" sets such records aside',
    )
