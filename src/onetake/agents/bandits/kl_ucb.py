"""Plays the arm whose mean could still be highest, by the divergence of coins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class KLUCB(AbstractFleetBandit):
    """The arm with the highest Kullback–Leibler upper confidence bound; ties with the same chance.

        U_a = max { q : n_a · kl(x̄_a, q) ≤ ln n + c · ln ln n },   kl of Bernoulli laws,   rewards in [0, 1]

    ``n_a`` counts interactions and n all of them; rewards are scaled to [0, 1] by the bounds of the batch. An arm that
    was never played comes first.

    Choose it when: rates are small, where UCB1 explores far too long.   Not when: a prior is at hand: Thompson
    sampling is as good and quicker.
    Source: Garivier and Cappé, *The KL-UCB algorithm for bounded stochastic bandits and beyond*, COLT 2011, algorithm
        1.
    Differs from it: interactions are counted, ties are broken by the generator; c = 0 by default, as the authors
    advise.

    Attributes:
        exploration: the factor ``c`` of the iterated logarithm; 3 is what the proof needs.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = KLUCB()
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    exploration: float = 0.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("exploration", self.exploration, 0)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("kl_ucb", float(self.exploration)) if explore else ("greedy",)
