"""Intervals cover as often as they say, also where entities share luck and parameters were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from onetake.errors import ConfigError, ShapeError
from onetake.evaluation.aggregates import mean_score
from onetake.evaluation.resampling import Units, bootstrap, percentile_interval, t_interval, variance_parts
from onetake.types import Float64

pytestmark = pytest.mark.paired

WORLDS = 1_000
LEVEL = 0.95
# Coverage over 1,000 simulated worlds has the standard error sqrt(0.95 * 0.05 / 1000) = 0.0069; three are allowed.
MARGIN = 3 * float(np.sqrt(LEVEL * (1 - LEVEL) / WORLDS))


def paired_worlds(replicates: int) -> Float64:
    """Differences ``(WORLDS, replicates)`` with mean 1 of two agents that share their replicate's shock and learner.

    What the 1,000 entities of a replicate have in common does not average out over them; only replicates are
    independent.
    """
    rng = np.random.default_rng(11)
    shock = rng.normal(1.0, 2.0, size=(WORLDS, replicates))
    return shock + rng.normal(0.0, 1.0, size=(WORLDS, replicates)) / np.sqrt(1_000)


def test_student_interval_over_replicates_covers_at_its_level() -> None:
    hits = [low <= 1.0 <= high for low, high in (t_interval(row, level=LEVEL) for row in paired_worlds(8))]
    assert np.mean(hits) == pytest.approx(LEVEL, abs=MARGIN)


def test_widened_bootstrap_covers_with_few_replicates_where_the_plain_one_does_not() -> None:
    units = [Units("shoes", draws=1, seeds=8)]
    hits = {"plain": 0, "widened": 0}
    for row in paired_worlds(8):
        resampled = bootstrap([row], units, mean_score, resamples=1_000, seed=5)
        for name, given in (("plain", None), ("widened", units)):
            low, high = percentile_interval(resampled, level=LEVEL, units=given)
            hits[name] += low <= 1.0 <= high
    # Normal theory for n = 8: the plain interval reaches z sqrt(7/8) standard errors, which a Student variable on 7
    # degrees of freedom stays within 89 % of the time. 1,000 resamples blur the ends by another half per cent.
    assert hits["widened"] / WORLDS == pytest.approx(LEVEL, abs=MARGIN + 0.005)
    assert hits["plain"] / WORLDS == pytest.approx(0.892, abs=3 * np.sqrt(0.89 * 0.11 / WORLDS) + 0.005)


def test_interval_over_parameter_draws_covers_where_one_over_seeds_does_not() -> None:
    rng = np.random.default_rng(13)
    draws, seeds = 10, 20
    worlds = rng.normal(1.0, 1.0, size=(WORLDS, draws, 1)) + rng.normal(0.0, 1.0, size=(WORLDS, draws, seeds))
    rows = worlds.reshape(WORLDS, draws * seeds)
    right = np.mean([low <= 1.0 <= high for low, high in (t_interval(row, level=LEVEL, draws=draws) for row in rows)])
    wrong = np.mean([low <= 1.0 <= high for low, high in (t_interval(row, level=LEVEL) for row in rows)])
    assert right == pytest.approx(LEVEL, abs=MARGIN)
    assert wrong < 0.7


def test_variance_parts_recover_what_was_put_in() -> None:
    rng = np.random.default_rng(17)
    draws, seeds = 400, 10
    values = (rng.normal(0, 2.0, size=(draws, 1)) + rng.normal(0, 3.0, size=(draws, seeds))).ravel()
    parts = variance_parts(values, draws)
    # A mean square on v degrees of freedom has the relative error sqrt(2 / v); three of them.
    assert parts.seeds == pytest.approx(9.0, rel=3 * np.sqrt(2 / (draws * (seeds - 1))))
    assert parts.draws == pytest.approx(4.0, abs=3 * (4.0 + 0.9) * np.sqrt(2 / (draws - 1)))


def test_a_parameter_draw_is_resampled_with_all_its_seeds() -> None:
    indices = Units("fitted", draws=5, seeds=3).resample(50, seed=1).reshape(50, 5, 3)
    assert (indices[:, :, 0] % 3 == 0).all()
    assert (np.diff(indices, axis=2) == 1).all()


def test_resamples_depend_on_seed_and_environment_only() -> None:
    unit = Units("shoes", draws=1, seeds=6)
    np.testing.assert_array_equal(unit.resample(9, seed=1), unit.resample(9, seed=1))
    assert not np.array_equal(unit.resample(9, seed=1), unit.resample(9, seed=2))
    assert not np.array_equal(unit.resample(9, seed=1), Units("hats", draws=1, seeds=6).resample(9, seed=1))


def test_one_replicate_has_no_interval() -> None:
    assert np.isnan(t_interval(np.array([1.0]))).all()
    assert np.isnan(percentile_interval(np.ones(100), units=[Units("one", 1, 1)])).all()


@pytest.mark.bad_input
@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_a_level_that_is_no_probability_is_refused(level: float) -> None:
    with pytest.raises(ConfigError, match=r"level: got .*; wanted a number between 0 and 1"):
        t_interval(np.array([1.0, 2.0]), level=level)


@pytest.mark.bad_input
def test_replicates_that_do_not_split_into_draws_are_refused() -> None:
    with pytest.raises(ShapeError, match="draws: got 2 for 3 replicates; wanted a divisor"):
        variance_parts(np.array([1.0, 2.0, 3.0]), draws=2)
