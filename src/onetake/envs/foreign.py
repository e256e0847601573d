"""Environments that are not ours: any that ``gymnasium.make`` knows, and a user's own ``Env`` class.

They are stepped one after another by Python, so that they run in any suite, only slower; how much slower is measured.
What an action would have earned is not known of them, so that nothing but the reward that was paid can be told.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Self

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from onetake.build import load_class
from onetake.envs.native import whole
from onetake.envs.sim import SimVectorEnv, Step
from onetake.errors import ConfigError, NotReadyError, OneShotError, ShapeError, UnknownIdError
from onetake.seeding import child_seed
from onetake.types import BatchSpec, Bool, Float32, Float64, Int64, YardstickKind

FAMILY = "foreign"
_ID = re.compile(r"^(?:[\w.]+:)?(?:[\w-]+/)?[\w.-]+-v\d+$")
_ENTRY_POINT = re.compile(r"^[\w./\\-]+:[A-Za-z_]\w*$")


@dataclass(frozen=True)
class ForeignConfig:
    """Which environment, and what cannot be asked of it.

    Attributes:
        id: as ``gymnasium.make`` takes it, or None.
        entry_point: of a subclass of ``gymnasium.Env``, ``package.module:Class`` or ``path/file.py:Class``, or None.
        kwargs: arguments of its making.
        reward_range: least and largest reward of a step; agents that need bounds cannot play without.
        horizon: steps of an episode; its own time limit still holds.

    Raises:
        ConfigError: neither or both of id and entry point, a range that is none, or a setting of another kind.
    """

    id: str | None = None
    entry_point: str | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    reward_range: tuple[float, float] = (-math.inf, math.inf)
    horizon: int | None = None

    def __post_init__(self) -> None:
        named = [name for name in (self.id, self.entry_point) if name is not None]
        if len(named) != 1 or not isinstance(named[0], str):
            raise ConfigError(f"{FAMILY}: got id {self.id!r}, entry_point {self.entry_point!r}; wanted the text of one")
        if not isinstance(self.kwargs, Mapping):
            raise ConfigError(f"{FAMILY}.kwargs: got {self.kwargs!r}; wanted a mapping of arguments")
        low, high = self._range()
        if not low < high:
            raise ConfigError(f"{FAMILY}.reward_range: got [{low:g}, {high:g}]; wanted the lower one first")
        if self.horizon is not None:
            whole(f"{FAMILY}.horizon", self.horizon, 1)

    def _range(self) -> tuple[float, float]:
        try:
            low, high = (float(end) for end in self.reward_range)
        except (TypeError, ValueError):
            raise ConfigError(f"{FAMILY}.reward_range: got {self.reward_range!r}; wanted two numbers") from None
        return low, high

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ForeignConfig:
        """Read settings.

        Raises:
            ConfigError: one that is not known.
        """
        known = sorted(cls.__dataclass_fields__)
        unknown = sorted(set(config) - set(known))
        if unknown:
            wanted = ", ".join(known)
            raise ConfigError(
                f"{FAMILY}.{unknown[0]}: got {config[unknown[0]]!r}; wanted a known field, one of {wanted}"
            )
        return cls(**config)

    def make(self) -> gymnasium.Env[Any, Any]:
        """Make one.

        Raises:
            UnknownIdError: an id that Gymnasium does not know, or a class that the module has not.
            ConfigError: one that cannot be made.
        """
        if self.entry_point is not None:
            made = load_class(self.entry_point, gymnasium.Env)
            try:
                env: gymnasium.Env[Any, Any] = made(**self.kwargs)
            except TypeError as error:
                raise ConfigError(f"{FAMILY}.kwargs: got {dict(self.kwargs)!r}; wanted others ({error})") from error
            return env
        try:
            return gymnasium.make(str(self.id), **self.kwargs)
        except (gymnasium.error.UnregisteredEnv, ModuleNotFoundError) as error:
            raise UnknownIdError(f"{FAMILY}.id: got {self.id!r}; wanted one that Gymnasium knows ({error})") from error
        except (gymnasium.error.Error, TypeError) as error:
            raise ConfigError(f"{FAMILY}.id: got {self.id!r}; wanted one that can be made ({error})") from error


def recognise(text: str) -> dict[str, str] | None:
    """Return the settings of a foreign environment that is named by an id or an entry point, or None.

    >>> recognise("CartPole-v1"), recognise("my_shop.envs:Shop"), recognise("nothing-v9")
    ({'id': 'CartPole-v1'}, {'entry_point': 'my_shop.envs:Shop'}, None)
    """
    if _ID.match(text) and (text in gymnasium.registry or ":" in text):
        return {"id": text}
    return {"entry_point": text} if _ENTRY_POINT.match(text) else None


def time_limit(config: Mapping[str, Any]) -> int | None:
    """Return the steps after which Gymnasium ends an episode, or None where nothing is said of it."""
    settings = ForeignConfig.of(config)
    if settings.id is None:
        return settings.horizon
    spec = gymnasium.registry.get(settings.id.rpartition(":")[2])
    return settings.horizon or (None if spec is None else spec.max_episode_steps)


class ForeignVectorEnv(VectorEnv[Float32, Any, Any]):
    """``replicates × entities`` environments that are not ours, stepped one by one.

    Observations are flattened to float32; actions are arms ``0 … k-1`` or points. Each environment is seeded by
    (seed, replicate, entity), so that a part of a batch has the numbers of the whole.

    Args:
        config: settings, see `ForeignConfig`.
        entities: number of entities. replicates: number of replicates.
        seed: of its luck, until a reset gives another.
        first_entity: id of the first entity. first_replicate: id of the first replicate.
        env_id: id under which it was made.
        one_shot: refuse a second reset; environments that have ended stand still until all have.

    Raises:
        ConfigError: settings that cannot be used, or spaces of a kind that has no rows.
        UnknownIdError: an environment that there is not.

    >>> env = ForeignVectorEnv({"id": "CartPole-v1"}, replicates=2)
    >>> obs, infos = env.reset(seed=1)
    >>> obs.shape, env.batch_spec.num_actions
    ((2, 4), 2)
    """

    yardstick_kind: YardstickKind = "unknown"

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        entities: int = 1,
        replicates: int = 1,
        seed: int = 0,
        first_entity: int = 0,
        first_replicate: int = 0,
        env_id: str | None = None,
        one_shot: bool = False,
    ) -> None:
        self._config = ForeignConfig.of(config)
        self.family = FAMILY
        self.one_shot = one_shot
        self.num_envs = whole("entities", entities, 1) * whole("replicates", replicates, 1)
        self._entity_ids = np.arange(first_entity, first_entity + entities, dtype=np.uint32)
        self._replicate_ids = np.arange(first_replicate, first_replicate + replicates, dtype=np.uint32)
        self._seed = whole("seed", seed)
        self._env_id = env_id or self._config.id or str(self._config.entry_point)
        self._envs = [self._config.make() for _ in range(self.num_envs)]
        first = self._envs[0]
        self._observed = _observed(self._env_id, first.observation_space)
        self._acted = _acted(self._env_id, first.action_space)
        self.single_observation_space = spaces.flatten_space(self._observed)
        self.single_action_space = (
            spaces.Discrete(int(self._acted.n)) if isinstance(self._acted, spaces.Discrete) else self._acted
        )
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        mode = AutoresetMode.DISABLED if one_shot else AutoresetMode.NEXT_STEP
        self.metadata = {"render_modes": [], "autoreset_mode": mode}
        self._over: list[tuple[bool, bool] | None] = [None] * self.num_envs
        self._elapsed = np.zeros(self.num_envs, dtype=np.int64)
        self._obs: Float32 | None = None
        self._seconds, self._steps = 0.0, 0

    @cached_property
    def batch_spec(self) -> BatchSpec:
        """What an agent may know before it starts; rewards are unbounded where no range was stated."""
        width = self.single_observation_space.shape[0] if self.single_observation_space.shape else 0
        low, high = self._config.reward_range
        return BatchSpec(
            env_id=self._env_id,
            entity_ids=self._entity_ids,
            replicate_ids=self._replicate_ids,
            num_actions=int(self._acted.n) if isinstance(self._acted, spaces.Discrete) else 0,
            observation_names=tuple(f"observation_{i}" for i in range(width)),
            horizon=self._config.horizon,
            reward_low=np.array(float(low)),
            reward_high=np.array(float(high)),
            action_low=getattr(self._acted, "low", None),
            action_high=getattr(self._acted, "high", None),
        )

    @property
    def steps_per_second(self) -> float:
        """Unit-steps a second so far, the environments' own time included; NaN before the first."""
        return self._steps / self._seconds if self._seconds else math.nan

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32, dict[str, Any]]:
        """Start all environments.

        Raises:
            OneShotError: a second reset in one-shot mode.
        """
        if self.one_shot and self._obs is not None:
            raise OneShotError("reset: got a second one; wanted one, since this environment gives one take")
        fresh = self._obs is None or seed is not None
        if seed is not None:
            self._seed = whole("seed", seed)
        rows = []
        for row, env in enumerate(self._envs):
            own = self._own_seed(row) if fresh else None
            rows.append(self._row(row, env.reset(seed=own, options=options)[0]))
        self._over = [None] * self.num_envs
        self._elapsed[:] = 0
        self._obs = np.stack(rows)
        return self._obs.copy(), {}

    def _own_seed(self, row: int) -> int:
        replicate, entity = divmod(row, len(self._entity_ids))
        labels = int(self._replicate_ids[replicate]), int(self._entity_ids[entity])
        # Gymnasium's generators take any whole number; other packages take 32 bits.
        return child_seed(self._seed, "foreign", *labels) % 2**31

    def step(self, actions: Any) -> Step:
        """Take an action in every environment: arms ``(n,)`` of any integer dtype, or points of floats.

        Raises:
            NotReadyError: before the first reset, or when all have ended and nothing resets them.
            ShapeError: actions of another shape or dtype or out of bounds; a reward or observation that is no number.
        """
        if self._obs is None:
            raise NotReadyError("step: call reset first")
        if self.one_shot and all(self._over):
            raise NotReadyError("step: every environment has ended; reset first")
        chosen = self._checked(actions)
        reward = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=np.bool_)
        began = time.perf_counter()
        for row, env in enumerate(self._envs):
            over = self._over[row]
            if over is None:
                reward[row], terminated[row], truncated[row] = self._one(row, env, chosen[row])
            elif self.one_shot:
                terminated[row], truncated[row] = over
            else:
                self._obs[row] = self._row(row, env.reset()[0])
                self._over[row], self._elapsed[row] = None, 0
        self._seconds += time.perf_counter() - began
        self._steps += self.num_envs
        return self._obs.copy(), reward, terminated, truncated, {}

    def _one(self, row: int, env: gymnasium.Env[Any, Any], action: Any) -> tuple[float, bool, bool]:
        if isinstance(self._acted, spaces.Discrete):
            action = self._acted.start + action
        obs, paid, terminated, truncated, _ = env.step(action)
        reward = float(paid)
        self._elapsed[row] += 1
        if not math.isfinite(reward):
            raise ShapeError(f"{self._env_id} row {row}: got reward {reward}; wanted a finite number")
        assert self._obs is not None
        self._obs[row] = self._row(row, obs)
        if self._config.horizon is not None and self._elapsed[row] >= self._config.horizon:
            truncated = True
        if terminated or truncated:
            self._over[row] = bool(terminated), bool(truncated)
        return reward, bool(terminated), bool(truncated)

    def _row(self, row: int, obs: Any) -> Float32:
        flat = np.asarray(spaces.flatten(self._observed, obs), dtype=np.float32)
        if np.isnan(flat).any():
            raise ShapeError(f"{self._env_id} row {row}: got an observation with NaN; wanted numbers")
        return flat

    def _checked(self, actions: Any) -> Any:
        array = np.asarray(actions)
        shape = (self.num_envs, *(self.single_action_space.shape or ()))
        got = f"{array.dtype} of shape {array.shape}"
        if isinstance(self._acted, spaces.Discrete):
            if array.shape != shape or array.dtype.kind not in "iu":
                raise ShapeError(f"actions: got {got}; wanted integers of shape {shape}")
            out: Bool = (array < 0) | (array >= self._acted.n)
            wanted = f"an arm in 0..{self._acted.n - 1}"
        else:
            if array.shape != shape or array.dtype.kind != "f":
                raise ShapeError(f"actions: got {got}; wanted float32 of shape {shape}")
            array = array.astype(np.float32)
            out = np.asarray(~((array >= self._acted.low) & (array <= self._acted.high)).all(axis=1))
            wanted = "numbers within the bounds of the action space"
        if out.any():
            row = int(out.argmax())
            raise ShapeError(f"actions[{row}]: got {array[row]}; wanted {wanted}")
        return array

    def action_mask(self) -> Bool | None:
        """Return None: every arm may be played."""
        return None

    def start_values(self) -> dict[str, Float64] | None:
        """Return None: what episodes are worth from their start is not known."""
        return None

    def expected_reward(self) -> Float64:
        """Refuse: see `NotReadyError`.

        Raises:
            NotReadyError: always, since what actions would earn is not known; so do `best`, `account`, `track_fixed`,
                `fixed_totals` and `fork`.
        """
        raise self._unknown("expected_reward")

    def best(self) -> Int64:
        """Refuse, as `expected_reward`."""
        raise self._unknown("best")

    def account(self, action: Any, greedy: Any | None = None) -> dict[str, Float64]:
        """Refuse, as `expected_reward`."""
        raise self._unknown("account")

    def track_fixed(self) -> None:
        """Refuse, as `expected_reward`."""
        raise self._unknown("track_fixed")

    def fixed_totals(self) -> Float64:
        """Refuse, as `expected_reward`."""
        raise self._unknown("fixed_totals")

    def fork(self, seed: int | None = None) -> Self:
        """Refuse, as `expected_reward`."""
        raise self._unknown("fork")

    def _unknown(self, what: str) -> NotReadyError:
        return NotReadyError(f"{what}: not known of {self._env_id}, which is not ours; only rewards paid are")

    def close_extras(self, **kwargs: Any) -> None:
        """Close every environment."""
        for env in self._envs:
            env.close()


