"""One record of tf.Example or tf.SequenceExample, however it is written, in its usual form.

Here every rule of the wire format is kept, one field after another: of a field that occurs twice
the last counts, or both are merged if it is a message; what is unknown is passed over; numbers may
be packed or not. One thing is stricter: a known field with the wire type of another is refused,
where protocol buffers would lose it without a word. It is slow, and only what `dure.data.readers.wire`
cannot read comes here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

KINDS = {0x0A: "bytes", 0x12: "floats", 0x1A: "int64s"}

Feature = tuple[int, list[bytes]]  # the tag of its kind (0: none), and each value as it is written
_VARINT, _FIXED64, _LENGTH, _GROUP, _GROUP_END, _FIXED32 = range(6)
_LIST_WIRE = {0x0A: _LENGTH, 0x12: _FIXED32, 0x1A: _VARINT}
_DEEP = 100  # groups in groups; protocol buffers allow no more


class Unreadable(Exception):  # noqa: N818 - it says what a record is, and never leaves this package
    """A record that is no tf.Example; the message says why."""


def canonical(record: bytes, *, lists: bool) -> bytes:
    """Return a record in its usual form: no field twice, none unknown, numbers packed.

    Parameters
    ----------
    record : bytes
        The message.
    lists : bool
        Whether it may be a SequenceExample; else its feature lists are passed over.

    Raises
    ------
    Unreadable
        It is neither.

    >>> canonical(b"", lists=True)
    b''
    """
    context: dict[bytes, Feature] = {}
    steps: dict[bytes, list[Feature]] = {}
    for number, wire, value in _fields(record):
        if number == 1:
            for key, each in _map(_message(wire, value, "features")):
                context[key] = _feature(each)
        elif number == 2 and lists:
            for key, each in _map(_message(wire, value, "feature_lists")):
                steps[key] = [
                    _feature([_message(wire, value, "feature")])
                    for part in each
                    for number, wire, value in _fields(part)
                    if number == 1
                ]
    made = _delimited(0x0A, b"".join(_entry(key, _encoded(one)) for key, one in context.items()))
    if not steps:
        return made if context else b""
    listed = b"".join(
        _entry(key, b"".join(_delimited(0x0A, _encoded(step)) for step in each))
        for key, each in steps.items()
    )
    return (made if context else b"") + _delimited(0x12, listed)


def _map(message: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield the key of each entry, and the parts of its value, which are to be merged."""
    for number, wire, entry in _fields(message):
        if number != 1:
            continue
        key, parts = b"", []
        for inner, inner_wire, value in _fields(_message(wire, entry, "feature")):
            if inner == 1:
                key = _name(_message(inner_wire, value, "key"))
            elif inner == 2:
                parts.append(_message(inner_wire, value, "value"))
        yield key, parts


def _name(key: bytes) -> bytes:
    # Also one that a second name in the same entry replaces: protocol buffers refuse it too.
    try:
        key.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"the name of a feature is no UTF-8: {key[:40]!r}") from error
    return key


def _feature(parts: Iterable[bytes]) -> Feature:
    kind, values = 0, list[bytes]()
    for part in parts:
        for number, wire, value in _fields(part):
            if number not in (1, 2, 3):
                continue
            tag = number << 3 | _LENGTH
            if tag != kind:  # only one of the three can be set, and the last is
                kind, values = tag, []
            values += _values(tag, _message(wire, value, KINDS[tag]))
    return kind, values


def _values(tag: int, message: bytes) -> Iterator[bytes]:
    wanted = _LIST_WIRE[tag]
    for number, wire, value in _fields(message):
        if number != 1:
            continue
        if wire == wanted:
            yield value
        elif wire != _LENGTH:
            raise Unreadable(f"a value of {KINDS[tag]} has the wire type {wire}")
        elif tag == 0x12:
            if len(value) % 4:
                raise Unreadable(f"packed floats take {len(value)} bytes, no multiple of 4")
            yield from (value[at : at + 4] for at in range(0, len(value), 4))
        else:
            at = 0
            while at < len(value):
                start = at
                _, at = _varint(value, at, len(value))
                yield value[start:at]


def _encoded(feature: Feature) -> bytes:
    kind, values = feature
    if not kind:
        return b""
    if kind == 0x0A:
        return _delimited(kind, b"".join(_delimited(0x0A, value) for value in values))
    return _delimited(kind, _delimited(0x0A, b"".join(values)) if values else b"")


def _entry(key: bytes, value: bytes) -> bytes:
    return _delimited(0x0A, _delimited(0x0A, key) + _delimited(0x12, value))


def _delimited(tag: int, value: bytes) -> bytes:
    return bytes([tag]) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """Return a number that is not negative as a varint.

    >>> varint(300).hex()
    'ac02'
    """
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _message(wire: int, value: bytes, what: str) -> bytes:
    if wire != _LENGTH:
        raise Unreadable(f"'{what}' has the wire type {wire} instead of {_LENGTH}")
    return value


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, wire type and raw value of each field; groups are passed over."""
    at, end = 0, len(message)
    while at < end:
        number, wire, at = _tag(message, at, end)
        start, at = _value(message, at, end, number, wire, 0)
        if wire != _GROUP:
            yield number, wire, message[start:at]


def _tag(message: bytes, at: int, end: int) -> tuple[int, int, int]:
    tag, at = _varint(message, at, end)
    number, wire = tag >> 3, tag & 7
    if not 0 < number < 1 << 29:
        raise Unreadable(f"a field has the number {number}")
    return number, wire, at


def _value(
    message: bytes, at: int, end: int, number: int, wire: int, depth: int
) -> tuple[int, int]:
    """Return where the value of a field begins and ends."""
    start = at
    if wire == _VARINT:
        _, at = _varint(message, at, end)
    elif wire == _LENGTH:
        size, start = _varint(message, at, end)
        at = start + size
    elif wire in (_FIXED32, _FIXED64):
        at += 4 if wire == _FIXED32 else 8
    elif wire == _GROUP:
        at = _after_group(message, at, end, number, depth)
    else:
        raise Unreadable(f"field {number} has the wire type {wire}, which does not fit there")
    if at > end:
        raise Unreadable(f"field {number} needs {at - end:,} bytes more than there are")
    return start, at


def _after_group(message: bytes, at: int, end: int, number: int, depth: int) -> int:
    if depth > _DEEP:
        raise Unreadable(f"groups lie more than {_DEEP} deep")
    while True:
        inner, wire, at = _tag(message, at, end)
        if wire == _GROUP_END:
            if inner != number:
                raise Unreadable(f"the group {number} ends as {inner}")
            return at
        _, at = _value(message, at, end, inner, wire, depth + 1)


def _varint(message: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        if at >= end:
            raise Unreadable("it breaks off in the middle of a number")
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise Unreadable("a number takes more than 10 bytes")
