"""SavedModels through the C interface answer as TensorFlow's Python does, and leak nothing."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import ServingError
from dure.serve import Code, RequestError, Servable, load


@pytest.fixture(scope="module")
def many(models: Path) -> Iterator[Servable]:
    model = load(models / "many")
    yield model
    model.close()


def strings(items: list[bytes]) -> Any:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def test_half_plus_two(models: Path) -> None:
    model = load(models / "half_plus_2")
    outputs = model.predict("serving_default", {"x": np.array([1, 2, 5], np.float32)})
    assert list(outputs) == ["y"]
    np.testing.assert_array_equal(outputs["y"], np.array([2.5, 3, 4.5], np.float32))
    model.close()


@settings(max_examples=50, deadline=None)
@given(st.data(), st.integers(0, 20))
def test_strings_numbers_and_truths_are_tensorflows(
    many: Servable, data: st.DataObject, count: int
) -> None:
    texts = data.draw(st.lists(st.binary(max_size=60), min_size=count, max_size=count))
    numbers = data.draw(st.lists(st.integers(-(2**62), 2**62 - 1), min_size=count, max_size=count))
    outputs = many.predict(
        "serving_default", {"text": strings(texts), "number": np.array(numbers, np.int64)}
    )
    # tf.strings.upper changes ASCII letters only, as bytes.upper does.
    assert outputs["upper"].tolist() == [text.upper() for text in texts]
    assert outputs["same_bytes"].tolist() == texts
    assert outputs["length"].tolist() == [len(text) for text in texts]
    assert outputs["long"].tolist() == [len(text) > 3 for text in texts]
    assert outputs["double"].tolist() == [2 * number for number in numbers]
    assert {key: str(value.dtype) for key, value in outputs.items()} == {
        "double": "int64", "length": "int32", "long": "bool",
        "same_bytes": "object", "upper": "object",
    }  # fmt: skip


def test_what_keras_exports_looks_up_strings_in_its_tables(models: Path) -> None:
    model = load(models / "keras")
    cities = strings([city.encode() for city in ("busan", "서울", "없음")]).reshape(3, 1)
    ages = np.array([[50], [40], [30]], np.float32)
    outputs = model.predict("serving_default", {"city": cities, "age": ages})
    # One column for what is out of the vocabulary, one for each known city, then (age - 40) / 10.
    np.testing.assert_allclose(
        outputs["features"], [[0, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, -1]], atol=1e-6
    )
    model.close()


@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 3), (0, 3), (1, 1, 1, 1, 2)])
def test_any_shape_goes_in_and_out(many: Servable, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape)
    y = many.predict("square", {"x": x})["y"]
    assert y.shape == shape
    np.testing.assert_array_equal(y, x * x)


def test_an_array_that_is_not_contiguous_is_copied_right(many: Servable) -> None:
    x = np.arange(24, dtype=np.float64).reshape(4, 6)[::2, ::-3].T
    np.testing.assert_array_equal(many.predict("square", {"x": x})["y"], x * x)


def test_sizes_that_the_signature_does_not_say_are_tried(models: Path) -> None:
    model = load(models / "half_plus_2")
    x = np.array([[1, 2], [3, 4]], np.float32)
    np.testing.assert_array_equal(model.predict("serving_default", {"x": x})["y"], x / 2 + 2)
    model.close()


def test_what_the_graph_refuses_is_its_own_message(many: Servable) -> None:
    with pytest.raises(RequestError) as caught:
        many.predict("product", {"x": np.zeros((4, 3), np.float32)})
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert "Matrix size-incompatible" in caught.value.message
    with pytest.raises(RequestError, match="double"):
        many.predict("product", {"x": np.zeros((4, 2), np.float64)})
    y = many.predict("product", {"x": np.ones((1, 2), np.float32)})["y"]
    assert y.tolist() == [[2.0, 2.0, 2.0]]


def test_a_result_that_json_cannot_carry_is_refused(many: Servable) -> None:
    with pytest.raises(RequestError) as caught:
        many.predict("half_precision", {"x": np.zeros(2, np.float32)})
    assert caught.value.message == "Failed to write JSON value for tensor type: half"


def test_the_init_signature_cannot_be_asked(many: Servable) -> None:
    with pytest.raises(RequestError, match="not supported"):
        many.predict("__saved_model_init_op", {})


def test_a_closed_model_refuses_and_closing_again_does_nothing(models: Path) -> None:
    model = load(models / "half_plus_2")
    model.close()
    model.close()
    with pytest.raises(RequestError, match="closed"):
        model.predict("serving_default", {"x": np.zeros(1, np.float32)})


def test_a_model_that_is_dropped_unclosed_gives_its_session_back(models: Path) -> None:
    model: Any = load(models / "half_plus_2")
    free = model._free
    del model
    gc.collect()
    assert not free.alive


def test_many_threads_share_a_model(many: Servable) -> None:
    faults: list[object] = []

    def work(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(100):
            count = int(generator.integers(0, 50))
            texts = [generator.bytes(int(size)) for size in generator.integers(0, 100, count)]
            numbers = generator.integers(-100, 100, count)
            outputs = many.predict(
                "serving_default", {"text": strings(texts), "number": numbers.astype(np.int64)}
            )
            if outputs["same_bytes"].tolist() != texts or any(outputs["double"] != 2 * numbers):
                faults.append((seed, texts))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    for folder, got in ((tmp_path, "an empty folder"), (tmp_path / "x", "no such folder")):
        with pytest.raises(ServingError) as caught:
            load(folder)
        assert caught.value.got == got
        assert "saved_model.pb" in str(caught.value)
        assert caught.value.fix


def test_a_broken_model_is_refused_with_tensorflows_reason(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "half_plus_2", tmp_path / "cut")
    graph = tmp_path / "cut" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:-100])
    shutil.copytree(models / "half_plus_2", tmp_path / "empty_variables")
    shutil.rmtree(tmp_path / "empty_variables" / "variables")
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "saved_model.pb").write_bytes(b"\xff" * 1000)
    for name in ("cut", "empty_variables", "garbage"):
        with pytest.raises(ServingError) as caught:
            load(tmp_path / name)
        assert str(tmp_path / name) in caught.value.what
        assert caught.value.got
        assert "serve" in str(caught.value.expected)


def test_a_signature_that_names_a_missing_tensor_is_refused(models: Path, tmp_path: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    for wrong in (
        "nowhere:0",
        "serving_default_x:7",
        "serving_default_x:x",
        "serving_default_x:-1",
    ):
        folder = tmp_path / wrong.replace(":", "_")
        shutil.copytree(models / "half_plus_2", folder)
        graph = folder / "saved_model.pb"
        message = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
        message.meta_graphs[0].signature_def["serving_default"].inputs["x"].name = wrong
        graph.write_bytes(message.SerializeToString())
        with pytest.raises(ServingError, match="cannot be loaded") as caught:
            load(folder)
        assert wrong in str(caught.value)


STRESS = """
import gc, sys, threading
import numpy as np
from dure.serve import RequestError, load

