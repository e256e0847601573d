"""Spends a budget of treatments over the whole episode where they gain most, and never breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake.agents.bandits.budgeted import AbstractBudgetAgent
from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import bounds_reason
from onetake.agents.bandits.treatment_effects import Effects
from onetake.agents.checks import check_choice, check_index, check_number
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions


@dataclass(eq=False)
class PacedThompson(AbstractBudgetAgent):
    """Treats who gains more than a price that rises when spending runs ahead of its plan and falls when it lags.

        treat i  if  gain_i > λ_t,  at most B a step and what is left in all;   λ ← max(0, λ + η (spent − plan) / E)

    The plan is what is left over the steps that are left. Gains are drawn from Beta posteriors of both actions' scaled
    rewards. Both limits are hard: those of highest gain are treated where more would be. What was decided counts as
    spent, whether or not its outcome ever comes.

    Choose it when: treatments are few in all, and days differ in whom they bring.   Not when: nothing is limited over
    time.
    Source: Balseiro and Gur, *Learning in repeated auctions with budgets: regret minimization and equilibrium*,
    Management Science 65, 2019, algorithm 1 (adaptive pacing); gains by Thompson sampling: Agrawal and Goyal 2012.

    Attributes:
        total: treatments of a replicate over the whole episode, or None for no such limit.
        speed: η, at least 0, in money.
        prior_successes, prior_failures: α₀ and β₀ of both actions, above 0.
        pooling: as in `Thompson`.

    >>> from onetake.types import BatchSpec
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = PacedThompson(total=3)
    >>> low, high = np.array(0.0), np.array(1.0)
    >>> agent.begin(BatchSpec("docs/Calls-v0", ids, ids[:1], 2, (), 10, low, high, budget=2), seed=7)
    >>> [int(agent.act(Observation(np.empty((4, 0), np.float32), step)).action.sum()) <= 2 for step in range(2)]
    [True, True]
    """

    total: int | None = None
    speed: float = 0.1
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    pooling: Literal["none", "partial", "full"] = "partial"

    def __post_init__(self) -> None:
        if self.total is not None:
            check_index("total", self.total)
        check_number("speed", self.speed, 0)
        check_number("prior_successes", self.prior_successes, 0, above=True)
        check_number("prior_failures", self.prior_failures, 0, above=True)
        check_choice("pooling", self.pooling, ("none", "partial", "full"))

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if self.total is not None and spec.horizon is None:
            return "horizon: got none; wanted one, over which the total is spent"
        return super().supports(spec) or bounds_reason(spec)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._begin_luck(spec, seed)
        self._effects = Effects(spec, self.pooling, float(self.prior_successes), float(self.prior_failures))
        replicates = len(spec.replicate_ids)
        self._state = {
            "total": np.zeros((2, spec.num_envs)),
            "weight": np.zeros((2, spec.num_envs)),
            "price": np.zeros(replicates),
            "spent": np.zeros(replicates),  # before the newest step
            "newest": np.full(replicates, -1.0),
            "chosen": np.zeros(spec.num_envs),  # at the newest step
        }

    def _gain(self, observation: Observation, luck: Luck | None) -> Float64:
        gain = self._effects.gain(self._state["total"], self._state["weight"], observation.step, luck)
        return gain - np.repeat(self._price(observation.step), len(self.spec.entity_ids))

    def _at(self, step: int) -> tuple[Float64, Float64]:
        """What was spent before a step and what was decided at the newest one, if that is it ``(R,)`` each."""
        newest = self._table(self._state["chosen"]).sum(axis=1)
        later = step > self._state["newest"]
        return self._state["spent"] + np.where(later, newest, 0.0), np.where(later, 0.0, newest)

    def _price(self, step: int) -> Float64:
        """λ at a step ``(R,)``."""
        if self.total is None or self.spec.horizon is None:
            return self._state["price"]
        newest = self._state["newest"]
        left = self.total - self._state["spent"]
        plan = np.maximum(left, 0.0) / np.maximum(self.spec.horizon - newest, 1.0)
        ahead = (self._table(self._state["chosen"]).sum(axis=1) - plan) / len(self.spec.entity_ids)
        moved = np.maximum(0.0, self._state["price"] + self.speed * ahead)
        return np.where((step > newest) & (newest >= 0), moved, self._state["price"])

    def _limit(self, observation: Observation) -> Int64:
        most = super()._limit(observation)
        spent, now = self._at(observation.step)
        # What other rows were promised at this step is gone too.
        others = now
        if observation.rows is not None:
            rest = self._state["chosen"].copy()
            rest[observation.rows] = 0.0
            others = np.where(now > 0, self._table(rest).sum(axis=1), 0.0)
        else:
            others = np.zeros_like(now)
        left = most - others
        if self.total is not None:
            left = np.minimum(left, self.total - spent - others)
        return np.maximum(left, 0.0).astype(np.int64)

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        action = super()._decide(observation, explore)
        if explore:
            self._commit(observation, action)
        return action

    def _commit(self, observation: Observation, action: Int64) -> None:
        """Note what was decided."""
        state, step = self._state, observation.step
        price, (spent, _) = self._price(step), self._at(step)
        later = np.repeat(step > state["newest"], len(self.spec.entity_ids))
        chosen = np.where(later, 0.0, state["chosen"])
        chosen[slice(None) if observation.rows is None else observation.rows] = action
        newest = np.maximum(state["newest"], step)
        self._state = {**state, "price": price, "spent": spent, "newest": newest, "chosen": chosen}

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        self._effects.count(self._state["total"], self._state["weight"], transitions)
        return {"spent": float(self._at(int(self._state["newest"].max()) + 1)[0].sum())}
