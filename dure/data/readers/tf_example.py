"""Records of tf.Example as columns, without TensorFlow.

``tf.Example`` and ``tf.SequenceExample`` (``tensorflow/core/example/example.proto``)::

    Example         { Features features = 1; }
    SequenceExample { Features context = 1;  FeatureLists feature_lists = 2; }
    Features        { map<string, Feature> feature = 1; }          key = 1, value = 2
    Feature         { oneof { BytesList = 1; FloatList = 2; Int64List = 3 } }
    …List           { repeated … value = 1 }                       numbers packed, or not
    FeatureLists    { map<string, FeatureList> feature_list = 1; }
    FeatureList     { repeated Feature feature = 1; }

Each Example is a SequenceExample without lists, so there is one parser for both.

**What becomes what.** A feature with at most one value in each record is a column of values, else
a column of lists. Values of bytes are text where all of a block are UTF-8. A feature that a record
does not have, one without a kind and one with an empty list are all the same: null. (TFX writes
what is missing in a CSV file as a feature without a kind; ``tf.io.parse_example`` does not tell
the three apart either.) float32 values become float64 without a change.

Records that are written as every known library writes them are read in bulk (`dure.data.readers.wire`).
The format allows more: fields in another order, twice, unknown, unpacked. Such a record is
rewritten in the usual form by `dure.data.readers.tf_canonical`, which also says what is wrong with a bad one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from dure.data.readers.tf_canonical import KINDS, Unreadable, canonical
from dure.data.readers.tf_columns import Flat, Values, frame_of
from dure.data.readers.tf_names import Names
from dure.data.readers.tfrecord import Block, Ints
from dure.data.readers.wire import Mask, Wire, fields

_KIND_TAGS = (0x0A, 0x12, 0x1A)  # of a Feature: bytes, float, int64
_CONTEXT, _LISTS = 0x0A, 0x12  # of a record


@dataclass(frozen=True)
class Parsed:
    """The records of a block as columns.

    Parameters
    ----------
    frame : polars.DataFrame
        One row for each record that could be read, in their order.
    refused : dict of int to str
        Why each other record could not be read, by its index in the block.
    """

    frame: pl.DataFrame
    refused: dict[int, str]


@dataclass
class Parser:
    """Reads block after block of one source, and remembers the features that it has met.

    Parameters
    ----------
    lists : bool
        Whether records may have feature lists. False: they are unknown fields, and ignored.
    """

    lists: bool = True
    names: Names = field(default_factory=Names)
    list_names: Names = field(default_factory=Names)

    def parse(self, block: Block) -> Parsed:
        """Return the records of a block as columns.

        A record is refused if it is no tf.Example, or if a feature has another kind in it than
        in the first record that has it. The features of all blocks so far are columns.
        """
        data, start, stop = block.data, block.starts.copy(), block.stops.copy()
        left = np.arange(start.size)
        refused: dict[int, str] = {}
        rewritten = np.zeros(start.size, np.bool_)
        while True:
            attempt = _Attempt(self, Wire(data), start[left], stop[left])
            columns = attempt.columns()
            if not attempt.bad.any() and not attempt.reasons:
                attempt.remember()
                return Parsed(frame_of(attempt.wire, columns, left.size), refused)
            if not attempt.bad.any():  # else a record that is refused may have set a kind
                refused |= {int(left[index]): why for index, why in attempt.reasons.items()}
            pieces, end = [data], len(data)
            for index in left[attempt.bad].tolist():
                if rewritten[index]:
                    raise AssertionError(f"record {index} of the block is canonical, yet not read")
                try:
                    record = canonical(data[start[index] : stop[index]], lists=self.lists)
                except Unreadable as error:
                    refused[index] = str(error)
                    continue
                start[index], stop[index] = end, end + len(record)
                rewritten[index] = True
                pieces.append(record)
                end += len(record)
            data = b"".join(pieces)
            left = np.array([i for i in left.tolist() if i not in refused], np.int64)


@dataclass(frozen=True)
class _Features:
    """The features of one name in some messages: ascending, each message at most once."""

    name: str
    owner: Ints
    tag: Any  # 0 where there is no kind
    start: Ints  # of the list of its values
    stop: Ints


class _Attempt:
    """One reading of records in their usual form."""

    def __init__(self, parser: Parser, wire: Wire, start: Ints, stop: Ints) -> None:
        self.parser, self.wire = parser, wire
        self.rows = start.size
        self.bad = np.zeros(start.size, np.bool_)
        self.reasons: dict[int, str] = {}
        tags = (_CONTEXT, _LISTS) if parser.lists else (_CONTEXT,)
        self.kinds: dict[tuple[int, str], int] = {}
        self.met: dict[int, set[str]] = {}
        self._parts = fields(wire, start, stop, tags)
        self.bad |= self._parts.bad

    def remember(self) -> None:
        """Let the parser know the features, and their kinds, of records that were all read."""
        for names in (self.parser.names, self.parser.list_names):
            names.known |= self.met.get(id(names), set())
            names.kinds |= {
                name: kind for (of, name), kind in self.kinds.items() if of == id(names)
            }

    def columns(self) -> dict[str, Flat]:
        """Return the columns; they are whole only if no record is bad or has a reason."""
        found = self._context()
        if self.parser.lists:
            from dure.data.readers.sequence_example import list_columns

            lists = list_columns(self)
            self._check_clash(found.keys() & lists.keys())
            found |= lists
        return found

    def part(self, tag: int) -> tuple[Ints, Ints, Ints]:
        """Return row, start and stop of the records' parts with a tag; rows with two are bad."""
        parts = self._parts
        chosen = parts.tag == tag
        row = parts.owner[chosen]
        self.bad[np.flatnonzero(np.bincount(row, minlength=self.rows) > 1)] = True
        return row, parts.start[chosen], parts.stop[chosen]

    def entries(self, names: Names, row: Ints, start: Ints, stop: Ints) -> dict[str, Any]:
        """Return, by name, the span of each value in a map: ``(row, start, stop)``."""
        wire, u1 = self.wire, self.wire.u1
        found = fields(wire, start, stop, (0x0A,))
        self.bad[row[found.bad]] = True
        owner, at, end = row[found.owner], found.start, found.stop
        size, key = wire.varints(at + 1)
        good = (u1.take(at) == 0x0A) & (size >= 0) & (size < end - key)
        after = np.where(good, key + size, 0)
        length, value = wire.varints(after + 1)
        good &= (u1.take(after) == 0x12) & (length == end - value)
        if not good.all():
            self.bad[owner[~good]] = True
            owner, key, size = owner[good], key[good], size[good]
            value, end = value[good], end[good]
        ids = names.ids(wire, key, size)
        if (ids < 0).any():
            self.bad[owner[ids < 0]] = True
        spans = {
            name: _last_of_each(owner[where], value[where], end[where])
            for name, where in _grouped(ids, names)
        }
        self.met[id(names)] = set(spans)
        return spans

    def features(
        self, name: str, owner: Ints, start: Ints, stop: Ints, rows: Ints | None = None
    ) -> _Features:
        """Return the kinds of features, and the spans of their lists.

        ``rows`` names the record of each owner, where owners are not records.
        """
        wire, row = self.wire, owner if rows is None else rows
        empty = start == stop
        tag = np.where(empty, 0, wire.u1.take(np.where(empty, 0, start)))
        length, begin = wire.varints(np.where(empty, 0, start + 1))
        known = (tag == _KIND_TAGS[0]) | (tag == _KIND_TAGS[1]) | (tag == _KIND_TAGS[2])
        good = empty | (known & (length == stop - begin))
        self.bad[row[~good]] = True
        return _Features(name, owner, np.where(good, tag, 0), np.where(empty, stop, begin), stop)

    def values(self, names: Names, features: _Features, rows: Ints | None = None) -> Values | None:
        """Return the values of the features of one name, or None: there are none, or bad ones.

        ``rows`` names the record of each owner, where owners are not records.
        """
        row = features.owner if rows is None else rows[features.owner]
        filled = (features.tag != 0) & (features.start < features.stop)
        if not filled.any():
            return None
        tag = self._one_kind(names, features, filled, row)
        filled &= features.tag == tag
        everyone = bool(filled.all())
        owner = features.owner if everyone else features.owner[filled]
        start = features.start if everyone else features.start[filled]
        stop = features.stop if everyone else features.stop[filled]
        found, bad = _READERS[tag](self.wire, owner, start, stop)
        if bad.any():
            self.bad[(row if everyone else row[filled])[bad]] = True
            return None
        return found

    def _context(self) -> dict[str, Flat]:
        names = self.parser.names
        entries = self.entries(names, *self.part(_CONTEXT))
        found: dict[str, Flat] = {}
        for name in sorted(names.known | entries.keys()):
            values = None
            if name in entries:
                values = self.values(names, self.features(name, *entries[name]))
            found[name] = Flat(values)
        return found

    def _one_kind(self, names: Names, features: _Features, filled: Mask, row: Ints) -> int:
        """Return the kind that a feature has, and note the records where it has another."""
        tag = names.kinds.get(features.name)
        if tag is None:
            usable = filled & ~self.bad[row]
            first = int(np.argmax(usable if usable.any() else filled))
            tag = int(features.tag[first])
            self.kinds[id(names), features.name] = tag
        wrong = filled & (features.tag != tag)
        for index in np.flatnonzero(wrong).tolist():
            self.reasons.setdefault(
                int(row[index]),
                f"feature '{features.name}' is a list of {KINDS[int(features.tag[index])]} here, "
                f"and of {KINDS[tag]} in records before",
            )
        return tag

    def _check_clash(self, names: set[str]) -> None:
        if names:
            from dure.data.readers.sequence_example import clash

            raise clash(names)


