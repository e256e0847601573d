"""Empirical Bayes between the learners of a replicate: each begins where the others say that arms like this one lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.agents.bandits.memory import AbstractMemory, Columns
from onetake.draws import total as summed
from onetake.types import Float64


@dataclass(frozen=True)
class Shrunk(AbstractMemory):
    """Counts everything, and shows it together with a Beta prior that is fitted to all learners of the replicate.

    Of each arm, the mean of the prior is the share of successes among all trials, and its strength ``s = 1/ρ − 1``
    comes from the correlation ρ within learners, by the moments of the beta-binomial law:

        ρ = (M − (I − 1)) / (N − Σ n_i² / N − (I − 1)),   M = Σ n_i (p_i − p̄)² / (p̄ (1 − p̄)),   I learners with
        trials

    Source: Kleinman, *Proportions with extraneous variance: single and independent samples*, JASA 68, 1973, equation
    2.2 with weights n_i.

    Attributes:
        replicates: how many there are. successes, failures: what is believed before anything was seen; the fitted prior
            is never weaker than it, and never worth more trials than the replicate has seen.
    """

    replicates: int
    successes: float
    failures: float

    def take(self, columns: Columns, step: int, total: Float64, weight: Float64) -> None:
        """Count."""
        columns["total"] = columns["total"] + total
        columns["weight"] = columns["weight"] + weight

    def shown(self, columns: Columns) -> tuple[Float64, Float64]:
        """Counts with the prior's successes and trials."""
        arms = len(columns["total"])
        table = (arms, self.replicates, -1)
        mean, strength = self.prior(columns["total"].reshape(table), columns["weight"].reshape(table))
        total = columns["total"].reshape(table) + (mean * strength)[..., None]
        weight = columns["weight"].reshape(table) + strength[..., None]
        return np.ascontiguousarray(total.reshape(arms, -1)), np.ascontiguousarray(weight.reshape(arms, -1))

    def prior(self, total: Float64, weight: Float64) -> tuple[Float64, Float64]:
        """Mean and strength of the prior of each arm and replicate ``(k, R)`` from counts ``(k, R, E)``."""
        weakest = self.successes + self.failures
        whole, trials = summed(total, axis=2), summed(weight, axis=2)
        mean = (whole + self.successes) / (trials + weakest)
        rate = np.where(weight > 0, total / np.maximum(weight, 1e-300), 0.0)
        spread = summed(weight * (rate - mean[..., None]) ** 2, axis=2) / (mean * (1.0 - mean))
        freedom = np.maximum((weight > 0).sum(axis=2) - 1.0, 0.0)
        room = trials - summed(weight**2, axis=2) / np.maximum(trials, 1e-300) - freedom
        correlation = np.where(room > 0, (spread - freedom) / np.maximum(room, 1e-300), 1.0)
        strength = 1.0 / np.clip(correlation, 1e-9, 1.0) - 1.0
        return mean, np.clip(strength, weakest, np.maximum(trials, weakest))
