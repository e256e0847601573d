"""What every off-policy estimator is: one function of its own, and checks, intervals and diagnostics shared by all."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from onetake.errors import ConfigError, EstimateError, ShapeError
from onetake.estimators.contributions import Contributions
from onetake.estimators.diagnostics import Thresholds, diagnose, reasons_to_doubt, reasons_to_refuse
from onetake.estimators.intervals import Interval
from onetake.estimators.target import TargetPolicy
from onetake.types import Estimate, Float64, LoggedDecisions


def cut_at(weight: Float64, clip: float) -> Float64:
    """Return ``min(w, clip)`` ``(n,)``."""
    return np.minimum(weight, clip)


@dataclass(frozen=True)
class AbstractEstimator(ABC):
    """Estimates what a policy would earn per decision from what another one logged.

    Subclasses are frozen dataclasses of their settings and write `contributions`.

    Attributes:
        clip: where weights are cut, in (0, inf), or None to leave them; only for estimators with weights.
        name: short name in tables. weighted: whether it weighs rewards by propensities.
        caveat: a flag that every estimate of this kind carries, or "". cut: what happens to weights, given ``clip``.
    """

    name: ClassVar[str]
    weighted: ClassVar[bool] = True
    caveat: ClassVar[str] = ""
    cut: ClassVar[staticmethod[[Float64, float], Float64]] = staticmethod(cut_at)

    clip: float | None = None

    def __post_init__(self) -> None:
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise ConfigError(f"clip: got {self.clip!r}; wanted a number above 0, or none")
        if self.clip is not None and not self.weighted:
            raise ConfigError(f"clip: got {self.clip!r}; wanted none, as {self.name} has no weights")

    @abstractmethod
    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return what each decision adds.

        Args:
            log: checked logged decisions.
            policy: the policy to be judged.
            weight: ``π(a_i | x_i) / p_i``, clipped ``(n,)``.
        """

    def bounds(self, rewards: tuple[float, float], weight: float) -> tuple[float, float] | None:
        """Return the ends of what a decision can add, or None where the estimate is no mean of bounded numbers.

        Args:
            rewards: least and largest reward.
            weight: the largest weight.
        """
        return None

    def _bounds(self, interval: Interval) -> tuple[float, float] | None:
        weight = interval.largest_weight if self.clip is None else self.clip
        if weight is None:
            raise EstimateError(
                f"interval.largest_weight: got none; wanted it, or a clip of {self.name}, for {interval.method}"
            )
        assert interval.rewards is not None  # checked with the method
        return self.bounds(interval.rewards, weight)

    def estimate(
        self,
        log: LoggedDecisions,
        policy: TargetPolicy,
        *,
        interval: Interval | None = None,
        thresholds: Thresholds | None = None,
    ) -> Estimate:
        """Estimate the value of ``policy``: reward per decision.

        An estimate that breaks a threshold of refusal has NaN for its numbers, ``refused`` set and the reason among its
        flags; one that breaks a threshold of doubt is flagged.

        Raises:
            ShapeError: if arrays of log and policy do not fit each other.
            EstimateError: if the log has too few decisions or numbers that are none.
        """
        interval, thresholds = interval or Interval(), thresholds or Thresholds()
        check_logged(log, policy, weighted=self.weighted)
        with np.errstate(invalid="ignore"):
            raw = policy.of_taken(log) / log.propensity
        used = raw if self.clip is None else self.cut(raw, self.clip)
        found = diagnose(log, policy, raw, used, self.clip)
        estimate = Estimate.unknown(
            estimator=self.name,
            policy=policy.name,
            level=interval.level,
            num_decisions=len(log.action),
            effective_sample_size=found.effective_sample_size,
            largest_weight=found.largest_weight,
            clipped_share=found.clipped_share,
            overlap=found.overlap,
        )
        refusals = reasons_to_refuse(found, thresholds, weighted=self.weighted)
        if refusals:
            return replace(estimate, flags=refusals, refused=True)
        parts = self.contributions(log, policy, used)
        if interval.promised:
            parts = replace(parts, bounds=self._bounds(interval))
        low, high = interval.ends(parts)
        flags = reasons_to_doubt(found, thresholds, log, weighted=self.weighted)
        return replace(
            estimate,
            value=parts.value(),
            low=low,
            high=high,
            standard_error=parts.standard_error(),
            flags=flags + ((self.caveat,) if self.caveat else ()) + parts.flags,
        )


def check_logged(log: LoggedDecisions, policy: TargetPolicy, *, weighted: bool) -> None:
    """Refuse arrays that do not fit each other, and numbers that are none.

    Raises:
        ShapeError: naming the array, with the shape or range it has and should have.
        EstimateError: naming the array, and the row of the first bad number.
    """
    count = len(log.action)
    if count < 2:
        raise EstimateError(f"log: got {count} decisions; wanted at least 2")
    arrays = {"reward": log.reward, "propensity": log.propensity, "slot": log.slot, "policy rows": policy.rows}
    for name, values in arrays.items():
        if values is not None and values.shape != (count,):
            raise ShapeError(f"{name}: got shape {values.shape}; wanted ({count},)")
    if policy.table.shape[1] != log.num_actions:
        raise ShapeError(f"policy {policy.name}: got {policy.table.shape[1]} actions; wanted {log.num_actions}")
    ranges = (
        ("action", log.action, log.num_actions),
        ("slot", log.slot, log.num_slots),
        ("policy rows", policy.rows, len(policy.table)),
    )
    for name, values, limit in ranges:
        if values is not None and (values.min() < 0 or values.max() >= limit):
            row = int(np.argmax((values < 0) | (values >= limit)))
            raise ShapeError(f"{name}, row {row}: got {values[row]}; wanted an index below {limit}")
    _refuse_number(~np.isfinite(log.reward), log.reward, "reward", "a finite number")
    if log.propensity_kind == "density":
        raise EstimateError("propensity: got densities; wanted chances of discrete actions")
    if weighted and log.propensity_kind != "none":
        known = (log.propensity > 0) & (log.propensity <= 1)
        _refuse_number(~known, log.propensity, "propensity", "a number in (0, 1]")


def _refuse_number(bad: np.ndarray, values: Float64, name: str, wanted: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise EstimateError(f"{name}, row {row}: got {values[row]}; wanted {wanted}")
