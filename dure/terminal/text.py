"""How numbers are written in a terminal."""

from __future__ import annotations

NAME_WIDTH = 18
"""Columns that the name of a step takes."""


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
