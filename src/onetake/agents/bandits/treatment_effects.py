"""What treating gains, by counts of what both actions gave: for everybody alone, shrunk to the others, or for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import Outcomes
from onetake.agents.bandits.shrinkage import Shrunk
from onetake.types import BatchSpec, Float64, Transitions

#: Slot of the draws of action 0; that of action 1 follows.
_ARM = 2


@dataclass(frozen=True)
class Effects:
    """Beta posteriors of the mean scaled reward of both actions, from counts ``(2, n)``.

    Attributes:
        spec: the batch. pooling: ``none``, ``partial`` (`Shrunk`) or ``full``.
        successes, failures: what is believed before anything was seen.
    """

    spec: BatchSpec
    pooling: str
    successes: float
    failures: float

    def count(self, total: Float64, weight: Float64, transitions: Transitions) -> None:
        """Add outcomes to counts, in order."""
        outcomes = Outcomes.of(self.spec, transitions)
        reward = outcomes.scaled(self.spec)
        np.add.at(total, (outcomes.action, outcomes.row), reward)
        np.add.at(weight, (outcomes.action, outcomes.row), 1.0)

    def shapes(self, total: Float64, weight: Float64) -> tuple[Float64, Float64]:
        """Both shapes of the posterior of each action and environment ``(2, n)``."""
        table = (2, len(self.spec.replicate_ids), -1)
        whole, trials = total.reshape(table), weight.reshape(table)
        if self.pooling == "full":
            whole, trials = (np.broadcast_to(each.sum(axis=2, keepdims=True), each.shape) for each in (whole, trials))
        if self.pooling == "partial":
            mean, strength = Shrunk(table[1], self.successes, self.failures).prior(whole, trials)
            above, below = (mean * strength)[..., None], ((1.0 - mean) * strength)[..., None]
        else:
            above, below = np.full((1, 1, 1), self.successes), np.full((1, 1, 1), self.failures)
        return (whole + above).reshape(2, -1), (np.maximum(trials - whole, 0.0) + below).reshape(2, -1)

    def gain(self, total: Float64, weight: Float64, step: int, luck: Luck | None) -> Float64:
        """Reward of action 1 less that of action 0 ``(n,)``, in the unit of rewards: at a draw, or at the means."""
        a, b = self.shapes(total, weight)
        rate = a / (a + b) if luck is None else luck.beta(a.T, b.T, step, slot=_ARM).T
        unit = np.asarray(self.spec.reward_high) - np.asarray(self.spec.reward_low)
        return np.asarray((rate[1] - rate[0]) * unit)
