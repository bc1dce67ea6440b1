"""What cannot be trained, and what is said about it before training starts."""

import numpy as np
import polars as pl
import pytest

from dure.data import Examples
from dure.errors import TrainingError, TransformError, UsageError
from dure.schema import Column, Schema
from dure.train import train
from dure.transform import compute_and_apply_vocabulary, fit
from dure.transform._keras import load_keras
from dure.tune import HyperParameters

keras = load_keras("tests")


def refused(graph, build_model, match, *, label="tipped", error=TrainingError, **options):
    with pytest.raises(error, match=match) as caught:
        train(graph, build_model, label=label, steps=1, **options)
    return caught.value


def test_a_label_that_is_not_there_names_the_nearest(graph, make_build):
    error = refused(graph, make_build(), "label 'tiped' is no feature", label="tiped")
    assert "did you mean 'tipped'" in error.fix


@pytest.mark.parametrize(
    ("label", "match"),
    [
        ("species_text", "is a string"),
        ("pair", "several values a row"),
        ("constant", "one value only"),
        ("member", "cannot be learned from"),
        ("raw_miles", "cannot be learned from"),
        ("is_high", "not in the vocabulary"),
    ],
)
def test_a_label_that_cannot_be_learned_says_why(graph, make_build, label, match):
    error = refused(graph, make_build(), match, label=label)
    assert label in error.what
    assert error.expected
    assert error.fix


def test_a_label_with_one_class_names_the_class(make_build):
    frame = pl.DataFrame({"v": [1.0, 2.0], "kind": ["cat", "cat"]})
    graph = fit(
        Examples.from_frames({"train": frame, "eval": frame}),
        Schema({"v": Column("float"), "kind": Column("string")}),
        lambda x: {"v": x["v"], "kind": compute_and_apply_vocabulary(x["kind"])},
    )
    error = refused(graph, make_build(), "one value only", label="kind")
    assert "'cat' in all 2 rows" in error.got


@pytest.mark.parametrize(
    ("label", "units", "expected"),
    [
        ("tipped", 2, "shape (rows, 1): one output, for it is 0 or 1"),
        ("species", 1, "shape (rows, 3): one output for each of its 3 classes"),
        ("species", 4, "shape (rows, 3): one output for each of its 3 classes"),
        ("tip", 3, "shape (rows, 1): one output, for it is a number"),
        ("hour_number", 5, "shape (rows, 24): one output for each of its 24 classes"),
    ],
)
def test_a_wrong_output_shape_is_said_in_plain_words(graph, make_build, label, units, expected):
    error = refused(graph, make_build(units), "the wrong shape", label=label)
    assert error.expected == expected
    assert error.got == f"shape (rows, {units})"
    assert "keras.layers.Dense(" in error.fix


def test_a_loss_for_another_task_is_named(graph, make_build):
    build = make_build(3, "softmax", "categorical_crossentropy")
    error = refused(graph, build, "the loss does not fit", label="species")
    assert "sparse_categorical_crossentropy" in error.fix
    build = make_build(1, None, "binary_crossentropy")
    refused(graph, build, "the loss does not fit", label="tip")


def simple(inputs, outputs, **compiled):
    model = keras.Model(inputs, outputs)
    model.compile(**({"optimizer": "sgd", "loss": "mse"} | compiled))
    return model


def test_build_model_has_to_return_a_compiled_model_with_named_inputs(graph):
    def uncompiled(hp, features):
        x = features.inputs()["miles"]
        return keras.Model(x, keras.layers.Dense(1)(x))

    def without_loss(hp, features):
        x = features.inputs()["miles"]
        model = keras.Model(x, keras.layers.Dense(1)(x))
        model.compile("sgd")
        return model

    def unnamed(hp, features):
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    assert "return model" in refused(graph, lambda hp, f: None, "returned no Keras model").fix
    assert refused(graph, lambda hp, f: 3, "returned no Keras model").got == "int: 3"
    refused(graph, uncompiled, "is not compiled")
    refused(graph, without_loss, "is not compiled")
    assert "features.inputs()" in refused(graph, unnamed, "has no named inputs").fix


