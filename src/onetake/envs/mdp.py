"""Finite decision processes as arrays: read, checked, solved exactly, and as an environment of family ``tabular``.

Values over an endless horizon are solutions of linear systems, and the best policy is found by value iteration and then
made exact by policy iteration, so that nothing depends on where an iteration was stopped.

Source: Puterman, Markov Decision Processes (1994), sections 4.5, 6.3 and 6.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from onetake.envs.suite import EnvironmentEntry
from onetake.errors import ConfigError, NotReadyError, ShapeError
from onetake.types import Bool, Float64, Int64

_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class FiniteProcess:
    """A decision process with ``S`` states and ``A`` actions.

    Attributes:
        transition: ``(S, A, S)`` chance of the next state; rows of terminal states are not looked at.
        reward: ``(S, A)``, or ``(S, A, S)`` where it depends on the next state, or ``(S,)`` paid on entering a state.
        start: ``(S,)`` chance to start in each state.
        terminal: ``(S,)`` where an episode ends; None for nowhere.
        admissible: ``(S, A)`` actions that the best policy may choose from; None for all. Playing another does what the
            arrays say.

    Raises:
        ShapeError: arrays whose shapes do not fit each other.
        ConfigError: NaN, a chance outside [0, 1], a row that does not sum to 1 (by state and action), or a state
            without an admissible action.

    >>> walk = FiniteProcess(np.array([[[0.5, 0.5]], [[0.0, 1.0]]]), np.array([[1.0], [0.0]]), np.array([1.0, 0.0]),
    ...                      terminal=np.array([False, True]))
    >>> walk.evaluate(np.ones((2, 1)))
    array([2., 0.])
    """

    transition: Float64
    reward: Float64
    start: Float64
    terminal: Bool | None = None
    admissible: Bool | None = None

    def __post_init__(self) -> None:
        """Refuse what is no process."""
        shape = self.transition.shape
        if len(shape) != 3 or shape[0] != shape[2]:
            raise ShapeError(f"transition: got shape {shape}; wanted (S, A, S)")
        states, actions, _ = shape
        self._expect("reward", self.reward, [(states, actions), shape, (states,)])
        self._expect("start", self.start, [(states,)])
        if self.terminal is not None:
            self._expect("terminal", self.terminal, [(states,)])
        if self.admissible is not None:
            self._expect("admissible", self.admissible, [(states, actions)])
            without = np.flatnonzero(~self.admissible.any(axis=1) & ~self.ends)
            if len(without):
                raise ConfigError(f"admissible: got no action in state {without[0]}; wanted at least one")
        for name in ("transition", "reward", "start"):
            if np.isnan(getattr(self, name)).any():
                raise ConfigError(f"{name}: got NaN; wanted numbers")
        self._check_chances()

    @staticmethod
    def _expect(name: str, array: Any, shapes: list[tuple[int, ...]]) -> None:
        if array.shape not in shapes:
            wanted = " or ".join(str(shape) for shape in shapes)
            raise ShapeError(f"{name}: got shape {array.shape}; wanted {wanted}")

    def _check_chances(self) -> None:
        rows = self.transition[~self.ends]
        states = np.flatnonzero(~self.ends)
        odd = (rows < 0) | (rows > 1 + _SLACK)
        if odd.any():
            row, action, _ = np.argwhere(odd)[0]
            value = rows[odd][0]
            raise ConfigError(
                f"transition of state {states[row]} action {action}: got {value}; wanted chances in [0, 1]"
            )
        sums = rows.sum(axis=2)
        odd = np.abs(sums - 1) > _SLACK
        if odd.any():
            row, action = np.argwhere(odd)[0]
            got = f"a sum of {sums[row, action]}"
            raise ConfigError(f"transition of state {states[row]} action {action}: got {got}; wanted 1")
        if (self.start < 0).any() or abs(self.start.sum() - 1) > _SLACK or self.start[self.ends].any():
            raise ConfigError(
                "start: got chances that no episode can start by; wanted a sum of 1, none in terminal states"
            )

    @property
    def ends(self) -> Bool:
        """Where an episode ends ``(S,)``."""
        return (
            np.zeros(len(self.transition), dtype=np.bool_) if self.terminal is None else self.terminal.astype(np.bool_)
        )

    @cached_property
    def mean_reward(self) -> Float64:
        """Mean reward of each state and action ``(S, A)``, 0 in terminal states."""
        reward = self.reward
        if reward.ndim != 2:
            by_next = np.broadcast_to(reward, self.transition.shape)
            reward = np.einsum("ijk,ijk->ij", self.transition, by_next)
        return np.where(self.ends[:, None], 0.0, reward)

    def evaluate(self, policy: Float64, *, discount: float = 1.0) -> Float64:
        """Value of every state under a policy ``(S, A)``, without end in time: the solution of its linear system.

        Raises:
            ShapeError: a policy of another shape. ConfigError: rows that are no chances, or a discount outside [0, 1].
            NotReadyError: with discount 1, where the policy may never end.
        """
        self._check_policy(policy, discount)
        return self._solve(policy, np.einsum("ij,ij->i", policy, self.mean_reward), discount)

    def mean_length(self, policy: Float64) -> float:
        """Mean number of steps of an episode under a policy ``(S, A)``."""
        self._check_policy(policy, 1.0)
        return float(self.start @ self._solve(policy, np.where(self.ends, 0.0, 1.0), 1.0))

    def value(self, policy: Float64, *, discount: float = 1.0) -> float:
        """Expected return from the start."""
        return float(self.start @ self.evaluate(policy, discount=discount))

    def solve(self, *, discount: float = 1.0, sweeps: int = 100) -> tuple[Float64, Int64]:
        """Return values ``(S,)`` and actions ``(S,)`` of the best policy, without end in time.

        Args:
            discount: of a step; 1 where every policy ends.
            sweeps: of value iteration, before policy iteration makes the policy exact.
        """
        values = np.zeros(len(self.start))
        for _ in range(sweeps):
            values = self._allowed(values, discount).max(axis=1)
        action = self._allowed(values, discount).argmax(axis=1)
        while True:
            values = self.evaluate(np.eye(self.transition.shape[1])[action], discount=discount)
            ahead = self._allowed(values, discount)
            better = ahead.max(axis=1) > ahead[np.arange(len(action)), action] + 1e-13 * (1 + np.abs(values))
            if not better.any():
                return values, action.astype(np.int64)
            action = np.where(better, ahead.argmax(axis=1), action)

    def finite(self, horizon: int, policy: Float64 | None = None) -> Float64:
        """Values ``(horizon + 1, S)`` with ``t`` steps done in row ``t``, of a policy ``(S, A)`` or of the best one."""
        values = np.zeros((horizon + 1, len(self.start)))
        for t in reversed(range(horizon)):
            if policy is None:
                values[t] = self._allowed(values[t + 1], 1.0).max(axis=1)
            else:
                values[t] = (policy * self._look_ahead(values[t + 1], 1.0)).sum(axis=1)
        return values

    def entry(self, name: str, *, entities: int, replicates: int, horizon: int) -> EnvironmentEntry:
        """Return the process as an environment of a suite: its arrays as tables that all entities share."""
        states, actions, _ = self.transition.shape
        rows = self.transition.reshape(-1, states)
        pair, after = np.nonzero(rows)
        kept = ~self.ends[pair // actions]
        pair, after = pair[kept], after[kept]
        tables: dict[str, Any] = {
            "start": self.start,
            "terminal": self.ends.astype(np.float64),
            "pair": pair.astype(np.uint32),
            "next": after.astype(np.uint32),
            "chance": rows[pair, after],
        }
        if self.reward.ndim == 2:
            tables["reward"] = self.reward.reshape(-1)
        else:
            paid = np.broadcast_to(self.reward, self.transition.shape).reshape(-1, states)
            tables |= {"reward": np.zeros(len(rows)), "transition_reward": paid[pair, after]}
        config = {"actions": actions}
        return EnvironmentEntry(name, "tabular", config, tables, entities, replicates, horizon)

    def _look_ahead(self, values: Float64, discount: float) -> Float64:
        ahead = self.mean_reward + discount * (self.transition @ values)
        ahead[self.ends] = 0.0
        return ahead

    def _allowed(self, values: Float64, discount: float) -> Float64:
        ahead = self._look_ahead(values, discount)
        return ahead if self.admissible is None else np.where(self.admissible | self.ends[:, None], ahead, -np.inf)

    def _solve(self, policy: Float64, reward: Float64, discount: float) -> Float64:
        inside = np.flatnonzero(~self.ends)
        moves = np.einsum("ij,ijk->ik", policy[inside], self.transition[inside])[:, inside]
        values = np.zeros(len(self.start))
        try:
            values[inside] = np.linalg.solve(np.eye(len(inside)) - discount * moves, reward[inside])
        except np.linalg.LinAlgError as error:
            raise NotReadyError("policy: got one that may never end; wanted a discount below 1, or an end") from error
        return values

    def _check_policy(self, policy: Float64, discount: float) -> None:
        self._expect("policy", policy, [self.transition.shape[:2]])
        rows = policy[~self.ends]
        if not ((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1.0, atol=_SLACK)):
            raise ConfigError("policy: got rows that are no chances; wanted rows that sum to 1")
        if not 0.0 <= discount <= 1.0:
            raise ConfigError(f"discount: got {discount}; wanted a number in [0, 1]")
