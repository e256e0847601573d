"""What every registered estimator does, whatever it is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from onetake.errors import ConfigError, EstimateError, OnetakeError, ShapeError, UnknownIdError
from onetake.estimators import Interval, TargetPolicy, Thresholds, make, registered
from onetake.types import LoggedDecisions

pytestmark = pytest.mark.estimators

NORMAL = Interval("normal")


def coins(count: int, seed: int, rates: tuple[float, ...] = (0.2, 0.5, 0.8)) -> LoggedDecisions:
    """Coins with known rates, tossed with chances that hang on a seen context."""
    rng = np.random.default_rng(seed)
    context = rng.integers(0, 2, count)
    chances = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])[context]
    action = (rng.random(count)[:, None] > np.cumsum(chances, axis=1)).sum(axis=1)
    reward = (rng.random(count) < np.array(rates)[action]).astype(np.float64)
    return LoggedDecisions(
        context[:, None].astype(np.float64), action, reward, chances[np.arange(count), action], num_actions=3
    )


def estimator(name: str) -> Any:
    plain = ("ips", "snips", "mips", "tuned")
    return make(name) if name in plain else make(name, reward_model={"type": "tabular", "smoothing": 1.0})


@pytest.mark.parametrize("name", registered())
def test_the_known_value_of_a_policy_lies_near_the_estimate(name: str) -> None:
    target = TargetPolicy("mostly the best", np.array([[0.1, 0.2, 0.7]]))
    estimate = estimator(name).estimate(coins(20_000, 1), target, interval=NORMAL)
    truth = 0.1 * 0.2 + 0.2 * 0.5 + 0.7 * 0.8
    # Four standard errors, and 0.002 for the pull of the reward model's smoothing.
    assert abs(estimate.value - truth) < 4 * estimate.standard_error + 0.002
    assert estimate.standard_error < 0.02


@pytest.mark.parametrize("name", ["ips", "snips", "dr"])
def test_on_the_logging_policy_itself_the_estimate_is_the_mean(name: str) -> None:
    log = coins(500, 2)
    flat = replace(log, propensity=np.full(500, 1 / 3))
    found = make(name, **({"reward_model": {"type": "tabular", "folds": 1, "smoothing": 0}} if name == "dr" else {}))
    estimate = found.estimate(flat, TargetPolicy.uniform(3), interval=NORMAL)
    if name != "dr":
        assert estimate.value == pytest.approx(log.reward.mean(), abs=1e-12)
    else:
        # A same-rows table without smoothing leaves no residual: DR is then DM, the mean of the arms' means.
        means = [log.reward[log.action == a].mean() for a in range(3)]
        assert estimate.value == pytest.approx(np.mean(means), abs=1e-12)
    assert estimate.effective_sample_size == pytest.approx(500)


@pytest.mark.parametrize("name", registered())
def test_intervals_cover_the_truth_as_often_as_they_say(name: str) -> None:
    target = TargetPolicy("mostly the best", np.array([[0.1, 0.2, 0.7]]))
    truth, hits, logs = 0.68, 0, 200
    for seed in range(logs):
        estimate = estimator(name).estimate(coins(400, seed + 10), target, interval=NORMAL)
        hits += estimate.low <= truth <= estimate.high
    # Binomial(200, 0.95) is below 0.89 or above 0.995 once in 5,000; a smoothed model and ratio bias take a little.
    assert 0.88 <= hits / logs <= 0.999


@pytest.mark.parametrize("name", registered())
def test_bootstrap_and_normal_intervals_agree_on_a_large_log(name: str) -> None:
    log, target = coins(4_000, 3), TargetPolicy.uniform(3)
    normal = estimator(name).estimate(log, target, interval=NORMAL)
    boot = estimator(name).estimate(log, target, interval=Interval(resamples=2_000, seed=4))
    # An end of a percentile interval from 2,000 resamples has an error of about 0.06 standard errors.
    assert abs(boot.low - normal.low) < 0.3 * normal.standard_error
    assert abs(boot.high - normal.high) < 0.3 * normal.standard_error


@pytest.mark.parametrize("name", registered())
def test_equal_seeds_give_equal_bytes_and_others_do_not(name: str) -> None:
    log, target = coins(300, 5), TargetPolicy.uniform(3)
    first = estimator(name).estimate(log, target, interval=Interval(seed=1))
    assert estimator(name).estimate(log, target, interval=Interval(seed=1)) == first
    assert estimator(name).estimate(log, target, interval=Interval(seed=2)).low != first.low


@pytest.mark.parametrize("name", registered())
def test_estimates_do_not_hang_on_how_the_policy_is_kept(name: str) -> None:
    log, chances = coins(300, 6), np.array([[0.1, 0.2, 0.7]])
    one = estimator(name).estimate(log, TargetPolicy("p", chances), interval=NORMAL)
    dense = TargetPolicy.per_decision("p", np.repeat(chances, 300, axis=0))
    assert estimator(name).estimate(log, dense, interval=NORMAL) == one


@pytest.mark.parametrize("name", registered())
def test_a_policy_that_the_log_never_tried_gets_no_number(name: str) -> None:
    log = coins(300, 7)
    unseen = replace(log, num_actions=4)
    estimate = estimator(name).estimate(unseen, TargetPolicy.always(3, 4), interval=NORMAL)
    assert estimate.refused
    assert math.isnan(estimate.value)
    assert any("overlap 0" in flag for flag in estimate.flags)


@pytest.mark.parametrize("name", registered())
def test_without_propensities_only_unweighted_estimators_give_a_number(name: str) -> None:
    log = replace(coins(300, 8), propensity=np.full(300, np.nan), propensity_kind="none")
    estimate = estimator(name).estimate(log, TargetPolicy.uniform(3), interval=NORMAL)
    assert estimate.refused == (name != "dm")
    assert math.isnan(estimate.value) == (name != "dm")


@pytest.mark.parametrize("name", registered())
def test_what_was_declared_of_the_log_is_flagged(name: str) -> None:
    log = replace(coins(300, 9), assignment="observational", marks=("it learned",), propensity_kind="estimated")
    flags = estimator(name).estimate(log, TargetPolicy.uniform(3), interval=NORMAL).flags
    assert "assignment is observational: no causal value" in flags
    assert "it learned" in flags
    assert ("propensities are estimated" in flags) == (name != "dm")


@pytest.mark.bad_input
@pytest.mark.parametrize("name", registered())
@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"reward": np.full(10, np.nan)}, EstimateError, "reward, row 0: got nan; wanted a finite number"),
        ({"reward": np.zeros(9)}, ShapeError, r"reward: got shape \(9,\); wanted \(10,\)"),
        ({"propensity": np.zeros((10, 1))}, ShapeError, "propensity: got shape"),
        ({"action": np.full(10, 3)}, ShapeError, "action, row 0: got 3; wanted an index below 3"),
        ({"slot": np.full(10, 1)}, ShapeError, "slot, row 0: got 1; wanted an index below 1"),
        ({"num_actions": 4}, ShapeError, "got 3 actions; wanted 4"),
        ({"propensity_kind": "density"}, EstimateError, "got densities"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    name: str, changes: dict[str, Any], error: type[OnetakeError], told: str
) -> None:
    with pytest.raises(error, match=told):
        estimator(name).estimate(replace(coins(10, 1), **changes), TargetPolicy.uniform(3))


@pytest.mark.bad_input
@pytest.mark.parametrize("name", sorted({*registered()} - {"dm"}))
@pytest.mark.parametrize("bad", [0.0, -0.1, 1.5, float("nan")])
def test_a_weight_by_no_chance_is_refused(name: str, bad: float) -> None:
    log = coins(10, 1)
    propensity = log.propensity.copy()
    propensity[4] = bad
    with pytest.raises(EstimateError, match=r"propensity, row 4: got .*; wanted a number in \(0, 1\]"):
        make(name).estimate(replace(log, propensity=propensity), TargetPolicy.uniform(3))


@pytest.mark.bad_input
def test_one_decision_is_too_few() -> None:
    one = LoggedDecisions(np.zeros((1, 0)), np.array([0]), np.ones(1), np.ones(1), num_actions=1)
    with pytest.raises(EstimateError, match="got 1 decisions; wanted at least 2"):
        make("ips").estimate(one, TargetPolicy.uniform(1))


@pytest.mark.bad_params
@pytest.mark.parametrize(
    ("name", "settings", "error", "told"),
    [
        ("ibs", {}, UnknownIdError, "type: got 'ibs'; nearest: ips"),
        ("ips", {"clip": 0.0}, ConfigError, r"clip: got 0\.0"),
        ("ips", {"clip": math.nan}, ConfigError, "clip: got nan"),
        ("dm", {"clip": 1.0}, ConfigError, "dm has no weights"),
        ("ips", {"cut": 1.0}, ConfigError, "ips: got settings cut; wanted those of IPS"),
        (
            "dr",
            {"reward_model": {"type": "tabula"}},
            UnknownIdError,
            "reward_model.type: got 'tabula'; nearest: tabular",
        ),
        ("dr", {"reward_model": {"type": "tabular", "smoothing": -1}}, ConfigError, "smoothing: got -1"),
        ("dr", {"reward_model": {"type": "tabular", "folds": 0}}, ConfigError, "folds: got 0"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, Any], error: type[OnetakeError], told: str) -> None:
    with pytest.raises(error, match=told):
        make(name, **settings)


@pytest.mark.bad_params
def test_bad_intervals_and_thresholds_are_refused() -> None:
    for settings in ({"method": "exact"}, {"level": 1.0}, {"resamples": 1}):
        with pytest.raises(ConfigError, match="interval"):
            Interval(**settings)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ConfigError, match=r"thresholds\.flag_ess: got nan"):
        Thresholds(flag_ess=math.nan)
