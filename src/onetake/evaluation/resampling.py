"""Intervals: the replicate is what is resampled, and a parameter draw goes with all its seeds.

Entities inside a replicate share shocks and learners; treating them as independent would give false certainty. On a
fitted environment the unit is the parameter draw: its seeds are simulated at will, so an interval over seeds alone
says nothing about the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from onetake.errors import ConfigError, ShapeError
from onetake.evaluation.aggregates import Aggregate
from onetake.seeding import child_seed
from onetake.types import Float64, Int64


class Interval(NamedTuple):
    """Ends of an interval; both NaN where there are too few units to have one."""

    low: float
    high: float


@dataclass(frozen=True)
class Units:
    """How the replicates of one environment fall into units of resampling.

    Attributes:
        name: of the environment; its label in the seed.
        draws: number of parameter draws. 1 where the parameters are known.
        seeds: replicates per draw; replicate ``r`` belongs to draw ``r // seeds``.
    """

    name: str
    draws: int
    seeds: int

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return self.draws * self.seeds

    @property
    def count(self) -> int:
        """Number of units: the draws where there are several, else the replicates."""
        return self.draws if self.draws > 1 else self.seeds

    def resample(self, resamples: int, seed: int) -> Int64:
        """Return replicate indices ``(resamples, replicates)``, drawn with replacement unit by unit.

        >>> Units("pricing", draws=2, seeds=2).resample(1, seed=0).shape
        (1, 4)
        """
        rng = np.random.Generator(np.random.Philox(child_seed(seed, "bootstrap", self.name)))
        picks = rng.integers(self.count, size=(resamples, self.count))
        if self.draws == 1:
            return picks
        members = np.arange(self.replicates, dtype=np.int64).reshape(self.draws, self.seeds)
        return members[picks].reshape(resamples, self.replicates)


def t_interval(values: Float64, *, level: float = 0.95, draws: int = 1) -> Interval:
    """Student interval of the mean over units ``(replicates,)``; over the means of draws where there are several.

    >>> low, high = t_interval(np.array([1.0, 2.0, 3.0]), level=0.95)
    >>> round(low, 4), round(high, 4)
    (-0.4841, 4.4841)
    """
    from scipy.special import stdtrit

    _check_level(level)
    units = by_draw(values, draws).mean(axis=1) if draws > 1 else np.asarray(values, dtype=np.float64)
    if len(units) < 2:
        return Interval(float("nan"), float("nan"))
    half = stdtrit(len(units) - 1, 0.5 + level / 2) * units.std(ddof=1) / np.sqrt(len(units))
    centre = units.mean()
    return Interval(float(centre - half), float(centre + half))


def bootstrap(
    strata: Sequence[Float64], units: Sequence[Units], aggregate: Aggregate, *, resamples: int, seed: int
) -> Float64:
    """Aggregate of every stratified resample ``(resamples,)``.

    The same seed and units give the same resamples, whatever the scores: two agents are resampled in pairs.

    Raises:
        ShapeError: an array does not have one score for each replicate.
    """
    drawn = []
    for scores, unit in zip(strata, units, strict=True):
        if scores.shape != (unit.replicates,):
            raise ShapeError(f"scores of {unit.name}: got shape {scores.shape}; wanted ({unit.replicates},)")
        drawn.append(scores[unit.resample(resamples, seed)])
    return aggregate(drawn)


def percentile_interval(resampled: Float64, *, level: float = 0.95, units: Sequence[Units] | None = None) -> Interval:
    """Percentile interval of resampled aggregates; widened for few units where ``units`` are given.

    A plain percentile interval is too narrow for small samples: a resample varies by ``(n - 1) / n`` of what it should,
    and normal quantiles stand where Student's belong. The widened one moves the tails to
    ``Phi(-sqrt(n / (n - 1)) t)`` with ``n`` the fewest units of an environment and ``t`` on all degrees of freedom.

    Source: Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69 (2015), section 3.2;
    over one sample. Differs from it: several samples, by the two numbers above. Without ``units``: rliable's interval.

    >>> percentile_interval(np.arange(101.0), level=0.9)
    Interval(low=5.0, high=95.0)
    """
    from scipy.special import ndtr, stdtrit

    _check_level(level)
    tail = (1 - level) / 2
    if units is not None:
        fewest = min(unit.count for unit in units)
        if fewest < 2:
            return Interval(float("nan"), float("nan"))
        freedom = sum(unit.count - 1 for unit in units)
        tail = float(ndtr(-np.sqrt(fewest / (fewest - 1)) * stdtrit(freedom, 1 - tail)))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(low), float(high))


def widened(resampled: Float64, observed: float, *, units: Sequence[Units], seed: int) -> Float64:
    """Resampled aggregates ``(resamples,)`` with their distances to the observed one stretched.

    Resamples of few units vary too little and never reach what Student's tails would; shares counted in them look surer
    than an interval does. Each resample is stretched by ``sqrt(n / (n - 1))`` and by a draw of
    ``sqrt(freedom / chi-square)``, the same for all who have the same units, so that pairs stay pairs. NaN where an
    environment has one unit only.

    Source: the two corrections of `percentile_interval`, as factors instead of quantiles.

    >>> units = [Units("hats", draws=1, seeds=2)]
    >>> widened(np.array([1.0, 1.0]), 1.0, units=units, seed=0).tolist()
    [1.0, 1.0]
    """
    fewest = min(unit.count for unit in units)
    if fewest < 2:
        return np.full_like(resampled, np.nan)
    freedom = sum(unit.count - 1 for unit in units)
    rng = np.random.Generator(np.random.Philox(child_seed(seed, "bootstrap", "widened")))
    stretch = np.sqrt(fewest / (fewest - 1) * freedom / rng.chisquare(freedom, size=len(resampled)))
    return observed + (resampled - observed) * stretch


class VarianceParts(NamedTuple):
    """Where the spread of a fitted environment's results comes from."""

    draws: float
    seeds: float


def variance_parts(values: Float64, draws: int) -> VarianceParts:
    """Split the variance of one result into a part between parameter draws and a part between seeds.

    The method of moments of the one-way random-effects model: ``seeds`` is the mean square within draws, ``draws`` is
    ``(mean square between - mean square within) / seeds per draw``, cut off at 0. NaN where a part cannot be told.

    >>> variance_parts(np.array([0.0, 0.0, 3.0, 3.0]), draws=2)
    VarianceParts(draws=4.5, seeds=0.0)
    """
    table = by_draw(values, draws)
    per_draw = table.shape[1]
    within = float(table.var(axis=1, ddof=1).mean()) if per_draw > 1 else float("nan")
    if draws < 2:
        return VarianceParts(float("nan"), within)
    between = float(table.mean(axis=1).var(ddof=1))
    if per_draw == 1:
        return VarianceParts(float("nan"), float("nan"))
    return VarianceParts(max(0.0, between - within / per_draw), within)


def by_draw(values: Float64, draws: int) -> Float64:
    """View of values per replicate as ``(draws, seeds)``.

    Raises:
        ShapeError: the replicates do not split evenly.
    """
    values = np.asarray(values, dtype=np.float64)
    if draws < 1 or len(values) % draws:
        raise ShapeError(f"draws: got {draws} for {len(values)} replicates; wanted a divisor")
    return values.reshape(draws, -1)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ConfigError(f"level: got {level}; wanted a number between 0 and 1")
