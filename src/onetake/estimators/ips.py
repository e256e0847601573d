"""Inverse propensity score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class IPS(AbstractEstimator):
    """Inverse propensity score.

    Weighs each logged reward by how much likelier the target policy was to take the logged action.

        V = 1/n Σ w_i r_i,   w_i = min(π(a_i | x_i) / p_i, clip)

    Unbiased where propensities are right, the log has tried what the policy does, and nothing is clipped; its spread
    grows with the largest weights.

    Choose it when: propensities are exact and weights are small.   Not when: some are tiny; see `SNIPS`.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is not above 0.
    Source: Horvitz and Thompson, A generalization of sampling without replacement from a finite universe, 1952.

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5), num_actions=2
    ... )
    >>> IPS().estimate(log, TargetPolicy.uniform(2), thresholds=Thresholds(refuse_ess=0)).value
    0.75
    """

    name: ClassVar[str] = "ips"

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return weighted rewards."""
        return Contributions(numerator=weight * log.reward)

    def bounds(self, rewards: tuple[float, float], weight: float) -> tuple[float, float]:
        """Return the ends of a weighted reward; a weight may be 0."""
        low, high = rewards
        return min(low, 0.0) * weight, max(high, 0.0) * weight
