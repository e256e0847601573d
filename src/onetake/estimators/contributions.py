"""What each decision, or each episode, adds to an estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from onetake.draws import resampled_totals, total
from onetake.errors import EstimateError
from onetake.types import Float64


@dataclass(frozen=True)
class Contributions:
    """What each of ``n`` units adds: ``value = mean(base) + sum_t [sum_i numerator_it / sum_i denominator_it]``.

    A unit is a decision, or an episode whose ``T`` steps are weighed each by itself.

    Attributes:
        base: a part known without weights ``(n,)``, or None for none.
        numerator: weighted rewards or residuals ``(n,)`` or ``(n, T)``, or None for none.
        denominator: what they are divided by, of the same shape, or None for the number of units.
        bounds: ends of what one unit can add where the estimate is a mean, or None where they are not known.
        flags: what must be said of this estimate.
    """

    base: Float64 | None = None
    numerator: Float64 | None = None
    denominator: Float64 | None = None
    bounds: tuple[float, float] | None = None
    flags: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of units."""
        return len(next(part for part in (self.base, self.numerator) if part is not None))

    @property
    def width(self) -> int:
        """Numbers kept of a unit."""
        return 1 if self.numerator is None or self.numerator.ndim == 1 else self.numerator.shape[1]

    def value(self) -> float:
        """Return the estimate; NaN where a denominator adds up to nothing."""
        value = 0.0
        if self.base is not None:
            value += total(self.base) / self.count
        if self.numerator is not None:
            whole = np.asarray(self.count if self.denominator is None else total(self.denominator, axis=0))
            found = np.asarray(total(self.numerator, axis=0))
            value += float(total(np.atleast_1d(found / whole))) if _all(whole) else math.nan
        return value

    def of_units(self) -> Float64:
        """Return what each unit adds where the estimate is their mean ``(n,)``.

        Raises:
            EstimateError: where it is a ratio.
        """
        if self.denominator is not None:
            raise EstimateError(
                "interval: got a ratio of sums; wanted an estimate that is a mean (use bootstrap or normal)"
            )
        values = np.zeros(self.count) if self.base is None else self.base.copy()
        if self.numerator is not None:
            values += self.numerator if self.numerator.ndim == 1 else total(self.numerator, axis=1)
        return values

    def standard_error(self) -> float:
        """Return the standard error by linearisation (exact for a mean, the delta method for a ratio)."""
        count = self.count
        influence = np.zeros(count)
        if self.base is not None:
            influence += self.base - total(self.base) / count
        if self.numerator is not None:
            divisor = np.ones_like(self.numerator) if self.denominator is None else self.denominator
            whole = np.asarray(total(divisor, axis=0))
            if not _all(whole):
                return math.nan
            ratio = np.asarray(total(self.numerator, axis=0)) / whole
            moved = (self.numerator - ratio * divisor) * (count / whole)
            influence += moved if moved.ndim == 1 else total(np.ascontiguousarray(moved), axis=1)
        return math.sqrt(total(influence**2) / (count - 1) / count) if count > 1 else math.nan

    def resampled(self, resamples: int, seed: int) -> Float64:
        """Return the estimate on each of ``resamples`` resamples of the units, ``(resamples,)``."""
        parts = [part for part in (self.base, self.numerator, self.denominator) if part is not None]
        sums = resampled_totals(np.column_stack(parts), resamples, seed)
        values = np.zeros(resamples)
        if self.base is not None:
            values += sums[:, 0] / self.count
            sums = sums[:, 1:]
        if self.numerator is not None:
            found, whole = sums[:, : self.width], sums[:, self.width :]
            if self.denominator is None:
                return np.asarray(values + total(found, axis=1) / self.count, np.float64)
            # A resample that drew no unit with weight says nothing of the ratio; it counts as the estimate itself.
            known = (whole > 0).all(axis=1)
            ratio = np.asarray(total(found / np.where(whole > 0, whole, 1), axis=1))
            values = np.where(known, values + ratio, self.value())
        return values


def _all(whole: Float64) -> bool:
    return bool((whole > 0).all())
