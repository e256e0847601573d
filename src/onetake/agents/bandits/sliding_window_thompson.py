"""Thompson sampling that knows only the newest steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory, Window
from onetake.agents.checks import check_choice, check_index, check_number


@dataclass(eq=False)
class SlidingWindowThompson(AbstractFleetBandit):
    """Draws a rate for each arm from its Beta posterior given the last τ steps alone.

        θ_a ~ Beta(α₀ + S_a(τ), β₀ + F_a(τ)),   A_t = argmax_a payoff(θ_a)

    The window ends with the newest step whose outcome is known. It takes 16 · τ · arms bytes a learner.

    Choose it when: rates jump now and then.   Not when: they stand still.
    Source: Trovò, Paladino, Restelli and Gatti, *Sliding-window Thompson sampling for non-stationary settings*, JAIR
    68, 2020, algorithm 1. Differs from it: the window counts steps, not plays; payoffs and trials as in `Thompson`.

    Attributes:
        window: τ, at least 1. prior_successes: α₀ > 0. prior_failures: β₀ > 0.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = SlidingWindowThompson(window=30)
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.empty((4, 0), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    window: int = 100
    prior_successes: float = 1.0
    prior_failures: float = 1.0
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        check_index("window", self.window)
        check_number("window", self.window, 1)
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
        return Window(int(self.window))
