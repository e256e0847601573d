"""The suite of a fit plays the draws of that fit, and nothing else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onetake.calibration.fit import fit_bandit
from onetake.calibration.fitted_suite import FittedPlan, parameter_draws
from onetake.calibration.planted import planted_log
from onetake.calibration.settings import FitSettings
from onetake.errors import ConfigError, SchemaError

pytestmark = pytest.mark.calibration

LOG, _ = planted_log((0.2, 0.5, 0.7), rows=1500, segments=6, spread=0.8, seed=1)
FIT = fit_bandit(LOG, FitSettings(seed=3, draws=4, seeds=3, report_draws=40, folds=2))
RECORD, DRAWS = FIT.report.record(), parameter_draws(FIT)


def test_each_replicate_plays_the_rates_of_its_draw() -> None:
    suite = FittedPlan(seed=1, steps=7).make("test", RECORD, DRAWS)
    entry = suite.environments[0]
    env = entry.make(seed=5)
    env.reset(seed=5)
    expected = env.expected_reward().reshape(12, 6, 3)
    rates = FIT.rates("test")
    for replicate in range(12):
        np.testing.assert_allclose(expected[replicate], rates[replicate // 3], rtol=1e-12)


def test_parts_have_other_parameter_draws() -> None:
    tune, test = (DRAWS.filter(pl.col("part") == part)["rate_0"] for part in ("tune", "test"))
    assert len(tune) == len(test) == 4 * 6
    assert set(tune.to_list()).isdisjoint(test.to_list())


def test_incumbent_is_the_logging_policy_and_the_fit_is_named() -> None:
    suite = FittedPlan(seed=1, steps=7).make("test", RECORD, DRAWS)
    assert suite.incumbent is not None
    np.testing.assert_allclose(suite.incumbent["probabilities"], np.bincount(LOG.action) / 1500)
    assert suite.fitted is not None
    assert suite.fitted["id"] == f"planted-{FIT.report.hash[:12]}"
    assert suite.fitted["assignment"] == "randomised"


def test_playing_the_logging_policy_brings_back_the_logged_total() -> None:
    """12 replicates × 6 segments × 400 people: the mean reward is the log's but for sampling and parameter draws."""
    suite = FittedPlan(seed=1, steps=400).make("test", RECORD, DRAWS)
    env = suite.environments[0].make(seed=5)
    env.reset(seed=5)
    rng = np.random.default_rng(1)
    total = 0.0
    for _ in range(400):
        action = rng.choice(3, size=env.num_envs, p=RECORD["logging_policy"])
        total += env.step(action)[1].sum()
    mean, logged = total / (400 * env.num_envs), float(LOG.success.mean())
    # Variance of the log's mean, of the posterior mean over 4 draws, and of segments counted evenly, all at most 0.25 /
    # 1500 each, and 0.25 / 28,800 of the simulation: three standard errors.
    assert abs(mean - logged) < 3.0 * np.sqrt(0.25 / 1500 * 3 + 0.25 / 28_800)


@pytest.mark.bad_input
def test_draws_of_another_fit_and_an_episode_without_steps_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"^draws of planted: got 23 rows of test with rate_0, .*; wanted 24 "):
        FittedPlan(seed=1, steps=7).make("test", RECORD, DRAWS[:-1])
    with pytest.raises(ConfigError, match=r"^steps: got 0; wanted a whole number, at least 1 "):
        FittedPlan(seed=1, steps=0)
