"""Addresses, status codes and texts; the cases are those of TensorFlow Serving's own tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.serve.rest import Api, Reply
from dure.serve.versions import Versions

NAME = "saved_model_half_plus_two_cpu"


@pytest.fixture(scope="module")
def api(shared_models: Path) -> Iterator[Api]:
    versions = Versions(NAME, shared_models / NAME)
    versions.poll()
    yield Api(NAME, versions)
    versions.close()


@pytest.fixture(scope="module")
def two(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("many")
    (folder / "1").symlink_to(models / "many")
    versions = Versions("m/a:b é", folder)
    versions.poll()
    yield Api("m/a:b é", versions)
    versions.close()


def error(reply: Reply) -> tuple[int, str]:
    assert reply.body.startswith(b'{\n    "error": ')
    return reply.status, json.loads(reply.body)["error"]


def post(api: Api, body: Any, where: str = f"/v1/models/{NAME}:predict") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return api.answer("POST", where, raw)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/foo"),
        ("POST", "/v1/foo"),
        ("GET", "/v1/models/debug/model_name"),
        ("POST", "/v1/models"),
        ("GET", "/v1/models/foo:predict"),
        ("GET", "/v1/models/foo/version/50:predict"),
        ("POST", "/v1/models/foo/version/50:regress"),
        ("POST", "/v1/models/foo/versions/HELLO:regress"),
        ("POST", "/v1/models/foo/metadata"),
        ("POST", "/v1/models/foo/label/some_label:regress"),
        ("POST", "/v1/models/foo/versions/50/labels/some_label:regress"),
        ("POST", "/v1/models/foo/versions/some_label:regress"),
        ("POST", f"/v1/models/{NAME}:PREDICT"),
        ("POST", f"/v1/models/{NAME}:predict?x=1"),
        ("POST", f"/v1/models/{NAME}/versions/١:predict"),
        ("PUT", f"/v1/models/{NAME}"),
        ("DELETE", f"/v1/models/{NAME}"),
        ("HEAD", f"/v1/models/{NAME}"),
    ],
)
def test_unsupported_calls_are_malformed(api: Api, method: str, target: str) -> None:
    assert error(api.answer(method, target, b"")) == (400, f"Malformed request: {method} {target}")


@pytest.mark.parametrize("target", ["/", "/index", "/v1", "/v2/models", "", "*"])
def test_other_addresses_are_not_found(api: Api, target: str) -> None:
    assert error(api.answer("GET", target, b""))[0] == 404


def test_no_model_name(api: Api) -> None:
    assert error(api.answer("GET", "/v1/models", b"")) == (400, "Missing model name in request.")


@pytest.mark.parametrize("text", [str(2**64 - 1), str(2**63), "1" + "0" * 5000], ids=len)
def test_a_version_too_large_for_a_number(api: Api, text: str) -> None:
    assert error(post(api, {}, f"/v1/models/foo/versions/{text}:regress")) == (
        400,
        f"Failed to convert version: {text} to numeric.",
    )


@pytest.mark.parametrize(
    ("method", "target", "status", "message"),
    [
        ("POST", "/v1/models/foo:predict", 404, "Servable not found for request: Latest(foo)"),
        (
            "POST",
            "/v1/models/foo/versions/50:predict",
            404,
            "Servable not found for request: Specific(foo, 50)",
        ),
        (
            "POST",
            f"/v1/models/{NAME}/versions/99:predict",
            404,
            f"Servable not found for request: Specific({NAME}, 99)",
        ),
        (
            "POST",
            f"/v1/models/{NAME}/labels/none:predict",
            400,
            "Unrecognized servable version label: none",
        ),
        ("GET", "/v1/models/foo", 404, "Could not find any versions of model foo"),
        ("GET", "/v1/models/foo/versions/3", 404, "Could not find version 3 of model foo"),
        (
            "GET",
            f"/v1/models/{NAME}/versions/3",
            404,
            f"Could not find version 3 of model {NAME}",
        ),
        ("GET", "/v1/models/foo/metadata", 404, "Servable not found for request: Latest(foo)"),
        ("GET", "/v1/models/foo?x=1", 404, "Could not find any versions of model foo?x=1"),
        (
            "POST",
            f"/v1/models/{NAME}:regress",
            501,
            "Method regress is not supported; use predict",
        ),
    ],
)
def test_unknown_models_versions_and_labels(
    api: Api, method: str, target: str, status: int, message: str
) -> None:
    assert error(api.answer(method, target, b'{ "instances": [1] }')) == (status, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"instances = [1, 2]", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{ "instances": ["x", "y"] }', "not of expected type: float"),
        (b'{ "signature_name": 100 }', "'signature_name' key must be a string value."),
        (
            b'{"signature_name": "x", "instances": [1]}',
            'Serving signature name: "x" not found in signature def',
        ),
    ],
)
def test_wrong_predict_requests(api: Api, body: bytes, message: str) -> None:
    status, text = error(post(api, body))
    assert status == 400
    assert message in text


@pytest.mark.parametrize("where", ["", "/versions/123", "/versions/00123"])
@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ({"instances": [[1.0, 2.0], [3.0, 4.0]]}, {"predictions": [[2.5, 3.0], [3.5, 4.0]]}),
        ({"instances": [1.0, 2.0]}, {"predictions": [2.5, 3.0]}),
        (
            {"signature_name": "serving_default", "instances": [3.0, 4.0]},
            {"predictions": [3.5, 4.0]},
        ),
        ({"signature_name": "serving_default", "inputs": [3.0, 4.0]}, {"outputs": [3.5, 4.0]}),
    ],
)
def test_predict(api: Api, where: str, body: Any, reply: Any) -> None:
    answer = post(api, body, f"/v1/models/{NAME}{where}:predict")
    assert (answer.status, json.loads(answer.body)) == (200, reply)


@pytest.mark.parametrize(
    "folder", ["saved_model_half_plus_two_tf2_cpu", "saved_model_half_plus_three"]
)
def test_the_other_models_of_tensorflow_serving(shared_models: Path, folder: str) -> None:
    versions = Versions("m", shared_models / folder)
    versions.poll()
    plus = 3.0 if folder.endswith("three") else 2.0
    reply = post(Api("m", versions), {"instances": [1.0, 2.0, 5.0]}, "/v1/models/m:predict")
    assert json.loads(reply.body) == {"predictions": [plus + 0.5, plus + 1.0, plus + 2.5]}
    versions.close()


def test_paths_match_in_any_case(api: Api) -> None:
    assert post(api, {"inputs": 1}, f"/V1/Models/{NAME}/VERSIONS/123:predict").status == 200


STATUS = """{
 "model_version_status": [
  {
   "version": "123",
   "state": "AVAILABLE",
   "status": {
    "error_code": "OK",
    "error_message": ""
   }
  }
 ]
}
"""


@pytest.mark.parametrize("where", ["", "/versions/123", "/labels/any"])
def test_status_is_tensorflow_servings_to_the_byte(api: Api, where: str) -> None:
    assert api.answer("GET", f"/v1/models/{NAME}{where}", b"") == Reply(200, STATUS.encode())


def dim(*sizes: int) -> list[dict[str, str]]:
    return [{"size": str(size), "name": ""} for size in sizes]


def test_metadata_is_tensorflow_servings(api: Api) -> None:
    # From tensorflow_serving/servables/tensorflow/testdata/
    # saved_model_half_plus_two_2_versions_metadata.json, the same model with one signature more.
    x2 = {
        "dtype": "DT_FLOAT",
        "tensor_shape": {"dim": dim(-1, 1), "unknown_rank": False},
        "name": "x2:0",
    }
    example = {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [], "unknown_rank": True},
        "name": "tf_example:0",
    }
    kinds = {
        "regress_x2_to_y3": ("regress", "inputs", x2, "outputs", "y3:0"),
        "serving_default": ("predict", "x", {**x2, "name": "x:0"}, "y", "y:0"),
        "classify_x_to_y": ("classify", "inputs", example, "scores", "y:0"),
        "regress_x_to_y2": ("regress", "inputs", example, "outputs", "y2:0"),
        "regress_x_to_y": ("regress", "inputs", example, "outputs", "y:0"),
    }
    expected = {
        name: {
            "inputs": {key: info},
            "outputs": {output: {**x2, "name": tensor}},
            "method_name": f"tensorflow/serving/{method}",
            "defaults": {},
        }
        for name, (method, key, info, output, tensor) in kinds.items()
    }
    reply = api.answer("GET", f"/v1/models/{NAME}/metadata", b"")
    assert reply.status == 200
    document = json.loads(reply.body)
    assert document["model_spec"] == {"name": NAME, "signature_name": "", "version": "123"}
    found = document["metadata"]["signature_def"]["signature_def"]
    assert found == expected
    assert reply.body.startswith(b'{\n"model_spec":{\n "name": ')
    assert api.answer("GET", f"/v1/models/{NAME}/versions/123/metadata", b"") == reply


def test_the_init_signature_is_listed(two: Api) -> None:
    reply = two.answer("GET", "/v1/models/m%2Fa%3Ab%20%C3%A9/metadata", b"")
    found = json.loads(reply.body)["metadata"]["signature_def"]["signature_def"]
    assert (
        found["__saved_model_init_op"]["outputs"]["__saved_model_init_op"]["dtype"] == "DT_INVALID"
    )
    assert found["square"]["inputs"]["x"]["tensor_shape"] == {"dim": [], "unknown_rank": True}


def test_a_name_is_percent_decoded(two: Api) -> None:
    where = "/v1/models/m%2Fa%3Ab%20%C3%A9"
    assert two.answer("GET", where, b"").status == 200
    reply = post(two, {"signature_name": "square", "inputs": [[3.0]]}, f"{where}:predict")
    assert json.loads(reply.body) == {"outputs": [[9.0]]}


MANY = "/v1/models/m%2Fa%3Ab%20%C3%A9:predict"


def test_many_inputs_and_outputs_in_both_forms(two: Api) -> None:
    rows = post(
        two, {"instances": [{"text": "é", "number": 1}, {"text": "abcd", "number": -2}]}, MANY
    )
    assert json.loads(rows.body)["predictions"][1] == {
        "double": -4, "length": 4, "long": True, "same_bytes": {"b64": "YWJjZA=="}, "upper": "ABCD",
    }  # fmt: skip
    columns = post(two, {"inputs": {"text": [{"b64": "w6k="}], "number": [2**62]}}, MANY)
    assert json.loads(columns.body)["outputs"] == {
        "double": [-(2**63)], "length": [2], "long": [False],
        "same_bytes": [{"b64": "w6k="}], "upper": ["é"],
    }  # fmt: skip


def test_what_the_model_refuses_is_a_400_with_its_words(two: Api) -> None:
    status, message = error(post(two, {"signature_name": "product", "inputs": [[1, 2, 3]]}, MANY))
    assert status == 400
    assert "Matrix size-incompatible" in message


def test_outputs_that_are_no_rows_are_refused_in_row_form_only(two: Api) -> None:
    body = {"signature_name": "total", "instances": [1.0, 2.0]}
    assert error(post(two, body, MANY)) == (400, "Tensor name: sum has no shape information ")
    columnar = post(two, {"signature_name": "total", "inputs": [1.0, 2.0]}, MANY)
    assert json.loads(columnar.body) == {"outputs": {"all": [1.0, 2.0], "sum": 3.0}}


def test_nan_and_infinity_go_in_and_come_out(two: Api) -> None:
    reply = post(two, b'{"signature_name": "square", "inputs": [NaN, -Infinity, 3]}', MANY)
    assert reply.body == (
        b'{\n    "outputs": [\n        NaN,\n        Infinity,\n        9.0\n    ]\n}'
    )


def test_options_needs_an_origin(api: Api) -> None:
    where = f"/v1/models/{NAME}:predict"
    assert api.answer("OPTIONS", where, b"", origin="https://a.example") == Reply(200, b"")
    assert api.answer("OPTIONS", where, b"") == Reply(400, b"")


def test_a_fault_of_the_server_is_a_reply(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def use(self, version: int | None) -> Any:
            raise ZeroDivisionError

    reply = Api("m", Broken()).answer("POST", "/v1/models/m:predict", b'{"inputs": 1}')  # type: ignore[arg-type]
    assert reply.status == 500
    assert "ZeroDivisionError" in capsys.readouterr().err


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["x", "b64", "text", "number"]) | st.text(max_size=3), inner, max_size=3
        )
    ),
    max_leaves=10,
)
REQUESTS = st.dictionaries(
    st.sampled_from(["instances", "inputs", "signature_name"]),
    JSON
    | st.sampled_from(["square", "product", "total", "half_precision", "__saved_model_init_op"]),
).map(lambda document: json.dumps(document).encode())


@given(REQUESTS | st.binary(max_size=100))
def test_no_body_makes_the_server_fail(two: Api, body: bytes) -> None:
    reply = post(two, body, MANY)
    assert reply.status in (200, 400, 501)
    json.loads(reply.body.decode("utf-8", "surrogateescape"))


@given(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "X"]),
    st.text(max_size=30) | st.text(alphabet="/v1models:predict%C3 0versionsmetadata", max_size=60),
)
def test_no_address_makes_the_server_fail(two: Api, method: str, target: str) -> None:
    for path in (target, "/v1/models" + target, "/v1/models/" + target + ":predict"):
        assert two.answer(method, path, b"{}").status in (200, 400, 404, 501)
