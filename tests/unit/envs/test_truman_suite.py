"""truman's environments against the closed-form mean and variance of each step."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from onetake.envs import SimVectorEnv, find, make_vec, registered, truman

pytestmark = pytest.mark.truman_suite

LEVELS: dict[str, Callable[[int], float]] = {
    "Static": lambda t: 1.0,
    "Matching_sin7": lambda t: 1 + math.sin(2 * math.pi * (t % 7) / 7),
    "NonStationaryTrend": lambda t: 0.5 + min(0.0025 * t, 1),
}
CASES = [(behaviour, rates) for behaviour in LEVELS for rates in truman.RATES]


def test_all_ten_ids_are_registered() -> None:
    assert set(truman.environments()) <= set(registered())
    assert len([i for i in registered() if "TimePeriodStep" in i]) == 9
    assert find("TimePeriodStep:Static:conv_1:0.002:conv_2:0.003-v0").config["q"] == [0.002, 0.003]


@pytest.mark.parametrize(("behaviour", "rates"), CASES)
def test_each_step_of_a_cohort_has_its_mean_and_variance(behaviour: str, rates: tuple[float, float]) -> None:
    """Mean: 2 × 365 × 2 standard normals stay below 5.5 (all of 13,140 over the nine: chance of failure 5e-4).

    Variance: the relative error of a sample variance has standard deviation sqrt((kurtosis - 1) / n); 6 of them.
    Counts here have at least 0.3 expected events, so kurtosis is at most 3 + 1 / 0.3.
    """
    n = 1500
    env = make_vec(truman.time_period_id(behaviour, rates), n)
    env.reset(seed=17)
    action = np.arange(n) % 2
    for t in range(365):
        obs, reward, terminated, truncated, _ = env.step(action)
        assert not terminated.any()
        assert truncated.all() == truncated.any() == (t == 364)
        assert (reward == obs[:, 1]).all()
        level = LEVELS[behaviour](t)
        p = min(0.5 * level, 1.0)
        for arm in (0, 1):
            conversion = p * min(rates[arm] * level, 1.0)
            for counts, chance in zip(obs[action == arm].T, (p, conversion), strict=True):
                variance = 10_000 * chance * (1 - chance)
                count = len(counts)
                assert abs(counts.mean() - 10_000 * chance) < 5.5 * math.sqrt(variance / count)
                kurtosis = 3 + 1 / min(10_000 * chance, 10_000 * (1 - chance))
                assert abs(counts.astype(float).var() / variance - 1) < 6 * math.sqrt((kurtosis - 1) / count)


def test_weekly_with_trend_walks_as_the_exact_distribution_says() -> None:
    """The walk's exact law on its 41 levels by a Markov chain; 5.5 standard errors for mean and spread of 20,000."""
    n = 20_000
    env = make_vec("WeeklyWithTrend-v0", n)
    env.reset(seed=3)
    levels = 0.8 + 0.01 * np.arange(41)
    law = np.zeros(41)
    law[20] = 1.0
    for t in range(120):
        week = [1, 1, 1, 1, 1, 1.2, 1.2][t % 7]
        expected = env.expected_reward()
        assert np.allclose(expected[:, 1], 2 * expected[:, 0])
        walk = expected[:, 0] / (0.01 * week)
        mean, spread = law @ levels, law @ (levels - law @ levels) ** 2
        assert abs(walk.mean() - mean) <= 5.5 * math.sqrt(spread / n) + 1e-9
        fourth = law @ (levels - mean) ** 4
        # The square of the mean's own error comes on top: it is all there is while the walk has two places.
        error = 5.5 * math.sqrt(max(fourth - spread**2, 0) / n) + 5.5**2 * spread / n
        assert abs(walk.var() - spread) <= error + 1e-9
        _, reward, *_ = env.step(np.ones(n, dtype=np.int64))
        chance = 0.02 * week * mean
        assert abs(reward.mean() - chance) < 5.5 * math.sqrt(chance / n)
        law = moved(law)


def moved(law: np.ndarray) -> np.ndarray:
    """One move: half up, half down, and who would leave stays at the end."""
    up, down = np.zeros(41), np.zeros(41)
    up[1:] = law[:-1]
    up[-1] += law[-1]
    down[:-1] = law[1:]
    down[0] += law[0]
    return 0.5 * (up + down)


def test_nothing_latent_is_told() -> None:
    env = SimVectorEnv("cohort", entities=2)
    assert env.reset(seed=1)[1] == {}
    assert env.step(np.zeros(2, dtype=np.int64))[4] == {}
