"""Thompson sampling that starts anew when an arm has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory, SinceChange
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class RestartThompson(AbstractFleetBandit):
    """Thompson sampling with a CUSUM test of every arm; an alarm makes the learner forget all that it knew.

        θ_a ~ Beta(α₀ + S_a, β₀ + F_a) since the last alarm;   g ← max(0, g ± (x − x̄₀) − slack) > threshold: alarm

    A share of play is uniform, since a change of an arm that is never played cannot be seen.

    Choose it when: rates jump seldom and far.   Not when: they wander: alarms then come too late or too often.
    Source: Liu, Lee and Shroff, *A change-detection based framework for piecewise-stationary multi-armed bandit
    problem*, AAAI 2018, algorithms 1 and 2. Differs from it: Thompson sampling chooses, not UCB; an alarm restarts all
    arms.

    Attributes:
        baseline: trials of an arm that fix its mean. slack: drift of a mean that is let pass, in rewards scaled to [0,
            1].
        threshold: of the sum of what is beyond. exploration: share of uniform play.
        prior_successes: α₀ > 0. prior_failures: β₀ > 0.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = RestartThompson(threshold=5.0)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    baseline: float = 30.0
    slack: float = 0.1
    threshold: float = 10.0
    exploration: float = 0.05
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        for name in ("baseline", "threshold", "prior_successes", "prior_failures"):
            check_number(name, getattr(self, name), 0, above=True)
        check_number("slack", self.slack, 0, 1)
        check_number("exploration", self.exploration, 0, 1)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        name = "posterior_draw" if explore else "posterior_mean"
        return (name, float(self.prior_successes), float(self.prior_failures))

    def _epsilon(self) -> float:
        return float(self.exploration)

    def _counts_successes(self) -> bool:
        return True

    def _memory(self) -> AbstractMemory:
        return SinceChange(float(self.baseline), float(self.slack), float(self.threshold))
