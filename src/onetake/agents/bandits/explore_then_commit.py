"""Tries every arm so many times, and then keeps to the best of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory, UntilExplored
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class ExploreThenCommit(AbstractFleetBandit):
    """Every arm gets its trials first, the least tried first; then the one with the best mean is played for good.

        A_t = argmin_a n_a while some n_a < m;   then   argmax_a x̄_a,   with the means as they were when it committed

    What is seen after that is not learnt. Trials are interactions: a decision for a cohort of 10,000 is 10,000 of them.
    Where an arm is barred so long that it never gets its trials, the means of the others go on being updated.

    Choose it when: a test phase of known length is the rule of the house.   Not when: the gap between arms is not
    known: any length is too long or too short (Garivier, Kaufmann and Lattimore, *On explore-then-commit strategies*,
        2016).
    Source: Lattimore and Szepesvári, *Bandit Algorithms*, 2020, algorithm 1 and theorem 6.1.

    Attributes:
        trials: m, of each arm.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = ExploreThenCommit(trials=20)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    trials: float = 30.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("trials", self.trials, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("explore", float(self.trials)) if explore else ("greedy",)

    def _memory(self) -> AbstractMemory:
        return UntilExplored(float(self.trials))
