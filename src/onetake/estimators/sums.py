"""Sums whose bytes depend on nothing but the numbers and their order."""

from __future__ import annotations

import numpy as np

from onetake.types import Float64


def total(values: Float64) -> float:
    """Return the sum of ``(n,)`` numbers in the fixed order of NumPy's pairwise summation along a contiguous axis.

    >>> total(np.array([1.0, 2.0, 3.0]))
    6.0
    """
    return float(np.add.reduce(np.ascontiguousarray(values)))


def totals(values: Float64) -> Float64:
    """Return the sum of each row of ``(m, n)`` numbers, each added as `total` does ``(m,)``."""
    return np.asarray(np.add.reduce(np.ascontiguousarray(values), axis=1))
