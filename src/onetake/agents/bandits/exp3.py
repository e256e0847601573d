"""Plays well against rewards that an adversary chose beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.weighted import AbstractWeightedBandit
from onetake.agents.checks import check_choice, check_number
from onetake.types import Bool, Float64


@dataclass(eq=False)
class EXP3(AbstractWeightedBandit):
    """Exponential weights of gains that are estimated by inverse chances, mixed with uniform play.

        π(a) = (1 − γ) w_a / Σ w + γ / k,   w_a ← w_a · exp(γ x̂_a / k),   x̂_a = reward / π(a) of what was played

    Rewards are scaled to [0, 1] by the bounds of the batch. Nothing is assumed of how they come about.

    Choose it when: rewards may follow any course.   Not when: they are draws: the price is a far larger regret.
    Source: Auer, Cesa-Bianchi, Freund and Schapire, *The nonstochastic multiarmed bandit problem*, SIAM Journal on
    Computing 32, 2002, figure 1; its corollary 3.2 has the best γ for a known horizon.

    Attributes:
        gamma: γ in (0, 1].
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = EXP3(gamma=0.2)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    gamma: float = 0.1
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("gamma", self.gamma, 0, 1, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rate(self) -> float:
        return float(self.gamma)

    def _grow(self, weights: Float64, gain: Float64, active: Bool) -> Float64:
        return weights + (self.gamma / len(weights)) * gain