def _grouped(ids: Ints, names: Names) -> Any:
    """Yield each name that occurs, and where."""
    count = len(names)
    narrow = ids.astype(np.uint16 if count < 1 << 16 else np.int64)  # 16 bits: sorted by counting
    order = np.argsort(narrow, kind="stable") if count > 1 else np.arange(ids.size)
    bounds = np.searchsorted(narrow[order], np.arange(count + 1, dtype=narrow.dtype))
    for index in np.flatnonzero(np.diff(bounds)).tolist():
        yield names[index], order[bounds[index] : bounds[index + 1]]


def _last_of_each(owner: Ints, start: Ints, stop: Ints) -> tuple[Ints, Ints, Ints]:
    """Return spans in the order of their owners; of several of one owner the last counts."""
    steps = np.diff(owner)
    if (steps > 0).all():
        return owner, start, stop
    order = np.argsort(owner, kind="stable")
    owner = owner[order]
    last = np.concatenate((owner[1:] != owner[:-1], [True]))
    order = order[last]
    return owner[last], start[order], stop[order]


def _floats(wire: Wire, owner: Ints, start: Ints, stop: Ints) -> tuple[Values, Mask]:
    if ((wire.u1.take(start) == 0x0D) & (stop - start == 5)).all():  # one, unpacked
        flat = _wide(wire.f4[start + 1])
        return Values(owner, np.ones_like(owner), numbers=flat), np.zeros(owner.size, np.bool_)
    length, begin = wire.varints(start + 1)
    bad = (wire.u1.take(start) != 0x0A) | (length != stop - begin) | (length & 3 != 0)
    bad |= length == 0
    if bad.any():
        return Values(owner, np.ones_like(owner)), bad
    one_each = (length == 4).all()
    flat = wire.f4[begin] if one_each else wire.gathered(begin, stop).view("<f4")
    return Values(owner, length >> 2, numbers=_wide(flat)), bad


