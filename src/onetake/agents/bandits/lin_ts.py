"""Plays each arm with the chance that it is the best in this context, under a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake import _core
from onetake.agents.bandits.linear import ARM, AbstractLinearBandit
from onetake.agents.checks import check_number
from onetake.types import Float64, Observation


@dataclass(eq=False)
class LinTS(AbstractLinearBandit):
    """Draws the reward of each arm from its posterior at the context and plays the arm whose draw is highest.

        r_a ~ N(θ_aᵀx, v² · xᵀ A_a⁻¹ x),   A_t = argmax_a r_a

    Choose it when: contexts tell arms apart; its propensities are smooth.   Not when: rewards are rare successes:
    `LogisticThompson` knows their variance.
    Source: Agrawal and Goyal, *Thompson sampling for contextual bandits with linear payoffs*, ICML 2013, algorithm 1.
    Differs from it: a regression for each arm, whose draws are independent; in the hybrid model too, each arm's reward
    is drawn by itself from its own posterior, so that chances are known by quadrature.

    Attributes:
        scale: v above 0, standard deviation of the noise.
        ridge: λ above 0. model: ``disjoint``, a regression an arm, or ``hybrid``, one for all arms
            (`AbstractLinearBandit`).
        intercept: whether a 1 stands before the context.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = LinTS()
    >>> agent.begin(BatchSpec("docs/Ads-v0", ids, ids[:1], 2, ("age",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.ones((4, 1), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    scale: float = 0.5
    ridge: float = 1.0
    model: Literal["disjoint", "hybrid"] = "disjoint"
    intercept: bool = True
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        check_number("scale", self.scale, 0, above=True)
        self._check_settings()

    def _deviation(self, width: Float64) -> Float64:
        return np.maximum(self.scale * width, 1e-12)

    def _drawn(self, mean: Float64, width: Float64, observation: Observation) -> Float64:
        z = self._luck.normal(self.spec.num_actions, observation.step, slot=ARM, rows=observation.rows)
        return mean + self._deviation(width) * z

    def _odds(self, observation: Observation) -> Float64:
        mean, width = self._predict(observation)
        return _core.normal_chances(mean, self._deviation(width), observation.mask)
