"""Plays arms the less, the worse the regression says they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake.agents.bandits.choice import is_best
from onetake.agents.bandits.linear import AbstractLinearBandit
from onetake.agents.checks import check_number
from onetake.types import Float64, Observation


@dataclass(eq=False)
class SquareCB(AbstractLinearBandit):
    """Chances by inverse gaps of a linear regression's predictions.

        π(a) = 1 / (k + γ (ŷ_best − ŷ_a)) for all arms but the best, which gets the rest

    k counts the allowed arms. Any regression would do; this one is linear.

    Choose it when: exact, smooth propensities are wanted and the best regret that regression can give.   Not when: γ
    cannot
    be tuned: it should grow with the square root of the horizon (theorem 1).
    Source: Foster and Rakhlin, *Beyond UCB: optimal and efficient contextual bandits with regression oracles*, ICML
    2020, algorithm 1.

    Attributes:
        gamma: learning rate γ, at least 0; 0 plays evenly.
        ridge: λ above 0. model: ``disjoint``, a regression an arm, or ``hybrid``, one for all arms
            (`AbstractLinearBandit`).
        intercept: whether a 1 stands before the context.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = SquareCB(gamma=50.0)
    >>> agent.begin(BatchSpec("docs/Ads-v0", ids, ids[:1], 2, ("age",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.ones((4, 1), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    gamma: float = 100.0
    ridge: float = 1.0
    model: Literal["disjoint", "hybrid"] = "disjoint"
    intercept: bool = True
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, 0)
        self._check_settings()

    def _odds(self, observation: Observation) -> Float64:
        mean, mask = self._predict(observation)[0], observation.mask
        top = is_best(mean, mask)
        allowed = np.ones_like(top) if mask is None else mask
        count = allowed.sum(axis=1, keepdims=True)
        ceiling = np.where(allowed, mean, -np.inf).max(axis=1, keepdims=True)
        share = np.where(allowed & ~top, 1.0 / (count + self.gamma * np.where(allowed, ceiling - mean, 0.0)), 0.0)
        rest = np.ones(len(mean))
        for arm in range(mean.shape[1]):  # in order, so that the sum has the same bytes whatever the batch
            rest = rest - share[:, arm]
        return np.where(top, rest[:, None] / top.sum(axis=1, keepdims=True), share)
