"""One row per environment and replicate: what was earned, what could have been, and where the difference went."""

from __future__ import annotations

import numpy as np
import polars as pl
import polars.selectors as cs

from onetake.evaluation.regret import Totals
from onetake.types import Float64

SUMMARY_SCHEMA: dict[str, pl.DataType] = {
    "suite": pl.String(),
    "environment": pl.String(),
    "agent": pl.String(),
    "replicate": pl.Int64(),
    "draw": pl.Int64(),
    "draws": pl.Int64(),
    "entities": pl.Int64(),
    "steps": pl.Int64(),
    "status": pl.String(),
    "value": pl.Float64(),
    "random": pl.Float64(),
    "yardstick": pl.Float64(),
    "yardstick_kind": pl.String(),
    "score": pl.Float64(),
    "regret": pl.Float64(),
    "cost_of_constraints": pl.Float64(),
    "cost_of_not_knowing": pl.Float64(),
    "cost_of_exploring": pl.Float64(),
    "realised": pl.Float64(),
    "realised_regret": pl.Float64(),
    "best_fixed_action": pl.Int64(),
    "best_fixed": pl.Float64(),
    "regret_to_best_fixed": pl.Float64(),
    "best_fixed_per_entity": pl.Float64(),
    "regret_to_best_fixed_per_entity": pl.Float64(),
    "incumbent": pl.Float64(),
    "incumbent_difference": pl.Float64(),
}
"""Columns of a summary. Money is the sum over all entities and steps of a replicate; a score is 0 at random play and 1
at the yardstick, null where the two are the same. ``status`` is ``finished`` or ``unsupported: …``."""


def summary_rows(
    totals: Totals,
    *,
    labels: dict[str, str | int],
    first_replicate: int,
    draws: int,
    seeds: int,
    incumbent: Float64 | None = None,
) -> pl.DataFrame:
    """Return the rows of one block of replicates.

    Args:
        totals: sums per replicate ``(R,)``.
        labels: suite, environment, agent, entities, steps, status and yardstick_kind.
        first_replicate: number of the first replicate of the block.
        draws: parameter draws of the environment.
        seeds: replicates per draw.
        incumbent: expected reward of the incumbent under the same luck ``(R,)``, where there is one.
    """
    replicate = np.arange(first_replicate, first_replicate + len(totals.played), dtype=np.int64)
    columns = {
        "replicate": replicate,
        "draw": replicate // seeds,
        "value": totals.played,
        "random": totals.random,
        "yardstick": totals.oracle,
        "regret": totals.regret,
        "cost_of_constraints": totals.cost_of_constraints,
        "cost_of_not_knowing": totals.cost_of_not_knowing,
        "cost_of_exploring": totals.cost_of_exploring,
        "realised": totals.realised,
        "realised_regret": totals.unconstrained - totals.realised,
        "best_fixed_action": totals.best_fixed_action,
        "best_fixed": totals.best_fixed_for_all,
        "regret_to_best_fixed": totals.best_fixed_for_all - totals.played,
        "best_fixed_per_entity": totals.best_fixed_per_entity,
    }
    # What is not known is null: a NaN would be a number that failed.
    frame = pl.DataFrame(columns).with_columns(cs.float().fill_nan(None))
    frame = frame.with_columns(
        pl.when(pl.col("best_fixed").is_not_null()).then(pl.col("best_fixed_action")).alias("best_fixed_action"),
        *[pl.lit(value).alias(name) for name, value in labels.items()],
        pl.lit(draws).alias("draws"),
        pl.lit(None, dtype=pl.Float64).alias("incumbent") if incumbent is None else pl.Series("incumbent", incumbent),
        regret_to_best_fixed_per_entity=pl.col("best_fixed_per_entity") - pl.col("value"),
        score=pl.when(pl.col("yardstick") > pl.col("random")).then(
            (pl.col("value") - pl.col("random")) / (pl.col("yardstick") - pl.col("random"))
        ),
    )
    frame = frame.with_columns(incumbent_difference=pl.col("value") - pl.col("incumbent"))
    return frame.select(pl.col(name).cast(kind) for name, kind in SUMMARY_SCHEMA.items())


def unsupported_rows(suite: str, agent: str, reasons: dict[str, str]) -> pl.DataFrame:
    """Return one row per environment that an agent cannot play, with the reason as its status.

    >>> unsupported_rows("prices", "ucb", {"shoes": "needs bounded rewards"})["status"].to_list()
    ['unsupported: needs bounded rewards']
    """
    rows = [
        {"suite": suite, "environment": environment, "agent": agent, "status": f"unsupported: {reason}"}
        for environment, reason in reasons.items()
    ]
    return pl.DataFrame(rows, schema=SUMMARY_SCHEMA)
