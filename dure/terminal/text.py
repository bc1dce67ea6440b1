"""How numbers are written in a terminal."""

from __future__ import annotations

NAME_WIDTH = 18
"""Columns that the name of a step takes."""


def seconds(value: float) -> str:
    """Return a duration as people read it.

    >>> seconds(0.0042), seconds(12.3), seconds(95), seconds(3700)
    ('0.00 s', '12.3 s', '1 min 35 s', '1 h 01 min')
    """
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{int(value // 60)} min {int(value % 60):02d} s"
    return f"{int(value // 3600)} h {int(value % 3600 // 60):02d} min"


def amount(size: int) -> str:
    """Return a number of bytes as people read it.

    >>> amount(999), amount(12_345), amount(3_000_000_000)
    ('999 B', '12.3 kB', '3.0 GB')
    """
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
