"""A SavedModel that answers through TensorFlow's C interface."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from dure.errors import ServingError
from dure.serve import protobuf, tensorflow_c
from dure.serve.runner import Signature, Tensors
from dure.serve.status import Code, RequestError, invalid

_TAG = b"serve"


@dataclass(frozen=True)
class _Plan:
    """Where the inputs of a signature go and where its outputs come from."""

    inputs: tuple[str, ...]
    feeds: tuple[tensorflow_c.Output, ...]
    outputs: tuple[str, ...]
    fetches: tuple[tensorflow_c.Output, ...]


class SavedModel:
    """A SavedModel with the tag ``serve``, as a `dure.serve.runner.Servable`.

    Like TensorFlow Serving it runs the graph as it is: sizes are not compared with those of the
    signature, so ``[3]`` or ``[2, 2]`` may be sent to a model of ``[-1, 1]``, and what the graph
    refuses is its own message.

    Parameters
    ----------
    directory : Path
        A folder with ``saved_model.pb``.

    Raises
    ------
    ServingError
        The folder cannot be loaded, or a signature names a tensor that its graph lacks.
    MissingExtraError
        TensorFlow is not installed.
    """

    def __init__(self, directory: Path) -> None:
        tf = tensorflow_c.library()
        graph = tf.TF_NewGraph()
        try:
            session, meta_graph = _load(directory, graph)
        except BaseException:
            tf.TF_DeleteGraph(graph)
            raise
        self._session = session
        # Not at exit: the process then ends anyway, and a request may still be running.
        self._free = weakref.finalize(self, _free, session, graph)
        self._free.atexit = False
        try:
            _check_variables(directory, meta_graph)
            self._signatures = protobuf.signatures(meta_graph)
            self._plans = {
                name: _plan(graph, signature)
                for name, signature in self._signatures.items()
                if _is_dense(signature)
            }
        except (protobuf.ProtobufError, _MissingTensorError) as error:
            self.close()
            raise _unloadable(directory, str(error)) from error
        except BaseException:
            self.close()
            raise

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """What can be asked of it, by name."""
        return self._signatures

    def predict(self, signature: str, inputs: Tensors) -> dict[str, npt.NDArray[Any]]:
        """Answer one request; see `dure.serve.runner.Servable`."""
        if not self._free.alive:
            raise RequestError(Code.UNAVAILABLE, "The model was closed")
        plan = self._plans.get(signature)
        if plan is None:
            raise invalid(
                f'Signature "{signature}" has a sparse, composite or untyped tensor, '
                "which is not supported"
            )
        values = tensorflow_c.run(
            self._session, plan.feeds, [inputs[name] for name in plan.inputs], plan.fetches
        )
        return dict(zip(plan.outputs, values, strict=True))

    def close(self) -> None:
        """Give the model's memory back. A second call does nothing."""
        self._free()


class _MissingTensorError(ValueError):
    """A signature names a tensor that is not in the graph."""


def _load(directory: Path, graph: int) -> tuple[int, bytes]:
    tf = tensorflow_c.library()
    options, buffer = tf.TF_NewSessionOptions(), tf.TF_NewBuffer()
    tags = (ctypes.c_char_p * 1)(_TAG)
    try:
        with tensorflow_c.checked() as status:
            session = tf.TF_LoadSessionFromSavedModel(
                *(options, None, str(directory).encode(), tags, 1, graph),
                ctypes.cast(buffer, ctypes.c_void_p),
                status,
            )
        return session, ctypes.string_at(buffer.contents.data, buffer.contents.length)
    except RequestError as error:
        raise _unloadable(directory, str(error)) from error
    finally:
        tf.TF_DeleteSessionOptions(options)
        tf.TF_DeleteBuffer(buffer)


def _check_variables(directory: Path, meta_graph: bytes) -> None:
    # TensorFlow takes a missing folder for a model without variables, and fails on each request.
    index = directory / "variables" / "variables.index"
    if protobuf.has_objects(meta_graph) and not index.is_file():
        raise _unloadable(directory, f"{index.relative_to(directory)} is missing")


def _free(session: int, graph: int) -> None:
    tf = tensorflow_c.library()
    for release in (tf.TF_CloseSession, tf.TF_DeleteSession):
        status = tf.TF_NewStatus()
        release(session, status)
        tf.TF_DeleteStatus(status)
    tf.TF_DeleteGraph(graph)


def _unloadable(directory: Path, reason: str) -> ServingError:
    return ServingError(
        f"the model in {directory} cannot be loaded",
        expected="a whole SavedModel with the tag 'serve'",
        got=reason,
        fix="export or push the model again",
    )


def _is_dense(signature: Signature) -> bool:
    tensors = (*signature.inputs.values(), *signature.outputs.values())
    return bool(signature.outputs) and all(
        info.tensor and info.dtype != "INVALID" for info in tensors
    )


def _plan(graph: int, signature: Signature) -> _Plan:
    return _Plan(
        tuple(signature.inputs),
        tuple(_output(graph, info.tensor) for info in signature.inputs.values()),
        tuple(signature.outputs),
        tuple(_output(graph, info.tensor) for info in signature.outputs.values()),
    )


def _output(graph: int, tensor: str) -> tensorflow_c.Output:
    tf = tensorflow_c.library()
    name, _, index = tensor.partition(":")
    operation = tf.TF_GraphOperationByName(graph, name.encode())
    place = int(index or 0) if (index or "0").isascii() and (index or "0").isdigit() else -1
    if not operation or not 0 <= place < tf.TF_OperationNumOutputs(operation):
        raise _MissingTensorError(f"a signature names the tensor {tensor!r}, which is not there")
    return tensorflow_c.Output(operation, place)
