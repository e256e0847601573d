"""Fitted Q iteration where states are few."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from onetake.agents.bandits.luck import Luck
from onetake.agents.base import AbstractAgent
from onetake.episodes import LoggedEpisodes
from onetake.errors import ConfigError, ShapeError
from onetake.types import BatchSpec, Coupling, Float64, Int64, Observation, Transitions

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# A sweep that moves no value further than this is the last.
_TOLERANCE = 1e-11
_SWEEPS = 1_000_000


@dataclass(eq=False)
class FittedQIteration(AbstractAgent):
    """Learns the best policy of the process that the decisions themselves show.

        Q(s, a) = mean reward + γ mean_{s'} max_{a'} [ Q(s', a') − β / sqrt(n(s', a')) ]

    over actions tried at least ``least`` times; on a table the iteration ends at the exact solution of the empirical
    process. In a state where no action was tried so often, the log's own proportions are kept; a state that was never
    seen is worth 0. All environments of a batch teach one table, and what was fitted to a log goes on learning online.

    The first number of an observation is the state.

    Attributes:
        states: how many there are. discount: ``γ`` in (0, 1].
        pessimism: ``β``, 0 or more: how much is taken off what was hardly tried. Values then stay within what the log's
            episodes returned.
        least: tries below which an action is not taken.
        floor: chance that every action keeps.

    Choose it when: states are few and the log is long.   Not when: states are continuous, or the log has no order.
    Raises: ConfigError, for settings out of their range.
    Source: Ernst, Geurts, Wehenkel, Tree-based batch mode reinforcement learning, 2005, figure 1 (on a table);
    pessimism: Jin, Yang, Wang, Is pessimism provably efficient for offline RL?, 2021, algorithm 1.

    >>> walk = LoggedEpisodes(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([1, 0, 0]), np.array([0.0, 1.0, 0.2]),
    ...                       np.full(3, 0.5), 2, 2, np.array([False, True, True]))
    >>> FittedQIteration(states=2).fit(walk).action_values()
    array([[0.2, 1. ],
           [1. , nan]])
    """

    states: int
    discount: float = 1.0
    pessimism: float = 0.0
    least: int = 1
    floor: float = 0.0

    def __post_init__(self) -> None:
        for name, low in (("states", 1), ("least", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ConfigError(f"{name}: got {value!r}; wanted a whole number of at least {low}")
        if not 0 < self.discount <= 1:
            raise ConfigError(f"discount: got {self.discount!r}; wanted a number in (0, 1]")
        if not 0 <= self.pessimism < np.inf:
            raise ConfigError(f"pessimism: got {self.pessimism!r}; wanted 0 or more")
        if not 0 <= self.floor <= 1:
            raise ConfigError(f"floor: got {self.floor!r}; wanted a number in [0, 1]")

    @property
    def coupling(self) -> Coupling:
        """One table for all."""
        return "replicate"

    def _start(self, spec: BatchSpec, seed: int) -> None:
        cells = self.states * spec.num_actions
        self._moves = _sparse((cells, self.states))
        self._tries, self._paid = np.zeros(cells), np.zeros(cells)
        self._bounds: Float64 = np.array([np.inf, -np.inf])
        self._solved: tuple[Float64, Float64] | None = None

    def fit(self, log: LoggedEpisodes, seed: int = 0) -> Self:
        """Begin anew and learn from whole episodes.

        Raises:
            ShapeError: a log with other states than the setting says.
        """
        if log.num_states != self.states:
            raise ShapeError(f"log: got {log.num_states} states; wanted {self.states}")
        self.begin(_spec_of(log), seed)
        inner = np.flatnonzero(log.step < log.length[log.index] - 1)
        following = np.full(len(log.state), -1, np.int64)
        following[inner] = log.state[inner + 1]
        returns = np.bincount(log.index, log.reward * self.discount**log.step)
        self._bounds = np.array([returns.min(), returns.max()])
        self._count(log.state, log.action, log.reward, following)
        return self

    def fit_counts(self, counts: csr_matrix, rewards: Float64, num_actions: int, seed: int = 0) -> Self:
        """Begin anew from counts of what followed: for generative models and for logs that were counted elsewhere.

        Args:
            counts: how often each state followed ``(states * num_actions, states)``; an end is counted nowhere.
            rewards: tries and sums of rewards of each state and action ``(states * num_actions, 2)``.
            num_actions: how many there are.
            seed: as in `begin`.

        Raises:
            ShapeError: tables that do not fit.
        """
        cells = self.states * num_actions
        if counts.shape != (cells, self.states) or rewards.shape != (cells, 2):
            raise ShapeError(
                f"counts: got {counts.shape} and {rewards.shape}; wanted ({cells}, {self.states}), ({cells}, 2)"
            )
        one = np.zeros(1, np.uint32)
        unknown = np.array(-np.inf), np.array(np.inf)
        self.begin(BatchSpec("log/episodes-v0", one, one, num_actions, ("state",), None, *unknown), seed)
        self._moves, self._tries, self._paid = counts.tocsr(), rewards[:, 0].copy(), rewards[:, 1].copy()
        self._solved = self._solve()
        return self

    def action_values(self) -> Float64:
        """Values of actions ``(states, k)``; NaN where one was never tried."""
        tried = self._tries.reshape(self.states, -1) > 0
        return np.where(tried, self._solution()[0], np.nan)

    def policy(self) -> Float64:
        """Chances of actions in each state ``(states, k)``, with the floor."""
        arms = self.spec.num_actions
        return (1 - self.floor * arms) * self._solution()[1] + self.floor

    def _learn(self, transitions: Transitions) -> dict[str, float]:
        state, following = self._state(transitions.obs), self._state(transitions.next_obs)
        following = np.where(transitions.terminated, -1, following)
        self._count(state, transitions.action.astype(np.int64), transitions.reward, following)
        return {}

    def _count(self, state: Int64, action: Int64, reward: Float64, following: Int64) -> None:
        cells = len(self._tries)
        cell = state * self.spec.num_actions + action
        goes = following >= 0
        more = _sparse((cells, self.states), (np.ones(goes.sum()), (cell[goes], following[goes])))
        self._moves = (self._moves + more).tocsr()
        self._tries += np.bincount(cell, minlength=cells)
        self._paid += np.bincount(cell, reward, minlength=cells)
        self._solved = None

    def _solution(self) -> tuple[Float64, Float64]:
        """Values of actions and the policy, worked out when they are first asked for."""
        if self._solved is None:
            self._solved = self._solve()
        return self._solved

    def _solve(self) -> tuple[Float64, Float64]:
        tries = self._tries.reshape(self.states, -1)
        often, seen = tries >= self.least, tries.sum(axis=1)
        doubt = self.pessimism / np.sqrt(np.maximum(tries, 1))
        own = tries / np.maximum(seen, 1)[:, None]
        bounds = self._bounds if self.pessimism and self._bounds[0] <= self._bounds[1] else (-np.inf, np.inf)
        value = np.zeros(self.states)
        for _ in range(_SWEEPS):
            found = (self._paid + self.discount * (self._moves @ value)).reshape(tries.shape) / np.maximum(tries, 1)
            sure = np.where(often, found - doubt, -np.inf)
            new = np.where(often.any(axis=1), sure.max(axis=1), (own * found).sum(axis=1))
            new = np.clip(new, *bounds)
            moved = np.abs(new - value).max()
            value = new
            if moved < _TOLERANCE:
                break
        else:
            raise ConfigError(f"discount: got {self.discount}, under which values grow without end; wanted less")
        best = np.zeros_like(tries)
        best[np.arange(self.states), sure.argmax(axis=1)] = 1.0
        even = np.full(tries.shape, 1.0 / tries.shape[1])
        rest = np.where(seen[:, None] > 0, own, even)
        return found, np.where(often.any(axis=1, keepdims=True), best, rest)

    def _decide(self, observation: Observation, explore: bool) -> Int64:
        chances = self._probabilities(observation, explore)
        return Luck.of(self.spec, self._seed).categorical(chances, observation.step, rows=observation.rows)

    def _probabilities(self, observation: Observation, explore: bool) -> Float64:
        table = self.policy() if explore else self._solution()[1]
        chances = table[self._state(observation.values)]
        if observation.mask is not None:
            chances = np.where(observation.mask, chances, 0.0)
            whole = chances.sum(axis=1, keepdims=True)
            allowed = np.asarray(observation.mask, np.float64) / observation.mask.sum(axis=1, keepdims=True)
            chances = np.where(whole > 0, chances / np.where(whole > 0, whole, 1), allowed)
        return np.asarray(chances, np.float64)

    def _state(self, values: NDArray[np.float32]) -> Int64:
        state = values[:, 0].astype(np.int64)
        bad = (state < 0) | (state >= self.states) | (state != values[:, 0])
        if bad.any():
            row = int(np.argmax(bad))
            raise ShapeError(f"observation, row {row}: got {values[row, 0]}; wanted a state below {self.states}")
        return state

    def _arrays(self) -> dict[str, NDArray[Any]]:
        moves = self._moves.tocoo()
        return {
            "cell": moves.row.astype(np.int64),
            "following": moves.col.astype(np.int64),
            "moves": moves.data.astype(np.float64),
            "tries": self._tries.copy(),
            "paid": self._paid.copy(),
            "bounds": self._bounds.copy(),
        }

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        cells = len(self._tries)
        if arrays["tries"].shape != (cells,) or arrays["paid"].shape != (cells,) or arrays["bounds"].shape != (2,):
            raise ShapeError(f"tries: got shape {arrays['tries'].shape}; wanted ({cells},)")
        places = (arrays["cell"], arrays["following"])
        self._moves = _sparse((cells, self.states), (arrays["moves"], places))
        self._tries, self._paid, self._bounds = (arrays[name].copy() for name in ("tries", "paid", "bounds"))
        self._solved = None


def _spec_of(log: LoggedEpisodes) -> BatchSpec:
    one = np.zeros(1, np.uint32)
    low, high = np.array(log.reward.min()), np.array(log.reward.max())
    return BatchSpec("log/episodes-v0", one, one, log.num_actions, ("state",), None, low, high, coupling="replicate")


def _sparse(shape: tuple[int, int], entries: tuple[Any, Any] | None = None) -> csr_matrix:
    from scipy.sparse import csr_matrix  # slow to import, and needed by nothing else here

    return csr_matrix(shape if entries is None else entries, shape=shape)