def megabytes():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 / 1e6

many = load(sys.argv[1] + "/many")
big = np.empty(20, object); big[:] = [b"x" * 50_000] * 20
numbers = np.arange(20)

def strings(times):
    for _ in range(times):
        many.predict("serving_default", {"text": big, "number": numbers})

def errors(times):
    for _ in range(times):
        for name, x in (("product", np.zeros((9, 30_000), "f4")), ("half_precision", np.zeros(30_000, "f4"))):
            try:
                many.predict(name, {"x": x})
            except RequestError:
                pass
        try:
            many.predict("serving_default", {"text": big, "number": numbers.astype("f4")})
        except RequestError:
            pass

def reloads(times):
    for _ in range(times):
        model = load(sys.argv[1] + "/half_plus_2")
        model.predict("serving_default", {"x": np.zeros(1000, "f4")})
        model.close()

def together(times):
    threads = [threading.Thread(target=f, args=(times,)) for f in (strings, strings, errors, reloads)]
    for t in threads: t.start()
    for t in threads: t.join()

together(20)
gc.collect(); before = megabytes()
together(150)
gc.collect(); after = megabytes()
print("grown", round(after - before))
print("imported", "tensorflow" in sys.modules)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_nothing_is_leaked_and_tensorflow_is_not_imported(models: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STRESS, str(models)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = dict(line.split() for line in done.stdout.splitlines())
    assert lines["imported"] == "False"
    # 450 requests of 1 MB of strings in and 2 MB out went by, and 300 others of about 1 MB.
    assert int(lines["grown"]) < 100
    assert done.stderr == ""


def test_the_library_and_the_package_live_in_one_process_in_either_order(models: Path) -> None:
    code = """
import sys, numpy as np
from dure.serve import load
x = np.array([1, 2, 5], "f4")
def ours(): return load(sys.argv[1] + "/half_plus_2").predict("serving_default", {"x": x})["y"].tolist()
def theirs():
    import tensorflow as tf
    return tf.saved_model.load(sys.argv[1] + "/half_plus_2").signatures["serving_default"](x=tf.constant(x))["y"].numpy().tolist()
print(ours(), theirs(), ours())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(models)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("] ") == ["[2.5, 3.0, 4.5", "[2.5, 3.0, 4.5", "[2.5, 3.0, 4.5]\n"]


def test_a_missing_tensorflow_names_the_extra(models: Path) -> None:
    code = """
import sys
sys.path = [p for p in sys.path if "site-packages" not in p] + [sys.argv[2]]
import importlib.util as u
real = u.find_spec
u.find_spec = lambda name, *rest: None if name == "tensorflow" else real(name, *rest)
from dure.serve import load
try: load(sys.argv[1] + "/half_plus_2")
except ImportError as error: print(error)
"""
    site = next(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        [sys.executable, "-c", code, str(models), site], capture_output=True, text=True, check=True
    )
    assert "pip install 'dure[tensorflow]'" in done.stdout
