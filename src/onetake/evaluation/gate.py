"""The gate: does a new agent lose more than a margin of what the incumbent earns?

Per unit of resampling (a replicate; a parameter draw with all its seeds where the environment was fitted) both played
under the same luck. With ``d`` the difference and ``b`` the incumbent's reward of a unit, both summed over the
environments of a suite, the relative difference is ``theta = mean(d) / |mean(b)|``. Its interval holds every ``theta``
that a paired Student test of ``mean(d - theta |b|) = 0`` does not refuse, so that the verdict is the test itself:

    worse      the interval lies below -margin     (a loss above the margin is shown)
    pass       the interval lies above -margin     (a loss above the margin is ruled out)
    undecided  it holds -margin, or there are too few units to have one

Source: Fieller, Some problems in interval estimation, JRSS B 16 (1954); environments are strata, with degrees of
freedom after Welch and Satterthwaite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from onetake.errors import ConfigError, SchemaError
from onetake.evaluation.paired import by_environment
from onetake.evaluation.resampling import by_draw
from onetake.types import Float64

Verdict = Literal["pass", "worse", "undecided"]
EXIT_CODES: Mapping[Verdict, int] = {"pass": 0, "worse": 1, "undecided": 3}
"""What a process that asked the gate ends with; 2 is always bad input."""

# With fewer units a spread is guessed too badly to plan with.
_FEWEST = 4


@dataclass(frozen=True)
class Stratum:
    """What two agents earned in one environment, unit by unit ``(n,)``."""

    new: Float64
    incumbent: Float64


@dataclass(frozen=True)
class Judgement:
    """What the gate says of one suite.

    Attributes:
        verdict: pass, worse or undecided. reason: in one line.
        difference: relative to the incumbent's reward; negative is a loss. low, high: its interval.
        incumbent_reward: mean over units, summed over environments.
        units: number of units of all environments.
        needed: units an environment that would decide, were the difference as it seems; None where that cannot be said.
    """

    verdict: Verdict
    reason: str
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    incumbent_reward: float | None = None
    units: int = 0
    needed: int | None = None


def judge(strata: Sequence[Stratum], *, margin: float, error: float) -> Judgement:
    """Judge a new agent on one suite.

    Args:
        strata: one an environment.
        margin: share of the incumbent's reward that may be lost.
        error: chance of a wrong "worse", and of a wrong "pass"; the interval has the level ``1 - 2 error``.

    Raises:
        ConfigError: a margin outside [0, 1) or an error outside (0, 0.5).

    >>> luck = np.array([1.0, 1.2, 0.9, 1.1, 1.3, 0.8])
    >>> judge([Stratum(luck * 0.95, luck)], margin=0.005, error=0.05).verdict
    'worse'
    >>> judge([Stratum(luck, luck)], margin=0.005, error=0.05).verdict
    'pass'
    """
    if not 0 <= margin < 1:
        raise ConfigError(f"margin: got {margin}; wanted a share in [0, 1)")
    if not 0 < error < 0.5:
        raise ConfigError(f"error: got {error}; wanted a number between 0 and 0.5")
    units = sum(len(stratum.new) for stratum in strata)
    if not strata or min(len(stratum.new) for stratum in strata) < 2:
        return Judgement("undecided", f"got {units} units; wanted at least 2 in every environment", units=units)
    moments = _moments(strata)
    if moments.base == 0:
        return Judgement("undecided", "the incumbent earns 0: a share of it means nothing", units=units)
    if all((stratum.new == stratum.incumbent).all() for stratum in strata):
        return Judgement("pass", "earns what the incumbent earns, unit for unit", 0.0, 0.0, 0.0, moments.base, units)
    return _decided(moments, margin, error, units)


def _decided(moments: _Moments, margin: float, error: float, units: int) -> Judgement:
    low, high = _interval(moments, margin, error)
    difference = moments.difference / moments.size
    found = Judgement("undecided", "", difference, low, high, moments.base, units)
    if not (np.isfinite(low) and np.isfinite(high)):
        return replace(found, reason="too few units: the incumbent's reward cannot be told from 0", low=None, high=None)
    span = f"{difference:+.2%} [{low:+.2%}, {high:+.2%}] of the incumbent's reward"
    if high < -margin:
        return replace(found, verdict="worse", reason=f"loses more than {margin:.2%}: {span}")
    if low > -margin:
        return replace(found, verdict="pass", reason=f"loses no more than {margin:.2%}: {span}")
    needed = _needed(moments, margin, error)
    more = "" if needed is None else f"; about {needed} units an environment would tell"
    why = f"cannot tell whether it loses more than {margin:.2%}: {span}{more}"
    return replace(found, reason=why, needed=needed)


@dataclass(frozen=True)
class _Moments:
    """Sums over environments of means and of variances of means."""

    difference: float
    base: float
    var_d: float
    cov: float
    var_b: float
    parts: tuple[tuple[float, float, float, int], ...]

    @property
    def size(self) -> float:
        return abs(self.base)

    def variance(self, theta: float) -> float:
        """Of the mean of ``d - theta |b|``."""
        return max(0.0, self.var_d - 2 * theta * self.cov + theta * theta * self.var_b)

    def freedom(self, theta: float) -> float:
        """Degrees of freedom of that variance (Welch, Satterthwaite); those of the smallest stratum where it is 0."""
        own = [(max(0.0, d - 2 * theta * c + theta * theta * b), n - 1) for d, c, b, n in self.parts]
        square = sum(v * v / f for v, f in own)
        return sum(v for v, _ in own) ** 2 / square if square > 0 else float(min(f for _, f in own))


def _moments(strata: Sequence[Stratum]) -> _Moments:
    base = float(sum(stratum.incumbent.mean() for stratum in strata))
    sign = 1.0 if base >= 0 else -1.0
    parts = []
    for stratum in strata:
        d, b = stratum.new - stratum.incumbent, sign * stratum.incumbent
        table = np.cov(d, b) / len(d)
        parts.append((float(table[0, 0]), float(table[0, 1]), float(table[1, 1]), len(d)))
    difference = float(sum((stratum.new - stratum.incumbent).mean() for stratum in strata))
    var_d, cov, var_b = (float(sum(part[i] for part in parts)) for i in range(3))
    return _Moments(difference, base, var_d, cov, var_b, tuple(parts))


def _interval(moments: _Moments, margin: float, error: float) -> tuple[float, float]:
    """All theta with ``(D - theta B)^2 <= t^2 var(theta)``; infinite where B is not surely above 0."""
    from scipy.special import stdtrit

    t2 = float(stdtrit(moments.freedom(-margin), 1 - error)) ** 2
    a = moments.size**2 - t2 * moments.var_b
    b = moments.difference * moments.size - t2 * moments.cov
    c = moments.difference**2 - t2 * moments.var_d
    root = b * b - a * c
    if a <= 0 or root < 0:
        # Rounding may take the root of two equal ends a hair below 0.
        return (b / a, b / a) if a > 0 and root > -1e-12 * b * b else (-np.inf, np.inf)
    half = float(np.sqrt(root))
    return (b - half) / a, (b + half) / a


def _needed(moments: _Moments, margin: float, error: float) -> int | None:
    """Units an environment with which a test would decide nine times in ten, were the difference as it seems."""
    from onetake.evaluation.power import needed_units

    gap = abs(moments.difference / moments.size + margin) * moments.size
    units = sum(part[3] for part in moments.parts)
    spread = np.sqrt(moments.variance(-margin) * units / len(moments.parts))
    enough = gap > 0 and spread > 0 and min(part[3] for part in moments.parts) >= _FEWEST
    return needed_units(gap / spread, error=error, power=0.9) if enough else None


def relative_deviation(strata: Sequence[Stratum], margin: float) -> float | None:
    """Return the standard deviation of one unit's loss beyond the margin, as a share of the incumbent's reward.

    With ``n`` units in every environment the mean has this over ``sqrt(n)``. None where there is nothing to tell it
    from: fewer than two units, no reward, or no spread.

    >>> luck = np.array([1.0, 1.2, 0.9, 1.1])
    >>> round(relative_deviation([Stratum(luck + [0.01, -0.01, 0.01, -0.01], luck)], 0.0), 4)
    0.011
    """
    if not strata or min(len(stratum.new) for stratum in strata) < 2:
        return None
    moments = _moments(strata)
    theta = -margin
    spread = sum(n * (d - 2 * theta * c + theta * theta * b) for d, c, b, n in moments.parts)
    return float(np.sqrt(spread)) / moments.size if spread > 0 and moments.size > 0 else None


def strata_of(new: pl.DataFrame, incumbent: pl.DataFrame) -> tuple[list[Stratum], tuple[str, ...]]:
    """Pair the summary rows of two agents of one suite.

    Args:
        new: finished rows of one agent, with the columns of a summary.
        incumbent: of the other.

    Returns:
        Strata in the order of the environments, and the reward each was counted in: ``expected`` reward of what was
        done where the evaluator knows it, else ``realised``.

    Raises:
        SchemaError: they did not play the same replicates of the same environments.
    """
    keys = ["environment", "replicate"]
    own, other = (frame.sort(keys) for frame in (new, incumbent))
    if not own.select(keys).equals(other.select(keys)):
        raise SchemaError("summary: got other replicates or environments than the incumbent played; wanted the same")
    strata, kinds = [], []
    for environment in own["environment"].unique(maintain_order=True):
        parts = [frame.filter(pl.col("environment") == environment) for frame in (own, other)]
        known = all(part["value"].null_count() == 0 for part in parts)
        metric = "value" if known else "realised"
        values = [_units(part, metric) for part in parts]
        strata.append(Stratum(*values))
        kinds.append("expected" if known else "realised")
    return strata, tuple(kinds)


def _units(frame: pl.DataFrame, metric: str) -> Float64:
    found = list(by_environment(frame, metric).values())
    if not found:
        raise SchemaError(f"summary: got no reward in {frame['environment'][0]}; wanted one for every replicate")
    values, units = found[0]
    return by_draw(values, units.draws).mean(axis=1) if units.draws > 1 else values


def overall(judgements: Mapping[str, Judgement]) -> tuple[Verdict, str]:
    """Join the verdicts of several suites: worse if any is, pass if all do; the reason is that of one suite.

    >>> overall({"a": Judgement("pass", "fine"), "b": Judgement("undecided", "too few units")})
    ('undecided', 'b: too few units')
    """
    order: tuple[Verdict, ...] = ("worse", "undecided", "pass")
    verdict = next(each for each in order if any(found.verdict == each for found in judgements.values()))
    named = [suite for suite, found in judgements.items() if found.verdict == verdict]
    # The nearest to a loss speaks for all.
    first = min(named, key=lambda suite: -np.inf if judgements[suite].low is None else judgements[suite].low or 0.0)
    others = [suite for suite in named if suite != first]
    return verdict, f"{first}: {judgements[first].reason}" + (f"; the same in {', '.join(others)}" if others else "")
