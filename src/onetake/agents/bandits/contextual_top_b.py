"""Learns from everybody whom treating helps most in a context, and treats the B best of a draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from onetake import _core
from onetake.agents.bandits.budgeted import AbstractBudgetAgent
from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import Outcomes, bounds_reason
from onetake.agents.checks import check_number
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float64, Observation, Transitions

_DRAW = 2


@dataclass(eq=False)
class ContextualTopB(AbstractBudgetAgent):
    """Draws one pair of linear models a replicate and step, and treats the B people of highest drawn gain above 0.

        θ_a ~ N(A_a⁻¹ b_a, v² A_a⁻¹) for leaving alone and treating;   gain_i = (θ_1 − θ_0)ᵀ x_i

    One learner for everybody of a replicate; rewards are scaled to [0, 1] by the bounds of the batch where it has
    finite ones. It looks one step ahead: what treating does to later days counts only as far as the context tells.

    Choose it when: contexts tell who gains, and budgets join people.   Not when: today's treatment pays later:
    `WhittleThompson`.
    Source: Agrawal and Goyal, *Thompson sampling for contextual bandits with linear payoffs*, ICML 2013, algorithm 1; B
    at a time: Komiyama, Honda and Nakagawa, *Optimal regret analysis of Thompson sampling in stochastic multi-armed
    bandit problem with multiple plays*, ICML 2015, algorithm 1.

    Attributes:
        scale: v above 0, standard deviation of the noise. ridge: λ above 0.

    >>> from onetake.types import BatchSpec
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = ContextualTopB()
    >>> low, high = np.array(0.0), np.array(1.0)
    >>> agent.begin(BatchSpec("docs/Calls-v0", ids, ids[:1], 2, ("age",), 10, low, high, budget=2), seed=7)
    >>> int(agent.act(Observation(np.ones((4, 1), np.float32), step=0)).action.sum()) <= 2
    True
    """

    scale: float = 0.5
    ridge: float = 1.0

    def __post_init__(self) -> None:
        check_number("scale", self.scale, 0, above=True)
        check_number("ridge", self.ridge, 0, above=True)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._begin_luck(spec, seed)
        self._wide = 1 + len(spec.observation_names)
        core = self._models()
        self._state = {"factors": core.factors()}

    def _models(self) -> Any:
        return _core.Linear(2 * len(self.spec.replicate_ids), self._wide, float(self.ridge))

    def _features(self, name: str, values: Any, count: int) -> Float64:
        if values.shape != (count, self._wide - 1) or not np.isfinite(values).all():
            raise ShapeError(f"{name}: got shape {values.shape}; wanted finite ({count}, {self._wide - 1}) as at begin")
        return np.column_stack([np.ones(count), values.astype(np.float64)])

    def _coefficients(self, step: int, luck: Luck | None) -> Float64:
        """Coefficients of both models of each replicate ``(R, 2, d)``: ``Lᵀ θ = f + v z`` from the last one on."""
        wide, replicates = self._wide, len(self.spec.replicate_ids)
        columns, at = [], 0
        for j in range(wide):
            columns.append(self._state["factors"][:, at : at + wide - j + 1])
            at += wide - j + 1
        z = np.zeros((2 * replicates, wide))
        if luck is not None:
            first = np.arange(replicates) * len(self.spec.entity_ids)
            z = luck.normal(2 * wide, step, slot=_DRAW, rows=first).reshape(2 * replicates, wide)
        theta = np.zeros_like(z)
        for j in reversed(range(wide)):
            value = columns[j][:, -1] + self.scale * z[:, j]
            for i in range(j + 1, wide):
                value = value - columns[j][:, i - j] * theta[:, i]
            theta[:, j] = value / columns[j][:, 0]
        return theta.reshape(replicates, 2, wide)

    def _gain(self, observation: Observation, luck: Luck | None) -> Float64:
        rows = np.arange(self.spec.num_envs) if observation.rows is None else observation.rows
        x = np.zeros((self.spec.num_envs, self._wide))
        x[rows] = self._features("values", observation.values, len(rows))
        theta = self._coefficients(observation.step, luck)
        lift = np.repeat(theta[:, 1] - theta[:, 0], len(self.spec.entity_ids), axis=0)
        gain = np.zeros(self.spec.num_envs)
        for j in range(self._wide):  # in order, so that the sum has the same bytes whatever the batch
            gain = gain + lift[:, j] * x[:, j]
        return gain

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        outcomes = Outcomes.of(self.spec, transitions)
        reward = outcomes.scaled(self.spec) if bounds_reason(self.spec) is None else outcomes.reward
        x = self._features("obs", transitions.obs, len(reward))
        core = self._models()
        core.restore(self._state["factors"])
        replicate = outcomes.row // len(self.spec.entity_ids)
        core.learn(2 * replicate + outcomes.action, x, np.ascontiguousarray(reward), np.ones(len(reward)))
        self._state["factors"] = core.factors()
        return {}
