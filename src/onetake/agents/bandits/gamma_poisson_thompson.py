"""Plays each arm with the chance that its rate of events is the best, events being Poisson."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class GammaPoissonThompson(AbstractFleetBandit):
    """Draws a rate for each arm from its gamma posterior and plays the arm whose draw pays most.

        λ_a ~ Gamma(a₀ + Σx, b₀ + n_a),   A_t = argmax_a  scale_a · λ_a · trials + offset_a

    On count rewards (``spec.count_reward``) x are successes and n trials; else a reward is itself a count of events (or
    any amount of at least 0, whose variance is then taken to be its mean).

    Choose it when: rewards are counts without a known most: orders a day, visits a week.   Not when: each trial
    succeeds or
    fails: `Thompson` is exact there.
    Source: Gelman et al., *Bayesian Data Analysis*, 3rd edition, 2013, section 2.6 (Poisson with gamma prior); Thompson
    sampling with it: Russo et al., *A tutorial on Thompson sampling*, 2018, section 4.

    Attributes:
        prior_events: a₀ above 0. prior_trials: b₀ above 0: the prior mean is a₀ / b₀.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = GammaPoissonThompson()
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    prior_events: float = 1.0
    prior_trials: float = 1.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        check_number("prior_events", self.prior_events, 0, above=True)
        check_number("prior_trials", self.prior_trials, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        return ("gamma_draw" if explore else "gamma_mean", float(self.prior_events), float(self.prior_trials))

    def _counts_successes(self) -> bool:
        return True

    def _least_reward(self) -> float:
        return 0.0

    def _scales(self) -> bool:
        return False
