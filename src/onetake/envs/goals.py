"""Environments with a goal, in the layout that hindsight replay reads: dict observations and a reward of its own.

The layout is that of Gymnasium-Robotics' ``GoalEnv``. Evaluation and agents of this package play the same environments
with their observations as plain rows, through `SimVectorEnv`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from onetake.envs.sim import SimVectorEnv
from onetake.envs.single import SimEnv
from onetake.types import Bool, Float32, Float64

Goals = dict[str, Float32]
_KEYS = ("observation", "achieved_goal", "desired_goal")


def split(obs: Float32) -> Goals:
    """Return rows ``(…, 2g)`` of place and goal as a dict of three arrays ``(…, g)`` that share nothing.

    >>> split(np.array([0.5, 0.0, 1.0, 1.0], np.float32))["desired_goal"]
    array([1., 1.], dtype=float32)
    """
    half = obs.shape[-1] // 2
    place, goal = obs[..., :half], obs[..., half:]
    return dict(zip(_KEYS, (place.copy(), place.copy(), goal.copy()), strict=True))


def goal_reward(achieved: Any, desired: Any, tolerance: float) -> Any:
    """Return 0 where ``achieved`` is within ``tolerance`` of ``desired`` and -1 elsewhere, over the last axis.

    >>> goal_reward(np.zeros((2, 2)), np.array([[0.0, 0.03], [0.1, 0.0]]), 0.05)
    array([ 0., -1.])
    """
    away = np.asarray(achieved, dtype=np.float64) - np.asarray(desired, dtype=np.float64)
    near = np.square(away).sum(axis=-1) <= tolerance * tolerance
    return np.where(near, 0.0, -1.0)


def _space(plain: spaces.Space[Any]) -> spaces.Dict:
    assert isinstance(plain, spaces.Box)
    low, high = split(plain.low), split(plain.high)
    return spaces.Dict({key: spaces.Box(low[key], high[key], dtype=np.float32) for key in _KEYS})


class GoalVectorEnv(SimVectorEnv):
    """Environments with a goal that step in one native call, with dict observations; arguments as `SimVectorEnv`.

    >>> env = GoalVectorEnv("reach", entities=3)
    >>> obs, infos = env.reset(seed=1)
    >>> obs, reward, *_ = env.step(np.zeros((3, 2), np.float32))
    >>> bool((env.compute_reward(obs["achieved_goal"], obs["desired_goal"], {}) == reward).all())
    True
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.single_observation_space = _space(self.single_observation_space)
        self._tolerance = float(self.config["tolerance"])

    def reset(  # type: ignore[override]  # observations are dicts here
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Goals, dict[str, Any]]:
        """Start all environments or those of a mask, as `SimVectorEnv.reset`."""
        obs, infos = super().reset(seed=seed, options=options)
        return split(obs), infos

    def step(  # type: ignore[override]  # as above
        self, actions: Any
    ) -> tuple[Goals, Float64, Bool, Bool, dict[str, Any]]:
        """Take an action in every environment, as `SimVectorEnv.step`."""
        obs, reward, terminated, truncated, infos = super().step(actions)
        if "final_obs" in infos:
            final = infos["final_obs"]
            for row in np.flatnonzero(infos["_final_obs"]):
                final[row] = split(final[row])
        return split(obs), reward, terminated, truncated, infos

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Float64:
        """Return the reward ``(…)`` of having reached ``achieved_goal`` ``(…, g)`` when ``desired_goal`` was wanted."""
        rewards: Float64 = goal_reward(achieved_goal, desired_goal, self._tolerance)
        return rewards


class GoalEnv(SimEnv):
    """One environment with a goal, with dict observations; arguments as `SimEnv`.

    >>> obs, info = GoalEnv("reach").reset(seed=1)
    >>> sorted(obs)
    ['achieved_goal', 'desired_goal', 'observation']
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.observation_space: spaces.Space[Any] = _space(self.observation_space)
        self._tolerance = float(self.config["tolerance"])

    def reset(  # type: ignore[override]  # observations are dicts here
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Goals, dict[str, Any]]:
        """Start the episode, as `SimEnv.reset`."""
        obs, info = super().reset(seed=seed, options=options)
        return split(obs), info

    def step(  # type: ignore[override]  # as above
        self, action: Any
    ) -> tuple[Goals, float, bool, bool, dict[str, Any]]:
        """Take an action, as `SimEnv.step`."""
        obs, reward, terminated, truncated, info = super().step(action)
        return split(obs), reward, terminated, truncated, info

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        """Return the reward of having reached ``achieved_goal`` ``(…, g)`` when ``desired_goal`` was wanted ``(…)``."""
        return goal_reward(achieved_goal, desired_goal, self._tolerance)[()]
