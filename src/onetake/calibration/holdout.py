"""What is held out: does the model foretell rows that it has not seen, better than naive rates do?

Rows are cut into folds within each segment. On each fold the model is fitted to the rest; a held-out row scores
``log p`` of what happened, with ``p`` the mean rate over draws. Differences are paired row by row; their standard error
takes a segment's rows as one observation where there are ten segments or more (rows of a village share its luck).
The interval check counts how often the held-out successes of a cell fall inside the central predictive interval, with
the randomised probability transform that makes a discrete count comparable to the nominal level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from onetake.calibration.cells import BinaryLog, Cells
from onetake.calibration.rate_model import AbstractRateModel
from onetake.draws import Draws
from onetake.errors import ConfigError
from onetake.seeding import child_seed
from onetake.types import Float64, Int64

Verdict = Literal["better", "worse", "cannot tell"]
#: Fewer segments than this are too few to be the unit of a standard error.
FEWEST_CLUSTERS = 10


@dataclass(frozen=True)
class Comparison:
    """The model against a rival on held-out rows: mean difference of log-likelihood a row, and its standard error."""

    rival: str
    rival_log_likelihood: float
    difference: float
    standard_error: float
    verdict: Verdict


@dataclass(frozen=True)
class Holdout:
    """Held-out score of a model.

    Attributes:
        log_likelihood: mean a row. comparisons: against each rival. coverage: share of held-out cells inside their
            predictive interval at ``level``; coverage_error: its binomial standard error; num_cells: how many cells.
    """

    log_likelihood: float
    comparisons: tuple[Comparison, ...]
    coverage: float
    coverage_error: float
    num_cells: int
    level: float
    folds: int

    def against(self, rival: str) -> Comparison:
        """The comparison with ``rival``."""
        return next(comparison for comparison in self.comparisons if comparison.rival == rival)


def _shrunk(successes: Float64, trials: Float64) -> Float64:
    """Rates that are never 0 or 1 (Jeffreys)."""
    return np.asarray((successes + 0.5) / (trials + 1.0))


def naive_rates(cells: Cells) -> dict[str, Float64]:
    """Rates ``(v, k)`` of the three naive models: one rate for all, arm means only, segment means only."""
    shape = cells.trials.shape
    return {
        "one rate": np.broadcast_to(_shrunk(cells.successes.sum(), cells.trials.sum()), shape),
        "arm means": np.broadcast_to(_shrunk(cells.successes.sum(axis=0), cells.trials.sum(axis=0)), shape),
        "segment means": np.broadcast_to(
            _shrunk(cells.successes.sum(axis=1), cells.trials.sum(axis=1))[:, None], shape
        ),
    }


def assign_folds(segment: Int64, folds: int, seed: int) -> Int64:
    """Fold of each row ``(n,)``: random, and even within each segment.

    >>> np.bincount(assign_folds(np.zeros(9, dtype=np.int64), 3, seed=1)).tolist()
    [3, 3, 3]
    """
    luck = Draws(child_seed(seed, "folds"), entities=len(segment)).uniform(0)
    fold = np.empty(len(segment), dtype=np.int64)
    fold[np.lexsort((luck, segment))] = np.arange(len(segment)) % folds
    return fold


def _row_scores(log: BinaryLog, rates: Float64, rows: Int64) -> Float64:
    """Log-likelihood of ``rows`` under a table of rates."""
    rate = rates[log.segment[rows], log.action[rows]]
    return np.asarray(np.log(np.where(log.success[rows] == 1.0, rate, 1.0 - rate)))


def _inside(held: Cells, rates: Float64, level: float, seed: int) -> Float64:
    """Whether each held-out cell lies in its central predictive interval: 0 or 1 for each cell that has rows."""
    from scipy.stats import binom

    cells = np.flatnonzero(held.trials.ravel() > 0)
    trials, successes = held.trials.ravel()[cells], held.successes.ravel()[cells]
    drawn = rates.reshape(len(rates), -1)[:, cells]
    under = np.asarray(binom.cdf(successes - 1.0, trials, drawn)).mean(axis=0)
    at = np.asarray(binom.pmf(successes, trials, drawn)).mean(axis=0)
    place = under + Draws(seed, entities=len(cells)).uniform(0) * at
    return np.asarray((np.abs(place - 0.5) <= level / 2.0).astype(np.float64))


def paired_difference(ours: Float64, theirs: Float64, segment: Int64) -> tuple[float, float]:
    """Mean of ``ours − theirs`` a row and its standard error, clustered by segment where there are enough.

    >>> paired_difference(np.zeros(4), np.array([1.0, 1.0, 1.0, 1.0]), np.zeros(4, dtype=np.int64))
    (-1.0, 0.0)
    """
    difference = ours - theirs
    mean = float(difference.mean())
    residual = difference - mean
    seen = np.unique(segment)
    if len(seen) >= FEWEST_CLUSTERS:
        residual = np.asarray(np.bincount(segment, weights=residual), dtype=np.float64)[seen]
    units = len(residual)
    return mean, float(np.sqrt(units / (units - 1.0) * np.sum(residual**2)) / len(difference))


def holdout(
    log: BinaryLog,
    model: AbstractRateModel,
    rivals: dict[str, AbstractRateModel],
    *,
    folds: int,
    draws: int,
    level: float,
    seed: int,
) -> Holdout:
    """Cross-validate ``model`` against naive rates and ``rivals``.

    Raises:
        ConfigError: fewer than two folds, or more than rows.
    """
    if not 2 <= folds <= len(log.action):
        raise ConfigError(f"folds: got {folds} for {len(log.action)} rows; wanted at least 2 and at most one a row")
    fold = assign_folds(log.segment, folds, seed)
    everything = log.cells()
    ours = np.empty(len(log.action))
    theirs = {name: np.empty(len(log.action)) for name in (*naive_rates(everything), *rivals)}
    inside: list[Float64] = []
    for part in range(folds):
        rows = np.flatnonzero(fold == part)
        held = log.cells(rows)
        rest = everything.without(held)
        part_seed = child_seed(seed, "fold", part)
        rates = model.fit(rest).draw(draws, part_seed)
        ours[rows] = _row_scores(log, rates.mean(axis=0), rows)
        inside.append(_inside(held, rates, level, child_seed(part_seed, "place")))
        for name, naive in naive_rates(rest).items():
            theirs[name][rows] = _row_scores(log, naive, rows)
        for name, rival in rivals.items():
            theirs[name][rows] = _row_scores(log, rival.fit(rest).draw(draws, part_seed).mean(axis=0), rows)
    hits = np.concatenate(inside)
    return Holdout(
        log_likelihood=float(ours.mean()),
        comparisons=tuple(_compare(name, ours, scores, log.segment) for name, scores in theirs.items()),
        coverage=float(hits.mean()),
        coverage_error=float(np.sqrt(level * (1.0 - level) / len(hits))),
        num_cells=len(hits),
        level=level,
        folds=folds,
    )


def _compare(rival: str, ours: Float64, theirs: Float64, segment: Int64) -> Comparison:
    """Say better or worse only beyond two standard errors."""
    difference, error = paired_difference(ours, theirs, segment)
    verdict: Verdict = "cannot tell"
    if abs(difference) > 2.0 * error:
        verdict = "better" if difference > 0 else "worse"
    return Comparison(rival, float(theirs.mean()), difference, error, verdict)
