"""Plays the arm that could still be best: its mean plus what is not known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class UCB1(AbstractFleetBandit):
    """The arm with the highest upper confidence bound; ties with the same chance.

        A_t = argmax_a  x̄_a + sqrt(c · ln n / n_a),   c = 2,   rewards in [0, 1]

    ``n_a`` counts interactions: a decision for a cohort of 10,000 is 10,000 of them, since so many were seen. Rewards
    are scaled to [0, 1] by the bounds of the batch. An arm that was never played comes first.

    Choose it when: a bound on regret matters that needs no prior.   Not when: rates are small: the bound then explores
    far longer than Thompson sampling.
    Source: Auer, Cesa-Bianchi and Fischer, *Finite-time analysis of the multiarmed bandit problem*, Machine Learning
    47, 2002, figure 1. Differs from it: interactions are counted, ties are broken by the generator.

    Attributes:
        exploration: the factor ``c``; 2 is the paper's.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = UCB1(floor=0.05)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    exploration: float = 2.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("exploration", self.exploration, 0)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("ucb1", float(self.exploration), 0.0) if explore else ("greedy", 0.0, 0.0)
