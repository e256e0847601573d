"""What a policy is worth in the process that the log itself shows: fitted Q evaluation where states are few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onetake.draws import total
from onetake.episodes import LoggedEpisodes
from onetake.errors import EstimateError
from onetake.estimators.contributions import Contributions
from onetake.estimators.sequential.base import AbstractSequentialEstimator
from onetake.estimators.sequential.weights import by_state
from onetake.estimators.target import TargetPolicy
from onetake.types import Bool, Float64


@dataclass(frozen=True, eq=False)
class Values:
    """Values of a policy: of states ``(S,)``, and of actions in them ``(S, k)``."""

    of_state: Float64
    of_action: Float64


def fitted_values(log: LoggedEpisodes, policy: TargetPolicy, discount: float) -> Values:
    """Return the exact values of a policy in the process of the log's own counts.

    That is where fitted Q evaluation ends on a table. In a state the policy keeps to actions that the log has tried
    there, in its own proportions. A state in which it has tried none of them is worth 0, and so is what follows the
    last decision of an episode.

    Source: Le, Voloshin, Yue, Batch policy learning under constraints, 2019, algorithm 3.
    """
    states, arms = log.num_states, log.num_actions
    cell = log.state * arms + log.action
    counts = np.bincount(cell, minlength=states * arms).astype(np.float64)
    paid = np.bincount(cell, log.reward, minlength=states * arms) / np.maximum(counts, 1)
    tried = (counts > 0).reshape(states, arms)
    chances = np.where(tried, by_state(log, policy), 0.0)
    whole = chances.sum(axis=1, keepdims=True)
    chances = np.divide(chances, whole, out=np.zeros_like(chances), where=whole > 0)
    inner = np.flatnonzero(log.step < log.length[log.index] - 1)
    moves = discount * _moves(log, counts, chances, inner)
    now = (chances * paid.reshape(states, arms)).sum(axis=1)
    stay = _never_ending(moves)
    if now[stay].any():
        state = int(np.flatnonzero(stay & (now != 0))[0])
        raise EstimateError(
            f"{policy.name}, state {state}: got rewards without end in the log's counts; wanted a discount below 1"
        )
    moves[stay] = 0.0
    of_state = np.linalg.solve(np.eye(states) - moves, now)
    ahead = np.bincount(cell[inner], of_state[log.state[inner + 1]], minlength=states * arms) / np.maximum(counts, 1)
    of_action = (paid + discount * ahead).reshape(states, arms)
    return Values(of_state, np.where(tried, of_action, of_state[:, None]))


def _moves(log: LoggedEpisodes, counts: Float64, chances: Float64, inner: np.ndarray) -> Float64:
    """Chance to go from state to state under the policy ``(S, S)``, by the log's counts."""
    states = log.num_states
    taken = (
        chances[log.state[inner], log.action[inner]] / counts[log.state[inner] * log.num_actions + log.action[inner]]
    )
    pairs = log.state[inner] * states + log.state[inner + 1]
    return np.asarray(np.bincount(pairs, taken, minlength=states * states), np.float64).reshape(states, states)


def _never_ending(moves: Float64) -> Bool:
    """States ``(S,)`` from which no episode of the policy comes to an end by the log's counts."""
    ends = moves.sum(axis=1) < 1 - 1e-12
    while True:
        more = ends | (moves[:, ends] > 0).any(axis=1)
        if (more == ends).all():
            return np.asarray(~ends)
        ends = more


@dataclass(frozen=True)
class FittedQ(AbstractSequentialEstimator):
    """Fitted Q evaluation on a table: the policy's value in the process that the log's counts make.

        V = 1/n Σ_i V̂(s_0^i)

    No weights, so no collapse; biased where states hide what matters or the log is thin. The spread that is shown is
    that of the first states alone.

    Source: Le, Voloshin, Yue, Batch policy learning under constraints, 2019, algorithm 3.
    """

    name: ClassVar[str] = "fqe"
    weighted: ClassVar[bool] = False

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return the value of each episode's first state."""
        values = fitted_values(log, policy, self.discount)
        return Contributions(base=values.of_state[log.state[log.first]])

    def caveats(self, log: LoggedEpisodes) -> tuple[str, ...]:
        """Return that the interval leaves the model's own error out."""
        return (*super().caveats(log), "the interval holds the spread of first states, not the model's own error")


@dataclass(frozen=True)
class SequentialDoublyRobust(AbstractSequentialEstimator):
    """Doubly robust over steps: the model's values, corrected by the weighted surprises of every step.

        V = 1/n Σ_i Σ_t γ^t [ c_t (r_t - Q̂(s_t, a_t)) + c_{t-1} V̂(s_t) ]

    Unbiased where propensities are exact and the model comes from other episodes. Here it comes from the same ones.
    Source: Jiang and Li, Doubly robust off-policy value evaluation for reinforcement learning, 2016, equation 10.
    """

    name: ClassVar[str] = "dr"
    leans: ClassVar[bool] = False

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return first states' values and the sum of weighted surprises of each episode."""
        control, known = controls(log, policy, weight, self.discount)
        paid = (
            weight * (log.padded(log.reward) - control.of_action) + control.before * control.of_state
        ) * self.powers(log)
        surprises = np.asarray(total(np.ascontiguousarray(paid), axis=1)) - known
        return Contributions(base=known, numerator=surprises)


@dataclass(frozen=True)
class WeightedDoublyRobust(AbstractSequentialEstimator):
    """Weighted doubly robust: weights are divided by their sum at every step.

        V = Σ_i Σ_t γ^t [ w_t (r_t - Q̂(s_t, a_t)) + w_{t-1} V̂(s_t) ],   w_t^i = c_t^i / Σ_j c_t^j

    Source: Thomas and Brunskill, Data-efficient off-policy policy evaluation for reinforcement learning, 2016, section
    5.
    """

    name: ClassVar[str] = "wdr"
    leans: ClassVar[bool] = False

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return first states' values, and surprises and values by step with the weights that they are divided by."""
        control, known = controls(log, policy, weight, self.discount)
        powers = self.powers(log)
        surprise = weight * (log.padded(log.reward) - control.of_action) * powers
        value = (control.before * control.of_state * powers)[:, 1:]
        return Contributions(
            base=known,
            numerator=np.ascontiguousarray(np.hstack([surprise, value])),
            denominator=np.ascontiguousarray(np.hstack([weight, weight[:, :-1]])),
        )


@dataclass(frozen=True, eq=False)
class Controls:
    """The model's values along the episodes ``(E, T)``, 0 beyond their ends, and the weights before each step."""

    of_action: Float64
    of_state: Float64
    before: Float64


def controls(log: LoggedEpisodes, policy: TargetPolicy, weight: Float64, discount: float) -> tuple[Controls, Float64]:
    """Return the model's values along the episodes, and those of their first states ``(E,)``."""
    values = fitted_values(log, policy, discount)
    before = np.hstack([np.ones((log.num_episodes, 1)), weight[:, :-1]])
    of_action = log.padded(values.of_action[log.state, log.action])
    return Controls(of_action, log.padded(values.of_state[log.state]), before), values.of_state[log.state[log.first]]
