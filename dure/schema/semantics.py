"""What the values of a column mean, and what can be expected of them because of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dure.errors import SchemaError, nearest
from dure.schema.bounds import Bounds, bounds, is_number, share

# Kinds that have no settings of their own. The last four have a name in TFDV and no check.
WORDS = (
    *("category", "email", "id", "url", "uuid"),
    *("audio", "content_chunk", "mid", "video"),
)
UNITS = ("unix_days", "unix_s", "unix_ms", "unix_us", "unix_ns", "packed_ns")
# As statistics say it; both are understood.
_LONG = {
    "unix_seconds": "unix_s",
    "unix_milliseconds": "unix_ms",
    "unix_microseconds": "unix_us",
    "unix_nanoseconds": "unix_ns",
}


@dataclass(frozen=True)
class Time:
    """Points in time.

    Parameters
    ----------
    format : str, optional
        Of text, as `datetime.datetime.strptime` takes it: ``"%Y-%m-%d"``. Of whole numbers, what
        they count since 1970: ``"unix_days"``, ``"unix_s"``, ``"unix_ms"``, ``"unix_us"``,
        ``"unix_ns"``, or the same in full, ``"unix_seconds"``; ``"packed_ns"`` is TFDV's time of day
        in one number.
    min, max : str, optional
        The first and the last time that may come, in ISO 8601: ``"2024-01-31"``. Both allowed.
    of_day : bool, default False
        The values are times of a day, without a date.
    """

    kind: ClassVar[str] = "time"
    format: str | None = None
    min: str | None = None
    max: str | None = None
    of_day: bool = False

    def __post_init__(self) -> None:
        for name in ("format", "min", "max"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value):
                raise SchemaError(f"time: {name} is not text", expected="text", got=repr(value))
        if self.format in _LONG:
            object.__setattr__(self, "format", _LONG[self.format])
        if self.format is not None and "%" not in self.format and self.format not in UNITS:
            raise SchemaError(
                "time: format is unknown",
                expected=f"a format such as %Y-%m-%d, or one of {', '.join(UNITS)}",
                got=repr(self.format),
                fix=nearest(self.format, UNITS),
            )
        if not isinstance(self.of_day, bool):
            raise SchemaError(
                "time: of_day is not true or false", expected="true or false", got=repr(self.of_day)
            )


@dataclass(frozen=True)
class Token:
    """How often one token may come in the sequences of a column.

    Parameters
    ----------
    value : str or int
        The token.
    per_sequence : (int or None, int or None), optional
        The least and the most times that it may come in one sequence.
    share : (float or None, float or None), optional
        The least and the largest share of the sequences that may have it.
    """

    value: str | int
    per_sequence: Bounds | None = None
    share: Bounds | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.value, str | int) or isinstance(self.value, bool):
            raise SchemaError(
                "a token has no value", expected="text or a whole number", got=repr(self.value)
            )
        _set_bounds(self, "per_sequence", whole=True, low=0)
        _set_bounds(self, "share", low=0, high=1)


@dataclass(frozen=True)
class NaturalLanguage:
    """Text that people wrote, or sequences of tokens made from it.

    Parameters
    ----------
    vocabulary : str, optional
        Name of the vocabulary's file.
    coverage : float, optional
        The least share of the tokens that are in the vocabulary.
    token_length : float, optional
        The least mean length of a token.
    excluded, unknown : tuple of str or int
        Tokens that the coverage does not count, and those that stand for one that is not in the
        vocabulary.
    tokens : tuple of Token
        How often certain tokens may come.
    length : (int or None, int or None), optional
        The fewest and the most tokens of a sequence.
    length_excluded : tuple of str or int
        Tokens that do not count for the length, such as padding.
    """

    kind: ClassVar[str] = "natural_language"
    vocabulary: str | None = None
    coverage: float | None = None
    token_length: float | None = None
    excluded: tuple[str | int, ...] = ()
    unknown: tuple[str | int, ...] = ()
    tokens: tuple[Token, ...] = ()
    length: Bounds | None = None
    length_excluded: tuple[str | int, ...] = ()

    def __post_init__(self) -> None:
        if self.vocabulary is not None and not isinstance(self.vocabulary, str):
            raise SchemaError("vocabulary is not text", got=repr(self.vocabulary))
        if self.coverage is not None:
            share("natural_language: coverage", self.coverage)
        if self.token_length is not None and not is_number(self.token_length):
            raise SchemaError(
                "natural_language: token_length is not a number", got=repr(self.token_length)
            )
        for name in ("excluded", "unknown", "length_excluded"):
            _set_tokens(self, name)
        object.__setattr__(self, "tokens", tuple(self.tokens))
        if not all(isinstance(token, Token) for token in self.tokens):
            raise SchemaError("natural_language: tokens is not a list of Token")
        _set_bounds(self, "length", whole=True, low=0)


@dataclass(frozen=True)
class Image:
    """Encoded images.

    Parameters
    ----------
    supported : float, optional
        The least share of the values that are images in a format that TensorFlow decodes: BMP,
        GIF, JPEG or PNG.
    max_bytes : int, optional
        The size of the largest.
    """

    kind: ClassVar[str] = "image"
    supported: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.supported is not None:
            share("image: supported", self.supported)
        if self.max_bytes is not None:
            whole_number("image: max_bytes", self.max_bytes)


@dataclass(frozen=True)
class Embedding:
    """Vectors that a model made of something else.

    Parameters
    ----------
    size : int, optional
        Numbers in each vector.
    of : str, optional
        What made them, in words: TFDV's ``embedding_type``.
    """

    kind: ClassVar[str] = "embedding"
    size: int | None = None
    of: str | None = None

    def __post_init__(self) -> None:
        if self.size is not None:
            whole_number("embedding: size", self.size)
        if self.of is not None and not isinstance(self.of, str):
            raise SchemaError("embedding: of is not text", got=repr(self.of))


Semantic = str | Time | NaturalLanguage | Image | Embedding
WITH_SETTINGS: dict[str, type[Time | NaturalLanguage | Image | Embedding]] = {
    one.kind: one for one in (Time, NaturalLanguage, Image, Embedding)
}
KINDS = (*WORDS, *WITH_SETTINGS)


def semantic(value: object) -> Semantic:
    """Return what a column's ``semantic`` may be: ``"time"`` becomes ``Time()``.

    Raises
    ------
    SchemaError
        When it is no kind that is known.
    """
    if isinstance(value, Time | NaturalLanguage | Image | Embedding):
        return value
    if isinstance(value, str) and value in WITH_SETTINGS:
        return WITH_SETTINGS[value]()
    if isinstance(value, str) and value in WORDS:
        return value
    raise SchemaError(
        "unknown semantic",
        expected=f"one of {', '.join(KINDS)}",
        got=repr(value),
        fix=nearest(str(value), KINDS),
    )


def knows_time(form: object) -> bool:
    """Return whether `Time` takes ``form`` as a format."""
    return isinstance(form, str) and ("%" in form or form in UNITS or form in _LONG)


def whole_number(name: str, value: object) -> None:
    """Raise `SchemaError` unless ``value`` is a whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SchemaError(f"{name} is not a whole number", expected="0, 1, 2, ...", got=repr(value))


def _set_bounds(
    of: object,
    name: str,
    *,
    whole: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> None:
    value = getattr(of, name)
    if value is not None:
        object.__setattr__(of, name, bounds(name, value, whole=whole, low=low, high=high))


def _set_tokens(of: object, name: str) -> None:
    value = getattr(of, name)
    listed = tuple(value) if not isinstance(value, str) else (None,)
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in listed):
        raise SchemaError(
            f"natural_language: {name} is not a list of tokens",
            expected="texts or whole numbers",
            got=repr(value),
        )
    object.__setattr__(of, name, listed)
