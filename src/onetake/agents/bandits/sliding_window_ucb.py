"""UCB1 that knows only the newest steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory, Window
from onetake.agents.checks import check_choice, check_index, check_number


@dataclass(eq=False)
class SlidingWindowUCB(AbstractFleetBandit):
    """The arm with the highest bound, counted over the last τ steps alone.

        A_t = argmax_a  x̄_a(τ) + sqrt(c · ln n(τ) / n_a(τ)),   n_a(τ): trials of a in the last τ steps

    The window ends with the newest step whose outcome is known. It takes 16 · τ · arms bytes a learner.

    Choose it when: rates jump now and then.   Not when: they stand still, or τ steps are too few to tell arms apart.
    Source: Garivier and Moulines, *On upper-confidence bound policies for switching bandit problems*, ALT 2011,
        equation 8.
    Differs from it: interactions are counted; c stands for their ξ, which the proof wants above 1/2.

    Attributes:
        window: τ, at least 1. exploration: the factor ``c``.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = SlidingWindowUCB(window=30)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    window: int = 100
    exploration: float = 0.1
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_index("window", self.window)
        check_number("window", self.window, 1)
        check_number("exploration", self.exploration, 0)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("ucb1", float(self.exploration)) if explore else ("greedy",)

    def _memory(self) -> AbstractMemory:
        return Window(int(self.window))
