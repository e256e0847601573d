"""Nodes of the off-policy evaluation pipeline."""

from __future__ import annotations

from typing import Any

import polars as pl

from onetake.agents.base import FrozenPolicy
from onetake.estimators import Thresholds
from onetake.evaluation.off_policy import (
    Bench,
    OffPolicySettings,
    judge_across,
    judge_on_held_out,
    split_log,
    uniform_table,
)
from onetake.evaluation.offline import learn_all
from onetake.logs import ColumnMap, DecisionLog, RawTable, policy_table


def split_rows(log: DecisionLog, settings: OffPolicySettings) -> tuple[DecisionLog, DecisionLog]:
    """Cut a log into rows to learn from and rows to judge on."""
    return split_log(log, settings)


def learn_policies(log: DecisionLog, agents: dict[str, Any], settings: OffPolicySettings) -> dict[str, FrozenPolicy]:
    """Let every agent learn from the log, and freeze it."""
    return learn_all(agents, log, settings.encoding(log), settings.seed)


def judge_learnt(
    learnt: DecisionLog,
    held_out: DecisionLog,
    policies: dict[str, FrozenPolicy],
    estimators: dict[str, Any],
    settings: OffPolicySettings,
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Judge each action and each learnt policy on rows that none has learnt from."""
    return judge_on_held_out("thornton", learnt, held_out, policies, Bench.of(estimators, settings, thresholds))


def judge_thompson(
    log: DecisionLog,
    policy: RawTable,
    column_map: ColumnMap,
    other: DecisionLog,
    estimators: dict[str, Any],
    settings: OffPolicySettings,
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Judge the frozen Thompson policy on the log of the uniform one."""
    bench = Bench.of(estimators, settings, thresholds)
    return judge_across("open_bandit_random", log, "bernoulli_thompson", policy_table(policy, column_map), other, bench)


def judge_uniform(
    log: DecisionLog,
    other: DecisionLog,
    estimators: dict[str, Any],
    settings: OffPolicySettings,
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Judge the uniform policy on the log of the Thompson one."""
    bench = Bench.of(estimators, settings, thresholds)
    return judge_across("open_bandit_bts", log, "uniform", uniform_table(log), other, bench)


def collect_estimates(*tables: pl.DataFrame) -> pl.DataFrame:
    """Put all estimates into one table."""
    return pl.concat(tables)
