"""The bodies of the status and metadata replies, as protobuf's JSON printer sets them out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dure.serve.runner import Signature, TensorInfo
from dure.serve.status import Code


def status_body(versions: Iterable[tuple[int, str, Code, str]]) -> bytes:
    """Return the body of a model status reply.

    Parameters
    ----------
    versions : iterable of (version, state, code, message)
        What to say of each version.
    """
    reply = {
        "model_version_status": [
            {
                "version": str(version),
                "state": state,
                "status": {"error_code": code.name, "error_message": message},
            }
            for version, state, code, message in versions
        ]
    }
    return f"{_print(reply)}\n".encode("utf-8", "replace")


def metadata_body(name: str, version: int, signatures: Mapping[str, Signature]) -> bytes:
    """Return the body of a model metadata reply.

    Parameters
    ----------
    name : str
        The name of the model.
    version : int
        The version that answers.
    signatures : mapping of str to Signature
        What can be asked of it.
    """
    spec = {"name": name, "signature_name": "", "version": str(version)}
    definitions = {
        "signature_def": {key: _signature(signature) for key, signature in signatures.items()}
    }
    # TensorFlow Serving glues the two messages together; so the outer braces are not indented.
    return (
        f'{{\n"model_spec":{_print(spec)}\n,\n'
        f'"metadata": {{"signature_def": {_print(definitions)}\n}}\n}}\n'
    ).encode("utf-8", "replace")


def _print(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)


def _signature(signature: Signature) -> dict[str, Any]:
    return {
        "inputs": {name: _tensor(info) for name, info in signature.inputs.items()},
        "outputs": {name: _tensor(info) for name, info in signature.outputs.items()},
        "method_name": signature.method,
        "defaults": {},
    }


def _tensor(info: TensorInfo) -> dict[str, Any]:
    sizes = info.shape or ()
    shape = {
        "dim": [{"size": str(size), "name": ""} for size in sizes],
        "unknown_rank": info.shape is None,
    }
    return {
        "dtype": f"DT_{info.dtype.upper()}",
        **({"tensor_shape": shape} if info.has_shape else {}),
        "name": info.tensor,
    }