def _wide(numbers: Any) -> Any:
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one, and is no error
        return numbers.astype(np.float64)


def _ints(wire: Wire, owner: Ints, start: Ints, stop: Ints) -> tuple[Values, Mask]:
    length, begin = wire.varints(start + 1)
    if ((wire.u1.take(start) == 0x08) & (begin == stop)).all():  # one, unpacked
        return Values(owner, np.ones_like(owner), numbers=length), np.zeros(owner.size, np.bool_)
    bad = (wire.u1.take(start) != 0x0A) | (length != stop - begin) | (length == 0)
    if bad.any():
        return Values(owner, np.ones_like(owner)), bad
    flat, after = wire.varints(begin)
    if (after == stop).all():
        return Values(owner, np.ones_like(owner), numbers=flat), bad
    flat, counts, bad = wire.packed(begin, stop)
    return Values(owner, counts, numbers=flat), bad


def _texts(wire: Wire, owner: Ints, start: Ints, stop: Ints) -> tuple[Values, Mask]:
    length, begin = wire.varints(start + 1)
    bad = (wire.u1.take(start) != 0x0A) | (length < 0) | (length > stop - begin)
    if not bad.any() and (begin + length == stop).all():
        return Values(owner, np.ones_like(owner), spans=(begin, length)), bad
    found = fields(wire, start, stop, (0x0A,))
    order = np.argsort(found.owner, kind="stable")
    begin = found.start[order]
    counts = np.bincount(found.owner, minlength=owner.size)
    return Values(owner, counts, spans=(begin, found.stop[order] - begin)), found.bad


_READERS = {0x0A: _texts, 0x12: _floats, 0x1A: _ints}
