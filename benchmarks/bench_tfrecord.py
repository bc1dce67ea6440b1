"""Claim: 150,000 rows of tf.Example with 18 features in a processor-second, without TensorFlow.

    python benchmarks/bench_tfrecord.py

Each case runs in a process of its own that reads 200,000 rows once to warm up and then three times;
what it prints is rows by processor-second of those, import excluded. TensorFlow is told the features
and their types and checks no checksums of the data; Dure finds them and does.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl
from measure import ROOT, header

from dure.data import write_tfrecord

ROWS, RUNS = 200_000, 5

TIMED = """
import resource, sys
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
def timed(read):
    read()
    began = cpu()
    for _ in range(3):
        rows = read()
    print(3 * rows / (cpu() - began))
"""
DURE = """
from pathlib import Path
from dure.data.batch import ReadOptions
from dure.data.location import Location
from dure.data.readers.tfrecord_reader import read_tfrecord
at = Location.of_path(Path(sys.argv[1]))
timed(lambda: sum(batch.frame.height for batch in read_tfrecord(at, ReadOptions())))
"""
TENSORFLOW = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
kinds = [("f", 10, tf.float32), ("i", 4, tf.int64), ("t", 4, tf.string)]
spec = {f"{k}{n}": tf.io.FixedLenFeature([], d) for k, many, d in kinds for n in range(many)}
def read():
    rows = 0
    for block in tf.data.TFRecordDataset(sys.argv[1]).batch(20_000):
        parsed = tf.io.parse_example(block, spec)
        rows += len({name: value.numpy() for name, value in parsed.items()}["f0"])
    return rows
timed(read)
"""
WRITE = """
import tempfile
import polars as pl
from pathlib import Path
from dure.data import write_tfrecord
frame = pl.read_parquet(sys.argv[2])
folder = Path(tempfile.mkdtemp(dir=Path(sys.argv[2]).parent))
count = iter(range(100))
def write():
    write_tfrecord(frame, folder / f"{next(count)}.tfrecord")
    return frame.height
timed(write)
"""


def made() -> pl.DataFrame:
    random = np.random.default_rng(0)
    words = np.array([f"company number {i}" for i in range(100)])
    return pl.DataFrame(
        {f"f{n}": random.normal(size=ROWS) for n in range(10)}
        | {f"i{n}": random.integers(0, 10**6, ROWS) for n in range(4)}
        | {f"t{n}": words[random.integers(0, 100, ROWS)] for n in range(4)}
    )


def main() -> None:
    header(f"TFRecord of tf.Example: {ROWS:,} rows of 18 features, {RUNS} processes each, in turn")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = made()
        frame.write_parquet(folder / "rows.parquet")
        write_tfrecord(frame, folder / "rows.tfrecord")
        files = [str(folder / "rows.tfrecord"), str(folder / "rows.parquet")]
        cases = {"Dure, read": DURE, "tf.io.parse_example": TENSORFLOW, "Dure, write": WRITE}
        found = {case: [] for case in cases}
        for _ in range(RUNS):
            for case, code in cases.items():
                done = subprocess.run(
                    [sys.executable, "-c", TIMED + code, *files],
                    capture_output=True, text=True, check=True, cwd=ROOT,
                )  # fmt: skip
                found[case].append(float(done.stdout))
    for case, rates in found.items():
        print(
            f"{case:<24} {median(rates):>10,.0f} rows by processor-second"
            f" ({min(rates):,.0f}-{max(rates):,.0f})  n={len(rates)}"
        )


main()
