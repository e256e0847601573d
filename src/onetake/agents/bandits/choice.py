"""From scores or chances to actions, with the same bytes whatever the batch: arms are gone through in order."""

from __future__ import annotations

import numpy as np

from onetake.types import Bool, Float64, Int64


def even(scores: Float64, mask: Bool | None) -> Float64:
    """Chances ``(m, k)`` of playing a best allowed arm, those of equals being equal.

    >>> even(np.array([[1.0, 3.0, 3.0]]), None).tolist()
    [[0.0, 0.5, 0.5]]
    """
    best = is_best(scores, mask)
    return np.asarray(best / best.sum(axis=1, keepdims=True))


def is_best(scores: Float64, mask: Bool | None) -> Bool:
    """Which allowed arms have the highest score of their row ``(m, k)``."""
    open_ = scores if mask is None else np.where(mask, scores, -np.inf)
    best = open_ == open_.max(axis=1, keepdims=True)
    return np.asarray(best if mask is None else best & mask)


def mixed(chances: Float64, mask: Bool | None, epsilon: float, floor: float) -> Float64:
    """Chances with a share of uniform play over the allowed arms: ε, and as much as makes ``floor`` the least of them.

    >>> mixed(np.array([[0.0, 1.0]]), None, 0.0, 0.1).tolist()
    [[0.1, 0.9]]
    """
    if epsilon == 0.0 and floor == 0.0:
        return chances
    share, uniform = _uniform(len(chances), chances.shape[1], mask, epsilon, floor)
    return (1.0 - share) * chances + share * uniform


def sample(chances: Float64, u: Float64) -> Int64:
    """The arm of each row ``(m,)`` by its chances ``(m, k)`` and one uniform number ``(m,)``.

    >>> sample(np.array([[0.25, 0.0, 0.75], [0.25, 0.0, 0.75]]), np.array([0.2, 0.3])).tolist()
    [0, 2]
    """
    arms = chances.shape[1]
    below, action = np.zeros(len(chances)), np.zeros(len(chances), dtype=np.int64)
    for arm in range(arms):
        possible = chances[:, arm] > 0
        # The last possible arm stays where rounding leaves the sum below u.
        action = np.where(possible & (u >= below), arm, action)
        below = below + chances[:, arm]
    return action


def best(scores: Float64, mask: Bool | None, tie: Float64) -> Int64:
    """The best allowed arm of each row ``(m,)``; of equals each with the same chance, by a uniform number ``(m,)``."""
    candidates = is_best(scores, mask)
    count = candidates.sum(axis=1)
    if (count == 1).all():
        return np.asarray(candidates.argmax(axis=1), dtype=np.int64)
    nth = np.minimum((tie * count).astype(np.int64), count - 1)
    return np.asarray((candidates.cumsum(axis=1) > nth[:, None]).argmax(axis=1), dtype=np.int64)


def replaced(action: Int64, u: Float64, mask: Bool | None, arms: int, epsilon: float, floor: float) -> Int64:
    """Replace a share of the choices by uniform ones, as `mixed` replaces chances."""
    if epsilon == 0.0 and floor == 0.0:
        return action
    share, uniform = _uniform(len(action), arms, mask, epsilon, floor)
    part = share[:, 0]
    # Below its share the number is uniform again: it says which arm.
    return np.where(u < part, sample(uniform, u / np.maximum(part, 1e-300)), action)


def _uniform(rows: int, arms: int, mask: Bool | None, epsilon: float, floor: float) -> tuple[Float64, Float64]:
    allowed = np.ones((rows, arms), dtype=np.bool_) if mask is None else mask
    count = allowed.sum(axis=1, keepdims=True)
    share = 1.0 - (1.0 - epsilon) * (1.0 - np.minimum(floor * count, 1.0))
    return share, allowed / count
