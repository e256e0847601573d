"""Transitions of vector environments arrive as they were lived, in every autoreset mode."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from onetake.envs import make_vec
from onetake.errors import ShapeError
from onetake.replay import ReplayBuffer

MODES = [AutoresetMode.DISABLED, AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP]


class Counter(gym.Env[Any, Any]):
    """Observes (episode, step); ends after `length` steps, by termination in even episodes and truncation in odd."""

    observation_space = spaces.Box(0, 1e6, (2,), np.float32)
    action_space = spaces.Discrete(7)

    def __init__(self, length: int) -> None:
        self.length, self.episode, self.step_ = length, -1, 0

    def _obs(self) -> Any:
        return np.array([self.episode, self.step_], np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.episode, self.step_ = self.episode + 1, 0
        return self._obs(), {}

    def step(self, action: Any) -> Any:
        self.step_ += 1
        over, odd = self.step_ == self.length, self.episode % 2 == 1
        return self._obs(), float(10 * self.episode + self.step_), over and not odd, over and odd, {}


def played(mode: AutoresetMode) -> ReplayBuffer:
    lengths = (3, 5)
    env = SyncVectorEnv([lambda length=length: Counter(length) for length in lengths], autoreset_mode=mode)
    buffer = ReplayBuffer.of(env, 200, seed=1)
    obs, _ = env.reset(seed=0)
    for t in range(40):
        action = np.array([t % 7, (t + 1) % 7])
        next_obs, reward, terminated, truncated, infos = env.step(action)
        buffer.add(obs, action, reward, next_obs, terminated, truncated, infos)
        ended = terminated | truncated
        if mode is AutoresetMode.DISABLED and ended.any():
            next_obs, _ = env.reset(options={"reset_mask": ended})
        obs = next_obs
    return buffer


@pytest.mark.buffer_autoreset
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_every_transition_is_one_that_was_lived(mode: AutoresetMode) -> None:
    buffer = played(mode)
    lengths = np.array([3, 5])
    # Of 40 calls, those behind an end only reset the environment in mode NextStep.
    steps = [40 - (40 // (n + 1) if mode is AutoresetMode.NEXT_STEP else 0) for n in lengths]
    assert len(buffer) == sum(steps)
    batch = buffer.sample(len(buffer))
    length = lengths[batch.indices % 2]
    episode, step = batch.obs.T
    assert np.array_equal(batch.next_obs, np.stack([episode, step + 1], axis=1))
    assert np.array_equal(batch.reward, 10 * episode + step + 1)
    over = step + 1 == length
    assert np.array_equal(batch.terminated, over & (episode % 2 == 0))
    assert np.array_equal(batch.truncated, over & (episode % 2 == 1))
    assert np.array_equal(batch.discount == 0, batch.terminated)


@pytest.mark.buffer_autoreset
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
def test_our_own_environments_keep_their_final_observations(mode: AutoresetMode) -> None:
    env = make_vec("onetake/Reach-v0", num_envs=3, config={"horizon": 4}, autoreset_mode=mode)
    buffer = ReplayBuffer.of(env, 300, seed=2)
    obs, _ = env.reset(seed=3)
    for _ in range(20):
        action = np.full((3, 2), 0.5, np.float32)
        next_obs, reward, terminated, truncated, infos = env.step(action)
        buffer.add(obs, action, reward, next_obs, terminated, truncated, infos)
        ended = terminated | truncated
        if mode is AutoresetMode.DISABLED and ended.any():
            next_obs, _ = env.reset(options={"reset_mask": ended})
        obs = next_obs
    batch = buffer.sample(len(buffer))
    # The goal stays within an episode and is drawn anew for the next one: no transition crosses a reset.
    assert np.array_equal(batch.obs["desired_goal"], batch.next_obs["desired_goal"])
    moved = np.abs(batch.next_obs["achieved_goal"] - batch.obs["achieved_goal"])
    # A step is 0.1 of the velocity, less where the edge of the square is met; 1e-6 for 32 bits.
    assert moved.max() <= 0.05 + 1e-6
    assert batch.truncated.any()


@pytest.mark.buffer_autoreset
@pytest.mark.bad_input
def test_a_missing_final_observation_is_refused() -> None:
    buffer = ReplayBuffer(Counter.observation_space, Counter.action_space, 9, autoreset_mode="SameStep")
    one = np.zeros(2, np.float32)
    buffer.add(one, 0, 0.0, one, False, False)
    with pytest.raises(ShapeError, match="infos: got no 'final_obs' where an episode ended"):
        buffer.add(one[None], np.array([0]), np.zeros(1), one[None], np.array([True]), np.array([False]), {})


@pytest.mark.buffer_autoreset
def test_a_reset_of_ones_own_ends_the_episode_without_terminating_it() -> None:
    buffer = ReplayBuffer(Counter.observation_space, Counter.action_space, 9, autoreset_mode="NextStep", n_step=3)
    one = np.zeros(2, np.float32)
    buffer.add(one, 0, 1.0, one, False, False)
    buffer.cut()
    buffer.add(one, 0, 1.0, one, True, False)
    buffer.cut()  # Without it, the next step would be taken for the one that resets.
    buffer.add(one, 0, 1.0, one, False, False)
    batch = buffer.sample(3)
    assert len(buffer) == 3
    assert (batch.reward == 1).all()
    assert np.array_equal(batch.discount == 0, batch.indices == 1)
