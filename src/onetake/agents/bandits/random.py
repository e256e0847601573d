"""Plays at random: the yardstick below which nothing may fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.budget import inclusion, top
from onetake.draws import Draws
from onetake.types import Bool, Float64, Int64, Observation


@dataclass(eq=False)
class Random(AbstractFleetBandit):
    """Every allowed action with the same chance, whatever happened.

        π(a) = 1 / k;   with a budget of B for n who may be treated:   π(a) = min(1, B / n) / (k − 1) for a > 0

    Under a budget, B of those who may be treated are drawn evenly, so that the chance of each is known.

    Choose it when: a first log is wanted that off-policy evaluation can use best.   Not when: rewards matter already.
    Source: uniform exploration; Lattimore and Szepesvári, *Bandit Algorithms*, 2020, section 6.1 (exploration phase).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = Random()
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    @property
    def respects_budget(self) -> bool:
        """It treats as many as the budget allows, and no more."""
        return True

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        if self.spec.budget is None:
            return super()._decide(observation, explore)
        luck = self._luck(observation.step, 0)
        treated = top(luck, self._may_be_treated(observation), self.spec.budget)
        kind = self._luck(observation.step, 1) * (self.spec.num_actions - 1)
        action = np.where(treated, 1 + kind.astype(np.int64), 0).ravel()
        return action if observation.rows is None else action[observation.rows]

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        if self.spec.budget is None:
            return super()._probabilities(observation, explore)
        chance = inclusion(self._may_be_treated(observation), self.spec.budget).ravel()
        chance = chance if observation.rows is None else chance[observation.rows]
        others = self.spec.num_actions - 1
        return np.column_stack([1.0 - chance, *[chance / others] * others])

    def _luck(self, step: int, slot: int) -> Float64:
        """A number for each environment ``(R, E)``."""
        entities = self.spec.entity_ids
        first, count = int(entities[0]), len(entities)
        replicates = [int(replicate) for replicate in self.spec.replicate_ids]
        draws = [Draws(self._seed, first_entity=first, entities=count, first_replicate=r) for r in replicates]
        return np.stack([one.uniform(step, slot=slot) for one in draws])

    def _may_be_treated(self, observation: Observation) -> Bool:
        """Who of each replicate may be treated ``(R, E)``: who is asked about and has every other action open."""
        spec = self.spec
        open_to = np.zeros(spec.num_envs, dtype=np.bool_)
        rows = slice(None) if observation.rows is None else observation.rows
        open_to[rows] = True if observation.mask is None else observation.mask[:, 1:].all(axis=1)
        return open_to.reshape(len(spec.replicate_ids), -1)

    def _rule(self, explore: bool) -> Rule:
        return ("uniform", 0.0, 0.0)

    def _learns(self) -> bool:
        return False
