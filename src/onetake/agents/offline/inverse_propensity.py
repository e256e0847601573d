"""Policy learning by inverse propensity weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.agents.offline.policy_learner import AbstractPolicyLearner, Seen
from onetake.types import Float64


@dataclass(eq=False)
class InversePropensityLearner(AbstractPolicyLearner):
    """Maximises the inverse propensity score: ``s(x_i, a) = 1[a = a_i] (r_i − m) / p_i``, ``m`` the mean reward.

    Taking the mean off changes no policy's rank and keeps the policy from fleeing what was logged.

    Choose it when: propensities are exact.   Not when: some are tiny; set a ``clip``, or see `DoublyRobustLearner`.
    Source: Swaminathan and Joachims, Batch learning from logged bandit feedback through counterfactual risk
    minimization, 2015, equation 3.

    >>> from onetake.types import LoggedDecisions, Observation
    >>> log = LoggedDecisions(np.zeros((40, 0)), np.arange(40) % 2, np.arange(40) % 2 * 1.0, np.full(40, 0.5), 2)
    >>> learner = InversePropensityLearner(ridge=0.1).fit(log)
    >>> learner.act(Observation(np.zeros((1, 0), np.float32), 0), explore=False).action
    array([1])
    """

    def scores(self, log: Seen, predicted: Float64) -> Float64:
        """Return weighted rewards of what was done."""
        scores = np.zeros_like(predicted)
        scores[np.arange(len(log.action)), log.action] = log.weight(self.clip) * (log.reward - log.reward.mean())
        return scores
