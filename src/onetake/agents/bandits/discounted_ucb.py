"""UCB1 that trusts old news less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory, Discount
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class DiscountedUCB(AbstractFleetBandit):
    """The arm with the highest bound, where every step that passes lowers the weight of what was seen.

        A_t = argmax_a  x̄_a(γ) + sqrt(c · ln n(γ) / n_a(γ)),   n_a(γ) = Σ_s γ^(t−s) · trials of a at s

    Choose it when: rates wander slowly.   Not when: they stand still: what is forgotten must be explored again.
    Source: Garivier and Moulines, *On upper-confidence bound policies for switching bandit problems*, ALT 2011,
        equation 4.
    Differs from it: interactions are counted; c stands for their 4ξ, which they set to 2.4 and advise to tune.

    Attributes:
        discount: γ in (0, 1]. exploration: the factor ``c``.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = DiscountedUCB(discount=0.95)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    discount: float = 0.99
    exploration: float = 0.1
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("discount", self.discount, 0, 1, above=True)
        check_number("exploration", self.exploration, 0)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("ucb1", float(self.exploration)) if explore else ("greedy",)

    def _memory(self) -> AbstractMemory:
        return Discount(float(self.discount))
