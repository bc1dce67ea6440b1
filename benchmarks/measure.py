"""Runs a command and says what it cost, as the operating system counts it."""

import compileall
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
DURE = [sys.executable, "-m", "dure"]


@dataclass(frozen=True)
class Cost:
    """What one process cost: processor and wall seconds, and peak memory in megabytes."""

    cpu: float
    wall: float
    peak: float


def cost(command: Sequence[str], cwd: Path) -> Cost:
    """Run a command to its end, its output thrown away, and return what it cost.

    The peak is that of the process itself, so a command must not start others.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DURE_")}
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said.decode()}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        *(
            statistics.median(getattr(cost, name) for cost in costs)
            for name in ("cpu", "wall", "peak")
        )
    )


def header(title: str) -> None:
    """Print what was measured, where and with what."""
    # As an installed package is, also where PYTHONDONTWRITEBYTECODE keeps a checkout from it.
    compileall.compile_dir(ROOT / "dure", quiet=1)
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("polars", "sqlalchemy"))
    try:
        versions += f" tensorflow {metadata.version('tensorflow')}"
    except metadata.PackageNotFoundError:
        versions += " no tensorflow"
    print(f"# {title}")
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {versions}")
    print(f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}")


def row(name: str, costs: Sequence[Cost]) -> None:
    """Print the medians of one case, and the range of processor seconds."""
    mid = median(costs)
    low, high = min(c.cpu for c in costs), max(c.cpu for c in costs)
    print(
        f"{name:<44} cpu {mid.cpu:7.3f} s ({low:.3f}-{high:.3f})  wall {mid.wall:7.3f} s"
        f"  peak {mid.peak:6.0f} MB  n={len(costs)}"
    )
