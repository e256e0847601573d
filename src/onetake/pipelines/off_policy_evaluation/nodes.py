"""Nodes of the off-policy evaluation pipeline."""

from __future__ import annotations

from typing import Any

import polars as pl

from onetake.agents import AbstractAgent
from onetake.build import build
from onetake.estimators import Thresholds
from onetake.evaluation.off_policy import (
    Bench,
    OffPolicySettings,
    judge_across,
    judge_actions,
    judge_learnt,
    split_log,
    uniform_table,
)
from onetake.evaluation.off_policy_episodes import EpisodeSettings, judge_episodes
from onetake.logs import ColumnMap, DecisionLog, RawTable, policy_table
from onetake.logs.episodes import to_episodes


def split_rows(log: DecisionLog, settings: OffPolicySettings) -> tuple[DecisionLog, DecisionLog]:
    """Cut a log into rows to learn from and rows to judge on."""
    return split_log(log, settings)


def judge_always(
    learnt: DecisionLog,
    held_out: DecisionLog,
    estimators: dict[str, Any],
    settings: OffPolicySettings,
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Judge each action, always played."""
    return judge_actions("thornton", learnt, held_out, Bench.of(estimators, settings, thresholds))


def judge_agent(
    learnt: DecisionLog,
    held_out: DecisionLog,
    agent: dict[str, Any],
    estimators: dict[str, Any],
    settings: OffPolicySettings,
    thresholds: Thresholds,
    *,
    name: str,
    agent_class: type[AbstractAgent],
    defaults: dict[str, Any],
) -> pl.DataFrame:
    """Let an agent learn from one part of the log, freeze it, and judge it on the other."""
    made = build(f"agents.{name}", agent, lambda type, **own: agent_class(**{**defaults, **own}))
    return judge_learnt("thornton", name, made, learnt, held_out, Bench.of(estimators, settings, thresholds))


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


def judge_sepsis(
    log: DecisionLog,
    model: dict[str, Any],
    estimators: dict[str, Any],
    episodes: EpisodeSettings,
    settings: OffPolicySettings,
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Judge policies for patients with sepsis on whole episodes, beside their exact values."""
    arrays = to_episodes(log, state=episodes.state, num_states=len(model["d_0"]))
    return judge_episodes("icu_sepsis", arrays, model, estimators, episodes, settings, thresholds)


def collect_estimates(*tables: pl.DataFrame) -> pl.DataFrame:
    """Put all estimates into one table."""
    return pl.concat(tables)
