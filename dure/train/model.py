"""The trained model as an artifact: it answers for raw rows through its own SavedModel."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import TrainingError
from dure.transform import RawColumn
from dure.transform._keras import load_tensorflow
from dure.transform.columns import convert

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from dure.train.label import Task

_BATCH = 8192


class Model(Artifact):
    """A trained model, with the graph that prepares its features inside.

    Parameters
    ----------
    directory : pathlib.Path
        Where ``saved_model/``, ``model.keras`` and ``label.keras`` are.
    record : dict
        What ``model.json`` holds.

    Attributes
    ----------
    label : str
        The feature that it predicts.
    task : {"binary", "multiclass", "regression"}
        What kind of prediction that is.
    classes : tuple of str or None
        The names of the classes, in the order of the outputs.
    logits : bool
        Whether the outputs are logits (the loss says ``from_logits=True``), not probabilities.
    signature : dict
        ``inputs``: by served name, the raw column, its type and dtype. ``outputs``: by name,
        dtype and shape.
    history : dict of str to list of float
        What Keras measured, epoch by epoch.
    environment : dict of str to str
        The versions that it was trained with.
    hyperparameters : dict
        The values that build_model got.

    Notes
    -----
    On disk: ``model.json``, ``model.keras`` (the trained part, on features), ``label.keras``
    (raw columns to the label) and ``saved_model/`` (raw columns to predictions).
    """

    def __init__(self, directory: Path, record: Mapping[str, Any]) -> None:
        self._directory = directory
        self._record = dict(record)

    @property
    def label(self) -> str:
        """The feature that it predicts."""
        return str(self._record["label"])

    @property
    def task(self) -> Task:
        """``"binary"``, ``"multiclass"`` or ``"regression"``."""
        task: Task = self._record["task"]
        return task

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes, in the order of the outputs."""
        classes = self._record["classes"]
        return None if classes is None else tuple(classes)

    @property
    def logits(self) -> bool:
        """Whether the outputs are logits."""
        return bool(self._record["logits"])

    @property
    def signature(self) -> dict[Literal["inputs", "outputs"], dict[str, dict[str, Any]]]:
        """Names and types of what goes in and out."""
        return {"inputs": self._record["inputs"], "outputs": self._record["outputs"]}

    @property
    def history(self) -> dict[str, list[float]]:
        """What Keras measured, epoch by epoch."""
        return {name: list(values) for name, values in self._record["history"].items()}

    @property
    def environment(self) -> dict[str, str]:
        """The versions that it was trained with."""
        return dict(self._record["environment"])

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """The values that build_model got."""
        return dict(self._record["hyperparameters"])

    @property
    def saved_model(self) -> Path:
        """The folder of the SavedModel."""
        return self._directory / "saved_model"

    # ------------------------------------------------------------------ answers

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """Return what the SavedModel answers for raw rows.

        Parameters
        ----------
        frame : polars.DataFrame
            Raw rows with the columns of `signature`; others are ignored.

        Returns
        -------
        numpy.ndarray
            Floats of shape ``(rows, outputs)``.

        Raises
        ------
        DataError
            If a column is not there or of another type.
        """
        import numpy as np

        load_tensorflow("Model.predict", error=TrainingError)
        columns = _raw(self._record["inputs"])
        answer = self._loaded.signatures["serving_default"]
        parts = []
        for start in range(0, max(frame.height, 1), _BATCH):
            feeds = convert(frame.slice(start, _BATCH), columns)
            result = answer(**feeds)
            parts.append(next(iter(result.values())).numpy())
        return np.concatenate(parts)

    def probabilities(self, frame: pl.DataFrame) -> np.ndarray:
        """Return predictions, with logits turned into probabilities; shape ``(rows, outputs)``."""
        import numpy as np

        scores = self.predict(frame)
        if not self.logits or self.task == "regression":
            return scores
        wide = scores.astype(np.float64)
        if self.task == "binary":
            return np.asarray(0.5 * (1.0 + np.tanh(0.5 * wide)), scores.dtype)
        powers = np.exp(wide - wide.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), scores.dtype)

    def labels(self, frame: pl.DataFrame) -> np.ndarray:
        """Return the labels of raw rows, as preprocess makes them.

        Returns
        -------
        numpy.ndarray
            Shape ``(rows,)``: int64 class ids (0 and 1 for a bool), or float32 numbers. A label
            that is missing is NaN, or an id that is no class.
        """
        import numpy as np

        from dure.transform.applying import run

        load_tensorflow("Model.labels", error=TrainingError)
        values = run(self._label_graph, frame, _raw(self._record["label_inputs"]))[self.label]
        flat = values.reshape(-1)
        if self.task == "regression" or (flat.dtype.kind == "f" and np.isnan(flat).any()):
            return np.asarray(flat, np.float32)
        return np.asarray(flat, np.int64)

    @cached_property
    def _loaded(self) -> Any:
        tf: Any = load_tensorflow("Model.predict", error=TrainingError)
        return tf.saved_model.load(str(self.saved_model))

    @cached_property
    def _label_graph(self) -> Any:
        from dure.transform.keras_file import read

        return read(self._directory / "label.keras")

    # ------------------------------------------------------------------ on disk

    def save(self, directory: Path) -> None:
        """Write ``model.json``, ``model.keras``, ``label.keras`` and ``saved_model/``."""
        shutil.copytree(self.saved_model, directory / "saved_model")
        for name in ("model.keras", "label.keras"):
            shutil.copyfile(self._directory / name, directory / name)
        text = json.dumps(self._record, indent=2, sort_keys=True, ensure_ascii=False)
        (directory / "model.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the model in ``directory``; TensorFlow is loaded when it has to answer."""
        return cls(directory, json.loads((directory / "model.json").read_text(encoding="utf-8")))

    # ------------------------------------------------------------------ to look at

    def summary(self) -> str:
        """Return one line: label, task, last epoch."""
        kind = f"{self.task} of '{self.label}'"
        if self.task == "multiclass" and self.classes is not None:
            kind += f" ({len(self.classes)} classes)"
        last = ", ".join(
            f"{name} {draw.number(values[-1])}" for name, values in self._record["history"].items()
        )
        return f"{kind}, {self._record['steps']:,} steps" + (f": {last}" if last else "")

    def text(self) -> str:
        """Return the signature and the last epoch, for a terminal."""
        lines = [self.summary()[:80], "", "inputs"]
        lines += [f"  {n:<28.28} {s['dtype']}" for n, s in self.signature["inputs"].items()]
        lines += ["outputs"]
        lines += [f"  {n:<28.28} {_shape(s)}" for n, s in self.signature["outputs"].items()]
        return "\n".join(lines)

    def html(self) -> Markup:
        """Return the curves, the signature, and how to ask the served model."""
        inputs = [
            (n, s["column"], s["type"], s["dtype"]) for n, s in self._record["inputs"].items()
        ]
        outputs = [(name, _shape(spec)) for name, spec in self._record["outputs"].items()]
        facts: dict[str, object] = {"label": self.label, "task": self.task}
        if self.classes is not None:
            facts["classes"] = ", ".join(self.classes)
        facts |= {f"hyperparameter {n}": str(v) for n, v in self.hyperparameters.items()}
        facts |= self.environment
        return Markup("<p>{}</p>{}{}{}{}{}{}").format(
            self.summary(),
            self._curves(),
            Markup("<h3>Inputs (raw columns)</h3>{}").format(
                draw.table(("name", "column", "type", "dtype"), inputs)
            ),
            Markup("<h3>Outputs</h3>{}").format(draw.table(("name", "shape and dtype"), outputs)),
            Markup("<h3>Ask it</h3><pre>{}</pre>").format(self.request()),
            Markup("<h3>About</h3>"),
            draw.facts(facts),
        )

    def _curves(self) -> Markup:
        history = self.history
        names = [name for name in history if not name.startswith("val_")]
        charts = []
        for name in names:
            series: dict[str, Sequence[float]] = {name: history[name]}
            if f"val_{name}" in history:
                series[f"val_{name}"] = history[f"val_{name}"]
            epochs = list(range(1, len(history[name]) + 1))
            charts.append((name, draw.lines(series, x=epochs, x_name="epoch", y_name=name)))
        return draw.panels(charts) if charts else Markup("")

    def request(self, name: str = "MODEL", address: str = "http://127.0.0.1:8501") -> str:
        """Return a curl command that asks the served model about one row."""
        example = json.dumps({"instances": [self.example()]}, ensure_ascii=False)
        quoted = example.replace("'", "'\\''")
        return f"curl -d '{quoted}' {address}/v1/models/{name}:predict"

    def example(self) -> dict[str, Any]:
        """Return one row by served name, as a request carries it."""
        row: dict[str, Any] = {}
        for name, spec in self._record["inputs"].items():
            value = spec["example"]
            if spec["dtype"] == "string":
                row[name] = "" if value is None else value
            elif spec["dtype"] == "int64":
                row[name] = 0 if value is None else int(value)
            else:
                row[name] = 0.0 if value is None else float(value)
        return row


def _raw(inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, RawColumn]:
    return {
        spec["column"]: RawColumn(spec["column"], spec["type"], spec["dtype"])
        for spec in inputs.values()
    }


def _shape(spec: Mapping[str, Any]) -> str:
    extents = ", ".join("rows" if e is None else str(e) for e in spec["shape"])
    return f"({extents}) {spec['dtype']}"


def environment() -> dict[str, str]:
    """Return the versions of Python and of the packages that make a model what it is."""
    import importlib.metadata

    packages = ("dure", "keras", "numpy", "polars", "tensorflow")
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
