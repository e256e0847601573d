"""Propensities that were not logged, estimated from counts."""

from __future__ import annotations

import numpy as np

from onetake.seeding import fold_of
from onetake.types import Float64, Int64


def propensities_from_counts(
    action: Int64, num_actions: int, *, smoothing: float = 1.0, folds: int = 5, stratum: Int64 | None = None
) -> Float64:
    """Estimate the chance of each taken action from how often it was taken in the other folds of its stratum ``(n,)``.

        p_i = (count of a_i + smoothing) / (rows + smoothing * num_actions),   over rows of i's stratum, not of i's fold

    With one fold the row itself is counted: then IPS of "always a" without smoothing is the mean reward of arm a.
    Every estimate lies in (0, 1). A stratum that one fold alone holds falls back to the uniform chance.

    Args:
        action: taken actions ``(n,)``.
        num_actions: size of the action set.
        smoothing: pseudo-count of every action, above 0.
        folds: number of folds; 1 takes the same rows.
        stratum: index of each row's stratum ``(n,)``, or None for one.

    >>> propensities_from_counts(np.array([0, 0, 0, 1]), 2, smoothing=1e-12, folds=1).round(6).tolist()
    [0.75, 0.75, 0.75, 0.25]
    """
    stratum = np.zeros_like(action) if stratum is None else stratum
    strata = int(stratum.max(initial=0)) + 1
    fold = fold_of(np.arange(len(action)), folds)
    cell = (fold * strata + stratum) * num_actions + action
    counts = np.bincount(cell, minlength=folds * strata * num_actions).reshape(folds, strata, num_actions)
    seen = counts if folds == 1 else counts.sum(axis=0) - counts
    chances = (seen + smoothing) / (seen.sum(axis=2, keepdims=True) + smoothing * num_actions)
    return np.asarray(chances[fold, stratum, action], dtype=np.float64)
