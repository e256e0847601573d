"""Policies over whole episodes judged from a log, beside their exact values where the process is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from onetake.agents.offline.fitted_q import FittedQIteration
from onetake.build import build
from onetake.envs.clinic import icu_sepsis
from onetake.envs.mdp import FiniteProcess
from onetake.episodes import LoggedEpisodes
from onetake.errors import ConfigError, SchemaError
from onetake.estimators import TargetPolicy, Thresholds
from onetake.estimators.sequential import make
from onetake.evaluation.off_policy import OffPolicySettings, Truth, estimates_frame
from onetake.seeding import child_seed, fold_of
from onetake.types import Bool, Float64


@dataclass(frozen=True)
class EpisodeSettings:
    """Settings of the judgement of episodes.

    Attributes:
        state: context column that holds the state.
        policies: arrays of the model that are policies, by the name that the tables use.
        pessimism, least: of the policy that is learnt from half of the episodes; see `FittedQIteration`.
    """

    state: str
    policies: Mapping[str, str]
    pessimism: float = 0.0
    least: int = 1

    def __post_init__(self) -> None:
        if not self.policies:
            raise ConfigError("off_policy.episodes.policies: got none; wanted at least one array of the model by name")


def judge_episodes(
    log_name: str,
    log: LoggedEpisodes,
    model: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, object]],
    settings: EpisodeSettings,
    run: OffPolicySettings,
    thresholds: Thresholds,
) -> pl.DataFrame:
    """Judge the model's policies, even play, and a policy that was learnt from other episodes; see `estimates_frame`.

    All are judged on the episodes that nothing was learnt from. The truth is exact: the model's process is known.

    Raises:
        SchemaError: a policy that the model does not hold.
        ConfigError, UnknownIdError: if an entry cannot be built.
    """
    missing = [array for array in settings.policies.values() if array not in model]
    if missing:
        raise SchemaError(f"{log_name}: got arrays {', '.join(sorted(model))}; wanted {', '.join(missing)} too")
    process = icu_sepsis(model)
    estimators = {name: build(f"sequential_estimators.{name}", entry, make) for name, entry in entries.items()}
    fold = fold_of(log.episode[log.first], run.folds, child_seed(run.seed, "folds"))
    judged = keep(log, fold == 0)
    learner = FittedQIteration(log.num_states, pessimism=settings.pessimism, least=settings.least)
    tables = {name: np.asarray(model[array], np.float64) for name, array in settings.policies.items()}
    tables |= {
        "uniform": np.full((log.num_states, log.num_actions), 1.0 / log.num_actions),
        "learnt from the log": learner.fit(keep(log, fold != 0), run.seed).policy(),
    }
    estimates = [
        replace(
            estimator.estimate(judged, TargetPolicy(policy, table), interval=run.ends, thresholds=thresholds),
            estimator=name,
        )
        for policy, table in tables.items()
        for name, estimator in estimators.items()
    ]
    truths = {policy: Truth(exact_value(process, table), 0.0, "the exact process") for policy, table in tables.items()}
    return estimates_frame(log_name, estimates, truths)


def exact_value(process: FiniteProcess, table: Float64) -> float:
    """Return what a policy ``(S, k)`` is worth from the process's start."""
    return float(process.start @ process.evaluate(table))


def keep(log: LoggedEpisodes, chosen: Bool) -> LoggedEpisodes:
    """Return some of the episodes: ``chosen`` ``(E,)``, in their order."""
    rows = chosen[log.index]
    return replace(
        log,
        **{
            name: getattr(log, name)[rows]
            for name in ("episode", "state", "action", "reward", "propensity", "terminated")
        },
    )
