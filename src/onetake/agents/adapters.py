"""Agents behind the verbs of other libraries, and other libraries' agents behind ours.

Three sets of verbs are known, by the shortest name of what they do:

- ``memorize``: ``act(state) -> action``, ``memorize(state, action, reward, next_state, done)``, ``update()``;
- ``train``: ``compute_action(obs) -> action``, ``update(obs, action, reward, next_obs, done)``, ``train()``;
- ``info``: ``act(obs) -> (action, info)``, which learns elsewhere.

`Verbs` gives an agent of ours all of them; `Foreign` makes an agent of ours from an object that has one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onetake.agents.base import AbstractAgent
from onetake.agents.checks import check_choice
from onetake.agents.one_at_a_time import row
from onetake.build import load_class
from onetake.errors import CheckpointError, ConfigError
from onetake.types import BatchSpec, Float64, Int64, Observation, Transitions

_NEEDED = {
    "memorize": ("act", "memorize", "update"),
    "train": ("compute_action", "update", "train"),
    "info": ("act",),
}


class Verbs:
    """An agent that was begun for one entity, behind the verbs ``act``, ``compute_action``, ``memorize`` and kin.

    ``memorize`` keeps outcomes until ``update()`` or ``train()``, which learns from them in order; ``update`` with an
    outcome keeps it too. ``act`` gives action and info where ``info`` is True.

    Args:
        agent: begun for one entity.
        info: whether ``act`` gives ``(action, info)``; info has the propensity and how it is known.

    >>> from onetake.agents import EpsilonGreedy
    >>> from onetake.agents.one_at_a_time import one_entity
    >>> agent = EpsilonGreedy(epsilon=0.0)
    >>> agent.begin(one_entity(2), seed=1)
    >>> verbs = Verbs(agent)
    >>> for action in (0, 1):
    ...     verbs.memorize(None, action, float(action), None, False)
    >>> verbs.update()
    2
    >>> verbs.act(None)
    1
    """

    def __init__(self, agent: AbstractAgent, *, info: bool = False) -> None:
        self.agent = agent
        self._info = info
        self._step = 0
        self._kept: list[tuple[Any, Any, float, Any, bool]] = []

    def act(self, observation: Any) -> Any:
        """The action, or ``(action, info)``."""
        if not self._info:
            return self.compute_action(observation)
        seen = Observation(row(self.agent, "observation", observation), self._step)
        decision = self.agent.act(seen, propensity=True)
        self._step += 1
        known = None if decision.propensity is None else float(decision.propensity[0])
        return decision.action[0], {"propensity": known, "propensity_kind": decision.propensity_kind}

    def compute_action(self, observation: Any) -> Any:
        """The action."""
        seen = Observation(row(self.agent, "observation", observation), self._step)
        self._step += 1
        action = self.agent.act(seen).action[0]
        return int(action) if self.agent.spec.num_actions else action

    def memorize(self, state: Any, action: Any, reward: float, next_state: Any, done: bool) -> None:
        """Keep an outcome until the next `update` or `train`."""
        self._kept.append((state, action, float(reward), next_state, bool(done)))

    def update(self, *outcome: Any) -> int:
        """Learn from what was kept; with an outcome, keep it. Gives how many outcomes are learnt or kept."""
        if outcome:
            self.memorize(*outcome)
            return len(self._kept)
        return self.train()

    def train(self) -> int:
        """Learn from what was kept, in order; gives how many outcomes those were."""
        kept, self._kept = self._kept, []
        first = self._step - len(kept)
        for i, (state, action, reward, after, done) in enumerate(kept):
            obs = row(self.agent, "state", state)
            points = self.agent.spec.num_actions == 0
            taken: Any = np.asarray(action, dtype=np.float32).reshape(1, -1) if points else np.asarray([action])
            ended = np.array([done])
            self.agent.learn(
                Transitions(
                    decision_step=max(first + i, 0),
                    obs=obs,
                    action=taken,
                    reward=np.array([reward]),
                    next_obs=obs if after is None else row(self.agent, "next_state", after),
                    terminated=ended,
                    truncated=np.zeros(1, dtype=np.bool_),
                )
            )
        return len(kept)


@dataclass(eq=False)
class Foreign(AbstractAgent):
    """Another library's agent, one object for each environment, under our protocol.

    Its chances are not known: a log of it cannot be used by off-policy evaluation. It cannot be saved, since what it
    has learnt is its own. Masks are not told to it; an action that a mask forbids is refused.

    Attributes:
        entry_point: ``package.module:Class`` or ``path/file.py:Class`` of the object.
        verbs: ``memorize``, ``train`` or ``info``, as above.
        options: keywords of the class; ``seed`` is added where ``seeded``, another for each environment.
        seeded: whether the class takes a ``seed``.

    >>> Foreign("my_agents.py:Eager", verbs="train", options={"arms": 3})
    Foreign(entry_point='my_agents.py:Eager', verbs='train', options={'arms': 3}, seeded=False)
    """

    entry_point: str
    verbs: Literal["memorize", "train", "info"] = "memorize"
    options: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = False

    def __post_init__(self) -> None:
        check_choice("verbs", self.verbs, tuple(_NEEDED))

    def _start(self, spec: BatchSpec, seed: int) -> None:
        cls: Any = load_class(self.entry_point, object)
        self._objects = []
        for replicate in spec.replicate_ids.tolist():
            for entity in spec.entity_ids.tolist():
                own = {"seed": (seed + 1_000_003 * replicate + entity) % 2**32} if self.seeded else {}
                self._objects.append(cls(**{**self.options, **own}))
        missing = [verb for verb in _NEEDED[self.verbs] if not callable(getattr(self._objects[0], verb, None))]
        if missing:
            raise ConfigError(f"entry_point: got {self.entry_point} without {', '.join(missing)}; wanted it to have it")

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        rows = range(self.spec.num_envs) if observation.rows is None else observation.rows.tolist()
        taken = [self._one(self._objects[i], seen) for i, seen in zip(rows, observation.values, strict=True)]
        action = np.asarray(taken, dtype=np.int64)
        if observation.mask is not None and not observation.mask[np.arange(len(action)), action].all():
            place = int(np.argmin(observation.mask[np.arange(len(action)), action]))
            raise ConfigError(
                f"action: got {action[place]} in row {place} from {self.entry_point}; wanted an allowed one"
            )
        return action

    def _one(self, it: Any, seen: Any) -> int:
        if self.verbs == "train":
            return int(it.compute_action(seen))
        taken = it.act(seen)
        return int(taken[0] if self.verbs == "info" else taken)

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        raise ConfigError(
            f"propensity: got {self.entry_point}, whose chances are not known; wanted an agent of onetake"
        )

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        if self.verbs == "info":
            return {}
        rows = range(self.spec.num_envs) if transitions.rows is None else transitions.rows.tolist()
        ended = transitions.terminated | transitions.truncated
        for k, i in enumerate(rows):
            it, parts = self._objects[i], (transitions.obs[k], int(transitions.action[k]), float(transitions.reward[k]))
            outcome = (*parts, transitions.next_obs[k], bool(ended[k]))
            if self.verbs == "memorize":
                it.memorize(*outcome)
                it.update()
            else:
                it.update(*outcome)
                it.train()
        return {}

    def _arrays(self) -> dict[str, NDArray[Any]]:
        raise CheckpointError(f"state: got an agent of {self.entry_point}, which keeps its own; wanted one of onetake")

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        raise CheckpointError(f"state: got an agent of {self.entry_point}, which keeps its own; wanted one of onetake")
