"""Claim: the runner's own overhead is under 10 milliseconds of processor time a step.

A chain of 200 steps that do next to nothing, new and reused, beside a run of one step.

    python benchmarks/bench_runner.py
"""

import tempfile
from pathlib import Path

from measure import DURE, cost, header, median, row

PIPELINE = """
import dure
from pathlib import Path

class Number(dure.Artifact):
    def __init__(self, value): self.value = value
    def save(self, directory): (directory / "value").write_text(str(self.value))
    @classmethod
    def load(cls, directory): return cls(int((directory / "value").read_text()))

@dure.component
def Make(value: int) -> Number:
    return Number(value)

@dure.component
def Next(number: Number) -> Number:
    return Number(number.value + 1)

@dure.pipeline
def chain(steps: int, value: int):
    number = Make(value)
    for _ in range(steps - 1):
        number = Next(number)
"""
STEPS = 200

header("runner overhead")
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    (folder / "chain.py").write_text(PIPELINE)

    def run(steps: int, value: int):
        return cost(
            [*DURE, "run", "chain.py", "--steps", str(steps), "--value", str(value)], folder
        )

    one, many, reused = [], [], []
    for turn in range(5):
        one.append(run(1, 10_000 * turn - 1))
        many.append(run(STEPS, 10_000 * turn))
        reused.append(run(STEPS, 10_000 * turn))
    row("1 step, new", one)
    row(f"{STEPS} steps, new", many)
    row(f"{STEPS} steps, reused", reused)
    for what, found in (("new", many), ("reused", reused)):
        each = (median(found).cpu - median(one).cpu) / (STEPS - 1) * 1000
        print(f"a step, {what}: {each:.2f} ms of processor time")
