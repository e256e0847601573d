"""Verdicts on fitted environments: how much of what is seen is luck, and how much the log did not tell.

A replicate of a fitted environment is a parameter draw and a seed. Seeds are simulated at will, so an interval over
them alone means nothing; what the log left open is the spread between draws, and no simulation narrows it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.paired import by_environment
from onetake.evaluation.resampling import by_draw, variance_parts
from onetake.types import Float64

PARAMETER_DRAWS_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "draws": pl.Int64(),
    "seeds": pl.Int64(),
    "score": pl.Float64(),
    "draw_deviation": pl.Float64(),
    "seed_deviation": pl.Float64(),
    "wins": pl.Float64(),
    "winner_changes": pl.Float64(),
}
"""Columns: mean score, the standard deviation of a result between parameter draws and between seeds of one draw, the
share of draws in which the agent is the best of all (ties shared; the incumbent is no contestant), and the share of
draws whose best agent is not the best on average."""


def parameter_draws(summary: pl.DataFrame) -> pl.DataFrame:
    """Return both parts of the variance of every agent on fitted environments, and how often the winner changes.

    Args:
        summary: rows of all agents of one suite.

    Returns:
        A frame with the columns of ``PARAMETER_DRAWS_SCHEMA``; no rows where no parameters were drawn.
    """
    drawn = summary.filter((pl.col("status") == "finished") & (pl.col("draws") > 1)).sort("agent", "replicate")
    rows: list[dict[str, object]] = []
    for environment in drawn["environment"].unique(maintain_order=True):
        here = drawn.filter(pl.col("environment") == environment)
        scores: dict[str, tuple[Float64, int]] = {}
        for agent in here["agent"].unique(maintain_order=True):
            found = by_environment(here.filter(pl.col("agent") == agent), "score").get(environment)
            if found is not None and found[1].draws > 1:
                scores[agent] = (found[0], found[1].draws)
        wins, changes = _winners({name: by_draw(*each).mean(axis=1) for name, each in scores.items()})
        for agent, (values, draws) in scores.items():
            parts = variance_parts(values, draws)
            row: dict[str, object] = {"suite": here["suite"][0], "environment": environment, "agent": agent}
            row |= {"draws": draws, "seeds": len(values) // draws, "score": float(values.mean())}
            row |= {"draw_deviation": float(np.sqrt(parts.draws)), "seed_deviation": float(np.sqrt(parts.seeds))}
            rows.append(row | {"wins": wins.get(agent), "winner_changes": changes})
    frame = pl.DataFrame(rows, schema=PARAMETER_DRAWS_SCHEMA)
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def _winners(per_draw: dict[str, Float64]) -> tuple[dict[str, float], float | None]:
    """Share of draws that each contestant wins, and share that the best on average does not win."""
    names = [name for name in per_draw if name != INCUMBENT]
    if len(names) < 2:
        return {}, None
    table = np.stack([per_draw[name] for name in names])
    first = table == table.max(axis=0)
    shares = (first / first.sum(axis=0)).mean(axis=1)
    winner = int(np.argmax(table.mean(axis=1)))
    return dict(zip(names, shares.tolist(), strict=True)), float(1 - first[winner].mean())