def test_inputs_have_to_be_features_without_the_label(graph):
    def unknown(hp, features):
        x = keras.Input((1,), name="mile")
        return simple(x, keras.layers.Dense(1)(x))

    def label(hp, features):
        x = keras.Input((1,), name="tipped")
        return simple(x, keras.layers.Dense(1)(x))

    def shape(hp, features):
        x = keras.Input((3,), name="miles")
        return simple(x, keras.layers.Dense(1)(x))

    def dtype(hp, features):
        x = keras.Input((1,), name="miles", dtype="string")
        return simple(x, keras.layers.StringLookup(vocabulary=["a"])(x))

    assert "did you mean 'miles'" in refused(graph, unknown, "input 'mile' is no feature").fix
    refused(graph, label, "takes its own label")
    assert "shape (3,)" in refused(graph, shape, "does not fit the feature").got
    refused(graph, dtype, "does not fit the feature")


def test_several_outputs_and_outputs_of_higher_rank_are_refused(graph):
    def two(hp, features):
        x = features.inputs()["miles"]
        return simple(x, [keras.layers.Dense(1)(x), keras.layers.Dense(1)(x)])

    def grid(hp, features):
        x = features.inputs()["miles"]
        return simple(x, keras.layers.Reshape((1, 1))(x))

    refused(graph, two, "has several outputs")
    refused(graph, grid, "output has the wrong shape")


def test_an_exception_in_build_model_keeps_its_line_and_cause(graph):
    def build_model(hp, features):
        return 1 / 0

    error = refused(graph, build_model, "build_model raised ZeroDivisionError")
    first = error.what.splitlines()[0]
    assert first.startswith("test_training_errors.py:")
    assert first.endswith("return 1 / 0")
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_a_feature_that_is_not_there_keeps_its_class_and_gets_the_users_line(graph):
    def build_model(hp, features):
        return features["mile"]

    error = refused(graph, build_model, "no feature 'mile'", error=TransformError)
    assert 'return features["mile"]' in error.what.splitlines()[0]


def test_hyperparameters_are_checked(graph, make_build):
    wrong = HyperParameters({"units": 99})
    refused(graph, make_build(), "'units' cannot have", error=UsageError, hyperparameters=wrong)
    unknown = HyperParameters({"unit": 8})
    error = refused(
        graph, make_build(), "no hyperparameter 'unit'", error=UsageError, hyperparameters=unknown
    )
    assert "did you mean 'units'" in error.fix


def test_what_keras_refuses_is_a_training_error_with_its_cause(graph, make_build):
    build = make_build(metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=3)], loss="hinge")

    def broken(hp, features):
        model = build(hp, features)
        model.loss = None
        model.compile("sgd", lambda y, p: undefined_name)  # noqa: F821 - the point of the test
        return model

    error = refused(graph, broken, "Keras stopped the training: NameError")
    assert error.__cause__ is not None


def test_a_loss_that_is_no_number_names_the_feature_that_may_be_the_reason(graph):
    def build_model(hp, features):
        x = features.inputs()["raw_miles"]
        return simple(x, keras.layers.Dense(1)(x))

    error = refused(graph, build_model, "the loss is nan in epoch 1", label="tip", batch_size=300)
    assert "'raw_miles' in" in error.got
    assert "scale_to_z_score" in error.fix


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"epochs": 0}, "epochs is too small"),
        ({"steps": 0}, "steps is too small"),
        ({"batch_size": 0}, "batch_size is too small"),
        ({"batch_size": 1.5}, "batch_size is no integer"),
        ({"epochs": True}, "epochs is no integer"),
        ({"epochs": 1, "steps": 1}, "both epochs and steps"),
        ({"seed": -1}, "seed is out of range"),
        ({"seed": 2**32}, "seed is out of range"),
        ({"train_split": "trian"}, "no split 'trian'"),
        ({"eval_split": "test"}, "no split 'test'"),
    ],
)
def test_arguments_are_checked(graph, make_build, options, match):
    with pytest.raises(TrainingError, match=match):
        train(graph, make_build(), label="tipped", **options)


def test_a_graph_with_the_label_alone_has_nothing_to_learn_from(make_build):
    frame = pl.DataFrame({"v": np.arange(4.0)})
    graph = fit(
        Examples.from_frames({"train": frame, "eval": frame}),
        Schema({"v": Column("float")}),
        lambda x: {"v": x["v"]},
    )
    refused(graph, make_build(), "nothing to learn from", label="v")
