"""The market and the auction as PettingZoo environments, Parallel and through AEC; needs the extra ``marl``.

Importing this needs nothing; making an environment needs PettingZoo.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from onetake.envs.auction import AuctionVector
from onetake.envs.market import MarketVector
from onetake.envs.native import Config
from onetake.errors import ConfigError, NotReadyError, ShapeError, UnknownIdError

try:
    from pettingzoo import ParallelEnv as _Parallel
except ImportError:  # the extra is not installed: environments are refused when they are made
    _Parallel = None

_Base: Any = _Parallel or object
Dicts = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]


class _OneOfABatch(_Base):  # type: ignore[misc]  # PettingZoo's class where it is installed, else a plain one
    """One market or auction: row 0 of a batch of one, with a mapping for each axis of agents."""

    metadata: dict[str, Any]

    def __init__(self, batch: MarketVector | AuctionVector, render_mode: str | None) -> None:
        if _Parallel is None:
            raise ConfigError("pettingzoo: got an interpreter without it; wanted the extra `marl` installed")
        if render_mode is not None:
            raise ConfigError(f"render_mode: got {render_mode!r}; wanted None, since there is nothing to see")
        self.batch = batch
        self.render_mode = None
        self.possible_agents = list(batch.names)
        self.agents: list[str] = []
        self.observation_spaces: dict[str, spaces.Space[Any]] = {}
        self.action_spaces: dict[str, spaces.Space[Any]] = {}

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Space of an agent's observations: the same object at each call.

        Raises:
            UnknownIdError: an agent that is not there.
        """
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Space of an agent's actions: the same object at each call.

        Raises:
            UnknownIdError: an agent that is not there.
        """
        return self.action_spaces[self._known(agent)]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode; a seed begins its luck anew, without one the luck goes on."""
        obs, _ = self.batch.reset(seed=seed)
        self.agents = list(self.possible_agents)
        return self._each(obs), {agent: {} for agent in self.agents}

    def step(self, actions: Mapping[str, Any]) -> Dicts:
        """Let every agent act.

        Raises:
            NotReadyError: before the first reset, and after the end.
            ShapeError: a missing or an extra action, named; an action that is not in its space.
        """
        if not self.agents:
            raise NotReadyError("step: got no agent that is still there; wanted a reset first")
        missing = [agent for agent in self.agents if agent not in actions]
        extra = [str(agent) for agent in actions if agent not in self.agents]
        if missing or extra:
            got = ", ".join([*(f"none of {agent}" for agent in missing), *(f"one of {agent}" for agent in extra)])
            raise ShapeError(f"actions: got {got}; wanted one of each of {', '.join(self.agents)}")
        for agent in self.agents:
            if not self.action_spaces[agent].contains(self._fitting(actions[agent])):
                space = self.action_spaces[agent]
                raise ShapeError(f"actions['{agent}']: got {actions[agent]!r}; wanted one of {space}")
        row = np.array([self._native(actions[agent]) for agent in self.agents])
        obs, reward, terminated, truncated, infos = self.batch.step(row[np.newaxis])
        live = self.agents
        if terminated[0] or truncated[0]:
            self.agents = []
        told = {agent: self._info(infos, i) for i, agent in enumerate(live)}
        rewards = {agent: float(reward[0, i]) for i, agent in enumerate(live)}
        stopped, cut = bool(terminated[0]), bool(truncated[0])
        return self._each(obs), rewards, dict.fromkeys(live, stopped), dict.fromkeys(live, cut), told

    def close(self) -> None:
        """Do nothing: there is nothing to let go."""

    def render(self) -> None:
        """Do nothing: there is nothing to see."""

    def _fitting(self, action: Any) -> Any:
        return action

    def _native(self, action: Any) -> Any:
        return int(action)

    @abstractmethod
    def _info(self, infos: Mapping[str, Any], place: int) -> dict[str, Any]:
        """What an agent is told beside its observation."""

    def _each(self, obs: Any) -> dict[str, Any]:
        return {agent: obs[0, i].copy() for i, agent in enumerate(self.possible_agents)}

    def _known(self, agent: str) -> str:
        if agent not in self.possible_agents:
            raise UnknownIdError(f"agent: got '{agent}'; wanted one of {', '.join(self.possible_agents)}")
        return agent


