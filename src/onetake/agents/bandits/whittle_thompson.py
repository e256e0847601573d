"""Learns how people move on, and treats those whom attention now would help most in the long run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake.agents.bandits.budgeted import AbstractBudgetAgent
from onetake.agents.bandits.luck import Luck
from onetake.agents.bandits.outcomes import Outcomes, bounds_reason
from onetake.agents.bandits.shrinkage import Shrunk
from onetake.agents.bandits.two_state_whittle import two_state_indices
from onetake.agents.checks import check_choice, check_number
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float32, Float64, Int64, Observation, Transitions

_SEEN = "engagement"


@dataclass(eq=False)
class WhittleThompson(AbstractBudgetAgent):
    """Draws everybody's chain of two states and treats those of highest Whittle index, within the budget.

        P(engaged next | state s, action a) ~ Beta(α + engaged_sa, β + not_sa);   treat the B with the highest index

    State is engaged or not (``engagement`` above ``threshold``); what else moves people (fatigue, carry-over) is left
    out. The mean reward of each (next state, action) is learnt for all of a replicate together. With ``pooling:
    partial`` everybody's prior is fitted to the others. In the first step nothing is known and lots decide.

    Choose it when: what is done today pays later, and people differ.   Not when: gains are immediate: `ContextualTopB`.
    Source: Wang, Xu, Taneja, Tambe, *Optimistic Whittle index policy: online learning for restless bandits*, AAAI 2023,
    with Thompson sampling in the place of optimism, as Akbarzadeh and Mahajan, *On learning Whittle index policy for
    restless bandits with scalable regret*, 2022, algorithm 1. Differs from it: a new draw at each step.

    Attributes:
        discount: weight of tomorrow against today, in [0, 1).
        threshold: above which engagement counts as engaged.
        prior_successes, prior_failures: of each chance, above 0.
        pooling: ``none``, ``partial`` or ``full``, as in `Thompson`.

    >>> from onetake.types import BatchSpec
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = WhittleThompson()
    >>> low, high = np.array(0.0), np.array(1.0)
    >>> agent.begin(BatchSpec("docs/Calls-v0", ids, ids[:1], 2, ("engagement",), 10, low, high, budget=2), seed=7)
    >>> int(agent.act(Observation(np.ones((4, 1), np.float32), step=0)).action.sum()) <= 2
    True
    """

    discount: float = 0.95
    threshold: float = 0.0
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    pooling: Literal["none", "partial", "full"] = "partial"

    learns_from = "transitions"

    def __post_init__(self) -> None:
        check_number("discount", self.discount, 0, 1 - 1e-6)
        check_number("threshold", self.threshold, 0)
        check_number("prior_successes", self.prior_successes, 0, above=True)
        check_number("prior_failures", self.prior_failures, 0, above=True)
        check_choice("pooling", self.pooling, ("none", "partial", "full"))

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if _SEEN not in spec.observation_names:
            return f"observation_names: got {', '.join(spec.observation_names) or 'none'}; wanted {_SEEN} too"
        return super().supports(spec) or bounds_reason(spec)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._begin_luck(spec, seed)
        self._place = spec.observation_names.index(_SEEN)
        replicates = len(spec.replicate_ids)
        # By state and action (2 · state + action), and by next state and action.
        self._state = {
            "engaged": np.zeros((4, spec.num_envs)),
            "seen": np.zeros((4, spec.num_envs)),
            "paid": np.zeros((4, replicates)),
            "times": np.zeros((4, replicates)),
        }

    def _is_engaged(self, name: str, values: Float32, count: int) -> Int64:
        wide = len(self.spec.observation_names)
        if values.shape != (count, wide) or not np.isfinite(values).all():
            raise ShapeError(f"{name}: got shape {values.shape}; wanted finite ({count}, {wide}) as at begin")
        return (values[:, self._place] > self.threshold).astype(np.int64)

    def _shapes(self) -> tuple[Float64, Float64]:
        """Shapes of the posterior of each chance ``(4, n)``."""
        table = (4, len(self.spec.replicate_ids), -1)
        engaged, seen = self._state["engaged"].reshape(table), self._state["seen"].reshape(table)
        if self.pooling == "full":
            engaged, seen = (np.broadcast_to(each.sum(axis=2, keepdims=True), each.shape) for each in (engaged, seen))
        if self.pooling == "partial":
            fitted = Shrunk(table[1], float(self.prior_successes), float(self.prior_failures))
            mean, strength = fitted.prior(engaged, seen)
            above, below = (mean * strength)[..., None], ((1.0 - mean) * strength)[..., None]
        else:
            above, below = np.full((1, 1, 1), self.prior_successes), np.full((1, 1, 1), self.prior_failures)
        return (engaged + above).reshape(4, -1), (seen - engaged + below).reshape(4, -1)

    def _gain(self, observation: Observation, luck: Luck | None) -> Float64:
        rows = np.arange(self.spec.num_envs) if observation.rows is None else observation.rows
        state = np.zeros(self.spec.num_envs, dtype=np.int64)
        state[rows] = self._is_engaged("values", observation.values, len(rows))
        a, b = self._shapes()
        chance = a / (a + b) if luck is None else luck.beta(a.T, b.T, observation.step, slot=2).T
        # One trial of each (next state, action) is taken as seen: engaged people pay all, others nothing.
        paid = (self._state["paid"] + np.array([[0.0], [0.0], [1.0], [1.0]])) / (self._state["times"] + 1.0)
        paid = np.repeat(paid, len(self.spec.entity_ids), axis=1)
        chance = chance.reshape(2, 2, -1)
        reward = np.stack([chance[:, k] * paid[2 + k] + (1.0 - chance[:, k]) * paid[k] for k in (0, 1)], axis=1)
        indices = two_state_indices(chance, reward, float(self.discount))
        return np.asarray(np.where(state == 1, indices[1], indices[0]))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        outcomes = Outcomes.of(self.spec, transitions)
        reward, count = outcomes.scaled(self.spec), len(outcomes.row)
        before = self._is_engaged("obs", transitions.obs, count)
        after = self._is_engaged("next_obs", transitions.next_obs, count)
        replicate = outcomes.row // len(self.spec.entity_ids)
        np.add.at(self._state["engaged"], (2 * before + outcomes.action, outcomes.row), after.astype(np.float64))
        np.add.at(self._state["seen"], (2 * before + outcomes.action, outcomes.row), 1.0)
        np.add.at(self._state["paid"], (2 * after + outcomes.action, replicate), reward)
        np.add.at(self._state["times"], (2 * after + outcomes.action, replicate), 1.0)
        return {}
