"""Aggregates and intervals against rliable's own numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onetake.evaluation import aggregates
from onetake.evaluation.resampling import Units, bootstrap, percentile_interval
from onetake.types import Float64

pytestmark = pytest.mark.rliable

POINTS = {
    "iqm": aggregates.interquartile_mean,
    "mean": aggregates.mean_score,
    "median": aggregates.median_score,
    "optimality_gap": aggregates.optimality_gap,
}


@pytest.fixture(scope="module")
def tensor(shared: Path) -> dict[str, list[Float64]]:
    """Scores of three agents, one array of 5 runs for each of 26 tasks."""
    with np.load(shared / "rliable" / "scores.npz") as scores:
        return {name: list(np.ascontiguousarray(scores[name].T)) for name in scores.files}


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((shared / "rliable" / "reference.json").read_text())["results"]
    return results


def test_point_estimates_equal_those_of_rliable(tensor: dict[str, list[Float64]], reference: dict[str, Any]) -> None:
    for agent, strata in tensor.items():
        for name, aggregate in POINTS.items():
            assert float(aggregate(strata)) == pytest.approx(reference[agent][name]["point"], abs=1e-12)


def test_plain_percentile_intervals_equal_those_of_rliable(
    tensor: dict[str, list[Float64]], reference: dict[str, Any]
) -> None:
    units = [Units(f"task {i}", draws=1, seeds=5) for i in range(26)]
    for agent, strata in tensor.items():
        for name, aggregate in POINTS.items():
            known = reference[agent][name]
            resampled = bootstrap(strata, units, aggregate, resamples=20_000, seed=1)
            # The share of resamples below an end is binomial, in ours and in the mean of three runs of theirs: its
            # standard error, four times, says between which of our quantiles their end must lie.
            error = 4 * np.sqrt(0.025 * 0.975 / 20_000 * (1 + 1 / 3))
            inner = percentile_interval(resampled, level=0.95 - 2 * error)
            outer = percentile_interval(resampled, level=0.95 + 2 * error)
            assert outer.low <= known["ci95_low"] <= inner.low
            assert inner.high <= known["ci95_high"] <= outer.high


def test_improvement_and_profiles_equal_those_of_rliable(
    tensor: dict[str, list[Float64]], reference: dict[str, Any]
) -> None:
    for pair, known in reference["probability_of_improvement"].items():
        first, second = pair[2], pair[4]
        got = aggregates.probability_of_improvement(tensor[first], tensor[second])
        assert float(got) == pytest.approx(known, abs=1e-12)
    profile = reference["performance_profile"]
    for agent, known in profile["fraction_of_runs_above"].items():
        got = aggregates.performance_profile(tensor[agent], np.array(profile["tau"]))
        np.testing.assert_allclose(got, known, atol=1e-12)


def test_aggregates_take_a_whole_bootstrap_at_once() -> None:
    rng = np.random.default_rng(3)
    strata = [rng.normal(size=(7, 4)), rng.normal(size=(7, 9))]
    for aggregate in POINTS.values():
        singly = [float(aggregate([stratum[i] for stratum in strata])) for i in range(7)]
        np.testing.assert_allclose(aggregate(strata), singly, atol=1e-14)


def test_chance_of_beating_oneself_is_one_half() -> None:
    scores = [np.array([0.1, 0.5, 0.9]), np.array([2.0, 2.0])]
    assert float(aggregates.probability_of_improvement(scores, scores)) == pytest.approx(0.5)
