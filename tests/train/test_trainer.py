"""Train, export, answer: what a model learns from features it answers for raw rows."""

import json
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from dure.errors import DataError
from dure.train import Model, train
from dure.transform._keras import load_keras
from dure.tune import HyperParameters

keras = load_keras("tests")
import tensorflow as tf  # noqa: E402 - after load_keras


def saved(model, folder):
    folder.mkdir()
    model.save(folder)
    return Model.load(folder)


def weights(model, folder):
    trained = keras.saving.load_model(saved(model, folder).saved_model.parent / "model.keras")
    return [np.array(w) for w in trained.get_weights()]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_served_model_answers_bit_for_bit_what_the_trained_one_does(
    graph, model, make_table, tmp_path
):
    loaded = saved(model, tmp_path / "m")
    trained = keras.saving.load_model(tmp_path / "m" / "model.keras")
    raw = make_table(5000, 1)
    features = graph.model()(graph.convert(raw))  # what Transform makes of raw rows
    for split in graph.splits:  # ... and what it did make of them when it was fitted
        kept = graph.arrays(split, ["miles", "hour", "company"])
        assert all(len(array) == graph.rows[split] for array in kept.values())
    feeds = {tensor.name: features[tensor.name] for tensor in trained.inputs}
    on_features = tf.function(lambda x: trained(x, training=False))(feeds).numpy()
    answers = loaded.predict(raw)
    assert answers.dtype == np.float32
    assert answers.shape == (5000, 1)
    np.testing.assert_array_equal(answers, on_features)
    # Another batch size rounds otherwise in matrix products: units in the last place.
    alone = np.concatenate([loaded.predict(raw[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(alone, answers[:20], rtol=2e-5)


def test_materialised_features_are_what_the_served_graph_computes(graph, make_table):
    names = ["miles", "hour", "company", "hour_bucket"]
    part = graph.submodel(names)
    result = part(graph.convert(make_table(300, 0), graph.raw_inputs(names)))
    for name, array in graph.arrays("train", names).items():
        np.testing.assert_array_equal(result[name].numpy(), array)


def test_a_request_carries_only_what_the_models_features_need(model):
    assert {n: s["dtype"] for n, s in model.signature["inputs"].items()} == {
        "miles": "float32",
        "company": "string",
        "hour": "int64",
    }
    assert model.signature["outputs"] == {"output_0": {"dtype": "float32", "shape": [None, 1]}}
    signature = tf.saved_model.load(str(model.saved_model)).signatures["serving_default"]
    specs = signature.structured_input_signature[1]
    assert {n: (s.shape.as_list(), s.dtype.name) for n, s in specs.items()} == {
        "miles": ([None], "float32"),
        "company": ([None], "string"),
        "hour": ([None], "int64"),
    }
    assert model.predict(pl.DataFrame({"miles": [None], "company": [None], "hour": [3]})).shape == (
        1,
        1,
    )
    assert model.predict(
        pl.DataFrame(
            {"miles": [], "company": [], "hour": []},
            schema={"miles": pl.Float64, "company": pl.String, "hour": pl.Int64},
        )
    ).shape == (0, 1)
    with pytest.raises(DataError, match="column 'hour' is not there"):
        model.predict(pl.DataFrame({"miles": [1.0], "company": ["a"]}))


def test_labels_are_those_of_preprocess(model, make_table):
    raw = make_table(500, 1)
    expected = (raw["tip"].to_numpy().astype(np.float32) > 3.0).astype(np.int64)
    got = model.labels(raw)
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, expected)


def test_a_model_moves_with_its_folder(model, make_table, tmp_path):
    first = saved(model, tmp_path / "a")
    raw = make_table(50, 1)
    answers = first.predict(raw)
    shutil.move(tmp_path / "a", tmp_path / "b")
    moved = Model.load(tmp_path / "b")
    np.testing.assert_array_equal(moved.predict(raw), answers)
    again = saved(moved, tmp_path / "c")
    np.testing.assert_array_equal(again.predict(raw), answers)
    assert (again.history, again.signature) == (model.history, model.signature)


def test_training_learns(model, make_table):
    from sklearn.metrics import roc_auc_score

    raw = make_table(1000, 1)
    assert roc_auc_score(model.labels(raw), model.predict(raw)) > 0.75
    assert model.task == "binary"
    assert model.classes is None
    assert list(model.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert {len(values) for values in model.history.values()} == {3}
    assert model.history["loss"][2] < model.history["loss"][0]


def test_the_last_validation_is_what_scikit_learn_measures(graph, model, make_table):
    from sklearn.metrics import accuracy_score, log_loss

    raw = make_table(100, 1)
    scores, labels = model.predict(raw)[:, 0].astype(np.float64), model.labels(raw)
    assert model.history["val_loss"][-1] == pytest.approx(log_loss(labels, scores), rel=1e-4)
    assert model.history["val_accuracy"][-1] == pytest.approx(accuracy_score(labels, scores > 0.5))


def test_the_same_seed_gives_the_same_weights(graph, make_build, tmp_path):
    options = {"label": "tipped", "epochs": 2, "batch_size": 32, "eval_split": None}
    first = weights(train(graph, make_build(), seed=0, **options), tmp_path / "a")
    second = weights(train(graph, make_build(), seed=0, **options), tmp_path / "b")
    other = weights(train(graph, make_build(), seed=1, **options), tmp_path / "c")
    assert equal(first, second)
    assert not equal(first, other)


def test_steps_and_epochs_and_steps_per_execution_are_one_training(graph, make_build, tmp_path):
    options = {"label": "tipped", "batch_size": 32, "eval_split": None}
    epochs = train(graph, make_build(), epochs=2, **options)  # 300 rows: 10 steps an epoch
    steps = train(graph, make_build(), steps=20, **options)
    # 3 does not divide 10, so this is not changed, and an execution ends before its time.
    three = train(graph, make_build(steps_per_execution=3), steps=20, **options)
    eager = train(graph, make_build(run_eagerly=True), steps=20, **options)
    cut = train(graph, make_build(), steps=13, **options)
    first = weights(epochs, tmp_path / "a")
    assert equal(first, weights(steps, tmp_path / "b"))
    assert equal(first, weights(three, tmp_path / "c"))
    np.testing.assert_allclose(eager.history["loss"], epochs.history["loss"], rtol=1e-4)
    assert len(cut.history["loss"]) == 2
    assert cut.history["loss"][0] == epochs.history["loss"][0]
    path = tmp_path / "d"
    optimizer = keras.saving.load_model(
        saved(cut, path).saved_model.parent / "model.keras"
    ).optimizer
    assert int(optimizer.iterations) == 13


def test_a_vocabulary_label_is_multiclass_with_its_names(graph, make_build, make_table):
    model = train(
        graph,
        make_build(3, "softmax", "sparse_categorical_crossentropy", ["accuracy"]),
        label="species",
        epochs=3,
        batch_size=32,
    )
    assert model.task == "multiclass"
    assert model.classes == graph.features["species"].vocabulary
    raw = make_table(400, 1)
    scores = model.predict(raw)
    assert scores.shape == (400, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    assert [model.classes[i] for i in model.labels(raw)] == raw["species"].to_list()
    assert "multiclass of 'species' (3 classes)" in model.summary()


def test_a_number_is_regression(graph, make_build, make_table):
    model = train(graph, make_build(1, None, "mse"), label="tip", epochs=1, eval_split=None)
    assert (model.task, model.classes) == ("regression", None)
    raw = make_table(50, 1)
    np.testing.assert_array_equal(model.labels(raw), raw["tip"].to_numpy().astype(np.float32))
    assert list(model.history) == ["loss"]


def test_an_integer_without_names_is_what_the_models_outputs_say(graph, make_build):
    many = train(
        graph,
        make_build(24, "softmax", "sparse_categorical_crossentropy"),
        label="hour_number",
        steps=1,
    )
    one = train(graph, make_build(1, None, "mse"), label="hour_number", steps=1)
    assert (many.task, many.classes[:2], len(many.classes)) == ("multiclass", ("0", "1"), 24)
    assert one.task == "regression"


def test_outputs_keep_their_keys_and_string_features_may_be_looked_up_in_the_model(
    graph, make_table
):
    def build_model(hp, features):
        text = features.inputs()["company_text"]
        ids = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(text)
        model = keras.Model([text], {"tip": keras.layers.Dense(1)(ids)})
        model.compile("sgd", "mse")
        return model

    model = train(graph, build_model, label="tip", steps=3)
    assert list(model.signature["outputs"]) == ["tip"]
    assert list(model.signature["inputs"]) == ["company"]
    raw = make_table(40, 1)
    answers = model.predict(raw)
    assert answers.shape == (40, 1)
    known = raw["company"].fill_null("").is_in(["a", "b"]).to_numpy()
    assert len(np.unique(answers[~known])) == 1


def test_logits_are_known_and_become_probabilities(graph, make_build, make_table):
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model = train(graph, make_build(1, None, loss), label="tipped", steps=5)
    assert model.logits
    raw = make_table(30, 1)
    logits = model.predict(raw).astype(np.float64)
    np.testing.assert_allclose(model.probabilities(raw), 1 / (1 + np.exp(-logits)), rtol=1e-5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = train(graph, make_build(3, None, loss), label="species", steps=5)
    powers = np.exp(model.predict(raw).astype(np.float64))
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.probabilities(raw), expected, rtol=1e-5)


def test_hyperparameters_reach_the_model_and_are_recorded(graph, make_build):
    model = train(
        graph, make_build(), label="tipped", steps=1, hyperparameters=HyperParameters({"units": 9})
    )
    assert model.hyperparameters == {"units": 9}
    assert train(graph, make_build(), label="tipped", steps=1).hyperparameters == {"units": 4}


def test_progress_runs_to_the_end_with_the_loss(graph, make_build):
    told = []
    train(
        graph,
        make_build(),
        label="tipped",
        steps=25,
        batch_size=32,
        progress=lambda done, total=None, *, unit="rows", note="": told.append(
            (done, total, unit, note)
        ),
    )
    done = [entry[0] for entry in told]
    assert done == sorted(done)
    assert told[-1][:3] == (2.5, 2.5, "epochs")
    assert told[-1][3].startswith("loss ")
    assert "val_loss" in told[-1][3]


def test_training_prints_nothing(graph, make_build, capfd):
    train(graph, make_build(), label="tipped", steps=2)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_model_draws_itself_and_its_request_is_json(model, tmp_path):
    loaded = saved(model, tmp_path / "m")
    page = str(loaded.html())
    assert page.count("<svg") == 2
    assert "output_0" in page
    assert "curl -d" in page
    body = loaded.request().split("curl -d '")[1].rsplit("' http", 1)[0].replace("'\\''", "'")
    (row,) = json.loads(body)["instances"]
    frame = pl.DataFrame({name: [value] for name, value in row.items()})
    assert loaded.predict(frame).shape == (1, 1)
    assert "binary of 'tipped'" in loaded.text()
    assert all(len(line) <= 80 for line in loaded.text().splitlines())
    assert loaded.environment["tensorflow"] == tf.__version__


def test_loading_and_drawing_a_model_loads_nothing_heavy(model, tmp_path):
    saved(model, tmp_path / "m")
    code = (
        "import sys; from pathlib import Path; from dure.train import Model;"
        "m = Model.load(Path(sys.argv[1])); m.summary(), m.text(), m.html(), m.gate, m.saved_model;"
        "assert not {'tensorflow', 'keras', 'polars', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "m")], check=True)


def test_inputs_may_be_a_list_a_dict_or_a_single_one(graph, make_table):
    def build_model(arrange):
        def build(hp, features):
            x = features.inputs()
            hidden = keras.layers.Concatenate()([x["miles"], x["hour"]])
            model = keras.Model(
                arrange(x), keras.layers.Dense(1, kernel_initializer="ones")(hidden)
            )
            model.compile("sgd", "mse")
            return model

        return build

    def alone(hp, features):
        model = keras.Sequential([features.inputs()["miles"], keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    raw = make_table(20, 1)
    forms = [
        lambda x: [x["hour"], x["miles"]],
        lambda x: (x["miles"], x["hour"]),
        lambda x: {"miles": x["miles"], "hour": x["hour"]},
    ]
    answers = [train(graph, build_model(f), label="tip", steps=3).predict(raw) for f in forms]
    np.testing.assert_array_equal(answers[0], answers[1])
    np.testing.assert_array_equal(answers[0], answers[2])
    assert list(train(graph, alone, label="tip", steps=1).signature["inputs"]) == ["miles"]
