"""Empirical-Bayes pooling: the fitted prior against the one that made the data, and regret on short horizons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from onetake.agents import Thompson
from onetake.agents.bandits.shrinkage import Shrunk
from onetake.types import BatchSpec, Observation, Transitions

pytestmark = pytest.mark.pooling

ENTITIES, REPLICATES, STEPS = 60, 16, 40


def spec() -> BatchSpec:
    entities, replicates = np.arange(ENTITIES, dtype=np.uint32), np.arange(REPLICATES, dtype=np.uint32)
    return BatchSpec("tests/Crowd-v0", entities, replicates, 4, (), STEPS, np.array(0.0), np.array(1.0))


def regret(pooling: Any) -> Any:
    """Regret of each replicate ``(R,)`` where arms are much alike for all entities, as they are in a crowd."""
    rng = np.random.default_rng(1)
    means = np.array([0.08, 0.12, 0.2, 0.05])
    rates = rng.beta(20 * means, 20 * (1 - means), size=(ENTITIES * REPLICATES, 4))
    agent = Thompson(pooling=pooling)
    agent.begin(spec(), seed=3)
    count = len(rates)
    nothing, never, lost = np.empty((count, 0), np.float32), np.zeros(count, bool), np.zeros(count)
    luck, rows = np.random.default_rng(2), np.arange(count)
    for step in range(STEPS):
        action = agent.act(Observation(nothing, step)).action
        reward = (luck.random(count) < rates[rows, action]).astype(np.float64)
        agent.learn(Transitions(step, nothing, action, reward, nothing, never, never))
        lost += rates.max(axis=1) - rates[rows, action]
    return lost.reshape(REPLICATES, -1).sum(axis=1)


def test_what_is_known_of_the_others_lowers_regret_on_a_short_horizon() -> None:
    alone, partial = regret("none"), regret("partial")
    assert stats.ttest_rel(alone, partial, alternative="greater").pvalue < 0.01
    assert partial.mean() < 0.75 * alone.mean()


def test_the_fitted_prior_is_the_one_that_made_the_data() -> None:
    rng = np.random.default_rng(4)
    trials = rng.integers(5, 60, (1, 1, 4000)).astype(np.float64)
    rates = rng.beta(6.0, 14.0, (1, 1, 4000))
    mean, strength = Shrunk(1, 1.0, 1.0).prior(rng.binomial(trials.astype(int), rates).astype(np.float64), trials)
    # Standard errors of 4,000 learners: 0.002 of the mean, and about 3 % of the strength.
    assert mean[0, 0] == pytest.approx(0.3, abs=0.01)
    assert strength[0, 0] == pytest.approx(20.0, rel=0.15)


def test_a_prior_is_never_worth_more_trials_than_were_seen_nor_less_than_the_first_belief() -> None:
    alike = np.full((1, 1, 5), 4.0)
    mean, strength = Shrunk(1, 1.0, 1.0).prior(alike / 2, alike)
    assert (mean[0, 0], strength[0, 0]) == (0.5, 20.0)
    mean, strength = Shrunk(1, 1.0, 3.0).prior(np.zeros((1, 1, 5)), np.zeros((1, 1, 5)))
    assert (mean[0, 0], strength[0, 0]) == (0.25, 4.0)
    unlike = np.array([0.0, 4.0, 0.0, 4.0, 4.0])[None, None]
    assert Shrunk(1, 1.0, 1.0).prior(unlike, alike)[1][0, 0] == 2.0


def test_pooled_agents_say_that_replicates_may_not_be_cut() -> None:
    assert Thompson(pooling="partial").coupling == "replicate"
    agent = Thompson(pooling="partial")
    agent.begin(spec(), seed=3)
    every = np.full(ENTITIES * REPLICATES, 2)
    nothing, never = np.empty((len(every), 0), np.float32), np.zeros(len(every), bool)
    reward = (np.arange(len(every)) < ENTITIES).astype(np.float64)  # of the first replicate alone
    agent.learn(Transitions(0, nothing, every, reward, nothing, never, never))
    chances = agent.action_probabilities(Observation(nothing, 1))
    assert (chances[:ENTITIES, 2] > 0.9).all()
    assert (chances[ENTITIES:, 2] < 0.1).all()
