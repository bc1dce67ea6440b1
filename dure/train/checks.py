"""Whether what build_model returned can be trained on these features, said before training."""

from __future__ import annotations

from typing import Any

from dure.errors import TrainingError, nearest
from dure.train.label import Target
from dure.transform import Features


def check_model(model: Any, features: Features, label: str, keras: Any) -> None:
    """Raise where the model is none, has no named inputs, or was not compiled.

    Raises
    ------
    TrainingError
        In each of these cases, and where an input is no feature or has another shape.
    """
    if not isinstance(model, keras.Model):
        raise TrainingError(
            "build_model returned no Keras model",
            expected="a compiled keras.Model",
            got=f"{type(model).__name__}: {model!r:.60}",
            fix="end it with return model" if model is None else "return the model itself",
        )
    if not model.compiled or model.optimizer is None or model.loss is None:
        raise TrainingError(
            "the model that build_model returned is not compiled",
            expected="an optimizer and a loss",
            got="model.compile(…) was not called, or was called without a loss",
            fix='model.compile(optimizer="adam", loss=…, metrics=[…]) before return model',
        )
    if not getattr(model, "inputs", None):
        raise TrainingError(
            "the model that build_model returned has no named inputs",
            expected="a functional or Sequential model that starts from features.inputs()",
            got=type(model).__name__,
            fix="inputs = features.inputs(); …; keras.Model(inputs, outputs)",
        )
    for tensor in model.inputs:
        _check_input(tensor, features, label)


def _check_input(tensor: Any, features: Features, label: str) -> None:
    name = tensor.name
    if name == label:
        raise TrainingError(
            f"the model takes its own label '{label}' as an input",
            expected="features without the label",
            fix="use the features that build_model is given: features.inputs()",
        )
    if name not in features:
        raise TrainingError(
            f"the model's input '{name}' is no feature",
            expected="inputs that are named like features",
            got=repr(name),
            fix=nearest(name, features),
        )
    feature = features[name]
    shape = tuple(tensor.shape[1:])
    fits = len(shape) == len(feature.shape) and all(
        mine in (None, theirs) for mine, theirs in zip(shape, feature.shape, strict=True)
    )
    if not fits or (tensor.dtype == "string") != (feature.dtype == "string"):
        raise TrainingError(
            f"the model's input '{name}' does not fit the feature",
            expected=f"shape {feature.shape} and dtype {feature.dtype}, as the feature has",
            got=f"shape {shape} and dtype {tensor.dtype}",
            fix="features.inputs() makes inputs that fit",
        )


def check_output(model: Any) -> int:
    """Return how many numbers the model gives for a row.

    Raises
    ------
    TrainingError
        If it has several outputs, or one that is not of shape ``(rows, units)``.
    """
    outputs = model.outputs
    if len(outputs) != 1:
        raise TrainingError(
            "the model has several outputs",
            expected="one, for there is one label",
            got=f"{len(outputs)} outputs",
            fix="train one model a label",
        )
    shape = tuple(outputs[0].shape)
    if len(shape) != 2 or shape[1] is None:
        raise TrainingError(
            "the model's output has the wrong shape",
            expected="(rows, units)",
            got=str(tuple("rows" if extent is None else extent for extent in shape)),
            fix="end the model with keras.layers.Dense(units) on a flat tensor",
        )
    return int(shape[1])


def check_units(units: int, wanted: Target, label: str) -> None:
    """Raise where the model gives another number of values for a row than the label needs."""
    if units == wanted.units:
        return
    if wanted.task == "multiclass":
        assert wanted.classes is not None
        why = f"one output for each of its {wanted.units} classes"
        fix = f'end the model with keras.layers.Dense({wanted.units}, activation="softmax")'
    elif wanted.task == "binary":
        why = "one output, for it is 0 or 1"
        fix = 'end the model with keras.layers.Dense(1, activation="sigmoid")'
    else:
        why = "one output, for it is a number"
        fix = "end the model with keras.layers.Dense(1)"
    raise TrainingError(
        f"the model's output has the wrong shape for label '{label}' ({wanted.task})",
        expected=f"shape (rows, {wanted.units}): {why}",
        got=f"shape (rows, {units})",
        fix=fix,
    )


_LOSSES = {
    "multiclass": (
        "sparse_categorical_crossentropy",
        {"binary_crossentropy", "categorical_crossentropy"},
    ),
    "binary": (
        "binary_crossentropy",
        {"categorical_crossentropy", "sparse_categorical_crossentropy"},
    ),
    "regression": (
        "mse",
        {"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"},
    ),
}


def check_loss(model: Any, wanted: Target, label: str) -> None:
    """Raise where the loss is known to be for another task: Keras would fail later, or learn nonsense."""
    right, wrong = _LOSSES[wanted.task]
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", "")
    if name in wrong:
        raise TrainingError(
            f"the loss does not fit label '{label}' ({wanted.task})",
            expected=f"such as {right}"
            + (", for the label holds class ids" if wanted.task == "multiclass" else ""),
            got=str(name),
            fix=f'model.compile(loss="{right}", …)',
        )


def gives_logits(model: Any) -> bool:
    """Return whether the loss takes the model's output as logits, not as probabilities."""
    return bool(getattr(model.loss, "from_logits", False))
