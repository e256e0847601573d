"""Outcomes beyond 0 and 1: the stated distribution, the stated spread, and luck that stays paired."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake.envs import SimVectorEnv
from onetake.types import Float64

pytestmark = pytest.mark.outcome_families

N = 200_000
MEANS = [3.0, 0.4]


def outcomes(config: dict[str, Any], arm: int = 0, seed: int = 1, n: int = N) -> tuple[Float64, Float64]:
    """Rewards of one step of many environments, and what was expected of them."""
    env = SimVectorEnv("bandit", config, entities=n)
    env.reset(seed=seed)
    expected = env.expected_reward()[:, arm]
    return env.step(np.full(n, arm))[1], expected


def moments_agree(got: Float64, law: Any, slack: float = 0.0) -> None:
    """Mean and variance within five standard errors; ``slack`` is what a table leaves out of the variance."""
    n = len(got)
    assert abs(got.mean() - law.mean()) < 5 * law.std() / np.sqrt(n)
    fourth = float(law.stats(moments="k")) + 2
    assert abs(got.var() / law.var() - 1) < 5 * np.sqrt(fourth / n) + slack


def counts_agree(got: Float64, law: Any, slack: float = 0.0) -> None:
    """Distribution functions differ by less than 1.95 / sqrt(n), which has a chance below 1e-3."""
    counts = np.arange(int(law.ppf(0.9999)) + 1)
    reached = np.searchsorted(np.sort(got), counts, side="right") / len(got)
    assert abs(reached - law.cdf(counts)).max() < 1.95 / np.sqrt(len(got)) + slack


@pytest.mark.parametrize("arm", [0, 1])
def test_poisson_counts_have_their_distribution(arm: int) -> None:
    got, expected = outcomes({"rate": MEANS, "outcome": {"kind": "poisson"}}, arm)
    law = stats.poisson(MEANS[arm])
    assert (expected == MEANS[arm]).all()
    moments_agree(got, law)
    counts_agree(got, law)


@pytest.mark.parametrize("dispersion", [0.2, 1.0, 3.0])
def test_negative_binomial_counts_meet_the_stated_dispersion(dispersion: float) -> None:
    config = {"rate": MEANS, "outcome": {"kind": "negative_binomial", "dispersion": dispersion}}
    got, expected = outcomes(config)
    law = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * MEANS[0]))
    assert law.var() == pytest.approx(MEANS[0] + dispersion * MEANS[0] ** 2)
    assert (expected == MEANS[0]).all()
    # Equal parts of the gamma distribution leave out less than 0.1 % of its variance.
    moments_agree(got, law, slack=1e-3)
    counts_agree(got, law, slack=1e-3)


@pytest.mark.parametrize("deviation", [0.25, 0.8])
def test_log_normal_money_has_its_mean_and_spread(deviation: float) -> None:
    got, expected = outcomes({"rate": MEANS, "outcome": {"kind": "log_normal", "deviation": deviation}})
    law = stats.norm(np.log(MEANS[0]) - deviation**2 / 2, deviation)
    assert (expected == MEANS[0]).all()
    moments_agree(np.log(got), law)
    assert stats.kstest(np.log(got), law.cdf).pvalue > 1e-3
    assert abs(got.mean() - MEANS[0]) < 5 * got.std() / np.sqrt(N)


def test_zero_inflated_counts_have_more_zeros_and_their_variance() -> None:
    """Zero-inflated Poisson: mean (1 - z) m, variance (1 - z) m (1 + z m) (Lambert 1992)."""
    zeros, mean = 0.35, MEANS[0]
    got, expected = outcomes({"rate": MEANS, "outcome": {"kind": "poisson"}, "zeros": zeros})
    share = zeros + (1 - zeros) * np.exp(-mean)
    assert expected == pytest.approx((1 - zeros) * mean)
    assert abs((got == 0).mean() - share) < 5 * np.sqrt(share * (1 - share) / N)
    variance = (1 - zeros) * mean * (1 + zeros * mean)
    assert abs(got.mean() - (1 - zeros) * mean) < 5 * np.sqrt(variance / N)
    fourth = float(((got - got.mean()) ** 4).mean()) / variance**2
    assert abs(got.var() / variance - 1) < 5 * np.sqrt((fourth - 1) / N)


def test_zeros_inflate_dispersed_counts_and_money_too() -> None:
    for outcome in ({"kind": "negative_binomial", "dispersion": 0.5}, {"kind": "log_normal", "deviation": 0.5}):
        plain, _ = outcomes({"rate": MEANS, "outcome": outcome})
        got, expected = outcomes({"rate": MEANS, "outcome": outcome, "zeros": 0.4})
        kept = (got > 0) | (plain == 0)
        assert (got[kept] == plain[kept]).all()
        share = (plain > 0).mean() * 0.6
        assert abs((got > 0).mean() - share) < 5 * np.sqrt(share * (1 - share) / N)
        assert abs(got.mean() - expected.mean()) < 5 * got.std() / np.sqrt(N)


@pytest.mark.parametrize("correlation", [0.02, 0.2])
@pytest.mark.parametrize("own", [False, True])
def test_beta_binomial_counts_meet_the_stated_correlation(correlation: float, own: bool) -> None:
    """Variance n q (1 - q) (1 + (n - 1) rho); parts of the beta law leave out less than 2 % of its variance."""
    size, q, n = 40, 0.15, 100_000
    config = {"size": size, "p": 1.0, "q": [q], "q_correlation": correlation}
    columns = {"q": np.full(n, q)} if own else None
    env = SimVectorEnv("cohort", config, entities=n, columns=columns)
    env.reset(seed=2)
    assert env.expected_reward() == pytest.approx(size * q)
    got = env.step(np.zeros(n, dtype=np.int64))[0][:, 1].astype(np.float64)
    people = (1 - correlation) / correlation
    law = stats.betabinom(size, q * people, (1 - q) * people)
    assert law.var() == pytest.approx(size * q * (1 - q) * (1 + (size - 1) * correlation))
    fourth = float(((got - got.mean()) ** 4).mean()) / law.var() ** 2
    assert abs(got.mean() - law.mean()) < 5 * law.std() / np.sqrt(n)
    assert abs(got.var() / law.var() - 1) < 5 * np.sqrt((fourth - 1) / n) + 0.02
    counts_agree(got, law, slack=2e-3)


def test_interactions_can_be_beta_binomial_by_themselves() -> None:
    n, size, p, rho = 100_000, 60, 0.4, 0.1
    config = {"size": size, "p": p, "q": 1.0, "p_correlation": rho, "scale": [1.0]}
    env = SimVectorEnv("cohort", config, entities=n)
    env.reset(seed=2)
    got = env.step(np.zeros(n, dtype=np.int64))[0][:, 0].astype(np.float64)
    variance = size * p * (1 - p) * (1 + (size - 1) * rho)
    fourth = float(((got - got.mean()) ** 4).mean()) / variance**2
    assert abs(got.var() / variance - 1) < 5 * np.sqrt((fourth - 1) / n) + 0.02


LAWS: dict[str, dict[str, Any]] = {
    "poisson": {"outcome": {"kind": "poisson"}},
    "negative_binomial": {"outcome": {"kind": "negative_binomial", "dispersion": 0.7}},
    "log_normal": {"outcome": {"kind": "log_normal", "deviation": 0.6}},
    "zero_inflated": {"outcome": {"kind": "poisson"}, "zeros": 0.2},
}


@pytest.mark.common_random_numbers
@pytest.mark.parametrize("law", sorted(LAWS))
def test_luck_grows_with_the_rate_and_stays_paired(law: str) -> None:
    config = {"rate": [2.0, 2.02, 3.0], **LAWS[law]}
    low, near, high = (outcomes(config, arm, n=50_000)[0] for arm in range(3))
    assert (low <= near).all()
    assert (near <= high).all()
    assert (low - near).var() < 0.05 * (low.var() + near.var())


@pytest.mark.common_random_numbers
def test_luck_of_people_who_are_alike_grows_with_the_chance_and_stays_paired() -> None:
    n = 50_000
    config = {"size": 10_000, "p": 0.5, "q": [0.02, 0.021, 0.05], "p_correlation": 0.02, "q_correlation": 0.05}
    env = SimVectorEnv("cohort", config, entities=n)
    env.reset(seed=3)
    low, near, high = (env.fork().step(np.full(n, arm))[1] for arm in range(3))
    assert (low <= near).all()
    assert (near <= high).all()
    assert (low - near).var() < 0.05 * (low.var() + near.var())


@pytest.mark.parametrize("law", sorted(LAWS))
def test_outcomes_follow_columns_segments_and_modifiers_and_stay_within_bounds(law: str) -> None:
    rate = np.random.default_rng(1).uniform(0, 5, (3000, 2))
    config = {
        "scale": [2.0, -1.0],
        "offset": [0.5, 0.0],
        "horizon": 6,
        "segment_multipliers": [[1.0, 0.5], [2.0, 1.0]],
        "modifiers": [
            {"kind": "trend", "slope": 0.2},
            {"kind": "change_point", "at": [3], "values": [1, 2], "arms": [1]},
        ],
        **LAWS[law],
    }
    env = SimVectorEnv("bandit", config, entities=3000, columns={"rate": rate})
    env.reset(seed=4)
    spec = env.batch_spec
    assert spec.count_reward is None
    earned, expected = np.zeros(2), np.zeros(2)
    for t in range(6):
        action = np.full(3000, t % 2)
        expected[t % 2] += env.expected_reward()[:, t % 2].sum()
        obs, reward, *_ = env.step(action)
        earned[t % 2] += reward.sum()
        assert obs in env.observation_space
        assert (reward >= spec.reward_low).all()
        assert (reward <= spec.reward_high).all()
    # 9,000 draws of each arm with means up to 16: sums of some 60,000 whose spread is below 2 %.
    assert earned == pytest.approx(expected, rel=0.06)
