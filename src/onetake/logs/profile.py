"""A log at a glance: what each action was tried for and what it brought."""

from __future__ import annotations

import polars as pl

from onetake.logs.schema import DecisionLog


def profile(log: DecisionLog) -> pl.DataFrame:
    """Return a row per action: how often it was taken, what came of it, and the range of its propensities.

    Columns: ``source, assignment, action, label, decisions, share, outcomes, reward_mean, reward_se`` (money per
    decision), ``propensity_min, propensity_mean, propensity_max, propensity_kind``. Actions never taken are rows too.
    """
    joined = log.decisions.join(log.outcomes, on="decision_id", how="left")
    labels = pl.DataFrame({"action": range(log.meta.num_actions), "label": log.meta.action_labels})
    counted = joined.group_by("action").agg(
        decisions=pl.len().cast(pl.Int64),
        outcomes=pl.col("reward").count().cast(pl.Int64),
        reward_mean=pl.col("reward").mean(),
        reward_se=pl.col("reward").std() / pl.col("reward").count().sqrt(),
        propensity_min=pl.col("propensity").min(),
        propensity_mean=pl.col("propensity").mean(),
        propensity_max=pl.col("propensity").max(),
    )
    return (
        labels.join(counted, on="action", how="left")
        .with_columns(pl.col("decisions", "outcomes").fill_null(0))
        .with_columns(share=pl.col("decisions") / len(log))
        .sort("action")
        .select(
            pl.lit(log.meta.source).alias("source"),
            pl.lit(log.meta.assignment).alias("assignment"),
            "action",
            "label",
            "decisions",
            "share",
            "outcomes",
            "reward_mean",
            "reward_se",
            "propensity_min",
            "propensity_mean",
            "propensity_max",
            pl.lit(log.meta.propensity_kind).alias("propensity_kind"),
        )
    )
