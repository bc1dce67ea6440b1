"""Decoding requests; the cases and texts are those of TensorFlow Serving's json_tensor_test.cc."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.serve import json_request
from dure.serve.json_request import PredictRequest, decode
from dure.serve.runner import Signature, TensorInfo
from dure.serve.status import Code, RequestError


def signature(**dtypes: str) -> Signature:
    return Signature({name: TensorInfo(f"{name}:0", dtypes[name]) for name in sorted(dtypes)})


def ask(body: bytes | str, **dtypes: str) -> PredictRequest:
    raw = body.encode() if isinstance(body, str) else body
    return decode(raw, lambda name: signature(**dtypes))


def refusal(body: bytes | str, **dtypes: str) -> RequestError:
    with pytest.raises(RequestError) as caught:
        ask(body, **dtypes)
    return caught.value


def check(request: PredictRequest, form: str, **expected: Any) -> None:
    assert request.form == form
    assert set(request.inputs) == set(expected)
    for name, value in expected.items():
        got = request.inputs[name]
        assert got.dtype == value.dtype
        assert got.shape == value.shape
        np.testing.assert_array_equal(got, value)


def strings(*items: Any) -> Any:
    return np.array(items, object)


I32, I64, F32, F64 = np.int32, np.int64, np.float32, np.float64


def test_single_unnamed_tensor() -> None:
    request = ask('{"instances": [[1,2],[3,4],[5,6]]}', default="int32")
    check(request, "row", default=np.array([[1, 2], [3, 4], [5, 6]], I32))
    assert request.signature == "serving_default"


def test_single_unnamed_tensor_with_signature() -> None:
    request = ask('{"signature_name": "predict_images", "instances": [[1,2]]}', default="int32")
    assert request.signature == "predict_images"
    assert ask('{"signature_name": "", "inputs": 1}', x="float").signature == "serving_default"


@pytest.mark.parametrize(("dtype", "kind"), [("float", F32), ("double", F64)])
def test_whole_and_decimal_numbers_mix_in_a_float_tensor(dtype: str, kind: Any) -> None:
    request = ask('{"instances": [1, 2.0, 3, 4, 5.003, 0.007, 0.0]}', default=dtype)
    check(request, "row", default=np.array([1, 2, 3, 4, 5.003, 0.007, 0], kind))


def test_a_float_tensor_may_lose_precision() -> None:
    for text in ("1435774380", "1435774380.0"):
        check(ask(f'{{"instances": [{text}]}}', x="float"), "row", x=np.array([1435774336], F32))


def test_a_float_beyond_its_range_is_infinite_or_zero() -> None:
    body = '{"instances": [1.7976931348623157e308, -1.7976931348623157e308, 2.2e-308, -2.2e-308]}'
    values = ask(body, x="float").inputs["x"]
    assert values.tolist() == [math.inf, -math.inf, 0.0, 0.0]
    assert np.signbit(values).tolist() == [False, True, False, True]


def test_base64_scalars_lists_and_names() -> None:
    hello, world = '{"b64": "aGVsbG8="}', '{"b64": "d29ybGQ="}'
    check(
        ask(f'{{"instances": [{hello}, {world}]}}', s="string"),
        "row",
        s=strings(b"hello", b"world"),
    )
    check(
        ask(f'{{"instances": [[{hello}], [{world}]]}}', s="string"),
        "row",
        s=strings([b"hello"], [b"world"]),
    )
    check(
        ask(f'{{"instances": [{{"default": [[{hello}], [{world}]]}}]}}', default="string"),
        "row",
        default=strings([[b"hello"], [b"world"]]),
    )


MANY = {
    "int_tensor": "int32",
    "str_tensor": "string",
    "float_tensor": "float",
    "dbl_tensor": "double",
}


def test_multiple_named_tensors_in_rows() -> None:
    body = """{"instances": [
      {"int_tensor": [[1,2],[3,4],[5,6]], "str_tensor": ["foo", "bar"],
       "float_tensor": [1.0, NaN], "dbl_tensor": [NaN]},
      {"int_tensor": [[7,8],[9,0],[1,2]], "str_tensor": ["baz", "bat"],
       "float_tensor": [2.0, Infinity], "dbl_tensor": [2.0]}]}"""
    check(
        ask(body, **MANY),
        "row",
        int_tensor=np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]], I32),
        str_tensor=strings([b"foo", b"bar"], [b"baz", b"bat"]),
        float_tensor=np.array([[1, np.nan], [2, np.inf]], F32),
        dbl_tensor=np.array([[np.nan], [2]], F64),
    )


def test_columnar_with_one_input_needs_no_name() -> None:
    expected = np.array([[[1, 2], [3, 4], [5, 6]]], I32)
    for body in (
        '{"inputs": {"int_tensor": [[[1,2],[3,4],[5,6]]]}}',
        '{"inputs": [[[1,2],[3,4],[5,6]]]}',
    ):
        check(ask(body, int_tensor="int32"), "columnar", int_tensor=expected)


def test_columnar_with_many_inputs_and_an_extra_key() -> None:
    body = """{"inputs": {"int_tensor": [[[1,2],[3,4],[5,6]]], "str_tensor": ["foo", "bar"],
               "bin_tensor": {"b64": "aGVsbG8="}, "ignored": [[1], [2, 3]]}}"""
    check(
        ask(body, int_tensor="int32", str_tensor="string", bin_tensor="string"),
        "columnar",
        int_tensor=np.array([[[1, 2], [3, 4], [5, 6]]], I32),
        str_tensor=strings(b"foo", b"bar"),
        bin_tensor=np.array(b"hello", object),
    )


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        ('{"inputs": 3}', ()),
        ('{"inputs": [3]}', (1,)),
        ('{"inputs": []}', (0,)),
        ('{"inputs": [[], []]}', (2, 0)),
        ('{"instances": [[], []]}', (2, 0)),
        ('{"instances": [3, 4]}', (2,)),
        ('{"instances": [[[3]]]}', (1, 1, 1)),
    ],
)
def test_the_shape_is_the_nesting(body: str, shape: tuple[int, ...]) -> None:
    for dtype in ("float", "int64", "string", "bool", "uint64"):
        typed = body.replace("3", _ONE[dtype]).replace("4", _ONE[dtype])
        assert ask(typed, x=dtype).inputs["x"].shape == shape


_ONE = {"float": "1.5", "int64": "7", "string": '"s"', "bool": "true", "uint64": "7"}

NOT_ONE = "Failed to process element: "
REFUSED = [
    ('{"instances": [[1,2],[3,4],[5,6,7]]}', f"{NOT_ONE}2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 3"),
    ('{"instances": [[1,2],[3,4],[[5,6]]]}', f"{NOT_ONE}2 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [2] but got: [1,2]"),
    ('{"instances": [1, [1]]}', f"{NOT_ONE}1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]"),
    ('{"instances": [[1,2],["a", "b"]]}', f"{NOT_ONE}1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"a\" Type: String is not of expected type: int32"),
    ('{"instances": [[1,[2]]]}', f"{NOT_ONE}0 of 'instances' list. Error: INVALID_ARGUMENT: Encountered list at unexpected level: 1 expected < 1"),
    ('{"instances": [[[1],2]]}', f"{NOT_ONE}0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
    ('{"instances": [[[1],[2,3]]]}', f"{NOT_ONE}0 of 'instances' list. Error: INVALID_ARGUMENT: Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
    ('{"instances": []}', "JSON Value: {\n    \"instances\": []\n} No values in 'instances' array"),
    ('{"instances": 1}', "JSON Value: {\n    \"instances\": 1\n} Expecting 'instances' to be an list/array"),
    ('{"inputs": 1, "instances": [1]}', "JSON Value: {\n    \"inputs\": 1,\n    \"instances\": [1]\n} Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "),
    ('{"signature_name": 5, "instances": [1]}', "JSON Value: {\n    \"signature_name\": 5,\n    \"instances\": [1]\n} not formatted correctly. 'signature_name' key must be a string value."),
    ("{}", "Missing 'inputs' or 'instances' key"),
    ('{"instances": [1, {"default": 2}]}', "Expecting value/list but got object at item 1 of input list"),
    ('{"instances": [{"default": 2}, 1]}', "Expecting object but got list at item 1 of input list"),
    ('{"instances": [{"other": 2}]}', f"{NOT_ONE}0 key: other of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: other"),
    ('{"instances": [{}]}', f"{NOT_ONE}0 of 'instances' list. JSON object: {{}} keys must be equal to: default"),
    ('{"inputs": {"other": 2}}', "Missing named input: default in 'inputs' object."),
    ('{"inputs": null}', "JSON Value: null Type: Null is not of expected type: int32"),
    ('{"inputs": [true]}', "JSON Value: true Type: True is not of expected type: int32"),
    ('{"inputs": [1.0]}', "JSON Value: 1.0 Type: Number is not of expected type: int32"),
    ('{"inputs": [2147483648]}', "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
    ('{"inputs": [NaN]}', "JSON Value:  Type: Number is not of expected type: int32"),
    ('{"inputs": [[1],[2,3]]}', "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
    ('{"inputs": {"b64": "AA=="}}', 'JSON Value: {\n    "b64": "AA=="\n} Type: Object is not of expected type: int32'),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), REFUSED, ids=[body for body, _ in REFUSED])
def test_a_wrong_request_is_refused_in_tensorflow_servings_words(body: str, message: str) -> None:
    error = refusal(body, default="int32")
    assert error.code is Code.INVALID_ARGUMENT
    assert error.message == message


TWO = {"int_tensor": "int32", "str_tensor": "string"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            (
                '{"instances": [{"int_tensor": [[1,2],[3,4],[5,6]], "str_tensor": ["a", "b"]},'
                ' {"int_tensor": [[[7,8],[9,0],[1,2]]], "str_tensor": ["c", "d"]}]}'
            ),
            f"{NOT_ONE}1 key: int_tensor of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [3,2] but got: [1,3,2]",
        ),
        (
            (
                '{"instances": [{"int_tensor": [[1,2],[3,4]], "str_tensor": ["a", "b"]},'
                ' {"int_tensor": [[1,2]], "str_tensor": ["c", "d"]}]}'
            ),
            f"{NOT_ONE}1 key: int_tensor of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 4 but got: 2",
        ),
        (
            '{"instances": [{"int_tensor": 1, "str_tensor": "a"}, [1, 20, 30]]}',
            "Expecting object but got list at item 1 of input list",
        ),
        (
            '{"instances": [{"int_tensor": 1}]}',
            f"{NOT_ONE}0 of 'instances' list. JSON object: {{\n    \"int_tensor\": 1\n}} keys must be equal to: int_tensor,str_tensor",
        ),
        (
            '{"instances": [1]}',
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map",
        ),
        (
            '{"inputs": [1]}',
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per tensorinfo_map",
        ),
        ('{"inputs": {"int_tensor": 1}}', "Missing named input: str_tensor in 'inputs' object."),
    ],
)
def test_wrong_rows_of_many_inputs(body: str, message: str) -> None:
    assert refusal(body, **TWO).message == message


def test_a_base64_row_for_many_inputs_is_too_few_inputs() -> None:
    error = refusal('{"instances": [{"b64": "AA=="}]}', a="string", b="string")
    assert error.message == (
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}."
    )


def test_a_type_that_json_cannot_carry_is_not_implemented() -> None:
    error = refusal('{"inputs": [1]}', x="half")
    assert (error.code, error.message) == (
        Code.UNIMPLEMENTED,
        "Conversion of JSON Value: 1 to type: half",
    )
    # TensorFlow Serving wraps the error of a row, and with that changes its code.
    row = refusal('{"instances": [1]}', x="half")
    assert row.code is Code.INVALID_ARGUMENT
    assert row.message.endswith("Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: half")
    assert refusal('{"inputs": []}', x="half").code is Code.UNIMPLEMENTED


def test_a_signature_without_inputs_cannot_be_asked() -> None:
    assert refusal('{"inputs": []}').message == (
        "Failed to get input map for signature: serving_default"
    )


def test_the_signature_is_looked_up_only_for_a_json_object() -> None:
    asked: list[str] = []

    def find(name: str) -> Signature:
        asked.append(name)
        raise RequestError(Code.NOT_FOUND, "no such model")

    with pytest.raises(RequestError, match="JSON Parse error"):
        decode(b"nothing", find)
    assert asked == []
    with pytest.raises(RequestError, match="no such model"):
        decode(b'{"signature_name": "s"}', find)
    assert asked == ["s"]


LIMITS = {
    "int8": (-(2**31), 2**31 - 1),
    "int16": (-(2**31), 2**31 - 1),
    "uint8": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}


@pytest.mark.parametrize("dtype", LIMITS)
def test_whole_numbers_up_to_the_limits_and_not_beyond(dtype: str) -> None:
    low, high = LIMITS[dtype]
    kind = np.dtype(dtype)
    span = 2 ** (8 * kind.itemsize)
    for value in (low, 0, 1, high):
        got = ask(f'{{"inputs": [{value}]}}', x=dtype).inputs["x"]
        assert got.dtype == kind
        # A small type keeps the low bits, as a cast in C does.
        assert int(got[0]) % span == value % span
    for value in (low - 1, high + 1, 1.5):
        assert "is not of expected type" in refusal(f'{{"inputs": [{value}]}}', x=dtype).message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", b""),
        ("YQ==", b"a"),
        ("YQ", b"a"),
        ("YWI=", b"ab"),
        ("YWI", b"ab"),
        ("YWJj", b"abc"),
        (" Y W\\nJj ", b"abc"),
        ("YQ..", b"a"),
        ("/+8=", b"\xff\xef"),
    ],
)
def test_base64_with_or_without_padding_and_blanks(text: str, value: bytes) -> None:
    assert ask(f'{{"inputs": {{"b64": "{text}"}}}}', x="string").inputs["x"].item() == value


@pytest.mark.parametrize("text", ["Y", "YQ=", "YQ===", "YWJj=", "YW Jj!", "_-8=", "YQ==YQ==", "é"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    error = refusal(f'{{"inputs": {{"b64": "{text}"}}}}', x="string")
    assert error.message == "Unable to base64 decode"


@pytest.mark.parametrize("value", ['{"b64": 1}', '{"b64": "", "c": 1}', '{"x": "y"}', "{}"])
def test_an_object_in_a_string_tensor_must_be_base64(value: str) -> None:
    error = refusal(f'{{"inputs": [{value}]}}', x="string")
    assert error.message.endswith("not formatted correctly for base64 data")


@given(st.binary(max_size=100))
def test_base64_of_any_bytes_comes_back(value: bytes) -> None:
    text = base64.b64encode(value).decode()
    assert ask(json.dumps({"inputs": {"b64": text}}), x="string").inputs["x"].item() == value


def test_more_dimensions_than_numpy_has_are_refused() -> None:
    for depth in (33, 100, 900):
        error = refusal('{"inputs": ' + "[" * depth + "]" * depth + "}", x="float")
        assert error.message.startswith(f"A tensor of {depth} dimensions")


LEAVES = (
    st.integers(-(2**70), 2**70)
    | st.integers(-5, 5)
    | st.floats()
    | st.booleans()
    | st.none()
    | st.text(max_size=3)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["b64", "x", "y"]), inner, max_size=2)
    ),
    max_leaves=12,
)
DTYPES = st.sampled_from(["float", "double", "string", "bool", "half", *LIMITS])


@given(VALUES, DTYPES, st.sampled_from(["inputs", "instances"]), st.booleans())
def test_any_json_is_decoded_or_refused(value: Any, dtype: str, key: str, two: bool) -> None:
    infos = {"x": dtype, "y": "float"} if two else {"x": dtype}
    try:
        request = ask(json.dumps({key: value}), **infos)
    except RequestError as error:
        code = error.code
    else:
        code = Code.OK
        assert set(request.inputs) == set(infos)
    assert code in (Code.OK, Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED)


@given(VALUES, DTYPES, st.sampled_from(["inputs", "instances"]))
def test_the_fast_way_finds_what_the_exact_way_finds(value: Any, dtype: str, key: str) -> None:
    def outcome() -> Any:
        try:
            array = ask(json.dumps({key: value}), x=dtype).inputs["x"]
        except RequestError as error:
            return str(error)
        return array.dtype, array.shape, repr(array.tolist())

    fast, before = outcome(), json_request._fast
    try:
        json_request._fast = lambda values, dtype: None  # type: ignore[assignment]
        exact = outcome()
    finally:
        json_request._fast = before
    assert fast == exact


@given(st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1))
def test_rows_and_columns_of_numbers_are_numpys(rows: list[list[float]]) -> None:
    expected = np.array(rows, F32)
    for key in ("instances", "inputs"):
        got = ask(json.dumps({key: rows}), x="float").inputs["x"]
        assert got.dtype == F32
        np.testing.assert_array_equal(got, expected)
