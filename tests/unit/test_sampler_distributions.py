"""Each sampler against SciPy's distribution, on a million draws, and counts against SciPy's own quantile.

Seeds are fixed and p-values must exceed 1e-3: right samplers fail one of these some thirty-five tests with probability
below 4 % when a seed is first chosen, and never afterwards.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from onetake import _core
from onetake.draws import AGENT, Draws, exp, log, power

N = 1_000_000
LEAST = 1e-3
pytestmark = pytest.mark.samplers


def draws(seed: int) -> Draws:
    return Draws(seed, entities=N)


def assert_counts_fit(counts: np.ndarray, law) -> None:
    """χ² over counts whose expectation is at least 10, tails pooled."""
    low, high = int(law.ppf(2e-5)), int(law.ppf(1 - 2e-5))
    edges = np.arange(low, high + 1)
    wanted = np.concatenate([[law.cdf(low)], law.pmf(edges[1:-1]), [law.sf(high - 1)]]) if high > low else np.ones(1)
    seen = np.bincount(np.clip(counts, low, high) - low, minlength=len(wanted))
    keep = wanted * N >= 10
    seen = np.append(seen[keep], seen[~keep].sum())
    wanted = np.append(wanted[keep], wanted[~keep].sum())
    if wanted[-1] == 0:
        seen, wanted = seen[:-1], wanted[:-1]
    if len(seen) > 1:
        assert stats.chisquare(seen, wanted / wanted.sum() * N).pvalue > LEAST
    assert abs(counts.mean() - law.mean()) <= 4.5 * law.std() / N**0.5 + 1e-9


@pytest.mark.parametrize(
    ("seed", "n", "p"),
    [
        (1, 1, 0.3), (2, 1, 1e-4), (3, 10, 0.5), (4, 100, 0.02), (5, 100, 0.97), (6, 1_000, 0.02),
        (7, 10_000, 0.5), (8, 5_000, 0.02), (9, 4_000_000_000, 1e-9), (10, 1_000_000, 0.999),
    ],
)  # fmt: skip
def test_binomial_counts_have_scipys_distribution(seed, n, p):
    assert_counts_fit(draws(seed).binomial(n, p, 0), stats.binom(n, p))


@pytest.mark.parametrize(("seed", "rate"), [(11, 1e-3), (12, 0.8), (13, 7.0), (14, 40.0), (15, 900.0)])
def test_poisson_counts_have_scipys_distribution(seed, rate):
    assert_counts_fit(draws(seed).poisson(rate, 0), stats.poisson(rate))


@pytest.mark.parametrize(("seed", "shape"), [(21, 0.05), (22, 0.6), (23, 1.0), (24, 1.3), (25, 9.0), (26, 1e4)])
def test_gamma_numbers_have_scipys_distribution(seed, shape):
    assert stats.kstest(draws(seed).gamma(shape, 3.0, 0), stats.gamma(shape, scale=3.0).cdf).pvalue > LEAST


@pytest.mark.parametrize(
    ("seed", "a", "b"),
    [
        (31, 1.0, 1.0), (32, 0.5, 0.5), (33, 0.2, 3.0), (34, 3.0, 40.0), (35, 1.0, 900.0), (36, 1e4, 2e4),
        (37, 4.0, 1.0), (38, 0.3, 1.0), (39, 1.0, 0.6), (40, 2.0, 2.0), (47, 1.2, 1.1), (48, 0.7, 1e3),
    ],
)  # fmt: skip
def test_beta_numbers_have_scipys_distribution(seed, a, b):
    assert stats.kstest(draws(seed).beta(a, b, 0), stats.beta(a, b).cdf).pvalue > LEAST


def test_beta_numbers_of_mixed_shapes_have_scipys_distributions():
    # Shapes of 1 have formulas of their own, and few or many of a block of 256 may have them: each way at once.
    shapes = np.array([(1, 1), (1, 3), (2, 1), (2, 3), (1, 1), (0.5, 2), (5, 4), (1, 0.5)], dtype=float)
    rare = np.random.default_rng(0).integers(0, 8, N)
    for seed, kind in enumerate((rare, np.where(rare < 7, 3, 1), np.where(rare < 7, 2, 6)), start=49):
        a, b = shapes[kind].T
        share = draws(seed).beta(np.ascontiguousarray(a), np.ascontiguousarray(b), 0)
        # The probability transform makes one uniform sample of all.
        assert stats.kstest(stats.beta(a, b).cdf(share), "uniform").pvalue > LEAST


def test_uniform_and_normal_numbers_have_scipys_distributions():
    assert stats.kstest(draws(41).uniform(0), stats.uniform.cdf).pvalue > LEAST
    assert stats.kstest(draws(42).normal(2.0, 3.0, 0), stats.norm(2.0, 3.0).cdf).pvalue > LEAST


def test_yes_and_arms_come_with_their_probabilities():
    yes = draws(43).bernoulli(0.07, 0).sum()
    assert stats.binomtest(int(yes), N, 0.07).pvalue > LEAST
    chances = np.array([0.1, 0.0, 0.35, 0.05, 0.5, 0.0])
    arms = np.bincount(draws(44).categorical(chances, 0), minlength=6)
    assert arms[1] == arms[5] == 0
    assert stats.chisquare(arms[chances > 0], chances[chances > 0] * N).pvalue > LEAST


def test_tiny_shapes_stay_in_range():
    share = Draws(45, entities=1000).beta(1e-4, 1e-4, 0)
    assert ((share >= 0) & (share <= 1)).all()
    # Both shapes near 0: a coin, so the mean is that of 1000 coins.
    assert abs(share.mean() - 0.5) < 4.5 * 0.5 / 1000**0.5


def test_certain_draws_are_certain():
    some = Draws(46, entities=2000)
    assert not some.bernoulli(0.0, 0).any()
    assert some.bernoulli(1.0, 0).all()
    assert (some.binomial(77, 1.0, 0) == 77).all()
    assert not some.binomial(77, 0.0, 0).any()
    assert not some.binomial(0, 0.4, 0).any()
    assert not some.poisson(0.0, 0).any()
    assert (some.normal(5.0, 0.0, 0) == 5.0).all()


def test_counts_and_normals_equal_a_plain_loop_over_scipys_quantiles():
    generator = np.random.default_rng(47)
    m = 4000
    unit = (_core.words(48, AGENT, 0, 0, 5, 0, 0, m).astype(np.float64) + 0.5) / 2**32
    n = np.floor(10 ** generator.uniform(0, 5, m)).astype(np.int64)
    p = 10 ** generator.uniform(-4, 0, m)
    some = Draws(48, entities=m)
    counts, wanted = some.binomial(n, p, 5), stats.binom.ppf(unit, n, p)
    # Only where the uniform stands on a step of the distribution function, to 1e-10, may the two disagree.
    tie = np.abs(stats.binom.cdf(np.minimum(counts, wanted), n, p) - unit) < 1e-10
    assert (counts == wanted)[~tie].all()
    assert tie.sum() < 5
    events, wanted = some.poisson(n * p, 5), stats.poisson.ppf(unit, n * p)
    tie = np.abs(stats.poisson.cdf(np.minimum(events, wanted), n * p) - unit) < 1e-10
    assert (events == wanted)[~tie].all()
    np.testing.assert_allclose(some.normal(0, 1, 5), stats.norm.ppf(unit), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(some.bernoulli(p, 5), unit < p)


def test_raising_a_chance_never_lowers_a_draw():
    some = Draws(49, entities=20_000)
    lower, higher = np.linspace(0, 0.99, 20_000), np.linspace(0.01, 1, 20_000)
    assert (some.binomial(300, lower, 0) <= some.binomial(300, higher, 0)).all()
    assert (some.poisson(99 * lower, 0) <= some.poisson(99 * higher, 0)).all()
    assert (some.bernoulli(lower, 0) <= some.bernoulli(higher, 0)).all()


def test_elementary_functions_agree_with_numpy_to_rounding():
    x = np.geomspace(1e-300, 1e300, 10_001)
    np.testing.assert_allclose(log(x), np.log(x), rtol=5e-16)
    y = np.linspace(-700, 700, 10_001)
    np.testing.assert_allclose(exp(y), np.exp(y), rtol=6e-16)
    np.testing.assert_allclose(power(x, 0.37), np.power(x, 0.37), rtol=5e-16)
    assert exp(-np.inf) == 0.0
    assert exp(1000.0) == np.inf
