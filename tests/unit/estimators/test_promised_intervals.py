"""Intervals with a promise at any size, and what bootstrap and normal ones hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from onetake.errors import ConfigError, EstimateError
from onetake.estimators import Contributions, Interval, TargetPolicy, Thresholds, make
from onetake.estimators.promised import anytime, empirical_bernstein, hoeffding
from onetake.types import LoggedDecisions

pytestmark = pytest.mark.coverage

TARGET = TargetPolicy("mostly the best", np.array([[0.2, 0.2, 0.6]]))
RATES, CHANCES = np.array([0.2, 0.5, 0.8]), np.array([0.5, 0.3, 0.2])
TRUTH = 0.2 * 0.2 + 0.2 * 0.5 + 0.6 * 0.8
ANY = Thresholds(refuse_ess=0, refuse_overlap=0)


def coins(count: int, seed: int) -> LoggedDecisions:
    rng = np.random.default_rng(seed)
    action = rng.choice(3, count, p=CHANCES)
    reward = (rng.random(count) < RATES[action]).astype(np.float64)
    return LoggedDecisions(np.zeros((count, 0)), action, reward, CHANCES[action], num_actions=3)


def share_covered(interval: Any, count: int, logs: int, **settings: Any) -> float:
    hits = 0
    for seed in range(logs):
        found = make("ips", **settings).estimate(coins(count, seed), TARGET, interval=interval, thresholds=ANY)
        hits += found.low <= TRUTH <= found.high
    return hits / logs


@pytest.mark.parametrize("interval", [Interval("normal"), Interval("bootstrap", resamples=400)], ids=lambda i: i.method)
def test_on_well_behaved_logs_they_cover_as_often_as_they_say(interval: Interval) -> None:
    # 1,000 logs: three standard errors of a share of 0.95 are 0.021.
    assert 0.93 <= share_covered(interval, 500, 1000) <= 0.97


@pytest.mark.parametrize("method", ["hoeffding", "empirical_bernstein", "anytime"])
@pytest.mark.parametrize("count", [8, 300])
def test_promised_intervals_cover_at_least_as_often_as_they_say(method: Any, count: int) -> None:
    interval = Interval(method, rewards=(0, 1), largest_weight=3.0)
    # The promise is 0.95; four standard errors of 1,000 logs below it would be 0.92, but these hold far more.
    assert share_covered(interval, count, 1000) >= 0.95


def test_an_anytime_interval_holds_at_every_moment_at_once_and_a_normal_one_does_not() -> None:
    rng, logs, looks = np.random.default_rng(5), 400, np.arange(20, 401, 10)
    missed = {"anytime": 0, "normal": 0}
    for _ in range(logs):
        values = (rng.random(400) < 0.3).astype(np.float64)
        ends = [anytime(values[:n], 0.95) for n in looks]
        missed["anytime"] += any(not low <= 0.3 <= high for low, high in ends)
        normal = [Interval("normal").ends(Contributions(values[:n])) for n in looks]
        missed["normal"] += any(not low <= 0.3 <= high for low, high in normal)
    assert missed["anytime"] <= 0.05 * logs
    assert missed["normal"] > 0.15 * logs


def test_formulas_on_paper() -> None:
    values = np.array([0.0, 1.0, 1.0, 0.0])
    half = math.sqrt(math.log(40) / 8)
    assert hoeffding(values, 0.95) == pytest.approx((0.5 - half, 0.5 + half))
    half = math.sqrt(2 * (1 / 3) * math.log(80) / 4) + 7 * math.log(80) / 9
    assert empirical_bernstein(values, 0.95) == pytest.approx((0.5 - half, 0.5 + half))
    doubt, mean, variance, staked, middle, paid = math.log(40), 0.5, 0.25, 0.0, 0.0, doubt_of(0.95)
    for t, value in enumerate(values, start=1):
        bet = min(math.sqrt(2 * doubt / (variance * t * math.log(1 + t))), 0.5)
        staked, middle = staked + bet, middle + bet * value
        paid += (value - mean) ** 2 * (-math.log(1 - bet) - bet)
        seen = values[:t]
        mean = (0.5 + seen.sum()) / (t + 1)
        means = [(0.5 + seen[:i].sum()) / (i + 1) for i in range(1, t + 1)]
        variance = (0.25 + sum((x - m) ** 2 for x, m in zip(seen, means, strict=True))) / (t + 1)
    assert anytime(values, 0.95) == pytest.approx(((middle - paid) / staked, (middle + paid) / staked))


def doubt_of(level: float) -> float:
    return math.log(2 / (1 - level))


def test_empirical_bernstein_is_narrower_where_rewards_hardly_vary() -> None:
    values = np.full(2000, 0.5)
    values[::100] = 0.6
    narrow, wide = empirical_bernstein(values, 0.95), hoeffding(values, 0.95)
    assert narrow[1] - narrow[0] < 0.5 * (wide[1] - wide[0])


def test_a_doubly_robust_estimate_has_bounds_and_a_ratio_has_none() -> None:
    interval = Interval("hoeffding", rewards=(0, 1), largest_weight=3.0)
    found = make("dr").estimate(coins(2000, 1), TARGET, interval=interval)
    assert found.low <= TRUTH <= found.high
    with pytest.raises(EstimateError, match=r"got a ratio of sums; wanted an estimate that is a mean"):
        make("snips").estimate(coins(200, 1), TARGET, interval=interval)
    with pytest.raises(EstimateError, match="got hoeffding for an estimate without bounds; wanted bootstrap or normal"):
        make("dm").estimate(coins(200, 1), TARGET, interval=interval)


@pytest.mark.bad_input
def test_bounds_must_be_given_and_kept() -> None:
    with pytest.raises(ConfigError, match=r"interval.rewards: got none; wanted the least and largest reward"):
        Interval("hoeffding")
    with pytest.raises(ConfigError, match=r"interval.rewards: got \(1, 0\); wanted two finite numbers"):
        Interval("anytime", rewards=(1, 0))
    with pytest.raises(ConfigError, match=r"interval.method: got 'wald'; wanted bootstrap, normal, hoeffding"):
        Interval("wald")  # type: ignore[arg-type] # what conf may hold
    with pytest.raises(EstimateError, match=r"interval.largest_weight: got none; wanted it, or a clip of ips"):
        make("ips").estimate(coins(200, 1), TARGET, interval=Interval("hoeffding", rewards=(0, 1)))
    tight = Interval("hoeffding", rewards=(0, 1), largest_weight=2.0)
    with pytest.raises(EstimateError, match=r"got contributions in \[0, 3\]; wanted them in \[0, 2\], as declared"):
        make("ips").estimate(coins(200, 1), TARGET, interval=tight)


def test_adaptively_collected_logs_are_covered_as_often_as_stated() -> None:
    """A greedy logger that keeps its chances above 0.05: normal intervals hold the truth less often than they say.

    The documentation states what is measured here: about 0.92 where 0.95 is asked for.
    """
    rng, hits, logs, count = np.random.default_rng(11), 0, 400, 300
    for _ in range(logs):
        wins, tries = np.full(3, 0.5), np.ones(3)
        action, propensity, reward = np.empty(count, np.int64), np.empty(count), np.empty(count)
        for i in range(count):
            chances = np.full(3, 0.05)
            chances[np.argmax(wins / tries)] += 0.85
            arm = int(rng.choice(3, p=chances))
            paid = float(rng.random() < (0.5, 0.5, 0.5)[arm])
            wins[arm] += paid
            tries[arm] += 1
            action[i], propensity[i], reward[i] = arm, chances[arm], paid
        log = LoggedDecisions(np.zeros((count, 0)), action, reward, propensity, num_actions=3)
        found = make("ips").estimate(log, TargetPolicy.always(0, 3), interval=Interval("normal"), thresholds=ANY)
        hits += found.low <= 0.5 <= found.high
    # Measured: 0.92 of 400; three standard errors of a share of 0.92 are 0.04.
    assert 0.88 <= hits / logs <= 0.945
