"""The scorecard of a suite: who did best, how sure that is, and the curves behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import polars as pl

from onetake.evaluation.aggregates import (
    Aggregate,
    Strata,
    interquartile_mean,
    mean_score,
    median_score,
    optimality_gap,
)
from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.paired import ALL_ENVIRONMENTS, by_environment, paired_differences
from onetake.evaluation.resampling import Units, bootstrap, percentile_interval, widened
from onetake.evaluation.risks import risks
from onetake.evaluation.settings import EvaluationSettings
from onetake.types import Float64

AGGREGATES: Mapping[str, Aggregate] = {
    "iqm": interquartile_mean,
    "mean": mean_score,
    "median": median_score,
    "optimality_gap": optimality_gap,
}

LEADERBOARD_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "agent": pl.String(),
    "rank": pl.Int64(),
    "rank_low": pl.Int64(),
    "rank_high": pl.Int64(),
    "best_share": pl.Float64(),
    "ranked_by": pl.String(),
    "score": pl.Float64(),
    "score_low": pl.Float64(),
    "score_high": pl.Float64(),
    **{name + end: pl.Float64() for name in AGGREGATES for end in ("", "_low", "_high")},
    "regret": pl.Float64(),
    "realised": pl.Float64(),
    "incumbent_difference": pl.Float64(),
    "worse_than_incumbent": pl.Float64(),
    "environments": pl.Int64(),
    "runs": pl.Int64(),
    "status": pl.String(),
}
"""Columns of a leaderboard, best agent first. ``score`` is the aggregate ``ranked_by``; equals share the better rank.
``rank_low, rank_high`` hold the rank in the share ``level`` of paired resamples, widened for few units, and
``best_share`` is how often the agent came first in them. Money (``regret, realised, incumbent_difference``) is the mean
over replicates, summed over environments as it is, so that an environment with much money outweighs the others, which
in the score all weigh the same. ``runs`` counts environment x replicate and ``worse_than_incumbent`` is a share of
them. An agent that supports no environment has no rank."""


def scorecard(
    summary: pl.DataFrame, curves: pl.DataFrame, settings: EvaluationSettings, segments: pl.DataFrame | None = None
) -> dict[str, pl.DataFrame]:
    """Return everything that is reported of one suite.

    Args:
        summary: rows of all agents.
        curves: points of all agents.
        settings: level, resamples, seed and what to rank by.
        segments: reward by segment of all agents; where not given, no harm is told.

    Returns:
        ``leaderboard`` (`LEADERBOARD_SCHEMA`), ``summary`` (`against_incumbent`), ``curves`` (`mean_curves`),
        ``differences`` (`onetake.evaluation.paired`), ``settings`` (one row, for whoever pairs rows), and what
        `onetake.evaluation.risks` adds.
    """
    summary = against_incumbent(summary)
    differences = paired_differences(summary, level=settings.level, resamples=settings.resamples, seed=settings.seed)
    return {
        "leaderboard": leaderboard(summary, settings),
        "summary": summary,
        "curves": mean_curves(curves, level=settings.level),
        "differences": differences,
        "settings": pl.DataFrame([asdict(settings)], schema_overrides={"seed": pl.UInt64()}),
        **risks(summary, curves, segments, settings),
    }


def against_incumbent(summary: pl.DataFrame, played: pl.DataFrame | None = None) -> pl.DataFrame:
    """Set every row against what the incumbent earned in the same replicate, where the incumbent played.

    What a cell knows by itself is what the incumbent would have earned on average had no action changed what came.

    Args:
        summary: rows of any agents.
        played: rows of the incumbent; by default those that are in ``summary``.
    """
    keys = ["suite", "environment", "replicate"]
    rows = summary.filter(pl.col("agent") == INCUMBENT) if played is None else played
    earned = rows.filter(pl.col("status") == "finished").select(*keys, pl.col("value").alias("earned"))
    known = pl.coalesce("earned", "incumbent")
    joined = summary.join(earned, on=keys, how="left", maintain_order="left").with_columns(incumbent=known)
    return joined.drop("earned").with_columns(incumbent_difference=pl.col("value") - pl.col("incumbent"))


def leaderboard(summary: pl.DataFrame, settings: EvaluationSettings) -> pl.DataFrame:
    """Rank the agents of a suite by their scores over replicates and environments; see `LEADERBOARD_SCHEMA`."""
    finished = summary.filter(pl.col("status") == "finished")
    agents = sorted(finished["agent"].unique().to_list())
    resampled: dict[str, Float64] = {}
    rows = []
    for agent in agents:
        own = finished.filter(pl.col("agent") == agent)
        values, units = split(own)
        row = {"suite": own["suite"][0], "agent": agent, "status": _status(summary, agent), **_money(own)}
        row |= {"environments": own["environment"].n_unique(), "runs": len(own)}
        if values:
            for name, aggregate in AGGREGATES.items():
                row |= _with_interval(name, values, units, aggregate, settings)
            row["ranked_by"] = settings.rank_by
            for end in ("", "_low", "_high"):
                row["score" + end] = row[settings.rank_by + end]
            drawn = _resample(values, units, AGGREGATES[settings.rank_by], settings)
            resampled[agent] = widened(drawn, row["score"], units=units, seed=settings.seed)
        rows.append(row)
    ranks = _ranks(resampled, settings.level)
    order = sorted(rows, key=lambda row: (-row.get("score", -np.inf), str(row["agent"])))
    scores = [row["score"] for row in order if row["agent"] in ranks]
    scored = [
        row | {"rank": 1 + sum(score > own for score in scores)} | ranks[row["agent"]]
        for row, own in zip(order, scores, strict=False)
    ]
    unscored = [row for row in order if row["agent"] not in ranks]
    absent = summary.filter(~pl.col("agent").is_in(agents)).unique("agent", maintain_order=True, keep="first")
    refused = absent.select("suite", "agent", "status").to_dicts()
    frame = pl.DataFrame(scored + unscored + refused, schema=LEADERBOARD_SCHEMA)
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def split(own: pl.DataFrame) -> tuple[list[Float64], list[Units]]:
    """Scores of one agent by environment, with their units; environments without a score are left out."""
    parts = by_environment(own.sort("environment", "replicate"), "score")
    return [values for values, _ in parts.values()], [units for _, units in parts.values()]


def mean_curves(curves: pl.DataFrame, *, level: float = 0.95) -> pl.DataFrame:
    """Mean regret of each agent over time, with the Student interval over units.

    Returns:
        Columns suite, environment, agent, step, regret, regret_low, regret_high, and the two costs and realised reward.
        The environment "all environments" is the sum over the others, each standing still after its end; its interval
        adds their variances.
    """
    from scipy.special import stdtrit

    unit = pl.when(pl.col("draws") > 1).then("draw").otherwise("replicate").alias("unit")
    money = ["regret", "cost_of_not_knowing", "cost_of_exploring", "realised"]
    keys = ["suite", "environment", "agent", "step"]
    per_unit = curves.with_columns(unit).group_by(*keys, "unit", maintain_order=True).agg(pl.col(money).mean())
    means = per_unit.group_by(*keys, maintain_order=True).agg(
        pl.col(money).mean(), (pl.col("regret").std(ddof=1) / pl.len().sqrt()).alias("error"), pl.len().alias("units")
    )
    tails = {n: float(stdtrit(n - 1, 0.5 + level / 2)) for n in means["units"].unique().to_list() if n > 1}
    half = means["error"] * means["units"].replace_strict(tails, default=None, return_dtype=pl.Float64)
    means = means.with_columns(half=half)
    if means["environment"].n_unique() > 1:
        sums = [_sum_over_environments(means.filter(pl.col("agent") == agent), money) for agent in _agents(means)]
        means = pl.concat([means.select(*keys, *money, "half"), *sums], how="vertical_relaxed")
    low, high = pl.col("regret") - pl.col("half"), pl.col("regret") + pl.col("half")
    return means.select(*keys, "regret", low.alias("regret_low"), high.alias("regret_high"), *money[1:])


def _sum_over_environments(own: pl.DataFrame, money: Sequence[str]) -> pl.DataFrame:
    steps = own["step"].unique().sort().to_numpy()
    sums = {name: np.zeros(len(steps)) for name in money}
    variance = np.zeros(len(steps))
    for environment in own["environment"].unique(maintain_order=True):
        part = own.filter(pl.col("environment") == environment)
        at = part["step"].to_numpy()
        # Before the first kept point a curve rises from nothing; after its last it stays.
        for name in money:
            sums[name] += np.interp(steps, np.append(0, at), np.append(0.0, part[name].to_numpy()))
        half = part["half"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        variance += np.interp(steps, at, half) ** 2
    frame = pl.DataFrame({"step": steps, **sums, "half": np.sqrt(variance)}).with_columns(pl.col("half").fill_nan(None))
    tag = {"suite": own["suite"][0], "environment": ALL_ENVIRONMENTS, "agent": own["agent"][0]}
    return frame.select(*[pl.lit(value).alias(name) for name, value in tag.items()], "step", *money, "half")


def _agents(frame: pl.DataFrame) -> list[str]:
    return frame["agent"].unique(maintain_order=True).to_list()


def _money(own: pl.DataFrame) -> dict[str, float | None]:
    columns = ["regret", "realised", "incumbent_difference"]
    sums = own.group_by("environment", maintain_order=True).agg(pl.col(columns).mean()).select(pl.col(columns).sum())
    row: dict[str, float | None] = dict(sums.row(0, named=True))
    row["worse_than_incumbent"] = None
    if own["incumbent"].null_count() == len(own):
        row["incumbent_difference"] = None
    else:
        row["worse_than_incumbent"] = own.select((pl.col("incumbent_difference") < 0).mean()).item()
    return row


def _status(summary: pl.DataFrame, agent: str) -> str:
    missing = summary.filter((pl.col("agent") == agent) & (pl.col("status") != "finished"))
    return "finished" if missing.is_empty() else f"without {', '.join(missing['environment'].to_list())}"


def _resample(values: Strata, units: Sequence[Units], aggregate: Aggregate, settings: EvaluationSettings) -> Float64:
    return bootstrap(values, units, aggregate, resamples=settings.resamples, seed=settings.seed)


def _with_interval(
    name: str, values: Strata, units: Sequence[Units], aggregate: Aggregate, settings: EvaluationSettings
) -> dict[str, float]:
    resampled = _resample(values, units, aggregate, settings)
    low, high = percentile_interval(resampled, level=settings.level, units=units)
    return {name: float(aggregate(values)), f"{name}_low": low, f"{name}_high": high}


def _ranks(resampled: Mapping[str, Float64], level: float) -> dict[str, dict[str, float]]:
    """Ranks over paired resamples; equals share the better rank, and first place is split between them."""
    if not resampled:
        return {}
    table = np.stack(list(resampled.values()))
    if np.isnan(table).any():
        return {agent: {} for agent in resampled}
    ranks = 1 + np.stack([(table > own).sum(axis=0) for own in table])
    first = ranks == 1
    shares = (first / first.sum(axis=0)).mean(axis=1)
    low, high = np.quantile(ranks, [(1 - level) / 2, (1 + level) / 2], axis=1, method="inverted_cdf")
    names = ("rank_low", "rank_high", "best_share")
    return {
        agent: dict(zip(names, (int(a), int(b), float(c)), strict=True))
        for agent, a, b, c in zip(resampled, low, high, shares, strict=True)
    }
