"""Thompson sampling that trusts old news less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory, Discount
from onetake.agents.checks import check_choice, check_number


@dataclass(eq=False)
class DiscountedThompson(AbstractFleetBandit):
    """Draws a rate for each arm from a Beta posterior whose counts fade with every step.

        S_a ← γ S_a + successes,  F_a ← γ F_a + failures;   θ_a ~ Beta(α₀ + S_a, β₀ + F_a);   A_t = argmax_a payoff(θ_a)

    Choose it when: rates wander, or change at times nobody tells.   Not when: they stand still.
    Source: Raj and Kalyani, *Taming non-stationary bandits: a Bayesian approach*, 2017, algorithm 1. Differs from it:
    payoffs and trials as in `Thompson`.

    Attributes:
        discount: γ in (0, 1]. prior_successes: α₀ > 0. prior_failures: β₀ > 0.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = DiscountedThompson(discount=0.95)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    discount: float = 0.99
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        check_number("discount", self.discount, 0, 1, above=True)
        check_number("prior_successes", self.prior_successes, 0, above=True)
        check_number("prior_failures", self.prior_failures, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "full"))

    def _rule(self, explore: bool) -> Rule:
        name = "posterior_draw" if explore else "posterior_mean"
        return (name, float(self.prior_successes), float(self.prior_failures))

    def _counts_successes(self) -> bool:
        return True

    def _memory(self) -> AbstractMemory:
        return Discount(float(self.discount))
