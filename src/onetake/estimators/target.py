"""Target policies: the chances with which the policy to be judged takes each action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.draws import total
from onetake.errors import ShapeError
from onetake.types import Float64, Int64, LoggedDecisions


@dataclass(frozen=True)
class TargetPolicy:
    """Chances of every action, kept once for all decisions that share them.

    Attributes:
        name: shown with every estimate.
        table: a row of chances for each kind of decision ``(m, k)``; rows sum to 1.
        rows: which row of the table each logged decision has ``(n,)``, or None where one row serves all.

    Raises:
        ShapeError: if a chance is NaN or negative, or a row does not sum to 1.

    >>> TargetPolicy.always(1, 3).table
    array([[0., 1., 0.]])
    """

    name: str
    table: Float64
    rows: Int64 | None = None

    def __post_init__(self) -> None:
        if self.table.ndim != 2:
            raise ShapeError(f"policy {self.name}: got chances of shape {self.table.shape}; wanted two axes")
        bad = ~(np.isfinite(self.table) & (self.table >= 0))
        if bad.any():
            row, action = (int(i) for i in np.argwhere(bad)[0])
            got = self.table[row, action]
            raise ShapeError(f"policy {self.name}, row {row}, action {action}: got {got}; wanted a chance of 0 or more")
        off = np.abs(self.table.sum(axis=1) - 1) > 1e-6
        if off.any():
            row = int(np.argmax(off))
            raise ShapeError(f"policy {self.name}, row {row}: got a sum of {self.table[row].sum():g}; wanted 1")

    @classmethod
    def always(cls, action: int, num_actions: int, name: str = "") -> TargetPolicy:
        """Return the policy that takes one action whatever it sees."""
        return cls(name or f"always {action}", np.eye(num_actions)[[action]])

    @classmethod
    def uniform(cls, num_actions: int, name: str = "uniform") -> TargetPolicy:
        """Return the policy that takes every action equally often."""
        return cls(name, np.full((1, num_actions), 1.0 / num_actions))

    @classmethod
    def per_slot(cls, name: str, table: Float64, log: LoggedDecisions) -> TargetPolicy:
        """Return the policy that knows the slot alone: ``table`` ``(num_slots, k)``, for the rows of ``log``."""
        return cls(name, table, log.slot)

    @classmethod
    def per_decision(cls, name: str, chances: Float64) -> TargetPolicy:
        """Return the policy with its own chances for every decision ``(n, k)``; equal ones are kept once."""
        table, rows = np.unique(chances, axis=0, return_inverse=True)
        return cls(name, table, rows.reshape(-1).astype(np.int64))

    def of_taken(self, log: LoggedDecisions) -> Float64:
        """Return the chance of each logged action ``(n,)``."""
        return np.asarray(self.table[0 if self.rows is None else self.rows, log.action], np.float64)


@dataclass(frozen=True)
class ActionTable:
    """A number for every action, kept once for all decisions that share it: ``table`` ``(m, k)``, ``rows`` ``(n,)``."""

    table: Float64
    rows: Int64 | None = None

    def of_taken(self, log: LoggedDecisions) -> Float64:
        """Return the number of each logged action ``(n,)``."""
        return np.asarray(self.table[0 if self.rows is None else self.rows, log.action], np.float64)


def mean_under(policy: TargetPolicy, numbers: ActionTable, count: int) -> Float64:
    """Return ``Σ_a π(a | x_i) · numbers(a, i)`` for each of ``count`` decisions ``(n,)``.

    Where there are fewer pairs of table rows than decisions, each pair is worked out once. Actions are added in order
    either way, so the bytes depend neither on the way nor on the machine.
    """
    left = np.zeros(count, np.int64) if policy.rows is None else policy.rows
    right = np.zeros(count, np.int64) if numbers.rows is None else numbers.rows
    arms = range(policy.table.shape[1])
    if len(policy.table) * len(numbers.table) < count:
        pairs = np.zeros((len(policy.table), len(numbers.table)))
        for arm in arms:
            pairs += policy.table[:, arm, None] * numbers.table[None, :, arm]
        return np.asarray(pairs[left, right], np.float64)
    mean = np.zeros(count)
    for arm in arms:
        mean += policy.table[left, arm] * numbers.table[right, arm]
    return mean


def visits(policy: TargetPolicy, slot: Int64, num_slots: int) -> Float64:
    """Return how often the policy takes each action in each slot, as a share of all decisions ``(num_slots, k)``."""
    rows = np.zeros(len(slot), np.int64) if policy.rows is None else policy.rows
    kinds, arms = policy.table.shape
    if kinds * num_slots < len(slot):
        counts = np.bincount(rows * num_slots + slot, minlength=kinds * num_slots).reshape(kinds, num_slots)
        columns = [total(counts * policy.table[:, [arm]], axis=0) for arm in range(arms)]
    else:
        columns = [np.bincount(slot, policy.table[rows, arm], num_slots) for arm in range(arms)]
    return np.column_stack(columns) / len(slot)
