"""Claim: from a CSV of a million rows to statistics in under 6 processor-seconds and 1 GB.

    python benchmarks/bench_data.py [PATH/TO/data.csv]

data.csv is tfx/examples/chicago_taxi_pipeline/data/simple/data.csv of tensorflow/tfx; its rows are
drawn again with a fixed seed. TFDV runs beside Dure where DURE_TFDV names a Python that has it
(`peers.txt` says how); it needs a minute a run, and runs as often.
"""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from measure import ROOT, cost, header, median, row

DATA = ROOT.parent / "shared/data/tfx/chicago_taxi/data.csv"
SEED = 20240607
RUNS = 5

POLARS_CSV = "import sys, polars; polars.read_csv(sys.argv[1], infer_schema_length=None)"
POLARS_PARQUET = "import sys, polars; polars.read_parquet(sys.argv[1])"
DURE_ALL = """
import sys
from pathlib import Path
from dure.data import make_examples
from dure.statistics import describe
folder = Path(sys.argv[2])
(folder / "examples").mkdir()
(folder / "statistics").mkdir()
examples = make_examples(sys.argv[1])
examples.save(folder / "examples")
describe(examples).save(folder / "statistics")
"""
TFDV_CSV = """
import sys
import tensorflow_data_validation as tfdv
tfdv.generate_statistics_from_csv(sys.argv[1])
"""
TFDV_FRAME = """
import sys
import pandas as pd
import tensorflow_data_validation as tfdv
tfdv.generate_statistics_from_dataframe(pd.read_csv(sys.argv[1]))
"""


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not data.exists():
        raise SystemExit(f"there is no {data}: name the file (see the head of this script)")
    header("data: from a file to Examples and Statistics on disk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        million, ten, wide = folder / "1m.csv", folder / "10m.csv", folder / "wide.parquet"
        parquet = folder / "1m.parquet"
        apart(draw, data, million, 1)
        apart(convert, million, parquet)
        compare(million, parquet)
        apart(draw, data, ten, 10)
        row("Dure, 10,000,000 rows from CSV", [dure(ten) for _ in range(3)])
        ten.unlink()
        apart(make_wide, wide)
        row("Dure, 3,000 columns x 100,000 rows", [dure(wide) for _ in range(3)])


def apart(function, *arguments) -> None:
    """Call a function in another process: a child's peak counts what its parent had at the fork."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{function.__name__} failed")


def compare(csv: Path, parquet: Path) -> None:
    """Run each on the million rows in turn, and print what each cost."""
    cases = {
        "polars.read_csv": lambda: python(POLARS_CSV, csv),
        "polars.read_parquet": lambda: python(POLARS_PARQUET, parquet),
        "Dure, from CSV": lambda: dure(csv),
        "Dure, from Parquet": lambda: dure(parquet),
    }
    tfdv = os.environ.get("DURE_TFDV")
    if tfdv:
        cases["TFDV, from CSV"] = lambda: python(TFDV_CSV, csv, executable=tfdv)
        cases["TFDV, from a pandas frame"] = lambda: python(TFDV_FRAME, csv, executable=tfdv)
    costs = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, case in cases.items():
            costs[name].append(case())
    for name, found in costs.items():
        row(f"{name}, 1,000,000 rows", found)
    ratio = median(costs["Dure, from CSV"]).cpu / median(costs["polars.read_csv"]).cpu
    print(f"Dure from CSV takes {ratio:.2f} times the processor time of polars.read_csv")


def draw(data: Path, path: Path, millions: int) -> None:
    """Write rows of ``data``, drawn with replacement, below its header."""
    header_line, *rows = data.read_bytes().splitlines(keepends=True)
    random = np.random.default_rng(SEED)
    with path.open("wb") as file:
        file.write(header_line)
        for _ in range(millions):
            file.write(b"".join(rows[i] for i in random.integers(0, len(rows), 1_000_000)))


def convert(csv: Path, parquet: Path) -> None:
    pl.read_csv(csv, infer_schema_length=None).write_parquet(parquet)


def make_wide(path: Path) -> None:
    random = np.random.default_rng(SEED).normal(size=(100_000, 3000))
    frame = pl.DataFrame(random, schema=[f"c{i}" for i in range(3000)])
    frame.write_parquet(path, row_group_size=10_000)


def dure(data: Path):
    with tempfile.TemporaryDirectory() as name:
        return python(DURE_ALL, data, name)


def python(code: str, *arguments: object, executable: str = sys.executable):
    return cost([executable, "-c", code, *map(str, arguments)], ROOT)


if __name__ == "__main__":
    main()
