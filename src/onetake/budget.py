"""A budget of interventions, shared by the entities of a replicate: who of those who may be treated are."""

from __future__ import annotations

import numpy as np

from onetake.types import Bool, Float64


def top(score: Float64, allowed: Bool, budget: int) -> Bool:
    """Return the ``budget`` best allowed of each row ``(R, E)``; of equals the first.

    Args:
        score: what is best treated first ``(R, E)``; who has no score above 0 is not treated.
        allowed: who may be treated ``(R, E)``.
        budget: how many of a row, at most.

    >>> top(np.array([[3.0, 1.0, 2.0, -1.0]]), np.array([[False, True, True, True]]), budget=3)
    array([[False,  True,  True, False]])
    """
    wanted = allowed & (score > 0.0)
    chosen = wanted.copy()
    for row, count in enumerate(wanted.sum(axis=1)):
        if count > budget:
            places = np.flatnonzero(wanted[row])
            ranked = places[np.argsort(-score[row, places], kind="stable")]
            chosen[row, ranked[budget:]] = False
    return chosen


def inclusion(allowed: Bool, budget: int) -> Float64:
    """Chance of each to be among ``budget`` of the allowed of its row, drawn evenly ``(R, E)``.

    >>> inclusion(np.array([[True, False, True, True]]), budget=2).round(3).tolist()
    [[0.667, 0.0, 0.667, 0.667]]
    """
    count = allowed.sum(axis=1, keepdims=True)
    return np.where(allowed, np.minimum(1.0, budget / np.maximum(count, 1)), 0.0)
