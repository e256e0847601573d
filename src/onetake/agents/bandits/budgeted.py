"""What the agents share that choose whom to treat: a gain for everybody, and a budget that is never broken."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from onetake.agents.bandits.luck import Luck
from onetake.agents.base import AbstractAgent, PropensityMethod
from onetake.budget import top
from onetake.errors import ShapeError
from onetake.seeding import child_seed
from onetake.types import BatchSpec, Bool, Coupling, Float64, Int64, Observation

#: Redraws of everybody by which chances are estimated.
SAMPLES = 256


@dataclass(eq=False)
class AbstractBudgetAgent(AbstractAgent):
    """Leaves people alone (action 0) or treats them (action 1), and treats those of a replicate who gain most.

    Only those are treated whom the mask lets be. Chances are estimated by drawing everybody's gain anew 256 times, with
    half a draw's share added to what may happen, so that none is 0.
    """

    propensity_method: ClassVar[PropensityMethod] = "monte_carlo"
    propensity_error: ClassVar[float] = 0.5 / SAMPLES**0.5
    propensity_samples: ClassVar[int | None] = SAMPLES

    @property
    def respects_budget(self) -> bool:
        """It treats as many as the budget allows, and no more."""
        return True

    @property
    def coupling(self) -> Coupling:
        """People share a budget."""
        return "replicate"

    @abstractmethod
    def _gain(self, observation: Observation, luck: Luck | None) -> Float64:
        """What treating each environment gains ``(n,)``: at a draw, or without luck as far as is known."""

    def _select(self, gain: Float64, open_: Bool, limit: Int64) -> Bool:
        """Who is treated ``(R, E)``, by gains, who may be, and the most of each replicate ``(R,)``."""
        rows = [top(gain[r : r + 1], open_[r : r + 1], int(limit[r])) for r in range(len(gain))]
        return np.concatenate(rows)

    def _limit(self, observation: Observation) -> Int64:
        """Most treatments of each replicate at this step ``(R,)``."""
        most = len(self.spec.entity_ids) if self.spec.budget is None else self.spec.budget
        return np.full(len(self.spec.replicate_ids), most, dtype=np.int64)

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if spec.num_actions != 2:
            return f"actions: got {spec.num_actions}; wanted 2: leave alone, treat"
        return super().supports(spec)

    def _begin_luck(self, spec: BatchSpec, seed: int) -> None:
        self._luck = Luck.of(spec, seed)
        self._state: dict[str, NDArray[Any]] = {}

    def _table(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.reshape(len(self.spec.replicate_ids), -1)

    def _open(self, observation: Observation) -> Bool:
        """Who may be treated ``(R, E)``: who is asked about and whom the mask allows."""
        allowed = np.zeros(self.spec.num_envs, dtype=np.bool_)
        rows = slice(None) if observation.rows is None else observation.rows
        allowed[rows] = True if observation.mask is None else observation.mask[:, 1]
        return self._table(allowed)

    def _treated(self, observation: Observation, luck: Luck | None) -> Bool:
        gain = self._table(self._gain(observation, luck))
        return self._select(gain, self._open(observation), self._limit(observation))

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        treated = self._treated(observation, self._luck if explore else None).ravel()
        action = treated.astype(np.int64)
        return action if observation.rows is None else action[observation.rows]

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        pick = slice(None) if observation.rows is None else observation.rows
        if not explore:
            chance = self._treated(observation, None).ravel().astype(np.float64)
        else:
            count = np.zeros(self.spec.num_envs)
            for i in range(SAMPLES):
                count += self._treated(observation, Luck.of(self.spec, child_seed(self._seed, "redraw", i))).ravel()
            chance = np.where(self._open(observation).ravel(), (count + 0.5) / (SAMPLES + 1.0), 0.0)
        return np.column_stack([1.0 - chance[pick], chance[pick]])

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: array.copy() for name, array in self._state.items()}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, array in self._state.items():
            if arrays[name].shape != array.shape or not np.isfinite(arrays[name]).all():
                raise ShapeError(f"{name}: got {arrays[name].shape}; wanted finite numbers {array.shape}")
        self._state = {name: arrays[name].copy() for name in self._state}
