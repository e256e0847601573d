"""Plays each arm with the chance that its mean reward is the highest, rewards being normal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class GaussianThompson(AbstractFleetBandit):
    """Draws a mean for each arm from its normal posterior and plays the arm whose draw is highest.

        μ_a ~ N((κ m + Σx) / (κ + n_a), σ² / (κ + n_a)),   A_t = argmax_a μ_a

    Rewards are scaled to [0, 1] by the bounds of the batch where it has finite ones, and are else taken as they are;
    ``mean`` and ``noise`` are in the same unit.

    Choose it when: rewards are amounts.   Not when: they are rare successes: `Thompson` knows their variance.
    Source: Agrawal and Goyal, *Further optimal regret bounds for Thompson sampling*, AISTATS 2013, section 2 (normal
    priors: m = 0, κ = σ = 1); conjugate update: Murphy, *Conjugate Bayesian analysis of the Gaussian distribution*,
    2007, equations 20 and 24. The standard deviation of a reward is known, not learnt.

    Attributes:
        mean: prior mean m. strength: how many trials the prior is worth, κ above 0. noise: standard deviation σ of a
            trial, above 0.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = GaussianThompson()
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    mean: float = 0.5
    strength: float = 1.0
    noise: float = 0.5
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        check_number("mean", self.mean, -math.inf)
        check_number("strength", self.strength, 0, above=True)
        check_number("noise", self.noise, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("normal_draw" if explore else "normal_mean", float(self.mean), float(self.strength), float(self.noise))

    def _least_reward(self) -> float:
        return -math.inf
