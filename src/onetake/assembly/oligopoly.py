"""Sellers who learn their prices against each other: sessions, profit gains, and what a deviation brings.

A high profit gain alone proves nothing: it may come from learning that has not found the best answers. Collusion is a
*reward–punishment scheme*: who undercuts is punished, which needs memory. So the gain stands beside the memoryless
control, and beside the answer to a deviation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onetake._core import price_learners
from onetake.draws import mean, thread_count
from onetake.envs.market import MarketVector
from onetake.envs.native import as_json, whole
from onetake.errors import ConfigError
from onetake.types import Float64, Int64


@dataclass(frozen=True)
class Sessions:
    """Sessions that were played to convergence ``s``, with sellers ``m``.

    Attributes:
        market: settings of the market. discount: of the learners.
        converged: whether greedy prices came to rest ``(s,)``. periods: played ``(s,)``.
        cycle: length of the cycle of greedy play ``(s,)``. state: in which learning ended ``(s,)``.
        price, profit: means over the cycle ``(s, m)``. gain: profit gain ``(s,)``; 0 is Nash, 1 is joint profit.
        strategy: greedy rung by seller and state ``(s, m, states)``.
    """

    market: Mapping[str, Any]
    discount: float
    converged: NDArray[np.bool_]
    periods: Int64
    cycle: Int64
    state: Int64
    price: Float64
    profit: Float64
    gain: Float64
    strategy: NDArray[np.uint8] = field(repr=False)

    def frame(self) -> pl.DataFrame:
        """One row a session."""
        sellers = range(self.price.shape[1])
        columns: dict[str, NDArray[Any]] = {
            "session": np.arange(len(self.gain)),
            "converged": self.converged,
            "periods": self.periods,
        }
        columns |= {"cycle": self.cycle, "gain": self.gain}
        columns |= {f"price_{i}": self.price[:, i] for i in sellers}
        columns |= {f"profit_{i}": self.profit[:, i] for i in sellers}
        return pl.DataFrame(columns)


def learn_prices(
    market: Mapping[str, Any] | None = None,
    learner: Mapping[str, Any] | None = None,
    *,
    sessions: int,
    seed: int = 0,
    first_session: int = 0,
    threads: int | None = None,
) -> Sessions:
    """Let Q-learning sellers play sessions to convergence, in the core; the same bytes for any number of threads.

    Args:
        market: settings as `MarketVector` takes them.
        learner: ``learning_rate, exploration_decay, discount, patience, max_periods``; defaults as published.
        sessions: how many.
        seed: of exploration and first states.
        first_session: id of the first; a session's luck depends on its id alone.
        threads: None for ``ONETAKE_THREADS``, else all cores.

    Raises:
        ConfigError: a setting that cannot be used, or tables that do not fit into memory.
    Source: Calvano, Calzolari, Denicolò, Pastorello (2020), American Economic Review 110(10), sections II and III.

    >>> found = learn_prices(learner={"exploration_decay": 1e-3, "patience": 1000}, sessions=2)
    >>> found.gain.shape, found.strategy.shape
    ((2,), (2, 2, 225))
    """
    settings = as_json("learner", learner or {})
    own = MarketVector(market)
    count = whole("sessions", sessions, 1)
    found = price_learners(
        as_json("market", market or {}),
        settings,
        whole("seed", seed),
        whole("first_session", first_session),
        count,
        thread_count(threads),
    )
    profit = found["profit"].reshape(count, own.sellers)
    return Sessions(
        market=own.config,
        discount=float((learner or {}).get("discount", 0.95)),
        converged=found["converged"],
        periods=found["periods"],
        cycle=found["cycle"],
        state=found["state"],
        price=found["price"].reshape(count, own.sellers),
        profit=profit,
        gain=own.profit_gain(profit),
        strategy=found["strategy"].reshape(count, own.sellers, -1),
    )


@dataclass(frozen=True)
class Response:
    """What follows when one seller undercuts for one period, against the same sessions left alone.

    Attributes:
        price: with the deviation, in period 0 ``(s, T, m)``. quiet_price: without it ``(s, T, m)``.
        gain: discounted profit of the deviator with the deviation over that without, less 1 ``(s,)``.
    """

    price: Float64
    quiet_price: Float64
    gain: Float64

    @property
    def punished(self) -> float:
        """Share of sessions in which the deviation did not pay."""
        return float((self.gain <= 1e-12).mean())

    @property
    def answered(self) -> float:
        """Share of sessions in which a rival's price one period later is lower than without the deviation."""
        lower = self.price[:, 1, 1:] < self.quiet_price[:, 1, 1:] - 1e-12
        return float(lower.any(axis=1).mean())

    @property
    def returned(self) -> float:
        """Share of sessions that are back at their own prices in the last period (or in the same cycle, shifted)."""
        band = np.abs(self.price[:, -3:].mean(axis=1) - self.quiet_price[:, -3:].mean(axis=1)) < 0.05
        return float(band.all(axis=1).mean())

    def frame(self) -> pl.DataFrame:
        """Mean change of price by period: of the deviator, and of the others."""
        change = mean(self.price - self.quiet_price, axis=0)
        others = mean(change[:, 1:], axis=1)
        return pl.DataFrame({"period": np.arange(len(change)), "deviator": change[:, 0], "others": others})


