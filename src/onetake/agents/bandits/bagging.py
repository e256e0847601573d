"""Follows one of several models that each learnt from a different resample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np

from onetake.agents.bandits.choice import even, mixed
from onetake.agents.bandits.linear import ARM, AbstractLinearBandit
from onetake.agents.bandits.outcomes import Outcomes
from onetake.agents.checks import check_index, check_number
from onetake.types import Float64, Observation, Transitions


@dataclass(eq=False)
class Bagging(AbstractLinearBandit):
    """Plays the greedy arm of one of B linear models, drawn evenly; each takes in an outcome a Poisson number of times.

        π(a) = (1/B) Σ_b 1[a = argmax_c θ_bᵀ(c) x],   weight of an outcome in model b ~ Poisson(1)

    Choose it when: a posterior is out of reach but its spread is wanted; propensities are exact.   Not when: B models
    cost too much.
    Source: Agarwal, Hsu, Kale, Langford, Li and Schapire, *Taming the monster*, ICML 2014, section 5 (online bagging);
    Bietti, Agarwal and Langford, *A contextual bandit bake-off*, JMLR 22, 2021, algorithm 4; weights: Oza and Russell,
    *Online bagging and boosting*, 2001.

    Attributes:
        bags: number of models B, at most 24.
        ridge: λ above 0. model: ``disjoint``, a regression an arm, or ``hybrid``, one for all arms
            (`AbstractLinearBandit`).
        intercept: whether a 1 stands before the context.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = Bagging(bags=8)
    >>> agent.begin(BatchSpec("docs/Ads-v0", ids, ids[:1], 2, ("age",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.ones((4, 1), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    bags: int = 10
    ridge: float = 1.0
    model: Literal["disjoint", "hybrid"] = "disjoint"
    intercept: bool = True
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_index("bags", self.bags)
        check_number("bags", self.bags, 1, 24)
        self._check_settings()

    def _copies(self) -> int:
        return int(self.bags)

    def _each(self, observation: Observation) -> list[Float64]:
        """What each model predicts ``(m, k)``."""
        group, x = self._asked(observation)
        return [self._predict_group(group * self.bags + bag, x)[0] for bag in range(self.bags)]

    def _scores(self, observation: Observation, explore: bool) -> Float64 | None:
        if explore:
            return None
        each = self._each(observation)
        return reduce(np.add, each) / self.bags

    def _odds(self, observation: Observation) -> Float64:
        votes = [even(mean, observation.mask) for mean in self._each(observation)]
        return reduce(np.add, votes) / self.bags

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        scores = self._scores(observation, explore)
        chances = self._odds(observation) if scores is None else even(scores, observation.mask)
        return mixed(chances, observation.mask, *self._shares(explore))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        outcomes = Outcomes.of(self.spec, transitions)
        reward = self._value(outcomes)
        group, place, x = self._taught(outcomes, transitions.obs)
        times = np.zeros((len(reward), self.bags))
        for step in np.unique(outcomes.step).tolist():
            part = np.flatnonzero(outcomes.step == step)
            times[part] = self._luck.poisson(1.0, self.bags, step, slot=ARM, rows=outcomes.row[part])
        for bag in range(self.bags):
            model = (group * self.bags + bag) * self._width + place
            self._core.learn(model, x, reward, times[:, bag].copy())
        return {}
