"""Propensities that were not logged, estimated from counts."""

from __future__ import annotations

import numpy as np

from onetake.types import Float64, Int64


def fold_of(count: int, folds: int) -> Int64:
    """Return the fold of each of ``count`` rows ``(n,)``: a fixed hash of its place, so that periods do not matter.

    >>> fold_of(6, 2).tolist()
    [1, 0, 1, 0, 1, 0]
    """
    # The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    word = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word ^= word >> np.uint64(31)
    return (word % np.uint64(folds)).astype(np.int64)


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
    fold = fold_of(len(action), folds)
    cell = (fold * strata + stratum) * num_actions + action
    counts = np.bincount(cell, minlength=folds * strata * num_actions).reshape(folds, strata, num_actions)
    seen = counts if folds == 1 else counts.sum(axis=0) - counts
    chances = (seen + smoothing) / (seen.sum(axis=2, keepdims=True) + smoothing * num_actions)
    return np.asarray(chances[fold, stratum, action], dtype=np.float64)
