"""The whole of Transform on small tables: features, rows, phases, disk, and what is served."""

import math
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from dure.data import Examples
from dure.errors import DataError, TransformError
from dure.schema import Column, Schema
from dure.transform import (
    Feature,
    Features,
    TransformGraph,
    bucketize,
    compute_and_apply_vocabulary,
    fit,
    scale_to_z_score,
)
from dure.transform._keras import load_keras

keras = load_keras("tests")

AGES = np.array([31.0, 45.0, 22.0, 60.5])


def saved(graph, folder):
    folder.mkdir()
    graph.save(folder)
    return TransformGraph.load(folder)


def same(one, other):
    if one.dtype.kind in "fc":
        return np.array_equal(one, other, equal_nan=True)
    return one.dtype == other.dtype and np.array_equal(one, other)


def test_features_say_what_came_out(graph):
    assert dict(graph.features) == {
        "age": Feature("age", "float32", (1,)),
        "age_bucket": Feature("age_bucket", "int64", (1,), size=4),
        "city": Feature("city", "int64", (1,), size=5, vocabulary=("Seoul", "대구\n2", "Busan")),
        "visits": Feature("visits", "float32", (1,)),
        "member": Feature("member", "float32", (1,)),
        "rich": Feature("rich", "bool", (1,)),
    }
    assert list(graph.features.without("rich", "city")) == ["age", "age_bucket", "visits", "member"]


