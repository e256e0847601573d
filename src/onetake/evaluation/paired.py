"""Agents compared in pairs: the same luck for both, the replicate as the unit.

Every agent meets replicate ``r`` of an environment with the same luck, so what counts is the difference in each
replicate. On a fitted environment a replicate is a parameter draw and a seed; the unit is the draw then, both parts of
the variance are shown, and so is how often the winner changes from draw to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from onetake.errors import SchemaError
from onetake.evaluation.aggregates import Strata, mean_score
from onetake.evaluation.resampling import Units, bootstrap, by_draw, percentile_interval, t_interval, variance_parts
from onetake.types import Float64

ALL_ENVIRONMENTS = "all environments"

DIFFERENCES_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "metric": pl.String(),
    "agent": pl.String(),
    "opponent": pl.String(),
    "replicates": pl.Int64(),
    "draws": pl.Int64(),
    "level": pl.Float64(),
    "difference": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "bootstrap_low": pl.Float64(),
    "bootstrap_high": pl.Float64(),
    "wins": pl.Float64(),
    "p_value": pl.Float64(),
    "p_adjusted": pl.Float64(),
    "draw_variance": pl.Float64(),
    "seed_variance": pl.Float64(),
    "draw_low": pl.Float64(),
    "draw_high": pl.Float64(),
    "winner_changes": pl.Float64(),
}
"""Columns of paired differences, agent minus opponent. ``low, high``: Student interval of the mean over units;
``bootstrap_low, bootstrap_high``: widened percentile interval; ``wins``: share of replicates won, ties half;
``p_value``: of the paired t-test; over all environments Welch's, whose variances add up. ``p_adjusted``: Holm over one
question, which is one metric in the suite as a whole, or in its single environments. Only where parameters were drawn:
``draw_low, draw_high`` hold the difference for the share ``level`` of the draws (the interval to go by: more simulation
does not narrow it), and ``winner_changes`` is the share of draws whose winner is not the winner on average."""


def paired_differences(
    summary: pl.DataFrame,
    *,
    metrics: Sequence[str] = ("score", "value", "realised"),
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> pl.DataFrame:
    """Compare all pairs of agents on every environment of a suite, and on all of them by score.

    Args:
        summary: rows of `onetake.evaluation.summary`, all agents of one suite under one another.
        metrics: columns to compare.
        level: of every interval.
        resamples: bootstrap resamples.
        seed: of the bootstrap.

    Returns:
        A frame with the columns of ``DIFFERENCES_SCHEMA``; null where a number cannot be had (one replicate has no
        interval; equal yardsticks have no score).

    Raises:
        SchemaError: two agents of a pair did not play the same replicates.
    """
    finished = summary.filter(pl.col("status") == "finished").sort("environment", "agent", "replicate")
    rows: list[dict[str, object]] = []
    agents = finished["agent"].unique(maintain_order=False).sort().to_list()
    for agent, opponent in combinations(agents, 2):
        pair = _join(finished, agent, opponent, metrics)
        for metric in metrics:
            strata = by_environment(pair, metric)
            tag: dict[str, object] = {"suite": finished["suite"][0], "metric": metric}
            tag |= {"agent": agent, "opponent": opponent, "level": level}
            rows += [
                tag | {"environment": name} | compare(values, units, level=level, resamples=resamples, seed=seed)
                for name, (values, units) in strata.items()
            ]
            if metric == "score" and len(strata) > 1:
                rows.append(tag | _compare_all(list(strata.values()), level=level, resamples=resamples, seed=seed))
    return _adjusted(pl.DataFrame(rows, schema=DIFFERENCES_SCHEMA).with_columns(pl.selectors.float().fill_nan(None)))


def suite_as_a_whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of a suite as a whole: those over all environments, or of its only one."""
    whole = frame.filter(pl.col("environment") == ALL_ENVIRONMENTS)
    return frame if whole.is_empty() else whole


def compare(values: Float64, units: Units, *, level: float, resamples: int, seed: int) -> dict[str, object]:
    """Summarise the paired differences of one environment, one per replicate ``(R,)``.

    >>> row = compare(np.array([1.0, 2.0, 3.0]), Units("shoes", 1, 3), level=0.95, resamples=100, seed=0)
    >>> row["difference"], row["wins"]
    (2.0, 1.0)
    """
    low, high = t_interval(values, level=level, draws=units.draws)
    resampled = bootstrap([values], [units], mean_score, resamples=resamples, seed=seed)
    bootstrap_low, bootstrap_high = percentile_interval(resampled, level=level, units=[units])
    row: dict[str, object] = {
        "replicates": units.replicates,
        "draws": units.draws,
        "difference": float(values.mean()),
        "low": low,
        "high": high,
        "bootstrap_low": bootstrap_low,
        "bootstrap_high": bootstrap_high,
        "wins": float((np.sign(values).mean() + 1) / 2),
        "p_value": p_value(by_draw(values, units.draws).mean(axis=1) if units.draws > 1 else values),
    }
    if units.draws > 1:
        per_draw = by_draw(values, units.draws).mean(axis=1)
        parts = variance_parts(values, units.draws)
        draw_low, draw_high = np.quantile(per_draw, [(1 - level) / 2, (1 + level) / 2])
        row |= {"draw_variance": parts.draws, "seed_variance": parts.seeds}
        row |= {"draw_low": float(draw_low), "draw_high": float(draw_high)}
        row["winner_changes"] = float(np.mean(np.sign(per_draw) == -np.sign(values.mean())))
    return row


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values so that the chance of any false alarm in the family stays below the level; None stays None.

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[i] = largest
    return adjusted


