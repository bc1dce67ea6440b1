"""Whether a taxi passenger tips more than a fifth of the fare: TFX's best known example.

    dure run examples/taxi/taxi.py --data data.csv

The data is `data.csv` of tensorflow/tfx, tfx/examples/chicago_taxi_pipeline/data/simple: 15,002
trips in Chicago. The features, the wide-and-deep model, and 1,000 steps of 40 rows are those of
that example.
"""

from pathlib import Path

import keras

import dure
from dure.transform import bucketize, compute_and_apply_vocabulary, scale_to_z_score

AMOUNTS = ("trip_miles", "fare", "trip_seconds")
PLACES = ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude")
TEXTS = ("payment_type", "company")
# Numbers that are names: how many there are, one more for missing.
CODES = {
    "trip_start_hour": 25,
    "trip_start_day": 32,
    "trip_start_month": 13,
    "pickup_community_area": 79,
    "dropoff_community_area": 79,
}


def preprocess(x):
    """Make the features; all but `tipped` are computed again for every request."""
    features = {name: scale_to_z_score(x[name]) for name in AMOUNTS}
    features |= {name: bucketize(x[name], 10) for name in PLACES}
    features |= {
        name: compute_and_apply_vocabulary(x[name], top_k=1000, num_oov_buckets=10)
        for name in TEXTS
    }
    features |= {name: code(x[name]) for name in CODES}
    features["tipped"] = x["tips"] > 0.2 * x["fare"]
    return features


def code(column):
    """Return whole numbers, 0 where one is missing."""
    number = keras.ops.cast(column, "float32")
    return keras.ops.cast(keras.ops.where(keras.ops.isnan(number), 0.0, number), "int32")


def build_model(hp, features):
    """Make a wide-and-deep network."""
    inputs = features.inputs()
    deep = keras.layers.concatenate([inputs[name] for name in AMOUNTS])
    for units in (100, 70, 50, 25):
        deep = keras.layers.Dense(units, activation="relu")(deep)
    sizes = {name: features[name].size for name in (*PLACES, *TEXTS)} | CODES
    wide = [
        keras.layers.CategoryEncoding(size, output_mode="one_hot")(inputs[name])
        for name, size in sizes.items()
    ]
    output = keras.layers.Dense(1, activation="sigmoid")(keras.layers.concatenate([deep, *wide]))
    model = keras.Model(inputs, output)
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log", default=1e-3)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


@dure.pipeline
def taxi(data: Path, steps: int = 1000, to: Path = Path("serving/taxi")):
    """Go from a table of trips to a model that a server can answer with."""
    examples = dure.ExampleGen(data)
    statistics = dure.StatisticsGen(examples)
    schema = dure.SchemaGen(statistics)
    dure.ExampleValidator(statistics, schema)
    features = dure.Transform(examples, schema, preprocess)
    model = dure.Trainer(features, build_model, label="tipped", steps=steps, batch_size=40)
    evaluation = dure.Evaluator(
        model, examples, slices=["trip_start_hour"], thresholds={"accuracy": 0.6, "auc": 0.7}
    )
    dure.Pusher(model, evaluation, to=to)
