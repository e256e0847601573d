"""One number for many scores: the aggregates of rliable, on environments with unequal numbers of replicates.

Every function takes *strata*: one array of scores per environment, replicates on the last axis. Leading axes are
carried through, so that a whole bootstrap is aggregated in one call.

Source: Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical Precipice, NeurIPS 2021, section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from onetake.types import Float64

Strata = Sequence[Float64]
Aggregate = Callable[[Strata], Float64]


def interquartile_mean(strata: Strata) -> Float64:
    """Mean of the middle half of all scores: a quarter is cut at each end, whole scores only.

    >>> float(interquartile_mean([np.array([0.0, 1.0]), np.array([2.0, 100.0])]))
    1.5
    """
    scores = np.sort(np.concatenate([np.asarray(stratum, dtype=np.float64) for stratum in strata], axis=-1), axis=-1)
    count = scores.shape[-1]
    cut = count // 4
    return np.asarray(scores[..., cut : count - cut].mean(axis=-1))


def mean_score(strata: Strata) -> Float64:
    """Mean over environments of the mean over replicates, so that every environment weighs the same.

    >>> float(mean_score([np.array([0.0, 1.0, 2.0]), np.array([3.0])]))
    2.0
    """
    return np.asarray(_task_means(strata).mean(axis=-1))


def median_score(strata: Strata) -> Float64:
    """Median over environments of the mean over replicates.

    >>> float(median_score([np.array([0.0, 1.0]), np.array([3.0]), np.array([9.0])]))
    3.0
    """
    return np.asarray(np.median(_task_means(strata), axis=-1))


def optimality_gap(strata: Strata, *, target: float = 1.0) -> Float64:
    """How far short of ``target`` the scores fall on average; a score above it counts as the target.

    >>> float(optimality_gap([np.array([0.5, 2.0])]))
    0.25
    """
    return np.asarray(target - mean_score([np.minimum(stratum, target) for stratum in strata]))


def probability_of_improvement(first: Strata, second: Strata) -> Float64:
    """Chance that a run of ``first`` beats a run of ``second``, ties counting half, averaged over environments.

    This is the Mann-Whitney form: runs are drawn apart, not in pairs. The paired share stands in
    `onetake.evaluation.paired`.

    >>> float(probability_of_improvement([np.array([1.0, 3.0])], [np.array([2.0, 3.0])]))
    0.375
    """
    chances = []
    for own, other in zip(first, second, strict=True):
        above = own[..., :, None] > other[..., None, :]
        equal = own[..., :, None] == other[..., None, :]
        chances.append((above + 0.5 * equal).mean(axis=(-2, -1)))
    return np.asarray(np.mean(chances, axis=0))


def performance_profile(strata: Strata, thresholds: Float64) -> Float64:
    """Share of runs with a score above each threshold ``(p,)``, every environment weighing the same.

    >>> performance_profile([np.array([0.2, 0.8])], np.array([0.0, 0.5])).tolist()
    [1.0, 0.5]
    """
    shares = [(stratum[..., None] > thresholds).mean(axis=-2) for stratum in strata]
    return np.asarray(np.mean(shares, axis=0))


def _task_means(strata: Strata) -> Float64:
    return np.stack([np.asarray(stratum, dtype=np.float64).mean(axis=-1) for stratum in strata], axis=-1)
