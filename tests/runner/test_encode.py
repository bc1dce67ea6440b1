"""Two settings share an encoding if and only if they are the same."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import logging
import math
import operator
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import threading
import typing
import uuid
import zoneinfo
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.errors import FingerprintError
from dure.runner.encode import DIGEST_LENGTH, digest_of, encode, frame, short


class Color(enum.Enum):
    RED = 1
    BLUE = "1"


class Shade(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    RED = "RED"


class Mask(enum.IntFlag):
    A = 1
    B = 2


class Pair(NamedTuple):
    left: object
    right: object


class Other(NamedTuple):
    left: object
    right: object


@dataclasses.dataclass(frozen=True)
class Point:
    x: object
    y: object = 0


@dataclasses.dataclass(frozen=True)
class Spot:
    x: object
    y: object = 0


class Grid(np.ndarray):  # type: ignore[type-arg]
    pass


class Plain:
    def __init__(self, **state: object) -> None:
        self.__dict__.update(state)


def name(code: Any) -> bytes:
    return f"{code.__module__}.{getattr(code, '__qualname__', code)}".encode()


def code_of(value: object) -> bytes:
    return encode(value, name)


def canonical(value: Any) -> Any:
    """Return a hashable form that is equal for two values if and only if they are the same.

    Written from the meaning of "the same type and equal", with no bytes: -0.0 is not 0.0, a NaN
    is the NaN of its bits, and containers compare as multisets of their parts.
    """
    kind = type(value)
    label = (kind.__module__, kind.__qualname__)
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return (label, tuple(canonical(getattr(value, field.name)) for field in fields))
    for base, form in FORMS.items():
        if isinstance(value, base):
            return (label, form(value))
    return (label, repr(value))


def _multiset(items: Any) -> Any:
    return frozenset(Counter(items).items())


# The first that fits: an array of floats is an array, a member of an enum is no number.
FORMS: dict[type, Any] = {
    enum.Enum: lambda v: v.name,
    np.ndarray: lambda v: (str(v.dtype.descr), v.shape, tuple(map(canonical, v.ravel()))),
    np.generic: lambda v: (str(v.dtype), canonical(v.item())),
    float: lambda v: struct.unpack(">q", struct.pack(">d", v)),
    complex: lambda v: (canonical(v.real), canonical(v.imag)),
    str: lambda v: tuple(map(ord, v)),
    bytes: tuple,
    bytearray: tuple,
    list: lambda v: tuple(map(canonical, v)),
    tuple: lambda v: tuple(map(canonical, v)),
    set: lambda v: _multiset(map(canonical, v)),
    frozenset: lambda v: _multiset(map(canonical, v)),
    dict: lambda v: tuple((canonical(k), canonical(i)) for k, i in v.items()),
    pathlib.PurePath: str,
    decimal.Decimal: lambda v: tuple(v.as_tuple()),
}


NAN = struct.unpack(">d", b"\x7f\xf8\0\0\0\0\0\1")[0]

FLOATS = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.1, math.inf, -math.inf, math.nan, -math.nan, NAN, 5e-324]
)
# Few letters, so that different shapes spell the same: digits, the marks of the encoding itself.
TEXT = st.text(st.sampled_from("01a:,'\"ntsr\0é두\ud800\udfff😀"), max_size=4)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2, 10, 2**64, -(2**64)]),
    FLOATS,
    st.builds(complex, FLOATS, FLOATS),
    TEXT,
    TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=2).map(bytearray),
    st.sampled_from([Color.RED, Color.BLUE, Shade.RED, Level.LOW, Word.RED, Mask.A, Mask.A | 2]),
    st.sampled_from(["a", "a/b", "a//b", ".", "/", "C:/a", "a\\b"]).flatmap(
        lambda p: st.sampled_from(
            [pathlib.Path(p), pathlib.PurePosixPath(p), pathlib.PureWindowsPath(p), p]
        )
    ),
    st.sampled_from(
        [
            dt.date(2024, 1, 1),
            dt.datetime(2024, 1, 1),
            dt.datetime(2024, 1, 1, fold=1),
            dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
            dt.time(1),
            dt.time(1, tzinfo=dt.UTC),
            dt.timedelta(days=1),
            dt.timedelta(hours=1),
            dt.timezone(dt.timedelta(hours=1)),
            dt.timezone(dt.timedelta(hours=1), "x"),
        ]
    ),
    st.sampled_from(["1", "1.0", "-0", "0", "NaN", "sNaN", "Infinity"]).map(decimal.Decimal),
    st.sampled_from([fractions.Fraction(1), fractions.Fraction(1, 3), range(3), range(1, 3)]),
    st.sampled_from([uuid.UUID(int=1), uuid.UUID(int=2)]),
    st.sampled_from(["bool", "i1", "u1", "<i4", ">i4", "i8", "f4", "f8", "c8", "U1", "S1"]).flatmap(
        lambda kind: st.sampled_from([0, 1]).map(lambda item: np.array(item).astype(kind)[()])
    ),
)
SHAPES = st.sampled_from([(0,), (1,), (2,), (1, 2), (2, 1), (), (0, 2)])
ARRAYS = st.builds(
    lambda shape, kind, item: np.full(shape, item).astype(kind),
    SHAPES,
    st.sampled_from(["bool", "i1", "u1", "<i4", ">i4", "<i8", "<f4", "<f8", "<U1", "S1", "O"]),
    st.sampled_from([0, 1]),
)
KEYS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 1),
    FLOATS,
    TEXT,
    st.tuples(TEXT),
    st.binary(max_size=1),
)
VALUES = st.recursive(
    st.one_of(SCALARS, ARRAYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.sets(KEYS, max_size=3),
        st.frozensets(KEYS, max_size=3),
        st.builds(Pair, inner, inner),
        st.builds(Other, inner, inner),
        st.builds(Point, inner, inner),
        st.builds(Spot, inner, inner),
    ),
    max_leaves=6,
)


@st.composite
def alike(draw: st.DrawFn) -> tuple[object, object]:
    """Draw two values that differ little, if at all."""
    value = draw(VALUES)
    return value, _changed(draw, value)


def _changed(draw: st.DrawFn, value: Any) -> Any:
    choice = draw(st.integers(0, 5))
    if choice == 0:
        return draw(VALUES)
    if isinstance(value, list | tuple) and not isinstance(value, Pair | Other):
        items = [_changed(draw, item) for item in value]
        return [[*items], (*items,), [items], value][choice % 4]
    if isinstance(value, dict):
        items = [(key, _changed(draw, item)) for key, item in value.items()]
        return dict(reversed(items)) if choice % 2 else items
    if isinstance(value, set | frozenset):
        items = list(value)
        return [set(items), frozenset(items), items, tuple(items)][choice % 4]
    if isinstance(value, Pair | Other):
        return [Pair(*value), Other(*value), tuple(value)][choice % 3]
    if isinstance(value, Point | Spot):
        return [Point(value.x, value.y), Spot(value.x, value.y), Pair(value.x, value.y)][choice % 3]
    if isinstance(value, np.ndarray):
        return [value.copy(), value.tolist(), value.T, value.astype(">i8")][choice % 4]
    return [value, str(value), repr(value), [value]][choice % 4]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(alike())
def test_two_values_share_an_encoding_exactly_when_they_are_of_one_type_and_equal(
    pair: tuple[object, object],
) -> None:
    one, two = pair
    assert (code_of(one) == code_of(two)) == (canonical(one) == canonical(two))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(VALUES, max_size=3), st.lists(VALUES, max_size=3))
def test_encodings_written_one_after_the_other_can_be_told_apart(
    some: list[object], others: list[object]
) -> None:
    same = b"".join(map(code_of, some)) == b"".join(map(code_of, others))
    assert same == (canonical(some) == canonical(others))


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_no_encoding_is_the_beginning_of_another(value: object) -> None:
    tag, length, rest = code_of(value).split(b":", 2)
    assert int(length) == len(rest)
    assert tag.decode().isidentifier()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, "1"),
        (1, 1.0),
        (1, True),
        (0, False),
        (None, "None"),
        (0.0, -0.0),
        (math.nan, NAN),
        ("a", b"a"),
        (b"a", bytearray(b"a")),
        ([1], (1,)),
        ([[1], [2]], [[1, 2]]),
        ([], [[]]),
        (["ab", "c"], ["a", "bc"]),
        ({"a": "bc"}, {"ab": "c"}),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}),
        ({1: 2}, {(1, 2)}),
        (set(), frozenset()),
        ({}, set()),
        (Color.RED, 1),
        (Color.RED, Shade.RED),
        (Level.LOW, 1),
        (Word.RED, "RED"),
        (Mask.A | Mask.B, Mask.A),
        (Mask(64), Mask(128)),
        (pathlib.Path("a"), "a"),
        (pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("a/b")),
        (dt.date(2024, 1, 1), dt.datetime(2024, 1, 1)),
        (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
        (Point(1, 2), Point(2, 1)),
        (Point(1), Spot(1)),
        (np.float32(1), np.array(1, dtype="f4")),
        (np.float64(1), 1.0),
        (np.int32(1), np.int64(1)),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.array([[1, 2], [3, 4]]), np.array([[1, 3], [2, 4]])),
        (np.ones(1).view(Grid), np.ones(1)),
        (np.zeros(1, [("a", "i4")]), np.zeros(1, [("b", "i4")])),
        (np.array("2020", "M8[D]"), np.array("2020", "M8[s]")),
        (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 999999], mask=[0, 0])),
        (np.dtype("i4"), np.dtype("i8")),
        (slice(1), slice(0, 1)),
        (re.compile("a"), re.compile("a", re.IGNORECASE)),
        (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("aab"), collections.Counter("abb")),
        (collections.defaultdict(int, a=1), collections.defaultdict(list, a=1)),
        (collections.deque([1], 2), collections.deque([1], 3)),
        (functools.partial(int, base=2), functools.partial(int, base=8)),
        (functools.partial(int, 2), functools.partial(float, 2)),
        ({"a": 1}.get, {"a": 2}.get),
        ({"a": 1}.get, {"a": 1}.pop),
        ("abc".upper, "xyz".upper),
        (dt.datetime.now, dt.date.today),
        (operator.itemgetter("a"), operator.itemgetter("b")),
        (Plain(a=1), Plain(a=2)),
        (Plain(a=1), Plain(b=1)),
        (Plain(f=math.floor), Plain(f=math.ceil)),
        (list[int], list[float]),
        (typing.Optional[int], typing.Optional[str]),  # noqa: UP045 - another class than int | None
        (int | None, str | None),
        (zoneinfo.ZoneInfo("Europe/Berlin"), zoneinfo.ZoneInfo("Asia/Seoul")),
        (random.Random(0), random.Random(1)),
        (10**5000, 10**5000 + 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_look_alike_differ(one: object, two: object) -> None:
    assert code_of(one) != code_of(two)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"b": [1, {2, 3}], "a": {"x": None}},
        lambda: Plain(names={"b", "a", "c"}, inner=Plain(a=[1, 2])),
        lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
        lambda: np.array(["a long string that is not kept inline", ""], object),
        lambda: np.array(["a long string that is not kept inline", "b"], np.dtypes.StringDType()),
        lambda: np.array([("x" * 30, 1)], [("name", "O"), ("size", "i8")]),
        lambda: np.zeros(3, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        lambda: dt.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("Asia/Seoul")),
        lambda: dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=9), "KST")),
        lambda: collections.defaultdict(list, {"b": [1], "a": [2]}),
        lambda: functools.partial(sorted, key=operator.itemgetter(1)),
        lambda: logging.getLogger(os.urandom(3).hex()),  # what it is called does not matter
    ],
)
def test_a_value_made_again_has_the_same_encoding(make: Any) -> None:
    assert code_of(make()) == code_of(make())


def test_the_order_of_memory_does_not_matter() -> None:
    c_order = np.arange(6).reshape(2, 3)
    assert code_of(c_order) == code_of(np.asfortranarray(c_order))
    assert code_of(c_order[:, ::2]) == code_of(c_order[:, ::2].copy())


def test_what_lies_in_the_gaps_of_a_record_does_not_matter() -> None:
    kind = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    clean = np.zeros(2, kind)
    raw = bytearray(clean.tobytes())
    raw[1] = 255  # between a and b
    assert code_of(np.frombuffer(raw, kind)) == code_of(np.frombuffer(clean.tobytes(), kind))


def test_one_object_twice_is_the_same_as_two_equal_objects() -> None:
    inner = Plain(a=1)
    assert code_of([inner, inner]) == code_of([Plain(a=1), Plain(a=1)])
    # A pickle would note that the second is the first.
    assert code_of(Plain(a=inner, b=inner)) == code_of(Plain(a=Plain(a=1), b=Plain(a=1)))


def test_what_contains_itself_has_an_encoding() -> None:
    def ring(length: int) -> list[Any]:
        start: list[Any] = []
        inside = start
        for _ in range(length - 1):
            inside.append([])
            inside = inside[0]
        inside.append(start)
        return start

    assert code_of(ring(1)) == code_of(ring(1))
    assert code_of(ring(1)) != code_of(ring(2))
    assert code_of(ring(1)) in code_of([[ring(1)]])  # wherever it stands
    parent = Plain(children=[])
    parent.children.append(Plain(parent=parent))
    assert b"above" in code_of(parent)


def test_a_sub_class_with_state_of_its_own_counts_the_state() -> None:
    class Tagged(dict[str, int]):
        pass

    class Bag(set[str]):
        pass

    for kind in (Tagged, Bag):
        one, two = kind(), kind()
        one.tag, two.tag = 1, 2  # type: ignore[attr-defined,union-attr]
        assert code_of(one) != code_of(two)
    more = dataclasses.make_dataclass("More", [("x", int)], bases=(list,))
    assert code_of(more(1)) != code_of(more(2))
    full = more(1)
    full.append(3)  # type: ignore[attr-defined]
    assert code_of(full) != code_of(more(1))


def test_a_data_class_field_that_was_never_set_is_left_out() -> None:
    @dataclasses.dataclass
    class Late:
        x: int
        y: int = dataclasses.field(init=False)

    one, two = Late(1), Late(1)
    two.y = 2
    assert code_of(one) != code_of(two)


@pytest.mark.parametrize(
    "value",
    [threading.Lock(), (i for i in "ab"), sys.stdout, [1, {"a": threading.Lock()}]],
    ids=["lock", "generator", "open file", "nested"],
)
def test_what_has_no_digest_says_what_to_do(value: object) -> None:
    with pytest.raises(FingerprintError, match="has no digest") as caught:
        code_of(value)
    assert "plain value" in str(caught.value)
    assert "cannot pickle" in (caught.value.got or "")
    assert "inside the step" in (caught.value.fix or "")


def test_lists_in_lists_without_end_are_refused_in_words() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    try:
        with pytest.raises(FingerprintError, match="has no digest") as caught:
            code_of(deep)
        assert "levels" in (caught.value.expected or "")
    finally:
        while deep:  # or the interpreter would follow them all to free them
            deep = deep.pop()


@pytest.mark.parametrize("value", [len, str, test_what_contains_itself_has_an_encoding, os, Point])
def test_without_a_say_on_code_code_is_refused(value: object) -> None:
    with pytest.raises(FingerprintError, match="plain values only"):
        encode(value)


def test_a_dict_counts_in_its_order() -> None:
    # A step that goes over it may make something else of another order.
    assert code_of({"a": 1, "b": 2}) != code_of({"b": 2, "a": 1})
    assert code_of({"a", "b"}) == code_of({"b", "a"})


def test_what_a_dataclass_holds_beside_its_fields_counts() -> None:
    one, two = Point(1, 2), Point(1, 2)
    assert code_of(one) == code_of(two)
    object.__setattr__(two, "extra", 3)
    assert code_of(one) != code_of(two)


def test_plain_values_need_no_say_on_code() -> None:
    plain = [1, "a", {"b": {2.0}}, dt.datetime(2024, 1, 1, tzinfo=dt.UTC), pathlib.Path("a"), None]
    assert encode(plain) == code_of(plain)


SEEDED = """
import sys
sys.path.insert(0, {folder!r})
from test_encode import *
values = [
    {{"b": 1, "a": {{"x", "y", "z"}}, None: frozenset("abcdef")}},
    Plain(tags={{"one", "two", "three"}}, table={{("a", "b"), ("c",)}}),
    collections.Counter("hello world"),
    np.array([1.5, 2.5]), Color.RED, Mask(3), Point({{"a", "b"}}, Pair("x", {{"k"}})),
]
print(digest_of(b"".join(map(code_of, values))))
"""


def test_the_seed_of_hashes_does_not_matter() -> None:
    script = SEEDED.format(folder=str(pathlib.Path(__file__).parent))
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(digests) == 1


def test_a_frame_says_its_tag_and_its_length() -> None:
    assert frame("str", b"ab") == b"str:2:ab"
    assert len(digest_of(b"")) == DIGEST_LENGTH == 32
    # The beginning of SHA-256 of nothing, as everybody prints it.
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb924"


def test_short_is_one_line_of_at_most_sixty_characters() -> None:
    assert short("a  b") == "'a  b'"
    assert short(Point) == f"{__name__}.Point"
    assert short(np.eye(2)) == "array([[1., 0.], [0., 1.]])"
    assert short(10**5000) == "<int>"  # Python does not write it
    long = short({"key": "x" * 100})
    assert len(long) == 60
    assert long.endswith("…")
