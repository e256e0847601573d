"""A batch of simulated environments as a Gymnasium vector environment."""

from __future__ import annotations

import copy
import json
from functools import cached_property
from typing import Any, Self

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from onetake.envs.native import Columns, Config, make_native, single_spaces, whole
from onetake.errors import ConfigError, OneShotError, ShapeError
from onetake.types import Arrivals, BatchSpec, Bool, CountReward, Float32, Float64, Int64, YardstickKind

Step = tuple[Float32, Float64, Bool, Bool, dict[str, Any]]


class SimVectorEnv(VectorEnv[Float32, Any, Any]):
    """``n = replicates × entities`` environments that step in one native call.

    Environment ``i`` is entity ``i % entities`` of replicate ``i // entities``. The luck of an entity at a step depends
    on (seed, replicate, entity, step) alone: not on the actions, the threads, or how many others there are.

    Args:
        family: name of the family, such as ``"cohort"``.
        config: settings of the family; defaults stand in the core, and unknown ones are refused.
        entities: number of entities. replicates: number of replicates.
        columns: parameters that entities have of their own: ``(entities,)`` (the same in every replicate) or ``(n,)``,
            with a second axis where each arm has its own value.
        seed: of the environment's luck, until a reset gives another.
        first_entity: id of the first entity. first_replicate: id of the first replicate; a shard of a batch has the
            ids of its part.
        env_id: id under which it was made.
        one_shot: refuse a second reset; nothing is reset automatically then. Environments that have ended stand still,
            with reward 0 and their last observation, until all have.
        autoreset_mode: as in Gymnasium.
        threads: None for ``ONETAKE_THREADS``, else all cores.

    Raises:
        ConfigError: a setting or a cell that cannot be used, by name.
        ShapeError: a column or actions of another shape than the batch.
        UnknownIdError: a family or a column that there is not.

    >>> env = SimVectorEnv("cohort", {"q": [0.2, 0.3]}, entities=3)
    >>> obs, infos = env.reset(seed=1)
    >>> obs, reward, terminated, truncated, infos = env.step(np.array([0, 1, 1]))
    >>> obs.shape, bool((reward == obs[:, 1]).all())
    ((3, 2), True)
    """

    def __init__(
        self,
        family: str,
        config: Config | None = None,
        *,
        entities: int = 1,
        replicates: int = 1,
        columns: Columns | None = None,
        seed: int = 0,
        first_entity: int = 0,
        first_replicate: int = 0,
        env_id: str | None = None,
        one_shot: bool = False,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int | None = None,
    ) -> None:
        mode = AutoresetMode.DISABLED if one_shot else _mode(autoreset_mode)
        self._sim = make_native(
            family,
            config,
            columns,
            size=(entities, replicates),
            first=(first_entity, first_replicate),
            seed=seed,
            mode=mode,
            one_shot=one_shot,
            threads=threads,
        )
        self.metadata = {"render_modes": [], "autoreset_mode": mode}
        self.family = family
        self.one_shot = one_shot
        self.num_envs = entities * replicates
        self._first = (first_entity, first_replicate)
        self._size = (entities, replicates)
        self._spec: dict[str, Any] = json.loads(self._sim.spec())
        self._env_id = env_id or family
        self.single_observation_space, self.single_action_space = single_spaces(self._spec)
        self._same_step = mode is AutoresetMode.SAME_STEP
        self._masked = self._sim.masks()
        self._late = self._sim.longest_delay() is not None

    @cached_property
    def observation_space(self) -> spaces.Space[Any]:  # type: ignore[override]  # made when asked for: it is as large as the batch
        """Space of the observations of all environments ``(n, d)``."""
        return batch_space(self.single_observation_space, self.num_envs)

    @cached_property
    def action_space(self) -> spaces.Space[Any]:  # type: ignore[override]  # as above
        """Space of the actions of all environments ``(n,)``."""
        return batch_space(self.single_action_space, self.num_envs)

    @cached_property
    def batch_spec(self) -> BatchSpec:
        """What an agent may know before it starts."""
        entities, replicates = self._size
        low, high = (_scalar(bound) for bound in self._sim.reward_bounds())
        counts, budget = self._sim.count_reward(), self._sim.budget()
        return BatchSpec(
            env_id=self._env_id,
            entity_ids=np.arange(self._first[0], self._first[0] + entities, dtype=np.uint32),
            replicate_ids=np.arange(self._first[1], self._first[1] + replicates, dtype=np.uint32),
            num_actions=self._spec["actions"].get("count", 0),
            observation_names=tuple(channel["name"] for channel in self._spec["observations"]),
            horizon=self._spec["horizon"],
            reward_low=low,
            reward_high=high,
            count_reward=CountReward(_scalar(counts[0]), counts[1], counts[2]) if counts else None,
            coupling=self._spec["coupling"],
            action_labels=tuple(self._spec["action_labels"]),
            action_low=getattr(self.single_action_space, "low", None),
            action_high=getattr(self.single_action_space, "high", None),
            budget=budget[0] if budget and budget[1] else None,
        )

    @cached_property
    def config(self) -> dict[str, Any]:
        """Settings of the family, with the defaults of what was not given."""
        settings: dict[str, Any] = json.loads(self._sim.config())
        return settings

    @property
    def elapsed(self) -> Int64:
        """Steps since each environment's reset ``(n,)``."""
        return self._sim.elapsed()

    @property
    def clock(self) -> int:
        """Steps since the last reset with a seed: the coming step's number in the generator."""
        return self._sim.clock

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32, dict[str, Any]]:
        """Start all environments, or with ``options={"reset_mask": (n,) bool}`` those of the mask.

        A seed sets the clock back to 0; without one the luck goes on.

        Raises:
            OneShotError: a second reset in one-shot mode.
            ShapeError: a mask of another kind, or one that an automatic reset leaves no room for.
        """
        if self.one_shot and self._sim.started:
            raise OneShotError("reset: got a second one; wanted one, since this environment gives one take")
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            return self._reset_masked(mask, seed), self._infos()
        super().reset(seed=None if seed is None else whole("seed", seed))
        return self._sim.reset(seed), self._infos()

    def _reset_masked(self, mask: Any, seed: int | None) -> Float32:
        if seed is not None:
            raise ConfigError(f"seed: got {seed} with a reset_mask; wanted None, since the others' luck goes on")
        if (
            not isinstance(mask, np.ndarray)
            or mask.dtype != np.bool_
            or mask.shape != (self.num_envs,)
            or not mask.any()
        ):
            shape = f"{mask.dtype} of shape {mask.shape}" if isinstance(mask, np.ndarray) else repr(mask)
            raise ShapeError(f"reset_mask: got {shape}; wanted bool of shape ({self.num_envs},), at least one True")
        return self._sim.reset_rows(np.ascontiguousarray(mask))

    def step(self, actions: Any) -> Step:
        """Take an action in every environment.

        Arms ``(n,)`` may have any integer dtype, points ``(n, d)`` are float32 or float64.

        Raises:
            NotReadyError: before the first reset, or where an environment has ended and nothing resets it.
            ShapeError: actions of another shape or dtype, an arm that does not exist or is not allowed, a point that is
                out of bounds or not a number, or more actions than a hard budget; nothing changes then.
        """
        obs, reward, terminated, truncated, ended = self._sim.step(_array(actions))
        infos = self._infos() if ended is None else {**self._final(*ended), **self._infos()}
        if self._late:
            infos["arrived"] = vars(self.arrived())
        return obs, reward, terminated, truncated, infos

    def _infos(self) -> dict[str, Any]:
        infos: dict[str, Any] = {"action_mask": self._sim.allowed()} if self._masked else {}
        present = self._sim.present()
        return infos if present is None else infos | {"present": present}

    def _final(self, rows: Any, last: Float32) -> dict[str, Any]:
        """The infos of environments that the step ended and reset, laid out as Gymnasium's own batches do."""
        final = np.full(self.num_envs, None, dtype=object)
        mask = np.zeros(self.num_envs, dtype=np.bool_)
        mask[rows] = True
        for row, obs in zip(rows, last, strict=True):
            final[row] = obs.copy()
        return {"final_obs": final, "_final_obs": mask, "final_info": {}, "_final_info": mask.copy()}

    def expected_reward(self) -> Float64:
        """Expected reward of each arm at the coming step ``(n, k)``: the evaluator's, never an agent's."""
        return self._sim.expected()

    def action_mask(self) -> Bool | None:
        """Arms that are allowed at the coming step ``(n, k)``, or None where all always are; infos carry it too."""
        return self._sim.allowed()

    @property
    def longest_delay(self) -> int | None:
        """Most steps from a decision to the arrival of its outcome, or None where outcomes come at once.

        Where outcomes are late, rewards and observations of a step are what arrived at it, of whichever decisions; a
        decision is known by its step in `arrived`. What is outstanding when an episode ends arrives with its last step.
        Bounds of the reward are those of one decision.
        """
        return self._sim.longest_delay()

    def arrived(self) -> Arrivals:
        """Outcomes that arrived at the last step, decision by decision; infos carry them too."""
        return Arrivals(*self._sim.arrived())

    def present(self) -> Bool | None:
        """Who is there at the coming step ``(n,)``, or None where everybody always is; infos carry it too.

        Who is not there earns nothing, whatever the action, and shows zeros; who enters starts with no history.
        """
        return self._sim.present()

    def excess(self) -> Int64:
        """Actions beyond a soft budget since the last reset of all ``(replicates,)``; a hard one has none."""
        return self._sim.excess()

    def best(self) -> Int64:
        """The arm of the best play ``(n,)``, the first of equals.

        It is that of highest expected reward now, counting what is to come wherever the family knows its best play.
        """
        return np.asarray(self._sim.values().argmax(axis=1), dtype=np.int64)

    @property
    def yardstick_kind(self) -> YardstickKind:
        """What regret is counted against.

        ``best_now``: the best arm of each step, exact where no action changes what comes later. ``exact``: the value of
        the best policy from the start. ``bound``: no policy's value from the start exceeds it. ``unknown``: nothing is
        known, and only the reward that was paid can be told.
        """
        kind: YardstickKind = self._spec["yardstick"]
        return kind

    def start_values(self) -> dict[str, Float64] | None:
        """Expected rewards of whole episodes from their start: the evaluator's, never an agent's.

        Returns:
            None where the yardstick is ``best_now``. Else ``best`` ``(n,)``: of the best policy, or the bound; and
            where the family knows them ``random`` ``(n,)``: of arms drawn evenly at each step, and ``arms`` ``(n, k)``:
            of each arm played throughout.
        """
        return self._sim.start_values()

    def account(self, action: Any, greedy: Any | None = None) -> dict[str, Float64]:
        """Sum expected rewards of the coming step over the entities of each replicate, before it is taken.

        Args:
            action: arms that are about to be played ``(n,)``.
            greedy: arms that the agent would play if it did not explore ``(n,)``, or None.

        Returns:
            ``(replicates,)`` each: ``oracle`` (best arm now), ``played``, ``greedy`` where given, ``random`` (an arm
            drawn evenly); and ``arms`` ``(replicates, k)``, had every entity played the same arm.
        """
        return self._sim.account(_array(action), None if greedy is None else _array(greedy))

    def track_fixed(self) -> None:
        """From now on, sum what each arm would have earned each environment in expectation."""
        self._sim.track_fixed()

    def fixed_totals(self) -> Float64:
        """Those sums since `track_fixed` or the last reset of all ``(n, k)``."""
        return self._sim.fixed_totals()

    def save(self) -> bytes:
        """Return the whole state; it fits environments of the same family, config, columns, ids and mode."""
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


def _mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        wanted = ", ".join(m.value for m in AutoresetMode)
        raise ConfigError(f"autoreset_mode: got {mode!r}; wanted one of {wanted}") from None


def _array(actions: Any) -> Any:
    return actions if isinstance(actions, np.ndarray) else np.asarray(actions)


def _scalar(values: Float64) -> Float64:
    return values.reshape(()) if values.size == 1 else values
