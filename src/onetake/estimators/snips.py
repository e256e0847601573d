"""Self-normalised inverse propensity score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class SNIPS(AbstractEstimator):
    """Self-normalised inverse propensity score.

    Weighs each logged reward as `IPS` does, then divides by the mean weight.

        V = Σ w_i r_i / Σ w_i,   w_i = min(π(a_i | x_i) / p_i, clip)

    Consistent, slightly biased, never outside the range of the rewards, and moved along by a constant added to them.

    Choose it when: propensities are known and some are small.   Not when: they are estimated badly; see `DoublyRobust`.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is not above 0.
    Source: Swaminathan and Joachims, The self-normalized estimator for counterfactual learning, 2015.

    >>> import numpy as np
    >>> from onetake.estimators import Thresholds
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.4), num_actions=2
    ... )
    >>> SNIPS().estimate(log, TargetPolicy.uniform(2), thresholds=Thresholds(refuse_ess=0)).value
    0.75
    """

    name: ClassVar[str] = "snips"

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return weighted rewards and the weights that they are divided by."""
        return Contributions(numerator=weight * log.reward, denominator=weight)
