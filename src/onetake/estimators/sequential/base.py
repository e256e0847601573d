"""What every off-policy estimator of whole episodes is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from onetake.draws import total
from onetake.episodes import LoggedEpisodes
from onetake.errors import ConfigError, EstimateError
from onetake.estimators.contributions import Contributions
from onetake.estimators.diagnostics import Thresholds, effective_sample_size
from onetake.estimators.intervals import Interval
from onetake.estimators.sequential.weights import chances, cumulated
from onetake.estimators.target import TargetPolicy
from onetake.types import Estimate, Float64

# Weights of whole paths average 1 where the log holds the paths of the policy. Below this share they have collapsed.
COLLAPSED = 0.75


@dataclass(frozen=True)
class AbstractSequentialEstimator(ABC):
    """Estimates what a policy would earn in an episode from episodes that another one logged.

    Subclasses are frozen dataclasses of their settings and write `contributions`.

    Attributes:
        discount: ``γ`` in (0, 1].
        name: short name in tables.
        weighted: whether it weighs whole paths.
        leans: whether nothing but those weights carries the estimate, so that it is refused where they have collapsed.
    """

    name: ClassVar[str]
    weighted: ClassVar[bool] = True
    leans: ClassVar[bool] = True

    discount: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.discount <= 1:
            raise ConfigError(f"discount: got {self.discount!r}; wanted a number in (0, 1]")

    @abstractmethod
    def contributions(self, log: LoggedEpisodes, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return what each episode adds.

        Args:
            log: checked logged episodes.
            policy: the policy to be judged.
            weight: ``c_t`` by episode and step ``(E, T)``; see `cumulated`.
        """

    def powers(self, log: LoggedEpisodes) -> Float64:
        """Return ``γ^t`` ``(T,)``."""
        return np.cumprod(np.append(1.0, np.full(log.horizon - 1, self.discount)))

    def estimate(
        self,
        log: LoggedEpisodes,
        policy: TargetPolicy,
        *,
        interval: Interval | None = None,
        thresholds: Thresholds | None = None,
    ) -> Estimate:
        """Estimate the value of ``policy``: discounted reward per episode.

        An estimate whose weights have collapsed, or whose effective sample is below the threshold, has NaN for its
        numbers, ``refused`` set and the reason among its flags.

        Raises:
            ShapeError: a policy that does not fit the log.
            EstimateError: fewer than two episodes.
        """
        interval, thresholds = interval or Interval(), thresholds or Thresholds()
        if log.num_episodes < 2:
            raise EstimateError(f"episodes: got {log.num_episodes}; wanted at least 2")
        weight = cumulated(log, policy)
        last = np.ascontiguousarray(weight[:, -1])
        count = log.num_episodes
        mean = float(total(last)) / count
        estimate = Estimate.unknown(
            estimator=self.name,
            policy=policy.name,
            level=interval.level,
            num_decisions=len(log.state),
            effective_sample_size=effective_sample_size(last),
            largest_weight=float(last.max()),
            clipped_share=0.0,
            overlap=_overlap(log, policy),
        )
        doubts = self._doubts(estimate, mean, thresholds, count)
        if self.weighted and self.leans and _refused(estimate, mean, thresholds):
            return replace(estimate, flags=doubts, refused=True)
        parts = self.contributions(log, policy, weight)
        low, high = interval.ends(parts)
        return replace(
            estimate,
            value=parts.value(),
            low=low,
            high=high,
            standard_error=parts.standard_error(),
            flags=doubts + self.caveats(log),
        )

    def caveats(self, log: LoggedEpisodes) -> tuple[str, ...]:
        """Return what must be said of every estimate of this kind from this log."""
        ends = log.first + log.length - 1
        cut = int((~log.terminated[ends]).sum())
        return (f"{cut} of {log.num_episodes} episodes were cut: what would have come is not known",) if cut else ()

    def _doubts(self, found: Estimate, mean: float, limits: Thresholds, count: int) -> tuple[str, ...]:
        ess = found.effective_sample_size
        checks = (
            (found.overlap < limits.flag_overlap, f"overlap {found.overlap:.3g} is below {limits.flag_overlap:g}"),
            (
                self.weighted and mean < COLLAPSED,
                f"weights of whole episodes average {mean:.2g}, not 1: the log does not hold this policy's paths",
            ),
            (self.weighted and ess < limits.flag_ess, f"effective sample size {ess:.3g} is below {limits.flag_ess:g}"),
            (
                self.weighted and ess < limits.flag_ess_share * count,
                f"effective sample size {ess:.3g} is below {limits.flag_ess_share:.0%} of {count} episodes",
            ),
        )
        return tuple(text for holds, text in checks if holds)


def _refused(found: Estimate, mean: float, limits: Thresholds) -> bool:
    return mean < COLLAPSED or found.effective_sample_size < limits.refuse_ess


def _overlap(log: LoggedEpisodes, policy: TargetPolicy) -> float:
    """Share of the policy's chances, at the logged states, that lie on actions which the log has tried there."""
    seen = np.zeros((log.num_states, log.num_actions))
    seen[log.state, log.action] = 1.0
    tried = (chances(log, policy) * seen[log.state]).sum(axis=1)
    return float(total(tried)) / len(tried)
