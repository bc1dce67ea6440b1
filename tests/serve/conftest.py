"""SavedModels made with TensorFlow, and a server in a thread to ask."""

from __future__ import annotations

import http.client
import json
import queue
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dure.serve import serve

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "serving_models"


def _export(root: Path) -> None:
    import tensorflow as tf

    class HalfPlus(tf.Module):  # type: ignore[misc]
        def __init__(self, plus: float) -> None:
            self.a = tf.Variable(0.5)
            self.b = tf.Variable(plus)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def predict(self, x):  # type: ignore[no-untyped-def]
            return {"y": self.a * x + self.b}

    class Many(tf.Module):  # type: ignore[misc]
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.string, name="text"),
                tf.TensorSpec([None], tf.int64, name="number"),
            ]
        )
        def predict(self, text, number):  # type: ignore[no-untyped-def]
            return {
                "same_bytes": tf.identity(text),
                "upper": tf.strings.upper(text),
                "double": number * 2,
                "length": tf.strings.length(text),
                "long": tf.strings.length(text) > 3,
            }

        @tf.function(input_signature=[tf.TensorSpec(None, tf.float64, name="x")])
        def square(self, x):  # type: ignore[no-untyped-def]
            return {"y": x * x}

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
        def product(self, x):  # type: ignore[no-untyped-def]
            return {"y": tf.matmul(x, tf.ones([2, 3]))}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def half_precision(self, x):  # type: ignore[no-untyped-def]
            return {"y": tf.cast(x, tf.float16)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def total(self, x):  # type: ignore[no-untyped-def]
            return {"sum": tf.reduce_sum(x), "all": x}

    for plus in (2, 3, 4, 5):
        module = HalfPlus(float(plus))
        tf.saved_model.save(
            module, root / f"half_plus_{plus}", signatures={"serving_default": module.predict}
        )
    many = Many()
    names = ("square", "product", "half_precision", "total")
    tf.saved_model.save(
        many,
        root / "many",
        signatures={
            "serving_default": many.predict,
            **{name: getattr(many, name) for name in names},
        },
    )


def _export_keras(root: Path) -> None:
    import keras
    import numpy as np

    city = keras.Input((1,), dtype="string", name="city")
    age = keras.Input((1,), name="age")
    known = keras.layers.StringLookup(vocabulary=["서울", "busan"], output_mode="one_hot")
    scaled = keras.layers.Normalization(mean=40.0, variance=100.0)
    both = keras.layers.Concatenate()([known(city), scaled(age)])
    model = keras.Model({"city": city, "age": age}, {"features": both})
    model({"city": np.array([["busan"]], object), "age": np.array([[50.0]])})
    model.export(root / "keras", verbose=False)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of SavedModels: half_plus_2 to half_plus_5, many, and keras."""
    root = tmp_path_factory.mktemp("models")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what TensorFlow warns of is not under test
        _export(root)
        _export_keras(root)
    return root


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """TensorFlow Serving's own test models."""
    if not SHARED.is_dir():
        pytest.skip("TensorFlow Serving's test models are not there")
    return SHARED


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


@dataclass
class Client:
    """Asks a server; each call is a connection of its own."""

    url: str
    news: list[str]

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    @property
    def path(self) -> str:
        return "/" + self.url.split("/", 3)[3]

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return Answer(reply.status, dict(reply.getheaders()), reply.read())
        finally:
            connection.close()

    def predict(self, document: Any, *, rest: str = "") -> Answer:
        body = document if isinstance(document, (str, bytes)) else json.dumps(document)
        return self.ask("POST", f"{self.path}{rest}:predict", body)


@pytest.fixture
def start() -> Iterator[Callable[..., Client]]:
    """Start servers on free ports; each is ready when the call returns, and ends with the test."""
    running: list[tuple[threading.Event, threading.Thread, list[BaseException]]] = []

    def begin(folder: Path, **options: Any) -> Client:
        urls: queue.Queue[str | BaseException] = queue.Queue()
        stop, faults, news = threading.Event(), list[BaseException](), list[str]()
        options = {"poll_seconds": 0.05, "say": news.append, "port": 0, **options}

        def run() -> None:
            try:
                serve(folder, ready=urls.put, stop=stop, **options)
            except BaseException as error:  # noqa: BLE001 - the test that started it raises it
                faults.append(error)
                urls.put(error)

        thread = threading.Thread(target=run)
        thread.start()
        running.append((stop, thread, faults))
        url = urls.get(timeout=60)
        if isinstance(url, BaseException):
            raise url
        return Client(url, news)

    yield begin
    for stop, _, _ in running:
        stop.set()
    for _, thread, faults in running:
        thread.join(30)
        assert not thread.is_alive()
        assert not faults


@pytest.fixture
def release(models: Path) -> Callable[[str, Path, int], None]:
    """Put a model into a folder as a version, whole."""

    def put(model: str, folder: Path, version: int) -> None:
        hidden = folder / f".{version}"
        shutil.copytree(models / model, hidden)
        hidden.rename(folder / str(version))

    return put


@pytest.fixture(autouse=True)
def no_log_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep from child processes what an import of TensorFlow in this one has set."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
