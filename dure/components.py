"""READ FIRST: the standard components, in the order in which data meets them.

Each is a typed function that calls its stage. What is annotated with an artifact class comes
from another component; the rest are settings. ``Component.function`` is the function itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from dure.data import Examples
from dure.evaluate import Evaluation
from dure.push import PushedModel
from dure.runner.component import Source, component
from dure.runner.context import step_progress
from dure.schema import Schema
from dure.statistics import Statistics
from dure.train import Model
from dure.transform import TransformGraph
from dure.tune import HyperParameters
from dure.validate import Anomalies

_DATA = ("dure", "polars")
_KERAS = ("dure", "polars", "keras", "tensorflow")


@component(packages=_DATA)
def ExampleGen(
    data: Source,
    splits: Mapping[str, float] = {"train": 2, "eval": 1},
    split_by: Sequence[str] | None = None,
    null_values: Sequence[str] = ("", "NA"),
    delimiter: str = ",",
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    bad_rows: Literal["error", "refuse"] = "error",
) -> Examples:
    """Read a table and split it.

    Parameters
    ----------
    data : path, glob, folder, or polars.DataFrame
        CSV or Parquet.
    splits : mapping of str to float
        Name and share of each split; only the proportions count. Default two thirds "train",
        one third "eval".
    split_by : sequence of str, optional
        Columns whose values decide the split, so that a group stays together. Default: the
        whole row.
    null_values : sequence of str
        Texts that mean a missing value. Default: nothing, and "NA".
    delimiter, encoding : str
        Of CSV files.
    types : mapping of str to str, optional
        Types of columns, "int", "float", "string" or "bool", in place of those that their values
        suggest: ``{"zip": "string"}`` keeps leading zeros.
    bad_rows : {"error", "refuse"}
        What happens to malformed rows of CSV files: they fail the step, or are left out and
        counted. Default "error".

    Raises
    ------
    DataError
        If the data is missing, empty or malformed; names file and line.
    """
    from dure.data import make_examples

    return make_examples(
        data,
        splits=splits,
        split_by=split_by,
        null_values=null_values,
        delimiter=delimiter,
        encoding=encoding,
        types=types,
        bad_rows=bad_rows,
        progress=step_progress(),
    )


@component(packages=_DATA)
def StatisticsGen(examples: Examples) -> Statistics:
    """Describe every column of every split, exactly."""
    from dure.statistics import describe

    return describe(examples, progress=step_progress())


@component(packages=("dure",))
def SchemaGen(statistics: Statistics, split: str = "train", max_domain: int = 100) -> Schema:
    """Draft what the data should look like, from what one split does look like.

    Parameters
    ----------
    statistics : Statistics
        Of the data.
    split : str
        The split to draft from. Default "train".
    max_domain : int
        Most distinct values for which a text column gets a list of allowed values. Default 100.
    """
    from dure.schema import infer

    return infer(statistics, split=split, max_domain=max_domain)


@component(packages=("dure",))
def ExampleValidator(statistics: Statistics, schema: Schema) -> Anomalies:
    """Say where the data differs from its schema; an error stops the pipeline."""
    from dure.validate import validate

    return validate(statistics, schema)


@component(packages=_KERAS)
def Transform(
    examples: Examples, schema: Schema, preprocess: Callable[..., Any], split: str = "train"
) -> TransformGraph:
    """Build the graph of ``preprocess``, fill its analyzers, and apply it to every split.

    Parameters
    ----------
    examples : Examples
        The data.
    schema : Schema
        Types of the columns.
    preprocess : callable
        Takes a dict of symbolic columns, returns a dict of features. See ``docs/transform.md``.
    split : str
        The split that fills the analyzers. Default "train".

    Raises
    ------
    TransformError
        If ``preprocess``, or an analyzer in it, is wrong.
    """
    from dure.transform import fit

    return fit(examples, schema, preprocess, split=split, progress=step_progress())


@component(packages=_KERAS)
def Trainer(
    features: TransformGraph,
    build_model: Callable[..., Any],
    hyperparameters: HyperParameters | None = None,
    *,
    label: str,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 32,
    train_split: str = "train",
    eval_split: str = "eval",
    seed: int = 0,
) -> Model:
    """Train the model that ``build_model`` makes and export it on raw columns.

    Parameters
    ----------
    features : TransformGraph
        What to train on.
    build_model : callable
        ``build_model(hp, features)`` returns a compiled Keras model. See ``docs/train.md``.
    hyperparameters : HyperParameters, optional
        Values for ``hp``. Default: what ``build_model`` itself declares as defaults.
    label : str
        The feature to predict.
    epochs : int, optional
        Passes over the training split.
    steps : int, optional
        Batches in all, in place of ``epochs``.
    batch_size : int
        Rows a batch. Default 32.
    train_split, eval_split : str
        The splits to fit and to validate on.
    seed : int
        Of the weights and the shuffling. Default 0.

    Raises
    ------
    TrainingError
        If the label or the model does not fit the features.
    """
    from dure.train import train

    return train(
        features,
        build_model,
        label=label,
        hyperparameters=hyperparameters,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        train_split=train_split,
        eval_split=eval_split,
        seed=seed,
        progress=step_progress(),
    )


@component(packages=_KERAS)
def Evaluator(
    model: Model,
    examples: Examples,
    slices: Sequence[str] = (),
    thresholds: Mapping[str, Any] | None = None,
    split: str = "eval",
) -> Evaluation:
    """Judge the exported model on a whole split, and on slices of it.

    Parameters
    ----------
    model : Model
        What to judge, through its served signature on raw columns.
    examples : Examples
        The data.
    slices : sequence of str
        Columns by whose values the split is cut.
    thresholds : mapping of str to float or (low, high), optional
        Smallest value, or bounds, of metrics over all rows. A model that misses one is not
        blessed, which stops what comes after.
    split : str
        The split to judge on. Default "eval".

    Raises
    ------
    EvaluationError
        If the model cannot be judged on this data.
    """
    from dure.errors import EvaluationError, nearest
    from dure.evaluate import evaluate

    frame = examples.frame(split)
    for name in slices:
        if name not in frame.columns:
            raise EvaluationError(
                f"there is no column '{name}' to slice by", fix=nearest(name, frame.columns)
            )
    report = step_progress()
    report(0, frame.height, note="predicting")
    scores = model.probabilities(frame)
    report(frame.height, frame.height, note="metrics")
    return evaluate(
        scores,
        model.labels(frame),
        task=model.task,
        classes=model.classes,
        slices={name: frame[name].to_list() for name in slices},
        thresholds=thresholds,
    )


@component(packages=("dure",))
def Pusher(model: Model, evaluation: Evaluation | None = None, *, to: str | Path) -> PushedModel:
    """Release a model as a new version in a folder from which a server reads.

    Parameters
    ----------
    model : Model
        What to release.
    evaluation : Evaluation, optional
        Its verdict; a model that is not blessed is not released.
    to : path
        The folder of the served model; its name is the model's.

    Raises
    ------
    PushError
        If the model is not blessed or the folder cannot be written.
    """
    from dure.push import push

    return push(
        model.saved_model,
        to=to,
        gate=None if evaluation is None else evaluation.gate,
        example=model.example(),
        progress=step_progress(),
    )
