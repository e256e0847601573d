"""Rates and their logits, by NumPy alone: SciPy's take several times as long, and to import as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from onetake.types import Float64


def rates(logits: ArrayLike) -> tuple[Float64, Float64]:
    """Return ``p`` and ``log(1 − p)`` of logits; exact in both tails.

    >>> [values.round(6).tolist() for values in rates([0.0, -800.0])]
    [[0.5, 0.0], [-0.693147, -0.0]]
    """
    linear = np.asarray(logits, dtype=np.float64)
    small = np.exp(-np.abs(linear))
    # The logarithm errs by one unit of rounding of 1 at most, which counts for nothing beside a log-likelihood.
    return np.where(linear > 0, 1.0, small) / (1.0 + small), -np.maximum(linear, 0.0) - np.log(1.0 + small)


def logits(rate: ArrayLike) -> Float64:
    """Return ``log(p / (1 − p))``.

    >>> float(logits(0.5))
    0.0
    """
    chance = np.asarray(rate, dtype=np.float64)
    return np.asarray(np.log(chance / (1.0 - chance)), dtype=np.float64)


def normalised(log_weights: Float64) -> Float64:
    """Return weights that sum to 1, from their logarithms up to a constant.

    >>> normalised(np.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum(), dtype=np.float64)
