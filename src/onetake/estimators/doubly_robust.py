"""Doubly robust estimator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.target import TargetPolicy, mean_under
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class DoublyRobust(AbstractEstimator):
    """Doubly robust: a reward model, corrected by the weighted rewards it did not foresee.

        V = 1/n Σ_i [ Σ_a π(a | x_i) q(x_i, a) + w_i (r_i − q(x_i, a_i)) ],   w_i = min(π(a_i | x_i) / p_i, clip)

    Right if either the propensities or the model is, and steadier than `IPS` where the model helps.

    Choose it when: propensities are known or well estimated.   Not when: neither they nor the model can be trusted.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is not above 0.
    Source: Dudík, Langford, Li, Doubly robust policy evaluation and learning, 2011, equation 2. Differs from it:
    cross-fitted models, optional clipping.

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5), num_actions=2
    ... )
    >>> model = TabularRewardModel(smoothing=0, folds=1)
    >>> few = Thresholds(refuse_ess=0)
    >>> DoublyRobust(reward_model=model).estimate(log, TargetPolicy.uniform(2), thresholds=few).value
    0.75
    """

    name: ClassVar[str] = "dr"

    reward_model: AbstractRewardModel = field(default_factory=TabularRewardModel)

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return the predicted reward under the policy, and the weighted residuals."""
        base, residual = foreseen(self.reward_model, log, policy)
        return Contributions(base=base, numerator=weight * residual)

    def bounds(self, rewards: tuple[float, float], weight: float) -> tuple[float, float]:
        """Return the ends of a prediction within the rewards and a weighted residual."""
        low, high = rewards
        return low - weight * (high - low), high + weight * (high - low)


def foreseen(model: AbstractRewardModel, log: LoggedDecisions, policy: TargetPolicy) -> tuple[Float64, Float64]:
    """Return the predicted reward under the policy, and what each logged reward had beyond its prediction ``(n,)``."""
    predicted = model.fit(log)
    return mean_under(policy, predicted, len(log.action)), log.reward - predicted.of_taken(log)
