"""Claim: TFX's taxi pipeline in under 20 processor-seconds, and in under 1 when all is reused.

    python benchmarks/bench_taxi.py PATH/TO/data.csv

data.csv is tfx/examples/chicago_taxi_pipeline/data/simple/data.csv of tensorflow/tfx. TFX itself
is run by the script that `peers.txt` names, where it can be installed.
"""

import sys
import tempfile
from pathlib import Path

from measure import DURE, ROOT, cost, header, row

DATA = ROOT.parent / "shared/data/tfx/chicago_taxi/data.csv"


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if not data.exists():
        raise SystemExit(f"there is no {data}: name the file (see the head of this script)")
    header("taxi: 15,002 rows, 1,000 steps of 40")
    command = [*DURE, "run", str(ROOT / "examples/taxi/taxi.py"), "--data", str(data)]
    tensorflow, new, reused = [], [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tensorflow.append(cost([sys.executable, "-c", "import tensorflow, keras"], folder))
            new.append(cost(command, folder))
            reused.append(cost(command, folder))
    row("import tensorflow, keras", tensorflow)
    row("taxi, new", new)
    row("taxi, reused", reused)


main()
