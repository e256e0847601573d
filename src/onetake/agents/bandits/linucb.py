"""Plays the arm whose reward could still be highest in this context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from onetake.agents.bandits.choice import even
from onetake.agents.bandits.linear import AbstractLinearBandit
from onetake.agents.checks import check_number
from onetake.types import Float64, Observation

_FIRST = np.zeros(1, dtype=np.int64)


@dataclass(eq=False)
class LinUCB(AbstractLinearBandit):
    """The arm with the highest upper confidence bound of a linear model; ties with the same chance.

        A_t = argmax_a  θ_aᵀx + α · sqrt(xᵀ A_a⁻¹ x)

    Choose it when: contexts tell arms apart and a bound is wanted.   Not when: a log must be usable: it is
    deterministic without a floor.
    Source: Li, Chu, Langford and Schapire, *A contextual-bandit approach to personalized news article recommendation*,
    WWW 2010, algorithms 1 (disjoint) and 2 (hybrid, here as one regression, which is the same by block inversion).
    Differs
    from it: an intercept, ties broken by the generator.

    Attributes:
        alpha: α, factor of the width.
        ridge: λ above 0. model: ``disjoint``, a regression an arm, or ``hybrid``, one for all arms
            (`AbstractLinearBandit`).
        intercept: whether a 1 stands before the context.
        floor: least chance of every allowed action.
        pooling: one learner an entity (``none``) or one for all entities of a replicate (``full``).

    >>> import numpy as np
    >>> from onetake.types import BatchSpec, Observation
    >>> ids = np.arange(4, dtype=np.uint32)
    >>> agent = LinUCB(alpha=0.5)
    >>> agent.begin(BatchSpec("docs/Ads-v0", ids, ids[:1], 2, ("age",), None, np.array(0.0), np.array(1.0)), seed=7)
    >>> agent.action_probabilities(Observation(np.ones((4, 1), np.float32), step=0))[0]
    array([0.5, 0.5])
    """

    alpha: float = 1.0
    ridge: float = 1.0
    model: Literal["disjoint", "hybrid"] = "disjoint"
    intercept: bool = True
    floor: float = 0.0
    pooling: Literal["none", "full"] = "none"

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, 0)
        self._check_settings()

    def _bonus(self) -> float:
        return float(self.alpha)

    def _odds(self, observation: Observation) -> Float64:
        mean, width = self._predict(observation)
        return even(mean + self.alpha * width, observation.mask)

    def predict_one(self, context: Any = None, *, mask: Sequence[bool] | None = None, explore: bool = True) -> Any:
        """Decide once; see `AbstractAgent.predict_one`. Where nothing is equal or mixed in, the core decides alone."""
        if (
            mask is None
            and self.floor == 0.0
            and self.model == "disjoint"
            and type(context) is not dict
            and self._alone
        ):
            x = np.empty((1, self._context))
            x[0, 0] = 1.0
            wide = self._context - 1 if self.intercept else self._context
            if context is not None and len(context) == wide:
                x[0, self._context - wide :] = context
                action, single = self._core.best(_FIRST, self._width, x, self.alpha if explore else 0.0, None, 1)
                if single:
                    self._calls += 1
                    return int(action[0])
        return super().predict_one(context, mask=mask, explore=explore)

    @property
    def _alone(self) -> bool:
        plain = self.floor == 0.0 and self.model == "disjoint"
        return plain and "_spec" in vars(self) and len(self._learner) == 1
