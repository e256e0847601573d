"""What the bandits share: a fleet of learners in the core, chosen from by a rule that each bandit names."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onetake import _core
from onetake.agents.base import AbstractAgent
from onetake.draws import thread_count
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

Rule = tuple[str, float, float]


@dataclass(eq=False)
class AbstractFleetBandit(AbstractAgent):
    """A bandit without context. Its state is, for each learner and arm, how many trials there were and what they gave.

    Subclasses say by which rule of the core an arm is chosen, and how much is played at random besides.

    A learner counts *trials*: one a decision, or those of ``spec.count_reward`` where a decision is taken for a
    cohort. What they gave is counted as successes where ``_counts_successes`` and the spec knows them, and else as the
    reward scaled to [0, 1] by the bounds of the spec, weighted with the trials.
    """

    @abstractmethod
    def _rule(self, explore: bool) -> Rule:
        """Name of the core's rule with its two numbers."""

    def _epsilon(self) -> float:
        return 0.0

    def _learns(self) -> bool:
        return True

    def _counts_successes(self) -> bool:
        return False

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        reason = super().supports(spec)
        if reason is not None or not self._learns():
            return reason
        if self._counts_successes() and spec.count_reward is not None:
            scale = np.asarray(spec.count_reward.scale)
            if not (np.isfinite(scale).all() and (scale != 0).all()):
                return f"count_reward.scale: got {scale.tolist()}; wanted none to be 0, else successes are unseen"
            return None
        low, high = np.asarray(spec.reward_low), np.asarray(spec.reward_high)
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
            return f"reward bounds: got [{low.min():g}, {high.max():g}]; wanted finite ones, low below high"
        return None

    def _start(self, spec: BatchSpec, seed: int) -> None:
        count = spec.count_reward
        counts = bounds = None
        if self._learns():
            if count is not None and self._counts_successes():
                counts = (_arms(count.scale, spec), _arms(count.offset, spec))
            else:
                bounds = (_column(spec.reward_low), _column(spec.reward_high))
        self._fleet = _core.Fleet(
            seed,
            np.ascontiguousarray(spec.entity_ids, dtype=np.uint32),
            np.ascontiguousarray(spec.replicate_ids, dtype=np.uint32),
            spec.num_actions,
            self.coupling == "replicate",
            _column(1.0 if count is None else count.trials),
            counts,
            bounds,
        )

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        return self._fleet.decide(self._rule(explore), *self._request(observation, explore))

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        return self._fleet.probabilities(self._rule(explore), *self._request(observation, explore))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        action = np.ascontiguousarray(transitions.action, dtype=np.int64)
        self._fleet.learn(transitions.rows, action, np.ascontiguousarray(transitions.reward), thread_count())
        return {}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        total, weight = self._fleet.counts()
        return {"total": total, "weight": weight}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._fleet.restore(arrays["total"], arrays["weight"])

    def _request(
        self, observation: Observation, explore: bool
    ) -> tuple[int, Int64 | None, NDArray[np.bool_] | None, float, float, int]:
        mask = None if observation.mask is None else np.ascontiguousarray(observation.mask)
        rows = None if observation.rows is None else np.ascontiguousarray(observation.rows)
        epsilon, floor = (self._epsilon(), float(getattr(self, "floor", 0.0))) if explore else (0.0, 0.0)
        return observation.step, rows, mask, epsilon, floor, thread_count()

    def __getstate__(self) -> dict[str, Any]:
        # The core's fleet is made anew from the batch and the counts.
        return {name: value for name, value in vars(self).items() if name != "_fleet"} | (
            {"_counts": self._fleet.counts()} if "_fleet" in vars(self) else {}
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        counts = state.pop("_counts", None)
        vars(self).update(state)
        if counts is not None:
            self._start(self.spec, self._seed)
            self._fleet.restore(*counts)


def _column(values: object) -> Float64:
    return np.atleast_1d(np.ascontiguousarray(values, dtype=np.float64))


def _arms(values: Float64, spec: BatchSpec) -> Float64:
    return np.ascontiguousarray(np.broadcast_to(values, (spec.num_actions,)), dtype=np.float64)
