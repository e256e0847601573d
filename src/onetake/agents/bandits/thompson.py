"""Plays each arm with the chance that it is the best, under what is believed now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onetake.agents.bandits.fleet import AbstractFleetBandit, Rule
from onetake.agents.bandits.memory import AbstractMemory
from onetake.agents.bandits.shrinkage import Shrunk
from onetake.agents.checks import check_choice, check_number

#: Added to counts that already hold a prior.
_NOTHING = 1e-300


@dataclass(eq=False)
class Thompson(AbstractFleetBandit):
    """Draws a rate for each arm from its Beta posterior and plays the arm whose draw pays most.

        θ_a ~ Beta(α₀ + S_a, β₀ + F_a),   A_t = argmax_a  scale_a · θ_a · trials + offset_a

    On count rewards (``spec.count_reward``) S and F are exact successes and failures of all trials, and arms are
    compared by what they pay. Else a reward scaled to [0, 1] adds itself to S and the rest of 1 to F.

    Choose it when: in doubt.   Not when: the world drifts: it never forgets.
    Source: Thompson, *On the likelihood that one unknown probability exceeds another*, Biometrika 25, 1933; Chapelle
    and Li, *An empirical evaluation of Thompson sampling*, NeurIPS 2011, algorithm 2. Differs from it: payoffs may
    differ between arms; rewards between 0 and 1 count in part, not by a coin (Agrawal and Goyal 2012, algorithm 2).

    Attributes:
        prior_successes: α₀ > 0. prior_failures: β₀ > 0; 1 and 1 is the uniform prior.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``); one an entity that begins at a prior fitted to all entities of the
            replicate (``partial``, `Shrunk`); or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = Thompson()
    >>> agent.begin(BatchSpec("docs/Coins-v0", ids, ids[:1], 2, (), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.act(Observation(np.empty((4, 0), np.float32), step=0)).action.shape
    (4,)
    """

    prior_successes: float = 1.0
    prior_failures: float = 1.0
    floor: float = 0.0
    pooling: Literal["none", "partial", "full"] = "none"

    propensity_method = "quadrature"
    propensity_error = 1e-5

    def __post_init__(self) -> None:
        check_number("prior_successes", self.prior_successes, 0, above=True)
        check_number("prior_failures", self.prior_failures, 0, above=True)
        check_number("floor", self.floor, 0, 1)
        check_choice("pooling", self.pooling, ("none", "partial", "full"))

    def _rule(self, explore: bool) -> Rule:
        name = "posterior_draw" if explore else "posterior_mean"
        if self.pooling == "partial":
            return (name, _NOTHING, _NOTHING)  # the prior is among the counts
        return (name, float(self.prior_successes), float(self.prior_failures))

    def _memory(self) -> AbstractMemory | None:
        if self.pooling != "partial":
            return None
        replicates = len(self.spec.replicate_ids)
        return Shrunk(replicates, float(self.prior_successes), float(self.prior_failures))

    def _counts_successes(self) -> bool:
        return True
