"""Bad preprocess functions, and what is said about them."""

import numpy as np
import polars as pl
import pytest

from dure.data import Examples
from dure.errors import TransformError
from dure.schema import Column, Schema
from dure.transform import (
    bucketize,
    compute_and_apply_vocabulary,
    fit,
    scale_to_0_1,
    scale_to_z_score,
)
from dure.transform._keras import load_keras

keras = load_keras("tests")


def refused(fitted, function, match):
    with pytest.raises(TransformError, match=match) as caught:
        fitted(function)
    return caught.value


@pytest.mark.parametrize(
    ("returned", "match", "got"),
    [
        (None, "returned no dict", "NoneType"),
        ([1], "returned no dict", "list"),
        ({}, "returned an empty dict", None),
        ({"n": 3}, "feature 'n' is no symbolic tensor", "int: 3"),
        ({"n": np.ones(3)}, "feature 'n' is no symbolic tensor", "ndarray"),
        ({"n": None}, "feature 'n' is no symbolic tensor", "NoneType"),
        ({1: None}, "feature name", "1"),
        ({"a/b": None}, "feature name", "'a/b'"),
    ],
)
def test_what_preprocess_returns_has_to_be_a_dict_of_tensors(fitted, returned, match, got):
    error = refused(fitted, lambda x: returned, match)
    assert error.expected
    assert got is None or got in error.got


def test_a_column_that_is_not_there_names_the_nearest_and_the_users_line(fitted):
    error = refused(fitted, lambda x: {"age": x["agee"]}, "asks for column 'agee'")
    assert error.what.splitlines()[0].startswith("test_transform_errors.py:")
    assert "did you mean 'age'" in error.fix


def test_the_users_own_exception_keeps_its_line_and_cause(fitted):
    def preprocess(x):
        return {"age": x["age"] + undefined_name}  # noqa: F821 - the point of the test

    error = refused(fitted, preprocess, "preprocess raised NameError")
    line = error.what.splitlines()[0]
    assert 'return {"age": x["age"] + undefined_name}' in line
    assert isinstance(error.__cause__, NameError)


def test_numpy_on_a_symbolic_column_says_to_use_keras_ops(fitted):
    error = refused(fitted, lambda x: {"age": np.log(x["age"])}, "raised")
    assert "keras.ops" in error.fix


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: scale_to_z_score(x["city"]), "takes numbers, not column 'city'"),
        (lambda x: scale_to_0_1(x["city"]), "takes numbers, not column 'city'"),
        (lambda x: bucketize(x["city"], 3), "takes numbers, not column 'city'"),
        (
            lambda x: scale_to_z_score(x["age"] > 3),
            "takes numbers, not a tensor computed from 'age'",
        ),
        (lambda x: compute_and_apply_vocabulary(x["age"]), "takes strings, not column 'age'"),
        (lambda x: compute_and_apply_vocabulary(x["score"]), "takes strings, not column 'score'"),
        (lambda x: bucketize(x["age"], 1), "num_buckets is out of range"),
        (lambda x: bucketize(x["age"], True), "num_buckets is out of range"),
        (lambda x: compute_and_apply_vocabulary(x["city"], top_k=0), "top_k is out of range"),
        (lambda x: compute_and_apply_vocabulary(x["city"], num_oov_buckets=-1), "num_oov_buckets"),
        (lambda x: scale_to_z_score(3.0), "takes a column"),
    ],
)
def test_an_analyzer_refuses_what_it_cannot_take(fitted, function, match):
    error = refused(fitted, lambda x: {"f": function(x)}, match)
    assert error.expected


def test_an_analyzer_outside_of_preprocess_says_where_it_belongs():
    with pytest.raises(TransformError, match="takes a column") as caught:
        scale_to_z_score([1.0, 2.0])
    assert "preprocess" in caught.value.fix


def test_an_integer_that_may_be_missing_has_no_vocabulary_and_the_reason_is_said(fitted):
    error = refused(
        fitted, lambda x: {"f": compute_and_apply_vocabulary(x["score"])}, "takes strings"
    )
    assert "presence 1.0" in error.fix


def test_a_feature_that_loses_the_rows_is_refused(fitted):
    ops = keras.ops
    for function in (
        lambda x: ops.mean(x["age"]),
        lambda x: ops.mean(x["age"], axis=0),
        lambda x: ops.mean(x["age"], axis=0, keepdims=True),
        lambda x: ops.reshape(x["age"], (1, -1)),
    ):
        error = refused(fitted, lambda x, f=function: {"f": f(x)}, "does not keep the rows apart")
        assert "column 'age'" in error.what or "'age'" in error.what
    error = refused(fitted, lambda x: {"f": x["age"][:, 0]}, "does not keep the rows apart")
    assert error.fix == "keras.ops.expand_dims(feature, -1)"


def test_a_feature_that_changes_the_number_of_rows_is_refused(fitted):
    def two_rows_from_one(x):
        return {"f": keras.ops.reshape(keras.ops.concatenate([x["age"], x["age"]], -1), (-1, 1))}

    error = refused(fitted, two_rows_from_one, "changes the number of rows")
    assert "6 rows out for 6 rows in" in error.expected


def test_a_feature_that_hangs_on_other_rows_is_refused(fitted):
    def batch_mean(x):
        return {"f": x["spent"] - keras.ops.mean(x["spent"], axis=0, keepdims=True)}

    error = refused(fitted, batch_mean, "depends on the other rows in its batch")
    assert "scale_to_z_score" in error.fix


def test_a_feature_of_no_column_is_refused(fitted):
    error = refused(
        fitted, lambda x: {"f": keras.Input((1,))}, "does not come from the columns alone"
    )
    assert error.expected


def test_a_layer_that_cannot_be_stored_is_refused(fitted):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    error = refused(fitted, lambda x: {"f": Mine()(x["age"])}, "cannot be stored")
    assert "register_keras_serializable" in error.fix
    refused(fitted, lambda x: {"f": keras.layers.Lambda(lambda t: t)(x["age"])}, "cannot be stored")


def test_a_layer_named_like_a_column_is_refused(fitted):
    def preprocess(x):
        return {"f": keras.layers.Rescaling(2.0, name="age")(x["age"])}

    error = refused(fitted, preprocess, "cannot make one model")
    assert "rename the layer" in error.fix


def test_an_all_null_column_is_named():
    examples = Examples.from_frames(
        {
            "train": pl.DataFrame(
                {"v": [None, None], "w": [1.0, 2.0]}, schema={"v": pl.Float64, "w": pl.Float64}
            )
        }
    )
    schema = Schema({"v": Column("float"), "w": Column("float")})
    with pytest.raises(TransformError, match="scale_to_z_score of column 'v'"):
        fit(examples, schema, lambda x: {"v": scale_to_z_score(x["v"])})


def test_a_split_that_is_not_there_names_the_nearest(examples, schema):
    with pytest.raises(TransformError, match="split 'trian'") as caught:
        fit(examples, schema, lambda x: {"a": x["age"]}, split="trian")
    assert "did you mean 'train'" in caught.value.fix
