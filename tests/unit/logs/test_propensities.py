"""Propensities estimated from counts."""

from __future__ import annotations

import numpy as np
import pytest

from onetake.logs.propensity import propensities_from_counts
from onetake.seeding import fold_of

pytestmark = pytest.mark.estimators


def loop(action: list[int], arms: int, smoothing: float, folds: int, stratum: list[int]) -> list[float]:
    fold = fold_of(np.arange(len(action)), folds).tolist()
    estimates = []
    for i in range(len(action)):
        others = [j for j in range(len(action)) if stratum[j] == stratum[i] and (folds == 1 or fold[j] != fold[i])]
        taken = sum(action[j] == action[i] for j in others)
        estimates.append((taken + smoothing) / (len(others) + smoothing * arms))
    return estimates


@pytest.mark.parametrize("folds", [1, 2, 5])
@pytest.mark.parametrize("strata", [1, 3])
def test_estimates_equal_a_plain_loop(folds: int, strata: int) -> None:
    rng = np.random.default_rng(3)
    action, stratum = rng.integers(0, 4, 60), rng.integers(0, strata, 60)
    found = propensities_from_counts(action, 4, smoothing=0.5, folds=folds, stratum=stratum)
    np.testing.assert_allclose(found, loop(action.tolist(), 4, 0.5, folds, stratum.tolist()), rtol=1e-15)


def test_estimates_find_the_chances_that_made_the_log() -> None:
    chances = np.array([0.6, 0.3, 0.1])
    action = np.random.default_rng(5).choice(3, size=20_000, p=chances)
    found = propensities_from_counts(action, 3)
    # Five standard errors of a share of 16,000 rows: 5 * sqrt(0.25 / 16000) = 0.02.
    np.testing.assert_allclose(found, chances[action], atol=0.02)


def test_every_estimate_is_a_chance_even_for_an_action_seen_once() -> None:
    found = propensities_from_counts(np.array([0] * 50 + [1]), 2)
    assert ((found > 0) & (found < 1)).all()


def test_folds_are_even_and_do_not_hang_on_what_else_is_there() -> None:
    ids = np.arange(100_000)
    counts = np.bincount(fold_of(ids, 5))
    # Five standard deviations of a binomial count with p = 1/5.
    assert np.abs(counts - 20_000).max() < 5 * (100_000 * 0.16) ** 0.5
    assert (fold_of(ids[500:600], 5) == fold_of(ids, 5)[500:600]).all()
    assert (fold_of(ids, 5, seed=1) != fold_of(ids, 5)).any()
