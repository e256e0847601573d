"""Plays one action: what the best fixed action would have earned is the yardstick of learning at all."""

from __future__ import annotations

from dataclasses import dataclass

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_index, check_number
from onetake.types import BatchSpec


@dataclass(eq=False)
class Fixed(AbstractFleetBandit):
    """Always the same action; where that is not allowed, any allowed one with the same chance.

        π(a) = 1 if a = action else 0          (then mixed with the floor)

    Choose it when: the incumbent is one action for all.   Not when: a log is wanted and ``floor`` is 0: what was never
    played cannot be judged.
    Source: the single best arm, against which regret is defined: Auer, Cesa-Bianchi and Fischer, *Finite-time analysis
    of the multiarmed bandit problem*, Machine Learning 47, 2002, section 1.

    Attributes:
        action: index of the action.
        floor: least chance of every allowed action.

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = Fixed(action=1, floor=0.1)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.1, 0.9])
    """

    action: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        check_index("action", self.action)
        check_number("floor", self.floor, 0, 1)

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if self.action >= spec.num_actions:
            return f"action: got {self.action}; wanted 0 to {spec.num_actions - 1}"
        return super().supports(spec)

    @property
    def respects_budget(self) -> bool:
        """Leaving everybody alone keeps to any budget."""
        return self.action == 0 and self.floor == 0

    def _rule(self, explore: bool) -> Rule:
        return ("fixed", float(self.action), 0.0)

    def _learns(self) -> bool:
        return False
