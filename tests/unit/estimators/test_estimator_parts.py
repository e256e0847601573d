"""The parts of an estimate against plain loops and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetake.errors import ShapeError
from onetake.estimators import (
    ActionTable,
    Contributions,
    DirectMethod,
    DoublyRobust,
    Interval,
    TabularRewardModel,
    TargetPolicy,
    Thresholds,
    make,
)
from onetake.estimators.intervals import bootstrap
from onetake.estimators.target import mean_under, visits
from onetake.seeding import fold_of
from onetake.types import LoggedDecisions

pytestmark = pytest.mark.estimators

ALL = Thresholds(refuse_ess=0, refuse_overlap=0)


def shelf(count: int, seed: int, slots: int = 2, arms: int = 3) -> LoggedDecisions:
    rng = np.random.default_rng(seed)
    return LoggedDecisions(
        np.zeros((count, 0)),
        rng.integers(0, arms, count),
        rng.normal(size=count),
        rng.uniform(0.1, 1.0, count),
        num_actions=arms,
        slot=rng.integers(0, slots, count),
        num_slots=slots,
    )


def loop(log: LoggedDecisions, pi: np.ndarray, smoothing: float, folds: int) -> dict[str, float]:
    """All four estimates with nothing but Python's own arithmetic."""
    n, fold = len(log.action), fold_of(np.arange(len(log.action)), folds).tolist()
    assert log.slot is not None
    rows = list(zip(log.action.tolist(), log.slot.tolist(), log.reward.tolist(), log.propensity.tolist(), strict=True))

    def model(i: int, arm: int) -> float:
        others = [rows[j] for j in range(n) if folds == 1 or fold[j] != fold[i]]
        mean = math.fsum(r for _, _, r, _ in others) / len(others)
        cell = [r for a, s, r, _ in others if a == arm and s == rows[i][1]]
        return (math.fsum(cell) + smoothing * mean) / (len(cell) + smoothing)

    weights = [pi[s, a] / p for a, s, _, p in rows]
    base = [math.fsum(pi[s, arm] * model(i, arm) for arm in range(pi.shape[1])) for i, (_, s, _, _) in enumerate(rows)]
    weighted = math.fsum(w * row[2] for w, row in zip(weights, rows, strict=True))
    residual = math.fsum(w * (r - model(i, a)) for i, (w, (a, _, r, _)) in enumerate(zip(weights, rows, strict=True)))
    return {
        "ips": weighted / n,
        "snips": weighted / math.fsum(weights),
        "dm": math.fsum(base) / n,
        "dr": (math.fsum(base) + residual) / n,
    }


@given(st.integers(0, 10_000), st.integers(2, 60), st.sampled_from([1, 2, 3]), st.floats(0.1, 50.0))
def test_estimates_equal_a_plain_loop(seed: int, count: int, folds: int, smoothing: float) -> None:
    log = shelf(count, seed)
    if len(set(fold_of(np.arange(count), folds).tolist())) < folds:
        return
    table = np.random.default_rng(seed + 1).dirichlet(np.ones(3), size=2)
    policy = TargetPolicy.per_slot("p", table, log)
    wanted = loop(log, table, smoothing, folds)
    model = TabularRewardModel(smoothing, folds)
    for name, value in wanted.items():
        found = {"dm": DirectMethod(reward_model=model), "dr": DoublyRobust(reward_model=model)}.get(name) or make(name)
        estimate = found.estimate(log, policy, interval=Interval("normal"), thresholds=ALL)
        assert estimate.value == pytest.approx(value, rel=1e-10, abs=1e-12), name


@given(st.integers(0, 10_000), st.floats(-100.0, 100.0))
def test_snips_stays_in_the_range_of_rewards_and_moves_with_them(seed: int, shift: float) -> None:
    log, snips, few = shelf(30, seed), make("snips"), {"interval": Interval("normal"), "thresholds": ALL}
    policy = TargetPolicy.uniform(3)
    value = snips.estimate(log, policy, **few).value  # type: ignore[arg-type]  # keywords of one call
    assert log.reward.min() - 1e-12 <= value <= log.reward.max() + 1e-12
    moved = LoggedDecisions(log.context, log.action, log.reward + shift, log.propensity, 3)
    assert snips.estimate(moved, policy, **few).value == pytest.approx(value + shift, abs=1e-9)  # type: ignore[arg-type]  # as above


def test_always_one_arm_with_counted_propensities_is_the_mean_of_the_arm() -> None:
    log = shelf(200, 4, slots=1)
    counts = np.bincount(log.action, minlength=3)
    log = LoggedDecisions(log.context, log.action, log.reward, counts[log.action] / 200, 3)
    for arm in range(3):
        rewards = log.reward[log.action == arm]
        for name in ("ips", "snips"):
            estimate = make(name).estimate(log, TargetPolicy.always(arm, 3))
            assert estimate.value == pytest.approx(rewards.mean(), abs=1e-12)
            assert estimate.effective_sample_size == pytest.approx(len(rewards))
        # The standard error of a mean of m rewards, up to the m against m - 1 of its two definitions.
        snips = make("snips").estimate(log, TargetPolicy.always(arm, 3), interval=Interval("normal"))
        m = len(rewards)
        assert snips.standard_error == pytest.approx(rewards.std() / math.sqrt(m) * math.sqrt(200 / 199), rel=1e-9)


def test_ends_of_a_normal_interval_are_the_textbook_ones() -> None:
    parts = Contributions(np.arange(101.0))
    low, high = Interval("normal", level=0.9).ends(parts)
    half = 1.6448536269514722 * np.arange(101.0).std(ddof=1) / math.sqrt(101)
    assert low == pytest.approx(50 - half)
    assert high == pytest.approx(50 + half)


