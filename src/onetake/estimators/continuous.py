"""Policies that choose an amount (a price, a dose) judged from logged amounts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from onetake.errors import ConfigError, EstimateError, ShapeError
from onetake.estimators.contributions import Contributions
from onetake.estimators.diagnostics import Thresholds, effective_sample_size
from onetake.estimators.intervals import Interval
from onetake.estimators.tuned import slope
from onetake.types import Estimate, Float64


@dataclass(frozen=True, eq=False)
class LoggedAmounts:
    """Logged decisions whose action is a number.

    Attributes:
        amount: what was chosen ``(n,)``. reward: what it brought ``(n,)``.
        density: density with which the logging policy chose it ``(n,)``, above 0.
        low, high: ends of what can be chosen; infinite where there is none.

    Raises:
        ShapeError: arrays of other lengths. EstimateError: a number that is none, or an amount out of its ends.
    """

    amount: Float64
    reward: Float64
    density: Float64
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        count = len(self.amount)
        if count < 2:
            raise EstimateError(f"log: got {count} decisions; wanted at least 2")
        for name in ("reward", "density"):
            if getattr(self, name).shape != (count,):
                raise ShapeError(f"{name}: got shape {getattr(self, name).shape}; wanted ({count},)")
        within = (self.amount >= self.low) & (self.amount <= self.high)
        for name, bad, wanted in (
            ("amount", ~within, f"a number in [{self.low:g}, {self.high:g}]"),
            ("reward", ~np.isfinite(self.reward), "a finite number"),
            ("density", ~((self.density > 0) & np.isfinite(self.density)), "a finite number above 0"),
        ):
            if bad.any():
                row = int(np.argmax(bad))
                raise EstimateError(f"{name}, row {row}: got {getattr(self, name)[row]}; wanted {wanted}")


@dataclass(frozen=True)
class KernelIPS:
    """Kernelised inverse propensity score for amounts: logged amounts count by how near they are to the policy's.

        V = 1/n Σ_i K((τ(x_i) − a_i) / h) / (h f(a_i | x_i)) r_i

    Self-normalised, the sum is divided by the sum of the weights. Near an end of what can be chosen the kernel is
    divided by the share of it that lies inside.

    Attributes:
        bandwidth: ``h``, in units of the amount, or None to let SLOPE choose from ``grid``.
        grid: bandwidths in standard deviations of the logged amounts.
        kernel: ``epanechnikov`` or ``gaussian``. normalised: divide by the sum of the weights.

    Choose it when: prices are a continuum.   Not when: the log has only a few price points: take them as actions.
    Units: reward units per decision.
    Raises: ConfigError, for a bandwidth that is not above 0.
    Source: Kallus and Zhou, Policy evaluation and optimization with continuous treatments, 2018, equations 3 and 4; the
    choice of bandwidth is Su, Srinath, Krishnamurthy, Adaptive estimator selection for off-policy evaluation, 2020.

    >>> amounts = np.linspace(0, 1, 101)
    >>> log = LoggedAmounts(amounts, 2 * amounts, np.ones(101), 0.0, 1.0)
    >>> round(KernelIPS(0.1).estimate("half", np.full(101, 0.5), log).value, 6)
    1.0
    """

    bandwidth: float | None = None
    grid: tuple[float, ...] = (0.05, 0.1, 0.2, 0.4, 0.8)
    kernel: Literal["epanechnikov", "gaussian"] = "epanechnikov"
    normalised: bool = True

    def __post_init__(self) -> None:
        if self.bandwidth is not None and not 0 < self.bandwidth < math.inf:
            raise ConfigError(f"bandwidth: got {self.bandwidth!r}; wanted a number above 0, or none")
        if self.kernel not in ("epanechnikov", "gaussian"):
            raise ConfigError(f"kernel: got {self.kernel!r}; wanted epanechnikov or gaussian")
        object.__setattr__(self, "grid", tuple(sorted(map(float, self.grid))))
        if len(self.grid) < 2 or not self.grid[0] > 0:
            raise ConfigError(f"grid: got {self.grid}; wanted at least two bandwidths above 0")

    def estimate(
        self,
        policy: str,
        target: Float64,
        log: LoggedAmounts,
        *,
        interval: Interval | None = None,
        thresholds: Thresholds | None = None,
    ) -> Estimate:
        """Estimate the value of the policy that would have chosen ``target`` ``(n,)``: reward per decision.

        The effective sample size is that of the kernel's weights; below the threshold the estimate is refused.

        Raises:
            ShapeError: another number of targets than of logged decisions, or a target out of the ends.
        """
        interval, thresholds = interval or Interval(), thresholds or Thresholds()
        if target.shape != log.amount.shape:
            raise ShapeError(f"policy {policy}: got amounts of shape {target.shape}; wanted {log.amount.shape}")
        out = ~((target >= log.low) & (target <= log.high))
        if out.any():
            row = int(np.argmax(out))
            wanted = f"an amount in [{log.low:g}, {log.high:g}]"
            raise ShapeError(f"policy {policy}, row {row}: got {target[row]}; wanted {wanted}")
        weight, flags = self._chosen(target, log)
        estimate = Estimate.unknown(
            estimator="kernel_snips" if self.normalised else "kernel_ips",
            policy=policy,
            level=interval.level,
            num_decisions=len(target),
            effective_sample_size=effective_sample_size(weight),
            largest_weight=float(weight.max()),
            clipped_share=0.0,
            overlap=float(np.mean((target >= log.amount.min()) & (target <= log.amount.max()))),
        )
        ess = estimate.effective_sample_size
        if ess < thresholds.refuse_ess:
            flags = (f"effective sample size {ess:.3g} is below {thresholds.refuse_ess:g}",)
            return replace(estimate, flags=flags, refused=True)
        if ess < thresholds.flag_ess:
            flags += (f"effective sample size {ess:.3g} is below {thresholds.flag_ess:g}",)
        parts = self._parts(weight, log)
        low, high = interval.ends(parts)
        return replace(
            estimate, value=parts.value(), low=low, high=high, standard_error=parts.standard_error(), flags=flags
        )

    def _chosen(self, target: Float64, log: LoggedAmounts) -> tuple[Float64, tuple[str, ...]]:
        if self.bandwidth is not None:
            return self._weights(target, log, self.bandwidth), ()
        widths = [step * float(log.amount.std()) for step in self.grid]
        found = [self._weights(target, log, width) for width in widths]
        # A bandwidth that no logged amount lies within has no estimate, and cannot be chosen.
        first = next((place for place, weight in enumerate(found) if (weight > 0).any()), len(found) - 1)
        parts = [self._parts(weight, log) for weight in found[first:]]
        values = np.array([part.value() for part in parts])
        chosen = first + slope(values, np.array([part.standard_error() for part in parts]))
        said = f"bandwidth {widths[chosen]:.3g}, as the data chose"
        if chosen == len(widths) - 1:
            said = f"the log cannot tell the bandwidths apart: {widths[chosen]:.3g} is the steadiest"
        return found[chosen], (said,)

    def _parts(self, weight: Float64, log: LoggedAmounts) -> Contributions:
        return Contributions(numerator=weight * log.reward, denominator=weight if self.normalised else None)

    def _weights(self, target: Float64, log: LoggedAmounts, width: float) -> Float64:
        inside = self._mass((log.high - target) / width) - self._mass((log.low - target) / width)
        return self._height((log.amount - target) / width) / (width * log.density * inside)

    def _height(self, x: Float64) -> Float64:
        if self.kernel == "gaussian":
            return np.asarray(np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi), np.float64)
        return np.where(np.abs(x) < 1, 0.75 * (1 - x * x), 0.0)

    def _mass(self, x: Float64) -> Float64:
        """Share of the kernel below ``x``."""
        if self.kernel == "gaussian":
            from scipy.special import ndtr

            return np.asarray(ndtr(x), np.float64)
        x = np.clip(x, -1, 1)
        return np.asarray(0.5 + 0.25 * (3 * x - x**3), np.float64)
