"""READ FIRST: the standard components, in the order in which data meets them.

Each is a typed function that calls its stage. What is annotated with an artifact class comes
from another component; the rest are settings. ``Component.function`` is the function itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from dure.data import Examples
from dure.engines import open_engine
from dure.evaluate import Evaluation
from dure.push import PushedModel
from dure.runner.component import Content, Source, component
from dure.runner.context import step_folder, step_progress
from dure.schema import Schema
from dure.statistics import Statistics
from dure.train import Model
from dure.transform import TransformGraph
from dure.tune import HyperParameters
from dure.validate import Anomalies, ExampleDifferences

_DATA = ("dure", "polars")
_KERAS = ("dure", "polars", "keras", "tensorflow")


def _state(source: Any) -> bytes | None:
    from dure.data.state import source_state

    return source_state(source)


Data = Annotated[Any, Content(_state)]
"""What names data: its key is what is there, also behind a URL; see `dure.runner.component.Source`."""


@component(packages=_DATA)
def ExampleGen(
    data: Data,
    splits: Any = None,
    split_by: Any = None,
    *,
    span: Any = None,
    no_leakage: Sequence[str] | None = None,
    format: str | None = None,  # noqa: A002 - what everyone calls it
    null_values: Sequence[str] = ("", "NA"),
    delimiter: str | None = None,
    quote: str | None = '"',
    header: Sequence[str] | None = None,
    encoding: str = "utf-8",
    strip: bool = False,
    types: Mapping[str, str] | None = None,
    query: str | None = None,
    message: str | None = None,
    on_bad_rows: Literal["fail", "quarantine"] = "fail",
    max_bad_rows: float = 0.1,
    memory: int = 2 << 30,
) -> Examples:
    """Read data and split it; see ``docs/data.md`` and ``docs/formats.md``.

    Parameters
    ----------
    data : path, pattern, folder, URL, table in memory, or mapping of str to these
        CSV, TSV, JSON Lines, Parquet, Arrow, Avro, TFRecord, NumPy, folders of images, SQL or
        BigQuery. With ``{SPAN}``, ``{VERSION}`` or ``{YYYY}{MM}{DD}`` in it, the latest one. A
        mapping gives each split a source of its own.
    splits : mapping of str to float, optional
        Name and share of each split; only the proportions count. Default two thirds "train",
        one third "eval".
    split_by : sequence of str or SplitBy, optional
        Columns whose values decide the split, so that a group stays together; or a way of
        `dure.data`: `by_strata`, `by_time`, `by_column`. Default: a hash of the whole row.
    span : int or Spans, optional
        Which span, or spans, of a pattern. Default: the latest.
    no_leakage : sequence of str, optional
        Columns that name a group: the step fails if one group stands in two splits.
    format : str, optional
        The format, where the ending of the name does not say it: ``"csv"``.
    null_values : sequence of str
        Texts that mean a missing value, in CSV. Default: nothing, and "NA".
    delimiter, quote, encoding : str
        Of CSV files.
    strip : bool
        Spaces around the values of CSV are no part of them. Default: they are.
    header : sequence of str, optional
        Names of the columns of CSV files without a first line of names.
    types : mapping of str to str, optional
        Types of columns in place of those that their values suggest: ``{"zip": "string"}`` keeps
        leading zeros.
    query : str, optional
        What to ask a database.
    message : str, optional
        Of records that are protocol buffers: ``"descriptor_set.pb:package.Message"``.
    on_bad_rows : {"fail", "quarantine"}
        Rows that cannot be read fail the step, or are set aside; `Examples.quarantine` has them.
    max_bad_rows : int or float
        At most so many rows, or such a share of them, may be set aside. Default 0.1.
    memory : int
        About how many bytes may be taken, whatever the size of the data. Default 2 GiB.

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
        span=span,
        no_leakage=no_leakage,
        format=format,
        null_values=null_values,
        delimiter=delimiter,
        quote=quote,
        header=header,
        encoding=encoding,
        strip=strip,
        types=types,
        query=query,
        message=message,
        on_bad_rows=on_bad_rows,
        max_bad_rows=max_bad_rows,
        memory=memory,
        folder=step_folder(),
        progress=step_progress(),
    )


