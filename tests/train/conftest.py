"""A small table with every kind of label, and a model that fits any of them."""

import numpy as np
import polars as pl
import pytest

from dure.data import Examples
from dure.schema import Column, Schema
from dure.train import train
from dure.transform import bucketize, compute_and_apply_vocabulary, fit, scale_to_z_score

SCHEMA = Schema(
    {
        "miles": Column("float"),
        "company": Column("string"),
        "hour": Column("int", presence=1.0),
        "member": Column("bool"),
        "tip": Column("float", presence=1.0),
        "species": Column("string", presence=1.0),
        "unused": Column("float"),
    }
)


def table(rows, seed):
    """Rows with missing numbers, strings and bools; companies of ``seed`` 1 are partly unseen."""
    random = np.random.default_rng(seed)
    miles = random.gamma(2.0, 3.0, rows)
    hour = random.integers(0, 24, rows)
    company = random.choice(["a", "b", "c\nd", "한", "" if seed else "e"], rows)
    tip = 0.3 * miles + 0.1 * hour + random.normal(0, 0.3, rows)
    species = np.array(["low", "mid", "high"])[np.digitize(tip, [2.0, 4.0])]
    return pl.DataFrame(
        {
            "miles": [None if random.random() < 0.1 else float(v) for v in miles],
            "company": [None if random.random() < 0.1 else str(v) for v in company],
            "hour": hour,
            "member": [None if random.random() < 0.1 else bool(v) for v in hour > 12],
            "tip": tip,
            "species": species,
            "unused": random.normal(size=rows),
        }
    )


def preprocess(x):
    import keras

    return {
        "miles": scale_to_z_score(x["miles"]),
        "hour": scale_to_z_score(x["hour"]),
        "hour_bucket": bucketize(x["hour"], 4),
        "company": compute_and_apply_vocabulary(x["company"], num_oov_buckets=2),
        "company_text": x["company"],
        "unused": scale_to_z_score(x["unused"]),
        "raw_miles": x["miles"],
        "tipped": x["tip"] > 3.0,
        "tip": x["tip"],
        "tip_step": bucketize(x["tip"], 2),
        "hour_number": x["hour"],
        "species": compute_and_apply_vocabulary(x["species"]),
        "species_text": x["species"],
        "is_high": compute_and_apply_vocabulary(x["species"], top_k=2),
        "member": x["member"],
        "pair": keras.ops.concatenate([x["tip"], x["tip"]], axis=-1),
        "constant": x["tip"] * 0.0,
    }


@pytest.fixture(scope="session")
def graph():
    examples = Examples.from_frames({"train": table(300, 0), "eval": table(100, 1)})
    return fit(examples, SCHEMA, preprocess)


def build(units=1, activation="sigmoid", loss="binary_crossentropy", metrics=(), **compiled):
    """Return a build_model for a tiny model."""

    def build_model(hp, features):
        import keras

        inputs = {k: v for k, v in features.inputs().items() if k in ("miles", "hour", "company")}
        one_hot = keras.layers.CategoryEncoding(features["company"].size, output_mode="one_hot")
        wide = [inputs["miles"], inputs["hour"], one_hot(inputs["company"])]
        hidden = keras.layers.Dense(hp.Int("units", 4, 16), activation="relu")(
            keras.layers.Concatenate()(wide)
        )
        outputs = keras.layers.Dense(units, activation=activation)(hidden)
        model = keras.Model(inputs, outputs)
        options = {"optimizer": keras.optimizers.Adam(0.01), "loss": loss, "metrics": list(metrics)}
        model.compile(**(options | compiled))
        return model

    return build_model


@pytest.fixture
def make_build():
    return build


@pytest.fixture
def make_table():
    return table


@pytest.fixture(scope="session")
def model(graph):
    """Return a trained binary model."""
    return train(graph, build(metrics=["accuracy"]), label="tipped", epochs=3, batch_size=64)