def test_rows_are_transformed_by_the_state_of_the_train_split(graph):
    train, held = graph.arrays("train"), graph.arrays("eval")
    z = (AGES - AGES.mean()) / AGES.std()
    np.testing.assert_allclose(
        train["age"][:, 0], [z[0], 0, z[1], z[2], 0, z[3]], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(held["age"][:, 0], [0, z[0]], rtol=1e-5, atol=1e-6)
    edges = np.quantile(AGES, [1 / 3, 2 / 3])
    expected = [np.digitize(31, edges), 3, *np.digitize([45, 22], edges), 3, 2]
    assert train["age_bucket"][:, 0].tolist() == expected
    assert train["city"][[0, 1, 2, 5], 0].tolist() == [0, 2, 0, 1]
    assert set(train["city"][[3, 4], 0]) <= {3, 4}
    np.testing.assert_allclose(held["visits"][:, 0], [1.2, 0.0], rtol=1e-6)
    np.testing.assert_array_equal(train["member"][:, 0], [1, 0, math.nan, 1, 1, 0])
    assert train["rich"].dtype == bool
    assert train["rich"][:, 0].tolist() == [False, False, False, True, True, True]
    assert {name: array.shape for name, array in held.items()} == dict.fromkeys(held, (2, 1))


def test_what_is_loaded_is_what_was_saved(graph, tmp_path):
    loaded = saved(graph, tmp_path / "a")
    assert loaded.features == graph.features
    assert (loaded.splits, loaded.rows) == (("train", "eval"), {"train": 6, "eval": 2})
    for split in graph.splits:
        for name, array in graph.arrays(split).items():
            assert same(array, loaded.arrays(split)[name]), name
    feeds = loaded.convert(
        pl.DataFrame(
            {"age": [31.0], "city": ["Busan"], "visits": [1], "member": [None], "spent": [9.0]}
        )
    )
    mine, theirs = graph.model()(feeds), loaded.model()(feeds)
    assert all(same(mine[name].numpy(), theirs[name].numpy()) for name in graph.features)
    assert (loaded.summary(), loaded.text(), loaded.html()) == (
        graph.summary(),
        graph.text(),
        graph.html(),
    )


def test_the_same_fit_writes_the_same_bytes_and_so_does_a_copy(fitted, tmp_path):
    def preprocess(x):
        city = compute_and_apply_vocabulary(x["city"], num_oov_buckets=1)
        return {"z": scale_to_z_score(x["age"] * 2.0), "city": city, "b": bucketize(x["spent"], 3)}

    first = saved(fitted(preprocess), tmp_path / "a")
    keras.layers.Dense(3)  # moves Keras's counters on
    saved(fitted(preprocess), tmp_path / "b")
    saved(first, tmp_path / "c")
    files = sorted(
        p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()
    )
    assert [str(path) for path in files] == [
        "features/eval.parquet",
        "features/train.parquet",
        "graph.keras",
        "transform.json",
    ]
    for path in files:
        content = (tmp_path / "a" / path).read_bytes()
        assert content == (tmp_path / "b" / path).read_bytes(), path
        assert content == (tmp_path / "c" / path).read_bytes(), path


def test_an_analyzer_of_a_derived_tensor_learns_from_its_values(fitted):
    graph = fitted(lambda x: {"double": scale_to_z_score(x["spent"] * 2.0 + 1.0)})
    values = np.array([3.0, 5.0, 7.0, 9.0, 11.0, 13.0])
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(graph.arrays("train")["double"][:, 0], expected, rtol=1e-5)


def test_analyzers_learn_in_phases_from_what_those_above_them_give(fitted):
    def preprocess(x):
        bucket = bucketize(x["spent"], 3)
        scaled = scale_to_z_score(bucket)
        return {"twice": scale_to_z_score(scaled + x["visits"]), "bucket": bucket}

    graph = fitted(preprocess)
    ids = np.array([0, 0, 1, 1, 2, 2], np.float64)
    values = (ids - ids.mean()) / ids.std() + np.arange(1, 7)
    expected = (values - values.mean()) / values.std()
    np.testing.assert_allclose(graph.arrays("train")["twice"][:, 0], expected, rtol=1e-5)
    assert graph.arrays("train")["bucket"][:, 0].tolist() == ids.tolist()
    assert [entry["function"] for entry in graph.analyzers] == [
        "bucketize",
        "scale_to_z_score",
        "scale_to_z_score",
    ]


def test_a_vocabulary_takes_integers_that_are_always_there(fitted):
    graph = fitted(lambda x: {"visits": compute_and_apply_vocabulary(x["visits"])})
    assert graph.features["visits"].vocabulary == ("6", "5", "4", "3", "2", "1")
    assert graph.arrays("train")["visits"][:, 0].tolist() == [5, 4, 3, 2, 1, 0]
    assert graph.arrays("eval")["visits"][:, 0].tolist() == [-1, 5]


def test_one_vocabulary_can_learn_from_two_columns(fitted):
    def preprocess(x):
        both = keras.ops.concatenate([x["visits"], x["visits"] + 1], axis=-1)
        return {"both": compute_and_apply_vocabulary(both)}

    graph = fitted(preprocess)
    assert graph.features["both"].shape == (2,)
    # 2..6 occur twice, 7 and 1 once: texts of one count are in reverse order.
    assert graph.features["both"].vocabulary == ("6", "5", "4", "3", "2", "7", "1")
    assert graph.arrays("train")["both"][0].tolist() == [6, 4]


def test_strings_vectors_and_higher_shapes_come_back_from_disk(fitted, tmp_path):
    def preprocess(x):
        three = keras.ops.concatenate([x["age"], x["spent"], x["score"]], axis=-1)
        return {
            "city": x["city"],
            "three": three,
            "grid": keras.ops.reshape(keras.ops.concatenate([three, three], -1), (-1, 2, 3)),
            "member": x["member"] > 0.5,
        }

    graph = fitted(preprocess)
    loaded = saved(graph, tmp_path / "a")
    for one in (graph, loaded):
        arrays = one.arrays("train")
        assert arrays["city"][:, 0].tolist() == ["Seoul", "Busan", "Seoul", "", "", "대구\n2"]
        assert arrays["three"].shape == (6, 3)
        assert arrays["grid"].shape == (6, 2, 3)
        np.testing.assert_array_equal(arrays["three"][1], np.float32([math.nan, 2, math.nan]))
        np.testing.assert_array_equal(arrays["grid"][5], np.float32([[60.5, 6, 6]] * 2))
        assert arrays["member"][:, 0].tolist() == [True, False, False, True, True, False]


def test_a_submodel_asks_only_for_the_columns_that_its_features_need(graph):
    assert set(graph.raw_inputs()) == {"age", "city", "visits", "member", "spent"}
    assert list(graph.raw_inputs(["age", "age_bucket"])) == ["age"]
    part = graph.submodel(["age_bucket", "city"])
    assert set(part.input) == {"age", "city"}
    frame = pl.DataFrame({"age": [22.0], "city": ["Seoul"]})
    result = part(graph.convert(frame, ["age", "city"]))
    assert {name: value.numpy().tolist() for name, value in result.items()} == {
        "age_bucket": [[0]],
        "city": [[0]],
    }


def test_columns_with_names_that_no_signature_takes_are_served_under_others():
    frame = pl.DataFrame({"Sepal Length (cm)": [1.0, 2.0, 3.0]})
    examples = Examples.from_frames({"train": frame})
    schema = Schema({"Sepal Length (cm)": Column("float")})
    graph = fit(examples, schema, lambda x: {"z": scale_to_z_score(x["Sepal Length (cm)"])})
    assert list(graph.model().input) == ["Sepal_Length__cm_"]
    assert graph.arrays("train")["z"][1, 0] == 0.0


def test_inputs_are_fresh_named_and_typed(graph):
    inputs = graph.features.without("rich").inputs()
    assert {n: (t.name, t.shape, t.dtype) for n, t in inputs.items()} == {
        "age": ("age", (None, 1), "float32"),
        "age_bucket": ("age_bucket", (None, 1), "int64"),
        "city": ("city", (None, 1), "int64"),
        "visits": ("visits", (None, 1), "float32"),
        "member": ("member", (None, 1), "float32"),
    }
    assert graph.features.inputs()["age"] is not inputs["age"]


def test_a_feature_that_is_not_there_names_the_nearest_and_is_a_key_error(graph):
    with pytest.raises(TransformError, match="no feature 'ages'") as caught:
        graph.features["ages"]
    assert "did you mean 'age'" in caught.value.fix
    assert isinstance(caught.value, KeyError)
    assert str(caught.value).startswith("there is no feature 'ages'\n  expected:")
    assert graph.features.get("ages") is None
    with pytest.raises(TransformError, match="no feature"):
        graph.submodel(["nope"])
    with pytest.raises(TransformError, match="no split 'test'"):
        graph.arrays("test")
    assert isinstance(graph.features, Features)


def test_rows_that_were_not_kept_say_so(fitted, tmp_path):
    graph = fitted(lambda x: {"age": x["age"]}, materialize=False)
    for one in (graph, saved(graph, tmp_path / "a")):
        with pytest.raises(TransformError, match="were not kept") as caught:
            one.arrays("train")
        assert "materialize=True" in caught.value.fix


def test_progress_counts_passes_then_every_row(examples, schema):
    told = []
    fit(
        examples,
        schema,
        lambda x: {"age": scale_to_z_score(x["age"])},
        progress=lambda done, total=None, *, unit="rows", note="": told.append((done, total, unit)),
    )
    assert told[0] == (1, 1, "passes")
    assert told[-1] == (8, 8, "rows")


def test_many_rows_pass_in_batches_and_keep_their_order():
    rows = 20_000
    frame = pl.DataFrame(
        {"v": np.arange(rows, dtype=np.float64), "s": [str(i % 7) for i in range(rows)]}
    )
    graph = fit(
        Examples.from_frames({"train": frame}),
        Schema({"v": Column("float"), "s": Column("string")}),
        lambda x: {"v": x["v"] + 1.0, "s": compute_and_apply_vocabulary(x["s"])},
    )
    arrays = graph.arrays("train")
    np.testing.assert_array_equal(arrays["v"][:, 0], np.arange(1, rows + 1, dtype=np.float32))
    vocabulary = graph.features["s"].vocabulary
    assert [vocabulary[i] for i in arrays["s"][:, 0]] == frame["s"].to_list()


def test_an_int_column_that_misses_values_in_another_split_is_named(schema):
    train = pl.DataFrame({"visits": [1, 2]})
    held = pl.DataFrame({"visits": [1, None]})
    with pytest.raises(DataError, match="column 'visits' misses 1 of 2 values"):
        fit(
            Examples.from_frames({"train": train, "eval": held}),
            schema,
            lambda x: {"v": scale_to_z_score(x["visits"])},
        )


LIGHT = """
import sys
from pathlib import Path
import dure.transform, dure.train, dure.tune
from dure.transform import TransformGraph, scale_to_z_score
graph = TransformGraph.load(Path(sys.argv[1]))
graph.summary(), graph.text(), graph.html(), graph.gate, repr(graph.features)
heavy = {"tensorflow", "keras", "polars", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""


def test_loading_and_drawing_a_graph_loads_nothing_heavy(graph, tmp_path):
    saved(graph, tmp_path / "a")
    subprocess.run([sys.executable, "-c", LIGHT, str(tmp_path / "a")], check=True)


def test_importing_keras_through_dure_is_silent():
    code = "from dure.transform._keras import load_keras; k = load_keras('x'); k.ops.ones((1,))"
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_another_backend_is_refused_before_it_is_imported():
    code = "from dure.transform._keras import load_keras; load_keras('Trainer')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert "Trainer runs on Keras's TensorFlow backend" in done.stderr
    assert "set the environment variable KERAS_BACKEND=tensorflow" in done.stderr


def test_a_missing_package_names_the_extra(monkeypatch):
    import importlib.util

    from dure.errors import MissingExtraError
    from dure.transform import _keras

    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="Trainer needs the package 'keras'") as caught:
        _keras.load_keras("Trainer")
    assert caught.value.fix == "pip install 'dure[tensorflow]'"
