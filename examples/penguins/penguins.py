"""Which of three species a penguin is, from its measurements: a whole pipeline in one file.

dure run examples/penguins/penguins.py
dure serve serving/penguins
"""

from pathlib import Path

import keras

import dure
from dure.transform import compute_and_apply_vocabulary, scale_to_z_score

HERE = Path(__file__).parent
MEASUREMENTS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


def preprocess(x):
    """Make the features: Keras layers and ops on symbolic columns."""
    features = {name: scale_to_z_score(x[name]) for name in MEASUREMENTS}
    features["island"] = compute_and_apply_vocabulary(x["island"], num_oov_buckets=1)
    features["species"] = compute_and_apply_vocabulary(x["species"])
    return features


def build_model(hp, features):
    """Make a small network; ``features`` describes what `preprocess` made."""
    inputs = features.inputs()
    island = keras.layers.CategoryEncoding(features["island"].size, output_mode="one_hot")
    measured = [inputs[name] for name in MEASUREMENTS]
    hidden = keras.layers.concatenate([*measured, island(inputs["island"])])
    hidden = keras.layers.Dense(hp.Int("units", 8, 64, default=16), activation="relu")(hidden)
    output = keras.layers.Dense(3, activation="softmax")(hidden)
    model = keras.Model(inputs, output)
    optimizer = keras.optimizers.Adam(hp.Float("learning_rate", 1e-3, 1e-1, default=1e-2))
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@dure.pipeline
def penguins(
    data: Path = HERE / "penguins.csv", epochs: int = 20, to: Path = Path("serving/penguins")
):
    """Go from a table of penguins to a model that a server can answer with."""
    examples = dure.ExampleGen(data)
    statistics = dure.StatisticsGen(examples)
    schema = dure.SchemaGen(statistics)
    dure.ExampleValidator(statistics, schema)
    features = dure.Transform(examples, schema, preprocess)
    model = dure.Trainer(features, build_model, label="species", epochs=epochs)
    evaluation = dure.Evaluator(model, examples, slices=["island"], thresholds={"accuracy": 0.9})
    dure.Pusher(model, evaluation, to=to)
