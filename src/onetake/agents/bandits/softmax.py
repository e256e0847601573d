"""Plays better arms more often, by the exponential of their means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class Softmax(AbstractFleetBandit):
    """Boltzmann exploration: chances in proportion to the exponential of the mean rewards so far.

        π(a) = exp(Q_t(a) / τ) / Σ_b exp(Q_t(b) / τ),   rewards scaled to [0, 1]

    An arm that was never played comes before all others, so that each is tried once.

    Choose it when: a log with exact, smooth propensities is wanted.   Not when: regret must stay small for long: no
    fixed temperature is right for all gaps (Cesa-Bianchi, Gentile, Lugosi and Neu, *Boltzmann exploration done right*,
    2017).
    Source: Sutton and Barto, *Reinforcement Learning*, 2nd edition, 2018, equation 2.11 over values, as in section 2.3
    of the first edition. Differs from it: each arm is tried once first.

    Attributes:
        temperature: τ above 0, in rewards scaled to [0, 1].
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = Softmax(temperature=0.1)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    temperature: float = 0.05
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("softmax", float(self.temperature)) if explore else ("greedy",)
