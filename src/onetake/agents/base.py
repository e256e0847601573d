"""What every agent is: settings that never change, state that learning changes, and the policy that it freezes into."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from onetake.agents import checkpoint, one_at_a_time
from onetake.errors import CheckpointError, ConfigError, NotReadyError, ShapeError
from onetake.types import BatchSpec, Bool, Coupling, Decision, Float64, Int64, Observation, Transitions

PropensityMethod = Literal["exact", "quadrature", "monte_carlo"]
LearningForm = Literal["decisions", "transitions"]


@dataclass(eq=False)
class AbstractAgent(ABC):
    """Decides for a whole batch and learns from what comes of it.

    Settings are the fields of the subclass, a dataclass: stored unchanged, shown by ``repr``, written to ``conf/``.
    State is what `begin` makes; it covers every environment of the spec (a fleet), and depends on nothing but the
    spec, the seed and what was learnt, so that a fleet of N equals N single agents byte for byte.

    Subclasses write the four methods with a leading underscore (and `supports`, where they need more than the base);
    what is checked here need not be checked again.

    Attributes:
        propensity_method: how the agent knows the chances of its actions. propensity_error: largest error of one.
        propensity_samples: draws that estimate a chance where the method is Monte Carlo, else None.
        learns_from: form of `learn_one` that fits it.
        plays_points: whether its actions may be points; else they are arms.
        state_version: raised whenever saved state changes its meaning.
    """

    propensity_method: ClassVar[PropensityMethod] = "exact"
    propensity_error: ClassVar[float] = 0.0
    propensity_samples: ClassVar[int | None] = None
    state_version: ClassVar[int] = 0
    plays_points: ClassVar[bool] = False
    learns_from: ClassVar[LearningForm] = "decisions"

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, as given."""
        return {setting.name: getattr(self, setting.name) for setting in fields(self)}

    @property
    def respects_budget(self) -> bool:
        """Whether it never gives more entities of a replicate another action than 0 than the spec's budget."""
        return False

    @property
    def coupling(self) -> Coupling:
        """Whether one environment teaches another: then only whole replicates may be cut apart."""
        return "independent" if getattr(self, "pooling", "none") == "none" else "replicate"

    @property
    def spec(self) -> BatchSpec:
        """The batch that the agent has begun.

        Raises:
            NotReadyError: before `begin`.
        """
        if "_spec" not in vars(self):
            raise NotReadyError(f"{type(self).__name__}: got no batch yet; wanted begin(spec, seed) first")
        return self._spec

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        if spec.num_actions == 0 and not self.plays_points:
            return "actions: got points; wanted arms"
        floor = getattr(self, "floor", 0.0)
        if floor * spec.num_actions > 1:
            return f"floor: got {floor:g}; wanted at most 1/{spec.num_actions}, one part for each action"
        if spec.budget is not None and not self.respects_budget:
            return f"budget: got {spec.budget} actions a step for all entities; wanted an agent that keeps to one"
        return None

    def begin(self, spec: BatchSpec, seed: int) -> None:
        """Forget everything and get ready for the batch of ``spec``.

        Args:
            spec: the batch.
            seed: root of all draws, in [0, 2^64).

        Raises:
            ConfigError: if the agent does not support the batch, or the seed is out of range.
        """
        reason = self.supports(spec)
        if reason is not None:
            raise ConfigError(reason)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
            raise ConfigError(f"seed: got {seed!r}; wanted a whole number in [0, 2^64)")
        self._spec, self._seed = spec, int(seed)
        self._calls = self._lessons = 0
        self._start(spec, int(seed))

    def act(self, observation: Observation, *, explore: bool = True, propensity: bool = False) -> Decision:
        """Decide for the rows of ``observation``.

        Args:
            observation: what is seen; only its rows are decided for.
            explore: False plays the best action under what the agent believes now, without floor.
            propensity: also give the chance of each chosen action.

        Raises:
            NotReadyError: before `begin`.
            ShapeError: if step, rows, values or mask do not fit the batch, or a row has no allowed action.
        """
        self._check_observation(observation)
        action = self._decide(observation, explore)
        if not propensity:
            return Decision(observation.step, action, rows=observation.rows)
        if self.spec.num_actions == 0:
            density = self._density(observation, action, explore)
            return Decision(observation.step, action, density, "density", observation.rows)
        chance = self._probabilities(observation, explore)[np.arange(len(action)), action]
        exact = self.propensity_method == "exact" or not explore
        return Decision(observation.step, action, chance, "exact" if exact else "estimated", observation.rows)

    def action_probabilities(self, observation: Observation) -> Float64:
        """Chance of every action for the rows of ``observation``: ``(m, k)``, rows sum to 1, 0 where not allowed.

        Raises:
            NotReadyError: before `begin`.
            ShapeError: if step, rows, values or mask do not fit the batch, or a row has no allowed action.
        """
        self._check_observation(observation)
        return self._probabilities(observation, explore=True)

    def learn(self, transitions: Transitions) -> dict[str, float]:
        """Take in what came of earlier decisions, in any order, for any rows, each outcome once.

        Returns:
            Named metrics; ``decisions`` is how many were taken in.

        Raises:
            NotReadyError: before `begin`.
            ShapeError: if lengths, types or ranges do not fit the batch, or a reward is NaN; nothing is learnt then.
        """
        spec = self.spec
        count = spec.num_envs if transitions.rows is None else len(transitions.rows)
        if transitions.rows is not None:
            _check_rows(transitions.rows, spec.num_envs)
        self._check_actions(transitions.action, count)
        _check_array("reward", transitions.reward, (count,), "float64")
        return {"decisions": float(count), **self._learn(transitions)}

    def predict_one(self, context: Any = None, *, mask: Sequence[bool] | None = None, explore: bool = True) -> Any:
        """Decide once, for an agent that was begun for one entity; every call is a decision with luck of its own.

        Args:
            context: numbers in the order of the spec, or a mapping by its names; None where there are none.
            mask: allowed actions.
            explore: False plays the best action under what the agent believes now.

        Returns:
            The arm as a whole number, or the point.

        >>> from onetake.agents import LinUCB
        >>> from onetake.agents.one_at_a_time import one_entity
        >>> agent = LinUCB(alpha=0.1)
        >>> agent.begin(one_entity(2, ["age"]), seed=1)
        >>> agent.learn_one({"age": 0.5}, 1, 1.0)
        >>> agent.predict_one({"age": 0.5})
        1
        """
        _ = self.spec
        self._calls += 1
        return one_at_a_time.predict_one(self, context, self._calls - 1, mask, explore)

    def predict_proba_one(self, context: Any = None, *, mask: Sequence[bool] | None = None) -> dict[Any, float]:
        """Chances of the coming decision by label (or number) of the action; see `predict_one`."""
        return one_at_a_time.predict_proba_one(self, context, self._calls if "_spec" in vars(self) else 0, mask)

    def learn_one(self, *given: Any, **named: Any) -> None:
        """Take in one outcome in the form that fits the agent; see `onetake.agents.one_at_a_time`.

        Raises:
            ConfigError: another form; it is refused by name.
        """
        _ = self.spec
        one_at_a_time.learn_one(self, self._lessons, given, named)
        self._lessons += len(given[0]) if len(given) == 1 and not named else 1

    def add_action(self, label: str, *, scale: float | None = None, offset: float = 0.0) -> None:
        """Go on with one arm more, of which nothing is known yet; what was learnt of the others stays.

        An arm is taken away by masks that no longer allow it.

        Args:
            label: of the new arm.
            scale: money for a success of it, where the batch has count rewards.
            offset: money for playing it at all, there.

        Raises:
            ConfigError: a label that is there already, or an agent whose arms are not alike.
        """
        spec, old = self.spec, self.arrays()
        labels = spec.action_labels or tuple(str(i) for i in range(spec.num_actions))
        if label in labels:
            raise ConfigError(f"label: got {label!r}, which is there already; wanted a new one")
        count = spec.count_reward
        if count is not None:
            if scale is None:
                raise ConfigError("scale: got none; wanted what a success of the new arm pays")
            count = replace(count, scale=np.append(count.scale, scale), offset=np.append(count.offset, offset))
        wider = replace(spec, num_actions=spec.num_actions + 1, action_labels=(*labels, label), count_reward=count)
        calls, lessons = self._calls, self._lessons
        self.begin(wider, self._seed)
        self._restore({name: self._widened(name, old[name], fresh) for name, fresh in self.arrays().items()})
        self._calls, self._lessons = calls, lessons

    def freeze(self) -> FrozenPolicy:
        """The policy that the agent follows now, apart from the agent: later learning does not change it.

        Raises:
            NotReadyError: before `begin`.
        """
        return FrozenPolicy(self)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of the learned state by name.

        Raises:
            NotReadyError: before `begin`.
        """
        _ = self.spec
        return self._arrays()

    def save(self, path: str | Path) -> None:
        """Write settings and state to one safetensors file, beside the place and then renamed into it.

        Raises:
            NotReadyError: before `begin`.
            OutputError: if the place cannot be written.
        """
        head = {"agent": type(self).__name__, "state_version": self.state_version, "settings": self.settings}
        checkpoint.write(Path(path), head, self.spec, self._seed, self.arrays())

    @classmethod
    def load(cls, path: str | Path, spec: BatchSpec | None = None) -> Self:
        """Read an agent that goes on exactly where the saved one stood. No code in the file is ever run.

        Args:
            path: a file written by `save`.
            spec: the batch that it must have been saved for, if it matters.

        Raises:
            CheckpointError: if the file is missing, truncated, tampered with, of another class or version, or was saved
                for another batch.
        """
        saved = checkpoint.read(Path(path))
        if saved.head.get("agent") != cls.__name__:
            raise CheckpointError(f"{path}: got a saved {saved.head.get('agent')}; wanted {cls.__name__}")
        if saved.head.get("state_version") != cls.state_version:
            raise CheckpointError(
                f"{path}: got state version {saved.head.get('state_version')}; wanted {cls.state_version}"
            )
        if spec is not None and checkpoint.spec_digest(spec) != checkpoint.spec_digest(saved.spec):
            raise CheckpointError(f"{path}: got state of {_batch(saved.spec)}; wanted {_batch(spec)} with the same ids")
        try:
            agent = cls(**saved.head["settings"])
        except TypeError as error:
            known = ", ".join(signature(cls).parameters) or "none"
            got = ", ".join(saved.head["settings"])
            raise CheckpointError(f"{path}: got the settings {got}; wanted those of {cls.__name__}: {known}") from error
        agent.begin(saved.spec, saved.seed)
        try:
            agent._restore(saved.arrays)
        except (KeyError, ShapeError) as error:
            raise CheckpointError(f"{path}: got state that does not fit its batch ({error}); wanted another") from error
        return agent

    @abstractmethod
    def _start(self, spec: BatchSpec, seed: int) -> None:
        """Make fresh state."""

    @abstractmethod
    def _decide(self, observation: Observation, explore: bool) -> Int64:
        """Choose an action for each row."""

    @abstractmethod
    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        """Chance of each action for each row."""

    def _density(self, observation: Observation, action: NDArray[Any], explore: bool) -> Float64:
        """Density of the points that were chosen ``(m,)``, of an agent that plays points."""
        raise ConfigError(f"propensity: got an agent whose densities are not known; wanted arms, not {action.shape}")

    @abstractmethod
    def _learn(self, transitions: Transitions) -> dict[str, float]:
        """Take in outcomes; return further metrics."""

    @abstractmethod
    def _arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of the state by name."""

    @abstractmethod
    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Put saved state in place of the fresh one."""

    def _widened(self, name: str, old: NDArray[Any], fresh: NDArray[Any]) -> NDArray[Any]:
        """State after an arm was added: the old one, and fresh state for the last place along the axis of arms."""
        if old.shape == fresh.shape:
            return old
        longer = [axis for axis, (few, many) in enumerate(zip(old.shape, fresh.shape, strict=True)) if many != few]
        if len(longer) != 1 or fresh.shape[longer[0]] != old.shape[longer[0]] + 1:
            raise ConfigError(f"add_action: got an agent whose {name} has no axis of arms; wanted another")
        out = fresh.copy()
        out[tuple(slice(size) for size in old.shape)] = old
        return out

    def _check_actions(self, action: NDArray[Any], count: int) -> None:
        if self.spec.num_actions or self.spec.action_low is None:
            _check_array("action", action, (count,), "integers")
        elif action.shape != (count, len(self.spec.action_low)) or not np.isfinite(action).all():
            wanted = f"finite points ({count}, {len(self.spec.action_low)})"
            raise ShapeError(f"action: got {_kind(action)}; wanted {wanted}")

    def _check_observation(self, observation: Observation) -> None:
        spec = self.spec
        step = observation.step
        if not isinstance(step, (int, np.integer)) or isinstance(step, bool) or not 0 <= step < 2**32:
            raise ShapeError(f"step: got {step!r}; wanted a whole number in [0, 2**32)")
        if observation.rows is not None:
            _check_rows(observation.rows, spec.num_envs)
        count = spec.num_envs if observation.rows is None else len(observation.rows)
        if len(observation.values) != count:
            raise ShapeError(f"values: got {len(observation.values)} rows; wanted {count}")
        if observation.mask is not None:
            _check_mask(observation.mask, (count, spec.num_actions))


class FrozenPolicy:
    """A policy that no longer learns: what off-policy evaluation judges.

    Attributes:
        name: class of the agent. settings: its settings. spec: the batch that it was begun for.
        propensity_method, propensity_error: as the agent's.

    >>> import numpy as np
    >>> from onetake.agents import Fixed
    >>> from onetake.types import BatchSpec, Observation
    >>> one = np.zeros(1, np.uint32)
    >>> agent = Fixed(action=1)
    >>> agent.begin(BatchSpec("docs/Coins-v0", one, one, 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.freeze().action_probabilities(Observation(np.empty((1, 0), np.float32), step=0))
    array([[0., 1.]])
    """

    def __init__(self, agent: AbstractAgent) -> None:
        self._agent = copy.deepcopy(agent)
        self.spec = self._agent.spec
        self.name = type(agent).__name__
        self.settings = agent.settings
        self.propensity_method = agent.propensity_method
        self.propensity_error = agent.propensity_error

    def __repr__(self) -> str:
        return f"FrozenPolicy({self._agent!r})"

    @property
    def digest(self) -> str:
        """A hash of class, settings and state: equal policies for equal batches have equal digests."""
        head = {"agent": self.name, "state_version": self._agent.state_version, "settings": self.settings}
        return checkpoint.digest(head, self._agent.arrays())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of the state by name."""
        return self._agent.arrays()

    def act(self, observation: Observation, *, explore: bool = True, propensity: bool = False) -> Decision:
        """Decide as the agent would have; see `AbstractAgent.act`."""
        return self._agent.act(observation, explore=explore, propensity=propensity)

    def action_probabilities(self, observation: Observation) -> Float64:
        """Chance of every action ``(m, k)``; see `AbstractAgent.action_probabilities`."""
        return self._agent.action_probabilities(observation)


def _batch(spec: BatchSpec) -> str:
    """A batch in words, so that two that differ can be told apart."""
    size = f"{len(spec.entity_ids):,} entities x {len(spec.replicate_ids):,} replicates"
    return f"{spec.env_id} ({size}, {spec.num_actions} actions)"


def _check_rows(rows: Int64, num_envs: int) -> None:
    if not isinstance(rows, np.ndarray) or rows.ndim != 1 or rows.dtype != np.int64:
        raise ShapeError(f"rows: got {_kind(rows)}; wanted int64 (m,)")
    if len(rows) and not (rows.min() >= 0 and rows.max() < num_envs):
        raise ShapeError(f"rows: got {rows.min()} to {rows.max()}; wanted 0 to {num_envs - 1}")


def _check_mask(mask: Bool, shape: tuple[int, int]) -> None:
    _check_array("mask", mask, shape, "bool")
    barred = ~mask.any(axis=1)
    if barred.any():
        raise ShapeError(f"mask: got no allowed action in row {int(barred.argmax())}; wanted at least one")


def _check_array(name: str, array: NDArray[Any], shape: tuple[int, ...], kind: str) -> None:
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ShapeError(f"{name}: got {_kind(array)}; wanted {kind} {shape}")
    right = array.dtype.kind in "iu" if kind == "integers" else array.dtype == np.dtype(kind)
    if not right:
        raise ShapeError(f"{name}: got {_kind(array)}; wanted {kind} {shape}")


def _kind(value: object) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
