"""Tail risk: CVaR, the chance of being worse, drawdown and payback, each against a loop that says what it is."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from onetake.envs.suite import Suite
from onetake.evaluation import EvaluationSettings, run
from onetake.evaluation.tail_risk import clopper_pearson, drawdown, expected_shortfall, payback, tail_risk
from onetake.types import Float64

pytestmark = pytest.mark.tail_risk


def test_shortfall_is_the_mean_beyond_the_quantile_of_a_normal_law() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, size=400_000)
    z = stats.norm.ppf(0.1)
    # phi(z) / 0.1 is the normal CVaR; the mean of 40,000 tail values has the standard error 2 * 0.4 / 200.
    assert expected_shortfall(values) == pytest.approx(10.0 - 2.0 * stats.norm.pdf(z) / 0.1, abs=3 * 0.004)


def test_shortfall_solves_its_own_optimisation() -> None:
    # Rockafellar and Uryasev: CVaR of losses is the least of c + E[(loss - c)+] / tail.
    values = np.random.default_rng(2).normal(size=37)
    losses = -values
    least = min(c + np.maximum(losses - c, 0).mean() / 0.1 for c in losses)
    assert expected_shortfall(values) == pytest.approx(-least, abs=1e-12)


def plain_drawdown(path: Float64) -> float:
    best = deepest = 0.0
    for value in path:
        best = max(best, value)
        deepest = max(deepest, best - value)
    return deepest


def plain_payback(path: Float64, steps: Float64) -> float:
    behind = [i for i, value in enumerate(path) if value < 0]
    if not behind:
        return 0.0
    return math.inf if behind[-1] == len(path) - 1 else float(steps[behind[-1] + 1])


def test_drawdown_and_payback_equal_plain_loops() -> None:
    rng = np.random.default_rng(3)
    paths, steps = rng.normal(0.05, 1.0, size=(200, 40)).cumsum(axis=1), np.arange(1.0, 41.0) * 3
    np.testing.assert_allclose(drawdown(paths), [plain_drawdown(path) for path in paths], rtol=1e-12)
    assert payback(paths, steps).tolist() == [plain_payback(path, steps) for path in paths]


def test_the_interval_of_a_chance_is_scipys_exact_one() -> None:
    for hits, trials in ((0, 5), (2, 9), (9, 9)):
        ends = stats.binomtest(hits, trials).proportion_ci(0.95, method="exact")
        assert clopper_pearson(hits, trials) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_a_run_tells_the_risk_of_every_agent_against_the_incumbent(simulated_suite: Suite) -> None:
    result = run(["random-v0", "thompson-v0"], simulated_suite, EvaluationSettings(resamples=100, curve_points=50))
    found = result.scorecard("simulated")["tail_risk"]
    summary = result.summary.sort("replicate")
    for row in found.filter(pl.col("agent") != "incumbent").iter_rows(named=True):
        here = summary.filter(pl.col("environment") == row["environment"])
        paid = {
            agent: here.filter(pl.col("agent") == agent)["realised"].to_numpy() for agent in (row["agent"], "incumbent")
        }
        gap = paid[row["agent"]] - paid["incumbent"]
        # Three draws of two seeds each on `drawn`; four replicates on `cohorts`.
        units = gap.reshape(3, 2).mean(axis=1) if row["environment"] == "drawn" else gap
        assert row["units"] == len(units)
        assert row["worse_chance"] == pytest.approx(float(np.mean(units < 0)))
        assert row["cvar"] == pytest.approx(paid[row["agent"]].min())
        assert row["deepest_drawdown"] >= max(0.0, -gap.min())


def test_who_plays_as_the_incumbent_has_no_drawdown_and_is_never_worse() -> None:
    from onetake.envs.suite import EnvironmentEntry

    shop = EnvironmentEntry("hats", "cohort", {"size": 30, "q": [0.2, 0.3]}, entities=3, replicates=5, steps=8)
    suite = Suite("shop", "test", 0, (shop,), incumbent={"action": 1})
    from onetake.agents import make

    result = run({"same": make("fixed-v0", action=1)}, suite, EvaluationSettings(resamples=100))
    row = result.scorecard("shop")["tail_risk"].filter(pl.col("agent") == "same").row(0, named=True)
    assert (row["worse_chance"], row["deepest_drawdown"], row["payback_step"], row["paid_back"]) == (0, 0, 0, 1)
    assert row["worse_high"] == pytest.approx(1 - 0.025 ** (1 / 5))


def test_without_an_incumbent_only_the_tail_itself_is_told() -> None:
    from onetake.envs.suite import EnvironmentEntry

    shop = EnvironmentEntry("hats", "cohort", {"size": 30, "q": [0.2, 0.3]}, entities=3, replicates=5, steps=8)
    result = run("random-v0", Suite("shop", "test", 0, (shop,)), EvaluationSettings(resamples=100))
    found = tail_risk(result.summary, result.curves)
    assert found["cvar"].null_count() == 0
    assert found["cvar_difference"].null_count() == len(found)
