"""Small tables that every test of the graph can use."""

import polars as pl
import pytest

from dure.data import Examples
from dure.schema import Column, Schema
from dure.transform import (
    bucketize,
    compute_and_apply_vocabulary,
    fit,
    scale_to_0_1,
    scale_to_z_score,
)

TRAIN = pl.DataFrame(
    {
        "age": [31.0, None, 45.0, 22.0, float("nan"), 60.5],
        "city": ["Seoul", "Busan", "Seoul", None, "", "대구\n2"],
        "visits": [1, 2, 3, 4, 5, 6],
        "score": [1, None, 3, 4, 5, 6],
        "member": [True, False, None, True, True, False],
        "spent": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    }
)
EVAL = pl.DataFrame(
    {
        "age": [None, 31.0],
        "city": ["Jeju", "Busan"],
        "visits": [7, 1],
        "score": [None, 9],
        "member": [None, True],
        "spent": [0.5, 10.0],
    }
)
SCHEMA = Schema(
    {
        "age": Column("float"),
        "city": Column("string"),
        "visits": Column("int", presence=1.0),
        "score": Column("int", presence=0.5),
        "member": Column("bool"),
        "spent": Column("float", presence=1.0),
    }
)


def preprocess(x):
    return {
        "age": scale_to_z_score(x["age"]),
        "age_bucket": bucketize(x["age"], 3),
        "city": compute_and_apply_vocabulary(x["city"], num_oov_buckets=2),
        "visits": scale_to_0_1(x["visits"]),
        "member": x["member"],
        "rich": x["spent"] > 3.0,
    }


@pytest.fixture(scope="session")
def examples():
    return Examples.from_frames({"train": TRAIN, "eval": EVAL})


@pytest.fixture(scope="session")
def schema():
    return SCHEMA


@pytest.fixture(scope="session")
def graph(examples):
    return fit(examples, SCHEMA, preprocess)


@pytest.fixture
def fitted(examples):
    """Return a function that fits a preprocess on the small table."""

    def make(function, **options):
        return fit(examples, SCHEMA, function, **options)

    return make
