"""Parsing and quoting JSON as TensorFlow Serving does."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.serve.json_text import debug, error_body, parse, quote, string_value, to_bytes
from dure.serve.status import Code, RequestError

# The texts are those of rapidjson's GetParseError_En, behind TensorFlow Serving's own words.
MALFORMED = [
    (b"", "JSON Parse error: The document is empty"),
    (b" \n\t", "JSON Parse error: The document is empty. at offset: 3"),
    (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
    (b'{"a": yes}', "JSON Parse error: Invalid value. at offset: 6"),
    (b'{"a": [1,]}', "JSON Parse error: Invalid value. at offset: "),
    (b'{"a": 1,}', "JSON Parse error: Missing a name for object member. at offset: "),
    (b"{1: 2}", "JSON Parse error: Missing a name for object member. at offset: 1"),
    (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
    (
        b'{"[{": [1 2]}',
        "JSON Parse error: Missing a comma or ']' after an array element. at offset: 10",
    ),
    (
        b'{"a": {"b": [1, {}] "c": 2}}',
        "JSON Parse error: Missing a comma or '}' after an object member. at offset: 20",
    ),
    (
        '{"é": [1 2]}'.encode(),
        "JSON Parse error: Missing a comma or ']' after an array element. at offset: 10",
    ),
    (b'{"a": "\\x"}', "JSON Parse error: Invalid escape character in string. at offset: "),
    (b'{"a": "\\u12g4"}', "JSON Parse error: Incorrect hex digit after \\u escape in string."),
    (b'{"a": "x', "JSON Parse error: Missing a closing quotation mark in string. at offset: "),
    (b'{"a": "\x01"}', "JSON Parse error: Invalid escape character in string. at offset: "),
    (b'{"a": 1.}', "JSON Parse error: Miss fraction part in number. at offset: 8"),
    (b'{"a": 1e}', "JSON Parse error: Miss exponent in number. at offset: 8"),
    (b'{"a": 1e400}', "JSON Parse error: Number too big to be stored in double. at offset: 6"),
    (
        b'{"a": -' + b"1" * 5000 + b"}",
        "JSON Parse error: Number too big to be stored in double. at offset: 6",
    ),
    (b"[" * 100_000, "JSON Parse error: Nested too deeply. at offset: 0"),
    (b"[1]", "JSON Value: [1] Is not object"),
    (b'"x"', 'JSON Value: "x" Is not object'),
    (b"null", "JSON Value: null Is not object"),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED, ids=lambda value: str(value)[:24])
def test_what_is_no_json_object_is_refused_in_rapidjsons_words(body: bytes, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse(body)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert caught.value.message.startswith(message)


def test_nan_and_infinity_are_numbers() -> None:
    document = parse(b'{"a": [NaN, Infinity, -Infinity]}')
    assert math.isnan(document["a"][0])
    assert document["a"][1:] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1} trailing', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b' \r\n\t{"a": 1}', {"a": 1}),
        (b'{"a": 1, "b": 2, "a": 3}', {"a": 1, "b": 2}),
        (b'{"a": 1e-400}', {"a": 0.0}),
        (b'{"a": 1e308}', {"a": 1e308}),
        (b'{"a": 12345678901234567890123}', {"a": 12345678901234567890123}),
        (b'{"a": ' + b"1" * 305 + b"}", {"a": float("1" * 305)}),
    ],
)
def test_what_rapidjson_takes_is_taken(body: bytes, value: dict[str, Any]) -> None:
    assert parse(body) == value


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=20,
        ),
    )
)
def test_a_document_reads_back_as_the_standard_library_reads_it(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert parse(text.encode()) == json.loads(text)


@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789.eE+-\\untrfaINy ').map(str.encode)
)
def test_any_bytes_are_parsed_or_refused(body: bytes) -> None:
    try:
        document = parse(body)
    except RequestError as error:
        code, document = error.code, {}
        error_body(error.message)
    else:
        code = Code.OK
    assert code in (Code.OK, Code.INVALID_ARGUMENT)
    assert isinstance(document, dict)


@given(st.binary(max_size=50))
def test_bytes_that_are_no_utf8_pass_through_a_string(raw: bytes) -> None:
    kept = bytes(byte for byte in raw if byte >= 0x20 and byte not in b'"\\')
    assert string_value(parse(b'{"a": "' + kept + b'"}')["a"]) == kept


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_is_a_character() -> None:
    assert string_value(parse(rb'{"a": "\ud83d\ude00"}')["a"]) == "😀".encode()
    with pytest.raises(RequestError, match="The surrogate pair in string is invalid"):
        string_value(parse(rb'{"a": "\ud83d"}')["a"])


@given(st.text())
def test_a_quoted_text_reads_back(text: str) -> None:
    assert json.loads(quote(text)) == text


@given(st.text(alphabet=st.characters()))
def test_an_error_body_is_json_whatever_the_message_is(message: str) -> None:
    body = error_body(message)
    assert body.startswith(b'{\n    "error": "')
    assert json.loads(body.decode("utf-8", "surrogatepass")) == {"error": message}


def test_an_error_body_is_laid_out_as_tensorflow_servings() -> None:
    assert error_body('a "b"\n\x1f') == b'{\n    "error": "a \\"b\\"\\n\\u001F"\n}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # From rapidjson's dtoa: up to 21 digits before the point, down to 1e-6 after it.
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1.2345, "1.2345"),
        (1e20, "100000000000000000000.0"),
        (1e21, "1e21"),
        (1.5e21, "1.5e21"),
        (1.5e20, "150000000000000000000.0"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.25e-7, "1.25e-7"),
        (-1.7976931348623157e308, "-1.7976931348623157e308"),
        (5e-324, "5e-324"),
        (math.nan, ""),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "18446744073709552000.0"),
        (-(2**63), "-9223372036854775808"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2, "x"]], '[1, [2, "x"]]'),
        ({"a": {"b": []}, "c": 1}, '{\n    "a": {\n        "b": []\n    },\n    "c": 1\n}'),
        ([1, math.nan, 2], "[1, "),
    ],
    ids=str,
)
def test_values_are_quoted_as_rapidjson_writes_them(value: Any, text: str) -> None:
    assert debug(value) == text


def test_a_long_value_is_cut_after_256_bytes() -> None:
    text = debug(list(range(1000)))
    assert 256 <= len(text) < 262
    assert text.startswith("[0, 1, 2, ")
    assert not text.endswith("]")
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    assert debug(deep) == "[" * 256


@given(st.text(alphabet=st.characters()))
def test_text_becomes_bytes_whatever_is_in_it(text: str) -> None:
    assert isinstance(to_bytes(text), bytes)
