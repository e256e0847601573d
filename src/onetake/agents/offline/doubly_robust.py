"""Doubly robust policy learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.agents.offline.policy_learner import AbstractPolicyLearner, Seen
from onetake.types import Float64


@dataclass(eq=False)
class DoublyRobustLearner(AbstractPolicyLearner):
    """Maximises the doubly robust estimate: ``s(x_i, a) = q(x_i, a) + 1[a = a_i] (r_i − q(x_i, a_i)) / p_i``.

    Choose it when: propensities are known and a model helps.   Not when: neither can be trusted.
    Source: Dudík, Langford, Li, Doubly robust policy evaluation and learning, 2011, section 4; Athey and Wager, Policy
    learning with observational data, 2021 (cross-fitting).

    >>> from onetake.types import LoggedDecisions, Observation
    >>> log = LoggedDecisions(np.zeros((40, 0)), np.arange(40) % 2, np.arange(40) % 2 * 1.0, np.full(40, 0.5), 2)
    >>> learner = DoublyRobustLearner(ridge=0.1).fit(log)
    >>> learner.act(Observation(np.zeros((1, 0), np.float32), 0), explore=False).action
    array([1])
    """

    def scores(self, log: Seen, predicted: Float64) -> Float64:
        """Return predicted rewards, corrected where something was done."""
        scores, rows = predicted.copy(), np.arange(len(log.action))
        scores[rows, log.action] += log.weight(self.clip) * (log.reward - predicted[rows, log.action])
        return scores
