"""Switch doubly robust estimator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.doubly_robust import foreseen
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, LoggedDecisions


def dropped_above(weight: Float64, clip: float) -> Float64:
    """Return the weights ``(n,)``, those above ``clip`` as 0."""
    return np.where(weight <= clip, weight, 0.0)


@dataclass(frozen=True)
class SwitchDoublyRobust(AbstractEstimator):
    """Switch doubly robust: correct the reward model only where weights are not too large.

        V = 1/n Σ_i [ Σ_a π(a | x_i) q(x_i, a) + 1[w_i ≤ clip] w_i (r_i − q(x_i, a_i)) ],   w_i = π(a_i | x_i) / p_i

    Trusts the model where the log has little to say. Without ``clip`` it is `DoublyRobust`.

    Choose it when: some weights are huge and the model is fair.   Not when: the model is poor where weights are huge.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is not above 0.
    Source: Wang, Agarwal, Dudík, Optimal and adaptive off-policy evaluation in contextual bandits, 2017, equation 6.

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5), num_actions=2
    ... )
    >>> model, few = TabularRewardModel(smoothing=0, folds=1), Thresholds(refuse_ess=0)
    >>> SwitchDoublyRobust(clip=5.0, reward_model=model).estimate(log, TargetPolicy.uniform(2), thresholds=few).value
    0.75
    """

    name: ClassVar[str] = "switch_dr"
    cut: ClassVar[staticmethod[[Float64, float], Float64]] = staticmethod(dropped_above)

    reward_model: AbstractRewardModel = field(default_factory=TabularRewardModel)

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return predicted rewards, and the residuals of weights that were kept."""
        base, residual = foreseen(self.reward_model, log, policy)
        return Contributions(base=base, numerator=weight * residual)
