"""What the bandits share: a fleet of learners in the core, chosen from by a rule that each bandit names."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onetake.agents.base import AbstractAgent
from onetake.agents.numpy_fleet import Fleet
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

Rule = tuple[str, float, float]


@dataclass(eq=False)
class AbstractFleetBandit(AbstractAgent):
    """A bandit without context. Its state is, for each learner and arm, how many trials there were and what they gave.

    Subclasses say by which rule an arm is chosen, and how much is played at random besides.

    A learner counts *trials*: one a decision, or those of ``spec.count_reward`` where a decision is taken for a
    cohort. What they gave is counted as successes where ``counts_successes`` and the spec knows them, and else as the
    reward scaled to [0, 1] by the bounds of the spec, weighted with the trials.
    """

    @abstractmethod
    def _rule(self, explore: bool) -> Rule:
        """Name of the core's rule with its two numbers."""

    def _epsilon(self) -> float:
        return 0.0

    def _counts_successes(self) -> bool:
        return False

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        return super().supports(spec) or self._reward_fault(spec)

    def _reward_fault(self, spec: BatchSpec) -> str | None:
        if self._counts_successes() and spec.count_reward is not None:
            scale = np.asarray(spec.count_reward.scale)
            if not (np.isfinite(scale).all() and (scale != 0).all()):
                return (
                    f"count_reward.scale: got {scale.tolist()}; wanted numbers other than 0, else successes are unseen"
                )
            return None
        low, high = np.asarray(spec.reward_low), np.asarray(spec.reward_high)
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
            return f"reward bounds: got [{low.min():g}, {high.max():g}]; wanted finite ones, low below high"
        return None

    def _start(self, spec: BatchSpec, seed: int) -> None:
        count = spec.count_reward
        arms = spec.num_actions
        self._successes = self._counts_successes() and count is not None
        self._fleet = Fleet(
            seed,
            spec.entity_ids,
            spec.replicate_ids,
            arms,
            self.coupling == "replicate",
            np.asarray(1.0 if count is None else count.trials, dtype=np.float64),
            np.broadcast_to(np.asarray(count.scale if count and self._successes else 1.0, dtype=np.float64), (arms,)),
            np.broadcast_to(np.asarray(count.offset if count and self._successes else 0.0, dtype=np.float64), (arms,)),
            np.asarray(spec.reward_low, dtype=np.float64),
            np.asarray(spec.reward_high, dtype=np.float64),
        )

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        epsilon, floor = self._mixing(explore)
        return self._fleet.decide(
            self._rule(explore), observation.step, observation.rows, observation.mask, epsilon, floor
        )

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        epsilon, floor = self._mixing(explore)
        return self._fleet.probabilities(
            self._rule(explore), observation.step, observation.rows, observation.mask, epsilon, floor
        )

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        action = transitions.action.astype(np.int64, copy=False)
        self._fleet.learn(transitions.rows, action, transitions.reward, self._successes)
        return {}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return self._fleet.arrays()

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._fleet.total, self._fleet.weight = arrays["total"], arrays["weight"]

    def _mixing(self, explore: bool) -> tuple[float, float]:
        return (self._epsilon(), float(getattr(self, "floor", 0.0))) if explore else (0.0, 0.0)
