"""Error spending: how much of one allowed error each look at growing evidence may use.

Who looks at every night, or after every block of replicates, and stops at the first alarm, alarms far more often than
at one look. A spending function says how much of the error may be gone when a share of the evidence is in.

Source: Lan, DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70 (1983); boundaries by the
recursion of Armitage, McPherson, Rowe, Repeated significance tests on accumulating data, JRSS A 132 (1969).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from onetake.errors import ConfigError
from onetake.types import Float64

Spending = Literal["even", "pocock", "obrien_fleming"]
_NODES = 512
_REACH = 8.0


def spent(fraction: float, error: float, kind: Spending = "even") -> float:
    """Return how much of a one-sided ``error`` may be gone once ``fraction`` of the evidence is in.

    ``even`` spends in proportion; ``pocock`` a little more early; ``obrien_fleming`` almost nothing early, so that the
    last look is nearly as sharp as a single one.

    Raises:
        ConfigError: a fraction outside [0, 1], an error outside (0, 1), or an unknown kind.

    >>> spent(0.5, 0.05), round(spent(0.5, 0.05, "obrien_fleming"), 4), spent(1.0, 0.05, "pocock")
    (0.025, 0.0056, 0.05)
    """
    from scipy.special import ndtr, ndtri

    if not 0 <= fraction <= 1:
        raise ConfigError(f"fraction: got {fraction}; wanted a number between 0 and 1")
    if not 0 < error < 1:
        raise ConfigError(f"error: got {error}; wanted a number between 0 and 1")
    if kind not in get_args(Spending):
        raise ConfigError(f"spending: got {kind!r}; wanted {', '.join(get_args(Spending))}")
    if fraction in (0.0, 1.0):
        return error * fraction
    if kind == "even":
        return error * fraction
    if kind == "pocock":
        return float(error * np.log1p((np.e - 1) * fraction))
    return float(2 * ndtr(-ndtri(1 - error / 2) / np.sqrt(fraction)))


def boundaries(fractions: Sequence[float], error: float, kind: Spending = "obrien_fleming") -> list[float]:
    """Return the z-value that an alarm must pass at each look, so that all looks together alarm at ``error``.

    Args:
        fractions: share of the evidence that is in at each look, rising, the last at most 1.
        error: one-sided chance of a false alarm at any of the looks.
        kind: of the spending.

    Returns:
        One number a look; with fewer than about 50 units a look, take Student's quantile at the same level (`levels`).

    Raises:
        ConfigError: fractions that do not rise, or lie outside (0, 1].

    >>> [round(z, 3) for z in boundaries([0.2, 0.4, 0.6, 0.8, 1.0], 0.025)]
    [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    from scipy.special import ndtri

    times = np.asarray(fractions, dtype=np.float64)
    if not len(times) or times[0] <= 0 or times[-1] > 1 or (np.diff(times) <= 0).any():
        raise ConfigError(f"fractions: got {list(fractions)}; wanted rising numbers in (0, 1]")
    gone = [spent(float(t), error, kind) for t in times]
    found = [float(-ndtri(gone[0]))]
    state = _first(times[0], found[0])
    for before, now, increment in zip(times[:-1], times[1:], np.diff(gone), strict=True):
        end = _next(state, now - before, increment, _REACH * np.sqrt(now))
        found.append(float(end / np.sqrt(now)))
        state = _onward(state, before, now, end)
    return found


def levels(fractions: Sequence[float], error: float, kind: Spending = "obrien_fleming") -> list[float]:
    """Return the one-sided level of each look: the tail of its boundary, to be used with Student's quantiles.

    Source: Jennison, Turnbull, Group Sequential Methods, 2000, section 4.4 (the significance level approach).

    >>> [round(level, 4) for level in levels([0.5, 1.0], 0.05, "pocock")]
    [0.031, 0.0297]
    """
    from scipy.special import ndtr

    return [float(ndtr(-z)) for z in boundaries(fractions, error, kind)]


def _first(time: float, bound: float) -> tuple[Float64, Float64]:
    """Nodes below the first boundary and the mass at each, on the scale of a Brownian motion."""
    sd = np.sqrt(time)
    at, weight = _nodes(-_REACH * sd, bound * sd)
    return at, weight * _density(at / sd) / sd


def _next(state: tuple[Float64, Float64], elapsed: float, increment: float, reach: float) -> float:
    from scipy.optimize import brentq
    from scipy.special import ndtr

    at, mass = state
    sd = np.sqrt(elapsed)

    def excess(bound: float) -> float:
        return float(mass @ ndtr((at - bound) / sd)) - increment

    return float(brentq(excess, -reach, reach + 1.0, xtol=1e-10))


def _onward(state: tuple[Float64, Float64], before: float, now: float, end: float) -> tuple[Float64, Float64]:
    at, mass = state
    sd = np.sqrt(now - before)
    nodes, weight = _nodes(-_REACH * np.sqrt(now), end)
    return nodes, weight * (_density((nodes[:, None] - at) / sd) @ mass) / sd


def _nodes(low: float, high: float) -> tuple[Float64, Float64]:
    at, weight = np.polynomial.legendre.leggauss(_NODES)
    half = (high - low) / 2
    return low + half * (at + 1), half * weight


def _density(z: Float64) -> Float64:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