@cache
def native_steps_per_second(entities: int = 4096, steps: int = 50) -> float:
    """Unit-steps a second of a native bandit on one thread: what stands beside the speed of a foreign environment."""
    env = SimVectorEnv("bandit", entities=entities, threads=1)
    env.reset(seed=0)
    action = np.zeros(entities, dtype=np.int64)
    env.step(action)
    began = time.perf_counter()
    for _ in range(steps):
        env.step(action)
    return entities * steps / (time.perf_counter() - began)


def speed_note(env: ForeignVectorEnv) -> str:
    """Say how fast a foreign environment was, beside a native one."""
    native = native_steps_per_second()
    return (
        f"stepped by Python at {env.steps_per_second:,.0f} steps/s; a native bandit makes {native:,.0f} steps/s here "
        f"({native / env.steps_per_second:,.0f} times as many)"
    )


def _observed(env_id: str, space: spaces.Space[Any]) -> spaces.Space[Any]:
    if not space.is_np_flattenable:
        raise ConfigError(f"{env_id}: got observations of {space}; wanted a space that has rows of numbers")
    return space


def _acted(env_id: str, space: spaces.Space[Any]) -> spaces.Discrete | spaces.Box:
    if isinstance(space, spaces.Discrete):
        return space
    if isinstance(space, spaces.Box) and len(space.shape) == 1 and space.dtype == np.float32:
        return space
    raise ConfigError(f"{env_id}: got actions of {space}; wanted Discrete, or a Box of float32 with one axis")
