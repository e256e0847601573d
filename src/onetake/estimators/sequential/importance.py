"""Importance sampling of episodes: four ways to weigh what was logged, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onetake.draws import total
from onetake.episodes import LoggedEpisodes
from onetake.estimators.contributions import Contributions
from onetake.estimators.sequential.base import AbstractSequentialEstimator
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64


def _returns(estimator: AbstractSequentialEstimator, log: LoggedEpisodes) -> Float64:
    """Discounted rewards of each episode ``(E,)``."""
    paid = log.padded(log.reward) * estimator.powers(log)
    return np.asarray(total(np.ascontiguousarray(paid), axis=1))


@dataclass(frozen=True)
class TrajectoryImportance(AbstractSequentialEstimator):
    """Trajectory-wise importance sampling: ``V = 1/n Σ_i c_T^i G^i``.

    Unbiased; its variance grows exponentially with the length of episodes.
    Source: Precup, Sutton, Singh, Eligibility traces for off-policy policy evaluation, 2000, equation 3.
    """

    name: ClassVar[str] = "tis"

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return weighted returns."""
        return Contributions(numerator=weight[:, -1] * _returns(self, log))


@dataclass(frozen=True)
class WeightedTrajectoryImportance(AbstractSequentialEstimator):
    """Self-normalised trajectory-wise importance sampling: ``V = Σ_i c_T^i G^i / Σ_i c_T^i``.

    Biased towards what was logged, consistent, and far steadier than `TrajectoryImportance`.
    Source: Precup, Sutton, Singh, Eligibility traces for off-policy policy evaluation, 2000, section 3.
    """

    name: ClassVar[str] = "wis"

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return weighted returns and the weights that they are divided by."""
        last = np.ascontiguousarray(weight[:, -1])
        return Contributions(numerator=last * _returns(self, log), denominator=last)


@dataclass(frozen=True)
class PerDecisionImportance(AbstractSequentialEstimator):
    """Per-decision importance sampling: ``V = 1/n Σ_i Σ_t γ^t c_t^i r_t^i``.

    Unbiased; a reward is not weighed by what came after it.
    Source: Precup, Sutton, Singh, Eligibility traces for off-policy policy evaluation, 2000, equation 6.
    """

    name: ClassVar[str] = "pdis"

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return the sum of weighted rewards of each episode."""
        paid = weight * log.padded(log.reward) * self.powers(log)
        return Contributions(numerator=np.asarray(total(np.ascontiguousarray(paid), axis=1)))


@dataclass(frozen=True)
class WeightedPerDecisionImportance(AbstractSequentialEstimator):
    """Consistent weighted per-decision importance sampling: ``V = Σ_t γ^t [Σ_i c_t^i r_t^i / Σ_i c_t^i]``.

    An episode that has ended keeps its last weight, so that every step is divided by the weight of all episodes.
    Source: Thomas, Safe reinforcement learning, 2015, equation 3.9.
    """

    name: ClassVar[str] = "cwpdis"

    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return weighted rewards by step, and the weights that they are divided by."""
        paid = weight * log.padded(log.reward) * self.powers(log)
        return Contributions(numerator=np.ascontiguousarray(paid), denominator=weight)
