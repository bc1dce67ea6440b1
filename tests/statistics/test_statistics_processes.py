"""The whole artifact has the same bytes in any process: threads and seeds of hashes change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

SCRIPT = """
import pathlib, sys
from dure.data import Examples
from dure.statistics import describe
from dure.statistics.options import StatisticsOptions, options_for

options = options_for(
    StatisticsOptions(crosses=True), weight="weight", slices=["company"], label="paid"
)
statistics = describe(Examples.load(pathlib.Path(sys.argv[1])), options=options)
target = pathlib.Path(sys.argv[2])
target.mkdir()
statistics.save(target)
statistics.to_html(target / "page.html")
(target / "text.txt").write_text(statistics.text(), encoding="utf-8")
(target / "panels.html").write_text(str(statistics.html()), encoding="utf-8")
"""


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from dure.data import Examples

    monkeypatch.setattr("dure.data.parts.part_rows", lambda columns: 4096)
    random, rows = np.random.default_rng(7), 20_000
    frame = pl.DataFrame(
        {
            "miles": random.gamma(2.0, 3.0, rows),
            "tips": np.round(random.exponential(2.0, rows), 2),
            "company": [f"company {i}" for i in random.integers(0, 12, rows)],
            "rare": [f"value {i}" for i in random.integers(0, 9000, rows)],
            "when": [f"2024-01-{1 + i % 28:02}T{i % 24:02}:00:00" for i in range(rows)],
            "tags": [[f"t{j}" for j in range(i % 4)] if i % 9 else None for i in range(rows)],
            "trip": [{"zone": "ab"[i % 2], "start": i % 24} for i in range(rows)],
            "blob": [bytes([i % 251]) * (i % 5) for i in range(rows)],
            "paid": [i % 3 == 0 for i in range(rows)],
            "weight": random.random(rows),
        }
    )
    folder = tmp_path / "examples"
    folder.mkdir()
    Examples.from_frames({"train": frame, "eval": frame.head(3000)}).save(folder)
    return folder


def test_two_processes_with_other_threads_and_seeds_write_the_same_bytes(
    examples: Path, tmp_path: Path
) -> None:
    folders = []
    for threads, seed in ((1, 1), (2, 4242)):
        folders.append(tmp_path / f"threads-{threads}")
        environment = {**os.environ, "POLARS_MAX_THREADS": str(threads)}
        environment |= {"PYTHONHASHSEED": str(seed), "OPENBLAS_NUM_THREADS": str(threads)}
        subprocess.run(  # this interpreter and our own code
            [sys.executable, "-c", SCRIPT, examples, folders[-1]], check=True, env=environment
        )
    names = sorted(p.relative_to(folders[0]) for p in folders[0].rglob("*") if p.is_file())
    assert len(names) == 4 + 2 * 4
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
