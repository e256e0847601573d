"""What is in use today: the policy that a new agent must not be worse than.

A suite names its incumbent. By default that is the best fixed action of the *tune* part, found here by looking at what
each arm would have earned; on a fitted environment it is the logging policy. What is scored was never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onetake.agents import AbstractAgent, Fixed
from onetake.draws import Draws
from onetake.errors import ConfigError
from onetake.evaluation.standards import is_known
from onetake.seeding import child_seed
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

if TYPE_CHECKING:
    from onetake.envs.suite import EnvironmentEntry, Suite

INCUMBENT = "incumbent"


def incumbent_probabilities(suite: Suite, environment: str, num_actions: int) -> Float64 | None:
    """Chance with which the suite's incumbent plays each arm ``(k,)``, or None where the suite names none.

    ``suite.incumbent`` is a mapping with ``action`` (a number) or ``probabilities`` (a list), or with either as a
    mapping from environment to that; an environment without an incumbent has the action None.

    Raises:
        ConfigError: the incumbent names no action of the environment, or its probabilities do not sum to 1.
    """
    if suite.incumbent is None:
        return None
    what = f"incumbent of suite {suite.name}"
    probabilities = _of(suite.incumbent.get("probabilities"), environment)
    if probabilities is not None:
        chances = np.asarray(probabilities, dtype=np.float64)
        if chances.shape != (num_actions,) or not (chances >= 0).all() or abs(chances.sum() - 1) > 1e-6:
            raise ConfigError(f"{what}: got probabilities {probabilities}; wanted {num_actions} that sum to 1")
        return chances
    named = suite.incumbent.get("action")
    action = _of(named, environment)
    if action is None and isinstance(named, Mapping) and environment in named:
        return None
    if not isinstance(action, int) or not 0 <= action < num_actions:
        raise ConfigError(f"{what}: got action {action!r} in {environment}; wanted 0 to {num_actions - 1}")
    return np.asarray(np.eye(num_actions)[action], dtype=np.float64)


def incumbent_agent(probabilities: Float64) -> AbstractAgent:
    """Return the incumbent as an agent that never learns.

    >>> incumbent_agent(np.array([0.0, 1.0]))
    Fixed(action=1, floor=0.0)
    """
    if probabilities.max() == 1.0:
        return Fixed(action=int(probabilities.argmax()))
    return Mixture(tuple(probabilities.tolist()))


@dataclass(eq=False)
class Mixture(AbstractAgent):
    """Plays each arm with a stated chance, whatever it sees.

    Attributes:
        probabilities: chance of each arm.
    """

    probabilities: tuple[float, ...]

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if len(self.probabilities) != spec.num_actions:
            return f"probabilities: got {len(self.probabilities)}; wanted one for each of {spec.num_actions} actions"
        return super().supports(spec)

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._draws = [
            Draws(seed, first_entity=int(spec.entity_ids[0]), entities=len(spec.entity_ids), first_replicate=int(r))
            for r in spec.replicate_ids
        ]

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        if not explore:
            return np.full(len(observation.values), int(np.argmax(self.probabilities)), dtype=np.int64)
        chances = np.asarray(self.probabilities)
        drawn = np.concatenate([draws.categorical(chances, observation.step) for draws in self._draws])
        actions: Int64 = drawn.astype(np.int64)
        return actions if observation.rows is None else actions[observation.rows]

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        chances = np.asarray(self.probabilities) if explore else np.eye(len(self.probabilities))[self._best]
        return np.tile(chances, (len(observation.values), 1))

    @property
    def _best(self) -> int:
        return int(np.argmax(self.probabilities))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        return {}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        return None


def best_fixed_actions(suite: Suite, seed: int) -> dict[str, int | None]:
    """For each environment of a suite (its tune part), the arm with the highest expected reward over all replicates.

    Nothing is learnt and no reward is looked at: only the expected rewards that the evaluator knows. Where it knows
    none, there is no arm.
    """
    return {
        entry.name: _best_fixed_action(entry, child_seed(seed, "environment", suite.name, entry.name))
        for entry in suite.environments
    }


def _best_fixed_action(entry: EnvironmentEntry, seed: int) -> int | None:
    env = entry.make(seed)
    if not is_known(env):
        return None
    env.reset(seed=seed)
    action = np.zeros(env.num_envs, dtype=np.int64)
    total = 0.0
    while True:
        total = total + env.account(action)["arms"].sum(axis=0)
        _, _, terminated, truncated, _ = env.step(action)
        if (terminated | truncated).all():
            return int(np.argmax(total))


def _of(named: object, environment: str) -> Any:
    return named.get(environment) if isinstance(named, Mapping) else named