class MarketParallelEnv(_OneOfABatch):
    """A market as a PettingZoo Parallel environment: agents ``seller_0`` and on, actions are rungs of price ladders.

    Args:
        config: as `MarketVector` takes it.
        seed: of its luck, until a reset gives another.
        render_mode: None.

    Raises:
        ConfigError: a setting that cannot be used, or PettingZoo that is not installed.
    """

    metadata = {"name": "onetake_market_v0", "render_modes": [], "is_parallelizable": True}  # noqa: RUF012 -- PettingZoo declares it so

    def __init__(self, config: Config | None = None, *, seed: int = 0, render_mode: str | None = None) -> None:
        market = MarketVector(config, seed=seed)
        super().__init__(market, render_mode)
        low, high = (float(end) for end in (market.ladder.min(), market.ladder.max()))
        low, high = (low, high) if market.config["memory"] else (0.0, 0.0)
        size = (market.observation_size,)
        # Prices are rounded to float32, which may lie a hair outside.
        ends = np.nextafter(np.float32(low), np.float32(-np.inf)), np.nextafter(np.float32(high), np.float32(np.inf))
        for agent in self.possible_agents:
            self.observation_spaces[agent] = spaces.Box(*ends, size, np.float32)
            self.action_spaces[agent] = spaces.Discrete(market.prices)

    def _info(self, infos: Mapping[str, Any], place: int) -> dict[str, Any]:
        return {key: float(infos[key][0, place]) for key in ("price", "quantity")}


class AuctionParallelEnv(_OneOfABatch):
    """An auction as a PettingZoo Parallel environment: agents ``bidder_0`` and on, actions are bids of shape ``(1,)``.

    Args:
        config: as `AuctionVector` takes it.
        seed: of its luck, until a reset gives another.
        render_mode: None.

    Raises:
        ConfigError: a setting that cannot be used, or PettingZoo that is not installed.
    """

    metadata = {"name": "onetake_auction_v0", "render_modes": [], "is_parallelizable": True}  # noqa: RUF012 -- PettingZoo declares it so

    def __init__(self, config: Config | None = None, *, seed: int = 0, render_mode: str | None = None) -> None:
        auction = AuctionVector(config, seed=seed)
        super().__init__(auction, render_mode)
        low, high = np.max(auction.config["low"]), np.max(auction.config["high"])
        # Six and a half standard deviations: beyond what a word of 32 bits can draw.
        most = float(high if auction.config["values"] == "uniform" else np.exp(low + 6.5 * high))
        for agent in self.possible_agents:
            top = np.array([np.nextafter(np.float32(most), np.float32(np.inf)), 1.0, 1.0], np.float32)
            self.observation_spaces[agent] = spaces.Box(np.zeros(3, np.float32), top, dtype=np.float32)
            self.action_spaces[agent] = spaces.Box(0.0, auction.highest, (1,), np.float32)

    def _fitting(self, action: Any) -> Any:
        return np.asarray(action, dtype=np.float32).reshape(-1)

    def _native(self, action: Any) -> Any:
        # The highest float32 of the space may lie a hair above the highest action.
        return min(float(self._fitting(action)[0]), self.batch.config["highest"])

    def _info(self, infos: Mapping[str, Any], place: int) -> dict[str, Any]:
        return {"payment": float(infos["payment"][0, place]), "won": bool(infos["winner"][0] == place)}


def turn_by_turn(env: MarketParallelEnv | AuctionParallelEnv) -> Any:
    """The same as PettingZoo's AEC: agents act one after another and do not see each other's action."""
    from pettingzoo.utils.conversions import parallel_to_aec

    return parallel_to_aec(env)
