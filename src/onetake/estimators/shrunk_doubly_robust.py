"""Doubly robust estimator with optimistic shrinkage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.doubly_robust import foreseen
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, LoggedDecisions


def shrunk(weight: Float64, clip: float) -> Float64:
    """Return ``clip * w / (w^2 + clip)`` ``(n,)``."""
    return clip * weight / (weight * weight + clip)


@dataclass(frozen=True)
class ShrunkDoublyRobust(AbstractEstimator):
    """Doubly robust with optimistic shrinkage (DRos): large weights are drawn in smoothly.

        V = 1/n Σ_i [ Σ_a π(a | x_i) q(x_i, a) + ŵ_i (r_i − q(x_i, a_i)) ],   ŵ_i = clip w_i / (w_i² + clip)

    Lies between `DirectMethod` (``clip`` near 0) and `DoublyRobust` (no ``clip``).

    Choose it when: weights are large and ``clip`` was chosen with care.   Not when: an unbiased number is needed.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is not above 0.
    Source: Su, Dimakopoulou, Krishnamurthy, Dudík, Doubly robust off-policy evaluation with shrinkage, 2020, section 3.

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5), num_actions=2
    ... )
    >>> model, few = TabularRewardModel(smoothing=0, folds=1), Thresholds(refuse_ess=0)
    >>> ShrunkDoublyRobust(clip=5.0, reward_model=model).estimate(log, TargetPolicy.uniform(2), thresholds=few).value
    0.75
    """

    name: ClassVar[str] = "dros"
    cut: ClassVar[staticmethod[[Float64, float], Float64]] = staticmethod(shrunk)

    reward_model: AbstractRewardModel = field(default_factory=TabularRewardModel)

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return predicted rewards, and residuals by shrunk weights."""
        base, residual = foreseen(self.reward_model, log, policy)
        return Contributions(base=base, numerator=weight * residual)
