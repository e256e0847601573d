"""What must be known of a log and a policy before an estimate is believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from onetake.draws import total
from onetake.errors import ConfigError
from onetake.estimators.target import ActionTable, TargetPolicy, mean_under
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class Thresholds:
    """Where doubt begins and where an estimate is refused.

    Attributes:
        flag_ess, flag_ess_share: effective sample sizes below this number, or this share of the log, are flagged.
        refuse_ess: below this number the estimate is refused.
        flag_overlap, refuse_overlap: the same for the share of the target policy that the log has tried.
        flag_weight_share: flagged where one decision carries more than this share of all weight.
        flag_clipped_share: flagged where more weights than this share were cut.
        flag_mean_weight: flagged where the mean weight is this many standard errors off 1.
    """

    flag_ess: float = 30.0
    flag_ess_share: float = 0.01
    refuse_ess: float = 5.0
    flag_overlap: float = 0.95
    refuse_overlap: float = 0.5
    flag_weight_share: float = 0.1
    flag_clipped_share: float = 0.05
    flag_mean_weight: float = 4.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ConfigError(f"thresholds.{name}: got {value!r}; wanted a number of 0 or more")


@dataclass(frozen=True)
class Diagnostics:
    """Of one log and one policy, before the reward is looked at; weights are those before clipping, save the ESS."""

    effective_sample_size: float
    largest_weight: float
    largest_share: float
    mean_weight: float
    mean_weight_error: float
    clipped_share: float
    overlap: float


def diagnose(
    log: LoggedDecisions, policy: TargetPolicy, raw: Float64, used: Float64, clip: float | None
) -> Diagnostics:
    """Measure weights and overlap.

    Args:
        log: the log.
        policy: the policy to be judged.
        raw: weights ``π / p`` ``(n,)``; NaN where propensities are unknown.
        used: the weights after clipping ``(n,)``.
        clip: where they were cut, or None.
    """
    shared = overlap(log, policy)
    if np.isnan(raw).any():
        unknown = math.nan
        return Diagnostics(unknown, unknown, unknown, unknown, unknown, unknown, shared)
    count = len(raw)
    whole, mean = total(used), total(raw) / count
    return Diagnostics(
        effective_sample_size=effective_sample_size(used),
        largest_weight=float(raw.max()),
        largest_share=float(used.max()) / whole if whole > 0 else math.nan,
        mean_weight=mean,
        mean_weight_error=math.sqrt(total((raw - mean) ** 2) / (count - 1) / count),
        clipped_share=0.0 if clip is None else float(np.mean(raw > clip)),
        overlap=shared,
    )


def effective_sample_size(weight: Float64) -> float:
    """Return ``(Σ w)² / Σ w²``: how many equal weights would tell as much ``(n,) → ()``; 0 where there is no weight.

    >>> effective_sample_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    whole, square = float(total(weight)), float(total(weight * weight))
    return whole * whole / square if square > 0 else 0.0


def overlap(log: LoggedDecisions, policy: TargetPolicy) -> float:
    """Return the share of the target policy's probability on actions that the log has tried in the same slot."""
    slot = np.zeros(len(log.action), np.int64) if log.slot is None else log.slot
    seen = np.zeros((log.num_slots, log.num_actions))
    seen[slot, log.action] = 1.0
    return float(total(mean_under(policy, ActionTable(seen, slot), len(log.action)))) / len(log.action)


def reasons_to_refuse(found: Diagnostics, limits: Thresholds, *, weighted: bool) -> tuple[str, ...]:
    """Return why no number may be given; empty where one may."""
    reasons = []
    if found.overlap < limits.refuse_overlap:
        reasons.append(f"overlap {found.overlap:.3g} is below {limits.refuse_overlap:g}")
    if weighted and math.isnan(found.effective_sample_size):
        reasons.append("propensities are unknown")
    elif weighted and found.effective_sample_size < limits.refuse_ess:
        reasons.append(f"effective sample size {found.effective_sample_size:.3g} is below {limits.refuse_ess:g}")
    return tuple(reasons)


def reasons_to_doubt(
    found: Diagnostics, limits: Thresholds, log: LoggedDecisions, *, weighted: bool
) -> tuple[str, ...]:
    """Return the flags that an estimate carries; weights are no concern of estimators without any."""
    ess, count = found.effective_sample_size, len(log.action)
    drift = abs(found.mean_weight - 1) / found.mean_weight_error if found.mean_weight_error > 0 else 0.0
    checks = (
        (found.overlap < limits.flag_overlap, f"overlap {found.overlap:.3g} is below {limits.flag_overlap:g}"),
        (weighted and ess < limits.flag_ess, f"effective sample size {ess:.3g} is below {limits.flag_ess:g}"),
        (
            weighted and ess < limits.flag_ess_share * count,
            f"effective sample size {ess:.3g} is below {limits.flag_ess_share:.0%} of {count} decisions",
        ),
        (
            weighted and found.largest_share > limits.flag_weight_share,
            f"one decision carries {found.largest_share:.0%} of the weight",
        ),
        (
            weighted and found.clipped_share > limits.flag_clipped_share,
            f"{found.clipped_share:.0%} of the weights are cut",
        ),
        (
            weighted and drift > limits.flag_mean_weight,
            f"the mean weight {found.mean_weight:.3g} is {drift:.1f} standard errors off 1",
        ),
        (weighted and log.propensity_kind == "estimated", "propensities are estimated"),
        (log.assignment == "observational", "assignment is observational: no causal value"),
        (log.assignment == "instrument", "assignment is by an instrument, which this estimate does not use"),
    )
    return tuple(text for holds, text in checks if holds) + log.marks
