"""What a step asks of the machine, what the machine has, and who may run now."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dure.errors import ResourceError, UsageError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {f"{unit}i": 1024**power for power, unit in enumerate("KMGT", start=1)}


@dataclass(frozen=True)
class Resources:
    """What a step asks for, or a machine has.

    Parameters
    ----------
    cpu : float
        Processors; a part of one is allowed. Default 1.
    gpu : int
        Whole GPUs. Default 0.
    memory : int
        Bytes. Default 0: not counted.
    """

    cpu: float = 1.0
    gpu: int = 0
    memory: int = 0

    def __post_init__(self) -> None:
        # NaN is neither: a step that asked for it would wait for ever.
        if not (self.cpu >= 0 and self.gpu >= 0 and self.memory >= 0):
            raise UsageError(
                "resources cannot be negative", got=f"{self}", fix="ask for 0 or more of each"
            )


def resources(cpu: float = 1.0, gpu: int = 0, memory: int | str = 0) -> Resources:
    """Return what a step asks for.

    Parameters
    ----------
    cpu : float
        Processors.
    gpu : int
        Whole GPUs.
    memory : int or str
        Bytes, or a number with a unit: ``"500M"``, ``"4G"``, ``"2Gi"``.

    Raises
    ------
    UsageError
        If the memory is not understood, or anything is negative.
    """
    return Resources(cpu, gpu, parse_bytes(memory))


def parse_bytes(amount: int | str) -> int:
    """Return bytes from a number, or from a number with a unit (K, M, G, T, Ki, Mi, Gi, Ti)."""
    if isinstance(amount, int):
        return amount
    pattern = r"\s*(\d+(?:\.\d+)?)\s*([KMGT]i?)?B?\s*"
    match = re.fullmatch(pattern, amount) if isinstance(amount, str) else None
    if match is None:
        raise UsageError(
            "an amount of memory is not understood",
            expected="a number with a unit, such as '500M', '4G' or '2Gi'",
            got=repr(amount),
        )
    return int(float(match[1]) * _UNITS[match[2] or ""])


def machine() -> Resources:
    """Return what this machine has for this process: processors, GPUs, bytes of memory."""
    import psutil

    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Resources(float(cpus or 1), _gpus(), psutil.virtual_memory().total)


def _gpus() -> int:
    """Return the number of NVIDIA GPUs that this process may use."""
    present = len([path for path in Path("/dev").glob("nvidia*") if path.name[6:].isdigit()])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return present
    return min(
        present, len([name for name in visible.split(",") if name.strip() not in {"", "-1"}])
    )


def check_feasible(step: str, asked: Resources, has: Resources) -> None:
    """Raise `ResourceError` where a step asks for more than the machine has."""
    units = (("cpu", 1, "processors"), ("gpu", 1, "GPUs"), ("memory", 10**9, "GB of memory"))
    for name, size, unit in units:
        wants, there = getattr(asked, name), getattr(has, name)
        if wants > there:
            raise ResourceError(
                f"step '{step}' asks for more than this machine has, so it can never run here",
                step=step,
                expected=f"at most {there / size:,.6g} {unit}",
                got=f"{wants / size:,.6g} {unit}",
                fix=f"lower resources({name}=...) of the step, or run it on a larger machine",
            )


class Admission:
    """Lets steps run while what they ask for, added up, fits the machine."""

    def __init__(self, has: Resources) -> None:
        self._has = has
        self._used = Resources(0.0)
        self._changed = threading.Condition()

    @contextmanager
    def admit(self, asked: Resources, stopped: Callable[[], bool]) -> Iterator[None]:
        """Wait until ``asked`` is free, hold it, give it back.

        A step that asks for more than the machine has must have been refused before; it would
        wait for ever. Once ``stopped`` returns True nobody waits any longer.
        """
        with self._changed:
            self._changed.wait_for(lambda: stopped() or self._fits(asked))
            self._add(asked, 1)
        try:
            yield
        finally:
            with self._changed:
                self._add(asked, -1)
                self._changed.notify_all()

    def wake(self) -> None:
        """Have everyone who waits look at ``stopped`` again."""
        with self._changed:
            self._changed.notify_all()

    def _fits(self, asked: Resources) -> bool:
        return (
            self._used.cpu + asked.cpu <= self._has.cpu + 1e-9
            and self._used.gpu + asked.gpu <= self._has.gpu
            and self._used.memory + asked.memory <= self._has.memory
        )

    def _add(self, asked: Resources, sign: int) -> None:
        used = self._used
        # Rounding may leave -1e-17 processors in use, which is none.
        self._used = Resources(
            max(0.0, used.cpu + sign * asked.cpu),
            used.gpu + sign * asked.gpu,
            used.memory + sign * asked.memory,
        )
