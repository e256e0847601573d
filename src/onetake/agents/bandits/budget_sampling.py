"""Draws exactly B of n people by lot, with chances that are known and grow with what is gained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake.agents.bandits.budgeted import AbstractBudgetAgent
from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import bounds_reason
from onetake.agents.bandits.treatment_effects import Effects
from onetake.agents.checks import check_choice, check_number
from onetake.budget import top
from onetake.draws import exp, total
from onetake.types import BatchSpec, Bool, Float64, Observation, Transitions

_HALVINGS = 60


@dataclass(eq=False)
class BudgetSampling(AbstractBudgetAgent):
    """Treats B people by a systematic sample whose inclusion probabilities are set beforehand.

        π_i = f + (1 − f) σ((gain_i − λ) / τ),   λ such that Σ π_i = B;   i is treated if a whole number lies in
        (C_{i−1} − u, C_i − u],   C the cumulated π, u uniform for the replicate

    Exactly B are treated, each with just the chance π_i, so that a log of it can be used by off-policy evaluation.
    Gains are posterior means of what both actions gave.

    Choose it when: a budget must be kept and the log must stay usable.   Not when: no log is wanted: `PacedThompson`
    earns more.
    Source: Madow, *On the theory of systematic sampling, II*, Annals of Mathematical Statistics 20, 1949; Tillé,
    *Sampling algorithms*, 2006, section 7.1. People of equal gain stand in the order of their ids.

    Attributes:
        temperature: τ above 0, in money.
        floor: f, least chance of everybody who may be treated to be so; at most the budget's share of them.
        prior_successes, prior_failures: α₀ and β₀ of both actions, above 0.
        pooling: as in `Thompson`.

    >>> from onetake.types import BatchSpec
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = BudgetSampling()
    >>> low, high = np.array(0.0), np.array(1.0)
    >>> agent.begin(BatchSpec("docs/Calls-v0", ids, ids[:1], 2, (), 10, low, high, budget=1), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0].round(6).tolist()
    [0.75, 0.25]
    """

    temperature: float = 0.1
    floor: float = 0.01
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    pooling: Literal["none", "partial", "full"] = "partial"

    propensity_method = "exact"
    propensity_error = 1e-9
    propensity_samples = None

    def __post_init__(self) -> None:
        check_number("temperature", self.temperature, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_number("prior_successes", self.prior_successes, 0, above=True)
        check_number("prior_failures", self.prior_failures, 0, above=True)
        check_choice("pooling", self.pooling, ("none", "partial", "full"))

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if spec.budget is None:
            return "budget: got none; wanted how many of a replicate may be treated at a step"
        if self.floor * len(spec.entity_ids) > spec.budget:
            return f"floor: got {self.floor:g}; wanted at most {spec.budget} of {len(spec.entity_ids)} in all"
        return super().supports(spec) or bounds_reason(spec)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._begin_luck(spec, seed)
        self._effects = Effects(spec, self.pooling, float(self.prior_successes), float(self.prior_failures))
        self._state = {"total": np.zeros((2, spec.num_envs)), "weight": np.zeros((2, spec.num_envs))}

    def _gain(self, observation: Observation, luck: Luck | None) -> Float64:
        return self._effects.gain(self._state["total"], self._state["weight"], observation.step, None)

    def _treated(self, observation: Observation, luck: Luck | None) -> Bool:
        if luck is None:
            # Everybody's gain counts from the least on, so that the budget is spent.
            gain = self._table(self._gain(observation, None))
            most = int(self._limit(observation)[0])
            return top(gain - gain.min() + 1.0, self._open(observation), most)
        chance = self._inclusion(observation)
        first = np.arange(len(chance)) * chance.shape[1]
        u = luck.uniform(observation.step, rows=first)[:, None]
        ends = np.cumsum(chance, axis=1) - u  # one after the other: the same bytes whatever the machine
        starts = np.concatenate([-u, ends[:, :-1]], axis=1)
        return np.asarray(np.floor(ends) > np.floor(starts)) & (chance > 0)

    def _inclusion(self, observation: Observation) -> Float64:
        """π of everybody ``(R, E)``; 0 for who may not be treated."""
        gain, open_ = self._table(self._gain(observation, None)), self._open(observation)
        count = open_.sum(axis=1)
        most = np.minimum(self._limit(observation), count).astype(np.float64)
        spread = 60.0 * self.temperature
        low, high = gain.min(axis=1) - spread, gain.max(axis=1) + spread
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            many = total(self._tilted(gain, open_, middle), axis=1) > most
            low, high = np.where(many, middle, low), np.where(many, high, middle)
        chance = self._tilted(gain, open_, high)
        whole = np.maximum(total(chance, axis=1), 1e-300)
        scaled = np.minimum(chance * (most / whole)[:, None], 1.0)
        return np.where((count <= most)[:, None], open_ * 1.0, scaled)

    def _tilted(self, gain: Float64, open_: Bool, price: Float64) -> Float64:
        z = np.clip((gain - price[:, None]) / self.temperature, -700.0, 700.0)
        return np.where(open_, self.floor + (1.0 - self.floor) / (1.0 + exp(-z)), 0.0)

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        pick = slice(None) if observation.rows is None else observation.rows
        inclusion = self._inclusion(observation) if explore else self._treated(observation, None) * 1.0
        chance = inclusion.ravel()[pick]
        return np.column_stack([1.0 - chance, chance])

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        self._effects.count(self._state["total"], self._state["weight"], transitions)
        return {}
