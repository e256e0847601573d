"""Intervals for a mean plus a ratio of sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from onetake.draws import Draws, total
from onetake.errors import ConfigError
from onetake.seeding import child_seed
from onetake.types import Float64, Int64

# Resamples worked on at once: about 16 MB of indices.
_CELLS = 2_000_000


@dataclass(frozen=True)
class Contributions:
    """What each decision adds to an estimate: ``value = mean(base) + sum(numerator) / sum(denominator)``.

    Attributes:
        base: a part known without weights ``(n,)``, or None for none.
        numerator: weighted rewards or residuals ``(n,)``, or None for none.
        denominator: what they are divided by ``(n,)``, or None for the number of decisions.
    """

    base: Float64 | None = None
    numerator: Float64 | None = None
    denominator: Float64 | None = None

    def value(self) -> float:
        """Return the estimate; NaN where the denominator adds up to nothing."""
        value = 0.0
        if self.base is not None:
            value += total(self.base) / len(self.base)
        if self.numerator is not None:
            whole = len(self.numerator) if self.denominator is None else total(self.denominator)
            value += total(self.numerator) / whole if whole > 0 else math.nan
        return value

    def standard_error(self) -> float:
        """Return the standard error by linearisation (exact for a mean, the delta method for a ratio)."""
        arrays = [part for part in (self.base, self.numerator) if part is not None]
        count = len(arrays[0])
        influence = np.zeros(count)
        if self.base is not None:
            influence += self.base - total(self.base) / count
        if self.numerator is not None:
            divisor = np.ones(count) if self.denominator is None else self.denominator
            whole = total(divisor)
            if whole <= 0:
                return math.nan
            influence += (self.numerator - total(self.numerator) / whole * divisor) * (count / whole)
        return math.sqrt(total(influence**2) / (count - 1) / count) if count > 1 else math.nan

    def resampled(self, index: Int64) -> Float64:
        """Return the estimate on each resample: ``index`` ``(m, n)`` names its decisions."""
        count = index.shape[1]
        values = np.zeros(len(index))
        if self.base is not None:
            values += total(self.base[index], axis=1) / count
        if self.numerator is not None:
            whole = (
                np.full(len(index), float(count))
                if self.denominator is None
                else total(self.denominator[index], axis=1)
            )
            # A resample that drew no decision with weight says nothing of the ratio; it counts as the estimate itself.
            known = whole > 0
            ratio = total(self.numerator[index], axis=1) / np.where(known, whole, 1)
            values = np.where(known, values + ratio, self.value())
        return values


@dataclass(frozen=True)
class Interval:
    """How the ends of an interval are found.

    Attributes:
        method: ``bootstrap`` resamples decisions and takes percentiles; ``normal`` takes the standard error.
        level: chance with which the interval is meant to hold the value, in (0, 1).
        resamples: how many, for the bootstrap.
        seed: root of its draws; equal seeds compare estimators and policies on the same resamples.

    Raises:
        ConfigError: for a value out of its range.

    >>> low, high = Interval("normal").ends(Contributions(np.array([0.0, 1.0, 0.0, 1.0])))
    >>> round(low, 3), round(high, 3)
    (-0.066, 1.066)
    """

    method: Literal["bootstrap", "normal"] = "bootstrap"
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in ("bootstrap", "normal"):
            raise ConfigError(f"interval.method: got {self.method!r}; wanted bootstrap or normal")
        if not 0 < self.level < 1:
            raise ConfigError(f"interval.level: got {self.level!r}; wanted a number in (0, 1)")
        if self.resamples < 2:
            raise ConfigError(f"interval.resamples: got {self.resamples!r}; wanted at least 2")

    def ends(self, parts: Contributions) -> tuple[float, float]:
        """Return low and high end of the interval for an estimate; NaN where it has none."""
        if self.method == "normal":
            half = NormalDist().inv_cdf((1 + self.level) / 2) * parts.standard_error()
            return parts.value() - half, parts.value() + half
        values = bootstrap(parts, self.resamples, self.seed)
        low, high = np.quantile(values, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)


def bootstrap(parts: Contributions, resamples: int, seed: int) -> Float64:
    """Return the estimate on each resample of the decisions ``(resamples,)``.

    Reward models are not fitted anew: cross-fitted ones make that a matter of second order.
    Resample r is replicate r and its i-th decision entity i of `Draws` under ``child_seed(seed, "bootstrap")``, so more
    resamples keep those that fewer had.
    """
    count = len(next(part for part in (parts.base, parts.numerator) if part is not None))
    block, root = max(1, _CELLS // count), child_seed(seed, "bootstrap")
    values = np.empty(resamples)
    for start in range(0, resamples, block):
        stop = min(start + block, resamples)
        draws = Draws(root, entities=count, first_replicate=start, replicates=stop - start)
        index = (draws.uniform(0) * count).astype(np.int64).reshape(stop - start, count)
        values[start:stop] = parts.resampled(index)
    return values
