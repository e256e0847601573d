"""Fit a bandit to a log: the model, every check, and the record that says whether it may be used."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from onetake.calibration.cells import BinaryLog, Cells
from onetake.calibration.differences import Differences, see_differences
from onetake.calibration.holdout import Holdout, holdout
from onetake.calibration.rate_model import AbstractPosterior
from onetake.calibration.replay import Replay, replay
from onetake.calibration.report import OBSERVATIONAL, ArmFit, FitReport, digest
from onetake.calibration.settings import MODELS, FitSettings
from onetake.seeding import child_seed
from onetake.types import Float64


@dataclass(frozen=True)
class BanditFit:
    """A bandit fitted to a log.

    Attributes:
        log: what it was fitted to. settings: how. posterior: what is believed of the rates. report: what was checked.
    """

    log: BinaryLog
    settings: FitSettings
    posterior: AbstractPosterior
    report: FitReport

    def rates(self, part: str, draws: int | None = None) -> Float64:
        """Parameter draws ``(draws, v, k)`` of a part of the suite; parts never share a draw."""
        wanted = self.settings.draws if draws is None else draws
        return self.posterior.draw(wanted, child_seed(self.settings.seed, "parameters", self.log.name, part))


def fit_bandit(log: BinaryLog, settings: FitSettings) -> BanditFit:
    """Fit success rates per segment and arm, and check them.

    A fit that must not be used is returned with ``report.refused`` filled, so that it can be looked at; no suite is
    made of it.

    Raises:
        CalibrationError: too few rows, one action only, or one kind of outcome only: there is nothing to fit.

    >>> from onetake.calibration.planted import planted_log
    >>> fit = fit_bandit(planted_log((0.3, 0.6), rows=800, seed=1)[0], FitSettings(seed=1, report_draws=100))
    >>> [round(arm.rate, 1) for arm in fit.report.arms], fit.report.refused
    ([0.3, 0.6], ())
    """
    log.refuse_unless_fit_for(min_rows=settings.min_rows)
    seed = child_seed(settings.seed, "calibration", log.name)
    model, cells = MODELS[settings.model], log.cells()
    posterior = model.fit(cells)
    rates = posterior.draw(settings.report_draws, child_seed(seed, "report"))
    check = replay(log, rates, seeds=settings.seeds, level=settings.replay_level, seed=child_seed(seed, "replay"))
    score = holdout(
        log,
        model,
        {name: rival for name, rival in MODELS.items() if name != settings.model},
        folds=settings.folds,
        draws=settings.report_draws // 2,
        level=settings.level,
        seed=child_seed(seed, "holdout"),
    )
    differences = see_differences(
        cells,
        permutations=settings.permutations,
        alpha=settings.alpha,
        power=settings.power,
        seed=child_seed(seed, "differences"),
    )
    return BanditFit(log, settings, posterior, _report(log, settings, posterior, rates, check, score, differences))


def population_rates(cells: Cells, rates: Float64) -> Float64:
    """Rates of the logged population ``(draws, k)``: segments weighted by their logged decisions."""
    weight = cells.trials.sum(axis=1) / cells.trials.sum()
    return np.asarray(np.einsum("v,dvk->dk", weight, rates))


def arm_fits(log: BinaryLog, rates: Float64, level: float) -> tuple[ArmFit, ...]:
    """One row an arm, with the central interval over draws."""
    cells = log.cells()
    drawn = population_rates(cells, rates)
    low, high = np.quantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    trials, successes = cells.trials.sum(axis=0), cells.successes.sum(axis=0)
    return tuple(
        ArmFit(
            label=label,
            trials=int(trials[arm]),
            successes=int(successes[arm]),
            logged_rate=float(successes[arm] / max(trials[arm], 1.0)),
            rate=float(drawn[:, arm].mean()),
            low=float(low[arm]),
            high=float(high[arm]),
            scale=float(log.scale[arm]),
            offset=float(log.offset[arm]),
        )
        for arm, label in enumerate(log.action_labels)
    )


def _report(
    log: BinaryLog,
    settings: FitSettings,
    posterior: AbstractPosterior,
    rates: Float64,
    check: Replay,
    score: Holdout,
    differences: Differences,
) -> FitReport:
    """Draw the conclusions."""
    cells, parameters = log.cells(), posterior.parameters()
    identity = digest(
        {
            "trials": cells.trials.tolist(),
            "successes": cells.successes.tolist(),
            "scale": log.scale.tolist(),
            "offset": log.offset.tolist(),
            "assignment": log.assignment,
            "settings": asdict(settings),
            "parameters": parameters,
        }
    )
    trials = cells.trials.sum(axis=0)
    return FitReport(
        id=f"{log.name}-{identity[:12]}",
        hash=identity,
        log=log.name,
        model=settings.model,
        assignment=log.assignment,
        num_rows=len(log.action),
        num_segments=log.num_segments,
        segment=settings.segment,
        arms=arm_fits(log, rates, settings.level),
        logging_policy=tuple((trials / trials.sum()).tolist()),
        parameters=parameters,
        holdout=score,
        replay=check,
        differences=differences,
        level=settings.level,
        draws=settings.draws,
        seeds=settings.seeds,
        marks=(OBSERVATIONAL,) if log.assignment == "observational" else (),
        flags=check.flags + _doubts(score, trials, log),
        refused=check.refused + (() if differences.seen else (f"differences: {differences.verdict}",)),
    )


def _doubts(score: Holdout, trials: Float64, log: BinaryLog) -> tuple[str, ...]:
    """What the held-out score and the counts leave doubtful."""
    flags = tuple(
        f"held-out rows are foretold better by {comparison.rival} "
        f"({-comparison.difference:.2g} ± {comparison.standard_error:.2g} a row)"
        for comparison in score.comparisons
        if comparison.verdict == "worse"
    )
    if abs(score.coverage - score.level) > 3.0 * score.coverage_error:
        flags += (
            f"held-out intervals cover {score.coverage:.3f}; wanted {score.level:g} ± {3 * score.coverage_error:.2g}",
        )
    never = [label for label, number in zip(log.action_labels, trials, strict=True) if number == 0]
    return flags + tuple(f"arm {label} was never played: its rate is the prior's" for label in never)
