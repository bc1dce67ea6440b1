"""Train: build, check, fit, export."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dure.errors import TrainingError, nearest
from dure.progress import Progress, silent
from dure.train import checks
from dure.train.label import Target, check_label, target
from dure.train.loop import NotFiniteError, fit
from dure.train.model import Model, environment
from dure.transform import Features, RawColumn, TransformGraph
from dure.transform._keras import load_keras
from dure.transform.user_code import user_code
from dure.tune import HyperParameters

BuildModel = Callable[[HyperParameters, Features], Any]


def train(
    graph: TransformGraph,
    build_model: BuildModel,
    *,
    label: str,
    hyperparameters: HyperParameters | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 32,
    train_split: str = "train",
    eval_split: str | None = "eval",
    seed: int = 0,
    progress: Progress = silent,
) -> Model:
    """Fit a Keras model on transformed rows, and export it to take raw ones.

    Parameters
    ----------
    graph : TransformGraph
        The features, with their rows.
    build_model : callable
        ``build_model(hp, features)``: takes `HyperParameters` and the features without the
        label, and returns a compiled functional or Sequential model whose inputs are named like
        features.
    label : str
        The feature to predict.
    hyperparameters : HyperParameters, optional
        Values for ``hp``; defaults, if None.
    epochs : int, optional
        How often to go over the train split; 1, if neither this nor ``steps`` is given.
    steps : int, optional
        In place of ``epochs``: how many steps the optimizer takes in all.
        ``steps = epochs * ceil(rows / batch_size)`` trains the same model.
    batch_size : int
        Rows of a step; the last step of an epoch has the rest.
    train_split, eval_split : str
        What to learn from, and what to measure on after each epoch; ``eval_split=None`` measures
        on nothing.
    seed : int
        Seeds weights and order of rows, from 0 to 2**32 - 1. It is set for Python, NumPy and
        Keras, for the whole process. The same seed gives the same weights.
    progress : Progress
        Told of epochs.

    Returns
    -------
    Model
        With its SavedModel in a temporary folder until it is saved.

    Raises
    ------
    TrainingError
        If the label cannot be learned, build_model or what it returns is wrong, Keras fails, or
        the loss is no number.
    UsageError
        If a given hyperparameter is out of range or build_model never asks for it.
    """
    _check_arguments(graph, label, epochs, steps, batch_size, seed, train_split, eval_split)
    keras = load_keras("Trainer", error=TrainingError)
    splits = [train_split] if eval_split is None else [train_split, eval_split]
    raw_labels = {name: graph.arrays(name, [label])[label] for name in splits}
    check_label(graph.features[label], raw_labels, train_split)
    features = graph.features.without(label)
    hp = hyperparameters.copy() if hyperparameters is not None else HyperParameters()
    keras.utils.set_random_seed(seed)
    model = _build(build_model, hp, features)
    checks.check_model(model, features, label, keras)
    hp.finish()
    units = checks.check_output(model)
    wanted = target(graph.features[label], raw_labels, train_split, units)
    checks.check_units(units, wanted, label)
    checks.check_loss(model, wanted, label)
    history, taken = _fit(
        graph, model, wanted, epochs, steps, batch_size, train_split, eval_split, seed, progress
    )
    return _export(graph, model, label, wanted, hp, history, taken, seed)


def _check_arguments(
    graph: TransformGraph,
    label: str,
    epochs: int | None,
    steps: int | None,
    batch_size: int,
    seed: int,
    train_split: str,
    eval_split: str | None,
) -> None:
    if label not in graph.features:
        raise TrainingError(
            f"label '{label}' is no feature",
            expected="a key of the dict that preprocess returns",
            got=repr(label),
            fix=nearest(label, graph.features),
        )
    if len(graph.features) < 2:
        raise TrainingError(
            "there is nothing to learn from",
            expected=f"a feature beside the label '{label}'",
            got="the label only",
            fix="return more features from preprocess",
        )
    if epochs is not None and steps is not None:
        raise TrainingError(
            "both epochs and steps are given", expected="one of them", fix="leave one out"
        )
    for name, value in (("epochs", epochs), ("steps", steps), ("batch_size", batch_size)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TrainingError(f"{name} is no integer", expected="1 or more", got=repr(value))
        if value is not None and value < 1:
            raise TrainingError(f"{name} is too small", expected="1 or more", got=str(value))
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise TrainingError(
            "seed is out of range", expected="an integer from 0 to 2**32 - 1", got=repr(seed)
        )
    for split in (train_split, eval_split):
        if split is not None and split not in graph.splits:
            raise TrainingError(
                f"there is no split '{split}'",
                expected="a split of the examples",
                got=repr(split),
                fix=nearest(split, graph.splits),
            )


def _build(build_model: BuildModel, hp: HyperParameters, features: Features) -> Any:
    with user_code(
        getattr(build_model, "__name__", "build_model"),
        TrainingError,
        expected="a function that takes (hp, features) and returns a compiled keras.Model",
        fix="the traceback above this message shows where",
    ):
        return build_model(hp, features)


def _fit(
    graph: TransformGraph,
    model: Any,
    wanted: Target,
    epochs: int | None,
    steps: int | None,
    batch_size: int,
    train_split: str,
    eval_split: str | None,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, list[float]], int]:
    from dure.train.export import arrange, feature_names
    from dure.train.feed import Batches

    names = feature_names(model)
    rows = graph.arrays(train_split, names)
    batches = Batches(
        arrange(model, rows), wanted.values[train_split], batch_size=batch_size, seed=seed
    )
    held = None
    if eval_split is not None:
        held = Batches(
            arrange(model, graph.arrays(eval_split, names)),
            wanted.values[eval_split],
            batch_size=max(batch_size, 1024),
            seed=None,
        )
    taken = steps if steps is not None else (epochs or 1) * batches.steps
    try:
        return fit(model, batches, held, steps=taken, progress=progress), taken
    except NotFiniteError as error:
        raise _with_reason(error, rows) from None


def _with_reason(error: NotFiniteError, rows: dict[str, np.ndarray]) -> TrainingError:
    bad = {
        name: int((~np.isfinite(array)).any(axis=tuple(range(1, array.ndim))).sum())
        for name, array in rows.items()
        if array.dtype.kind == "f"
    }
    listing = ", ".join(f"'{name}' in {count:,} rows" for name, count in bad.items() if count)
    if listing:
        error.got = f"{error.got}; missing (NaN) or infinite values in the features: {listing}"
        error.fix = "use scale_to_z_score or bucketize, which give missing values a number"
    return error


def _export(
    graph: TransformGraph,
    model: Any,
    label: str,
    wanted: Target,
    hp: HyperParameters,
    history: dict[str, list[float]],
    steps: int,
    seed: int,
) -> Model:
    from dure.train.export import export
    from dure.transform.keras_file import write

    directory = Path(tempfile.mkdtemp(prefix="dure-model-"))
    signature = export(graph, model, directory / "saved_model")
    for spec in signature["inputs"].values():
        spec["example"] = graph.example[spec["column"]]
    write(model, directory / "model.keras")
    write(graph.submodel([label]), directory / "label.keras")
    record = {
        "label": label,
        "task": wanted.task,
        "classes": None if wanted.classes is None else list(wanted.classes),
        "logits": checks.gives_logits(model),
        "inputs": signature["inputs"],
        "outputs": signature["outputs"],
        "label_inputs": {c.served_name: _spec(c) for c in graph.raw_inputs([label]).values()},
        "history": history,
        "steps": steps,
        "seed": seed,
        "hyperparameters": dict(hp.values),
        "environment": environment(),
    }
    made = Model(directory, record)
    weakref.finalize(made, shutil.rmtree, directory, ignore_errors=True)
    return made


def _spec(column: RawColumn) -> dict[str, str]:
    return {"column": column.name, "type": column.type, "dtype": column.dtype}