def _adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """Holm's adjustment within each question: one metric, in the suite as a whole or in its single environments."""
    question = ["metric", pl.col("environment") == ALL_ENVIRONMENTS]
    adjust = pl.col("p_value").map_batches(
        lambda values: pl.Series(holm(values.to_list()), dtype=pl.Float64), return_dtype=pl.Float64
    )
    return frame.with_columns(p_adjusted=adjust.over(question))


def _compare_all(
    strata: Sequence[tuple[Float64, Units]], *, level: float, resamples: int, seed: int
) -> dict[str, object]:
    values, units = [v for v, _ in strata], [u for _, u in strata]
    resampled = bootstrap(values, units, mean_score, resamples=resamples, seed=seed)
    bootstrap_low, bootstrap_high = percentile_interval(resampled, level=level, units=units)
    low, high, p_value = _welch(values, units, level)
    return {
        "environment": ALL_ENVIRONMENTS,
        "replicates": sum(u.replicates for u in units),
        "draws": max(u.draws for u in units),
        "difference": float(mean_score(values)),
        "low": low,
        "high": high,
        "bootstrap_low": bootstrap_low,
        "bootstrap_high": bootstrap_high,
        "p_value": p_value,
        "wins": float(np.mean([(np.sign(v).mean() + 1) / 2 for v in values])),
    }


def _welch(values: Strata, units: Sequence[Units], level: float) -> tuple[float, float, float]:
    """Interval and p-value of the mean over environments, which are independent: variances and freedoms add up.

    Source: Welch, The generalization of "Student's" problem, Biometrika 34 (1947), equation 28.
    """
    from scipy.special import stdtr, stdtrit

    means = [by_draw(v, u.draws).mean(axis=1) if u.draws > 1 else v for v, u in zip(values, units, strict=True)]
    counts = np.array([len(own) for own in means])
    if counts.min() < 2:
        return float("nan"), float("nan"), float("nan")
    centre = float(np.mean([own.mean() for own in means]))
    squares = np.array([own.var(ddof=1) for own in means]) / counts
    if not squares.any():
        return centre, centre, 1.0 if centre == 0 else 0.0
    freedom = float(squares.sum() ** 2 / (squares**2 / (counts - 1)).sum())
    error = float(np.sqrt(squares.sum())) / len(means)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    return centre - half, centre + half, float(2 * stdtr(freedom, -abs(centre) / error))


def _join(finished: pl.DataFrame, agent: str, opponent: str, metrics: Sequence[str]) -> pl.DataFrame:
    keys = ["environment", "replicate"]
    own = finished.filter(pl.col("agent") == agent).select(*keys, "draw", "draws", *metrics)
    other = finished.filter(pl.col("agent") == opponent).select(*keys, *metrics)
    shared = set(own["environment"]) & set(other["environment"])
    own, other = (frame.filter(pl.col("environment").is_in(list(shared))) for frame in (own, other))
    if not own.select(keys).equals(other.select(keys)):
        raise SchemaError(
            f"summary: got different replicates for {agent} and {opponent}; wanted the same in every environment"
        )
    return own.with_columns(**{m: own[m] - other[m] for m in metrics})


def by_environment(frame: pl.DataFrame, metric: str) -> dict[str, tuple[Float64, Units]]:
    """Differences and units by environment; units without a number (no score where all arms are equal) are left out."""
    unit = pl.when(pl.col("draws") > 1).then("draw").otherwise("replicate")
    known = frame.filter(pl.col(metric).is_not_null().all().over("environment", unit))
    parts = {}
    for environment in known["environment"].unique(maintain_order=True):
        part = known.filter(pl.col("environment") == environment)
        draws = part["draw"].n_unique()
        parts[environment] = (part[metric].to_numpy(), Units(environment, draws, len(part) // draws))
    return parts


def p_value(units: Float64) -> float:
    """Two-sided p-value of Student's test that the mean over units is 0; NaN of one unit.

    >>> round(p_value(np.array([1.0, 2.0, 3.0])), 4)
    0.0742
    """
    from scipy.special import stdtr

    if len(units) < 2:
        return float("nan")
    spread = units.std(ddof=1)
    if spread == 0:
        return 1.0 if units.mean() == 0 else 0.0
    return float(2 * stdtr(len(units) - 1, -abs(units.mean()) * np.sqrt(len(units)) / spread))
