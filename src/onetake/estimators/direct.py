"""Direct method."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.reward_model import AbstractRewardModel, TabularRewardModel
from onetake.estimators.target import TargetPolicy, mean_under
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class DirectMethod(AbstractEstimator):
    """Direct method: trust a reward model.

        V = 1/n Σ_i Σ_a π(a | x_i) q(x_i, a)

    Steady where propensities are tiny or unknown, and as wrong as its model is: the interval knows how contexts and the
    rewards behind ``q`` vary (where the model can tell), never how far off ``q`` is, and every estimate says so.

    Choose it when: there are no propensities, or as a yardstick.   Not when: ``q`` may be wrong; see `DoublyRobust`.
    Units: reward units per decision.
    Raises: ConfigError, if ``clip`` is given.
    Source: Dudík, Langford, Li, Doubly robust policy evaluation and learning, 2011, section 2.1.

    >>> import numpy as np
    >>> log = LoggedDecisions(
    ...     np.zeros((4, 0)), np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 1.0, 1.0]), np.full(4, 0.5), num_actions=2
    ... )
    >>> model = TabularRewardModel(smoothing=0, folds=1)
    >>> DirectMethod(reward_model=model).estimate(log, TargetPolicy.always(0, 2)).value
    0.5
    """

    name: ClassVar[str] = "dm"
    weighted: ClassVar[bool] = False
    caveat: ClassVar[str] = "the interval leaves out the bias of the reward model"

    reward_model: AbstractRewardModel = field(default_factory=TabularRewardModel)

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return the predicted reward under the policy, and what each decision did to the predictions."""
        predicted = mean_under(policy, self.reward_model.fit(log), len(log.action))
        return Contributions(base=predicted + self.reward_model.influence(log, policy))
