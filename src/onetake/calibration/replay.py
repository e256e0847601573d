"""The replay check: let the logging policy act again in the fitted environment, and see whether its totals come back.

Every logged decision is repeated with its segment and arm; outcomes are drawn anew for parameter draws × seeds. The
logged totals (reward, successes, successes of each arm, and the change from the first half of the log to the second)
must lie within the central interval of the simulated ones, else the fit is refused. The change is what betrays a world
that moved while the log was written. Cells that scatter more than simulated ones are flagged: totals are right then,
and the structure is not (each draw's own X² is compared with that of its simulations: Gelman, Meng & Stern, 1996). None
of this can see confounding: a log in which the arm followed the demand passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.calibration.cells import BinaryLog
from onetake.draws import Draws
from onetake.errors import ConfigError, ShapeError
from onetake.types import Float64


@dataclass(frozen=True)
class ReplayPart:
    """One logged total beside the interval of the simulated ones."""

    what: str
    logged: float
    simulated: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the logged total lies within the interval."""
        return self.low <= self.logged <= self.high


@dataclass(frozen=True)
class Replay:
    """The replay check of a fit.

    Attributes:
        parts: totals that must lie inside. scatter: Pearson's X² over segment × arm, flagged where it is too large;
            the logged value is the mean over draws, and the interval is that of (simulated − logged) added to it.
        level: of the intervals. simulations: parameter draws × seeds.
    """

    parts: tuple[ReplayPart, ...]
    scatter: ReplayPart
    level: float
    simulations: int

    @property
    def refused(self) -> tuple[str, ...]:
        """Why the fit must not be used; empty where every total is inside."""
        return tuple(
            f"replay.{part.what}: got {part.logged:.6g} in the log; "
            f"wanted {part.low:.6g} to {part.high:.6g}, as simulated under the logging policy"
            for part in self.parts
            if not part.inside
        )

    @property
    def flags(self) -> tuple[str, ...]:
        """Reasons for doubt that do not refuse."""
        if self.scatter.logged <= self.scatter.high:
            return ()
        return (
            "cells scatter more than the model says "
            f"(X² {self.scatter.logged:.4g}; simulated {self.scatter.low:.4g} to {self.scatter.high:.4g})",
        )


def _part(what: str, logged: float, simulated: Float64, level: float) -> ReplayPart:
    low, high = np.quantile(simulated, [(1.0 - level) / 2.0, (1.0 + level) / 2.0]).tolist()
    # Sums of money differ in their last digits with the order of adding.
    slack = 1e-9 * (1.0 + abs(logged))
    return ReplayPart(what, logged, float(simulated.mean()), low - slack, high + slack)


def replay(log: BinaryLog, rates: Float64, *, seeds: int, level: float, seed: int) -> Replay:
    """Simulate the logged decisions under ``rates (draws, v, k)``, ``seeds`` times for each draw.

    Raises:
        ShapeError: rates of another shape than the log's segments and arms.
        ConfigError: level outside (0, 1) or no seeds.
    """
    if rates.ndim != 3 or rates.shape[1:] != (log.num_segments, log.num_actions):
        raise ShapeError(f"rates: got shape {rates.shape}; wanted (draws, {log.num_segments}, {log.num_actions})")
    if not 0.0 < level < 1.0:
        raise ConfigError(f"level: got {level}; wanted between 0 and 1")
    if seeds < 1:
        raise ConfigError(f"seeds: got {seeds}; wanted at least 1")
    half = np.arange(len(log.action)) < len(log.action) // 2
    early, late = log.cells(np.flatnonzero(half)), log.cells(np.flatnonzero(~half))
    trials = np.stack([early.trials, late.trials]).reshape(-1)
    logged = np.stack([early.successes, late.successes]).reshape(1, -1)
    used = np.flatnonzero(trials > 0)
    chance = np.repeat(rates.reshape(len(rates), -1), seeds, axis=0)
    chance = np.concatenate([chance, chance], axis=1)[:, used]
    simulations = len(chance)
    drawn = Draws(seed, entities=len(used), replicates=simulations).binomial(
        np.tile(trials[used].astype(np.int64), simulations), chance.ravel(), 0
    )
    again = np.zeros((simulations, len(trials)))
    again[:, used] = drawn.reshape(simulations, -1)
    shape = (2, log.num_segments, log.num_actions)
    halves = again.reshape(-1, *shape)
    parts = _totals(log, trials.reshape(shape), logged.reshape(1, *shape), halves, level)
    scatter = _scatter(
        np.repeat(rates.reshape(len(rates), -1), seeds, axis=0),
        trials.reshape(2, -1).sum(axis=0),
        logged.reshape(2, -1).sum(axis=0)[None],
        halves.reshape(simulations, 2, -1).sum(axis=1),
        level,
    )
    return Replay(parts, scatter, level, simulations)


def _totals(log: BinaryLog, trials: Float64, logged: Float64, again: Float64, level: float) -> tuple[ReplayPart, ...]:
    """The totals that must come back; tables are ``(simulations, 2 halves, v, k)``."""
    cost = float((trials.sum(axis=(0, 1)) * log.offset).sum())
    parts = [
        _part(
            "reward",
            cost + float(logged.sum(axis=(0, 1, 2)) @ log.scale),
            cost + again.sum(axis=(1, 2)) @ log.scale,
            level,
        ),
        _part("successes", float(logged.sum()), again.sum(axis=(1, 2, 3)), level),
    ]
    for arm, label in enumerate(log.action_labels):
        if trials[:, :, arm].any():
            parts.append(
                _part(f"successes.{label}", float(logged[..., arm].sum()), again[..., arm].sum(axis=(1, 2)), level)
            )
    before, after = logged.sum(axis=(2, 3)).T
    simulated = again.sum(axis=(2, 3))
    parts.append(_part("change", float((after - before)[0]), simulated[:, 1] - simulated[:, 0], level))
    return tuple(parts)


def _scatter(rates: Float64, trials: Float64, logged: Float64, again: Float64, level: float) -> ReplayPart:
    """Compare the log's X² with each simulation's, both against that simulation's rates ``(simulations, cells)``."""
    played = trials > 0
    mean = trials[played] * rates[:, played]
    spread = mean * (1.0 - rates[:, played])
    ours, theirs = (np.sum((table[:, played] - mean) ** 2 / spread, axis=1) for table in (logged, again))
    return _part("scatter", float(ours.mean()), theirs - ours + ours.mean(), level)
