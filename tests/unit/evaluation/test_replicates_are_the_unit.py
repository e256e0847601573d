"""A pooled learner and a shared walk tie the entities of a replicate: only replicates may be counted as independent."""

from __future__ import annotations

import numpy as np
import pytest

from onetake.agents import make
from onetake.envs.suite import EnvironmentEntry, Suite
from onetake.evaluation import EvaluationSettings, run
from onetake.evaluation.aggregates import mean_score
from onetake.evaluation.resampling import Units, bootstrap, percentile_interval, t_interval
from onetake.types import Float64

pytestmark = pytest.mark.paired

WORLDS, REPLICATES, SHOPS = 300, 5, 12
# Three binomial standard errors of a coverage of 95 % over 300 worlds.
MARGIN = 3 * float(np.sqrt(0.95 * 0.05 / WORLDS))


@pytest.fixture(scope="module")
def gains() -> Float64:
    """What a pooled learner earned more than the arm in use ``(worlds, replicates, entities)``."""
    walk = {"kind": "random_walk", "start": 1.0, "step": 0.1, "low": 0.5, "high": 1.5, "scope": "replicate"}
    shops = EnvironmentEntry(
        "shops",
        "cohort",
        {"size": 60, "q": [0.30, 0.33], "modifiers": [walk]},
        entities=SHOPS,
        replicates=WORLDS * REPLICATES,
        steps=8,
    )
    agents = {"pooled": make("thompson-v0", pooling="full"), "first": make("fixed-v0", action=0)}
    played = run(agents, Suite("shops", "test", 0, (shops,)), EvaluationSettings(resamples=100, curve_points=2))
    rows = played.segments.sort("agent", "replicate", "segment").partition_by("agent", as_dict=True)
    paid = {agent: part["realised"].to_numpy() for (agent,), part in rows.items()}
    return (paid["pooled"] - paid["first"]).reshape(WORLDS, REPLICATES, SHOPS)


def coverage(experiments: Float64, truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in map(t_interval, experiments)]))


def test_intervals_over_replicates_cover_and_those_over_entities_visibly_fail(gains: Float64) -> None:
    # All 1,500 replicates tell the truth 17 times as well as the five of a world: it may stand for the mean.
    truth = float(gains.mean())
    assert coverage(gains.mean(axis=2), truth) == pytest.approx(0.95, abs=MARGIN)
    assert coverage(gains.reshape(WORLDS, -1), truth) < 0.6


def test_the_widened_bootstrap_over_replicates_covers_too(gains: Float64) -> None:
    truth, units = float(gains.mean()), [Units("shops", 1, REPLICATES)]
    hits = []
    for world in gains.mean(axis=2):
        low, high = percentile_interval(bootstrap([world], units, mean_score, resamples=1_000, seed=1), units=units)
        hits.append(low <= truth <= high)
    # With five units a resample takes few values: its ends lie on a grid, which costs or gains up to two per cent.
    assert np.mean(hits) == pytest.approx(0.95, abs=MARGIN + 0.02)
