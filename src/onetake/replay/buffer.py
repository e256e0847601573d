"""The buffer: add transitions one by one, for many environments at once, or as recorded runs; draw them again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import ArrayLike, NDArray

from onetake import _core
from onetake.errors import ConfigError, ShapeError
from onetake.replay.autoreset import mode_of, with_final
from onetake.replay.batch import Batch, Sequences
from onetake.replay.parts import Demonstrations, Hindsight, Priorities
from onetake.replay.spaces import field_of, obs_fields
from onetake.types import Bool


class ReplayBuffer:
    """Transitions of one or many environments, drawn uniformly, by priority, in hindsight, or as runs of steps.

    A transition is one row of memory, and its next observation is the row behind it, so that nothing is stored twice
    and a draw touches one run of memory. When the buffer is full, the oldest transition of each environment goes.
    What is drawn is a function of the seed and of how many batches were drawn before: it is reproducible and goes on
    after `load`. Dtypes are kept.

    Args:
        observation_space: of one environment: arrays of numbers, or a dict of them.
        action_space: of one environment.
        capacity: transitions held, of all environments together; a multiple of ``num_envs``.
        num_envs: environments that add side by side.
        seed: root of all draws, in [0, 2^64).
        n_step: steps whose rewards a transition adds up; the sum stops at the end of the episode.
        discount: what a reward one step later is worth.
        priorities: draw by priority; without it, uniformly.
        hindsight: give transitions goals that were reached.
        demonstrations: transitions of a teacher in every batch.
        autoreset_mode: how the environments start again (`gymnasium.vector.AutoresetMode`, or its value). With
            ``SameStep``, `add` needs the infos; with ``NextStep``, it leaves out the step that only resets.
        memory_map: a new file in which rows are kept instead of memory; it is removed with the buffer.

    Raises:
        ConfigError: for settings out of range, and spaces that are no arrays of numbers.
        OutputError: for a memory map that cannot be made.

    >>> box, two = spaces.Box(-1, 1, (3,), np.float32), spaces.Discrete(2)
    >>> buffer = ReplayBuffer(box, two, capacity=100, n_step=2, discount=0.5)
    >>> obs = np.zeros((4, 3), np.float32) + np.arange(4, dtype=np.float32)[:, None] / 4
    >>> for t in range(3):
    ...     buffer.add(obs[t], 1, 1.0, obs[t + 1], t == 2, False)
    >>> batch = buffer.sample(3)
    >>> batch.obs.shape, batch.reward.tolist() == [1.5 if i < 2 else 1.0 for i in batch.indices]
    ((3, 3), True)
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        capacity: int,
        *,
        num_envs: int = 1,
        seed: int = 0,
        n_step: int = 1,
        discount: float = 0.99,
        priorities: Priorities | None = None,
        hindsight: Hindsight | None = None,
        demonstrations: Demonstrations | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.DISABLED,
        memory_map: Path | str | None = None,
    ) -> None:
        mode = mode_of(autoreset_mode)
        settings = {
            "obs": obs_fields(observation_space),
            "action": field_of("action", action_space, "action_space"),
            "reward_dtype": "float64",
            "capacity": capacity,
            "num_envs": num_envs,
            "seed": seed,
            "n_step": n_step,
            "discount": discount,
            "reset_steps": mode is AutoresetMode.NEXT_STEP,
            "priorities": None if priorities is None else dict(vars(priorities)),
            "hindsight": None if hindsight is None else {"strategy": hindsight.strategy, "goals": hindsight.goals},
        }
        core = _core.Replay(json.dumps(settings), None if memory_map is None else str(memory_map))
        self._take(core, mode, hindsight, demonstrations)

    def _take(
        self,
        core: _core.Replay,
        mode: AutoresetMode,
        hindsight: Hindsight | None,
        demonstrations: Demonstrations | None,
    ) -> None:
        self._core = core
        self._add = core.add
        self._discount: float = json.loads(core.settings())["discount"]
        self._mode = mode
        self._same_step = mode is AutoresetMode.SAME_STEP
        self._hindsight = hindsight
        self._demonstrations = demonstrations
        if demonstrations is not None and demonstrations.buffer._hindsight is not None:
            raise ConfigError("demonstrations: got a buffer with hindsight; wanted one without")
        self._extra = None if demonstrations is None else (demonstrations.buffer._core, demonstrations.batch_size)

    @classmethod
    def of(cls, env: VectorEnv[Any, Any, Any], capacity: int, **settings: Any) -> Self:
        """Return a buffer for the spaces, number and autoreset mode of ``env``; other arguments as the class."""
        about = {"num_envs": env.num_envs, "autoreset_mode": env.metadata.get("autoreset_mode", "Disabled")}
        return cls(env.single_observation_space, env.single_action_space, capacity, **{**about, **settings})

    def add(
        self,
        obs: Any,
        action: Any,
        reward: Any,
        next_obs: Any,
        terminated: Any,
        truncated: Any,
        infos: dict[str, Any] | None = None,
    ) -> None:
        """Add one transition, or one of each environment along axis 0.

        Args:
            obs: what the action was chosen for.
            action: what was done.
            reward: what it brought.
            next_obs: what ``step`` returned.
            terminated: whether nothing is worth anything behind it.
            truncated: whether the episode was broken off at a limit.
            infos: what ``step`` returned; needed with ``SameStep``, where it holds the final observations.

        Raises:
            ShapeError: for another shape or dtype than declared, and for NaN; nothing is added then.
        """
        if self._same_step:
            next_obs = with_final(next_obs, np.logical_or(terminated, truncated), infos)
        self._add(obs, action, reward, next_obs, terminated, truncated)

    def extend(
        self,
        obs: Any,
        action: Any,
        reward: ArrayLike,
        next_obs: Any,
        terminated: Bool,
        truncated: Bool,
        *,
        env: int = 0,
    ) -> None:
        """Add recorded transitions ``(T, …)`` of one environment in their order; arguments as `add`.

        A transition whose observation is not the next one of its predecessor begins a new episode.
        """
        self._core.extend(env, obs, action, reward, next_obs, terminated, truncated)

    def cut(self) -> None:
        """End all running episodes where they stand; call it after a reset that no end asked for."""
        self._core.cut()

    def sample(self, batch_size: int) -> Batch:
        """Draw ``batch_size`` transitions, with replacement, and the demonstrations behind them.

        Raises:
            NotReadyError: for more than is held.
            ShapeError: for rewards of another shape from `Hindsight.compute_reward`, and for NaN.
        """
        batch = Batch._make(self._core.sample(batch_size, self._extra))
        return batch if self._hindsight is None else _relabelled(batch, self._hindsight, self._discount)

    def sample_slices(self, batch_size: int, length: int) -> Sequences:
        """Draw runs of up to ``length`` steps: each held transition begins one with the same chance.

        A run ends with its episode, or with the newest step; `Sequences.mask` says where. Priorities, n steps and
        hindsight play no part.

        Raises:
            NotReadyError: for more than is held.
        """
        return Sequences._make(self._core.sample_slices(batch_size, length))

    def sample_episodes(self, batch_size: int) -> Sequences:
        """Draw episodes that have ended and of which every step is held, each with the same chance.

        Raises:
            NotReadyError: for more than there are.
        """
        return Sequences._make(self._core.sample_episodes(batch_size))

    def episode(self, number: int) -> Sequences:
        """Return a whole episode ``(T, 1, …)``, counted from the oldest of the first environment on.

        Raises:
            ShapeError: for a number from `num_episodes` on.
        """
        return Sequences._make(self._core.episode(number))

    def update_priorities(self, indices: NDArray[np.int64], priority: ArrayLike) -> None:
        """Give drawn transitions new priorities, such as the sizes of their errors ``(n,)``.

        Transitions that have left the buffer since are passed over, and so are demonstrations of a buffer without
        priorities.

        Raises:
            ShapeError: for NaN, infinity, a negative number, and another length.
            NotReadyError: where neither buffer has priorities.
        """
        given = np.asarray(priority, dtype=np.float64)
        if self._demonstrations is None:
            self._core.update_priorities(indices, given)
            return
        shown = indices < 0
        if self.beta is not None:
            self._core.update_priorities(indices[~shown], given[~shown])
        if self._demonstrations.buffer.beta is not None:
            self._demonstrations.buffer.update_priorities(-1 - indices[shown], given[shown])

    def save(self, path: Path | str) -> None:
        """Write everything, demonstrations apart, to a versioned file that holds numbers and text only.

        Raises:
            OutputError: if the place cannot be written; what stood there before still stands.
        """
        about = {"autoreset_mode": self._mode.value}
        self._core.save(str(path), json.dumps(about))

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        hindsight: Hindsight | None = None,
        demonstrations: Demonstrations | None = None,
        memory_map: Path | str | None = None,
    ) -> Self:
        """Return the buffer that was saved; it draws on where it stood.

        Args:
            path: where it was saved.
            hindsight: as it was: functions are not saved.
            demonstrations: they are saved apart.
            memory_map: as in the class.

        Raises:
            CheckpointError: for a file that is missing, cut, changed, or of another version.
            ConfigError: for other hindsight than was saved.
        """
        core, words = _core.Replay.load(str(path), None if memory_map is None else str(memory_map))
        saved = json.loads(core.settings())["hindsight"]
        given = None if hindsight is None else {"strategy": hindsight.strategy, "goals": hindsight.goals}
        if saved != given:
            raise ConfigError(f"hindsight: got {given}; wanted {saved}, as saved")
        buffer = cls.__new__(cls)
        buffer._take(core, AutoresetMode(json.loads(words)["autoreset_mode"]), hindsight, demonstrations)
        return buffer

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        added, batches, *_ = self._core.counts()
        return f"<ReplayBuffer: {len(self)} of {added} transitions held, {batches} batches drawn>"

    @property
    def num_added(self) -> int:
        """Transitions that were ever added."""
        return self._core.counts()[0]

    @property
    def num_episodes(self) -> int:
        """Episodes that have ended and of which every step is held."""
        return self._core.counts()[2]

    @property
    def bytes_per_transition(self) -> int:
        """Bytes of a row: observation, action, reward, and four for how the step ended."""
        return self._core.counts()[3]

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, final observations and priorities, taken when they are first written."""
        return self._core.counts()[4]

    @property
    def beta(self) -> float | None:
        """Exponent of the next batch's weights, or None where nothing is prioritized."""
        return self._core.beta()


def _relabelled(batch: Batch, hindsight: Hindsight, discount: float) -> Batch:
    achieved, desired = batch.next_obs["achieved_goal"], batch.next_obs["desired_goal"]
    reward = _answer("compute_reward", hindsight.compute_reward(achieved, desired, {}), batch)
    reward = np.where(batch.relabelled, reward, batch.reward)
    if hindsight.compute_terminated is None:
        return batch._replace(reward=reward)
    answer = _answer("compute_terminated", hindsight.compute_terminated(achieved, desired, {}), batch) != 0
    terminated = np.where(batch.relabelled, answer, batch.terminated)
    return batch._replace(reward=reward, terminated=terminated, discount=np.where(terminated, 0.0, discount))


def _answer(what: str, given: Any, batch: Batch) -> NDArray[np.float64]:
    answer = np.asarray(given, dtype=np.float64)
    if answer.shape != batch.reward.shape:
        raise ShapeError(f"{what}: got {answer.shape}; wanted {batch.reward.shape}, an answer for each transition")
    if not np.isfinite(answer).all():
        raise ShapeError(f"{what}: got NaN or infinity; wanted finite numbers")
    return answer
