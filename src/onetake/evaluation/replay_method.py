"""Learning agents judged on a log by replaying it: what they would have chosen is kept where the log chose it too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onetake.agents import AbstractAgent
from onetake.draws import Draws, mean
from onetake.errors import ConfigError, EstimateError
from onetake.estimators import Contributions, Interval
from onetake.types import BatchSpec, Bool, Float64, Int64, LoggedDecisions, Observation, Transitions


@dataclass(frozen=True, eq=False)
class Replayed:
    """What came of a replay.

    Attributes:
        agent: its name.
        value: reward per kept decision. low, high: ends of its interval.
        kept: decisions on which agent and log agreed, in the order of the log, as rows of it ``(m,)``.
        reward: what they earned ``(m,)``.
        even: decisions that were left once the log was thinned to an even one.
    """

    agent: str
    value: float
    low: float
    high: float
    kept: Int64
    reward: Float64
    even: int

    @property
    def running(self) -> Float64:
        """Mean reward after each kept decision ``(m,)``: the learning curve."""
        return np.asarray(np.cumsum(self.reward) / np.arange(1, len(self.reward) + 1), np.float64)


def replay(
    name: str,
    agent: AbstractAgent,
    log: LoggedDecisions,
    spec: BatchSpec,
    seed: int,
    *,
    interval: Interval | None = None,
) -> Replayed:
    """Let an agent decide row by row; where it agrees with the log it is paid and learns, else the row is passed over.

    On a log whose actions were drawn evenly the kept rows are what the agent would have seen live, so this judges an
    agent *while* it learns: no frozen policy is needed, and no weights. A log that is not even is thinned first: a row
    stays with the chance ``min p / p_i``.

    Args:
        name: shown with the result.
        agent: is begun anew.
        log: rows in order of time.
        spec: of one environment; see `onetake.evaluation.offline.spec_of_log`.
        seed: of the agent and of the thinning.
        interval: of the mean; by default one that holds at any moment, over the rewards' bounds of the spec.

    Raises:
        EstimateError: a log without exact propensities, or one on which agent and log never agree.
        ConfigError: an agent that cannot decide for such a log.

    Source: Li, Chu, Langford, Wang, Unbiased offline evaluation of contextual-bandit-based news article recommendation
    algorithms, 2011, algorithm 3; thinning: Mandel et al., Offline evaluation of online reinforcement learning
    algorithms, 2016, section 4.
    """
    if log.propensity_kind != "exact":
        raise EstimateError(f"replay: got propensities that are {log.propensity_kind}; wanted exact ones")
    reason = agent.supports(spec)
    if reason is not None:
        raise ConfigError(f"agent {name}: {reason}")
    rows = np.flatnonzero(_thinned(log, seed))
    agent.begin(spec, seed)
    context = np.ascontiguousarray(log.context, dtype=np.float32)
    kept: list[int] = []
    for row in rows:
        one = slice(row, row + 1)
        decision = agent.act(Observation(context[one], step=len(kept)), propensity=True)
        if decision.action[0] != log.action[row]:
            continue
        agent.learn(
            Transitions(
                decision_step=len(kept),
                obs=context[one],
                action=log.action[one],
                reward=log.reward[one],
                next_obs=context[one],
                terminated=np.array([True]),
                truncated=np.array([False]),
                propensity=decision.propensity,
            )
        )
        kept.append(int(row))
    if len(kept) < 2:
        raise EstimateError(f"replay of {name}: got {len(kept)} rows on which agent and log agree; wanted at least 2")
    reward = log.reward[kept]
    bounds = float(spec.reward_low.min()), float(spec.reward_high.max())
    parts = Contributions(base=reward, bounds=bounds)
    low, high = (interval or Interval("anytime", rewards=bounds)).ends(parts)
    return Replayed(name, float(mean(reward)), low, high, np.array(kept), reward, len(rows))


def _thinned(log: LoggedDecisions, seed: int) -> Bool:
    """Rows that stay ``(n,)``: all of an even log."""
    stay = float(log.propensity.min()) / log.propensity
    luck = Draws(seed, entities=len(stay)).uniform(0)
    return np.asarray(luck < stay)
