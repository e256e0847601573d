"""Policies judged from logs: every policy by every estimator, beside the truth where another log knows it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from onetake.agents.base import FrozenPolicy
from onetake.build import build
from onetake.errors import ConfigError
from onetake.estimators import AbstractEstimator, Interval, TargetPolicy, Thresholds, make
from onetake.evaluation.offline import target_of
from onetake.logs import ContextEncoding, DecisionLog, to_arrays
from onetake.seeding import child_seed, fold_of
from onetake.types import Estimate, Float64, LoggedDecisions


@dataclass(frozen=True)
class OffPolicySettings:
    """Settings of off-policy evaluation; the typed parameters of its pipeline.

    Attributes:
        seed: root of folds, agents and resamples.
        interval, level, resamples: as in `onetake.estimators.Interval`.
        folds: rows of one fold in so many are judged on, the others are learnt from; at least 2.
        features: agents see the context of each decision; without it all decisions look alike to them.
    """

    seed: int = 0
    interval: Literal["bootstrap", "normal"] = "bootstrap"
    level: float = 0.95
    resamples: int = 1000
    folds: int = 2
    features: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < 2**64:
            raise ConfigError(f"off_policy.seed: got {self.seed!r}; wanted an integer in [0, 2**64)")
        if isinstance(self.folds, bool) or not isinstance(self.folds, int) or self.folds < 2:
            raise ConfigError(f"off_policy.folds: got {self.folds!r}; wanted an integer of at least 2")
        _ = self.ends

    def encoding(self, log: DecisionLog) -> ContextEncoding:
        """Return how the context of decisions is shown to agents."""
        return ContextEncoding.of(log) if self.features else ContextEncoding.nothing()

    @property
    def ends(self) -> Interval:
        """The interval of every estimate."""
        return Interval(self.interval, self.level, self.resamples, self.seed)


@dataclass(frozen=True)
class Truth:
    """What other decisions say a policy earns per decision, with its standard error, and whose decisions they are."""

    value: float
    standard_error: float
    source: str

    @classmethod
    def of(cls, reward: Float64, source: str) -> Truth:
        """Return the mean of rewards that the policy itself earned ``(n,)``."""
        error = reward.std(ddof=1) / math.sqrt(len(reward)) if len(reward) > 1 else math.nan
        return cls(float(reward.mean()) if len(reward) else math.nan, float(error), source)


@dataclass(frozen=True)
class Bench:
    """What every judgement is made with: the estimators, and how their numbers are shown and refused."""

    estimators: Mapping[str, AbstractEstimator]
    settings: OffPolicySettings
    thresholds: Thresholds

    @classmethod
    def of(
        cls, entries: Mapping[str, Mapping[str, object]], settings: OffPolicySettings, thresholds: Thresholds
    ) -> Bench:
        """Return the bench with the estimators of conf.

        Raises:
            ConfigError, UnknownIdError: if an entry cannot be built.
        """
        return cls(
            {name: build(f"estimators.{name}", entry, make) for name, entry in entries.items()}, settings, thresholds
        )

    def judge(
        self, log_name: str, log: LoggedDecisions, policies: Iterable[TargetPolicy], truths: Mapping[str, Truth]
    ) -> pl.DataFrame:
        """Return a row per policy and estimator; see `estimates_frame`."""
        estimates = [
            estimator.estimate(log, policy, interval=self.settings.ends, thresholds=self.thresholds)
            for policy in policies
            for estimator in self.estimators.values()
        ]
        return estimates_frame(log_name, estimates, truths)


def split_log(log: DecisionLog, settings: OffPolicySettings) -> tuple[DecisionLog, DecisionLog]:
    """Return the rows to learn from and the rows to judge on, cut by a hash of the decision id."""
    fold = fold_of(log.decisions["decision_id"].to_numpy(), settings.folds, child_seed(settings.seed, "folds"))
    judged = pl.Series(fold == 0)
    return log.keep(~judged), log.keep(judged)


def judge_on_held_out(
    log_name: str, learnt: DecisionLog, held_out: DecisionLog, frozen: Mapping[str, FrozenPolicy], bench: Bench
) -> pl.DataFrame:
    """Judge every action always played, and every frozen policy, on rows that no policy has learnt from.

    Where actions were randomised, the mean reward of an action in the rows that were learnt from is the truth that its
    estimate is set beside. Learnt policies have none: they were chosen by those rows.
    """
    meta, encoding = held_out.meta, bench.settings.encoding(learnt)
    arrays, others = to_arrays(held_out, encoding=encoding), to_arrays(learnt, encoding=encoding)
    always = [TargetPolicy.always(k, meta.num_actions, f"always {label}") for k, label in enumerate(meta.action_labels)]
    learned = [target_of(name, policy, arrays) for name, policy in frozen.items()]
    truths = {}
    if meta.assignment == "randomised":
        truths = {
            policy.name: Truth.of(others.reward[others.action == k], "the other rows")
            for k, policy in enumerate(always)
        }
    return bench.judge(log_name, arrays, [*always, *learned], truths)


def judge_across(
    log_name: str, log: DecisionLog, name: str, table: Float64, other: DecisionLog, bench: Bench
) -> pl.DataFrame:
    """Judge the policy ``table`` ``(num_slots or 1, k)`` on ``log``, beside what it earned itself in ``other``."""
    arrays = to_arrays(log)
    policy = TargetPolicy(name, table, arrays.slot if len(table) > 1 else None)
    truth = Truth.of(other.outcomes["reward"].to_numpy(), f"the log of {other.decisions['policy_id'][0]}")
    return bench.judge(log_name, arrays, [policy], {name: truth})


def estimates_frame(log_name: str, estimates: Iterable[Estimate], truths: Mapping[str, Truth]) -> pl.DataFrame:
    """Return a row per estimate; numbers of refused ones are null.

    Columns: ``log, policy, estimator, value, low, high, standard_error, level, decisions, effective_sample_size,
    largest_weight, clipped_share, overlap, flags, refused, truth, truth_error, truth_source``; money per decision.
    ``flags`` is text, empty where there is no doubt.
    """
    unknown = Truth(math.nan, math.nan, "")
    rows = []
    for estimate in estimates:
        truth = truths.get(estimate.policy, unknown)
        rows.append(
            {
                "log": log_name,
                "policy": estimate.policy,
                "estimator": estimate.estimator,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "standard_error": estimate.standard_error,
                "level": estimate.level,
                "decisions": estimate.num_decisions,
                "effective_sample_size": estimate.effective_sample_size,
                "largest_weight": estimate.largest_weight,
                "clipped_share": estimate.clipped_share,
                "overlap": estimate.overlap,
                "flags": "; ".join(estimate.flags),
                "refused": estimate.refused,
                "truth": truth.value,
                "truth_error": truth.standard_error,
                "truth_source": truth.source,
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))


def uniform_table(log: DecisionLog) -> Float64:
    """Return the table of the policy that plays every action of ``log`` equally often ``(1, k)``."""
    return np.full((1, log.meta.num_actions), 1.0 / log.meta.num_actions)
