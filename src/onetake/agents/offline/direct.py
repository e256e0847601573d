"""Direct policy learning."""

from __future__ import annotations

from dataclasses import dataclass

from onetake.agents.offline.policy_learner import AbstractPolicyLearner, Seen
from onetake.types import Float64


@dataclass(eq=False)
class DirectLearner(AbstractPolicyLearner):
    """Plays what a reward model says is best: ``s(x, a) = q(x, a)``.

    Choose it when: the model is right, or propensities are not to be trusted.   Not when: rewards are far from linear.
    Source: Beygelzimer and Langford, The offset tree for learning with partial labels, 2009, section 1.2 (regression).

    >>> import numpy as np
    >>> from onetake.types import LoggedDecisions, Observation
    >>> log = LoggedDecisions(np.zeros((40, 0)), np.arange(40) % 2, np.arange(40) % 2 * 1.0, np.full(40, 0.5), 2)
    >>> DirectLearner(ridge=0.1).fit(log).act(Observation(np.zeros((1, 0), np.float32), 0), explore=False).action
    array([1])
    """

    def scores(self, log: Seen, predicted: Float64) -> Float64:
        """Return the predicted rewards."""
        return predicted
