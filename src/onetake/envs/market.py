"""Markets of several sellers: batches of them that step in one native call."""

from __future__ import annotations

import copy
import json
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from onetake._core import MarketBatch
from onetake.envs.native import Config, as_json, whole
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float32, Float64

Sold = tuple[Float32, Float64, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]


class MarketVector:
    """Many markets of one kind, each with its sellers ``m``, who set prices at the same time.

    Buyers choose among the sellers and an outside option by logit:
    ``q_i = exp((a_i - p_i) / μ) / (Σ_j exp((a_j - p_j) / μ) + exp(a_0 / μ))``; profit is ``(p_i - c_i) q_i``. Prices
    lie on a ladder a seller, from a little below its Nash price to a little above its joint-profit one.

    Args:
        config: ``sellers, quality, outside, differentiation, cost, prices, margin, memory, capacity, shock, horizon``;
            defaults stand in the core (the baseline duopoly of Calvano et al. 2020), and unknown ones are refused.
        markets: how many.
        seed: of their luck (prices before the first period, demand shocks), until a reset gives another.
        first_market: id of the first; a market's luck depends on its id, not on its company.

    Attributes:
        config: settings, with defaults. ladder: prices ``(sellers, prices)``.
        nash_price, nash_quantity, nash_profit: Bertrand–Nash equilibrium ``(sellers,)``, without capacities.
        monopoly_price, monopoly_quantity, monopoly_profit: joint-profit maximum ``(sellers,)``, likewise.
        capacity_binds: whether a capacity lies below what is sold at the Nash prices; then the two equilibria are not
            those of the market, and a profit gain says nothing.

    Raises:
        ConfigError: a setting that cannot be used, by name.
    Source: Calvano, Calzolari, Denicolò, Pastorello (2020), American Economic Review 110(10), section II.

    >>> market = MarketVector(markets=3)
    >>> round(float(market.nash_price[0]), 6), round(float(market.monopoly_price[0]), 6)
    (1.472927, 1.924981)
    >>> obs, infos = market.reset(seed=1)
    >>> obs, profit, terminated, truncated, infos = market.step(np.full((3, 2), 7))
    >>> obs.shape, profit.shape
    ((3, 2, 2), (3, 2))
    """

    def __init__(self, config: Config | None = None, *, markets: int = 1, seed: int = 0, first_market: int = 0) -> None:
        text = as_json("market", config or {})
        self._core = MarketBatch(text, whole("markets", markets, 1), whole("first_market", first_market), seed)
        self.config: dict[str, Any] = json.loads(self._core.config())
        self.markets = markets
        self.sellers: int = self.config["sellers"]
        self.prices: int = self.config["prices"]
        self.first_market = first_market
        self.ladder = self._core.ladder().reshape(self.sellers, self.prices)
        found = self._core.equilibria()
        self.nash_price, self.nash_quantity, self.nash_profit = (
            found[f"nash_{name}"] for name in ("price", "quantity", "profit")
        )
        self.monopoly_price, self.monopoly_quantity, self.monopoly_profit = (
            found[f"monopoly_{name}"] for name in ("price", "quantity", "profit")
        )
        capacity = self.config["capacity"]
        self.capacity_binds = capacity is not None and bool((np.asarray(capacity) < self.nash_quantity).any())
        # Own price first, then the others' in their order, so that one policy can take any seat.
        self._turned = (np.arange(self.sellers)[:, np.newaxis] + np.arange(self.sellers)) % self.sellers

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sellers."""
        return tuple(f"seller_{i}" for i in range(self.sellers))

    @property
    def observation_size(self) -> int:
        """Numbers that a seller sees: all prices of the last ``memory`` periods; a 0 without memory."""
        return max(1, int(self.config["memory"]) * self.sellers)

    def seat_spec(self, seller: int) -> BatchSpec:
        """What an agent may know who takes the seat of one seller in every market: a market is an entity."""
        low, high = self.reward_bounds(seller)
        names = [f"price_{lag + 1}_{i}" for lag in range(self.config["memory"]) for i in range(self.sellers)]
        return BatchSpec(
            env_id="onetake/Market-v0",
            entity_ids=np.arange(self.first_market, self.first_market + self.markets, dtype=np.uint32),
            replicate_ids=np.zeros(1, dtype=np.uint32),
            num_actions=self.prices,
            observation_names=tuple(names) or ("nothing",),
            horizon=self.config["horizon"],
            reward_low=np.asarray(low),
            reward_high=np.asarray(high),
            action_labels=tuple(f"{price:.4f}" for price in self.ladder[seller]),
        )

    def reward_bounds(self, seller: int) -> tuple[float, float]:
        """Bounds of a seller's profit a period: everybody buys, at its worst or best price."""
        margin = self.ladder[seller] - np.broadcast_to(self.config["cost"], self.sellers)[seller]
        # Six and a half standard deviations: beyond what a word of 32 bits can draw.
        size = float(np.exp(6.5 * self.config["shock"]))
        return float(min(margin.min(), 0.0)) * size, float(max(margin.max(), 0.0)) * size

    def reset(self, *, seed: int | None = None) -> tuple[Float32, dict[str, Any]]:
        """Begin an episode in every market; prices before it are drawn evenly from the ladders.

        Returns:
            Observations ``(markets, sellers, d)``, and an empty mapping.
        """
        self._core.reset(None if seed is None else whole("seed", seed))
        return self._observed(), {}

    def step(self, actions: Any) -> Sold:
        """Let every seller set a price.

        Args:
            actions: rungs of the ladders ``(markets, sellers)``, whole numbers.

        Returns:
            Observations, profits ``(markets, sellers)``, terminated and truncated ``(markets,)``, and in the infos the
            ``price`` and ``quantity`` of each ``(markets, sellers)``.

        Raises:
            NotReadyError: before the first reset, and after the horizon.
            ShapeError: actions of another shape or kind, or a rung that there is not.
        """
        array = np.asarray(actions)
        if array.shape != (self.markets, self.sellers) or array.dtype.kind not in "iu" or (array < 0).any():
            got = f"{array.dtype} {array.shape}"
            raise ShapeError(f"actions: got {got}; wanted rungs, whole numbers ({self.markets}, {self.sellers})")
        rungs = np.ascontiguousarray(np.minimum(array, 2**31), dtype=np.uint32)
        profit, quantity = (part.reshape(rungs.shape) for part in self._core.step(rungs.ravel()))
        over = self._core.elapsed() >= self.config["horizon"]
        ends = np.zeros(self.markets, np.bool_), np.full(self.markets, over)
        price = self.ladder[np.arange(self.sellers), rungs]
        return self._observed(), profit, *ends, {"price": price, "quantity": quantity}

    def profit_gain(self, profit: Any) -> Any:
        """How far profits ``(..., sellers)`` lie from Nash (0) to joint profit (1), by the sellers' mean ``(...)``.

        >>> market = MarketVector()
        >>> market.profit_gain([market.nash_profit, market.monopoly_profit]).tolist()
        [0.0, 1.0]
        """
        low, high = self.nash_profit.mean(), self.monopoly_profit.mean()
        return (np.asarray(profit).mean(axis=-1) - low) / (high - low)

    def fork(self, seed: int | None = None) -> Self:
        """Return a copy that goes on from here, with the same luck or with that of another seed."""
        twin = copy.copy(self)
        twin._core = self._core.fork(None if seed is None else whole("seed", seed))
        return twin

    def _observed(self) -> Float32:
        memory = int(self.config["memory"])
        if memory == 0:
            return np.zeros((self.markets, self.sellers, 1), dtype=np.float32)
        rungs = self._core.seen().reshape(self.markets, memory, self.sellers)
        prices = self.ladder[np.arange(self.sellers), rungs].astype(np.float32)
        turned = prices[:, :, self._turned].transpose(0, 2, 1, 3)
        return np.ascontiguousarray(turned.reshape(self.markets, self.sellers, memory * self.sellers))
