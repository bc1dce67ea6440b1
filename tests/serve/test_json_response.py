"""Encoding replies; the cases are those of TensorFlow Serving's json_tensor_test.cc."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dure.serve.json_response import encode
from dure.serve.status import Code, RequestError


def row(**outputs: Any) -> str:
    return encode(outputs, "row").decode()


def columnar(**outputs: Any) -> str:
    return encode(outputs, "columnar").decode()


INTS = np.array([[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]], np.int32)


def test_a_single_tensor() -> None:
    assert json.loads(row(x=INTS)) == {"predictions": INTS.tolist()}
    assert json.loads(columnar(x=INTS)) == {"outputs": INTS.tolist()}


def test_rows_keep_each_instance_on_one_line() -> None:
    # As TensorFlow Serving prints the half_plus_three example of its documentation today.
    assert row(y=np.array([3.5, 4.0, 5.5], np.float32)) == (
        '{\n    "predictions": [3.5, 4.0, 5.5\n    ]\n}'
    )
    assert row(x=INTS) == (
        '{\n    "predictions": [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 0], [1, 2]]\n    ]\n}'
    )


def test_columns_are_broken_into_lines() -> None:
    assert columnar(y=np.array([[2.5], [3.0]], np.float32)) == (
        '{\n    "outputs": [\n        [\n            2.5\n        ],\n'
        "        [\n            3.0\n        ]\n    ]\n}"
    )
    assert columnar(y=np.array(7, np.int64)) == '{\n    "outputs": 7\n}'


def test_many_named_tensors() -> None:
    outputs = {
        "int_tensor": INTS,
        "str_tensor": np.array([[b"foo", b"bar"], [b"baz", b"bat"]], object),
        "float_tensor": np.array([[1.0], [2.0]], np.float32),
        "double_scalar_tensor": np.array([8.0, 9.0]),
        "str_tensor_bytes": np.array([[b"hello", b"world"], [b"tf", b"serving"]], object),
    }
    assert json.loads(row(**outputs)) == {
        "predictions": [
            {
                "double_scalar_tensor": 8.0,
                "float_tensor": [1.0],
                "int_tensor": [[1, 2], [3, 4], [5, 6]],
                "str_tensor": ["foo", "bar"],
                "str_tensor_bytes": [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}],
            },
            {
                "double_scalar_tensor": 9.0,
                "float_tensor": [2.0],
                "int_tensor": [[7, 8], [9, 0], [1, 2]],
                "str_tensor": ["baz", "bat"],
                "str_tensor_bytes": [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}],
            },
        ]
    }
    assert json.loads(columnar(**outputs)) == {
        "outputs": {
            "double_scalar_tensor": [8.0, 9.0],
            "float_tensor": [[1.0], [2.0]],
            "int_tensor": INTS.tolist(),
            "str_tensor": [["foo", "bar"], ["baz", "bat"]],
            "str_tensor_bytes": [
                [{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}],
                [{"b64": "dGY="}, {"b64": "c2VydmluZw=="}],
            ],
        }
    }


def test_named_rows_are_laid_out_as_rapidjson_does() -> None:
    text = row(b=np.array([[1.0], [2.0]]), a_bytes=np.array([b"x", b"y"], object))
    assert text == (
        '{\n    "predictions": [\n        {\n'
        '            "a_bytes": {\n                "b64": "eA=="\n            },\n'
        '            "b": [1.0]\n        },\n        {\n'
        '            "a_bytes": {\n                "b64": "eQ=="\n            },\n'
        '            "b": [2.0]\n        }\n    ]\n}'
    )


def test_six_digits_where_they_suffice() -> None:
    values = np.array([[9000000, 999999, 0.5], [0.0003, 0.00003, 555557.5]], np.float32)
    assert row(y=values) == (
        '{\n    "predictions": [[9e+06, 999999.0, 0.5], [0.0003, 3e-05, 555557.5]\n    ]\n}'
    )


def test_nan_and_infinities_are_bare_tokens() -> None:
    values = np.array([[math.nan, math.inf], [3, -math.inf]], np.float32)
    assert "[[NaN, Infinity], [3.0, -Infinity]\n" in row(y=values)


@pytest.mark.parametrize(
    ("value", "single", "double"),
    [
        (0.1, "0.1", "0.1"),
        (1 / 3, "0.333333343", "0.33333333333333331"),
        (16777216.0, "16777216.0", "16777216.0"),
        (-0.0, "-0.0", "-0.0"),
        (1e10, "1e+10", "1e+10"),
        (123456789.0, "123456792.0", "123456789.0"),
        (3.4028234663852886e38, "3.40282347e+38", "3.4028234663852886e+38"),
        (5e-324, "0.0", "4.94066e-324"),
    ],
)
def test_other_floats_have_all_digits_that_matter(value: float, single: str, double: str) -> None:
    assert json.loads(columnar(y=np.array(value)))["outputs"] == value
    assert columnar(y=np.array(value, np.float32)) == f'{{\n    "outputs": {single}\n}}'
    assert columnar(y=np.array(value)) == f'{{\n    "outputs": {double}\n}}'


@given(
    st.sampled_from([np.float32, np.float64]).flatmap(
        lambda kind: arrays(kind, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
    )
)
def test_floats_of_any_shape_read_back_the_same(values: Any) -> None:
    back = np.array(json.loads(columnar(y=values))["outputs"], values.dtype)
    np.testing.assert_array_equal(back.reshape(values.shape), values)
    if values.ndim:
        back = np.array(json.loads(row(y=values))["predictions"], values.dtype)
        np.testing.assert_array_equal(back.reshape(values.shape), values)


@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64", "bool"]
)
def test_whole_numbers_and_truths_are_exact(dtype: str) -> None:
    if dtype == "bool":
        values = np.array([True, False])
    else:
        limits = np.iinfo(dtype)
        values = np.array([limits.min, 0, limits.max], dtype)
    assert json.loads(row(y=values))["predictions"] == values.tolist()


def test_strings_are_quoted_and_bytes_that_are_no_utf8_pass_through() -> None:
    values = np.array(['é"\\/\n\x01'.encode(), b"\xff"], object)
    assert encode({"s": values}, "row") == (
        b'{\n    "predictions": ["\xc3\xa9\\"\\\\/\\n\\u0001", "\xff"\n    ]\n}'
    )


@pytest.mark.parametrize("shape", [(0,), (0, 2), (0, 3, 4)])
def test_no_rows_are_an_empty_list(shape: tuple[int, ...]) -> None:
    assert row(y=np.zeros(shape)) == '{\n    "predictions": []\n}'
    assert row(y=np.zeros(shape), z=np.zeros(shape)) == '{\n    "predictions": []\n}'


def test_empty_lists_inside_rows_stay() -> None:
    assert json.loads(row(y=np.zeros((2, 0, 3))))["predictions"] == [[], []]
    assert json.loads(row(y=np.zeros((2, 2, 0))))["predictions"] == [[[], []], [[], []]]
    assert json.loads(columnar(y=np.zeros((2, 2, 0))))["outputs"] == [[[], []], [[], []]]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "Cannot convert empty tensor map to JSON"),
        ({"t": np.array(1)}, "Tensor name: t has no shape information "),
        (
            {"a": np.zeros((2, 3)), "b": np.zeros((1, 3))},
            "Tensor name: b has inconsistent batch size: 1 expecting: 2",
        ),
        (
            {"a": np.zeros((0, 3)), "b": np.zeros((1, 3))},
            "Tensor name: b has inconsistent batch size: 1 expecting: 0",
        ),
        ({"c": np.zeros(2, np.complex64)}, "Failed to write JSON value for tensor type: complex64"),
    ],
)
def test_what_does_not_fit_rows_is_refused(outputs: Any, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        encode(outputs, "row")
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, message)
