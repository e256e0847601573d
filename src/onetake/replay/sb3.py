"""The buffer in the form that Stable-Baselines3's off-policy algorithms take as ``replay_buffer_class=``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from onetake.errors import CheckpointError
from onetake.replay.batch import Batch
from onetake.replay.buffer import ReplayBuffer
from onetake.replay.parts import Hindsight


class SB3ReplayBuffer:
    """A `ReplayBuffer` with the methods of Stable-Baselines3's own: ``SAC("MlpPolicy", env, replay_buffer_class=…)``.

    Settings go into ``replay_buffer_kwargs``. Rows keep the next observation once, also where episodes end at a time
    limit; actions and rewards leave as Torch tensors. Priorities are not offered: these algorithms never update them.

    Args:
        buffer_size: transitions held; cut to a multiple of ``n_envs``, as theirs is.
        observation_space: of one environment.
        action_space: of one environment.
        device: of the tensors.
        n_envs: environments that add side by side.
        optimize_memory_usage: accepted, as next observations are never stored twice.
        handle_timeout_termination: whether ends at a time limit keep the value of what would have followed.
        n_steps: steps whose rewards a transition adds up.
        gamma: what a reward one step later is worth; used with ``n_steps``.
        seed: root of all draws.
        hindsight: give transitions goals that were reached.
        memory_map: a new file in which rows are kept instead of memory.

    Raises:
        ConfigError: as `ReplayBuffer`.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: Any = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        *,
        handle_timeout_termination: bool = True,
        n_steps: int = 1,
        gamma: float = 0.99,
        seed: int = 0,
        hindsight: Hindsight | None = None,
        memory_map: Path | str | None = None,
    ) -> None:
        from stable_baselines3.common.utils import get_device

        self.buffer_size = max(buffer_size // n_envs, 1)
        self.buffer = ReplayBuffer(
            observation_space,
            action_space,
            self.buffer_size * n_envs,
            num_envs=n_envs,
            seed=seed,
            n_step=n_steps,
            discount=gamma,
            hindsight=hindsight,
            memory_map=memory_map,
        )
        self.observation_space, self.action_space = observation_space, action_space
        self.device, self.n_envs, self.n_steps = get_device(device), n_envs, n_steps
        self.optimize_memory_usage = optimize_memory_usage
        self.handle_timeout_termination = handle_timeout_termination

    def add(self, obs: Any, next_obs: Any, action: Any, reward: Any, done: Any, infos: list[dict[str, Any]]) -> None:
        """Add a transition of each environment, in Stable-Baselines3's order of arguments."""
        late = np.array([bool(info.get("TimeLimit.truncated", False)) for info in infos])
        done = np.asarray(done, dtype=np.bool_)
        truncated = done & late if self.handle_timeout_termination else np.zeros_like(done)
        shape = (self.n_envs, *(self.action_space.shape or ()))
        action = np.asarray(action, dtype=self.action_space.dtype).reshape(shape)
        self.buffer.add(obs, action, np.asarray(reward, dtype=np.float64), next_obs, done & ~truncated, truncated)

    def sample(self, batch_size: int, env: Any = None) -> Any:
        """Draw a batch as ``ReplayBufferSamples``, normalised by ``env`` where it normalises.

        Their algorithms begin to learn before a batch is held, so that more than is held may be drawn here.

        Raises:
            NotReadyError: where nothing is held.
        """
        from stable_baselines3.common.type_aliases import DictReplayBufferSamples, ReplayBufferSamples

        batch = self._drawn(batch_size)
        obs, next_obs, reward = batch.obs, batch.next_obs, batch.reward.astype(np.float32)
        if env is not None:
            obs, next_obs, reward = env.normalize_obs(obs), env.normalize_obs(next_obs), env.normalize_reward(reward)
        action = batch.action.reshape(batch_size, -1)
        action = action.astype(np.float32) if action.dtype == np.float64 else action
        kind = DictReplayBufferSamples if isinstance(obs, dict) else ReplayBufferSamples
        ends = batch.terminated.astype(np.float32).reshape(-1, 1)
        parts = [
            self._tensors(part) for part in (obs, action, next_obs, ends, reward.astype(np.float32).reshape(-1, 1))
        ]
        if self.n_steps > 1:
            parts.append(self._tensors(batch.discount.astype(np.float32).reshape(-1, 1)))
        return kind(*parts)

    def _drawn(self, batch_size: int) -> Batch:
        held = max(len(self.buffer), 1)
        if batch_size <= held:
            return self.buffer.sample(batch_size)
        parts = [self.buffer.sample(min(held, batch_size - start)) for start in range(0, batch_size, held)]
        return Batch._make(_joined(list(columns)) for columns in zip(*parts, strict=True))

    def size(self) -> int:
        """Steps held of each environment."""
        return len(self.buffer) // self.n_envs

    @property
    def full(self) -> bool:
        """Whether the next transition drives one out."""
        return self.size() == self.buffer_size

    @property
    def pos(self) -> int:
        """Where the next step goes."""
        return self.buffer.num_added // self.n_envs % self.buffer_size

    def _tensors(self, given: Any) -> Any:
        import torch

        if isinstance(given, dict):
            return {key: self._tensors(part) for key, part in given.items()}
        return torch.as_tensor(given, device=self.device)

    def __getstate__(self) -> Any:
        raise CheckpointError(
            "save_replay_buffer: got a buffer that is not pickled; wanted model.replay_buffer.buffer.save"
        )


def _joined(columns: list[Any]) -> Any:
    if isinstance(columns[0], dict):
        return {key: _joined([column[key] for column in columns]) for key in columns[0]}
    return np.concatenate(columns)
