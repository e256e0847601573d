"""How many replicates a margin needs, before they are simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.errors import ConfigError

MOST = 10_000_000


def power_of(effect: float, units: int, *, error: float = 0.05) -> float:
    """Chance that a one-sided paired Student test on ``units`` finds an effect.

    Args:
        effect: mean difference beyond the margin, in standard deviations of the difference of one unit.
        units: replicates, or parameter draws of a fitted environment.
        error: one-sided chance of a false alarm.

    Source: the noncentral t distribution; Johnson, Welch, Applications of the non-central t-distribution, 1940.

    >>> round(power_of(0.5, 27), 3)
    0.812
    """
    from scipy.special import nctdtr, stdtrit

    if units < 2:
        return 0.0
    return float(1 - nctdtr(units - 1, abs(effect) * np.sqrt(units), stdtrit(units - 1, 1 - error)))


def needed_units(effect: float, *, error: float = 0.05, power: float = 0.9) -> int | None:
    """Return the fewest units with which such a test has that power; None above ten million.

    Raises:
        ConfigError: no effect, or a chance outside (0, 1).

    >>> needed_units(0.5, error=0.05, power=0.8)
    27
    """
    for name, value in (("error", error), ("power", power)):
        if not 0 < value < 1:
            raise ConfigError(f"{name}: got {value}; wanted a number between 0 and 1")
    if not np.isfinite(effect) or effect == 0:
        raise ConfigError(f"effect: got {effect}; wanted a number other than 0")
    low, high = 1, 2
    while power_of(effect, high, error=error) < power:
        low, high = high, 2 * high
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(effect, middle, error=error) >= power else (middle, high)
    return high


@dataclass(frozen=True)
class Plan:
    """Units that a gate needs.

    Attributes:
        loss: share of the incumbent's reward that is to be caught. margin: share that may be lost.
        deviation: standard deviation of the relative difference of one unit.
        units: how many. power: what they reach.
    """

    loss: float
    margin: float
    deviation: float
    units: int | None
    power: float


def plan(deviation: float, *, loss: float, margin: float, error: float, power: float = 0.9) -> Plan:
    """Return how many units catch a ``loss`` beyond ``margin``, and let an equal agent pass, with that power.

    Both must be told: a loss as "worse" (``loss - margin`` away from the margin) and equality as "pass" (``margin``
    away); the smaller distance decides where ``margin`` is above 0.

    Raises:
        ConfigError: a loss that is not above the margin, or a deviation that is not above 0.

    >>> plan(0.01, loss=0.02, margin=0.005, error=0.05).units
    36
    """
    if not loss > margin >= 0:
        raise ConfigError(f"loss: got {loss}; wanted more than the margin {margin}")
    if not (np.isfinite(deviation) and deviation > 0):
        raise ConfigError(f"deviation: got {deviation}; wanted a number above 0")
    distance = min(loss - margin, margin) if margin > 0 else loss - margin
    units = needed_units(distance / deviation, error=error, power=power)
    reached = 0.0 if units is None else power_of(distance / deviation, units, error=error)
    return Plan(loss, margin, deviation, units, reached)
