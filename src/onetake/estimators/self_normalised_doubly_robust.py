"""Self-normalised doubly robust estimator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.doubly_robust import foreseen
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class SelfNormalisedDoublyRobust(AbstractEstimator):
    """Self-normalised doubly robust: the correction of `DoublyRobust`, divided by the mean weight.

        V = 1/n Σ_i Σ_a π(a | x_i) q(x_i, a) + Σ w_i (r_i − q(x_i, a_i)) / Σ w_i,   w_i = min(π(a_i | x_i) / p_i, clip)

    Steadier than `DoublyRobust` where weights vary, slightly biased.

    Choose it when: a few propensities are small.   Not when: weights are even; it then is `DoublyRobust`.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is not above 0.
    Source: Robins, Sued, Lei-Gomez, Rotnitzky, 2007; Thomas and Brunskill, 2016, section 4 (weighted doubly robust).

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5), num_actions=2
    ... )
    >>> model, few = TabularRewardModel(smoothing=0, folds=1), Thresholds(refuse_ess=0)
    >>> SelfNormalisedDoublyRobust(reward_model=model).estimate(log, TargetPolicy.uniform(2), thresholds=few).value
    0.75
    """

    name: ClassVar[str] = "sndr"

    reward_model: AbstractRewardModel = field(default_factory=TabularRewardModel)

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return predicted rewards, weighted residuals and the weights that those are divided by."""
        base, residual = foreseen(self.reward_model, log, policy)
        return Contributions(base=base, numerator=weight * residual, denominator=weight)
