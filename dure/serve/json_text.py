"""JSON as TensorFlow Serving reads and quotes it: NaN and Infinity, its messages, its layout.

TensorFlow Serving parses with RapidJSON. What differs from Python's `json` is made up for here:
bytes after the document are ignored, bytes that are no UTF-8 pass through, of two members with
one name the first counts, and a number that no double can hold is an error.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from dure.serve.status import RequestError, invalid

_DEBUG_BYTES = 256
_BLANK = re.compile(r"[ \t\n\r]*")
_MAYBE_TOO_BIG = re.compile(rb"[eE]\+?0*[1-9][0-9]{2}|[0-9]{300}")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_HIGH_SURROGATE = re.compile("[\ud800-\udbff]")
_ESCAPES = {
    **{code: f"\\u{code:04X}" for code in range(0x20)},
    **str.maketrans(
        {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    ),
}

# The words of Python's decoder -> the words of RapidJSON.
_MESSAGES = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Illegal trailing comma before end of object": "Missing a name for object member.",
    "Illegal trailing comma before end of array": "Invalid value.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
    "Invalid control character at": "Invalid escape character in string.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
}


class _TooBigError(ValueError):
    """A number that no double can hold; its only argument is its text."""


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else dict(reversed(pairs))


def _exact_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _TooBigError(text)
    return value


def _exact_int(text: str) -> int | float:
    # Python refuses to convert more than 4,300 digits, a double has at most 309.
    return int(text) if len(text) < 300 else _exact_float(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_first_wins)
# Calls back for each number, which is slow, so only where a number may be too big.
_CAREFUL = json.JSONDecoder(
    object_pairs_hook=_first_wins, parse_float=_exact_float, parse_int=_exact_int
)


def parse(body: bytes) -> dict[str, Any]:
    """Return the object that a request's body holds.

    Parameters
    ----------
    body : bytes
        JSON in UTF-8, with the tokens ``NaN``, ``Infinity`` and ``-Infinity``.

    Returns
    -------
    dict
        Strings in it may hold lone surrogates; `to_bytes` turns them back into what came.

    Raises
    ------
    RequestError
        The body is no JSON object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    decoder = _CAREFUL if _MAYBE_TOO_BIG.search(body) else _DECODER
    start = _BLANK.match(text).end()  # type: ignore[union-attr] # the pattern matches nothing, too
    try:
        value, _ = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _parse_error(text, error) from None
    except _TooBigError as error:
        position = text.find(str(error))
        raise _at("Number too big to be stored in double.", text, position) from None
    except RecursionError:
        raise _at("Nested too deeply.", text, start) from None
    if not isinstance(value, dict):
        raise invalid(f"JSON Value: {debug(value)} Is not object")
    return value


def _parse_error(text: str, error: json.JSONDecodeError) -> RequestError:
    kind, position = error.msg.removesuffix(": ").strip(), error.pos
    rest = text[position : position + 1]
    if kind == "Expecting value" and not text.strip(" \t\n\r"):
        return _at("The document is empty.", text, len(text))
    if kind == "Expecting ',' delimiter":
        number = text[max(position - 1, 0) : position].isdigit()
        if number and rest == ".":
            return _at("Miss fraction part in number.", text, position + 1)
        if number and rest in ("e", "E"):
            return _at("Miss exponent in number.", text, position + 1)
        return _at(_missing_comma(text[:position]), text, position)
    return _at(_MESSAGES.get(kind, "Unspecific syntax error."), text, position)


def _missing_comma(before: str) -> str:
    # Strings and whatever is closed are taken out, until only open brackets are left.
    brackets = re.sub(r"[^\[\]{}]+", "", _STRING.sub("", before))
    while True:
        fewer = brackets.replace("[]", "").replace("{}", "")
        if fewer == brackets:
            break
        brackets = fewer
    if brackets.endswith("["):
        return "Missing a comma or ']' after an array element."
    return "Missing a comma or '}' after an object member."


def _at(message: str, text: str, position: int) -> RequestError:
    offset = len(to_bytes(text[:position]))
    return invalid(f"JSON Parse error: {message} at offset: {offset}")


def to_bytes(text: str) -> bytes:
    """Return text as the bytes that it came from, also where they are no valid UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def string_value(text: str) -> bytes:
    """Return a JSON string as the value of a string tensor.

    Raises
    ------
    RequestError
        The string holds the first half of a surrogate pair without the second.
    """
    if _HIGH_SURROGATE.search(text):
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.")
    return to_bytes(text)


def quote(text: str) -> str:
    r"""Return text as a JSON string, with no more escapes than needed.

    >>> print(quote('say "é"'))
    "say \"é\""
    """
    return f'"{text.translate(_ESCAPES)}"'


def error_body(message: str) -> bytes:
    """Return the body of a reply that says what is wrong."""
    return to_bytes(f'{{\n    "error": {quote(message)}\n}}')


def debug(value: Any) -> str:
    """Return a JSON value as error messages quote it: cut after about 256 bytes."""
    quotation = _Quotation()
    quotation.write(value, "", 0)
    return "".join(quotation.parts)


class _Quotation:
    """A JSON value being written until there is no room; each method says whether there was."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def put(self, text: str) -> bool:
        if self.size >= _DEBUG_BYTES:
            return False
        self.parts.append(text)
        self.size += len(to_bytes(text))
        return True

    def write(self, value: Any, lead: str, depth: int) -> bool:
        if isinstance(value, list):
            return (
                self.put(lead + "[")
                and all(
                    self.write(item, ", " if index else "", depth + 1)
                    for index, item in enumerate(value)
                )
                and self.put("]")
            )
        if isinstance(value, dict):
            return self.put(lead + "{") and self._members(value, depth) and self.put("}")
        text = _leaf(value)
        # RapidJSON's writer stops at NaN and the infinities, and leaves the message short.
        return self.put(lead + (text or "")) and text is not None

    def _members(self, members: dict[str, Any], depth: int) -> bool:
        inner = "\n" + "    " * (depth + 1)
        for index, (name, item) in enumerate(members.items()):
            key = ("," if index else "") + inner + quote(name)
            if not (self.put(key) and self.write(item, ": ", depth + 1)):
                return False
        return not members or self.put("\n" + "    " * depth)


def _leaf(value: Any) -> str | None:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        return str(value)
    number = float(value)
    return _double(number) if math.isfinite(number) else None


def _double(value: float) -> str:
    """Return the shortest digits that read back as ``value``, set out as RapidJSON sets them."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return "-0.0" if sign else "0.0"
    zeros = int(exponent) + len(text) - len(kept)
    point = len(kept) + zeros
    if zeros >= 0 and point <= 21:
        body = kept + "0" * zeros + ".0"
    elif 0 < point <= 21:
        body = f"{kept[:point]}.{kept[point:]}"
    elif -6 < point <= 0:
        body = "0." + "0" * -point + kept
    else:
        body = kept[0] + (f".{kept[1:]}" if len(kept) > 1 else "") + f"e{point - 1}"
    return ("-" if sign else "") + body
