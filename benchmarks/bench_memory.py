"""Claim: the penguins run peaks within 100 MB of what importing TensorFlow takes.

python benchmarks/bench_memory.py
"""

import sys
import tempfile
from pathlib import Path

from measure import DURE, ROOT, cost, header, median, row

header("memory of the penguins run")
tensorflow, new, reused = [], [], []
for _ in range(3):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [*DURE, "run", str(ROOT / "examples/penguins/penguins.py")]
        tensorflow.append(cost([sys.executable, "-c", "import tensorflow, keras"], folder))
        new.append(cost(command, folder))
        reused.append(cost(command, folder))
row("import tensorflow, keras", tensorflow)
row("penguins, new", new)
row("penguins, reused", reused)
print(f"new - import: {median(new).peak - median(tensorflow).peak:.0f} MB")
