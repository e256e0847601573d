"""Where to clip, chosen by the data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from onetake.errors import ConfigError
from onetake.estimators.base import AbstractEstimator
from onetake.estimators.contributions import Contributions
from onetake.estimators.ips import IPS
from onetake.estimators.target import TargetPolicy
from onetake.types import Float64, LoggedDecisions


@dataclass(frozen=True)
class Tuned(AbstractEstimator):
    """Another estimator with the clip that SLOPE chooses from a grid.

    Clips are walked from the largest, which has the least bias, to the smallest, which has the least spread. The last
    one is taken whose interval of two half-widths still meets the intervals of all before it: as long as they meet, no
    bias can be seen. Where all of them meet down to the smallest, the log cannot tell them apart, which is flagged.

    Attributes:
        of: the estimator; it must have weights, and no clip of its own.
        grid: clips above 0.

    Choose it when: weights are heavy and no clip suggests itself.   Not when: the log is so small that nothing shows.
    Units: reward units per decision.
    Raises: ConfigError, for an estimator without weights or with a clip, or a grid that is none.
    Source: Su, Srinath, Krishnamurthy, Adaptive estimator selection for off-policy evaluation, 2020, algorithm 1.

    >>> Tuned(grid=(1, 10)).grid
    (10.0, 1.0)
    """

    name: ClassVar[str] = "tuned"
    caveat: ClassVar[str] = "the interval leaves out what clipping took away"

    of: AbstractEstimator = field(default_factory=IPS)
    grid: tuple[float, ...] = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.of.weighted or self.of.clip is not None or self.clip is not None:
            raise ConfigError(f"tuned.of: got {self.of!r}; wanted an estimator with weights and without a clip")
        object.__setattr__(self, "grid", tuple(sorted(map(float, self.grid), reverse=True)))
        if len(self.grid) < 2 or not self.grid[-1] > 0:
            raise ConfigError(f"tuned.grid: got {self.grid}; wanted at least two clips above 0")

    def contributions(self, log: LoggedDecisions, policy: TargetPolicy, weight: Float64) -> Contributions:
        """Return those of the chosen clip."""
        found = [self.of.contributions(log, policy, self.of.cut(weight, clip)) for clip in self.grid]
        chosen = slope(np.array([parts.value() for parts in found]), np.array([p.standard_error() for p in found]))
        clip = self.grid[chosen]
        said = f"clipped at {clip:g}, as the data chose"
        if chosen == len(self.grid) - 1:
            said = f"the log cannot tell the clips apart: {clip:g} is the steadiest"
        return replace(found[chosen], flags=(said,))


def slope(values: Float64, widths: Float64) -> int:
    """Return which of ordered estimates SLOPE takes: the last whose interval meets all before it.

    Args:
        values: estimates, from the least bias to the least spread ``(m,)``.
        widths: half-widths of their intervals ``(m,)``; each interval is ``value ± 2 width``.

    >>> slope(np.array([1.0, 1.1, 3.0]), np.array([0.5, 0.2, 0.1]))
    1
    """
    low, high = values[0] - 2 * widths[0], values[0] + 2 * widths[0]
    chosen = 0
    for place in range(1, len(values)):
        low = max(low, values[place] - 2 * widths[place])
        high = min(high, values[place] + 2 * widths[place])
        if low > high:
            break
        chosen = place
    return chosen
