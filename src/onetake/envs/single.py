"""One simulated environment as a Gymnasium environment."""

from __future__ import annotations

import copy
import json
from functools import cached_property
from typing import Any, Self

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from onetake.envs.native import Columns, Config, make_native, single_spaces, whole
from onetake.errors import ConfigError, OneShotError, ShapeError
from onetake.types import Float32, Float64


class SimEnv(gymnasium.Env[Float32, Any]):
    """The environment of one entity in one replicate: the same numbers as its row of a `SimVectorEnv`.

    Args:
        family: name of the family, such as ``"cohort"``.
        config: settings of the family; defaults stand in the core, and unknown ones are refused.
        columns: parameters of this entity, one row each.
        seed: of the environment's luck, until a reset gives another.
        entity: id of the entity. replicate: id of the replicate.
        env_id: id under which it was made.
        one_shot: refuse a second reset.
        render_mode: None, since there is nothing to see.

    Raises:
        ConfigError: a setting or a cell that cannot be used, by name.
        UnknownIdError: a family or a column that there is not.

    >>> env = SimEnv("cohort", {"size": 100, "q": [0.2, 0.3]})
    >>> obs, info = env.reset(seed=1)
    >>> obs, reward, terminated, truncated, info = env.step(1)
    >>> bool(reward == obs[1]), terminated, truncated, info
    (True, False, False, {})
    """

    metadata = {"render_modes": []}  # noqa: RUF012 -- Gymnasium declares it so

    def __init__(
        self,
        family: str,
        config: Config | None = None,
        *,
        columns: Columns | None = None,
        seed: int = 0,
        entity: int = 0,
        replicate: int = 0,
        env_id: str | None = None,
        one_shot: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            raise ConfigError(f"render_mode: got {render_mode!r}; wanted None, since there is nothing to see")
        self._sim = make_native(
            family,
            config,
            columns,
            size=(1, 1),
            first=(entity, replicate),
            seed=seed,
            mode=AutoresetMode.DISABLED,
            one_shot=one_shot,
            threads=1,
        )
        self.render_mode = None
        self.family = family
        self.env_id = env_id or family
        self.one_shot = one_shot
        self._spec: dict[str, Any] = json.loads(self._sim.spec())
        self.observation_space, self.action_space = single_spaces(self._spec)
        self._masked = self._sim.masks()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32, dict[str, Any]]:
        """Start the episode; a seed sets the clock back to 0, without one the luck goes on.

        Raises:
            OneShotError: a second reset in one-shot mode.
        """
        if self.one_shot and self._sim.started:
            raise OneShotError("reset: got a second one; wanted one, since this environment gives one take")
        super().reset(seed=None if seed is None else whole("seed", seed))
        return self._sim.reset_one(seed), self._infos()

    def step(self, action: Any) -> tuple[Float32, float, bool, bool, dict[str, Any]]:
        """Take an action.

        Raises:
            NotReadyError: before the first reset, or after the end.
            ShapeError: no whole number, an arm that does not exist, or a point of another shape or dtype, out of bounds
                or not a number.
        """
        if action is True or action is False or isinstance(action, np.bool_):
            raise ShapeError(f"action: got {action}; wanted a whole number")
        if self._masked:
            return (*self._sim.step_one(action)[:4], self._infos())
        return self._sim.step_one(action)

    def _infos(self) -> dict[str, Any]:
        allowed = self._sim.allowed()
        return {} if allowed is None else {"action_mask": allowed[0].astype("int8")}

    @cached_property
    def config(self) -> dict[str, Any]:
        """Settings of the family, with the defaults of what was not given."""
        settings: dict[str, Any] = json.loads(self._sim.config())
        return settings

    @property
    def elapsed(self) -> int:
        """Steps since the reset."""
        return int(self._sim.elapsed()[0])

    def expected_reward(self) -> Float64:
        """Expected reward of each arm at the coming step ``(k,)``: the evaluator's, never an agent's."""
        expected: Float64 = self._sim.expected()[0]
        return expected

    def best(self) -> int:
        """The arm of the best play, the first of equals; see `SimVectorEnv.best`."""
        return int(self._sim.values()[0].argmax())

    def save(self) -> bytes:
        """Return the whole state; it fits environments of the same family, config, columns and ids."""
        return self._sim.save()

    def restore(self, state: bytes) -> None:
        """Go on from saved state.

        Raises:
            CheckpointError: bytes that were cut or changed, of another version, or of another environment.
        """
        self._sim.restore(state)

    def fork(self, seed: int | None = None) -> Self:
        """Return a copy that goes on from here, with the same luck or with that of another seed."""
        twin = copy.copy(self)
        twin._sim = self._sim.fork(None if seed is None else whole("seed", seed))
        return twin
