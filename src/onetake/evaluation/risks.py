"""What a scorecard says beside the ranking: verdicts, tail risk, harm, parameter draws, profiles, improvement."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl

from onetake.errors import SchemaError
from onetake.evaluation.aggregates import mean_score, performance_profile, probability_of_improvement
from onetake.evaluation.gate import Judgement, judge, strata_of
from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.paired import by_environment
from onetake.evaluation.parameter_draws import parameter_draws
from onetake.evaluation.resampling import Units, bootstrap, percentile_interval
from onetake.evaluation.segments import SEGMENTS_SCHEMA, harm
from onetake.evaluation.settings import EvaluationSettings
from onetake.evaluation.tail_risk import tail_risk
from onetake.types import Float64

THRESHOLDS = np.linspace(0.0, 1.0, 21)

VERDICTS_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "agent": pl.String(),
    "verdict": pl.String(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "units": pl.Int64(),
    "needed": pl.Int64(),
    "reason": pl.String(),
}
"""Columns of verdicts: of the gate at one look, against the incumbent that the suite names (docs/gate.md)."""

PROFILES_SCHEMA: dict[str, pl.DataType] = {
    **{"suite": pl.String(), "agent": pl.String(), "threshold": pl.Float64()},
    **{name: pl.Float64() for name in ("share", "share_low", "share_high")},
}
"""Columns of performance profiles: share of runs with a score above a threshold, with its interval."""

IMPROVEMENT_SCHEMA: dict[str, pl.DataType] = {
    **{"suite": pl.String(), "agent": pl.String(), "opponent": pl.String()},
    **{name: pl.Float64() for name in ("chance", "chance_low", "chance_high")},
}
"""Columns of the probability of improvement: that a run of the agent beats a run of the opponent, luck apart."""


def risks(
    summary: pl.DataFrame, curves: pl.DataFrame, segments: pl.DataFrame | None, settings: EvaluationSettings
) -> dict[str, pl.DataFrame]:
    """Return the frames ``verdicts, tail_risk, harm, parameter_draws, profiles`` and ``improvement`` of a suite."""
    profiles, improvement = _as_rliable(summary, settings)
    return {
        "verdicts": verdicts(summary, settings),
        "tail_risk": tail_risk(summary, curves, level=settings.level),
        "harm": harm(pl.DataFrame(schema=SEGMENTS_SCHEMA) if segments is None else segments, level=settings.level),
        "parameter_draws": parameter_draws(summary),
        "profiles": profiles,
        "improvement": improvement,
    }


def verdicts(summary: pl.DataFrame, settings: EvaluationSettings) -> pl.DataFrame:
    """Return what the gate says of every agent, looked at once, against the incumbent that the suite names."""
    finished = summary.filter(pl.col("status") == "finished")
    incumbent = finished.filter(pl.col("agent") == INCUMBENT)
    rows = []
    for agent in sorted(set(finished["agent"].to_list()) - {INCUMBENT}):
        found = Judgement("undecided", "the suite names no incumbent")
        if not incumbent.is_empty():
            found = _judged(finished.filter(pl.col("agent") == agent), incumbent, settings)
        names = ("verdict", "difference", "low", "high", "units", "needed", "reason")
        row: dict[str, object] = {name: getattr(found, name) for name in names}
        rows.append({"suite": finished["suite"][0], "agent": agent} | row)
    return pl.DataFrame(rows, schema=VERDICTS_SCHEMA)


def _judged(own: pl.DataFrame, incumbent: pl.DataFrame, settings: EvaluationSettings) -> Judgement:
    # Where only some environments have an incumbent, those are judged.
    shared = incumbent["environment"].unique().implode()
    try:
        strata, _ = strata_of(own.filter(pl.col("environment").is_in(shared)), incumbent)
    except SchemaError as refusal:
        return Judgement("undecided", str(refusal))
    return judge(strata, margin=settings.margin, error=(1 - settings.level) / 2)


def _as_rliable(summary: pl.DataFrame, settings: EvaluationSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    finished = summary.filter(pl.col("status") == "finished").sort("environment", "replicate")
    suite = None if finished.is_empty() else finished["suite"][0]
    scores = {
        agent: by_environment(finished.filter(pl.col("agent") == agent), "score")
        for agent in sorted(set(finished["agent"].to_list()))
    }
    scores = {agent: parts for agent, parts in scores.items() if parts}
    profiles = [_profile(suite, agent, parts, settings) for agent, parts in scores.items()]
    chances = [
        {"suite": suite, "agent": agent, "opponent": opponent} | _chance(scores[agent], scores[opponent], settings)
        for agent, opponent in permutations(scores, 2)
        if scores[agent].keys() == scores[opponent].keys()
    ]
    joined = pl.concat(profiles) if profiles else pl.DataFrame(schema=PROFILES_SCHEMA)
    improvement = pl.DataFrame(chances, schema=IMPROVEMENT_SCHEMA).with_columns(pl.selectors.float().fill_nan(None))
    return joined.with_columns(pl.selectors.float().fill_nan(None)), improvement


Parts = dict[str, tuple[Float64, Units]]


def _profile(suite: str | None, agent: str, parts: Parts, settings: EvaluationSettings) -> pl.DataFrame:
    values, units = _split(parts)
    shares = performance_profile(values, THRESHOLDS)
    resamples = min(settings.resamples, 500)
    # One threshold at a time: all resamples of all thresholds at once would need far more room than they are worth.
    ends = []
    for threshold in THRESHOLDS:
        above = [(stratum > threshold).astype(np.float64) for stratum in values]
        drawn = bootstrap(above, units, mean_score, resamples=resamples, seed=settings.seed)
        ends.append(percentile_interval(drawn, level=settings.level, units=units))
    columns = {"share": shares, "share_low": [end.low for end in ends], "share_high": [end.high for end in ends]}
    count = len(THRESHOLDS)
    named = {"suite": [suite] * count, "agent": [agent] * count, "threshold": THRESHOLDS}
    return pl.DataFrame({**named, **columns}, schema=PROFILES_SCHEMA)


def _chance(own: Parts, other: Parts, settings: EvaluationSettings) -> dict[str, float]:
    first, units = _split(own)
    second, _ = _split(other)
    resamples = min(settings.resamples, 500)
    drawn = []
    for values, each in ((first, "own"), (second, "other")):
        # Runs of the two are drawn apart, as in rliable.
        renamed = [Units(f"{unit.name}, {each}", unit.draws, unit.seeds) for unit in units]
        picks = [unit.resample(resamples, settings.seed) for unit in renamed]
        drawn.append([stratum[pick] for stratum, pick in zip(values, picks, strict=True)])
    resampled = probability_of_improvement(drawn[0], drawn[1])
    low, high = percentile_interval(resampled, level=settings.level)
    return {"chance": float(probability_of_improvement(first, second)), "chance_low": low, "chance_high": high}


def _split(parts: Parts) -> tuple[list[Float64], list[Units]]:
    return [values for values, _ in parts.values()], [units for _, units in parts.values()]