def impulse_response(sessions: Sessions, *, periods: int = 25, deviation: int | None = None) -> Response:
    """Let seller 0 deviate for one period from converged play, then let everybody follow what was learnt.

    Args:
        sessions: what was learnt.
        periods: how long to look.
        deviation: rung that it deviates to; None for its best answer to the rivals' prices of that period.

    Raises:
        ConfigError: fewer than 4 periods, or a rung that there is not.
    Source: Calvano et al. 2020, section IV.B.
    """
    if periods < 4:
        raise ConfigError(f"periods: got {periods}; wanted at least 4, to see a deviation and what comes of it")
    market = MarketVector({**sessions.market, "horizon": 2**31}, markets=len(sessions.gain))
    if deviation is not None and not 0 <= deviation < market.prices:
        raise ConfigError(f"deviation: got {deviation}; wanted a rung in 0..{market.prices - 1}")
    market.reset(seed=0)
    state = sessions.state.copy()
    # As many periods as there are states lead into the cycle of greedy play, whatever the way.
    for _ in range(min(sessions.strategy.shape[2], 1000)):
        state = _after(sessions, market, state, _greedy(sessions, state))
    rungs = _greedy(sessions, state)
    first = _best_answer(market, rungs) if deviation is None else np.full(len(state), deviation)
    quiet_price, quiet_profit = _follow(sessions, market, state, None, periods)
    price, profit = _follow(sessions, market, state, first, periods)
    weight = sessions.discount ** np.arange(periods)
    return Response(price, quiet_price, (profit[:, :, 0] @ weight) / (quiet_profit[:, :, 0] @ weight) - 1.0)


def _follow(
    sessions: Sessions, market: MarketVector, state: Int64, first: Int64 | None, periods: int
) -> tuple[Float64, Float64]:
    prices, profits = [], []
    for t in range(periods):
        rungs = _greedy(sessions, state)
        if t == 0 and first is not None:
            rungs[:, 0] = first
        _, profit, _, _, infos = market.step(rungs)
        prices.append(infos["price"])
        profits.append(profit)
        state = _after(sessions, market, state, rungs)
    return np.stack(prices, axis=1), np.stack(profits, axis=1)


def _greedy(sessions: Sessions, state: Int64) -> Int64:
    rows = np.arange(len(state))
    return sessions.strategy[rows, :, state].astype(np.int64)


def _after(sessions: Sessions, market: MarketVector, state: Int64, rungs: Int64) -> Int64:
    powers = market.prices ** np.arange(market.sellers - 1, -1, -1)
    states: Int64 = (state * market.prices**market.sellers + rungs @ powers) % sessions.strategy.shape[2]
    return states


def _best_answer(market: MarketVector, rungs: Int64) -> Int64:
    profits = []
    for rung in range(market.prices):
        tried = rungs.copy()
        tried[:, 0] = rung
        profits.append(market.fork().step(tried)[1][:, 0])
    best: Int64 = np.stack(profits, axis=1).argmax(axis=1)
    return best
