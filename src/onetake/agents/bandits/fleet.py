"""What the bandits share: a fleet of learners in the core, chosen from by a rule that each bandit names."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onetake import _core
from onetake.agents.bandits.memory import AbstractMemory, Columns
from onetake.agents.base import AbstractAgent
from onetake.draws import thread_count
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

Rule = tuple[str, *tuple[float, ...]]


@dataclass(eq=False)
class AbstractFleetBandit(AbstractAgent):
    """A bandit without context. Its state is, for each learner and arm, how many trials there were and what they gave.

    Subclasses say by which rule of the core an arm is chosen, and how much is played at random besides.

    A subclass may also name a memory, which says what of the past still counts.

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

    def _least_reward(self) -> float | None:
        """Least reward that can be, where rewards without bounds are taken as they are; None where they are refused."""
        return None

    def _scales(self) -> bool:
        """Whether rewards are scaled to [0, 1] by the bounds of the batch where it has finite ones."""
        return True

    def _memory(self) -> AbstractMemory | None:
        """What of the past still counts; None for all of it."""
        return None

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
        least = self._least_reward()
        if not self._scales() and least is not None and np.isfinite(low).all() and low.min() < least:
            return f"reward bounds: got {low.min():g}; wanted at least {least:g}"
        if least is None and not _bounded(spec):
            return f"reward bounds: got [{low.min():g}, {high.max():g}]; wanted finite ones, low below high"
        return None

    def _start(self, spec: BatchSpec, seed: int) -> None:
        count = spec.count_reward
        counts = bounds = None
        if self._learns():
            if count is not None and self._counts_successes():
                counts = (_arms(count.scale, spec), _arms(count.offset, spec))
            elif self._scales() and _bounded(spec):
                bounds = (_column(spec.reward_low), _column(spec.reward_high))
        self._fleet = _core.Fleet(
            seed,
            np.ascontiguousarray(spec.entity_ids, dtype=np.uint32),
            np.ascontiguousarray(spec.replicate_ids, dtype=np.uint32),
            spec.num_actions,
            getattr(self, "pooling", "none") == "full",
            _column(1.0 if count is None else count.trials),
            counts,
            bounds,
            self._least_reward() if self._learns() else None,
        )
        memory, (total, _) = self._memory(), self._fleet.counts()
        self._columns: Columns = {} if memory is None else memory.columns(*total.shape)
        if memory is not None:
            self._fleet.restore(*memory.shown(self._columns))

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        return self._fleet.decide(self._rule(explore), *self._request(observation, explore))

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        return self._fleet.probabilities(self._rule(explore), *self._request(observation, explore))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        memory = self._memory()
        if memory is None:
            self._count(transitions, slice(None))
            return {}
        steps = np.broadcast_to(np.asarray(transitions.decision_step, dtype=np.int64), len(transitions.action))
        nothing = np.zeros_like(self._columns["total"])
        known, given = np.unique(steps), []
        try:
            for step in known.tolist():
                self._fleet.restore(nothing, nothing)
                self._count(transitions, slice(None) if len(known) == 1 else np.flatnonzero(steps == step))
                given.append((step, *self._fleet.counts()))
            for step, total, weight in given:
                memory.take(self._columns, step, total, weight)
        finally:
            self._fleet.restore(*memory.shown(self._columns))
        return {}

    def _count(self, transitions: Transitions, part: Any) -> None:
        """Add outcomes to the counts of the core; all that are refused are refused before any is counted."""
        action = np.ascontiguousarray(transitions.action[part], dtype=np.int64)
        rows = transitions.rows
        if rows is None and not isinstance(part, slice):
            rows = np.arange(len(transitions.action), dtype=np.int64)
        rows = None if rows is None else np.ascontiguousarray(rows[part])
        self._fleet.learn(rows, action, np.ascontiguousarray(transitions.reward[part]), thread_count())

    def _arrays(self) -> dict[str, NDArray[Any]]:
        if self._columns:
            return {name: column.copy() for name, column in self._columns.items()}
        total, weight = self._fleet.counts()
        return {"total": total, "weight": weight}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, column in self._columns.items():
            if arrays[name].shape != column.shape or not np.isfinite(arrays[name]).all():
                raise ShapeError(f"{name}: got {arrays[name].shape}; wanted finite numbers {column.shape}")
        self._columns = {name: arrays[name].copy() for name in self._columns}
        memory = self._memory()
        shown = (arrays["total"], arrays["weight"]) if memory is None else memory.shown(self._columns)
        self._fleet.restore(*shown)

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
            columns = self._columns
            self._start(self.spec, self._seed)
            self._columns = columns
            self._fleet.restore(*counts)


def _bounded(spec: BatchSpec) -> bool:
    low, high = np.asarray(spec.reward_low), np.asarray(spec.reward_high)
    return bool(np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all())


def _column(values: object) -> Float64:
    return np.atleast_1d(np.ascontiguousarray(values, dtype=np.float64))


def _arms(values: Float64, spec: BatchSpec) -> Float64:
    return np.ascontiguousarray(np.broadcast_to(values, (spec.num_actions,)), dtype=np.float64)