def test_more_resamples_keep_those_that_fewer_had() -> None:
    parts = Contributions(base=np.random.default_rng(0).normal(size=50))
    np.testing.assert_array_equal(bootstrap(parts, 40, 3), bootstrap(parts, 100, 3)[:40])


def test_resampled_means_spread_as_the_standard_error_says() -> None:
    parts = Contributions(numerator=np.random.default_rng(0).normal(size=400), denominator=np.full(400, 2.0))
    values = bootstrap(parts, 4_000, 1)
    # The spread of 4,000 resamples is known to 1 / sqrt(8000) = 1.1 %; five of those.
    assert values.std() == pytest.approx(parts.standard_error(), rel=0.056)


def test_the_direct_method_knows_how_its_table_varies() -> None:
    # Without smoothing DM of always-a is the mean of arm a, whose standard error is known.
    log = shelf(4_000, 5, slots=1)
    rewards = log.reward[log.action == 1]
    model = TabularRewardModel(smoothing=0, folds=1)
    estimate = DirectMethod(reward_model=model).estimate(log, TargetPolicy.always(1, 3), interval=Interval("normal"))
    assert estimate.value == pytest.approx(rewards.mean(), abs=1e-12)
    assert estimate.standard_error == pytest.approx(rewards.std(ddof=1) / math.sqrt(len(rewards)), rel=2e-3)


def test_a_cell_that_was_never_tried_takes_the_mean() -> None:
    log = LoggedDecisions(np.zeros((4, 0)), np.zeros(4, np.int64), np.array([0.0, 1.0, 1.0, 0.0]), np.ones(4), 2)
    assert TabularRewardModel(smoothing=0, folds=1).fit(log).table.tolist() == [[0.5, 0.5]]


def test_means_under_a_policy_are_the_same_bytes_for_every_way_to_keep_it() -> None:
    rng = np.random.default_rng(2)
    table, rows = rng.dirichlet(np.ones(7), size=4), rng.integers(0, 4, 50)
    numbers, places = rng.normal(size=(3, 7)), rng.integers(0, 3, 50)
    short = mean_under(TargetPolicy("p", table, rows), ActionTable(numbers, places), 50)
    long = mean_under(TargetPolicy("p", table[rows], np.arange(50)), ActionTable(numbers[places], np.arange(50)), 50)
    np.testing.assert_array_equal(short, long)
    np.testing.assert_allclose(short, (table[rows] * numbers[places]).sum(axis=1), rtol=1e-13)


def test_visits_are_the_policys_shares_by_slot() -> None:
    rng = np.random.default_rng(3)
    chances, slot = rng.dirichlet(np.ones(3), size=20), rng.integers(0, 2, 20)
    found = visits(TargetPolicy.per_decision("p", chances), slot, 2)
    np.testing.assert_allclose(found, [chances[slot == s].sum(axis=0) / 20 for s in range(2)], rtol=1e-13)


@pytest.mark.parametrize(
    ("propensity", "told"),
    [
        (np.r_[np.full(96, 0.9), np.full(4, 1e-6)], "effective sample size 4 is below 30"),
        (np.r_[np.full(99, 0.9), 1e-3], "one decision carries"),
        (np.full(100, 0.05), "the mean weight 10 is"),
    ],
)
def test_weights_that_cannot_be_trusted_are_flagged(propensity: np.ndarray, told: str) -> None:
    rng = np.random.default_rng(1)
    log = LoggedDecisions(np.zeros((100, 0)), np.arange(100) % 2, rng.normal(size=100), propensity, 2)
    loose = Thresholds(refuse_ess=0, flag_mean_weight=1e-9 if "mean" in told else 1e9)
    policy = (
        TargetPolicy("p", np.array([[0.5, 0.5]])) if "mean" not in told else TargetPolicy("p", np.array([[0.6, 0.4]]))
    )
    flags = make("ips").estimate(log, policy, thresholds=loose).flags
    assert any(flag.startswith(told) for flag in flags), flags


def test_a_handful_of_weighty_decisions_gets_no_number() -> None:
    # Four decisions carry all the weight: an effective sample size of 4, below the 5 that are asked for.
    log = LoggedDecisions(
        np.zeros((100, 0)), np.r_[np.zeros(4, np.int64), np.ones(96, np.int64)], np.ones(100), np.full(100, 0.5), 2
    )
    for name in ("ips", "snips", "dr"):
        estimate = make(name).estimate(log, TargetPolicy.always(0, 2))
        assert estimate.refused
        assert math.isnan(estimate.value)
        assert estimate.flags == ("effective sample size 4 is below 5",)
    assert not make("dm").estimate(log, TargetPolicy.always(0, 2)).refused


def test_cut_weights_are_counted_and_flagged() -> None:
    log = shelf(100, 6, slots=1)
    estimate = make("ips", clip=0.5).estimate(log, TargetPolicy.uniform(3))
    weights = (1 / 3) / log.propensity
    assert estimate.clipped_share == np.mean(weights > 0.5)
    assert estimate.largest_weight == pytest.approx(weights.max())
    assert any("of the weights are cut" in flag for flag in estimate.flags)


@pytest.mark.bad_input
@pytest.mark.parametrize(
    ("table", "told"),
    [
        (np.array([[0.5, 0.6]]), r"row 0: got a sum of 1\.1; wanted 1"),
        (np.array([[0.5, 0.5], [math.nan, 1.0]]), "row 1, action 0: got nan"),
        (np.array([[1.5, -0.5]]), r"row 0, action 1: got -0\.5"),
        (np.array([0.5, 0.5]), r"got chances of shape \(2,\)"),
    ],
)
def test_chances_that_are_none_are_refused(table: np.ndarray, told: str) -> None:
    with pytest.raises(ShapeError, match=told):
        TargetPolicy("p", table)
