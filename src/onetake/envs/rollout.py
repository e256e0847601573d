"""One episode of a policy in any Gymnasium environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv

from onetake.errors import StoppedEarly
from onetake.types import Float64


def rollout(
    env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any],
    policy: Callable[[Any], Any],
    max_steps: int = 100_000,
    *,
    seed: int | None = None,
) -> float | Float64:
    """Play one episode and return its total reward, of each environment ``(n,)`` in a vector environment.

    Args:
        env: a single or vector environment.
        policy: from observation to action, or from observations to actions.
        max_steps: most steps that the episode may take.
        seed: of the reset.

    Raises:
        StoppedEarly: the episode was still running after ``max_steps``.

    >>> from onetake.envs import make
    >>> rollout(make("Cohort-v0", config={"horizon": 3, "p": 1, "q": [0, 1]}), lambda obs: 1)
    30000.0
    """
    obs, _ = env.reset(seed=seed)
    many = isinstance(env, VectorEnv)
    total = np.zeros(env.num_envs if isinstance(env, VectorEnv) else 1)
    running = np.ones(len(total), dtype=np.bool_)
    for _ in range(max_steps):
        obs, reward, terminated, truncated, _ = env.step(policy(obs))
        total[running] += np.broadcast_to(np.asarray(reward, dtype=np.float64), total.shape)[running]
        running &= ~np.logical_or(terminated, truncated)
        if not running.any():
            return total if many else float(total[0])
    raise StoppedEarly(f"rollout: got an episode still running after {max_steps} steps; wanted its end")
