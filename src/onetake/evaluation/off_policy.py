"""Policies judged from logs: every policy by every estimator, beside the truth where another log knows it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from onetake.agents import AbstractAgent
from onetake.build import build
from onetake.errors import ConfigError
from onetake.estimators import AbstractEstimator, Interval, TargetPolicy, Thresholds, make
from onetake.evaluation.offline import learn_from_log, target_of
from onetake.logs import ContextEncoding, DecisionLog, to_arrays
from onetake.seeding import child_seed, fold_of
from onetake.types import Estimate, Float64, LoggedDecisions

ESTIMATES: dict[str, type[pl.DataType]] = {
    "log": pl.String,
    "policy": pl.String,
    "estimator": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "standard_error": pl.Float64,
    "level": pl.Float64,
    "decisions": pl.Int64,
    "effective_sample_size": pl.Float64,
    "largest_weight": pl.Float64,
    "clipped_share": pl.Float64,
    "overlap": pl.Float64,
    "flags": pl.String,
    "refused": pl.Boolean,
    "truth": pl.Float64,
    "truth_error": pl.Float64,
    "truth_source": pl.String,
}
_FIELDS = {
    **{name: name for name in list(ESTIMATES)[1:-5] if name != "decisions"},
    "decisions": "num_decisions",
    "refused": "refused",
}


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


def judge_actions(log_name: str, learnt: DecisionLog, held_out: DecisionLog, bench: Bench) -> pl.DataFrame:
    """Judge every action, always played, on held-out rows.

    Where actions were randomised, the mean reward of an action in the rows that were learnt from is the truth that its
    estimate is set beside.
    """
    meta, others = held_out.meta, to_arrays(learnt, encoding=ContextEncoding.nothing())
    always = [TargetPolicy.always(k, meta.num_actions, f"always {label}") for k, label in enumerate(meta.action_labels)]
    truths = {}
    if meta.assignment == "randomised":
        earned = (others.reward[others.action == k] for k in range(meta.num_actions))
        truths = {
            policy.name: Truth.of(reward, "the other rows") for policy, reward in zip(always, earned, strict=True)
        }
    return bench.judge(log_name, to_arrays(held_out, encoding=ContextEncoding.nothing()), always, truths)


def judge_learnt(
    log_name: str, name: str, agent: AbstractAgent, learnt: DecisionLog, held_out: DecisionLog, bench: Bench
) -> pl.DataFrame:
    """Judge an agent that has learnt from ``learnt`` and is frozen, on held-out rows; no row for one that cannot learn.

    It is set beside no truth: the rows that could tell it are those that it was chosen by.
    """
    encoding = bench.settings.encoding(learnt)
    policy = learn_from_log(name, agent, learnt, encoding, bench.settings.seed)
    if policy is None:
        return estimates_frame(log_name, [], {})
    arrays = to_arrays(held_out, encoding=encoding)
    return bench.judge(log_name, arrays, [target_of(name, policy, arrays)], {})


def judge_across(
    log_name: str, log: DecisionLog, name: str, table: Float64, other: DecisionLog, bench: Bench
) -> pl.DataFrame:
    """Judge the policy ``table`` ``(num_slots or 1, k)`` on ``log``, beside what it earned itself in ``other``."""
    arrays = to_arrays(log)
    policy = TargetPolicy(name, table, arrays.slot if len(table) > 1 else None)
    truth = Truth.of(other.outcomes["reward"].to_numpy(), f"the log of {other.decisions['policy_id'][0]}")
    return bench.judge(log_name, arrays, [policy], {name: truth})


def estimates_frame(log_name: str, estimates: Iterable[Estimate], truths: Mapping[str, Truth]) -> pl.DataFrame:
    """Return a row per estimate with the columns of `ESTIMATES`; numbers of refused ones are null.

    Values are reward per decision; ``flags`` is text, empty where there is no doubt.
    """
    unknown = Truth(math.nan, math.nan, "")
    rows = []
    for estimate in estimates:
        truth = truths.get(estimate.policy, unknown)
        known = {name: getattr(estimate, field) for name, field in _FIELDS.items()}
        rows.append(
            {
                "log": log_name,
                **known,
                "flags": "; ".join(estimate.flags),
                "truth": truth.value,
                "truth_error": truth.standard_error,
                "truth_source": truth.source,
            }
        )
    frame = pl.DataFrame(rows, schema=ESTIMATES)
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def uniform_table(log: DecisionLog) -> Float64:
    """Return the table of the policy that plays every action of ``log`` equally often ``(1, k)``."""
    return np.full((1, log.meta.num_actions), 1.0 / log.meta.num_actions)
