"""What can go wrong: a decision with one take is not repeated until its mean comes true.

Everything here is per replicate against the incumbent of the suite, under the same luck, in the reward that was really
paid. Drawdown and payback look at the way there: they are read off the kept points of the curves.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from onetake.evaluation.incumbent import INCUMBENT
from onetake.evaluation.resampling import by_draw
from onetake.types import Float64

TAIL = 0.1

TAIL_RISK_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "units": pl.Int64(),
    "replicates": pl.Int64(),
    "cvar": pl.Float64(),
    "mean": pl.Float64(),
    "cvar_difference": pl.Float64(),
    "mean_difference": pl.Float64(),
    "worse_chance": pl.Float64(),
    "worse_low": pl.Float64(),
    "worse_high": pl.Float64(),
    "drawdown": pl.Float64(),
    "deepest_drawdown": pl.Float64(),
    "payback_step": pl.Float64(),
    "paid_back": pl.Float64(),
}
"""Columns of tail risk. ``cvar``: mean realised reward of the worst tenth of replicates; ``cvar_difference``: of the
tenth in which the agent fared worst against the incumbent; ``worse_chance``: share of units in which it earned less
than the incumbent, with the Clopper-Pearson interval; ``drawdown``: most that it ever fell back against the incumbent,
from its best standing so far, mean over replicates, and ``deepest_drawdown`` the most in any; ``payback_step``: median
step from which on it was never behind again, infinite where half the replicates never paid back; ``paid_back``: share
that did. Null where there is no incumbent."""


def tail_risk(summary: pl.DataFrame, curves: pl.DataFrame, *, level: float = 0.95) -> pl.DataFrame:
    """Return the tail risk of every agent in every environment of a suite.

    Args:
        summary: rows of all agents, the incumbent's among them where the suite names one.
        curves: points of all agents, one row per replicate and kept step.
        level: of the interval of ``worse_chance``.
    """
    finished = summary.filter(pl.col("status") == "finished").sort("environment", "agent", "replicate")
    keys = ["environment", "agent"]
    of_summary = {key: part for key, part in finished.group_by(keys, maintain_order=True)}
    of_curves = {key: part for key, part in curves.group_by(keys, maintain_order=True)}
    rows = []
    for (environment, agent), own in of_summary.items():
        row: dict[str, object] = {"suite": own["suite"][0], "environment": environment, "agent": agent}
        paid = own["realised"].to_numpy()
        draws = int(own["draws"][0])
        row |= {"replicates": len(own), "units": draws if draws > 1 else len(own)}
        row |= {"cvar": expected_shortfall(paid), "mean": float(paid.mean())}
        incumbent = of_summary.get((environment, INCUMBENT))
        if agent != INCUMBENT and incumbent is not None:
            row |= _against(paid - incumbent["realised"].to_numpy(), draws, level)
            both = [of_curves.get((environment, name)) for name in (agent, INCUMBENT)]
            if both[0] is not None and both[1] is not None:
                row |= _on_the_way(_lead(both[0], both[1]))
        rows.append(row)
    return pl.DataFrame(rows, schema=TAIL_RISK_SCHEMA)


def expected_shortfall(values: Float64, tail: float = TAIL) -> float:
    """Mean of the worst ``tail`` of values ``(n,)``; of fewer than one value, the worst: CVaR of an empirical law.

    Where ``tail * n`` is not whole, the last value counts by what is left of it.

    Source: Rockafellar, Uryasev, Conditional value-at-risk for general loss distributions, 2002, proposition 8.

    >>> [round(expected_shortfall(np.arange(float(n))), 4) for n in (2, 15, 20)]
    [0.0, 0.3333, 0.5]
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    share = max(tail * len(ordered), 1.0)
    whole = math.floor(share + 1e-12)
    left = share - whole
    total = float(ordered[:whole].sum()) + (left * float(ordered[whole]) if left > 1e-12 else 0.0)
    return total / share


def drawdown(lead: Float64) -> Float64:
    """Most that each path ``(n, t)`` of a lead ever fell below its highest so far, the start (0) among them ``(n,)``.

    >>> drawdown(np.array([[1.0, 3.0, 2.0, 4.0], [-1.0, -2.0, 0.0, 1.0]])).tolist()
    [1.0, 2.0]
    """
    best = np.maximum.accumulate(np.maximum(lead, 0.0), axis=1)
    return np.asarray((best - lead).max(axis=1))


def payback(lead: Float64, steps: Float64) -> Float64:
    """Step from which on each path ``(n, t)`` is not behind ``(n,)``: 0 if it never was, infinite if it ends so.

    >>> payback(np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, -1.0]]), np.array([5.0, 10.0])).tolist()
    [0.0, 10.0, inf]
    """
    behind = lead < 0
    last = behind.shape[1] - 1 - np.argmax(behind[:, ::-1], axis=1)
    following = np.append(steps[1:], np.inf)
    return np.where(behind.any(axis=1), following[last], 0.0)


def clopper_pearson(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a chance.

    Source: Clopper, Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934).

    >>> [round(end, 4) for end in clopper_pearson(2, 10)]
    [0.0252, 0.5561]
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, 1 - tail))
    return low, high


def _against(difference: Float64, draws: int, level: float) -> dict[str, object]:
    units = by_draw(difference, draws).mean(axis=1) if draws > 1 else difference
    worse = int((units < 0).sum())
    low, high = clopper_pearson(worse, len(units), level)
    return {
        "cvar_difference": expected_shortfall(difference),
        "mean_difference": float(difference.mean()),
        "worse_chance": worse / len(units),
        "worse_low": low,
        "worse_high": high,
    }


def _lead(own: pl.DataFrame, other: pl.DataFrame) -> tuple[Float64, Float64]:
    """What an agent was ahead of the incumbent, in realised reward: replicates by steps, and the steps."""
    tables = [part.sort("replicate", "step") for part in (own, other)]
    steps = tables[0]["step"].unique().sort()
    # Episodes of chance length are compared at the steps that both reached.
    shared = steps.filter(steps.is_in(tables[1]["step"].unique().implode()))
    wide = [part.filter(pl.col("step").is_in(shared.implode()))["realised"].to_numpy() for part in tables]
    count = tables[0]["replicate"].n_unique()
    lead = wide[0].reshape(count, -1) - wide[1].reshape(count, -1)
    return lead, shared.to_numpy().astype(np.float64)


def _on_the_way(path: tuple[Float64, Float64]) -> dict[str, object]:
    lead, steps = path
    fallen, back = drawdown(lead), payback(lead, steps)
    return {
        "drawdown": float(fallen.mean()),
        "deepest_drawdown": float(fallen.max()),
        "payback_step": float(np.quantile(back, 0.5, method="inverted_cdf")),
        "paid_back": float(np.isfinite(back).mean()),
    }
