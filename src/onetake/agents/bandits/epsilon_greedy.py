"""Plays the best arm so far, and now and then any arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class EpsilonGreedy(AbstractFleetBandit):
    """With chance ε any allowed arm, else the one with the highest mean reward so far; ties with the same chance.

        A_t = argmax_a Q_t(a) with probability 1 − ε, else uniform;   Q_t(a) = mean reward of a before t

    An arm that was never played comes before all others, so that each is tried once.

    Choose it when: a plain baseline is wanted whose propensities are exact.   Not when: arms are many: exploring never
    ends and never aims.
    Source: Sutton and Barto, *Reinforcement Learning*, 2nd edition, 2018, equations 2.1 and 2.2. Differs from it: each
    arm is tried once first, as in Auer et al. 2002; ties are broken by the generator.

    Attributes:
        epsilon: chance of playing at random, in [0, 1].
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = EpsilonGreedy(epsilon=0.2)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    epsilon: float = 0.1
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("epsilon", self.epsilon, 0, 1)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("mean" if explore else "greedy", 0.0, 0.0)

    def _epsilon(self) -> float:
        return float(self.epsilon)
