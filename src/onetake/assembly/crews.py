"""Crews of sellers trained against each other in a market, and what is to be thought of their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from onetake.agents import AbstractAgent
from onetake.assembly.oligopoly import impulse_response, learn_prices
from onetake.draws import mean
from onetake.envs.market import MarketVector
from onetake.errors import ConfigError
from onetake.seeding import child_seed
from onetake.types import Float64, Observation, Transitions

#: A profit gain from here on is called high: halfway from Nash to joint profit.
HIGH = 0.5

RESULT = {
    "market": pl.String,
    "crew": pl.String,
    "runs": pl.Int64,
    "gain": pl.Float64,
    "gain_low": pl.Float64,
    "gain_high": pl.Float64,
    "episode_gain": pl.Float64,
    "price": pl.Float64,
    "nash_price": pl.Float64,
    "monopoly_price": pl.Float64,
    "converged": pl.Float64,
    "control_gain": pl.Float64,
    "answered": pl.Float64,
    "punished": pl.Float64,
    "verdict": pl.String,
}


@dataclass(frozen=True)
class Training:
    """Settings that all crews share.

    Attributes:
        seed: root of all luck. level: of intervals. periods: that the answer to a deviation is looked at.

    Raises:
        ConfigError: where one cannot be used.
    """

    seed: int = 0
    level: float = 0.95
    periods: int = 25

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ConfigError(f"multi_agent.training.level: got {self.level}; wanted a number in (0, 1)")
        if self.periods < 4:
            raise ConfigError(f"multi_agent.training.periods: got {self.periods}; wanted at least 4")


@dataclass(frozen=True)
class Crew:
    """Who sits in a market's seats: Q-learners of the core, or agents by their names in conf.

    Attributes:
        learner: settings of the Q-learners, where it is they; played to convergence.
        agents: one agent for all seats, or one a seat; they play one episode, learning and earning at once.
        runs: sessions, or markets in which each agent plays at once, every one with a learner of its own.

    Raises:
        ConfigError: neither of both, both, or no runs.

    >>> Crew(agents=("thompson",), runs=10).learner is None
    True
    """

    learner: Mapping[str, Any] | None = None
    agents: Sequence[str] = field(default_factory=tuple)
    runs: int = 10

    def __post_init__(self) -> None:
        if (self.learner is None) == (not self.agents):
            raise ConfigError("crew: got neither or both of learner and agents; wanted one of them")
        if isinstance(self.runs, bool) or not isinstance(self.runs, int) or self.runs < 2:
            raise ConfigError(f"crew.runs: got {self.runs!r}; wanted at least 2, for an interval")


def train(
    names: tuple[str, str],
    market: Mapping[str, Any],
    crew: Crew,
    agents: Mapping[str, AbstractAgent],
    training: Training,
) -> pl.DataFrame:
    """Train a crew in a market.

    Args:
        names: of the market and the crew.
        market: settings as `MarketVector` takes them.
        crew: who plays.
        agents: a fresh agent for each seat, by the seller's name; empty for Q-learners.
        training: what all share.

    Returns:
        One row with the columns of `RESULT`. ``gain`` is the profit gain after learning (of Q-learners: of their limit
        cycle; of agents: over the last quarter of their episode), with its interval over runs; ``episode_gain`` that of
        the whole episode; ``control_gain`` that of the same Q-learners without memory; ``answered`` and ``punished``
        are shares of runs in which a deviation was answered by lower prices, and did not pay.

    Raises:
        ConfigError: a setting that cannot be used, or an agent that does not support its seat, by name.
    """
    if crew.learner is not None:
        found = _learners(market, crew, training)
    else:
        found = _agents(market, crew, agents, training)
    own = MarketVector(market)
    gain = found.pop("gains")
    low, high = _interval(gain, training.level)
    row = {"market": names[0], "crew": names[1], "runs": len(gain), "gain": mean(gain), "gain_low": low}
    row |= {"gain_high": high, "nash_price": mean(own.nash_price), "monopoly_price": mean(own.monopoly_price)}
    row |= found
    row["verdict"] = verdict(row, memory=own.config["memory"], capacity_binds=own.capacity_binds)
    return pl.DataFrame([row], schema=RESULT)


def verdict(row: Mapping[str, Any], *, memory: int = 1, capacity_binds: bool = False) -> str:
    """What is to be thought of a crew's prices, in words.

    >>> verdict({"gain_low": 0.8, "control_gain": 0.9, "answered": 0.0, "punished": 0.0}, memory=0)
    'artefact: a high gain without memory, which leaves nothing to punish with'
    """
    if capacity_binds:
        return "not judged: a capacity binds, so that Nash and joint profit are not those of this market"
    if row["gain_low"] < HIGH:
        return "prices are not far above competition, or not surely so"
    if row.get("control_gain") is None:
        return "high prices, with no control without memory for these agents: nothing is said of collusion"
    if memory == 0:
        return "artefact: a high gain without memory, which leaves nothing to punish with"
    return _memory_words(row)


def _memory_words(row: Mapping[str, Any]) -> str:
    alike = "learners without memory gain as much, an artefact" if row["control_gain"] >= HIGH else ""
    if row["answered"] > 0.5 and row["punished"] > 0.5:
        words = "collusive: deviations are answered by lower prices, and do not pay"
        return f"{words}; the gain alone would prove nothing, since {alike}" if alike else words
    if alike:
        return f"artefact: deviations are not punished, and {alike}"
    return "high prices, but deviations are not punished: learning has not found the best answers"


def _learners(market: Mapping[str, Any], crew: Crew, training: Training) -> dict[str, Any]:
    seed = child_seed(training.seed, "sessions")
    sessions = learn_prices(market, crew.learner, sessions=crew.runs, seed=seed)
    found: dict[str, Any] = {
        "gains": sessions.gain,
        "price": mean(sessions.price.ravel()),
        "converged": float(sessions.converged.mean()),
    }
    if sessions.market["memory"]:
        control = learn_prices({**market, "memory": 0}, crew.learner, sessions=crew.runs, seed=seed)
        response = impulse_response(sessions, periods=training.periods)
        found |= {"control_gain": mean(control.gain), "answered": response.answered, "punished": response.punished}
    else:
        found |= {"control_gain": mean(sessions.gain), "answered": 0.0, "punished": 0.0}
    return found


def _agents(
    market: Mapping[str, Any], crew: Crew, agents: Mapping[str, AbstractAgent], training: Training
) -> dict[str, Any]:
    batch = MarketVector(market, markets=crew.runs, seed=child_seed(training.seed, "markets"))
    seats = list(enumerate(agents.values()))
    if len(seats) != batch.sellers:
        raise ConfigError(f"crew.agents: got {len(seats)} agents; wanted {batch.sellers}, one a seat")
    for seller, agent in seats:
        spec = batch.seat_spec(seller)
        reason = agent.supports(spec)
        if reason is not None:
            raise ConfigError(f"crew.agents[{seller}]: {reason}")
        # By seat: equal agents with equal seeds would draw alike.
        agent.begin(spec, child_seed(training.seed, "seat", seller))
    obs, _ = batch.reset()
    gains, prices = [], []
    for t in range(batch.config["horizon"]):
        actions = np.stack(
            [agent.act(Observation(np.ascontiguousarray(obs[:, i]), t)).action for i, agent in seats], axis=1
        )
        after, profit, terminated, truncated, infos = batch.step(actions)
        for i, agent in seats:
            before, then = np.ascontiguousarray(obs[:, i]), np.ascontiguousarray(after[:, i])
            own = np.ascontiguousarray(actions[:, i]), np.ascontiguousarray(profit[:, i])
            agent.learn(Transitions(t, before, *own, then, terminated, truncated))
        obs = after
        gains.append(batch.profit_gain(profit))
        prices.append(infos["price"].mean(axis=1))
    late = slice(3 * len(gains) // 4, None)
    whole = np.stack(gains)
    return {
        "gains": mean(whole[late], axis=0),
        "episode_gain": mean(whole.ravel()),
        "price": mean(np.stack(prices[late]).ravel()),
    }


def _interval(values: Float64, level: float) -> tuple[float, float]:
    """Student's interval of the mean; runs are independent of each other."""
    half = float(stdtrit(len(values) - 1, 0.5 + level / 2) * values.std(ddof=1) / len(values) ** 0.5)
    middle = float(mean(values))
    return middle - half, middle + half
