"""One Keras fit: how many steps, how far it is, and what it does when the loss is no number."""

from __future__ import annotations

import math
from typing import Any

from dure.errors import TrainingError
from dure.progress import Progress
from dure.train.feed import Batches
from dure.transform._keras import known_warnings

# Keras crosses from Python to TensorFlow once for this many steps. Measured on the taxi model;
# see docs/train.md. Only callbacks for single batches could tell, and Dure passes none.
STEPS_PER_EXECUTION = 64


def fit(
    model: Any,
    batches: Batches,
    validation: Batches | None,
    *,
    steps: int,
    progress: Progress,
) -> dict[str, list[float]]:
    """Train ``model`` for ``steps`` steps of its optimizer.

    Parameters
    ----------
    model : keras.Model
        Compiled.
    batches : Batches
        What it learns from, epoch after epoch; the last epoch may be cut short.
    validation : Batches or None
        What it is measured on after each epoch.
    steps : int
        How many batches in all.
    progress : Progress
        Told of epochs, with the loss.

    Returns
    -------
    dict of str to list of float
        What Keras measured in each epoch.

    Raises
    ------
    TrainingError
        If Keras fails, or the loss becomes NaN or infinite.
    """
    whole, rest = divmod(steps, batches.steps)
    if model.steps_per_execution == 1 and not model.run_eagerly:
        model.steps_per_execution = min(STEPS_PER_EXECUTION, steps, batches.steps)
    # Variables that are first made inside the first step would have TensorFlow trace it twice.
    model.optimizer.build(model.trainable_variables)
    watch = _watch(batches, total=steps / batches.steps, progress=progress)
    held = None if validation is None else validation.dataset()
    history: dict[str, list[float]] = {}
    parts = [(batches.steps, 0, whole)] if whole else []
    if rest:
        parts.append((rest, whole, whole + 1))
    for count, first, last in parts:
        try:
            with known_warnings():
                told = model.fit(
                    batches.dataset(count),
                    initial_epoch=first,
                    epochs=last,
                    # Known from the datasets; said again, Keras makes one iterator an epoch
                    # and not two, at 20 ms each.
                    steps_per_epoch=count,
                    validation_data=held,
                    validation_steps=None if validation is None else validation.steps,
                    callbacks=[watch],
                    shuffle=False,  # Batches has done it
                    verbose=0,
                )
        except TrainingError:
            raise
        except Exception as error:
            raise TrainingError(
                f"Keras stopped the training: {type(error).__name__}: "
                f"{str(error).strip().splitlines()[0][:300]}",
                expected="a model, loss and metrics that fit the features and the label",
                fix="Keras's own message, above this one, names the layer, loss or metric",
            ) from error
        for name, values in told.history.items():
            history.setdefault(name, []).extend(float(value) for value in values)
    return history


def _watch(batches: Batches, *, total: float, progress: Progress) -> Any:
    import keras

    class Watch(keras.callbacks.Callback):  # type: ignore[misc] # Keras ships no types
        """Sets the epoch of the permutation, tells progress, and stops at a loss that is no number."""

        async_safe = True
        at = 0
        note = ""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
            self.at = epoch
            batches.epoch.assign(epoch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - the same
            # Keras counts to the end of an execution even where the epoch ends before it.
            part = min(batch + 1, batches.steps) / batches.steps
            progress(min(self.at + part, total), total, unit="epochs", note=self.note)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs = logs or {}
            loss = float(logs.get("loss", 0.0))
            if not math.isfinite(loss):
                raise NotFiniteError(epoch + 1, loss)
            self.note = f"loss {loss:.4g}"
            if "val_loss" in logs:
                self.note += f", val_loss {float(logs['val_loss']):.4g}"
            progress(min(epoch + 1, total), total, unit="epochs", note=self.note)

    return Watch()


class NotFiniteError(TrainingError):
    """The loss became NaN or infinite; `trainer` adds which feature may be the reason."""

    def __init__(self, epoch: int, loss: float) -> None:
        super().__init__(
            f"the loss is {loss} in epoch {epoch}",
            expected="a finite loss",
            got=str(loss),
            fix="lower the learning rate, or scale the features (scale_to_z_score)",
        )
