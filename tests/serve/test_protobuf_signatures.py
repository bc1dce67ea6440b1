"""Signatures read from the wire, compared with what protobuf itself reads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.serve import protobuf
from dure.serve.runner import DTYPES, Signature, TensorInfo


def meta_graph(path: Path) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    return saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    ).meta_graphs[0]


def expected(message: Any) -> dict[str, Signature]:
    def info(tensor: Any) -> TensorInfo:
        shape = tensor.tensor_shape
        sizes = None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
        has_shape = tensor.HasField("tensor_shape")
        return TensorInfo(
            tensor.name, DTYPES[tensor.dtype], sizes if has_shape else None, has_shape
        )

    return {
        name: Signature(
            {key: info(tensor) for key, tensor in sorted(signature.inputs.items())},
            {key: info(tensor) for key, tensor in sorted(signature.outputs.items())},
            signature.method_name,
        )
        for name, signature in message.signature_def.items()
    }


@pytest.mark.parametrize("name", ["half_plus_2", "many"])
def test_the_signatures_are_those_that_protobuf_reads(models: Path, name: str) -> None:
    message = meta_graph(models / name)
    found = protobuf.signatures(message.SerializeToString())
    assert found == expected(message)
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    "name",
    [
        "saved_model_half_plus_two_cpu",
        "saved_model_half_plus_two_tf2_cpu",
        "saved_model_half_plus_three",
    ],
)
def test_the_signatures_of_tensorflow_servings_models(shared_models: Path, name: str) -> None:
    message = meta_graph(shared_models / name / "00000123")
    assert protobuf.signatures(message.SerializeToString()) == expected(message)


def test_shapes_open_closed_scalar_and_absent() -> None:
    from tensorflow.core.protobuf import meta_graph_pb2

    message = meta_graph_pb2.MetaGraphDef()
    inputs = message.signature_def["s"].inputs
    for size in (-1, 0, 1, 2**62):
        inputs["sized"].tensor_shape.dim.add().size = size
    inputs["open"].tensor_shape.unknown_rank = True
    inputs["scalar"].tensor_shape.SetInParent()
    inputs["absent"].name = "absent:0"
    inputs["unknown"].dtype = 999
    found = protobuf.signatures(message.SerializeToString())["s"].inputs
    assert found["sized"].shape == (-1, 0, 1, 2**62)
    assert (found["open"].shape, found["open"].has_shape) == (None, True)
    assert (found["scalar"].shape, found["scalar"].has_shape) == ((), True)
    assert (found["absent"].shape, found["absent"].has_shape) == (None, False)
    assert found["unknown"].dtype == "type 999"


def test_the_types_have_tensorflows_names() -> None:
    from tensorflow.core.framework import types_pb2

    for number, name in DTYPES.items():
        assert types_pb2.DataType.Name(number) == f"DT_{name.upper()}"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(protobuf.ProtobufError):
        assert isinstance(protobuf.signatures(raw), dict)


def test_what_is_cut_off_is_read_up_to_a_field_or_refused(models: Path) -> None:
    whole = meta_graph(models / "half_plus_2")
    whole.ClearField("graph_def")
    whole.ClearField("object_graph_def")
    raw = whole.SerializeToString()
    names = set(protobuf.signatures(raw))
    for length in range(len(raw)):
        with suppress(protobuf.ProtobufError):
            assert set(protobuf.signatures(raw[:length])) <= names
