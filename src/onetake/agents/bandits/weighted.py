"""What the agents share that play arms by exponential weights of estimated gains."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onetake.agents.bandits.choice import even, mixed, sample
from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import Outcomes, bounds_reason
from onetake.agents.base import AbstractAgent
from onetake.draws import exp
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Bool, Float64, Int64, Observation, Transitions


@dataclass(eq=False)
class AbstractWeightedBandit(AbstractAgent):
    """Keeps the logarithm of a weight for each arm and learner, and what chance each pending decision had.

    A gain is estimated as reward over the chance that its action had: the propensity that comes with the outcome, else
    the one that the agent remembers of its last decision in that environment, else the one that it has now.
    """

    @abstractmethod
    def _rate(self) -> float:
        """Share of uniform play, γ."""

    @abstractmethod
    def _grow(self, weights: Float64, gain: Float64, active: Bool) -> Float64:
        """Log weights ``(k, L)`` after estimated gains ``(k, L)`` of the learners that are active ``(L,)``."""

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        return super().supports(spec) or bounds_reason(spec)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        learners = len(spec.replicate_ids) if self.coupling == "replicate" else spec.num_envs
        self._luck = Luck.of(spec, seed)
        self._state: dict[str, NDArray[Any]] = {
            "log_weight": np.zeros((spec.num_actions, learners)),
            "chance": np.ones(spec.num_envs),
            "asked": np.full(spec.num_envs, -1, dtype=np.int64),
        }

    def _learners(self, rows: Int64 | None) -> Int64:
        every = np.arange(self.spec.num_envs) if rows is None else rows
        return every // len(self.spec.entity_ids) if self.coupling == "replicate" else every

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        chances = self._probabilities(observation, explore)
        action = sample(chances, self._luck.uniform(observation.step, rows=observation.rows))
        if explore:
            rows = slice(None) if observation.rows is None else observation.rows
            self._state["chance"][rows] = chances[np.arange(len(action)), action]
            self._state["asked"][rows] = observation.step
        return action

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        learners = self._learners(observation.rows)
        if not explore:
            return even(self._state["log_weight"].T[learners], observation.mask)
        return self._chances(learners, observation.mask)

    def _chances(self, learners: Int64, mask: Bool | None) -> Float64:
        weights = self._state["log_weight"].T[learners]
        weights = weights if mask is None else np.where(mask, weights, -np.inf)
        odds = exp(weights - weights.max(axis=1, keepdims=True))
        whole = np.zeros(len(odds))
        for arm in range(odds.shape[1]):  # in order, so that the sum has the same bytes whatever the batch
            whole = whole + odds[:, arm]
        return mixed(odds / whole[:, None], mask, self._rate(), float(getattr(self, "floor", 0.0)))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        outcomes = Outcomes.of(self.spec, transitions)
        reward = outcomes.scaled(self.spec)
        learners = self._learners(outcomes.row)
        chance = transitions.propensity
        if chance is None:
            now = self._chances(learners, None)[np.arange(len(reward)), outcomes.action]
            known = self._state["asked"][outcomes.row] == outcomes.step
            chance = np.where(known, self._state["chance"][outcomes.row], now)
        elif not ((chance > 0) & (chance <= 1)).all():
            raise ShapeError(f"propensity: got {chance.min():g} to {chance.max():g}; wanted chances in (0, 1]")
        gain = np.zeros_like(self._state["log_weight"])
        np.add.at(gain, (outcomes.action, learners), reward / chance)
        active = np.zeros(gain.shape[1], dtype=np.bool_)
        active[learners] = True
        self._state["log_weight"] = self._grow(self._state["log_weight"], gain, active)
        return {}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: array.copy() for name, array in self._state.items()}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, array in self._state.items():
            if arrays[name].shape != array.shape or not np.isfinite(arrays[name]).all():
                raise ShapeError(f"{name}: got {arrays[name].shape}; wanted finite numbers {array.shape}")
        self._state = {name: arrays[name].copy() for name in self._state}
