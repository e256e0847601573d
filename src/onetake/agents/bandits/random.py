"""Plays at random: the yardstick below which nothing may fall."""

from __future__ import annotations

from dataclasses import dataclass

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule


@dataclass(eq=False)
class Random(AbstractFleetBandit):
    """Every allowed action with the same chance, whatever happened.

        π(a) = 1 / k

    Choose it when: a first log is wanted that off-policy evaluation can use best.   Not when: rewards matter already.
    Source: uniform exploration; Lattimore and Szepesvári, *Bandit Algorithms*, 2020, section 6.1 (exploration phase).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = Random()
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    def _rule(self, explore: bool) -> Rule:
        return ("uniform", 0.0, 0.0)

    def _learns(self) -> bool:
        return False
