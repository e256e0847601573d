"""Environments as participants: Gymnasium (single and vector) and PettingZoo (Parallel and AEC).

They are called by their documented methods only; neither package is needed to import this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onetake.assembly.parcel import Declared, Done, Parcel, declared
from onetake.errors import ConfigError

ENDS = ("terminated", "truncated")


def reset(env: Any, *, seed: int | None = None, name: str = "reset") -> Declared:
    """Reset a Gymnasium environment, single or vector: sets ``obs`` and ``info``.

    The seed is used once; later launches go on with the environment's luck, as in Gymnasium.
    """
    seeds = iter([seed])

    def play(parcel: Parcel) -> None:
        parcel["obs"], parcel["info"] = env.reset(seed=next(seeds, None))

    return declared(play, writes=["obs", "info"], name=name)


def step(env: Any, *, next_obs: str = "obs", name: str = "step") -> Declared:
    """Take ``action`` in a Gymnasium environment, single or vector.

    Sets the next observation, ``reward``, ``terminated``, ``truncated`` and ``info``. Where what came before is still
    needed, as for learning, set it under another key and `advance` afterwards.

    Args:
        env: the environment.
        next_obs: key of the next observation.
        name: what the participant is called.
    """

    def play(parcel: Parcel) -> None:
        found = env.step(parcel["action"])
        parcel["next_obs"], parcel["reward"], parcel["terminated"], parcel["truncated"], parcel["info"] = found

    writes = {key: key for key in ("reward", *ENDS, "info")} | {"next_obs": next_obs}
    return declared(play, reads=["action"], writes=writes, name=name)


def advance(*, next_obs: str = "next_obs") -> Declared:
    """Make the next observation the present one."""

    def play(parcel: Parcel) -> None:
        parcel["obs"] = parcel["next"]

    return declared(play, reads={"next": next_obs}, writes=["obs"], name="advance")


def render(env: Any) -> Declared:
    """Render: sets ``frame``."""

    def play(parcel: Parcel) -> None:
        parcel["frame"] = env.render()

    return declared(play, writes=["frame"], name="render")


def end_of_episode() -> Declared:
    """Be `Done` when every environment has terminated or was truncated: one, or all of a batch."""

    def play(parcel: Parcel) -> None:
        if np.all(np.asarray(parcel["terminated"]) | np.asarray(parcel["truncated"])):
            raise Done

    return declared(play, reads=list(ENDS), name="end_of_episode")


def seat_keys(agents: Sequence[str], *names: str) -> list[str]:
    """The keys of several seats: ``seller_0.obs`` and so on.

    >>> seat_keys(["a", "b"], "obs")
    ['a.obs', 'b.obs']
    """
    return [f"{agent}.{name}" for agent in agents for name in names]


def parallel_reset(env: Any, *, seed: int | None = None) -> Declared:
    """Reset a PettingZoo Parallel environment: sets ``agents``, and ``<agent>.obs`` and ``<agent>.info`` of each."""
    seeds = iter([seed])

    def play(parcel: Parcel) -> None:
        observations, infos = env.reset(seed=next(seeds, None))
        parcel["agents"] = list(env.agents)
        for agent in env.agents:
            parcel[f"{agent}.obs"], parcel[f"{agent}.info"] = observations[agent], infos[agent]

    writes = ["agents", *seat_keys(env.possible_agents, "obs", "info")]
    return declared(play, writes=writes, name="parallel_reset")


def parallel_step(env: Any) -> Declared:
    """Take ``<agent>.action`` of every agent that is still there in a PettingZoo Parallel environment.

    Sets ``agents``, and ``obs``, ``reward``, ``terminated``, ``truncated`` and ``info`` of each seat. Is `Done` when no
    agent is left.

    Raises:
        ConfigError: an agent without action; it is named.
    """

    def play(parcel: Parcel) -> None:
        missing = [agent for agent in env.agents if f"{agent}.action" not in parcel]
        if missing:
            raise ConfigError(f"action: got none of {', '.join(missing)}; wanted one of every agent")
        found = env.step({agent: parcel[f"{agent}.action"] for agent in env.agents})
        for name, values in zip(("obs", "reward", *ENDS, "info"), found, strict=True):
            for agent, value in values.items():
                if agent in env.possible_agents:
                    parcel[f"{agent}.{name}"] = value
        parcel["agents"] = list(env.agents)
        if not env.agents:
            raise Done

    writes = ["agents", *seat_keys(env.possible_agents, "obs", "reward", *ENDS, "info")]
    return declared(play, reads=seat_keys(env.possible_agents, "action"), writes=writes, name="parallel_step")


def aec_reset(env: Any, *, seed: int | None = None) -> Declared:
    """Reset a PettingZoo AEC environment, and set what the first agent sees."""
    seeds = iter([seed])

    def play(parcel: Parcel) -> None:
        env.reset(seed=next(seeds, None))
        _last(env, parcel)

    return declared(play, writes=["agent", "obs", "reward", *ENDS, "info"], name="aec_reset")


def aec_step(env: Any) -> Declared:
    """Take ``action`` for the agent whose turn it is, then set ``agent`` and what the next one sees.

    An agent that has ended gets None whatever ``action`` says, as PettingZoo wants. Is `Done` when no agent is left.
    """

    def play(parcel: Parcel) -> None:
        over = parcel["terminated"] or parcel["truncated"]
        env.step(None if over else parcel["action"])
        if not env.agents:
            raise Done
        _last(env, parcel)

    return declared(play, reads=["action", *ENDS], writes=["agent", "obs", "reward", *ENDS, "info"], name="aec_step")


def _last(env: Any, parcel: Parcel) -> None:
    parcel["agent"] = env.agent_selection
    parcel["obs"], parcel["reward"], parcel["terminated"], parcel["truncated"], parcel["info"] = env.last()
