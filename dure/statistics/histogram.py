"""Edges of histograms that show a shape even where a few values lie far out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 20
_SINGLE = 32  # as many whole numbers get a bin each: hours, days of a month
_EXACT = 2.0**52  # above it, whole numbers have no halves between them

Edges = NDArray[np.float64]


def edges(low: float, high: float, q01: float, q99: float, *, whole: bool) -> Edges:
    """Return the edges of the bins from ``low`` to ``high``.

    Parameters
    ----------
    low, high : float
        Smallest and largest value, finite.
    q01, q99 : float
        The 1 % and 99 % quantiles.
    whole : bool
        All values are whole numbers. Then edges are halves and each bin holds equally many
        numbers, since bins of 1.15 hours would show spikes that are not in the data.

    Returns
    -------
    ndarray of float64, shape (bins + 1,)
        Finite and increasing, for at most 20 bins, or at most 32 that hold one whole number
        each. A constant gets two equal edges: one bin of no width. Values further from the
        central 98 % than its width get a bin of their own on that side, where bins from end to
        end would leave half of the range to them.
    """
    if low == high:
        return np.array([low, high])
    if whole and max(abs(low), abs(high)) < _EXACT:
        return _whole(low, high, q01, q99)
    inner_low, inner_high = _inner(low, high, q01, q99)
    bins = BINS - (inner_low > low) - (inner_high < high)
    # In quarters, since the range of finite numbers need not be finite.
    between = np.linspace(inner_low / 4, inner_high / 4, bins + 1) * 4
    return np.unique(np.concatenate([[low], np.clip(between, low, high), [high]]))


def count(values: NDArray[np.float64], at: Edges) -> NDArray[np.int64]:
    """Return how many of the finite ``values`` each bin holds, as `numpy.histogram` does."""
    places = np.searchsorted(at[1:-1], values, side="right")
    return np.bincount(places, minlength=len(at) - 1).astype(np.int64)


def _whole(low: float, high: float, q01: float, q99: float) -> Edges:
    if high - low < _SINGLE:
        return np.arange(low - 0.5, high + 1.0)
    inner_low, inner_high = _inner(low, high, q01, q99)
    start, stop = np.floor(inner_low) - 0.5, np.ceil(inner_high) + 0.5
    bins = BINS - (inner_low > low) - (inner_high < high)
    width = np.ceil((stop - start) / bins)
    between = start + width * np.arange(np.ceil((stop - start) / width) + 1)
    return np.unique([low - 0.5, *between, max(high + 0.5, between[-1])])


def _inner(low: float, high: float, q01: float, q99: float) -> tuple[float, float]:
    spread = q99 / 4 - q01 / 4
    if spread <= 0:
        return low, high
    left, right = q01 / 4 - spread, q99 / 4 + spread
    inner_low = left * 4 if low / 4 < left else low
    inner_high = right * 4 if high / 4 > right else high
    if inner_high / 4 - inner_low / 4 > 0.5 * (high / 4 - low / 4):
        return low, high
    return inner_low, inner_high
