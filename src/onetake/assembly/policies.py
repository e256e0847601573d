"""Who acts, as participants: our agents, Stable-Baselines3 models, other libraries' policies, plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onetake.agents import AbstractAgent, FrozenPolicy
from onetake.assembly.parcel import Declared, Parcel, declared
from onetake.errors import ConfigError
from onetake.types import Observation, Transitions

LEARNT_FROM = ("obs", "action", "reward", "next_obs", "terminated", "truncated")


def seated(participant: Declared, seat: str) -> Declared:
    """Give a participant the seat of one agent: it reads ``<seat>.obs`` for ``obs``, and so on.

    >>> player = seated(policy(lambda obs: obs + 1), "seller_0")
    >>> parcel = {"seller_0.obs": 3, "seller_1.obs": 5}
    >>> player(parcel)
    >>> parcel["seller_0.action"]
    4
    """
    reads = {own: f"{seat}.{key}" for own, key in participant.keys.reads.items()}
    writes = {own: f"{seat}.{key}" for own, key in participant.keys.writes.items()}
    return declared(participant.play, reads=reads, writes=writes, name=f"{seat} ({participant.name})")


def policy(act: Callable[[Any], Any], *, name: str = "policy") -> Declared:
    """A function from an observation to an action: reads ``obs``, sets ``action``."""

    def play(parcel: Parcel) -> None:
        parcel["action"] = act(parcel["obs"])

    return declared(play, reads=["obs"], writes=["action"], name=name)


def sb3(model: Any, *, deterministic: bool = True, seat: tuple[Any, Any] | None = None, name: str = "sb3") -> Declared:
    """A Stable-Baselines3 model: ``predict`` with its recurrent state carried along; reads ``obs``, sets ``action``.

    Args:
        model: what has ``predict(observation, state=, episode_start=, deterministic=)``.
        deterministic: passed on.
        seat: the (observation, action) spaces that it sits down to, checked against its own; None checks nothing.
        name: what the participant is called.

    Raises:
        ConfigError: a model with other spaces than its seat.
    """
    check_seat(model, seat, name)
    return declared(_Predict(model, deterministic), reads=["obs"], writes=["action"], name=name)


class _Predict:
    def __init__(self, model: Any, deterministic: bool) -> None:
        self._model, self._deterministic = model, deterministic
        self._state: Any = None
        self._first = True

    def begin(self) -> None:
        self._state, self._first = None, True

    def __call__(self, parcel: Parcel) -> None:
        start = np.array([self._first])
        parcel["action"], self._state = self._model.predict(
            parcel["obs"], state=self._state, episode_start=start, deterministic=self._deterministic
        )
        self._first = False


def foreign(other: Any, *, seat: tuple[Any, Any] | None = None, name: str = "") -> Declared:
    """A policy of another library by the method that it documents; reads ``obs``, sets ``action``.

    In this order: ``compute_action(obs)`` (Tianshou 2), ``compute_single_action(obs)`` (RLlib's `Algorithm` and
    `Policy`; the first of a tuple is the action), ``predict(obs)`` (Stable-Baselines3 and its kin), ``act(obs)``, or
    the call itself. An RLlib `RLModule` computes on batches of tensors; wrap it in three lines of `policy`.

    Raises:
        ConfigError: an object with none of them, or with other spaces than its seat.
    """
    name = name or type(other).__name__
    check_seat(other, seat, name)
    for method in ("compute_action", "compute_single_action", "predict", "act", "__call__"):
        call = getattr(other, method, None)
        if callable(call):
            break
    else:
        raise ConfigError(f"policy '{name}': got no compute_action, compute_single_action, predict, act or call")

    def act(obs: Any) -> Any:
        found = call(obs)
        return found[0] if isinstance(found, tuple) else found

    return policy(act, name=name)


def check_seat(model: Any, seat: tuple[Any, Any] | None, name: str) -> None:
    """Refuse a policy whose spaces are known and differ from those of its seat."""
    if seat is None:
        return
    for kind, wanted in zip(("observation_space", "action_space"), seat, strict=True):
        own = getattr(model, kind, None)
        if own is not None and own != wanted:
            raise ConfigError(f"policy '{name}': got {kind} {own}; wanted {wanted}, that of its seat")


class Pilot:
    """One of our agents as two participants, `act` and `learn`, which share their count of steps.

    The agent must have begun its batch. Observations may be ``(d,)`` where the batch is one environment.

    Args:
        agent: an agent, or a frozen policy, which has nothing to learn.
        explore: False plays greedily.
        propensity: also set ``propensity``.

    >>> from onetake.agents import make
    >>> from onetake.types import BatchSpec
    >>> one = np.zeros(1, np.uint32)
    >>> agent = make("fixed", action=1)
    >>> agent.begin(BatchSpec("docs/Coins-v0", one, one, 2, ("x",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> parcel = {"obs": np.zeros(1, np.float32)}
    >>> Pilot(agent).act(parcel)
    >>> parcel["action"]
    1
    """

    def __init__(
        self, agent: AbstractAgent | FrozenPolicy, *, explore: bool = True, propensity: bool = False, name: str = ""
    ) -> None:
        self._agent, self._explore, self._propensity = agent, explore, propensity
        self._step = -1
        self._single = agent.spec.num_envs == 1
        name = name or type(agent).__name__
        writes = ["action", *(["propensity"] if propensity else [])]
        self.act = declared(self._act, reads=["obs"], writes=writes, name=name)
        self.learn = declared(self._learn, reads=list(LEARNT_FROM), name=f"{name} learns")

    def _act(self, parcel: Parcel) -> None:
        self._step += 1
        obs = self._rows(parcel["obs"])
        decision = self._agent.act(Observation(obs, self._step), explore=self._explore, propensity=self._propensity)
        flat = self._single and np.ndim(parcel["obs"]) < 2
        parcel["action"] = int(decision.action[0]) if flat else decision.action
        if decision.propensity is not None:
            parcel["propensity"] = float(decision.propensity[0]) if flat else decision.propensity

    def _learn(self, parcel: Parcel) -> None:
        if not isinstance(self._agent, AbstractAgent):
            raise ConfigError("learn: got a frozen policy; wanted an agent that can still learn")
        self._agent.learn(
            Transitions(
                self._step,
                self._rows(parcel["obs"]),
                np.atleast_1d(np.asarray(parcel["action"], dtype=np.int64)),
                np.atleast_1d(np.asarray(parcel["reward"], dtype=np.float64)),
                self._rows(parcel["next_obs"]),
                np.atleast_1d(np.asarray(parcel["terminated"], dtype=np.bool_)),
                np.atleast_1d(np.asarray(parcel["truncated"], dtype=np.bool_)),
            )
        )

    def _rows(self, obs: Any) -> Any:
        array = np.asarray(obs, dtype=np.float32)
        return array if array.ndim == 2 else array.reshape(self._agent.spec.num_envs, -1)
