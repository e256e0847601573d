"""Intervals of estimates: resampled, normal, and with a promise that holds at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from onetake.errors import ConfigError, EstimateError
from onetake.estimators.contributions import Contributions
from onetake.estimators.promised import PROMISED
from onetake.seeding import child_seed
from onetake.types import Float64

Method = Literal["bootstrap", "normal", "hoeffding", "empirical_bernstein", "anytime"]


@dataclass(frozen=True)
class Interval:
    """How the ends of an interval are found.

    ``bootstrap`` resamples units and takes percentiles; ``normal`` takes the standard error. Both trust to many units
    and to weights that are not heavy. ``hoeffding``, ``empirical_bernstein`` and ``anytime`` (which holds at every
    moment at once) keep their level at any size, for estimates that are means of bounded numbers: they ask for the ends
    of a reward and for the largest weight that there can be (an estimator's ``clip`` is one; the promise is then of the
    clipped value).

    Attributes:
        method: one of these.
        level: chance with which the interval is meant to hold the value, in (0, 1).
        resamples: how many, for the bootstrap.
        seed: root of its draws; equal seeds compare estimators and policies on the same resamples.
        rewards: least and largest reward that there can be, for the last three.
        largest_weight: largest ``π / p`` that there can be, for the last three, where nothing is clipped.

    Raises:
        ConfigError: for a value out of its range.

    >>> low, high = Interval("normal").ends(Contributions(np.array([0.0, 1.0, 0.0, 1.0])))
    >>> round(low, 3), round(high, 3)
    (-0.066, 1.066)
    """

    method: Method = "bootstrap"
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0
    rewards: tuple[float, float] | None = None
    largest_weight: float | None = None

    def __post_init__(self) -> None:
        known = ("bootstrap", "normal", *PROMISED)
        if self.method not in known:
            raise ConfigError(f"interval.method: got {self.method!r}; wanted {', '.join(known)}")
        if not 0 < self.level < 1:
            raise ConfigError(f"interval.level: got {self.level!r}; wanted a number in (0, 1)")
        if self.resamples < 2:
            raise ConfigError(f"interval.resamples: got {self.resamples!r}; wanted at least 2")
        if self.rewards is not None:
            if len(self.rewards) != 2 or not -math.inf < self.rewards[0] < self.rewards[1] < math.inf:
                raise ConfigError(f"interval.rewards: got {self.rewards!r}; wanted two finite numbers, the least first")
        elif self.promised:
            raise ConfigError(f"interval.rewards: got none; wanted the least and largest reward, for {self.method}")
        if self.largest_weight is not None and not 0 < self.largest_weight < math.inf:
            raise ConfigError(f"interval.largest_weight: got {self.largest_weight!r}; wanted a number above 0, or none")

    @property
    def promised(self) -> bool:
        """Whether the interval keeps its level at any size, and so asks for bounds."""
        return self.method in PROMISED

    def ends(self, parts: Contributions) -> tuple[float, float]:
        """Return low and high end of the interval for an estimate; NaN where it has none.

        Raises:
            EstimateError: a promised interval of an estimate that is no mean, or whose bounds are not known or not
            kept.
        """
        if self.promised:
            return self._promised(parts)
        if self.method == "normal":
            half = NormalDist().inv_cdf((1 + self.level) / 2) * parts.standard_error()
            return parts.value() - half, parts.value() + half
        values = bootstrap(parts, self.resamples, self.seed)
        low, high = np.quantile(values, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)

    def _promised(self, parts: Contributions) -> tuple[float, float]:
        values = parts.of_units()
        if parts.bounds is None:
            raise EstimateError(
                f"interval: got {self.method} for an estimate without bounds; wanted bootstrap or normal"
            )
        low, high = parts.bounds
        slack = 1e-9 * (high - low)
        if values.min() < low - slack or values.max() > high + slack:
            got = f"[{values.min():g}, {values.max():g}]"
            raise EstimateError(
                f"interval: got contributions in {got}; wanted them in [{low:g}, {high:g}], as declared"
            )
        ends = PROMISED[self.method](np.clip((values - low) / (high - low), 0, 1), self.level)
        below, above = (min(max(low + end * (high - low), low), high) for end in ends)
        return below, above


def bootstrap(parts: Contributions, resamples: int, seed: int) -> Float64:
    """Return the estimate on each resample of the units ``(resamples,)``.

    Reward models are not fitted anew: cross-fitted ones make that a matter of second order. More resamples keep those
    that fewer had.
    """
    return parts.resampled(resamples, child_seed(seed, "bootstrap"))
