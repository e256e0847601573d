"""A replay buffer as plain lists: what the fast one is held to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


def equal(one: Any, other: Any) -> bool:
    """Whether two observations, dicts or not, are the same."""
    if isinstance(one, dict):
        return all(np.array_equal(one[key], other[key]) for key in one)
    return np.array_equal(one, other)


@dataclass
class Step:
    """A step as it was lived; `breaks` says that what followed did not continue it."""

    obs: Any
    action: Any
    reward: float
    next_obs: Any
    terminated: bool
    truncated: bool
    number: int
    first: bool
    breaks: bool = False

    @property
    def last(self) -> bool:
        return self.terminated or self.truncated or self.breaks


@dataclass
class PlainBuffer:
    """Steps of each environment in a list; `capacity` is that of one environment."""

    capacity: int
    num_envs: int
    n_step: int
    discount: float
    steps: list[list[Step]] = field(default_factory=list)
    added: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steps = [[] for _ in range(self.num_envs)]
        self.added = [0] * self.num_envs

    def add(self, env: int, obs: Any, action: Any, reward: float, next_obs: Any, ends: tuple[bool, bool]) -> None:
        own = self.steps[env]
        if own and not own[-1].last and not equal(own[-1].next_obs, obs):
            own[-1].breaks = True
        number = self.added[env] * self.num_envs + env
        first = self.added[env] == 0 or own[-1].last
        own.append(Step(obs, action, reward, next_obs, *ends, number, first))
        self.added[env] += 1
        del own[: max(0, len(own) - self.capacity)]

    def cut(self) -> None:
        for own in self.steps:
            if own and not own[-1].last:
                own[-1].breaks = True

    def held(self) -> dict[int, tuple[int, int]]:
        """Environment and place of each held step, by number."""
        return {step.number: (env, i) for env, own in enumerate(self.steps) for i, step in enumerate(own)}

    def transition(self, number: int) -> tuple[Any, Any, float, Any, bool, bool, float]:
        """Observation, action, summed reward, next observation, ends and discount, in the definition's own words."""
        env, at = self.held()[number]
        reward, discount = 0.0, 1.0
        for step in self.steps[env][at : at + self.n_step]:
            reward += discount * step.reward
            discount *= self.discount
            last = step
            if step.last:
                break
        first = self.steps[env][at]
        worth = 0.0 if last.terminated else discount
        return first.obs, first.action, reward, last.next_obs, last.terminated, last.truncated, worth

    def run(self, number: int) -> list[Step]:
        """The steps from one on to the end of its episode, or to the newest."""
        env, at = self.held()[number]
        out = []
        for step in self.steps[env][at:]:
            out.append(step)
            if step.last:
                break
        return out

    def whole(self) -> list[list[Step]]:
        """Episodes that have ended and of which every step is held, environment by environment, oldest first."""
        out = []
        for own in self.steps:
            running: list[Step] | None = None
            for step in own:
                # Steps before the first beginning belong to an episode whose head has gone.
                running = [] if step.first else running
                if running is not None:
                    running.append(step)
                    if step.last:
                        out.append(running)
        return out
