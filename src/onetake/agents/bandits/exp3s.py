"""Plays well against adversaries that change their mind: the best sequence of arms, not only the best arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake.agents.bandits.weighted import AbstractWeightedBandit
from onetake.agents.checks import check_choice, check_number
from onetake.draws import exp, log
from onetake.types import Bool, Float64


@dataclass(eq=False)
class EXP3S(AbstractWeightedBandit):
    """EXP3 whose weights share a little of their sum with all arms, so that none is ever given up.

        π(a) = (1 − γ) w_a / Σ w + γ / k,   w_a ← w_a · exp(γ x̂_a / k) + (e α / k) Σ_b w_b

    Rewards are scaled to [0, 1] by the bounds of the batch.

    Choose it when: the best arm may change at times that an adversary chose.   Not when: rates stand still.
    Source: Auer, Cesa-Bianchi, Freund and Schapire, *The nonstochastic multiarmed bandit problem*, SIAM Journal on
    Computing 32, 2002, figure 4; its corollary 8.2 has α = 1/T. Differs from it: a pooled learner takes in all outcomes
    that come together and shares once.

    Attributes:
        gamma: γ in (0, 1]. share: α, at least 0.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = EXP3S(gamma=0.2)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    gamma: float = 0.1
    share: float = 0.001
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, 0, 1, above=True)
        check_number("share", self.share, 0)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rate(self) -> float:
        return float(self.gamma)

    def _grow(self, weights: Float64, gain: Float64, active: Bool) -> Float64:
        arms = len(weights)
        top = weights.max(axis=0)
        whole = np.zeros(weights.shape[1])
        for arm in range(arms):  # in order, so that the sum has the same bytes whatever the batch
            whole = whole + exp(weights[arm] - top)
        # From the largest exponent on, so that none overflows.
        grown = weights + (self.gamma / arms) * gain
        ceiling = grown.max(axis=0)
        shared = (np.e * self.share / arms) * whole * exp(top - ceiling)
        sums = log(exp(grown - ceiling) + shared)
        return np.where(active, sums, weights)
