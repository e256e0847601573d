"""Reward models: what an action would have brought, for the estimators that need to know."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from onetake.draws import total
from onetake.errors import ConfigError
from onetake.estimators.target import ActionTable, TargetPolicy, visits
from onetake.seeding import fold_of
from onetake.types import Float64, LoggedDecisions


class AbstractRewardModel(ABC):
    """Predicts the reward of every action for every logged decision, without having seen that decision."""

    @abstractmethod
    def fit(self, log: LoggedDecisions) -> ActionTable:
        """Return predicted rewards of every action for each decision of ``log``."""

    @abstractmethod
    def influence(self, log: LoggedDecisions, policy: TargetPolicy) -> Float64:
        """Return how far each decision moved ``mean_i Σ_a π(a | x_i) q(a, x_i)``, times n and centred ``(n,)``.

        Its spread is what the chance in the logged rewards adds to the error of the predicted value.
        """


@dataclass(frozen=True)
class TabularRewardModel(AbstractRewardModel):
    """Mean reward of each action in each slot, drawn towards the mean of all.

        q(a, s) = (sum of rewards of a in s + m * mean reward) / (count of a in s + m)

    Cross-fitted: what is predicted for a decision comes from the other folds, so that a lucky reward does not vouch for
    itself. With one fold the same rows are used: the recipe of the recorded Open Bandit numbers.

    Attributes:
        smoothing: ``m``, how many decisions the overall mean counts for; 0 or more.
        folds: number of folds; 1 takes the same rows.

    Raises:
        ConfigError: for a smoothing below 0 or NaN, or fewer than one fold.

    Source: Saito et al., Open Bandit Dataset and Pipeline, 2021 (the tabular recipe); Chernozhukov et al.,
    Double/debiased machine learning, 2018 (cross-fitting).
    """

    smoothing: float = 100.0
    folds: int = 5

    def __post_init__(self) -> None:
        if not self.smoothing >= 0:
            raise ConfigError(f"smoothing: got {self.smoothing!r}; wanted 0 or more")
        if self.folds < 1:
            raise ConfigError(f"folds: got {self.folds!r}; wanted at least 1")

    def fit(self, log: LoggedDecisions) -> ActionTable:
        """Return a table with a row for each pair of fold and slot."""
        slots, arms = log.num_slots, log.num_actions
        slot = np.zeros(len(log.action), np.int64) if log.slot is None else log.slot
        fold = fold_of(np.arange(len(log.action)), self.folds)
        shape = (self.folds, slots, arms)
        cells = self.folds * slots * arms
        cell = (fold * slots + slot) * arms + log.action
        counts = np.bincount(cell, minlength=cells).reshape(shape).astype(np.float64)
        sums = np.bincount(cell, log.reward, minlength=cells).reshape(shape)
        if self.folds > 1:
            counts, sums = counts.sum(axis=0) - counts, sums.sum(axis=0) - sums
        seen = counts.sum(axis=(1, 2), keepdims=True)
        mean = sums.sum(axis=(1, 2), keepdims=True) / np.maximum(seen, 1)
        weight = counts + self.smoothing
        table = np.where(weight > 0, (sums + self.smoothing * mean) / np.where(weight > 0, weight, 1), mean)
        return ActionTable(table.reshape(-1, arms), fold * slots + slot)

    def influence(self, log: LoggedDecisions, policy: TargetPolicy) -> Float64:
        """Return the influence of each reward through its own cell and through the mean of all (delta method)."""
        slots, arms, count = log.num_slots, log.num_actions, len(log.action)
        slot = np.zeros(count, np.int64) if log.slot is None else log.slot
        cell = slot * arms + log.action
        counts = np.bincount(cell, minlength=slots * arms).astype(np.float64)
        sums = np.bincount(cell, log.reward, minlength=slots * arms)
        mean = total(log.reward) / count
        weight = np.maximum(counts + self.smoothing, np.finfo(np.float64).tiny)
        predicted = np.where(counts + self.smoothing > 0, (sums + self.smoothing * mean) / weight, mean)
        share = visits(policy, slot, slots).reshape(-1)
        own = share[cell] / weight[cell] * (log.reward - predicted[cell])
        pulled = total(share * np.where(counts + self.smoothing > 0, self.smoothing / weight, 1.0))
        moved = count * own + pulled * (log.reward - mean)
        return np.asarray(moved - total(moved) / count, np.float64)
