"""Prices by what each product's own buyers may be like: a posterior over elasticity, and the best price at a draw."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onetake.agents.bandits.choice import mixed, replaced
from onetake.agents.bandits.log_linear import poisson_mode, turns
from onetake.agents.bandits.luck import Luck
from onetake.agents.base import AbstractAgent
from onetake.agents.checks import check_choice, check_number
from onetake.draws import exp, log
from onetake.errors import ShapeError
from onetake.types import BatchSpec, Float32, Float64, Int64, Observation, Transitions

_SEEN = ("interactions", "conversions", "price")
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+$")


@dataclass(eq=False)
class PriceThompson(AbstractAgent):
    """Draws each product's elasticity from its posterior and sets the price that earns most there.

        conversions ~ Poisson(interactions · exp(θ₀ + ε g(x))),   (θ₀, ε) normal, by Laplace's method after each period
        ladder: argmax_x (x − r) exp(ε g(x));   continuum: x* = r ε / (1 + ε) for g = ln x, r − 1/ε for g = x − 1

    x is the price over the reference price (the first one seen), r = unit cost over reference price, which is read off
    the first sale; g = ln x is demand of constant elasticity, g = x − 1 the semi-log model. On a ladder the logarithm
    of profit is a line in ε for each rung, so that a rung is best on an interval of ε and its chance is exact. On a
    continuum the propensity is a density; at either end of the range it is the chance of just that end.

    Choose it when: prices have neighbours that tell of each other, and days are few.   Not when: demand reacts to other
    products' prices or remembers: each product is taken for itself.
    Source: Ferreira, Simchi-Levi and Wang, *Online network revenue management using Thompson sampling*, Operations
    Research 66, 2018, section 3 (without inventory); demand models: Talluri and van Ryzin, *The theory and practice of
    revenue management*, 2004, section 7.3; best price (Lerner 1934).

    Attributes:
        demand: ``constant_elasticity`` or ``semi_log``.
        elasticity: prior mean of ε. spread: its standard deviation, above 0.
        rate: prior mean chance to buy at the reference price. rate_spread: standard deviation of its logarithm.
        margin: (price − cost) / price at the reference price, until a sale shows it.
        floor: least chance of every allowed rung; share of even prices on a continuum.

    >>> from onetake.types import BatchSpec
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> rungs = ("price × 0.8", "price × 1", "price × 1.25")
    >>> agent = PriceThompson()
    >>> low, high = np.array(0.0), np.array(100.0)
    >>> agent.begin(BatchSpec("docs/Prices-v0", ids, ids[:1], 3, _SEEN, None, low, high, action_labels=rungs), seed=7)
    >>> agent.action_probabilities(Observation(np.ones((4, 3), np.float32), step=0))[0].round(3).tolist()
    [0.002, 0.235, 0.763]
    """

    demand: Literal["constant_elasticity", "semi_log"] = "constant_elasticity"
    elasticity: float = -2.0
    spread: float = 1.0
    rate: float = 0.05
    rate_spread: float = 2.0
    margin: float = 0.3
    floor: float = 0.0

    plays_points = True
    learns_from = "transitions"

    def __post_init__(self) -> None:
        check_choice("demand", self.demand, ("constant_elasticity", "semi_log"))
        check_number("elasticity", self.elasticity, -math.inf)
        check_number("spread", self.spread, 0, above=True)
        check_number("rate", self.rate, 0, above=True)
        check_number("rate_spread", self.rate_spread, 0, above=True)
        check_number("margin", self.margin, 0, 1)
        check_number("floor", self.floor, 0, 1)

    def supports(self, spec: BatchSpec) -> str | None:
        """Why the agent cannot play this batch, or None if it can."""
        reason = super().supports(spec)
        if reason is not None:
            return reason
        missing = [name for name in _SEEN if name not in spec.observation_names]
        if missing:
            return (
                f"observation_names: got {', '.join(spec.observation_names) or 'none'}; wanted {', '.join(missing)} too"
            )
        if spec.num_actions and len(_ladder(spec)) != spec.num_actions:
            return f"action_labels: got {list(spec.action_labels)}; wanted each to end with its multiple of the price"
        if not spec.num_actions and (spec.action_low is None or len(spec.action_low) != 1 or spec.action_low[0] <= 0):
            return "action bounds: got others; wanted one multiple of the price, above 0"
        return None

    def _start(self, spec: BatchSpec, seed: int) -> None:
        self._luck = Luck.of(spec, seed)
        self._ladder = _ladder(spec)
        self._seen = [spec.observation_names.index(name) for name in _SEEN]
        n = spec.num_envs
        first = {"log_rate": float(log([self.rate])[0]), "elasticity": self.elasticity, "reference": 0.0}
        prior = {"var_rate": self.rate_spread**2, "covariance": 0.0, "var_elasticity": self.spread**2}
        values = {**first, **prior, "cost": 1.0 - self.margin, "cost_known": 0.0}
        self._state = {name: np.full(n, float(value)) for name, value in values.items()}

    def _argument(self, x: Float64) -> Float64:
        """What the logarithm of demand is linear in."""
        return log(x) if self.demand == "constant_elasticity" else x - 1.0

    def _belief(self, rows: Int64 | None, spread: float) -> tuple[Float64, Float64, Float64]:
        """Mean and standard deviation of the elasticity, and cost as a multiple of the price ``(m,)`` each."""
        pick = slice(None) if rows is None else rows
        deviation = np.sqrt(self._state["var_elasticity"][pick]) * spread
        return self._state["elasticity"][pick], deviation, self._state["cost"][pick]

    def _decide(self, observation: Observation, explore: bool) -> Any:
        rows, step = observation.rows, observation.step
        mean, deviation, cost = self._belief(rows, 1.0 if explore else 0.0)
        drawn = mean + deviation * self._luck.normal(1, step, slot=2, rows=rows)[:, 0]
        luck = self._luck.uniform(step, rows=rows)
        if not self.spec.num_actions:
            return self._points(drawn, cost, luck, explore)
        profit = self._profit(drawn, cost)
        profit = profit if observation.mask is None else np.where(observation.mask, profit, -np.inf)
        action = np.asarray(profit.argmax(axis=1), dtype=np.int64)
        floor = self.floor if explore else 0.0
        return replaced(action, luck, observation.mask, self.spec.num_actions, 0.0, floor)

    def _profit(self, elasticity: Float64, cost: Float64) -> Float64:
        """Logarithm of each rung's profit at an elasticity ``(m, k)``; the least number where cost is not met."""
        above = self._ladder[None, :] - cost[:, None]
        lines = log(np.maximum(above, 1e-300)) + elasticity[:, None] * self._argument(self._ladder)[None, :]
        # Where no rung covers the cost, the dearest loses least.
        return np.where(above > 0, lines, -1e12 + self._ladder[None, :])

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        if not self.spec.num_actions:
            raise ShapeError("action_probabilities: got a continuum of prices; wanted a ladder")
        mean, deviation, cost = self._belief(observation.rows, 1.0 if explore else 0.0)
        profit = self._profit(np.zeros(len(mean)), cost)
        profit = profit if observation.mask is None else np.where(observation.mask, profit, -np.inf)
        if not explore:
            lines = profit + mean[:, None] * self._argument(self._ladder)
            best = np.where(np.isfinite(profit) & (profit > -1e11), lines, profit).argmax(axis=1)
            return np.asarray(np.eye(len(self._ladder))[best])
        return mixed(self._envelope(profit, mean, deviation), observation.mask, 0.0, self.floor)

    def _envelope(self, height: Float64, mean: Float64, deviation: Float64) -> Float64:
        """Chance of each rung to be the highest line ``height + ε · slope`` at a normal ε ``(m, k)``."""
        from scipy.special import ndtr

        slope = self._argument(self._ladder)
        out = np.zeros_like(height)
        live = height > -1e11
        for a in range(len(slope)):
            low, high = np.full(len(mean), -np.inf), np.full(len(mean), np.inf)
            for b in range(len(slope)):
                if slope[b] == slope[a]:
                    beaten = (b != a) & ((height[:, b] > height[:, a]) | ((height[:, b] == height[:, a]) & (b < a)))
                    low = np.where(beaten, np.inf, low)
                    continue
                rival = live[:, b]
                cross = np.where(rival, height[:, b], 0.0) - np.where(live[:, a], height[:, a], 0.0)
                cross = cross / (slope[a] - slope[b])
                if slope[b] < slope[a]:
                    low = np.where(rival, np.maximum(low, cross), low)
                else:
                    high = np.where(rival, np.minimum(high, cross), high)
            width = ndtr((high - mean) / deviation) - ndtr((low - mean) / deviation)
            out[:, a] = np.where(live[:, a], np.maximum(width, 0.0), 0.0)
        none = ~live.any(axis=1)
        out[none, height[none].argmax(axis=1)] = 1.0
        return np.asarray(out / out.sum(axis=1, keepdims=True))

    def _points(self, elasticity: Float64, cost: Float64, luck: Float64, explore: bool) -> Float32:
        """The best multiples of the price at an elasticity ``(m, 1)``; a share ``floor`` of them even."""
        low, high = self._bounds()
        below = np.minimum(elasticity, -1e-9)
        if self.demand == "constant_elasticity":
            elastic = np.minimum(below, -1.0 - 1e-9)
            best = np.where(below < -1.0, cost * elastic / (1.0 + elastic), high)
        else:
            best = cost - 1.0 / below
        best = np.clip(best, low, high)
        if explore and self.floor > 0:
            best = np.where(luck < self.floor, low + (high - low) * luck / self.floor, best)
        return np.clip(best, low, high).astype(np.float32)[:, None]

    def _density(self, observation: Observation, action: NDArray[Any], explore: bool) -> Float64:
        from scipy.special import ndtr

        mean, deviation, cost = self._belief(observation.rows, 1.0)
        if not explore:
            return np.ones(len(mean))
        low, high = self._bounds()
        x = action[:, 0].astype(np.float64)
        gap = np.maximum(x - cost, 1e-12)
        constant = self.demand == "constant_elasticity"
        elasticity = -x / gap if constant else -1.0 / gap
        z = (elasticity - mean) / deviation
        slope = (cost if constant else 1.0) / gap**2
        inside = exp(-0.5 * z * z) / (math.sqrt(math.tau) * deviation) * slope
        # Prices fall with elasticity: what is more elastic than the lowest price asks for is played there.
        ends = np.where(x <= low, np.where(cost >= low, 0.0, ndtr(z)), ndtr(-z))
        at_end = (x <= low) | (x >= high)
        density = np.where(at_end, ends, inside)
        return (1.0 - self.floor) * density + np.where(at_end, 0.0, self.floor / (high - low))

    def _bounds(self) -> tuple[float, float]:
        low, high = self.spec.action_low, self.spec.action_high
        return (0.0, 0.0) if low is None or high is None else (float(low[0]), float(high[0]))

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        rows = np.arange(len(transitions.reward)) if transitions.rows is None else transitions.rows
        if not np.isfinite(transitions.reward).all():
            raise ShapeError("reward: got one that is not finite; wanted money")
        x = self._played(transitions)
        shown = transitions.next_obs
        if shown.ndim != 2 or shown.shape[1] != len(self.spec.observation_names) or not np.isfinite(shown).all():
            raise ShapeError(
                f"next_obs: got shape {shown.shape}; wanted finite (m, {len(self.spec.observation_names)})"
            )
        views, sales, price = (shown[:, place].astype(np.float64) for place in self._seen)
        for turn in turns(rows):
            self._update(rows[turn], x[turn], views[turn], sales[turn], price[turn], transitions.reward[turn])
        return {}

    def _played(self, transitions: Transitions) -> Float64:
        """Multiples of the price that were played ``(m,)``."""
        action = np.asarray(transitions.action)
        if not self.spec.num_actions:
            return action.reshape(len(action)).astype(np.float64)
        if len(action) and not (action.min() >= 0 and action.max() < self.spec.num_actions):
            raise ShapeError(f"action: got {action.min()} to {action.max()}; wanted 0 to {self.spec.num_actions - 1}")
        return self._ladder[action]

    def _update(self, rows: Int64, x: Float64, views: Float64, sales: Float64, price: Float64, reward: Float64) -> None:
        """One period of some products, each named once."""
        state = {name: column[rows] for name, column in self._state.items()}
        reference = np.where(state["reference"] > 0, state["reference"], price / x)
        shown = (sales > 0) & (state["cost_known"] == 0) & (reference > 0)
        unit = price - reward / np.maximum(sales, 1.0)
        cost = np.where(shown, unit / np.where(reference > 0, reference, 1.0), state["cost"])
        g = self._argument(x)
        # Laplace's method along the one direction that a period tells of, as in a Kalman filter.
        first = state["var_rate"] + g * state["covariance"]
        second = state["covariance"] + g * state["var_elasticity"]
        variance = first + g * second
        ahead = state["log_rate"] + g * state["elasticity"]
        there, weight = poisson_mode(ahead, variance, sales, views)
        gain = (there - ahead) / np.where(variance > 0, variance, 1.0)
        shrink = weight / (1.0 + weight * variance)
        new = {
            "log_rate": state["log_rate"] + first * gain,
            "elasticity": state["elasticity"] + second * gain,
            "var_rate": state["var_rate"] - shrink * first * first,
            "covariance": state["covariance"] - shrink * first * second,
            "var_elasticity": np.maximum(state["var_elasticity"] - shrink * second * second, 1e-12),
            "reference": reference,
            "cost": cost,
            "cost_known": np.where(shown, 1.0, state["cost_known"]),
        }
        for name, column in new.items():
            self._state[name][rows] = column

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: column.copy() for name, column in self._state.items()}

    def _restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        for name, column in self._state.items():
            if arrays[name].shape != column.shape or not np.isfinite(arrays[name]).all():
                raise ShapeError(f"{name}: got {arrays[name].shape}; wanted finite numbers {column.shape}")
        self._state = {name: arrays[name].copy() for name in self._state}


def _ladder(spec: BatchSpec) -> Float64:
    """Multiples of the price, read off the labels of the actions."""
    found = [_NUMBER.search(label) for label in spec.action_labels]
    return np.array([float(match.group()) for match in found if match is not None])
