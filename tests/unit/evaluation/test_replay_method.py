"""Replaying a log: what an agent earns on it is what the same agent earns live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onetake.agents import make
from onetake.errors import EstimateError
from onetake.estimators import Interval
from onetake.evaluation.replay_method import replay as replay_log
from onetake.types import BatchSpec, CountReward, LoggedDecisions

pytestmark = pytest.mark.replay_method

RATES = np.array([0.3, 0.5, 0.7])


def coins(count: int, seed: int, chances: Any = (1 / 3, 1 / 3, 1 / 3)) -> LoggedDecisions:
    rng, chances = np.random.default_rng(seed), np.array(chances)
    action = rng.choice(3, count, p=chances)
    reward = (rng.random(count) < RATES[action]).astype(np.float64)
    return LoggedDecisions(np.zeros((count, 0)), action, reward, chances[action], num_actions=3)


def spec() -> BatchSpec:
    one = np.zeros(1, np.uint32)
    counts = CountReward(np.array(1.0), np.ones(3), np.zeros(3))
    return BatchSpec("log/decisions-v0", one, one, 3, (), None, np.array(0.0), np.array(1.0), counts)


@pytest.mark.parametrize("chances", [(1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2)])
def test_a_fixed_agent_earns_its_arms_rate_and_keeps_its_share_of_an_even_log(chances: Any) -> None:
    found = replay_log(
        "last", make("fixed-v0", action=2), coins(6000, 1, chances), spec(), 1, interval=Interval("normal")
    )
    error = (found.high - found.low) / 3.92
    assert abs(found.value - 0.7) < 4 * error
    # A third of an even log: four binomial errors.
    assert abs(len(found.kept) - found.even / 3) < 4 * np.sqrt(found.even * 2 / 9)
    # What is left of an uneven log is three times its rarest action.
    assert abs(found.even - 6000 * 3 * min(chances)) < 4 * np.sqrt(6000) / 2


def test_an_agent_that_learns_is_judged_while_it_learns_as_it_would_be_live() -> None:
    replayed, live = [], []
    for seed in range(30):
        found = replay_log("thompson", make("thompson-v0"), coins(900, seed), spec(), seed)
        replayed.append(found.reward[:250].mean())
        live.append(played(seed, 250))
    # Both are means of 30 runs of 250 decisions.
    error = np.sqrt((np.var(replayed) + np.var(live)) / 29)
    assert abs(np.mean(replayed) - np.mean(live)) < 4 * error
    assert np.mean(replayed) > RATES.mean() + 0.05
    assert found.running[-1] == pytest.approx(found.value)
    assert found.low <= found.value <= found.high


def played(seed: int, steps: int) -> float:
    """Mean reward of Thompson sampling on the same coins, tossed live: Beta posteriors in a plain loop."""
    rng, wins, losses, earned = np.random.default_rng(1000 + seed), np.ones(3), np.ones(3), 0.0
    for _ in range(steps):
        arm = int(np.argmax(rng.beta(wins, losses)))
        reward = rng.random() < RATES[arm]
        earned += reward
        wins[arm] += reward
        losses[arm] += 1 - reward
    return earned / steps


@pytest.mark.bad_input
def test_logs_that_cannot_be_replayed_are_refused() -> None:
    with pytest.raises(EstimateError, match="got propensities that are estimated; wanted exact ones"):
        replay_log("x", make("random-v0"), replace(coins(10, 1), propensity_kind="estimated"), spec(), 1)
    never = replace(coins(40, 1), action=np.zeros(40, np.int64), propensity=np.ones(40))
    with pytest.raises(EstimateError, match="replay of x: got 0 rows on which agent and log agree"):
        replay_log("x", make("fixed-v0", action=1), never, spec(), 1)
