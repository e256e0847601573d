"""Logged episodes as arrays: what estimators of whole episodes and offline learners see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from onetake.errors import EstimateError, ShapeError
from onetake.types import Bool, Float64, Int64


@dataclass(frozen=True, eq=False)
class LoggedEpisodes:
    """Decisions of whole episodes, each episode's in order and together.

    Attributes:
        episode: which episode each decision is of ``(n,)``; equal ones stand together.
        state: where it was made, as an index ``(n,)``.
        action: what was done, as an index ``(n,)``.
        reward: what that brought ``(n,)``.
        propensity: chance with which the logging policy did it ``(n,)``.
        num_states, num_actions: how many there are.
        terminated: where the process itself came to an end ``(n,)``; an episode whose last decision has no such mark
            was cut, and what would have come is not known.

    Raises:
        ShapeError: arrays of other lengths, or an index out of range.
        EstimateError: no episode, one that is torn apart, or a number that is none.

    >>> walk = LoggedEpisodes(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([1, 0, 0]), np.array([0.0, 1.0, 0.0]),
    ...                       np.full(3, 0.5), 2, 2, np.array([False, True, True]))
    >>> walk.num_episodes, walk.length.tolist()
    (2, [2, 1])
    """

    episode: Int64
    state: Int64
    action: Int64
    reward: Float64
    propensity: Float64
    num_states: int
    num_actions: int
    terminated: Bool

    def __post_init__(self) -> None:
        """Refuse what are no episodes."""
        count = len(self.episode)
        if count == 0:
            raise EstimateError("episodes: got no decision; wanted at least one")
        for name in ("state", "action", "reward", "propensity", "terminated"):
            if getattr(self, name).shape != (count,):
                raise ShapeError(f"{name}: got shape {getattr(self, name).shape}; wanted ({count},)")
        for name, values, limit in (
            ("state", self.state, self.num_states),
            ("action", self.action, self.num_actions),
        ):
            bad = (values < 0) | (values >= limit)
            if bad.any():
                row = int(np.argmax(bad))
                raise ShapeError(f"{name}, row {row}: got {values[row]}; wanted an index below {limit}")
        if len(np.unique(self.episode)) != len(self.length):
            raise EstimateError("episode: got one whose decisions do not stand together; wanted each in one piece")
        inner = self.terminated & (self.step < self.length[self.index] - 1)
        if inner.any():
            row = int(np.argmax(inner))
            raise EstimateError(
                f"terminated, row {row}: got True before the last decision of its episode; wanted False"
            )
        for name, bad, wanted in (
            ("reward", ~np.isfinite(self.reward), "a finite number"),
            ("propensity", ~((self.propensity > 0) & (self.propensity <= 1)), "a number in (0, 1]"),
        ):
            if bad.any():
                row = int(np.argmax(bad))
                raise EstimateError(f"{name}, row {row}: got {getattr(self, name)[row]}; wanted {wanted}")

    @cached_property
    def first(self) -> Int64:
        """Row of the first decision of each episode ``(E,)``."""
        return np.flatnonzero(np.concatenate([[True], self.episode[1:] != self.episode[:-1]])).astype(np.int64)

    @cached_property
    def length(self) -> Int64:
        """Number of decisions of each episode ``(E,)``."""
        return np.diff(np.append(self.first, len(self.episode))).astype(np.int64)

    @cached_property
    def index(self) -> Int64:
        """Position of each decision's episode among the episodes ``(n,)``."""
        return np.repeat(np.arange(len(self.first), dtype=np.int64), self.length)

    @cached_property
    def step(self) -> Int64:
        """Step of each decision within its episode ``(n,)``."""
        return np.arange(len(self.episode), dtype=np.int64) - self.first[self.index]

    @property
    def num_episodes(self) -> int:
        """Number of episodes ``E``."""
        return len(self.first)

    @cached_property
    def horizon(self) -> int:
        """Decisions of the longest episode ``T``."""
        return int(self.length.max())

    def padded(self, values: Float64, rest: float = 0.0) -> Float64:
        """Return numbers of decisions by episode and step ``(E, T)``, with ``rest`` beyond each end."""
        table = np.full((self.num_episodes, self.horizon), rest)
        table[self.index, self.step] = values
        return table
