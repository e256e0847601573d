"""Plays the arm with the best prediction in this context, and now and then any arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.choice import even
from onetake.agents.bandits.linear import AbstractLinearBandit
from onetake.agents.checks import check_number
from onetake.types import Float64, Observation


@dataclass(eq=False)
class EpsilonGreedyLinear(AbstractLinearBandit):
    """With chance ε any allowed arm, else the one whose linear model predicts most; ties with the same chance.

        A_t = argmax_a θ_aᵀx with probability 1 − ε, else uniform

    Choose it when: a plain contextual baseline is wanted whose propensities are exact.   Not when: arms are many.
    Source: Langford and Zhang, *The epoch-greedy algorithm for contextual multi-armed bandits*, NeurIPS 2007, with a
    fixed ε; Bietti, Agarwal and Langford, *A contextual bandit bake-off*, JMLR 22, 2021, algorithm 3.

    Attributes:
        epsilon: chance of playing at random, in [0, 1].
        ridge: λ above 0. model: ``disjoint``, a regression an arm, or ``hybrid``, one for all arms
            (`AbstractLinearBandit`).
        intercept: whether a 1 stands before the context.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = EpsilonGreedyLinear(epsilon=0.2)
    >>> agent.begin(BatchSpec("docs/Ads-v0", ids, ids[:1], 2, ("age",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.ones((4, 1), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    epsilon: float = 0.1
    ridge: float = 1.0
    model: Literal["disjoint", "hybrid"] = "disjoint"
    intercept: bool = True
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("epsilon", self.epsilon, 0, 1)
        self._check_settings()

    def _bonus(self) -> float:
        return 0.0

    def _epsilon(self) -> float:
        return float(self.epsilon)

    def _odds(self, observation: Observation) -> Float64:
        return even(self._predict(observation)[0], observation.mask)
