"""Claim: `import dure` and `dure --help` take under 0.15 processor-seconds.

python benchmarks/bench_start.py
"""

import sys
import tempfile
from pathlib import Path

from measure import DURE, cost, header, row

header("start")
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    cases = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import dure": [sys.executable, "-c", "import dure"],
        "dure --help": [*DURE, "--help"],
        "import dure.components": [sys.executable, "-c", "import dure.components"],
    }
    costs = {case: [] for case in cases}
    for _ in range(7):
        for case, command in cases.items():
            costs[case].append(cost(command, folder))
    for case, found in costs.items():
        row(case, found)
