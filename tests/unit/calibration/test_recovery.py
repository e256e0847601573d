"""What made a simulated log is found again within its intervals, at the nominal rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import betabinom

from onetake.calibration.beta_binomial import BetaBinomial
from onetake.calibration.cells import Cells
from onetake.calibration.fit import population_rates
from onetake.calibration.logit_normal import LogitNormal
from onetake.calibration.planted import planted_log
from onetake.calibration.rate_model import AbstractRateModel

pytestmark = pytest.mark.calibration

MODELS: list[AbstractRateModel] = [LogitNormal(), BetaBinomial()]


def test_intervals_of_arm_rates_cover_the_truth_at_the_nominal_rate() -> None:
    """30 logs × 3 arms at 90 %: 90 trials."""
    inside = 0
    for seed in range(30):
        log, truth = planted_log((0.2, 0.35, 0.6), rows=600, segments=12, spread=0.6, seed=seed)
        cells = log.cells()
        drawn = population_rates(cells, LogitNormal().fit(cells).draw(150, seed))
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        true_rates = population_rates(cells, truth[None])[0]
        inside += int(((low <= true_rates) & (true_rates <= high)).sum())
    # Three standard errors of a share of 0.9 in 90 trials, doubled in variance for arms that share a log's segments.
    margin = 3.0 * np.sqrt(2.0 * 0.9 * 0.1 / 90)
    assert abs(inside / 90 - 0.9) < margin


def test_intervals_of_segments_cover_the_truth_at_the_nominal_rate() -> None:
    """10 logs × 30 segments × 2 arms at 90 %."""
    inside, total = 0, 0
    for seed in range(10):
        log, truth = planted_log((0.25, 0.5), rows=900, segments=30, spread=0.8, seed=100 + seed)
        low, high = np.quantile(LogitNormal().fit(log.cells()).draw(200, seed), [0.05, 0.95], axis=0)
        inside += int(((low <= truth) & (truth <= high)).sum())
        total += truth.size
    # A segment's two rates share one effect: 300 independent trials; three standard errors.
    assert abs(inside / total - 0.9) < 3.0 * np.sqrt(0.9 * 0.1 / 300)


def test_spread_between_segments_is_recovered() -> None:
    log, _ = planted_log((0.3, 0.5), rows=12_000, segments=150, spread=0.7, seed=5)
    spread = LogitNormal().fit(log.cells()).parameters()["segment_deviation"]
    assert isinstance(spread, dict)
    # 150 effects have a sample deviation of 0.7 (1 ± 1 / sqrt(300)): an interval of 95 % is about 0.16 wide by itself.
    assert spread["low"] < 0.7 < spread["high"]
    assert spread["high"] - spread["low"] < 0.5


def test_segments_that_are_alike_are_pooled_together() -> None:
    log, _ = planted_log((0.3, 0.5), rows=4_000, segments=40, spread=0.0, seed=6)
    cells = log.cells()
    rates = LogitNormal().fit(cells).draw(200, 1).mean(axis=0)
    raw = cells.successes / np.maximum(cells.trials, 1.0)
    assert np.std(rates, axis=0).max() < 0.3 * np.std(raw, axis=0).min()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_an_arm_without_success_keeps_a_small_positive_rate(model: AbstractRateModel) -> None:
    cells = Cells(np.array([[200.0, 200.0], [200.0, 200.0]]), np.array([[0.0, 20.0], [0.0, 24.0]]))
    rates = model.fit(cells).draw(200, 3)
    assert rates.min() > 0.0
    assert np.median(rates[:, :, 0]) < 0.02


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_draws_are_the_same_again_and_the_first_of_many_are_those_of_few(model: AbstractRateModel) -> None:
    log, _ = planted_log((0.2, 0.4), rows=500, segments=7, spread=0.5, seed=2)
    posterior = model.fit(log.cells())
    assert np.array_equal(posterior.draw(6, 9), posterior.draw(6, 9))
    assert np.array_equal(posterior.draw(6, 9), posterior.draw(20, 9)[:6])
    assert not np.array_equal(posterior.draw(6, 9), posterior.draw(6, 10))


def test_posterior_means_equal_those_of_weighted_prior_draws() -> None:
    """The whole model by brute force: draws from the prior, weighted by their likelihood."""
    cells = Cells(np.array([[30.0, 30.0], [40.0, 10.0]]), np.array([[9.0, 21.0], [20.0, 8.0]]))
    rng = np.random.default_rng(1)
    size = 600_000
    centre = logit(cells.pooled_rate) + 2.5 * rng.normal(size=(size, 1, 1))
    between, spread = 1.5 * np.abs(rng.normal(size=(size, 1, 1))), np.abs(rng.normal(size=(size, 1, 1)))
    alpha, effect = centre + between * rng.normal(size=(size, 1, 2)), spread * rng.normal(size=(size, 2, 1))
    rates = expit(alpha + effect)
    log_weight = (cells.successes * np.log(rates) + (cells.trials - cells.successes) * np.log1p(-rates)).sum(
        axis=(1, 2)
    )
    weight = np.exp(log_weight - log_weight.max())
    expected = np.tensordot(weight / weight.sum(), rates, axes=1)
    assert weight.sum() ** 2 / np.sum(weight**2) > 2_000
    drawn = LogitNormal().fit(cells).draw(4000, 1).mean(axis=0)
    # A rate's posterior deviation is at most 0.12: three standard errors are 0.008 of the reference and 0.006 of the
    # draws; what is left is the error of Laplace's approximation, at most 0.01 for counts of this size.
    np.testing.assert_allclose(drawn, expected, atol=0.01 + np.hypot(0.008, 0.006))


def test_beta_binomial_weights_equal_scipy() -> None:
    trials, successes = np.array([12.0, 30.0, 7.0]), np.array([3.0, 14.0, 0.0])
    mean, concentration, weights = BetaBinomial()._weigh(trials, successes)
    a, b = mean * concentration, (1 - mean) * concentration
    density = mean * (1 - mean) * concentration / (1 + concentration) ** 2
    for tried, succeeded in zip(trials, successes, strict=True):
        density = density * betabinom.pmf(succeeded, tried, a, b)
    np.testing.assert_allclose(weights, density / density.sum(), rtol=1e-8)