@component(packages=_DATA)
def StatisticsGen(
    examples: Examples,
    *,
    weight: str | None = None,
    slices: Sequence[Any] = (),
    label: str | None = None,
    previous: Statistics | None = None,
    options: Any = None,
    engine: Literal["local", "ray"] | None = None,
) -> Statistics:
    """Describe every column of every split; see ``docs/statistics.md``.

    Parameters
    ----------
    examples : Examples
        The data.
    weight : str, optional
        The column that says how much each row counts.
    slices : sequence of str, tuple of str, or SliceSpec
        Parts of the rows that are described as well: a column by its values, several columns by
        their crosses, or a `dure.data.slicing.SliceSpec`.
    label : str, optional
        The column to predict: adds the lift of the others with it.
    previous : Statistics, optional
        Of earlier data, to which these examples are added.
    options : StatisticsOptions, optional
        Everything that can be asked for; what is given above is set in it.
    engine : {"local", "ray"}, optional
        Where parts of the data are described: worker processes of this machine, or a Ray cluster.
        The result is the same. Default: the threads of this process.
    """
    from dure.statistics import describe
    from dure.statistics.options import options_for

    chosen = options_for(options, weight=weight, slices=slices, label=label)
    with open_engine(engine) as opened:
        return describe(
            examples, options=chosen, previous=previous, engine=opened, progress=step_progress()
        )


@component(packages=("dure",))
def SchemaGen(
    statistics: Statistics,
    split: str | None = None,
    max_domain: int = 100,
    *,
    rules: Literal["tfdv", "interval"] = "tfdv",
    ranges: bool = False,
    shapes: bool = False,
    semantics: bool = False,
) -> Schema:
    """Draft what the data should look like, from what it does look like; see ``docs/schema.md``.

    Parameters
    ----------
    statistics : Statistics
        Of the data.
    split : str, optional
        The only split to draft from. Default: all of them, so that all pass.
    max_domain : int
        Most distinct values for which a text column gets a list of allowed values. Default 100.
    rules : {"tfdv", "interval"}
        Those of TensorFlow Data Validation, or such as leave room for chance in new data.
    ranges, shapes, semantics : bool
        Whether to expect the smallest and largest number seen, the same number of values in each
        row, and the meaning of the values.
    """
    from dure.schema import infer

    return infer(
        statistics,
        split=split,
        rules=rules,
        max_domain=max_domain,
        ranges=ranges,
        shapes=shapes,
        semantics=semantics,
    )


@component(packages=("dure",))
def ImportSchemaGen(schema: Source) -> Schema:
    """Take a schema that people keep: a YAML file, or a ``.pbtxt`` of TFDV.

    Parameters
    ----------
    schema : path
        The file. A change of its content, and nothing else, checks the data again.

    Raises
    ------
    SchemaError
        If it is no schema; names file and line.
    """
    return Schema.read(schema)


@component(packages=_DATA)
def ExampleValidator(
    statistics: Statistics,
    schema: Schema,
    examples: Examples | None = None,
    *,
    previous: Statistics | None = None,
    previous_version: Statistics | None = None,
    serving: Statistics | None = None,
    environment: str | None = None,
) -> Anomalies:
    """Say where the data differs from its schema; an error stops the pipeline.

    Parameters
    ----------
    statistics : Statistics
        Of the data.
    schema : Schema
        What is expected.
    examples : Examples, optional
        The rows: for row numbers of what is found, and for rules that look at rows.
    previous, previous_version, serving : Statistics, optional
        Of the data before this, for drift; of an earlier version of this, for its number of rows;
        of the data that the model is asked about, for skew.
    environment : str, optional
        Where the data is used, such as "serving": columns that the schema does not expect there
        may be missing.
    """
    from dure.validate import validate

    return validate(
        statistics,
        schema,
        examples=examples,
        previous=previous,
        previous_version=previous_version,
        serving=serving,
        environment=environment,
    )


@component(packages=_DATA)
def DistributionValidator(
    statistics: Statistics,
    baseline: Statistics,
    schema: Schema | None = None,
    *,
    kind: Literal["drift", "skew"] = "drift",
) -> Anomalies:
    """Say where the data is distributed otherwise than a baseline; it stops the pipeline.

    Parameters
    ----------
    statistics, baseline : Statistics
        Of the data, and of what it is compared with.
    schema : Schema, optional
        Its comparators say what is an error. Default: every difference that is more than chance
        and more than small; see ``docs/drift.md``.
    kind : {"drift", "skew"}
        Whether the baseline is earlier, or from another environment.
    """
    from dure.validate import validate_distribution

    return validate_distribution(statistics, baseline, schema, kind=kind)


@component(packages=_DATA)
def ExampleDiff(
    examples: Examples,
    other: Examples,
    identifiers: Sequence[str],
    *,
    split: str = "train",
    decimals: int | None = None,
) -> ExampleDifferences:
    """Compare the same rows of two data sets cell by cell, such as of training and serving.

    Parameters
    ----------
    examples, other : Examples
        What is compared.
    identifiers : sequence of str
        The columns that name a row.
    split : str
        The split of both. Default "train".
    decimals : int, optional
        To how many decimals floats are rounded before.
    """
    from dure.validate import example_diff

    return example_diff(examples, other, by=identifiers, split=split, decimals=decimals)


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
